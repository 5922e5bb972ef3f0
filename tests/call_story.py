"""One call, event by event, without any incident behind it: for the rules of calls alone."""

from datetime import timedelta

from playbook import policy, rules
from world import LASTS, START

from escalator.escalation.call_events import (
    CallAccepted,
    CallAsked,
    CallDropped,
    CallDue,
    CallEnded,
    CallEvent,
    CallIntended,
    CallListed,
    CallNotSent,
    CallPrompted,
    CallRefused,
    CallReported,
    CallUnclear,
    CallUnreadable,
    KeyPressed,
    PageJoined,
    PagesClosed,
    Wanted,
)
from escalator.escalation.calls import AnswerRequest, Call, CallState, Speech
from escalator.escalation.decide_call import decide_call
from escalator.escalation.events import IncidentEvent, PageEnded
from escalator.escalation.rules import Rules

TO = "+491713920012"
CONFIG = rules(policy("ana"))


class CallStory:
    """A call and what has followed from it. Verbs return the story; tokens are t1, t2, … in turn."""

    def __init__(self, config: Rules = CONFIG):
        self.config = config
        self.now = START
        self.call: Call | None = None
        self.follow: tuple[IncidentEvent, ...] = ()
        self.lines: list[str] = []
        self.is_taken = False
        self._posts = 0

    def happens(self, event: CallEvent) -> "CallStory":
        decision = decide_call(self.config, self.call, event, self.now, is_taken=self.is_taken)
        self.call, self.follow = decision.call, decision.follow
        self.lines += [line.event for _, line in decision.lines]
        return self

    def after(self, seconds: float) -> "CallStory":
        self.now += timedelta(seconds=seconds)
        return self

    # ---- the POST

    def intended(self, *incidents: str) -> "CallStory":
        """A POST leaves, with ana's pages about these incidents ("i1/ben" for another's)."""
        self._posts += 1
        return self.happens(
            CallIntended(
                call_id="c",
                to=TO,
                from_="+15005550006",
                person="ana",
                token_hash=f"t{self._posts}",
                lasts=LASTS,
                pages=tuple(wanted(one) for one in incidents),
            )
        )

    def direct(self) -> "CallStory":
        speech = Speech(say="hello", voice="alice", language="ja-JP", loop=3)
        return self.happens(CallAsked(call_id="c", to=TO, person="", speech=speech, lasts=LASTS))

    def accepted(self, sid: str = "CA1", token: str = "t1") -> "CallStory":
        return self.happens(CallAccepted(call_id="c", token_hash=token, sid=sid))

    def refused(self, code: int | None = 21211) -> "CallStory":
        return self.happens(CallRefused(call_id="c", code=code, message="not a number"))

    def not_sent(self, retry_in: float = 1) -> "CallStory":
        at = self.now + timedelta(seconds=retry_in)
        return self.happens(CallNotSent(call_id="c", reason="no route", retry_at=at))

    def unclear(self) -> "CallStory":
        return self.happens(CallUnclear(call_id="c", reason="timeout"))

    def listed(self, *sids: str) -> "CallStory":
        return self.happens(CallListed(call_id="c", sids=sids))

    def list_unreadable(self) -> "CallStory":
        return self.happens(CallListed(call_id="c", sids=None))

    def due(self) -> "CallStory":
        return self.happens(CallDue(call_id="c"))

    def dropped(self) -> "CallStory":
        return self.happens(CallDropped(call_id="c", reason="gone"))

    # ---- callbacks and answers

    def reported(
        self, status: str, sid: str = "CA1", token: str = "t1", **more: object
    ) -> "CallStory":
        return self.happens(
            CallReported(call_id="c", token_hash=token, sid=sid, status=status, **more)
        )

    def prompted(
        self, sid: str = "CA1", token: str = "t1", *, machine: bool = False, body: str = "a=b"
    ) -> "CallStory":
        request = AnswerRequest(
            at=self.now, content_type="application/x-www-form-urlencoded", body=body
        )
        return self.happens(
            CallPrompted(call_id="c", token_hash=token, sid=sid, request=request, machine=machine)
        )

    def pressed(self, key: str, heard: int = 1, sid: str = "CA1", token: str = "t1") -> "CallStory":
        return self.happens(
            KeyPressed(call_id="c", token_hash=token, sid=sid, key=key, heard=heard)
        )

    def unreadable(self) -> "CallStory":
        return self.happens(CallUnreadable(call_id="c", reason="500"))

    def ended(self, sid: str, status: str) -> "CallStory":
        return self.happens(CallEnded(call_id="c", sid=sid, status=status))

    # ---- pages

    def closed(self, incident: str) -> "CallStory":
        page = wanted(incident)
        return self.happens(
            PagesClosed(
                call_id="c",
                pages=frozenset({Wanted(incident_id=page.incident_id, person=page.person)}),
            )
        )

    def joined(self, incident: str) -> "CallStory":
        return self.happens(PageJoined(call_id="c", page=wanted(incident)))

    # ---- what is to be seen

    @property
    def state(self) -> CallState:
        return self.call.state

    def endings(self) -> dict[str, bool]:
        """The calls that have to be ended at the carrier: SID to whether it is cut in conversation."""
        return {ending.sid: ending.cut for ending in self.call.endings}

    def timer(self) -> float | None:
        """In how many seconds the call is to be looked at."""
        at = self.call.timer_at
        return None if at is None else (at - self.now).total_seconds()

    def page_ends(self) -> list[tuple[str, str, bool]]:
        """What the incidents hear of a call's end: (incident, outcome, whether the try is spent)."""
        ends = [one for one in self.follow if isinstance(one, PageEnded)]
        return [(one.incident_id, str(one.outcome), one.spent) for one in ends]


def wanted(incident: str) -> Wanted:
    """`i1` is ana's page about i1, `i1/ben` is ben's."""
    name, _, someone = incident.partition("/")
    return Wanted(incident_id=name, person=someone or "ana")
