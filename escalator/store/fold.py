"""Run events through the pure rules, one after the other, over one working set.

The fold loads what an event names, lets `decide` and `decide_call` decide, and carries what follows
(a call's end to its pages, an acknowledgement to the calls under way) until nothing follows. An
event whose decision raises leaves no trace, so that one bad row cannot take its batch down. Nothing
is written here: `sqlite` writes the changes.
"""

from collections.abc import Mapping, MutableMapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from escalator.escalation.alerts import Alert, AlertStatus, Known
from escalator.escalation.assign import Choice, Place, assign, place, place_own
from escalator.escalation.calls import Call, CallState
from escalator.escalation.decide import decide
from escalator.escalation.decide_call import decide_call
from escalator.escalation.events import (
    AlertCleared,
    AlertFired,
    AlertReceived,
    Asked,
    CallEvent,
    CallIntended,
    CallListed,
    Due,
    Event,
    IncidentEvent,
    PageEnded,
    PageJoined,
    PagePassed,
    PagePlaced,
    PagesClosed,
    Stuck,
    Wanted,
)
from escalator.escalation.incidents import Incident, PageState
from escalator.escalation.rules import Rules
from escalator.store.changes import AlertChange, AlertKey, Changes, GroupKey, Result, Source

_K = TypeVar("_K")
_V = TypeVar("_V")
_ABSENT: Any = object()


class Fold:
    """One batch in the making."""

    def __init__(self, source: Source, rules: Rules, now: datetime):
        self._source = source
        self._rules = rules
        self._now = now
        self._incidents: dict[str, Incident | None] = {}
        self._calls: dict[str, Call | None] = {}
        self._known: dict[AlertKey, Known | None] = {}
        self._groups: dict[GroupKey, str | None] = {}
        self._closing: dict[str, set[Wanted]] = {}
        self._undo: list[tuple[MutableMapping[Any, Any], Any, Any]] = []
        self.changes = Changes()

    def expect(self, known: Mapping[AlertKey, Known | None]) -> None:
        """What is on file of the alerts of this batch, looked up all at once."""
        self._known.update(known)

    def submit(self, event: Event) -> Result:
        """Decide one event and all that follows from it. Raises what deciding raises; then nothing
        has changed.
        """
        self._undo.clear()
        self._closing.clear()
        grown = [(one, len(one)) for one in self.changes.grown()]
        stirs = self.changes.stirs
        try:
            return self._close_pages(self._apply(event))
        except BaseException:
            for mapping, key, old in reversed(self._undo):
                if old is _ABSENT:
                    mapping.pop(key, None)
                else:
                    mapping[key] = old
            for grown_list, length in grown:
                del grown_list[length:]
            self.changes.stirs = stirs
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
        if isinstance(event, Due | Asked | PagePlaced | PageEnded | PagePassed | Stuck):
            return self._incident_event(event.incident_id, event)
        assert not isinstance(event, AlertFired | AlertCleared), "alerts enter as AlertReceived"
        return self._call_event(event)

    # ---- alerts

    def _alert(self, event: AlertReceived) -> Result:
        alert = event.alert
        known = self._known_of(alert)
        current = self._incident(known.incident_id) if known is not None else None
        if not alert.is_firing:
            return self._cleared(event, known, current)
        where = self._place(event)
        group = self._incident(self._group(alert.receiver, where.policy, where.group_key))
        chosen = assign(self._rules, where, self._now, known=known, current=current, of_group=group)
        if chosen.leaves and current is not None:
            self._decide(current.id, AlertCleared(alert=alert, moved=True))
        match chosen.choice:
            case Choice.STORE:
                self.changes.suppressed.append("no_policy")
                self._write_alert(alert, "", where.severity, known)
                return Result()
            case Choice.STAY_CLOSED:
                assert current is not None, "an alert stays closed in an incident"
                self.changes.suppressed.append("duplicate")
                self._write_alert(alert, current.id, where.severity, known)
                return Result(incident=current)
            case Choice.JOIN:
                assert chosen.incident is not None, "an alert joins an incident"
                joined = self._held_by(chosen.incident)
                return self._fired(alert, where, known, joined, event.fresh_id)
            case Choice.OPEN:
                key = (alert.receiver, where.policy, where.group_key)
                self._set(self._groups, key, event.fresh_id)
                return self._fired(alert, where, known, event.fresh_id, event.fresh_id)

    def _place(self, event: AlertReceived) -> Place:
        if event.fallback_of is None:
            return place(self._rules, event.alert)
        return place_own(self._rules, event.alert, event.fallback_of)

    def _held_by(self, incident: Incident) -> str:
        """The incident to join: never a closed one whose group has an open one by now (regrouped,
        edited window).
        """
        key = (incident.receiver, incident.policy, incident.group_key)
        holder = self._incident(self._group(*key))
        if not incident.is_open and holder is not None and holder.is_open:
            return holder.id
        self._set(self._groups, key, incident.id)
        return incident.id

    def _fired(
        self, alert: Alert, where: Place, known: Known | None, incident_id: str, fresh_id: str
    ) -> Result:
        own = known if known is not None and known.incident_id == incident_id else None
        if own is not None and own.status is AlertStatus.FIRING:
            self.changes.suppressed.append("duplicate")
        event = AlertFired(alert=alert, place=where, known=own, fresh_id=fresh_id)
        self._write_alert(alert, incident_id, where.severity, known)
        return self._incident_event(incident_id, event)

    def _cleared(
        self, event: AlertReceived, known: Known | None, current: Incident | None
    ) -> Result:
        alert = event.alert
        if known is not None:
            self._write_alert(alert, known.incident_id, known.severity, known)
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
        group = self._incident(self._group(event.alert.receiver, where.policy, where.group_key))
        return group if group is not None and group.is_open and not group.firing else None

    def _write_alert(
        self, alert: Alert, incident_id: str, severity: str, before: Known | None
    ) -> None:
        self.changes.alerts.append(
            AlertChange(alert=alert, incident_id=incident_id, severity=severity, before=before)
        )
        known = Known(incident_id=incident_id, status=alert.status, severity=severity)
        self._set(self._known, (alert.receiver, alert.key), known)

    # ---- incidents

    def _incident_event(self, incident_id: str, event: IncidentEvent) -> Result:
        is_new = self._decide(incident_id, event)
        return Result(incident=self._incident(incident_id), is_new=is_new)

    def _decide(self, incident_id: str, event: IncidentEvent) -> bool:
        before = self._incident(incident_id)
        outcome = decide(self._rules, before, event, self._now)
        if outcome.incident is None:
            return False
        if before is None or _has_work(before, outcome.incident):
            self.changes.stirs = True
        if outcome.incident.last_placed_at and (before is None or before.last_placed_at is None):
            self.changes.first_rings.append(outcome.incident)
        self._set(self._incidents, incident_id, outcome.incident)
        self._set(self.changes.incidents, incident_id, outcome.incident)
        self.changes.lines.extend((incident_id, line) for line in outcome.lines)
        for effect in outcome.effects:
            page = Wanted(incident_id=effect.incident_id, person=effect.person)
            self._closing.setdefault(effect.call_id, set()).add(page)
        return outcome.is_new

    # ---- calls

    def _call_event(self, event: CallEvent) -> Result:
        call = self._call(event.call_id)
        admitted = self._admit(call, event)
        if isinstance(admitted, str):
            return Result(call=call, refused=admitted)
        is_taken = call is not None and call.state is CallState.PLANNED and self._is_taken(call.to)
        decision = decide_call(self._rules, call, admitted, self._now, is_taken=is_taken)
        if decision.call is None:
            return Result(refused="no such call")
        self.changes.stirs = True
        self._set(self._calls, event.call_id, decision.call)
        self._set(self.changes.calls, event.call_id, decision.call)
        self.changes.lines.extend(decision.lines)
        for follow in decision.follow:
            assert not isinstance(follow, AlertFired | AlertCleared), "calls know no alerts"
            self._decide(follow.incident_id, follow)
        return Result(call=self._call(event.call_id))

    def _admit(self, call: Call | None, event: CallEvent) -> CallEvent | str:
        """What of an event still holds now that its turn has come, or why nothing of it does."""
        match event:
            case CallIntended():
                return self._admit_intent(call, event)
            case PageJoined():
                if call is None or not call.is_live or not self._is_due(event.page):
                    return "the call or the page is over"
                return event
            case CallListed(sids=sids) if sids is not None:
                mine = tuple(sid for sid in sids if self._is_unbound(sid))
                return CallListed(call_id=event.call_id, sids=mine)
            case _:
                return event

    def _admit_intent(self, call: Call | None, event: CallIntended) -> CallEvent | str:
        if call is not None and call.state is not CallState.PLANNED:
            return "the call is not planned any more"
        if self._is_taken(event.to):
            return "the number is in a call"
        pages = tuple(page for page in event.pages if self._is_due(page))
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

    def _is_due(self, page: Wanted) -> bool:
        incident = self._incident(page.incident_id)
        found = incident.page_of(page.person) if incident is not None else None
        return found is not None and found.state is PageState.DUE

    def _is_taken(self, number: str) -> bool:
        if any(call.to == number and call.is_live for call in self.changes.calls.values()):
            return True
        owner = self._source.live_call_on(number)
        if owner is None:
            return False
        call = self._call(owner)
        return call is not None and call.is_live

    def _is_unbound(self, sid: str) -> bool:
        in_batch = any(
            sid == post.sid for call in self.changes.calls.values() for post in call.posts
        )
        return not in_batch and self._source.call_of_sid(sid) is None

    # ---- the working set

    def _incident(self, incident_id: str | None) -> Incident | None:
        if not incident_id:
            return None
        if incident_id not in self._incidents:
            self._incidents[incident_id] = self._source.incident(incident_id)
        return self._incidents[incident_id]

    def _call(self, call_id: str) -> Call | None:
        if call_id not in self._calls:
            self._calls[call_id] = self._source.call(call_id)
        return self._calls[call_id]

    def _known_of(self, alert: Alert) -> Known | None:
        key = (alert.receiver, alert.key)
        if key not in self._known:
            self._known[key] = self._source.known(*key)
        return self._known[key]

    def _group(self, receiver: str, policy: str, group_key: str) -> str | None:
        key = (receiver, policy, group_key)
        if key not in self._groups:
            self._groups[key] = self._source.incident_of_group(*key)
        return self._groups[key]

    def _set(self, mapping: MutableMapping[_K, _V], key: _K, value: _V) -> None:
        self._undo.append((mapping, key, mapping.get(key, _ABSENT)))
        mapping[key] = value


def _has_work(before: Incident, after: Incident) -> bool:
    return before.pages is not after.pages or before.due_at != after.due_at
