"""What alerts do to an incident beyond opening it: severity, counts, and the end of it."""

from playbook import Playbook, policy, rules

from escalator.escalation.incidents import Phase


def test_an_incident_is_as_bad_as_the_worst_that_was_heard_of_it():
    with Playbook(rules(policy("ana"))) as page:
        page.alert("disk-full", severity="warning", group="g").rings("ana")
        page.alert("oom", severity="critical", group="g").stays_quiet()
        page.alert("cpu-hot", severity="info", group="g").stays_quiet()
        assert page.incident().severity == "critical"
        page.presses("ana", "4")


def test_what_fires_and_what_is_over_is_counted():
    with Playbook(rules(policy("ana"))) as page:
        page.alert("disk-full", group="g").rings("ana").presses("ana", "4")
        page.alert("oom", group="g").alert("oom", group="g").resolves("oom", group="g")
        assert (page.incident().firing, page.incident().resolved) == (1, 1)
        page.alert("oom", group="g")
        assert (page.incident().firing, page.incident().resolved) == (2, 0)
        page.resolves("oom", group="g").resolves("disk-full", group="g").is_in(Phase.RESOLVED)
        assert (page.incident().firing, page.incident().resolved) == (0, 2)


def test_nothing_that_is_told_of_a_closed_incident_opens_it():
    with Playbook(rules(policy("ana"))) as page:
        page.alert("disk-full").rings("ana").resolves("disk-full").hangs_up("ana")
        page.resolves("disk-full").is_in(Phase.RESOLVED).stays_quiet()
