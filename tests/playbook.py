"""A script language for escalations: what happens, and who is rung for it.

    with Playbook(rules(policy("ana", "ben"))) as page:
        page.alert("disk-full").rings("ana")
        page.after("5m").rings("ben")
        page.presses("ben", "4").is_acknowledged_by("ben")
        page.after("24h").stays_quiet()

Whatever people would notice (a phone rings, a call is taken back) has to be said before the next
thing happens: an effect that nobody expected fails, and so does a playbook that checks nothing.
"""

import re
from datetime import datetime, timedelta
from types import TracebackType

from memory import people_of
from world import START, CarrierCall, World

from escalator.escalation.alerts import Alert, AlertStatus
from escalator.escalation.call_events import CallUnclear
from escalator.escalation.calls import Call, CallState
from escalator.escalation.events import Action, AlertReceived, Asked, HoldAsked
from escalator.escalation.incidents import Incident, Phase
from escalator.escalation.matchers import parse_matcher
from escalator.escalation.rules import Person, Policy, Route, Rules, Step

PHONES = {
    "ana": ("+491713920012",),
    "ben": ("+447700900123",),
    "cy": ("+442079460123",),
    "dee": ("+15005550109",),
}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


# ---- rules in a few words


def span(text: str) -> timedelta:
    """`90s`, `5m`, `1h30m` as a span."""
    parts = re.findall(r"(\d+)([smhd])", text)
    assert "".join(number + unit for number, unit in parts) == text, f"{text} is no span"
    return timedelta(seconds=sum(int(number) * _UNITS[unit] for number, unit in parts))


def person(key: str, *phones: str, **more: object) -> Person:
    return Person(key=key, name=key.title(), phones=phones or PHONES[key], language="en-GB", **more)


def step(*targets: str, retry: str = "2m", wait: str = "5m", sms: tuple[str, ...] = ()) -> Step:
    return Step(targets=targets, sms=sms, retry=span(retry), wait=span(wait))


def policy(*steps: Step | str, name: str = "default", **keys: object) -> Policy:
    """A policy; a step given by a name is tried once and lasts five minutes."""
    made = tuple(step(one, retry="5m") if isinstance(one, str) else one for one in steps)
    return Policy(name=name, steps=made, **keys)


def route(matcher: str, to: str, **keys: object) -> Route:
    return Route(name=f"to {to}", policy=to, matchers=(parse_matcher(matcher),), **keys)


def rules(
    *policies: Policy,
    people: tuple[Person, ...] = (),
    routes: tuple[Route, ...] = (),
    **more: object,
) -> Rules:
    """Rules with these policies; everybody of `PHONES` is there, unless told otherwise."""
    known = people or tuple(person(key) for key in PHONES)
    named = {one.name: one for one in policies}
    return Rules(
        people={one.key: one for one in known},
        policies={"none": Policy(name="none", steps=()), **named},
        routes=routes,
        **more,
    )


def alert_of(
    name: str,
    *,
    firing: bool = True,
    severity: str | None = "critical",
    group: str = "",
    receiver: str = "prod",
    **labels: str,
) -> Alert:
    """An alert whose key is its name; without `group` it is a group of its own."""
    graded = {} if severity is None else {"severity": severity}
    return Alert(
        receiver=receiver,
        key=name,
        status=AlertStatus.FIRING if firing else AlertStatus.RESOLVED,
        group=group,
        labels={"alertname": name, **graded, **labels},
    )


# ---- the language


class Playbook:
    """One story. Each verb returns the playbook, so that what follows can be said in the same breath."""

    def __init__(self, rules: Rules):
        self.world = World(rules, self._notice)
        self._pending: list[tuple[str, str]] = []
        self._transcript: list[tuple[datetime, str]] = []
        self._lines_seen = 0
        self._lines_before = 0
        self._checks = 0
        self._fresh = 0

    def __enter__(self) -> "Playbook":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if kind is None:
            self._nothing_is_pending("the story ends")
            if not self._checks:
                self._fail("this playbook checked nothing")

    # ---- what happens

    def alert(self, name: str, **about: str) -> "Playbook":
        """A sender says that this alert fires."""
        return self.receives(alert_of(name, **about))

    def receives(self, alert: Alert, **how: str) -> "Playbook":
        """An alert comes in as it is."""
        self._begins(f"{alert.key} is {alert.status} ({alert.labels.get('severity', '-')})")
        self._fresh += 1
        fresh_id = f"incident-{self._fresh}"
        self.world.submit(AlertReceived(alert=alert, fresh_id=fresh_id, **how))
        return self._ends()

    def alert_batch(self, *names: str, **about: str) -> "Playbook":
        """One payload says that all these fire."""
        self._begins(f"{', '.join(names)} fire")
        self._fresh += len(names)
        events = [
            AlertReceived(alert=alert_of(name, **about), fresh_id=f"incident-{self._fresh}-{n}")
            for n, name in enumerate(names)
        ]
        self.world.submit(*events)
        return self._ends()

    def resolves(self, name: str, **about: str) -> "Playbook":
        """A sender says that it fires no more."""
        return self.receives(alert_of(name, firing=False, **about))

    def after(self, wait: str) -> "Playbook":
        """Time passes."""
        self._begins(f"{wait} pass")
        self.world.run_until(self.world.now + span(wait))
        return self._ends()

    def phone(self, who: str, behaviour: str) -> "Playbook":
        """From now on this person's phone (or this number) does so when it is called."""
        numbers = [who] if who.startswith("+") else self.world.rules.people[who].phones
        self.world.behaviour.update(dict.fromkeys(numbers, behaviour))
        return self

    def answers(self, who: str) -> "Playbook":
        """Somebody picks up, or listens to the next prompt."""
        self._begins(f"{who} answers")
        self.world.answer(self._call_of(who))
        return self._ends()

    def presses(self, who: str, key: str) -> "Playbook":
        """Somebody presses a key, having picked up; with nothing left to hear they hang up."""
        self._begins(f"{who} presses {key}")
        made = self._call_of(who)
        if made.status != "in-progress":
            self.world.answer(made)
        self.world.press(made, key)
        self.world.settle()
        if not self.world.memory.calls[made.call_id].open_pages:
            self.world.report(made, "completed")
        return self._ends()

    def puts_down(self, who: str) -> "Playbook":
        """Somebody hangs up without pressing a key."""
        self._begins(f"{who} hangs up")
        self.world.report(self._call_of(who), "completed")
        return self._ends()

    def asks(self, action: Action, by: str = "ana", **more: object) -> "Playbook":
        """An operator wants something of the last incident."""
        self._begins(f"{by} asks to {action}")
        asked = Asked(incident_id=self.incident().id, action=action, by=by, **more)
        self.world.submit(asked)
        return self._ends()

    def reloads(self, rules: Rules) -> "Playbook":
        """The operators have changed the config."""
        self._begins("reload")
        self.world.rules = rules
        held = self.world.memory.held_incidents()
        self.world.submit(*(HoldAsked(incident_id=one) for one in held))
        return self._ends()

    def sleeps(self, wait: str) -> "Playbook":
        """Nothing of ours runs for a while: the process is down, the host suspended."""
        self._begins(f"down for {wait}")
        self.world.now += span(wait)
        for call in list(self.world.memory.calls.values()):
            if call.state is CallState.POSTING:
                self.world.submit(CallUnclear(call_id=call.id, reason="restart"))
        return self._ends()

    # ---- what is to be seen

    def rings(self, *people: str) -> "Playbook":
        """These phones rang since, each as often as it is named, and no other."""
        return self._saw("rings", people)

    def tries(self, *people: str) -> "Playbook":
        """These were asked of the carrier, which made no call."""
        return self._saw("tries", people)

    def texts(self, *people: str) -> "Playbook":
        """These were sent a message since, each as often as it is named, and no other."""
        return self._saw("texts", people)

    def hangs_up(self, *people: str) -> "Playbook":
        """These calls were taken back."""
        return self._saw("hangs up", people)

    def stays_quiet(self) -> "Playbook":
        """Nothing happened that anybody would notice."""
        self._nothing_is_pending("quiet was expected")
        return self

    def is_in(self, phase: Phase | str, name: str = "") -> "Playbook":
        """The (last) incident stands so."""
        found = self.incident(name)
        return self._holds(found.phase == phase, f"{found.title} is {found.phase}, not {phase}")

    def is_acknowledged_by(self, who: str, name: str = "") -> "Playbook":
        """The (last) incident was taken by this person."""
        found = self.incident(name)
        self.is_in(Phase.ACKNOWLEDGED, name)
        return self._holds(found.acknowledged_by == who, f"taken by {found.acknowledged_by}")

    def has_incidents(self, count: int) -> "Playbook":
        """So many incidents are on file, over or not."""
        there = len(self.world.memory.incidents)
        return self._holds(there == count, f"there are {there} incidents, not {count}")

    def notes(self, *events: str) -> "Playbook":
        """The timelines got lines of these kinds since the last thing that happened."""
        lines = self.world.memory.timeline[self._lines_before :]
        kinds = {line.event for _, _, line in lines}
        return self._holds(set(events) <= kinds, f"noted were {sorted(kinds)}")

    def incident(self, name: str = "") -> Incident:
        """The last incident, or the last of that title."""
        found = [one for one in self.world.memory.incidents.values() if name in ("", one.title)]
        assert found, f"there is no incident {name}"
        return found[-1]

    def calls(self) -> list[Call]:
        """All calls so far."""
        return list(self.world.memory.calls.values())

    # ---- how it works

    def _begins(self, what: str) -> None:
        self._nothing_is_pending(what)
        self._lines_before = len(self.world.memory.timeline)
        self._write_down(self.world.now, f"-- {what}")

    def _ends(self) -> "Playbook":
        self.world.settle()
        timeline = self.world.memory.timeline
        for at, incident_id, line in timeline[self._lines_seen :]:
            self._write_down(at, f"   {incident_id}: {line.event}: {line.text}")
        self._lines_seen = len(timeline)
        return self

    def _call_of(self, who: str) -> CarrierCall:
        calls = [one for one in self.world.memory.calls.values() if who in people_of(one)]
        live = [self.world.at_carrier[one.sid] for one in calls if one.is_live and one.sid]
        if not live:
            self._fail(f"{who} is in no call")
        return live[-1]

    def _notice(self, what: str, whom: str) -> None:
        self._pending.append((what, whom))
        self._write_down(self.world.now, f">> {what} {whom}")

    def _saw(self, what: str, people: tuple[str, ...]) -> "Playbook":
        seen = sorted(whom for kind, whom in self._pending if kind == what)
        self._pending = [one for one in self._pending if one[0] != what]
        return self._holds(seen == sorted(people), f"{what}: {seen}, not {sorted(people)}")

    def _nothing_is_pending(self, when: str) -> None:
        self._holds(not self._pending, f"{when}, but nobody expected {self._pending}", counts=0)
        self._checks += when == "quiet was expected"

    def _holds(self, is_so: bool, otherwise: str, counts: int = 1) -> "Playbook":
        self._checks += counts
        if not is_so:
            self._ends()
            self._fail(otherwise)
        return self

    def _write_down(self, at: datetime, what: str) -> None:
        self._transcript.append((at, f"{at - START!s:>9} {what}"))

    def _fail(self, why: str) -> None:
        story = sorted(self._transcript, key=lambda one: one[0])
        raise AssertionError(f"{why}\n" + "\n".join(text for _, text in story))
