"""When a heartbeat is missed, what is a beat, and under which policy the alarm falls (G2)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playbook import Playbook, alert_of, policy, route, rules
from world import START

from escalator.escalation.heartbeats import (
    Check,
    Signs,
    Standing,
    State,
    beat,
    beating_alert,
    check,
    failed_alert,
    gone_alert,
    missed_alert,
    period,
    sort_out,
)
from escalator.escalation.incidents import Phase
from escalator.escalation.intervals import TimeInterval
from escalator.escalation.matchers import parse_matcher
from escalator.escalation.rules import Heartbeat
from escalator.escalation.silences import Silence

T0 = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
EVERY = Heartbeat(name="eu", every=MINUTE, grace=5 * MINUTE)
EXPECTED = Heartbeat(name="eu", every=MINUTE, grace=5 * MINUTE, expect_at_start=True)
WATCHDOG = Heartbeat(
    name="eu",
    every=MINUTE,
    grace=5 * MINUTE,
    matchers=(parse_matcher('alertname="Watchdog"'), parse_matcher('cluster="eu"')),
)
NEVER = State()


def heard(minutes=0.0, **more):
    return State(last_at=T0 + minutes * MINUTE, armed_at=T0, beats=1, **more)


@pytest.mark.parametrize(
    ("heartbeat", "state", "now", "up_since", "standing", "next_by"),
    [
        (EVERY, NEVER, 1000, 0, "waiting", None),
        (EXPECTED, NEVER, 0, 0, "armed", 6),
        (EXPECTED, NEVER, 5.99, 0, "armed", 6),
        (EXPECTED, NEVER, 6, 0, "missed", None),
        (EVERY, heard(), 5.99, 0, "armed", 6),
        (EVERY, heard(), 6, 0, "missed", None),
        (EVERY, heard(3), 6, 0, "armed", 9),
        (EVERY, heard(), 60, 58, "armed", 64),
        (EVERY, heard(), 64, 58, "missed", None),
        (EVERY, heard(59), 60, 58, "armed", 65),
        (EVERY, heard(500), 5, 0, "armed", 6),
        (EVERY, heard(500), 6, 0, "missed", None),
        (EVERY, heard(is_missed=True), 1, 0, "missed", None),
        (EVERY, State(is_missed=True), 1, 0, "missed", None),
        (EVERY, State(armed_at=T0), 6, 0, "missed", None),
    ],
    ids=[
        "not armed before the first beat",
        "armed from the start where it is expected",
        "just in time at the start",
        "never came though expected",
        "just in time",
        "one period and its grace are over",
        "a later beat moves it",
        "after a downtime a full period passes",
        "then it is missed",
        "a beat since the start counts from itself",
        "a beat of a clock that was ahead tells nothing",
        "and puts nothing off",
        "missed stays so",
        "missed without ever a beat",
        "heard of, but never as a beat",
    ],
)
def test_how_a_heartbeat_is(heartbeat, state, now, up_since, standing, next_by):
    found = check(heartbeat, state, T0 + now * MINUTE, T0 + up_since * MINUTE)

    by = None if next_by is None else T0 + next_by * MINUTE
    assert found == Check(standing=Standing(standing), next_by=by)


def test_a_beat_arms_for_good_and_is_counted():
    first = beat(NEVER, T0)
    second = beat(State(**{**fields(first), "is_missed": True}), T0 + MINUTE)

    assert first == State(last_at=T0, armed_at=T0, beats=1)
    assert second == State(last_at=T0 + MINUTE, armed_at=T0, beats=2)


def fields(state):
    return {name: getattr(state, name) for name in state.__dataclass_fields__}


def test_a_period_is_the_interval_and_its_grace():
    assert period(EVERY) == 6 * MINUTE


# ---- which alerts are beats


def watchdog(name="Watchdog", *, firing=True, cluster="eu"):
    return alert_of(name, firing=firing, cluster=cluster)


def test_an_alert_that_fits_all_matchers_is_a_beat_and_nothing_else():
    other, us = watchdog("DiskFull"), watchdog(cluster="us")

    rest, signs = sort_out((EVERY, WATCHDOG), [other, watchdog(), us])

    assert rest == [other, us]
    assert signs == Signs(beats=("eu",))


def test_a_resolved_one_is_a_failure_whatever_else_the_message_says():
    for told in ([True, False], [False, True], [False]):
        _, signs = sort_out((WATCHDOG,), [watchdog(firing=one) for one in told])

        assert signs == Signs(failures=("eu",))


def test_an_alert_beats_every_heartbeat_that_it_fits():
    anywhere = Heartbeat(
        name="any", every=MINUTE, grace=MINUTE, matchers=(parse_matcher('alertname="Watchdog"'),)
    )

    rest, signs = sort_out((WATCHDOG, anywhere), [watchdog(), watchdog(cluster="us", firing=False)])

    assert (rest, signs) == ([], Signs(beats=("eu",), failures=("any",)))


def test_without_matchers_nothing_is_looked_at():
    alerts = [watchdog()]

    rest, signs = sort_out((EVERY,), alerts)

    assert rest is alerts
    assert not signs


# ---- the alarm


def test_the_alarm_is_always_the_same_alert_and_says_what_is_missing_and_since_when():
    alerts = [
        missed_alert(EVERY, T0, T0 + MINUTE),
        failed_alert(EVERY, T0),
        beating_alert(EVERY, T0),
        gone_alert("eu", T0),
    ]

    assert {(one.receiver, one.key, one.group) for one in alerts} == {("heartbeat", "eu", "eu")}
    assert {tuple(one.labels.items()) for one in alerts} == {
        (("alertname", "HeartbeatMissed"), ("heartbeat", "eu"))
    }
    assert [one.is_firing for one in alerts] == [True, True, False, False]
    assert alerts[0].annotations["summary"] == "Nothing was heard of eu since 2026-11-02 09:00 UTC"
    assert "2026-11-02 09:00 UTC" in alerts[1].annotations["summary"]


def test_the_severity_is_the_one_that_is_written():
    graded = Heartbeat(name="eu", every=MINUTE, grace=MINUTE, severity="error")

    assert missed_alert(graded, T0, T0).labels["severity"] == "error"


MISSED = missed_alert(EVERY, T0, T0)
BACK = beating_alert(EVERY, T0)
OWN = policy("ben", name="monitoring")
MUTING = route('alertname="HeartbeatMissed"', to="none")


def test_it_rings_its_own_policy_whatever_the_routes_say():
    """(G2)"""
    with Playbook(rules(policy("ana"), OWN, routes=(MUTING,))) as page:
        page.receives(MISSED, policy="monitoring").rings("ben")
        page.receives(MISSED, policy="monitoring").stays_quiet().has_incidents(1)
        page.receives(BACK, policy="monitoring").hangs_up("ben").is_in(Phase.RESOLVED)


def test_a_policy_that_is_gone_becomes_the_default_one():
    with Playbook(rules(policy("ana"))) as page:
        page.receives(MISSED, policy="gone").rings("ana")


def test_policy_none_stores_it_and_rings_nobody():
    with Playbook(rules(policy("ana"))) as page:
        page.receives(MISSED, policy="none").stays_quiet().has_incidents(0)


def test_a_silence_holds_it_back_and_what_is_still_missing_then_pages():
    silence = Silence(
        id="s1",
        matchers=(parse_matcher('heartbeat="eu"'),),
        start=START,
        end=START + 30 * MINUTE,
    )
    muted = route('alertname="HeartbeatMissed"', to="default", muted=("always",))
    always = {"always": (TimeInterval(zone=ZoneInfo("UTC")),)}
    story = rules(policy("ana"), OWN, routes=(muted,), time_intervals=always, silences=(silence,))
    with Playbook(story) as page:
        page.receives(MISSED, policy="monitoring").stays_quiet().is_in(Phase.SNOOZED)
        page.after("31m").rings("ben")
