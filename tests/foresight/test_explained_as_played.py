"""What is explained is what happens: the same configs, explained and played through the store's own fold."""

from datetime import timedelta

from hypothesis import given, settings
from imagined_configs import AT, LABELS, UNHURRIED, configs, foreseen, played

from escalator.foresight.explaining import explain


@settings(max_examples=300, deadline=None)
@given(configs())
def test_the_same_people_are_rung_at_the_same_moments(rules):
    told = explain(rules, LABELS, AT, phones=UNHURRIED)

    end = max((one.at for one in (*told.rings, *told.messages)), default=AT + timedelta(days=2))
    assert foreseen(told) == played(rules, end)


@settings(max_examples=300, deadline=None)
@given(configs())
def test_the_fallback_is_rung_once_and_last_or_it_is_said_why_not(rules):
    told = explain(rules, LABELS, AT, phones=UNHURRIED)

    last = [ring for ring in told.rings if ring.step is None]
    assert bool(last) == (told.fallback_at is not None)
    assert last or told.policy == "none" or told.is_cut or told.held[-1].until is None
    assert told.calls == len({ring.call for ring in told.rings})
    if last:
        assert {ring.attempt for ring in last} == {1}
        assert all(ring.at <= last[0].at for ring in told.rings if ring.step is not None)


@settings(max_examples=200, deadline=None)
@given(configs())
def test_every_ring_has_a_reason_and_no_whole_number(rules):
    told = explain(rules, LABELS, AT, phones=UNHURRIED)

    assert all(one.reason for one in (*told.rings, *told.messages))
    numbers = [number for person in rules.people.values() for number in person.phones]
    assert not [number for number in numbers if number in repr(told)]
