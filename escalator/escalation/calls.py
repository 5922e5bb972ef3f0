"""What a call is: one try to reach one number, with everything it carries.

A call is placed by one POST; a POST whose fate is unclear is settled, and only then followed by
another, with a token of its own. So a call has one `Post` nearly always, and never two phones
ringing that we could have known of.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CallKind(StrEnum):
    """Why somebody's phone rings."""

    PAGE = "page"
    DIRECT = "direct"
    DRILL = "drill"


class CallState(StrEnum):
    """Where a call stands. It only ever moves down this list, save that an unsent or settled POST
    is planned again.
    """

    PLANNED = "planned"
    POSTING = "posting"
    UNCLEAR = "unclear"
    QUEUED = "queued"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    ENDED = "ended"


class CallOutcome(StrEnum):
    """How a call ended."""

    ACKNOWLEDGED = "acknowledged"
    HEARD = "heard"
    UNHEARD = "unheard"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    FAILED = "failed"
    CANCELED = "canceled"
    REFUSED = "refused"
    MACHINE = "machine"
    LOST = "lost"


LIVE = frozenset(
    {
        CallState.POSTING,
        CallState.UNCLEAR,
        CallState.QUEUED,
        CallState.RINGING,
        CallState.IN_PROGRESS,
    }
)
BOUND = frozenset({CallState.QUEUED, CallState.RINGING, CallState.IN_PROGRESS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One POST to the carrier: the hash of its token, when its intent was committed, the SID it
    turned out to have.
    """

    token_hash: str
    at: datetime
    sid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPage:
    """A page that travels in a call, as number `n` (from 1). `joined` pages came in after the call
    was placed. `also`: that its person pressed acknowledge is on record.
    """

    n: int
    incident_id: str
    person: str
    is_open: bool = True
    told: bool = False
    joined: bool = False
    also: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A call at the carrier that has to be ended; `cut` even in conversation (a surplus call, a
    machine).
    """

    sid: str
    cut: bool
    due_at: datetime
    tries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """What a direct call says: one `<Say>` with these attributes."""

    say: str
    voice: str
    language: str
    loop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRequest:
    """The carrier's request for the call's instructions, kept as it came in."""

    at: datetime
    content_type: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One try to reach one number.

    `sid` is the carrier's id of the call we follow; `heard_at` when it was last heard of; `lasts`
    the seconds after which a silent call is given up as lost; `acted` whether a key took an
    incident.
    """

    id: str
    kind: CallKind
    to: str
    person: str
    created_at: datetime
    lasts: float
    from_: str = ""
    state: CallState = CallState.PLANNED
    outcome: CallOutcome | None = None
    sid: str = ""
    posts: tuple[Post, ...] = ()
    pages: tuple[CallPage, ...] = ()
    endings: tuple[Ending, ...] = ()
    posted_at: datetime | None = None
    unclear_at: datetime | None = None
    heard_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    duration: int | None = None
    error_code: int | None = None
    error_message: str = ""
    timer_at: datetime | None = None
    not_sent: int = 0
    acted: bool = False
    machine: bool = False
    prompts: int = 0
    ambiguous: int = 0
    speech: Speech | None = None
    answer_request: AnswerRequest | None = None

    @property
    def due_at(self) -> datetime | None:
        """When the call must be looked at: its own timer, or an ending at the carrier.

        A planned call waits for the dialer, which goes by `timer_at` itself.
        """
        times = [ending.due_at for ending in self.endings]
        if self.timer_at is not None and self.state is not CallState.PLANNED:
            times.append(self.timer_at)
        return min(times, default=None)

    @property
    def is_live(self) -> bool:
        """Whether the number is taken by this call, as far as we know."""
        return self.state in LIVE

    @property
    def open_pages(self) -> tuple[CallPage, ...]:
        """The pages that still need somebody."""
        return tuple(page for page in self.pages if page.is_open)

    @property
    def has_open_pages(self) -> bool:
        """Whether a page still needs somebody. Pages close in their order, so the last is asked first."""
        return any(page.is_open for page in reversed(self.pages))

    def post_of(self, token_hash: str) -> Post | None:
        """The POST that a callback token belongs to."""
        return next((post for post in self.posts if post.token_hash == token_hash), None)
