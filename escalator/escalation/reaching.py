"""Whom a step or a fallback reaches now, and what each of them wants: a call, a message, or both.

People who are away are left out, unless that would leave a policy with nobody at all: then they are
reached all the same.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from escalator.escalation.incidents import FALLBACK_STEP, Page, PageState, Text
from escalator.escalation.responders import Standing, responders
from escalator.escalation.rules import Channel, Contact, Policy, Rules, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Who is called and who is sent a message when a step begins."""

    called: Standing
    texted: Standing

    @property
    def notes(self) -> tuple[str, ...]:
        """Who is not reached that one might expect, and why."""
        return (*self.called.notes, *self.texted.notes)

    @property
    def why_nobody(self) -> str:
        """Why the step reaches nobody; "" when it reaches somebody."""
        if self.called.people or self.texted.people:
            return ""
        return "; ".join(self.notes) or "nobody stands behind it"


def reach(rules: Rules, policy: Policy, step: Step, wall: datetime) -> Reach:
    """Whom a step of this policy reaches at this wall time."""
    return Reach(
        called=standing_for(rules, policy, step.targets, wall),
        texted=standing_for(rules, policy, step.sms, wall),
    )


def standing_for(rules: Rules, policy: Policy, targets: Sequence[str], wall: datetime) -> Standing:
    """The people behind these targets at this wall time, as this policy may count on them."""
    standing = responders(rules, targets, wall)
    if standing.people or not targets or not _somebody_away(rules, wall):
        return standing
    named = [target for step in policy.steps for target in (*step.targets, *step.sms)]
    if responders(rules, (*named, *policy.fallback), wall).people:
        return standing
    return responders(_nobody_away(rules), targets, wall)


def fallback_people(rules: Rules, policy: Policy, wall: datetime) -> tuple[str, ...]:
    """Who is rung when a policy has reached nobody: its fallback, else all that it names, else
    everyone.
    """
    named = policy.fallback or tuple(target for step in policy.steps for target in step.targets)
    return (
        responders(rules, named, wall).people
        or responders(_nobody_away(rules), named, wall).people
        or tuple(rules.people)
    )


def first_page(rules: Rules, person: str, step: int, now: datetime) -> Page | None:
    """A fresh page for this person in a step; None for one whose rules want no call at all.

    In the fallback everybody is called at once.
    """
    calls = [] if step == FALLBACK_STEP else _times(rules, person, Channel.CALL, now)
    if not calls:
        if step != FALLBACK_STEP and _contacts(rules, person):
            return None
        return Page(person=person, step=step, state=PageState.DUE, since=now)
    first, *rest = calls
    page = Page(person=person, step=step, state=PageState.DUE, since=now, planned=tuple(rest))
    return page if first <= now else replace(page, state=PageState.WAITING, next_at=first)


def texts_of(
    rules: Rules, people: Iterable[str], now: datetime, *, at_once: bool = False
) -> tuple[Text, ...]:
    """The messages that these people want by their rules; or, `at_once`, one for each of them."""
    if at_once:
        return tuple(Text(person=person, due_at=now) for person in people)
    return tuple(
        Text(person=person, due_at=at)
        for person in people
        for at in _times(rules, person, Channel.SMS, now)
    )


def _contacts(rules: Rules, person: str) -> tuple[Contact, ...]:
    known = rules.people.get(person)
    return known.contacts if known is not None else ()


def _times(rules: Rules, person: str, channel: Channel, now: datetime) -> list[datetime]:
    """When the person's rules want this channel, earliest first."""
    return sorted(now + one.after for one in _contacts(rules, person) if one.channel is channel)


def _somebody_away(rules: Rules, wall: datetime) -> bool:
    return any(person.is_away(wall) for person in rules.people.values())


def _nobody_away(rules: Rules) -> Rules:
    people = {key: replace(person, away=()) for key, person in rules.people.items()}
    return replace(rules, people=people)
