"""An incident while it is being decided: its timer, its pages, its lines."""

from datetime import timedelta

import pytest
from playbook import Playbook, person, policy, rules, step
from world import START

from escalator.escalation.draft import Draft
from escalator.escalation.events import Action
from escalator.escalation.incidents import ClosePage, Incident, Line, Page, PageState, Phase
from escalator.escalation.rules import Channel, Contact

CONFIG = rules(policy("ana"))
MINUTE = timedelta(minutes=1)


def incident(**about):
    return Incident(
        **{
            "id": "i",
            "receiver": "prod",
            "policy": "default",
            "route": "",
            "group_key": "g",
            "title": "t",
            "summary": "",
            "severity": "critical",
            "created_at": START,
            "updated_at": START,
            **about,
        }
    )


def page(person, state, **about):
    return Page(person=person, step=0, state=state, since=START, **about)


@pytest.mark.parametrize(
    ("until", "expected"),
    [(MINUTE, START + MINUTE), (START + 2 * MINUTE, START + 2 * MINUTE), (None, None)],
    ids=["a span", "a moment", "no end"],
)
def test_a_phase_ends_after_a_span_at_a_moment_or_never(until, expected):
    draft = Draft(CONFIG, incident(), START)

    draft.enter(Phase.ACKNOWLEDGED, until)

    assert draft.outcome().incident.until == expected
    assert draft.outcome().incident.due_at == expected


def test_the_timer_is_the_first_of_the_retries_and_the_end_of_the_phase():
    pages = (
        page("ana", PageState.WAITING, next_at=START + 3 * MINUTE),
        page("ben", PageState.WAITING, next_at=START + 2 * MINUTE),
        page("cy", PageState.DONE, next_at=START + MINUTE),
        page("dee", PageState.WAITING),
    )

    draft = Draft(CONFIG, incident(pages=pages, until=START + 5 * MINUTE), START)

    assert draft.outcome().incident.due_at == START + 2 * MINUTE


def test_a_resolved_incident_has_no_timer():
    resolved = incident(phase=Phase.RESOLVED, until=START + MINUTE)

    assert Draft(CONFIG, resolved, START).outcome().incident.due_at is None


def test_closing_the_pages_tells_the_calls_they_travel_in():
    pages = (page("ana", PageState.CALLING, call_id="c1"), page("ben", PageState.DUE))
    draft = Draft(CONFIG, incident(pages=pages), START)

    draft.close_pages()

    outcome = draft.outcome()
    assert outcome.effects == (ClosePage("c1", "i", "ana"),)
    assert outcome.incident.pages == ()


def test_a_page_is_put_in_place_of_the_same_persons():
    pages = (page("ana", PageState.DUE), page("ben", PageState.DUE))
    draft = Draft(CONFIG, incident(pages=pages), START)

    draft.put_page(page("ana", PageState.DONE))

    assert [(one.person, one.state) for one in draft.incident.pages] == [
        ("ben", PageState.DUE),
        ("ana", PageState.DONE),
    ]


@pytest.mark.parametrize(("key", "name"), [("ana", "Ana"), ("left", "left"), (None, "somebody")])
def test_people_are_called_by_their_names_in_the_timeline(key, name):
    assert Draft(CONFIG, incident(), START).person_name(key) == name


def test_an_outcome_holds_the_lines_in_order_and_when_it_was_decided():
    draft = Draft(CONFIG, incident(), START + MINUTE, is_new=True)
    draft.say("one", "first")
    draft.say("two", "second", by="ana", call="c")

    outcome = draft.outcome()

    assert outcome.lines == (
        Line(event="one", text="first"),
        Line(event="two", text="second", by="ana", call="c"),
    )
    assert outcome.incident.updated_at == START + MINUTE
    assert outcome.is_new


def test_the_policy_is_the_one_in_force():
    assert Draft(CONFIG, incident(policy="gone"), START).policy.name == "default"


def test_a_message_that_is_wanted_twice_at_one_moment_is_one():
    wants = (Contact(channel=Channel.SMS, after=timedelta(0)),)
    people = (person("ana"), person("ben", contacts=wants))
    with Playbook(rules(policy(step("ben", sms=("ben", "ana"))), people=people)) as page:
        page.alert("disk-full").texts("ben", "ana")
        assert len(page.incident().texts) == 2
        page.asks(Action.ACKNOWLEDGE).stays_quiet()
