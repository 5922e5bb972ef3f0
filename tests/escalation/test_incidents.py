"""What an incident and its pages are."""

from dataclasses import replace

import pytest
from playbook import Playbook, policy, rules
from world import START

from escalator.escalation.incidents import Page, PageState, Phase


@pytest.mark.parametrize("phase", list(Phase))
def test_only_a_resolved_incident_is_over(phase):
    with Playbook(rules(policy("ana"))) as page:
        page.alert("disk-full").rings("ana")
        incident = replace(page.incident(), phase=phase)

    assert incident.is_open is (phase is not Phase.RESOLVED)


@pytest.mark.parametrize(
    ("state", "tries", "is_owed"),
    [
        (PageState.DUE, 0, True),
        (PageState.DUE, 1, False),
        (PageState.CALLING, 0, False),
        (PageState.WAITING, 0, False),
        (PageState.DONE, 0, False),
    ],
)
def test_a_page_that_was_never_placed_is_owed(state, tries, is_owed):
    page = Page(person="ana", step=0, state=state, since=START, tries=tries)

    assert page.is_owed is is_owed


def test_a_page_is_found_by_its_person():
    with Playbook(rules(policy("ana"))) as page:
        page.alert("disk-full").rings("ana")

        assert page.incident().page_of("ana").person == "ana"
        assert page.incident().page_of("ben") is None
