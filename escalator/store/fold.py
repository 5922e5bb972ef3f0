"""Run events through the pure rules, one after the other, over one working set.

The fold loads what an event names, lets `decide`, `decide_call` and `decide_message` decide, and carries what follows
(a call's end to its pages, an acknowledgement to the calls under way) until nothing follows. An
event whose decision raises leaves no trace, so that one bad row cannot take its batch down. Nothing
is written here: `sqlite` writes the changes.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from escalator.escalation.alerts import Alert, AlertStatus, Known
from escalator.escalation.assign import (
    Choice,
    Place,
    assign,
    place,
    place_own,
    policy_for,
    route_of,
)
from escalator.escalation.call_events import (
    CallEvent,
    CallIntended,
    CallListed,
    PageJoined,
    PagesClosed,
    Wanted,
)
from escalator.escalation.calls import Call, CallState
from escalator.escalation.decide import decide
from escalator.escalation.decide_call import decide_call
from escalator.escalation.decide_message import decide_message
from escalator.escalation.events import (
    AlertCleared,
    AlertFired,
    AlertReceived,
    Due,
    Event,
    HoldAsked,
    HoldFound,
    IncidentEvent,
    ReplyReceived,
)
from escalator.escalation.heartbeats import RECEIVER as HEARTBEATS
from escalator.escalation.holding import common_hold, hold_of
from escalator.escalation.incidents import Incident
from escalator.escalation.message_events import MessageEvent, MessageIntended, MessageListed
from escalator.escalation.messages import Message, MessageState
from escalator.escalation.rules import Route, Rules
from escalator.store.changes import Result, Source
from escalator.store.working import WorkingSet


class Fold:
    """One batch in the making."""

    def __init__(self, source: Source, rules: Rules, now: datetime):
        self._rules = rules
        self._now = now
        self._set = WorkingSet(source)
        self._closing: dict[str, set[Wanted]] = {}
        self.changes = self._set.changes
        self.expect = self._set.expect

    def submit(self, event: Event) -> Result:
        """Decide one event and all that follows from it. Raises what deciding raises; then nothing
        has changed.
        """
        self._closing.clear()
        self._set.begin()
        try:
            return self._close_pages(self._apply(event))
        except BaseException:
            self._set.take_back()
            raise

    def _close_pages(self, result: Result) -> Result:
        """The calls that lose pages by this event hear of all of them at once: a key may close thousands."""
        while self._closing:
            call_id, pages = self._closing.popitem()
            closed = self._call_event(PagesClosed(call_id=call_id, pages=frozenset(pages)))
            if result.call is not None and result.call.id == call_id:
                result = replace(result, call=closed.call)
        return result

    def _apply(self, event: Event) -> Result:
        if isinstance(event, AlertReceived):
            return self._alert(event)
        if isinstance(event, HoldAsked):
            return self._ask_hold(event.incident_id)
        if isinstance(event, Due):
            incident = self._set.incident(event.incident_id)
            if incident is not None and incident.held and incident.is_open:
                return self._ask_hold(event.incident_id)
        assert not isinstance(event, AlertFired | AlertCleared), "alerts enter as AlertReceived"
        if isinstance(event, IncidentEvent):
            return self._incident_event(event.incident_id, event)
        if isinstance(event, MessageEvent):
            return self._message_event(event)
        return self._reply(event) if isinstance(event, ReplyReceived) else self._call_event(event)

    def _ask_hold(self, incident_id: str) -> Result:
        """What holds a held incident now: that of its firing alerts which ends first, or nothing."""
        incident = self._set.incident(incident_id)
        if incident is None or not incident.held:
            return Result(incident=incident)
        policy = policy_for(self._rules, incident.policy)
        hold = common_hold(
            hold_of(self._rules, labels, self._route(incident, labels), policy, self._now)
            for labels in self._set.firing(incident)
        )
        return self._incident_event(incident_id, HoldFound(incident_id=incident_id, hold=hold))

    def _route(self, incident: Incident, labels: Mapping[str, str]) -> Route | None:
        """The route that may hold such an alert back; for those of heartbeats none was asked."""
        return None if incident.receiver == HEARTBEATS else route_of(self._rules, labels)

    # ---- alerts

    def _alert(self, event: AlertReceived) -> Result:
        alert = event.alert
        known = self._set.known_of(alert)
        current = self._set.incident(known.incident_id) if known is not None else None
        if not alert.is_firing:
            return self._cleared(event, known, current)
        where = self._place(event)
        group = self._of_group(alert, where)
        chosen = assign(self._rules, where, self._now, known=known, current=current, of_group=group)
        if chosen.leaves and current is not None:
            self._decide(current.id, AlertCleared(alert=alert, moved=True))
        match chosen.choice:
            case Choice.STORE:
                self.changes.suppressed.append("no_policy")
                self._set.put_alert(alert, "", where.severity, known)
                return Result()
            case Choice.STAY_CLOSED:
                assert current is not None, "an alert stays closed in an incident"
                self.changes.suppressed.append("duplicate")
                self._set.put_alert(alert, current.id, where.severity, known)
                return Result(incident=current)
            case Choice.JOIN:
                assert chosen.incident is not None, "an alert joins an incident"
                joined = self._held_by(chosen.incident)
                return self._fired(alert, where, known, joined, event.fresh_id)
            case Choice.OPEN:
                self._set.put_group(alert.receiver, where.policy, where.group_key, event.fresh_id)
                return self._fired(alert, where, known, event.fresh_id, event.fresh_id)

    def _of_group(self, alert: Alert, where: Place) -> Incident | None:
        """The open incident of the alert's group, under whichever of its policies; else the one of the policy that
        acts now that was resolved last.
        """
        found = {
            policy: self._set.of_group(alert.receiver, policy, where.group_key)
            for policy in where.policies
        }
        still_open = (one for one in found.values() if one is not None and one.is_open)
        return next(still_open, None) or found.get(where.policy)

    def _place(self, event: AlertReceived) -> Place:
        if event.fallback_of is None:
            return place(self._rules, event.alert, self._now, event.policy)
        return place_own(self._rules, event.alert, event.fallback_of)

    def _held_by(self, incident: Incident) -> str:
        """The incident to join: never a closed one whose group has an open one by now (regrouped,
        edited window).
        """
        key = (incident.receiver, incident.policy, incident.group_key)
        holder = self._set.of_group(*key)
        if not incident.is_open and holder is not None and holder.is_open:
            return holder.id
        self._set.put_group(*key, incident.id)
        return incident.id

    def _fired(
        self, alert: Alert, where: Place, known: Known | None, incident_id: str, fresh_id: str
    ) -> Result:
        own = known if known is not None and known.incident_id == incident_id else None
        if own is not None and own.status is AlertStatus.FIRING:
            self.changes.suppressed.append("duplicate")
        event = AlertFired(alert=alert, place=where, known=own, fresh_id=fresh_id)
        self._set.put_alert(alert, incident_id, where.severity, known)
        return self._incident_event(incident_id, event)

    def _cleared(
        self, event: AlertReceived, known: Known | None, current: Incident | None
    ) -> Result:
        alert = event.alert
        if known is not None:
            self._set.put_alert(alert, known.incident_id, known.severity, known)
            if current is not None and known.status is AlertStatus.FIRING:
                return self._incident_event(current.id, AlertCleared(alert=alert))
        emptied = self._emptied(event)
        if emptied is not None:
            return self._incident_event(emptied.id, AlertCleared(alert=alert, was_firing=False))
        return Result(incident=current)

    def _emptied(self, event: AlertReceived) -> Incident | None:
        """The incident that stays open only because its sender had left alerts out, and now has not."""
        if event.alert.left_out:
            return None
        where = self._place(event)
        group = self._of_group(event.alert, where)
        return group if group is not None and group.is_open and not group.firing else None

    # ---- incidents

    def _incident_event(self, incident_id: str, event: IncidentEvent) -> Result:
        is_new = self._decide(incident_id, event)
        return Result(incident=self._set.incident(incident_id), is_new=is_new)

    def _decide(self, incident_id: str, event: IncidentEvent) -> bool:
        before = self._set.incident(incident_id)
        outcome = decide(self._rules, before, event, self._now)
        if outcome.incident is None:
            return False
        if before is None or _has_work(before, outcome.incident):
            self.changes.stirs = True
        if outcome.incident.last_placed_at and (before is None or before.last_placed_at is None):
            self.changes.first_rings.append(outcome.incident)
        self._set.put_incident(outcome.incident)
        self.changes.lines.extend((incident_id, line) for line in outcome.lines)
        for effect in outcome.effects:
            page = Wanted(incident_id=effect.incident_id, person=effect.person)
            self._closing.setdefault(effect.call_id, set()).add(page)
        return outcome.is_new

    # ---- calls

    def _call_event(self, event: CallEvent) -> Result:
        call = self._set.call(event.call_id)
        admitted = self._admit(call, event)
        if isinstance(admitted, str):
            return Result(call=call, refused=admitted)
        is_taken = (
            call is not None and call.state is CallState.PLANNED and self._set.is_taken(call.to)
        )
        decision = decide_call(self._rules, call, admitted, self._now, is_taken=is_taken)
        if decision.call is None:
            return Result(refused="no such call")
        self.changes.stirs = True
        self._set.put_call(decision.call)
        self.changes.lines.extend(decision.lines)
        for follow in decision.follow:
            assert not isinstance(follow, AlertFired | AlertCleared), "calls know no alerts"
            self._decide(follow.incident_id, follow)
        return Result(call=self._set.call(event.call_id))

    def _admit(self, call: Call | None, event: CallEvent) -> CallEvent | str:
        """What of an event still holds now that its turn has come, or why nothing of it does."""
        match event:
            case CallIntended():
                return self._admit_intent(call, event)
            case PageJoined():
                if call is None or not call.is_live or not self._set.is_due(event.page):
                    return "the call or the page is over"
                return event
            case CallListed(sids=sids) if sids is not None:
                mine = tuple(sid for sid in sids if self._set.is_unbound(sid))
                return CallListed(call_id=event.call_id, sids=mine)
            case _:
                return event

    def _admit_intent(self, call: Call | None, event: CallIntended) -> CallEvent | str:
        if call is not None and call.state is not CallState.PLANNED:
            return "the call is not planned any more"
        if self._set.is_taken(event.to):
            return "the number is in a call"
        pages = tuple(page for page in event.pages if self._set.is_due(page))
        if call is None and not pages:
            return "nothing is due for this number any more"
        return CallIntended(
            call_id=event.call_id,
            to=event.to,
            from_=event.from_,
            person=event.person,
            token_hash=event.token_hash,
            lasts=event.lasts,
            pages=pages,
        )

    # ---- messages

    def _message_event(self, event: MessageEvent) -> Result:
        message = self._set.message(event.message_id)
        if isinstance(event, MessageIntended) and (why := self._why_not(message, event)):
            return Result(message=message, refused=why)
        if isinstance(event, MessageListed) and event.sids is not None:
            event = replace(event, sids=tuple(filter(self._set.is_foreign, event.sids)))
        decision = decide_message(message, event, self._now)
        if decision.message is None:
            return Result(refused="no such message")
        self.changes.stirs = True
        self._set.put_message(decision.message)
        self.changes.lines.extend(decision.lines)
        for follow in decision.follow:
            assert not isinstance(follow, AlertFired | AlertCleared), "messages know no alerts"
            self._decide(follow.incident_id, follow)
        return Result(message=decision.message)

    def _why_not(self, message: Message | None, event: MessageIntended) -> str:
        """Why this message may not be posted now that its turn has come; "" when it may."""
        if message is not None:
            is_planned = message.state is MessageState.PLANNED
            return "" if is_planned else "the message is not planned any more"
        if self._set.is_writing_to(event.to):
            return "a message to the number is under way"
        is_owed = all(self._set.is_owed(told, self._now) for told in event.tells)
        return "" if event.tells and is_owed else "what is due for this number has changed"

    def _reply(self, event: ReplyReceived) -> Result:
        """What somebody asks by message is done once, however often the carrier tells of it."""
        if not self._set.is_answered(event.sid):
            self.changes.replies.append(event.sid)
            for asked in event.asks:
                self._decide(asked.incident_id, asked)
        found = (self._set.incident(asked.incident_id) for asked in event.asks)
        return Result(incidents=tuple(one for one in found if one is not None))


def _has_work(before: Incident, after: Incident) -> bool:
    return (
        before.pages is not after.pages
        or before.texts is not after.texts
        or before.due_at != after.due_at
    )
