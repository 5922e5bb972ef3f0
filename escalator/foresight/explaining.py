"""Explain one alert: the route it takes and why no other, what holds it, and each ring if nobody answers.

The rings are those of an imagined world that the daemon's own rules decide; here they are given
their reasons. The work is bounded: after so many rings it is "and so on".
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from escalator.config.phrasing import has_built_in_phrases
from escalator.escalation.alerts import Alert, AlertStatus
from escalator.escalation.assign import Place, policy_for
from escalator.escalation.firing import title_of
from escalator.escalation.incidents import FALLBACK_STEP
from escalator.escalation.intervals import until
from escalator.escalation.phrases import MEANINGS
from escalator.escalation.reaching import reach
from escalator.escalation.rules import NO_POLICY, Policy, Rules
from escalator.foresight.explanation import (
    Explanation,
    Held,
    Message,
    Miss,
    Note,
    Outside,
    Ring,
)
from escalator.foresight.imagined import ImaginedWorld, Noted, Phones, Rung, Written
from escalator.foresight.whys import Whys, targets_of, why_missed
from escalator.foresight.wording import local, masked

RINGS_MAX = 500
MOMENTS_MAX = 5000
WARNINGS_MAX = 20
_TELLS = frozenset({"passed_over", "policy_gone"})
_STEP = re.compile(r"step (\d+)")
_UTC = ZoneInfo("UTC")


def explain(
    rules: Rules,
    labels: Mapping[str, str],
    at: datetime,
    *,
    annotations: Mapping[str, str] | None = None,
    phones: Phones | None = None,
    zone: ZoneInfo = _UTC,
) -> Explanation:
    """What would become of an alert of these labels that fires at this moment (wall time, aware).

    It is taken to be new and alone, and nobody to answer. `zone` is that of the sentences.
    """
    rules = replace(rules, wall_ahead=timedelta(0))
    alert = _alert(labels, annotations or {})
    told = Explanation(at=at.astimezone(UTC), zone=zone, title=title_of(alert), labels=dict(labels))
    beats = tuple(one.name for one in rules.heartbeats if one.matches(labels))
    if beats:
        return replace(told, beats=beats)
    world = ImaginedWorld(rules, phones or Phones(), told.at)
    where = world.receive(alert)
    told = _routed(rules, told, where)
    if where.policy == NO_POLICY:
        return told
    is_cut = _play(world)
    return _Telling(rules, policy_for(rules, where.policy), zone).tell(told, world, is_cut=is_cut)


def _alert(labels: Mapping[str, str], annotations: Mapping[str, str]) -> Alert:
    return Alert(
        receiver="",
        key="",
        status=AlertStatus.FIRING,
        group="",
        labels=labels,
        annotations=annotations,
    )


def _routed(rules: Rules, told: Explanation, where: Place) -> Explanation:
    """With the route, those before it, and the policies that would act at another time."""
    before = list(takewhile(lambda one: not one.matches(told.labels), rules.routes))
    policy = rules.policies.get(where.policy)
    outside = where.policies[: where.policies.index(where.policy)]
    return replace(
        told,
        route=where.route,
        position=len(before) + 1 if len(before) < len(rules.routes) else 0,
        routes=len(rules.routes),
        missed=tuple(Miss(route=one.name, why=why_missed(one, told.labels)) for one in before),
        policy=where.policy,
        steps=len(policy.steps) if policy else 0,
        rounds=policy.repeat if policy and policy.steps else 0,
        outside=tuple(Outside(policy=one, until=_hours(rules, one, told.at)) for one in outside),
    )


def _hours(rules: Rules, name: str, at: datetime) -> datetime | None:
    """When the hours of a policy that is outside of them begin."""
    intervals = [
        one
        for during in rules.policies[name].during
        for one in rules.time_intervals.get(during, ())
    ]
    return until(intervals, at)


def _play(world: ImaginedWorld) -> bool:
    """Let everything happen until all is known; whether there was too much of it."""
    for _ in range(MOMENTS_MAX):
        if world.is_told:
            return False
        if world.calls >= RINGS_MAX or not world.move_on():
            break
    return not world.is_told


class _Telling:
    """What happened in an imagined world, with the reason of each thing."""

    def __init__(self, rules: Rules, policy: Policy, zone: ZoneInfo):
        self._rules = rules
        self._policy = policy
        self._zone = zone
        self._whys = Whys(rules, zone)
        self._warnings: dict[str, datetime | None] = {}

    def tell(self, told: Explanation, world: ImaginedWorld, *, is_cut: bool) -> Explanation:
        """The explanation with all that came of the alert."""
        held = tuple(self._held(world))
        rings: list[Ring] = []
        messages: list[Message] = []
        notes: list[Note] = []
        for one in world.history:
            if isinstance(one, Rung):
                rings += self._rings(one)
            elif isinstance(one, Written):
                messages.append(self._message(one))
            else:
                notes += self._notes(one)
        self._warn_of_languages(rings)
        return replace(
            told,
            held=held,
            rings=tuple(rings),
            messages=tuple(messages),
            notes=tuple(dict.fromkeys(notes)),
            calls=world.calls,
            fallback_at=next((one.at for one in notes if one.step is None), None),
            fallback_every=self._policy.fallback_every,
            is_cut=is_cut,
            warnings=tuple(self._warned())[:WARNINGS_MAX],
        )

    def _held(self, world: ImaginedWorld) -> Iterator[Held]:
        for since, hold in world.held:
            yield Held(why=hold.why, since=since, until=hold.until)
        if world.is_held_on:
            self._warn("nobody is rung, and no end of that is in sight")

    def _rings(self, rung: Rung) -> Iterator[Ring]:
        for page in rung.pages:
            step = None if page.step == FALLBACK_STEP else page.step
            reason = self._whys.rung(page.person, targets_of(self._policy, step), page.since)
            wishes = "" if step is None else self._whys.by_rules(page.person)
            yield Ring(
                at=rung.at,
                call=rung.call,
                person=page.person,
                name=self._name(page.person),
                to=masked(rung.to),
                step=step,
                round=None if step is None else rung.round,
                attempt=page.tries + 1,
                reason=f"{reason} (wants: {wishes})" if wishes else reason,
            )

    def _message(self, written: Written) -> Message:
        step = self._policy.steps[written.step]
        targets = step.sms if written.person in self._texted(written) else step.targets
        return Message(
            at=written.at,
            person=written.person,
            name=self._name(written.person),
            step=written.step,
            round=written.round,
            reason=self._whys.rung(written.person, targets, written.at),
        )

    def _texted(self, written: Written) -> tuple[str, ...]:
        step = self._policy.steps[written.step]
        return reach(self._rules, self._policy, step, written.at).texted.people

    def _notes(self, noted: Noted) -> Iterator[Note]:
        """Who is not rung that one might expect."""
        event, text = noted.line.event, noted.line.text
        if event == "step":
            step = self._policy.steps[noted.step]
            for reason in reach(self._rules, self._policy, step, noted.at).notes:
                told = self._with_gaps(reason, noted.step, noted.at)
                if told != reason:
                    self._warn(f"step {noted.step + 1}: {told}")
                yield Note(at=noted.at, step=noted.step, round=noted.round, text=told)
        elif event == "fallback":
            yield Note(at=noted.at, step=None, round=None, text=text)
        elif event == "step_skipped":
            yield self._skipped(noted)
        elif event in _TELLS:
            self._warn(text, noted.at)
            yield Note(at=noted.at, step=max(noted.step, 0), round=noted.round, text=text)

    def _skipped(self, noted: Noted) -> Note:
        """A step that reaches nobody: one to come, or the present one once all in it were tried."""
        found = _STEP.match(noted.line.text)
        step = int(found[1]) - 1 if found else noted.step
        is_to_come = "is skipped" in noted.line.text
        text = self._with_gaps(noted.line.text, step, noted.at)
        self._warn(text, None if text != noted.line.text else noted.at)
        is_next_round = is_to_come and step <= noted.step
        return Note(at=noted.at, step=step, round=noted.round + is_next_round, text=text)

    def _with_gaps(self, text: str, step: int, at: datetime) -> str:
        steps = self._policy.steps
        targets = (*steps[step].targets, *steps[step].sms) if step < len(steps) else ()
        return self._whys.with_gaps(text, dict.fromkeys(targets), at)

    def _warn_of_languages(self, rings: list[Ring]) -> None:
        for key in dict.fromkeys(one.person for one in rings):
            person = self._rules.people.get(key)
            if person is None or has_built_in_phrases(person.language):
                continue
            voice = self._rules.speech.get(person.language)
            if set(MEANINGS) - set(voice.phrases if voice else ()):
                self._warn(
                    f"{person.name} hears English: no phrases are there for {person.language}"
                )

    def _warn(self, text: str, at: datetime | None = None) -> None:
        """Once each; `at` is when that is so for the first time."""
        self._warnings.setdefault(text, at)

    def _warned(self) -> Iterator[str]:
        for text, at in self._warnings.items():
            yield text if at is None else f"{text}, first at {local(at, self._zone)}"

    def _name(self, person: str) -> str:
        known = self._rules.people.get(person)
        return known.name if known is not None else person
