"""What goes wrong, and when the process ends. `Fate` lets everything succeed; `Weather` draws lots.

A fate is asked at every point where the world may fail us: each commit, each request to the carrier, each answer of
ours.
"""

import random
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field

from escalator.phone.carrier import Accepted, NotSent, PlaceOutcome, Refused, Scope, Unclear

POST_SECONDS = 15.0  # D: no request is under way for longer
LAG_SECONDS = 10.0  # L: what the carrier has made is on its list after so long


@dataclass(frozen=True)
class Posting:
    """What becomes of one request for a call. `arrives`: after how many seconds the carrier makes `makes` calls.

    `outcome` None: accepted, as soon as it answers.
    """

    arrives: float = 0.1
    makes: int = 1
    answers: float = 0.2
    outcome: PlaceOutcome | None = None


@dataclass(frozen=True)
class Person:
    """How a phone is answered. `keys` are pressed one a prompt; None is silence."""

    how: str = "answers"  # answers, busy, no-answer, failed, machine
    after: float = 5.0
    keys: Sequence[str | None] = ("4",)


@dataclass
class Fate:
    """Nothing goes wrong, everybody answers and presses 4. `people` overrules that by number."""

    people: dict[str, Person] = field(default_factory=dict)

    def ends(self, point: str) -> bool:
        """Whether the process ends at this point."""
        return False

    def disk_fault(self) -> int:
        """SQLite's code for why this commit fails; 0 when it succeeds."""
        return 0

    def commit_seconds(self) -> float:
        return 0.0

    def stands_still(self, batch: str) -> float:
        """For how many seconds the machine sleeps right after this batch was committed."""
        return 0.0

    def chance(self) -> float:
        """A number from 0 up to 1, for whoever spreads out what they do."""
        return 0.5

    def posting(self, to: str) -> Posting:
        return Posting()

    def letter_posting(self, to: str) -> Posting:
        """As `posting`, for a message."""
        return Posting()

    def writes_back(self, to: str) -> str:
        """The key that whoever gets a message answers it with; "" for nothing."""
        return ""

    def list_lag(self) -> float:
        return 0.0

    def is_readable(self, what: str) -> bool:
        """Whether a question (list, read, end) is answered."""
        return True

    def is_ended_all_the_same(self) -> bool:
        """Whether the carrier did what we asked although its answer got lost."""
        return False

    def person(self, to: str) -> Person:
        return self.people.get(to, Person())

    def deliveries(self, kind: str) -> Sequence[float]:
        """After how many seconds each copy of a status callback arrives; none: it is lost."""
        return (0.0,)

    def is_heard(self) -> bool:
        """Whether a request for instructions reaches us, and its answer the carrier."""
        return True


@dataclass(frozen=True)
class Climate:
    """How likely each fault is."""

    dies: float = 0.0
    disk: float = 0.0
    slow_disk: float = 0.0
    sleep: float = 0.0
    post: float = 0.0
    questions: float = 0.0
    callbacks: float = 0.0
    nobody: float = 0.5


CLIMATES = (
    Climate(),
    Climate(dies=0.02),
    Climate(post=0.5, callbacks=0.3),
    Climate(post=0.7, callbacks=0.9, questions=0.3),
    Climate(questions=0.9, callbacks=0.9, post=0.5, dies=0.01),
    Climate(disk=0.3, slow_disk=0.2),
    Climate(disk=0.9, post=0.2),
    Climate(sleep=0.05, callbacks=0.3),
    Climate(dies=0.05, disk=0.05, slow_disk=0.1, post=0.4, questions=0.3, callbacks=0.5),
)
HEALTHY = Climate(nobody=0.0)
DEAF = Climate(nobody=1.0)
_FSYNC_FAILED = sqlite3.SQLITE_IOERR | (4 << 8)
_DISK = (
    *[sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_READONLY] * 3,
    _FSYNC_FAILED,
)
_KEYS = (
    ("4",),
    (None, "4"),
    ("5",),
    ("6",),
    ("9",),
    ("1", "1", "1"),
    ("*", "4"),
    (None, None, None),
)


class Weather(Fate):
    """Lots, drawn from one source of chance. `faults` counts what went wrong, by kind."""

    def __init__(self, rng: random.Random):
        super().__init__()
        self.rng = rng
        self.climate = CLIMATES[0]
        self.faults: dict[str, int] = {}

    def turn(self) -> None:
        """The weather changes."""
        self.climate = self.rng.choice(CLIMATES)

    def _strikes(self, chance: float, kind: str) -> bool:
        is_so = chance > 0 and self.rng.random() < chance
        if is_so:
            self.faults[kind] = self.faults.get(kind, 0) + 1
        return is_so

    def ends(self, point: str) -> bool:
        return self._strikes(self.climate.dies, "crash")

    def disk_fault(self) -> int:
        return self.rng.choice(_DISK) if self._strikes(self.climate.disk, "disk") else 0

    def stands_still(self, batch: str) -> float:
        sleeps = self._strikes(self.climate.sleep, "suspended")
        return self.rng.choice((1.0, 2.5, 40.0, 900.0)) if sleeps else 0.0

    def chance(self) -> float:
        return self.rng.random()

    def commit_seconds(self) -> float:
        slow = self._strikes(self.climate.slow_disk, "slow disk")
        return self.rng.uniform(0.5, 8.0) if slow else 0.0

    def posting(self, to: str) -> Posting:
        arrives = self.rng.uniform(0.02, 0.5)
        if not self._strikes(self.climate.post, "post"):
            return Posting(arrives=arrives, answers=arrives + self.rng.uniform(0.0, 1.0))
        late = self.rng.uniform(0.0, POST_SECONDS)
        kind = self.rng.choice(
            (
                "slow",
                "lost",
                "lost",
                "lost",
                "5xx",
                "refused-connection",
                "429",
                "bad-number",
                "account",
                "double",
            )
        )
        self.faults[kind] = self.faults.get(kind, 0) + 1
        match kind:
            case "slow":
                return Posting(arrives=late, answers=self.rng.uniform(late, POST_SECONDS))
            case "lost":
                gives_up = self.rng.choice((self.rng.uniform(0.1, POST_SECONDS), POST_SECONDS))
                return Posting(arrives=late, answers=gives_up, outcome=Unclear("no answer in time"))
            case "double":
                return Posting(arrives=arrives, makes=2, answers=arrives + 1.0)
        return Posting(makes=0, answers=arrives, outcome=_no(kind, self.rng))

    def list_lag(self) -> float:
        return self.rng.choice((0.0, self.rng.uniform(0.0, LAG_SECONDS), LAG_SECONDS))

    def is_readable(self, what: str) -> bool:
        return not self._strikes(self.climate.questions, what)

    def is_ended_all_the_same(self) -> bool:
        return self.rng.random() < 0.5

    def person(self, to: str) -> Person:
        after = self.rng.uniform(1.0, 20.0)
        if self.climate in (HEALTHY, DEAF):
            return Person(how="no-answer" if self.climate is DEAF else "answers", after=after)
        if self.rng.random() < self.climate.nobody:
            how = self.rng.choice(("busy", "no-answer", "no-answer", "failed", "machine"))
            return Person(how=how, after=after)
        return Person(after=after, keys=self.rng.choice(_KEYS))

    def deliveries(self, kind: str) -> Sequence[float]:
        if not self._strikes(self.climate.callbacks, "callback"):
            return (0.0,)
        some = [self.rng.choice((0.0, self.rng.uniform(0.0, 90.0))) for _ in range(2)]
        return some[: self.rng.choice((0, 0, 1, 2))]

    def is_heard(self) -> bool:
        return not self._strikes(self.climate.callbacks / 2, "prompt")


def _no(kind: str, rng: random.Random) -> PlaceOutcome:
    match kind:
        case "5xx":
            return Unclear("HTTP 500")
        case "refused-connection":
            return NotSent("connection refused")
        case "429":
            waits = rng.choice((None, 1.0, 60.0))
            return NotSent("the carrier has too much to do", waits, too_many=True)
        case "bad-number":
            return Refused(21211, "not a phone number", Scope.NUMBER)
        case _:
            return Refused(20003, "authentication failed", Scope.ACCOUNT)


def accepted(sid: str) -> Accepted:
    return Accepted(sid, "queued")
