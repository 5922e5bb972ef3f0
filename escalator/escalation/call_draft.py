"""A call while it is being decided: its value so far, what follows for incidents, the timeline's
lines.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from escalator.escalation.calls import Call, CallOutcome, CallPage, CallState, Ending, Post
from escalator.escalation.events import IncidentEvent, PageEnded
from escalator.escalation.incidents import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDecision:
    """What an event did to a call: its new value, events for its incidents, lines for their
    timelines.
    """

    call: Call | None
    follow: tuple[IncidentEvent, ...] = ()
    lines: tuple[tuple[str, Line], ...] = ()


class CallDraft:
    """One decision about one call in the making."""

    def __init__(self, call: Call, now: datetime, *, is_taken: bool = False):
        self.call = call
        self.now = now
        self.is_taken = is_taken
        self._follow: list[IncidentEvent] = []
        self._lines: list[tuple[str, Line]] = []

    def follow(self, event: IncidentEvent) -> None:
        """Let an incident decide this in the same commit."""
        self._follow.append(event)

    def say(self, event: str, text: str) -> None:
        """Add a line to the timeline of each incident that travels in this call."""
        line = Line(event=event, text=text, call=self.call.id)
        self._lines.extend((page.incident_id, line) for page in self.call.pages)

    def set_timer(self, at: datetime | None) -> None:
        """When this call must be looked at again."""
        self.call = replace(self.call, timer_at=at)

    def put_page(self, page: CallPage) -> None:
        """Put one page in place of the same number's."""
        before, after = self.call.pages[: page.n - 1], self.call.pages[page.n :]
        self.call = replace(self.call, pages=(*before, page, *after))

    def note_sid(self, token_hash: str, sid: str) -> None:
        """Note which POST a SID belongs to."""
        self.call = replace(
            self.call,
            posts=tuple(_with_sid(post, token_hash, sid) for post in self.call.posts),
            heard_at=self.now,
        )

    def add_ending(self, sid: str, *, cut: bool) -> None:
        """Have a call at the carrier ended, once; `cut` prevails."""
        old = next((ending for ending in self.call.endings if ending.sid == sid), None)
        if not sid or (old is not None and (old.cut or not cut)):
            return
        others = tuple(ending for ending in self.call.endings if ending is not old)
        ending = Ending(sid=sid, cut=cut, due_at=self.now)
        self.call = replace(self.call, endings=(*others, ending))

    def drop_ending(self, sid: str) -> None:
        """That call at the carrier needs no ending any more."""
        endings = tuple(ending for ending in self.call.endings if ending.sid != sid)
        self.call = replace(self.call, endings=endings)

    def end(self, outcome: CallOutcome, *, duration: int | None = None, detail: str = "") -> None:
        """The call is over: each page it carried hears of it in the same commit."""
        if self.call.state is CallState.ENDED:
            return
        was_placed = bool(self.call.posts) and self.call.state is not CallState.PLANNED
        self.call = replace(
            self.call,
            state=CallState.ENDED,
            outcome=outcome,
            ended_at=self.now,
            duration=duration,
            timer_at=None,
            endings=tuple(one for one in self.call.endings if one.sid != self.call.sid),
        )
        for page in self.call.open_pages:
            self.follow(
                PageEnded(
                    incident_id=page.incident_id,
                    person=page.person,
                    call_id=self.call.id,
                    outcome=outcome,
                    spent=was_placed and (page.told or not page.joined),
                    detail=detail,
                )
            )
        self.call = replace(
            self.call, pages=tuple(replace(page, is_open=False) for page in self.call.pages)
        )

    def decision(self) -> CallDecision:
        """The decision as a value."""
        return CallDecision(call=self.call, follow=tuple(self._follow), lines=tuple(self._lines))


def _with_sid(post: Post, token_hash: str, sid: str) -> Post:
    if post.token_hash == token_hash and not post.sid:
        return replace(post, sid=sid)
    return post
