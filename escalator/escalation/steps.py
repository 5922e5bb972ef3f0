"""Who is rung in a step, when again, and what comes after it.

A step rings its targets together; each again `retry` after its last try was placed, never before
that call ended, until `wait` since the step's start has passed. A step that can reach nobody is
skipped at once. After the last round the fallback is rung, and again every `fallback_every`, until
somebody acknowledges: an open incident never goes silent. A page that could not be placed in its
step stays owed until it is placed once.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from escalator.escalation.draft import Draft
from escalator.escalation.incidents import FALLBACK_STEP, Incident, Page, PageState, Phase
from escalator.escalation.rules import BUSY_RETRY, BUSY_TRIES, EVERYONE, Policy, Rules, Step


def responders(rules: Rules, targets: Iterable[str]) -> tuple[str, ...]:
    """The people behind these targets, each once, in the order of the targets."""
    found: dict[str, None] = {}
    for target in targets:
        if target == EVERYONE:
            found.update(dict.fromkeys(rules.people))
        elif target in rules.people:
            found[target] = None
    return tuple(found)


def fallback_people(rules: Rules, policy: Policy) -> tuple[str, ...]:
    """Who is rung when a policy has reached nobody: its fallback, else all that it names, else
    everyone.
    """
    named = policy.fallback or tuple(target for step in policy.steps for target in step.targets)
    return responders(rules, named) or tuple(rules.people)


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


def ring_fallback(draft: Draft, why: str = "nobody acknowledged") -> None:
    """Ring the fallback (again), and plan the next time."""
    policy = draft.policy
    people = fallback_people(draft.rules, policy)
    draft.enter(Phase.EXHAUSTED, policy.fallback_every)
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
    people = responders(draft.rules, step.targets) if step is not None else ()
    if step is None or not people:
        advance(draft)
        return
    draft.enter(Phase.TRIGGERED, step.wait)
    draft.set_pages(_pages_for(draft, people, draft.incident.step))
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
    if not people:
        advance(draft)
        return
    number = _step_number(draft.incident)
    kept = []
    for page in draft.incident.pages:
        if page.state is PageState.WAITING and page.step == number:
            kept.append(_due_again(draft, page, people))
        else:
            kept.append(page)
    present = {page.person for page in kept}
    new = [_new_page(draft, person, number) for person in people if person not in present]
    draft.set_pages((*kept, *new))
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
    mine = [page for page in incident.pages if page.step == incident.step]
    if mine and all(page.state is PageState.DONE and page.unreachable for page in mine):
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
        people = responders(draft.rules, policy.steps[step].targets)
        if people:
            break
        draft.say("step_skipped", f"nobody stands behind step {step + 1}")
        step += 1
    _begin(draft, step, round_, people)


def _begin(draft: Draft, step: int, round_: int, people: tuple[str, ...]) -> None:
    draft.incident = replace(draft.incident, step=step, round=round_)
    draft.enter(Phase.TRIGGERED, draft.policy.steps[step].wait)
    draft.set_pages(_pages_for(draft, people, step))
    names = ", ".join(draft.person_name(person) for person in people)
    draft.say("step", f"step {step + 1} of round {round_}: {names}")


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
        if old is None:
            pages[person] = _new_page(draft, person, step)
        else:
            pages[person] = replace(old, step=step, tries=0, busy=0, refused=0, unreachable=False)
    return tuple(pages.values())


def _step_number(incident: Incident) -> int:
    return FALLBACK_STEP if incident.phase is Phase.EXHAUSTED else incident.step


def _new_page(draft: Draft, person: str, step: int) -> Page:
    return Page(person=person, step=step, state=PageState.DUE, since=draft.now)


def _people_now(draft: Draft, step: Step | None) -> tuple[str, ...]:
    if draft.incident.phase is Phase.EXHAUSTED:
        return fallback_people(draft.rules, draft.policy)
    return responders(draft.rules, step.targets) if step is not None else ()


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
