"""What the people behind the numbers do when their phone rings.

A script says how one call goes; a number may have several, one for each call in turn, the last for
all that follow. All seconds are simulated. Nothing in here waits or talks: the call asks what
happens next.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """How a ringing phone ends up."""

    ANSWERS = "answers"
    VOICEMAIL = "voicemail"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    DECLINES = "declines"
    FAILS = "fails"
    REFUSED = "refused"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class Press:
    """Keys pressed at one prompt, `after` seconds from its end, or from its beginning when
    barging in.
    """

    keys: str
    after: float = 1.0
    barge_in: bool = False
    gap: float = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What happens when a number is called; made with the methods below.

    `rings`: seconds of ringing before the outcome. `presses`: one entry a prompt, None for silence,
    silence after the last. `listens`: hangs up after that many prompts. `hangs_up_after`: seconds
    after answering. `sip` and `code`: why a call fails, or is refused when it is created.
    `answered_by`: overrides what machine detection finds out. `sms_error`: the code with which
    messages to this number end undelivered.
    """

    outcome: Outcome
    rings: float = 3.0
    presses: tuple[Press | None, ...] = ()
    listens: int | None = None
    hangs_up_after: float | None = None
    sip: int = 404
    code: int = 21211
    answered_by: str | None = None
    sms_error: int | None = None

    def __post_init__(self) -> None:
        if self.rings < 0 or (self.hangs_up_after or 0) < 0:
            raise ValueError("a script's seconds cannot be negative")
        if any(set(press.keys) - set("0123456789*#") for press in self.presses if press):
            raise ValueError("a phone has the keys 0-9, * and #")

    @classmethod
    def answers(
        cls,
        *presses: str | Press | None,
        rings: float = 3.0,
        listens: int | None = None,
        hangs_up_after: float | None = None,
        answered_by: str | None = None,
    ) -> "Script":
        """Answers and presses keys: the first entry at the first prompt, and so on."""
        return cls(
            outcome=Outcome.ANSWERS,
            rings=rings,
            presses=tuple(Press(p) if isinstance(p, str) else p for p in presses),
            listens=listens,
            hangs_up_after=hangs_up_after,
            answered_by=answered_by,
        )

    @classmethod
    def voicemail(cls, *, rings: float = 20.0, records_for: float | None = 120.0) -> "Script":
        """A machine answers, listens, never presses a key and hangs up when its tape is full."""
        return cls(outcome=Outcome.VOICEMAIL, rings=rings, hangs_up_after=records_for)

    @classmethod
    def busy(cls, *, rings: float = 0.0) -> "Script":
        """In a call already."""
        return cls(outcome=Outcome.BUSY, rings=rings)

    @classmethod
    def no_answer(cls) -> "Script":
        """Rings until the caller gives up."""
        return cls(outcome=Outcome.NO_ANSWER)

    @classmethod
    def declines(cls, *, rings: float = 2.0) -> "Script":
        """Rejects the call: for the caller that is `no-answer`, only sooner."""
        return cls(outcome=Outcome.DECLINES, rings=rings)

    @classmethod
    def fails(cls, sip: int = 404) -> "Script":
        """The network cannot connect the call: it never rings and is `failed` with this SIP
        code.
        """
        return cls(outcome=Outcome.FAILS, sip=sip, rings=0.0)

    @classmethod
    def unreachable(cls) -> "Script":
        """The handset is off or out of reach: `failed` with 480; messages end undelivered
        (30003).
        """
        return cls(outcome=Outcome.FAILS, sip=480, rings=0.0, sms_error=30003)

    @classmethod
    def refused(cls, code: int = 21211) -> "Script":
        """The carrier refuses to create the call at all: HTTP 400 with this code."""
        return cls(outcome=Outcome.REFUSED, code=code)

    @classmethod
    def manual(cls) -> "Script":
        """Somebody else acts: `answer`, `press`, `hang_up` and `decline` of the call."""
        return cls(outcome=Outcome.MANUAL)

    @property
    def picks_up(self) -> bool:
        """Whether somebody or something answers after `rings` seconds."""
        return self.outcome in (Outcome.ANSWERS, Outcome.VOICEMAIL)

    def at_prompt(self, number: int) -> Press | None:
        """What is pressed at the prompt of that number, counted from 0."""
        return self.presses[number] if number < len(self.presses) else None

    def detected(self, mode: str) -> str:
        """What machine detection in this mode (`Enable`, `DetectMessageEnd`) reports."""
        if self.answered_by is not None:
            return self.answered_by
        if self.outcome is not Outcome.VOICEMAIL:
            return "human"
        return "machine_start" if mode == "Enable" else "machine_end_beep"

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Script":
        """A script as the control API gives it. Raises `ValueError`, naming the field that is
        wrong.

        `{"outcome": "answers", "presses": ["4", null, {"keys": "6", "after": 2}], "rings": 3, …}`
        """
        fields = dict(data)
        unknown = set(fields) - set(cls.__dataclass_fields__)
        if unknown:
            raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
        fields["outcome"] = Outcome(fields.get("outcome", "answers"))
        presses = fields.get("presses", [])
        if not isinstance(presses, list):
            raise ValueError("presses must be a list")  # noqa: TRY004 - it is the caller's value
        fields["presses"] = tuple(_press(entry) for entry in presses)
        try:
            return cls(**fields)
        except TypeError as error:
            raise ValueError(f"the script does not fit: {error}") from None


def _press(entry: object) -> Press | None:
    match entry:
        case None | str():
            return Press(entry) if entry else None
        case Mapping():
            try:
                return Press(**entry)
            except TypeError as error:
                raise ValueError(f"a press does not fit: {error}") from None
        case _:
            raise ValueError("a press is text, null or an object with keys, after, barge_in, gap")


class People:
    """Who is behind which number. A number nobody set has the `default` script: it rings, nobody
    answers. `changed` is called at every change.
    """

    def __init__(
        self, default: Script | None = None, changed: Callable[[], None] = lambda: None
    ) -> None:
        self.default = default or Script.no_answer()
        self._changed = changed
        self._scripts: dict[str, tuple[Script, ...]] = {}

    def __setitem__(self, number: str, script: Script | Sequence[Script]) -> None:
        scripts = (script,) if isinstance(script, Script) else tuple(script)
        if not scripts:
            raise ValueError(f"{number} needs a script")
        self._scripts[number] = scripts
        self._changed()

    def __getitem__(self, number: str) -> Script:
        """The script of the next call to this number."""
        return self._scripts.get(number, (self.default,))[0]

    def __delitem__(self, number: str) -> None:
        del self._scripts[number]
        self._changed()

    def __contains__(self, number: object) -> bool:
        return number in self._scripts

    def __iter__(self) -> Iterator[str]:
        return iter(self._scripts)

    def take(self, number: str) -> Script:
        """The script of a call that is made now; the next one of the number follows, the last
        one stays.
        """
        scripts = self._scripts.get(number, (self.default,))
        if len(scripts) > 1:
            self._scripts[number] = scripts[1:]
            self._changed()
        return scripts[0]
