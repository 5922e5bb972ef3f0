"""What a batch works on: incidents, calls, messages and alerts as they are by now, loaded when first asked for.

Everything that one event changes can be taken back, so that an event that cannot be decided leaves
no trace.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from datetime import datetime
from typing import Any, TypeVar

from escalator.escalation.alerts import Alert, Known
from escalator.escalation.call_events import Wanted
from escalator.escalation.calls import Call
from escalator.escalation.incidents import Incident, PageState
from escalator.escalation.messages import PENDING, Message, Told
from escalator.store.changes import AlertChange, AlertKey, Changes, GroupKey, Source

_K = TypeVar("_K")
_V = TypeVar("_V")
_ABSENT: Any = object()


class WorkingSet:
    """The values of one batch, and what of them has changed."""

    def __init__(self, source: Source):
        self.changes = Changes()
        self._source = source
        self._incidents: dict[str, Incident | None] = {}
        self._calls: dict[str, Call | None] = {}
        self._messages: dict[str, Message | None] = {}
        self._known: dict[AlertKey, Known | None] = {}
        self._groups: dict[GroupKey, str | None] = {}
        self._undo: list[tuple[MutableMapping[Any, Any], Any, Any]] = []
        self._grown: list[tuple[list[Any], int]] = []
        self._stirs = False

    # ---- one event

    def begin(self) -> None:
        """What changes from here on can be taken back."""
        self._undo.clear()
        self._grown = [(one, len(one)) for one in self.changes.grown()]
        self._stirs = self.changes.stirs

    def take_back(self) -> None:
        """Everything is as it was at `begin`."""
        for mapping, key, old in reversed(self._undo):
            if old is _ABSENT:
                mapping.pop(key, None)
            else:
                mapping[key] = old
        for grown, length in self._grown:
            del grown[length:]
        self.changes.stirs = self._stirs

    def _set(self, mapping: MutableMapping[_K, _V], key: _K, value: _V) -> None:
        self._undo.append((mapping, key, mapping.get(key, _ABSENT)))
        mapping[key] = value

    # ---- incidents

    def incident(self, incident_id: str | None) -> Incident | None:
        """An incident by id; None when there is none."""
        if not incident_id:
            return None
        if incident_id not in self._incidents:
            self._incidents[incident_id] = self._source.incident(incident_id)
        return self._incidents[incident_id]

    def put_incident(self, incident: Incident) -> None:
        """This is how the incident is now."""
        self._set(self._incidents, incident.id, incident)
        self._set(self.changes.incidents, incident.id, incident)

    def of_group(self, receiver: str, policy: str, group_key: str) -> Incident | None:
        """The open incident of a group, else the one that was resolved last."""
        key = (receiver, policy, group_key)
        if key not in self._groups:
            self._groups[key] = self._source.incident_of_group(*key)
        return self.incident(self._groups[key])

    def put_group(self, receiver: str, policy: str, group_key: str, incident_id: str) -> None:
        """This group's incident is that one now."""
        self._set(self._groups, (receiver, policy, group_key), incident_id)

    def is_due(self, page: Wanted) -> bool:
        """Whether this page waits for a call."""
        incident = self.incident(page.incident_id)
        found = incident.page_of(page.person) if incident is not None else None
        return found is not None and found.state is PageState.DUE

    # ---- alerts

    def expect(self, known: Mapping[AlertKey, Known | None]) -> None:
        """What is on file of the alerts of this batch, looked up all at once."""
        self._known.update(known)

    def known_of(self, alert: Alert) -> Known | None:
        """What is on file of this alert."""
        key = (alert.receiver, alert.key)
        if key not in self._known:
            self._known[key] = self._source.known(*key)
        return self._known[key]

    def put_alert(
        self, alert: Alert, incident_id: str, severity: str, before: Known | None
    ) -> None:
        """This alert is on file as it came in, in this incident ("" for none)."""
        self.changes.alerts.append(
            AlertChange(alert=alert, incident_id=incident_id, severity=severity, before=before)
        )
        known = Known(incident_id=incident_id, status=alert.status, severity=severity)
        self._set(self._known, (alert.receiver, alert.key), known)

    def firing(self, incident: Incident) -> Iterator[Mapping[str, str]]:
        """The labels of what fires in an incident, those of this batch included."""
        batch = {(one.alert.receiver, one.alert.key): one for one in self.changes.alerts}
        for key, labels in self._source.firing_labels(incident.id):
            if (incident.receiver, key) not in batch:
                yield labels
        for one in batch.values():
            if one.incident_id == incident.id and one.alert.is_firing:
                yield one.alert.labels

    # ---- calls

    def call(self, call_id: str) -> Call | None:
        """A call by id; None when there is none."""
        if call_id not in self._calls:
            self._calls[call_id] = self._source.call(call_id)
        return self._calls[call_id]

    def put_call(self, call: Call) -> None:
        """This is how the call is now."""
        self._set(self._calls, call.id, call)
        self._set(self.changes.calls, call.id, call)

    def is_taken(self, number: str) -> bool:
        """Whether a call to this number is under way."""
        if any(call.to == number and call.is_live for call in self.changes.calls.values()):
            return True
        owner = self._source.live_call_on(number)
        call = self.call(owner) if owner is not None else None
        return call is not None and call.is_live

    def is_unbound(self, sid: str) -> bool:
        """Whether the carrier's call of this id belongs to none of ours."""
        in_batch = any(
            sid == post.sid for call in self.changes.calls.values() for post in call.posts
        )
        return not in_batch and self._source.call_of_sid(sid) is None

    # ---- messages

    def message(self, message_id: str) -> Message | None:
        """A message by id; None when there is none."""
        if message_id not in self._messages:
            self._messages[message_id] = self._source.messages.message(message_id)
        return self._messages[message_id]

    def put_message(self, message: Message) -> None:
        """This is how the message is now."""
        self._set(self._messages, message.id, message)
        self._set(self.changes.messages, message.id, message)

    def is_writing_to(self, number: str) -> bool:
        """Whether a message to this number is not known to be with the carrier."""
        changed = self.changes.messages.values()
        if any(one.to == number and one.state in PENDING for one in changed):
            return True
        owner = self._source.messages.pending_for(number)
        message = self.message(owner) if owner is not None else None
        return message is not None and message.state in PENDING

    def is_owed(self, told: Told, now: datetime) -> bool:
        """Whether a message about this is due to this person."""
        incident = self.incident(told.incident_id)
        return incident is not None and any(
            text.person == told.person and not text.is_sent and text.due_at <= now
            for text in incident.texts
        )

    def is_foreign(self, sid: str) -> bool:
        """Whether the carrier's message of this id belongs to none of ours."""
        changed = self.changes.messages.values()
        in_batch = any(sid == post.sid for one in changed for post in one.posts)
        return not in_batch and self._source.messages.message_of_sid(sid) is None

    def is_answered(self, sid: str) -> bool:
        """Whether this answer by message was taken already."""
        return sid in self.changes.replies or self._source.messages.is_answered(sid)
