"""What is explained is what happens: the same configs, explained and played through the store's own fold."""

from datetime import timedelta

from hypothesis import given, settings
from imagined_configs import AT, LABELS, UNHURRIED, configs, foreseen, played

from escalator.foresight.explaining import explain


@settings(max_examples=150)
@given(configs())
def test_the_same_people_are_rung_at_the_same_moments(rules):
    told = explain(rules, LABELS, AT, phones=UNHURRIED)

    known = [one.at for one in (*told.rings, *told.messages)]
    end = max([*known, told.fallback_at or AT + timedelta(days=2)])
    assert foreseen(told) == played(rules, end)


@settings(max_examples=150)
@given(configs())
def test_the_fallback_is_rung_once_and_last_or_it_is_said_why_not(rules):
    told = explain(rules, LABELS, AT, phones=UNHURRIED)

    last = [ring for ring in told.rings if ring.step is None]
    assert told.calls == len({ring.call for ring in told.rings})
    assert {ring.attempt for ring in last} <= {1}
    if told.fallback_at is None:
        assert "nobody is rung, and no end of that is in sight" in told.warnings
    else:
        assert all(ring.at >= told.fallback_at for ring in last)
        assert all(ring.at <= told.fallback_at for ring in told.rings if ring not in last)


@settings(max_examples=60)
@given(configs())
def test_every_ring_has_a_reason_and_no_whole_number(rules):
    told = explain(rules, LABELS, AT, phones=UNHURRIED)

    assert all(one.reason for one in (*told.rings, *told.messages))
    numbers = [number for person in rules.people.values() for number in person.phones]
    assert not [number for number in numbers if number in repr(told)]
