"""A store in a few dicts: what the fold loads from and writes to, with the schema's promises kept.

It refuses what the unique indexes of the database refuse, and answers the workers' questions as the
reader does. Nothing here decides anything.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from escalator.escalation.alerts import AlertStatus, Known
from escalator.escalation.calls import Call, CallState
from escalator.escalation.dialing import DuePage, OpenCall, Spent
from escalator.escalation.events import Event
from escalator.escalation.incidents import FALLBACK_STEP, Incident, Line, PageState, Text
from escalator.escalation.rules import Rules
from escalator.store.changes import Changes, Result
from escalator.store.fold import Fold


class Memory:
    """Incidents, calls, alerts and the timeline, after each commit."""

    def __init__(self) -> None:
        self.incidents: dict[str, Incident] = {}
        self.calls: dict[str, Call] = {}
        self.alerts: dict[tuple[str, str], Known] = {}
        self.labels: dict[tuple[str, str], Mapping[str, str]] = {}
        self.timeline: list[tuple[datetime, str, Line]] = []
        self._unfinished: dict[str, Call] = {}
        self._tokens: dict[str, str] = {}

    def apply(self, rules: Rules, now: datetime, *events: Event) -> list[Result]:
        """Decide these events as one batch and keep what they changed."""
        fold = Fold(self, rules, now)
        results = [fold.submit(event) for event in events]
        self._write(fold.changes, now)
        return results

    # ---- what the fold asks

    def incident(self, incident_id: str) -> Incident | None:
        return self.incidents.get(incident_id)

    def call(self, call_id: str) -> Call | None:
        return self.calls.get(call_id)

    def known(self, receiver: str, key: str) -> Known | None:
        return self.alerts.get((receiver, key))

    def incident_of_group(self, receiver: str, policy: str, group_key: str) -> str | None:
        group = (receiver, policy, group_key)
        mine = [one for one in self.incidents.values() if group_of(one) == group]
        last = max(
            mine, key=lambda one: (one.is_open, one.resolved_at or one.created_at), default=None
        )
        return last.id if last is not None else None

    def firing_labels(self, incident_id: str) -> list[tuple[str, Mapping[str, str]]]:
        return [
            (key, self.labels[receiver, key])
            for (receiver, key), known in self.alerts.items()
            if known.incident_id == incident_id and known.status is AlertStatus.FIRING
        ]

    def live_call_on(self, number: str) -> str | None:
        live = (one for one in self._unfinished.values() if one.to == number and one.is_live)
        return next((one.id for one in live), None)

    def call_of_sid(self, sid: str) -> str | None:
        posts = ((call.id, post) for call in self.calls.values() for post in call.posts)
        return next((call_id for call_id, post in posts if sid and post.sid == sid), None)

    # ---- what the workers ask

    def due_incidents(self, now: datetime) -> list[str]:
        timers = [(one.due_at, one.id) for one in self.incidents.values() if one.due_at is not None]
        return [incident_id for due_at, incident_id in sorted(timers) if due_at <= now]

    def due_calls(self, now: datetime) -> list[Call]:
        timers = [(one.due_at, one) for one in self._unfinished.values() if one.due_at is not None]
        return [call for due_at, call in timers if due_at <= now]

    def next_timer(self, now: datetime) -> datetime | None:
        """When, after now, the engine, the follower or the dialer has to wake next."""
        calls = self._unfinished.values()
        times = [one.due_at for one in (*self.incidents.values(), *calls)]
        times += [one.timer_at for one in calls if one.state is CallState.PLANNED]
        times += [text.due_at for _, text in self._owed()]
        return min((time for time in times if time is not None and time > now), default=None)

    def _owed(self) -> list[tuple[str, Text]]:
        owed = [(one.id, text) for one in self.incidents.values() for text in one.texts]
        return [(incident_id, text) for incident_id, text in owed if not text.is_sent]

    def due_texts(self, now: datetime) -> list[tuple[str, str]]:
        """Incident and person of every message that is owed now."""
        due = ((one, text.person) for one, text in self._owed() if text.due_at <= now)
        return list(dict.fromkeys(due))

    def spent(self, now: datetime, person_span: timedelta) -> Spent:
        """The calls that count for the caps."""
        placed = [one for one in self.calls.values() if one.posted_at is not None]
        today = sum(one.created_at > now - timedelta(days=1) for one in placed)
        late = [one for one in placed if one.created_at > now - person_span]
        people = [{one.person, *(page.person for page in one.pages)} - {""} for one in late]
        return Spent(by_person=Counter(key for found in people for key in found), today=today)

    def held_incidents(self) -> list[str]:
        return [one.id for one in self.incidents.values() if one.held and one.is_open]

    def due_pages(self) -> list[DuePage]:
        return [
            DuePage(
                incident_id=incident.id,
                person=page.person,
                severity=incident.severity,
                since=page.since,
                tries=page.tries,
                was_called=incident.last_placed_at is not None,
                is_fallback=page.step == FALLBACK_STEP,
            )
            for incident in self.incidents.values()
            for page in incident.pages
            if page.state is PageState.DUE
        ]

    def open_calls(self) -> list[OpenCall]:
        return [
            OpenCall(
                id=call.id,
                kind=call.kind,
                state=call.state,
                to=call.to,
                people=people_of(call),
                created_at=call.created_at,
                timer_at=call.timer_at,
            )
            for call in self._unfinished.values()
            if call.state is not CallState.ENDED
        ]

    # ---- writing

    def _write(self, changes: Changes, now: datetime) -> None:
        for change in changes.alerts:
            self.labels[change.alert.receiver, change.alert.key] = change.alert.labels
            self.alerts[change.alert.receiver, change.alert.key] = Known(
                incident_id=change.incident_id,
                status=change.alert.status,
                severity=change.severity,
            )
        self.incidents.update(changes.incidents)
        self.calls.update(changes.calls)
        self.timeline += [(now, incident_id, line) for incident_id, line in changes.lines]
        groups = [group_of(one) for one in self.incidents.values() if one.is_open]
        assert len(groups) == len(set(groups)), "two open incidents in one group"
        for call in changes.calls.values():
            self._keep_unfinished(call)
        numbers = [one.to for one in self._unfinished.values() if one.is_live]
        assert len(numbers) == len(set(numbers)), "two live calls to one number"

    def _keep_unfinished(self, call: Call) -> None:
        if call.state is CallState.ENDED and call.due_at is None:
            self._unfinished.pop(call.id, None)
        else:
            self._unfinished[call.id] = call
        for post in call.posts:
            owner = self._tokens.setdefault(post.token_hash, call.id)
            assert owner == call.id, "one token for two calls"


def group_of(incident: Incident) -> tuple[str, str, str]:
    """What at most one open incident may have."""
    return incident.receiver, incident.policy, incident.group_key


def people_of(call: Call) -> frozenset[str]:
    """Who is rung by this call, or would be."""
    if not call.is_live:
        return frozenset(page.person for page in call.open_pages)
    direct = {call.person} - {""}
    return frozenset(page.person for page in call.pages) | direct


def firing_on_file(memory: Memory, incident_id: str) -> int:
    """How many alerts of this incident fire, counted one by one."""
    firing = AlertStatus.FIRING
    return sum(
        known.incident_id == incident_id and known.status is firing
        for known in memory.alerts.values()
    )


def without_marks(value: Incident | Call) -> Incident | Call:
    """The value without the marks that show nobody anything: when it was last touched, and the like."""
    if isinstance(value, Incident):
        return replace(value, updated_at=value.created_at)
    pages = tuple(replace(page, also=False) for page in value.pages)
    return replace(value, heard_at=None, timer_at=None, prompts=min(value.prompts, 1), pages=pages)


def seconds(amount: float) -> timedelta:
    return timedelta(seconds=amount)
