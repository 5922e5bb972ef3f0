"""What an explanation says: the way of the alert, what holds it, each ring with its reason, and where it ends."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from playbook import person, policy, route, rules, span, step

from escalator.escalation.intervals import TimeInterval, TimeOfDay
from escalator.escalation.matchers import parse_matcher
from escalator.escalation.rules import Caps, Channel, Contact, Heartbeat, Route
from escalator.escalation.schedules import Away, Layer, Override, Rotation, Schedule, Unit, Window
from escalator.escalation.silences import Silence
from escalator.foresight.explaining import RINGS_MAX, explain
from escalator.foresight.imagined import Phones

BERLIN = ZoneInfo("Europe/Berlin")
AT = datetime(
    2026, 10, 25, 2, 0, tzinfo=UTC
)  # 03:00 in Berlin, an hour after the clock was put back
LABELS = {"alertname": "DiskFull", "severity": "critical"}
UNHURRIED = Phones(calls_per_second=None, concurrent_calls=None)
NIGHTLY = Rotation(every=1, unit=Unit.DAYS, starting=date(2026, 10, 24), at=time(18))


def told(*policies, at=AT, labels=LABELS, phones=UNHURRIED, **keys):
    return explain(rules(*policies, **keys), labels, at, phones=phones, zone=BERLIN)


def primary(*items, **keys):
    layer = Layer(rotation=NIGHTLY, people=tuple((one,) for one in items))
    return {"primary": Schedule(name="primary", zone=BERLIN, layers=(layer,), **keys)}


def after(explained):
    """Each ring as minutes and seconds after the alert, whom, and which step (None: the fallback)."""
    return [(str(one.at - AT)[2:], one.person, one.step) for one in explained.rings]


# ---- the way of the alert


def test_each_route_before_the_one_taken_says_its_first_matcher_that_failed():
    explained = told(
        policy("ana"),
        routes=(
            Route(name="quiet", policy="none", matchers=(parse_matcher('severity=~"info|none"'),)),
            Route(
                name="staging",
                policy="none",
                matchers=(parse_matcher('severity="critical"'), parse_matcher('env="staging"')),
            ),
            Route(name="rest", policy="default"),
            Route(name="never", policy="default"),
        ),
    )

    assert (explained.route, explained.position, explained.routes) == ("rest", 3, 4)
    assert [(one.route, one.why) for one in explained.missed] == [
        ("quiet", 'severity=~"info|none": the alert has severity="critical"'),
        ("staging", 'env="staging": the alert has no env'),
    ]


def test_where_no_route_matches_all_are_told_of_and_the_default_acts():
    explained = told(
        policy("ana"), routes=(route('team="db"', "none"), route('team="web"', "none"))
    )

    assert explained.route == ""
    assert explained.position == 0
    assert [one.why for one in explained.missed] == [
        'team="db": the alert has no team',
        'team="web": the alert has no team',
    ]
    assert explained.policy == "default"
    assert explained.rings[0].person == "ana"


def test_policy_none_rings_nobody():
    explained = told(policy("ana"), routes=(route('severity="critical"', "none"),))

    assert explained.policy == "none"
    assert explained.rings == explained.messages == explained.warnings == ()


def test_a_beat_is_only_a_beat():
    beats = tuple(
        Heartbeat(
            name=name,
            every=span("1m"),
            grace=span("1m"),
            matchers=(parse_matcher(matcher),),
        )
        for name, matcher in (("prometheus", 'alertname="DiskFull"'), ("other", 'alertname="X"'))
    )

    explained = told(policy("ana"), heartbeats=beats)

    assert explained.beats == ("prometheus",)
    assert explained.route == explained.policy == ""
    assert explained.rings == ()


def test_a_policy_outside_its_hours_says_who_acts_and_until_when():
    hours = {"day": (TimeInterval(zone=BERLIN, times=(TimeOfDay(start=time(9), end=time(18)),)),)}
    explained = told(
        policy("ana", during=("day",), otherwise="night"),
        policy("ben", name="night"),
        time_intervals=hours,
    )

    [outside] = explained.outside
    assert explained.policy == "night"
    assert (outside.policy, outside.until) == ("default", AT + span("6h"))
    assert explained.rings[0].person == "ben"


# ---- what holds it


def test_what_holds_it_is_told_with_its_end_and_the_rings_come_then():
    silence = Silence(
        id="s1",
        matchers=(parse_matcher('alertname="DiskFull"'),),
        start=AT - span("1h"),
        end=AT + span("2h"),
        comment="new disks",
    )

    explained = told(policy("ana"), silences=(silence,))

    [held] = explained.held
    assert (held.why, held.since, held.until) == ("silence s1 (new disks)", AT, AT + span("2h"))
    assert explained.rings[0].at == AT + span("2h")


def test_one_hold_after_the_other_is_told_in_order():
    silence = Silence(
        id="s1", matchers=(parse_matcher("alertname=DiskFull"),), start=AT, end=AT + span("1h")
    )
    hours = {"day": (TimeInterval(zone=BERLIN, times=(TimeOfDay(start=time(9), end=time(18)),)),)}

    explained = told(policy("ana", during=("day",)), silences=(silence,), time_intervals=hours)

    assert [one.why for one in explained.held] == [
        "silence s1",
        "policy default waits for its hours",
    ]
    assert explained.held[1].since == AT + span("1h")
    assert explained.rings[0].at == AT + span("6h")


def test_a_hold_without_an_end_rings_nobody_and_says_so():
    never = {"never": (TimeInterval(zone=BERLIN, years=((2020, 2020),)),)}

    explained = told(policy("ana", during=("never",)), time_intervals=never)

    assert explained.rings == ()
    assert explained.fallback_at is None
    assert explained.held[0].until is None
    assert explained.warnings == ("nobody is rung, and no end of that is in sight",)


# ---- who is rung, and why


def test_the_timetable_of_steps_rounds_and_the_fallback():
    explained = told(
        policy(
            step("ana", wait="5m"),
            step("ben", "cy", retry="3m", wait="6m"),
            repeat=2,
            fallback=("dee",),
            fallback_every=span("7m"),
        )
    )

    first = [("00:00", "ana", 0), ("02:00", "ana", 0), ("04:00", "ana", 0)]
    assert after(explained)[:7] == [
        *first,
        ("05:00", "ben", 1),
        ("05:00", "cy", 1),
        ("08:00", "ben", 1),
        ("08:00", "cy", 1),
    ]
    assert [one.round for one in explained.rings] == [1] * 7 + [2] * 7 + [None]
    assert after(explained)[-1] == ("22:00", "dee", None)
    assert [one.attempt for one in explained.rings[:3]] == [1, 2, 3]
    assert explained.calls == 15
    assert explained.fallback_at == AT + span("22m")
    assert explained.fallback_every == span("7m")


def test_a_call_rings_for_its_time_before_the_next_try():
    patient = replace(UNHURRIED, ring=timedelta(seconds=50))

    explained = told(policy(step("ana", retry="30s", wait="2m"), repeat=1), phones=patient)

    assert after(explained)[:3] == [("00:00", "ana", 0), ("00:50", "ana", 0), ("01:40", "ana", 0)]


def test_calls_leave_as_fast_and_as_many_as_the_config_allows():
    everybody = policy(step("everyone", retry="5m"), repeat=1)

    paced = told(everybody, phones=Phones(calls_per_second=1.0))
    one_by_one = told(everybody, phones=Phones(calls_per_second=None, concurrent_calls=1))

    assert [when for when, _, _ in after(paced)[:4]] == ["00:00", "00:01", "00:02", "00:03"]
    assert [when for when, _, _ in after(one_by_one)[:4]] == ["00:00", "00:25", "00:50", "01:15"]


@pytest.mark.parametrize(
    ("targets", "reason"),
    [
        (("ana",), "by name"),
        (("everyone",), "everyone"),
        (("primary",), "primary: layer 1"),
        (("primary", "ana"), "primary: layer 1; by name"),
    ],
)
def test_the_reason_says_which_target_leads_to_the_person(targets, reason):
    explained = told(policy(step(*targets)), schedules=primary("ana"))

    assert {one.reason for one in explained.rings if one.person == "ana" and one.step == 0} == {
        reason
    }


def test_an_override_is_the_reason_in_words_and_local_time():
    override = Override(
        schedule="primary", person="ben", start=AT - span("8h"), end=AT + span("6h"), reason="swap"
    )

    explained = told(policy(step("primary")), schedules=primary("ana", overrides=(override,)))

    assert explained.rings[0].person == "ben"
    assert explained.rings[0].reason == "primary: override: swap until 25 Oct 09:00"


def test_a_handoff_between_two_tries_changes_who_is_rung():
    at = datetime(2026, 10, 25, 16, 59, tzinfo=UTC)

    explained = told(policy(step("primary", wait="4m")), schedules=primary("ana", "ben"), at=at)

    assert [one.person for one in explained.rings[:2]] == ["ana", "ben"]


def test_who_stands_in_and_who_is_passed_over_as_the_next_is_said():
    away = (Away(start=AT - span("24h"), end=AT + span("24h"), reason="holidays"),)
    people = (person("ana"), person("ben", away=away), person("cy"))

    explained = told(
        policy(step("primary.next"), repeat=1), people=people, schedules=primary("ana", "ben", "cy")
    )
    stands_in = told(
        policy(step("primary"), repeat=1), people=people, schedules=primary("ben", "cy", "ana")
    )

    assert explained.rings[0].person == "cy"
    assert explained.rings[0].reason == "primary.next: after ana; Ben is away (holidays)", (
        "on the night of the 24th it is Ana's turn"
    )
    assert stands_in.rings[0].reason == "primary: layer 1; Ben is away (holidays), Cy stands in"


def test_who_is_away_is_noted_and_who_is_rung_all_the_same_too():
    away = (Away(start=AT - span("1h"), end=AT + span("9h"), reason="asleep"),)
    some = told(policy(step("ana", "ben")), people=(person("ana", away=away), person("ben")))
    alone = told(policy(step("ana")), people=(person("ana", away=away),))

    assert some.rings[0].person == "ben"
    assert some.notes[0].text == "Ana is away (asleep)"
    assert alone.rings[0].reason == "by name, although Ana is away (asleep)"


def test_a_persons_own_rules_are_told_and_their_messages_too():
    contacts = (
        Contact(channel=Channel.SMS, after=timedelta(0)),
        Contact(channel=Channel.CALL, after=span("1m")),
    )

    explained = told(
        policy(step("ana", sms=("ben",))), people=(person("ana", contacts=contacts), person("ben"))
    )

    assert explained.rings[0].at == AT + span("1m")
    assert explained.rings[0].reason == "by name (wants: message at once, call after 1m)"
    assert [(one.person, one.at, one.reason) for one in explained.messages[:2]] == [
        ("ana", AT, "by name"),
        ("ben", AT, "by name"),
    ]


def test_people_who_share_a_number_share_the_call():
    shared = "+491713920099"
    explained = told(
        policy(step("ana", "ben"), repeat=1), people=(person("ana", shared), person("ben", shared))
    )

    assert [(one.call, one.person, one.to) for one in explained.rings[:2]] == [
        (1, "ana", "…099"),
        (1, "ben", "…099"),
    ]


def test_phones_are_tried_in_turn_and_never_shown_whole():
    two = ("+491713920012", "+493023125345")
    explained = told(policy(step("ana"), repeat=1), people=(person("ana", *two),))

    assert [one.to for one in explained.rings[:3]] == ["…012", "…345", "…012"]
    assert not [number for number in two if number in repr(explained)]


# ---- warnings, and where it ends


def test_a_step_that_nobody_stands_behind_is_skipped_with_the_span_of_the_gap():
    hours = Window(days=frozenset(range(7)), start=time(8), end=time(20))
    layer = Layer(rotation=NIGHTLY, people=(("ana",),), only=(hours,))
    gappy = {"primary": Schedule(name="primary", zone=BERLIN, layers=(layer,))}

    explained = told(policy(step("primary"), step("ben"), repeat=1), schedules=gappy)
    beside = told(policy(step("primary", "ben"), repeat=1), schedules=gappy)

    gap = "nobody is on call in primary (24 Oct 20:00 to 25 Oct 08:00)"
    assert explained.warnings == (f"step 1 is skipped: {gap}",)
    assert [(one.step, one.round, one.text) for one in explained.notes[:1]] == [
        (0, 1, f"step 1 is skipped: {gap}")
    ]
    assert explained.rings[0].step == 1
    assert beside.warnings == (f"step 1: {gap}",)


def test_a_calendar_of_which_nothing_is_known_is_not_called_empty():
    calendar = {"primary": Schedule(name="primary", zone=BERLIN, events=())}

    explained = told(policy(step("primary"), step("ben"), repeat=1), schedules=calendar)

    assert explained.warnings == (
        "step 1 is skipped: no event of the calendar primary is known here",
    )


def test_a_schedule_of_nobody_for_ever_has_no_end_in_sight():
    later = replace(NIGHTLY, starting=date(2030, 1, 1))
    empty = {
        "primary": Schedule(
            name="primary", zone=BERLIN, layers=(Layer(rotation=later, people=(("ana",),)),)
        )
    }

    explained = told(policy(step("primary"), step("ben"), repeat=1), schedules=empty)

    assert "no end of that is in sight" in explained.warnings[0]


def test_a_cap_that_is_reached_is_warned_of_once_with_its_first_time():
    explained = told(policy(step("ana"), step("ben"), repeat=3), caps=Caps(per_person=2))

    assert (
        explained.warnings[0]
        == "Ana is passed over: called 2 times within an hour, first at 25 Oct 03:04"
    )
    assert len(explained.warnings) == len(set(explained.warnings))
    assert len([one for one in explained.rings if one.person == "ana" and one.step == 0]) == 2


def test_a_language_without_phrases_is_warned_of():
    explained = told(policy("ana"), people=(replace(person("ana"), language="tlh"),))

    assert explained.warnings == ("Ana hears English: no phrases are there for tlh",)


def test_too_many_rings_are_cut_and_that_is_said():
    explained = told(policy(step("ana", retry="30s", wait="24h"), repeat=3))

    assert explained.is_cut
    assert explained.calls == RINGS_MAX
    assert explained.fallback_at is None


def test_wall_time_is_what_counts_however_far_the_engines_is_behind():
    silence = Silence(
        id="s1", matchers=(parse_matcher("alertname=DiskFull"),), start=AT, end=AT + span("1h")
    )
    base = rules(policy(step("primary")), schedules=primary("ana", "ben"), silences=(silence,))

    ahead = explain(replace(base, wall_ahead=span("30m")), LABELS, AT, phones=UNHURRIED)

    assert ahead == explain(base, LABELS, AT, phones=UNHURRIED)
    assert ahead.rings[0].at == AT + span("1h")


def test_a_skipped_step_is_noted_in_its_own_round():
    empty = {"primary": Schedule(name="primary", zone=BERLIN)}

    explained = told(policy(step("primary"), step("ana"), repeat=2), schedules=empty)

    skipped = [one for one in explained.notes if one.step == 0]
    assert [(one.round, one.at - AT) for one in skipped] == [(1, span("0s")), (2, span("5m"))]


def test_the_fallback_counts_once_everybody_in_it_was_told():
    """Ben's phone is in a call for Ana when the fallback begins: it rings for Ben after that."""
    shared = "+491713920099"
    people = (person("ana", shared), person("ben", shared))

    explained = told(
        policy(step("ana", retry="5m", wait="20s"), repeat=1, fallback=("ben",)), people=people
    )

    assert explained.fallback_at == AT + span("20s")
    assert after(explained) == [("00:00", "ana", 0), ("00:25", "ben", None)]
