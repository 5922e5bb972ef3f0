"""Who is rung in a step, when again, and what comes after it.

A step rings its targets together; each again `retry` after its last try was placed, never before
that call ended, until `wait` since the step's start has passed. Who is on call is looked up at each
try. A step that can reach nobody is skipped at once. After the last round the fallback is rung, and
again every `fallback_every`, until somebody acknowledges: an open incident never goes silent. A
page that could not be placed in its step stays owed until it is placed once.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from escalator.escalation.draft import Draft
from escalator.escalation.incidents import FALLBACK_STEP, Incident, Page, PageState, Phase, Text
from escalator.escalation.reaching import (
    Reach,
    fallback_people,
    first_page,
    reach,
    standing_for,
    texts_of,
)
from escalator.escalation.rules import BUSY_RETRY, BUSY_TRIES, Step


def current_step(draft: Draft) -> Step | None:
    """The step the incident is in; None when the policy was edited and has fewer steps now."""
    steps = draft.policy.steps
    return steps[draft.incident.step] if draft.incident.step < len(steps) else None


def start(draft: Draft) -> None:
    """Begin the policy at its first step."""
    draft.enter(Phase.TRIGGERED, None)
    _go_to(draft, 0, 1)


def advance(draft: Draft) -> None:
    """Go on to the next step, the next round, or the fallback."""
    draft.enter(Phase.TRIGGERED, None)
    _go_to(draft, draft.incident.step + 1, draft.incident.round)


def start_after_timeout(draft: Draft) -> None:
    """Acknowledged, and not resolved in time: whoever took it is asked first, then the steps begin."""
    by = draft.incident.acknowledged_by
    start(draft)
    person = draft.rules.people.get(by or "")
    if person is None or person.is_away(draft.wall) or draft.incident.phase is not Phase.TRIGGERED:
        return
    step = draft.policy.steps[draft.incident.step]
    later = draft.now + step.retry
    pages = {
        page.person: replace(page, state=PageState.WAITING, next_at=later)
        if page.state is PageState.DUE
        else page
        for page in draft.incident.pages
    }
    asked = pages.get(person.key)
    if asked is None or asked.state is PageState.WAITING:
        fresh = Page(
            person=person.key, step=draft.incident.step, state=PageState.DUE, since=draft.now
        )
        pages[person.key] = fresh
    draft.incident = replace(draft.incident, until=later + step.wait)
    draft.set_pages(tuple(pages.values()))
    draft.say("asked_first", f"{person.name}, who acknowledged it, is asked first")


def ring_fallback(draft: Draft, why: str = "nobody acknowledged") -> None:
    """Ring the fallback (again), and plan the next time."""
    policy = draft.policy
    people = fallback_people(draft.rules, policy, draft.wall)
    draft.enter(Phase.EXHAUSTED, policy.fallback_every)
    draft.set_texts(())
    draft.set_pages(_pages_for(draft, people, FALLBACK_STEP))
    names = ", ".join(draft.person_name(person) for person in people) or "nobody"
    draft.say("fallback", f"{why}; ringing the fallback: {names}")


def restart(draft: Draft) -> None:
    """Begin anew what the incident was in the middle of, whatever became of its pages."""
    draft.close_pages()
    match draft.incident.phase:
        case Phase.TRIGGERED:
            resume(draft)
        case Phase.EXHAUSTED:
            ring_fallback(draft)
        case Phase.SNOOZED if draft.incident.until is None:
            start(draft)
        case _:
            pass


def resume(draft: Draft) -> None:
    """Go on with the present step and its whole `wait`; nobody is rung sooner than the retry
    spacing allows.
    """
    step = current_step(draft)
    if step is None or reach(draft.rules, draft.policy, step, draft.wall).why_nobody:
        advance(draft)
        return
    draft.enter(Phase.TRIGGERED, step.wait)
    draft.set_pages(_pages_for(draft, _people_now(draft, step), draft.incident.step))
    last = draft.incident.last_placed_at
    if last is not None and last + step.retry > draft.now:
        draft.set_pages(
            tuple(
                replace(page, state=PageState.WAITING, next_at=last + step.retry)
                if page.state is PageState.DUE
                else page
                for page in draft.incident.pages
            )
        )


def retry_due(draft: Draft) -> None:
    """The step goes on: whoever is due is rung again, if still behind the step; newcomers are rung
    now.
    """
    step = current_step(draft)
    people = _people_now(draft, step)
    if not people and not draft.incident.texts:
        advance(draft)
        return
    number = _step_number(draft.incident)
    kept = []
    for page in draft.incident.pages:
        if page.state is PageState.WAITING and page.step == number:
            kept.append(_due_again(draft, page, people))
        else:
            kept.append(page)
    present = {page.person for page in kept} | {text.person for text in draft.incident.texts}
    new = [person for person in people if person not in present]
    draft.set_pages((*kept, *_new_pages(draft, new, number)))
    draft.set_texts((*draft.incident.texts, *_new_texts(draft, new, number)))
    move_on_if_unreachable(draft)


def page_ended(draft: Draft, page: Page, *, spent: bool, busy: bool, refused: bool) -> None:
    """Plan what follows a call that did not settle the page."""
    is_current = page.step == _step_number(draft.incident)
    page = replace(page, call_id="", state=PageState.DUE, since=draft.now)
    if not spent:
        if is_current or page.tries == 0:
            draft.put_page(page)
        else:
            _drop(draft, page)
        return
    if not is_current:
        _drop(draft, page)
        return
    page = _after_try(draft, replace(page, tries=page.tries + 1), busy=busy, refused=refused)
    if page.person in _people_now(draft, current_step(draft)):
        draft.put_page(page)
        move_on_if_unreachable(draft)
    else:
        pass_over(draft, page)


def pass_over(draft: Draft, page: Page) -> None:
    """This page can reach nobody: whoever stands behind the step instead is rung now."""
    draft.put_page(replace(page, state=PageState.DONE, next_at=None, unreachable=True))
    retry_due(draft)


def move_on_if_unreachable(draft: Draft) -> None:
    """The step can reach nobody any more: the next one starts at once."""
    incident = draft.incident
    if incident.phase is not Phase.TRIGGERED:
        return
    mine = {page.person: page for page in incident.pages if page.step == incident.step}
    if any(text.person not in mine for text in incident.texts):
        return
    if mine and all(page.state is PageState.DONE and page.unreachable for page in mine.values()):
        draft.say("step_skipped", f"step {incident.step + 1} can reach nobody")
        advance(draft)


def _go_to(draft: Draft, step: int, round_: int) -> None:
    """Find the first step from here that reaches somebody. Ends: each turn goes a step on, rounds
    are counted.
    """
    policy = draft.policy
    if policy.name != draft.incident.policy:
        draft.say(
            "policy_gone",
            f"policy {draft.incident.policy} is not in the config; using {policy.name}",
        )
    while True:
        if step >= len(policy.steps):
            step, round_ = 0, round_ + 1
        if round_ > policy.repeat:
            _exhaust(draft)
            return
        found = reach(draft.rules, policy, policy.steps[step], draft.wall)
        if not found.why_nobody:
            break
        draft.say("step_skipped", f"step {step + 1} is skipped: {found.why_nobody}")
        step += 1
    _begin(draft, step, round_, found)


def _begin(draft: Draft, step: int, round_: int, found: Reach) -> None:
    draft.incident = replace(draft.incident, step=step, round=round_)
    draft.enter(Phase.TRIGGERED, draft.policy.steps[step].wait)
    called, texted = found.called.people, found.texted.people
    owed = tuple(one for one in draft.incident.texts if not one.is_sent and one.due_at <= draft.now)
    texts = (
        *_new_texts(draft, called, step),
        *texts_of(draft.rules, texted, draft.now, at_once=True),
    )
    draft.set_pages(_pages_for(draft, called, step))
    draft.set_texts((*owed, *texts))
    said = [", ".join(draft.person_name(person) for person in called)] if called else []
    if texted:
        said.append(f"a message to {', '.join(draft.person_name(one) for one in texted)}")
    draft.say("step", f"step {step + 1} of round {round_}: {'; '.join((*said, *found.notes))}")


def _exhaust(draft: Draft) -> None:
    draft.incident = replace(draft.incident, baseline=draft.incident.severity)
    draft.say("exhausted", "every round is over and nobody has acknowledged")
    ring_fallback(draft)


def _pages_for(draft: Draft, people: tuple[str, ...], step: int) -> tuple[Page, ...]:
    """Fresh pages for a step. A page still owed or in a call goes on, as a page of this step if it
    can.
    """
    pages: dict[str, Page] = {}
    for page in draft.incident.pages:
        if page.state is PageState.CALLING or page.is_owed:
            pages[page.person] = page
    for person in people:
        old = pages.get(person)
        if old is not None:
            pages[person] = replace(
                old, step=step, tries=0, busy=0, refused=0, planned=(), unreachable=False
            )
    new = _new_pages(draft, [person for person in people if person not in pages], step)
    return (*pages.values(), *new)


def _step_number(incident: Incident) -> int:
    return FALLBACK_STEP if incident.phase is Phase.EXHAUSTED else incident.step


def _new_pages(draft: Draft, people: Iterable[str], step: int) -> list[Page]:
    """A page for each of these whom a call shall reach in this step, by their rules."""
    found = (first_page(draft.rules, person, step, draft.now) for person in people)
    return [page for page in found if page is not None]


def _new_texts(draft: Draft, people: Iterable[str], step: int) -> tuple[Text, ...]:
    """The messages that these people want besides, or instead of, a call."""
    return () if step == FALLBACK_STEP else texts_of(draft.rules, people, draft.now)


def _people_now(draft: Draft, step: Step | None) -> tuple[str, ...]:
    if draft.incident.phase is Phase.EXHAUSTED:
        return fallback_people(draft.rules, draft.policy, draft.wall)
    if step is None:
        return ()
    return standing_for(draft.rules, draft.policy, step.targets, draft.wall).people


def _due_again(draft: Draft, page: Page, people: tuple[str, ...]) -> Page:
    if page.person not in people:
        return replace(page, state=PageState.DONE, next_at=None, unreachable=True)
    if page.next_at is not None and page.next_at > draft.now:
        return page
    return replace(page, state=PageState.DUE, next_at=None, since=draft.now)


def _after_try(draft: Draft, page: Page, *, busy: bool, refused: bool) -> Page:
    if refused:
        person = draft.rules.people.get(page.person)
        page = replace(page, refused=page.refused + 1)
        if person is not None and page.refused < len(person.phones):
            return page
        return replace(page, state=PageState.DONE, unreachable=True)
    spacing = _retry_of(draft)
    if page.planned:
        first, *rest = page.planned
        page = replace(page, planned=tuple(rest), busy=0, refused=0)
        return _waiting(draft.incident, page, max(draft.now, first))
    if busy and page.busy < BUSY_TRIES:
        page = replace(page, busy=page.busy + 1)
        at = draft.now + min(BUSY_RETRY, spacing)
    else:
        at = max(draft.now, (page.placed_at or draft.now) + spacing)
    return _waiting(draft.incident, replace(page, refused=0), at)


def _retry_of(draft: Draft) -> timedelta:
    if draft.incident.phase is Phase.EXHAUSTED:
        return draft.policy.fallback_every
    step = current_step(draft)
    return step.retry if step is not None else BUSY_RETRY


def _waiting(incident: Incident, page: Page, at: datetime) -> Page:
    if incident.until is not None and at >= incident.until:
        return replace(page, state=PageState.DONE)
    return replace(page, state=PageState.WAITING, next_at=at)


def _drop(draft: Draft, page: Page) -> None:
    draft.set_pages(tuple(other for other in draft.incident.pages if other.person != page.person))
