"""What the operators wrote, as values."""

from itertools import pairwise

import pytest
from playbook import policy, route, rules

from escalator.escalation.matchers import parse_matcher
from escalator.escalation.rules import Keys, Policy, Route, Step

CONFIG = rules(policy("ana"))


@pytest.mark.parametrize(
    ("severity", "rank"),
    [("critical", 0), ("error", 1), ("warning", 2), ("info", 3), ("", 0), ("page", 0), ("Info", 0)],
)
def test_severities_go_from_worst_to_mildest_and_an_unknown_one_is_the_worst(severity, rank):
    assert CONFIG.severity_rank(severity) == rank


def test_worse_is_strictly_worse():
    for worse, milder in pairwise(CONFIG.severities):
        assert CONFIG.worse(worse, milder)
        assert not CONFIG.worse(milder, worse)
    assert not CONFIG.worse("critical", "critical")
    assert not CONFIG.worse("unknown", "critical")
    assert CONFIG.worse("unknown", "error")


def test_a_route_matches_when_all_its_matchers_hold():
    matchers = (parse_matcher('env="prod"'), parse_matcher('team!="web"'))
    both = Route(name="r", policy="p", matchers=matchers)

    assert both.matches({"env": "prod"})
    assert not both.matches({"env": "prod", "team": "web"})
    assert not both.matches({"env": "dev"})


def test_a_route_without_matchers_matches_everything():
    assert Route(name="r", policy="p").matches({})
    assert route('env="prod"', "p").group_by is None


def test_the_defaults_are_those_of_the_manual():
    made = Policy(name="p", steps=(Step(targets=("ana",)),))

    assert (made.repeat, made.fallback, made.ack_timeout, str(made.on_new_alerts)) == (
        3,
        (),
        None,
        "worse",
    )
    assert [
        span.total_seconds() for span in (made.fallback_every, made.flap_window, made.snooze)
    ] == [
        600,
        600,
        3600,
    ]
    assert [span.total_seconds() for span in (made.steps[0].retry, made.steps[0].wait)] == [
        120,
        300,
    ]
    assert Keys() == Keys(acknowledge="4", escalate="5", resolve="6", repeat="*", snooze="")
