"""Messages that an incident owes are sent once, and never count as reached."""

from playbook import Playbook, policy, rules, step

from escalator.escalation.events import TextEnded, TextPassed, WentStale
from escalator.escalation.incidents import Phase


def lines(page: Playbook, event: str) -> list[str]:
    return [line.text for _, _, line in page.world.memory.timeline if line.event == event]


def told(page: Playbook, event) -> Playbook:
    """The texter tells what came of a message."""
    page.world.submit(event)
    return page


def test_a_message_is_sent_once_and_its_end_changes_nothing():
    with Playbook(rules(policy(step(sms=("ana",), wait="5m"), "ben"))) as page:
        page.alert("disk-full").texts("ana").notes("texted")
        told(page, TextEnded(incident_id=page.incident().id, person="ana", what="delivered"))
        page.after("4m").stays_quiet()
        page.after("1m").rings("ben").presses("ben", "4")
        assert lines(page, "text_ended") == ["the message to Ana: delivered"]


def test_a_message_that_cannot_be_sent_is_owed_no_more():
    with Playbook(rules(policy(step(sms=("ana",), wait="5m"), "ben"))) as page:
        page.alert("disk-full").texts("ana")
        told(page, TextPassed(incident_id=page.incident().id, person="ana", reason="no number"))
        assert lines(page, "text_passed") == ["no message to Ana: no number"]
        assert not page.world.memory.due_texts(page.world.now)
        page.after("5m").rings("ben").presses("ben", "4")


def test_a_step_whose_calls_are_refused_does_not_wait_for_a_message():
    """A message never counts as reached."""
    with Playbook(rules(policy(step("ana", sms=("ana",)), "ben"))) as page:
        page.phone("ana", "refused")
        page.alert("disk-full").texts("ana").tries("ana").rings("ben").presses("ben", "4")


def test_a_silent_sender_is_noticed_once_and_nothing_is_closed():
    with Playbook(rules(policy("ana"))) as page:
        page.alert("disk-full").rings("ana").presses("ana", "4").is_acknowledged_by("ana")
        stale = WentStale(incident_id=page.incident().id, last_seen=page.world.now)
        page.after("12h")
        page.world.submit(stale, stale)
        page.after("1s").texts("ana").is_acknowledged_by("ana")
        assert page.incident().stale_at is not None
        assert len(lines(page, "stale")) == 1

        page.alert("disk-full").stays_quiet().notes("heard_again")
        assert page.incident().stale_at is None
        page.is_in(Phase.ACKNOWLEDGED)


def test_nobody_is_asked_about_what_is_over():
    with Playbook(rules(policy("ana"))) as page:
        page.alert("disk-full").rings("ana")
        page.presses("ana", "6").is_in(Phase.RESOLVED)
        page.world.submit(WentStale(incident_id=page.incident().id, last_seen=page.world.now))
        page.after("1h").stays_quiet()
        assert page.incident().stale_at is None
