"""When to look for a call that may have been made, and when to stop looking."""

from datetime import timedelta

import pytest
from world import START

from escalator.escalation.settling import POST_TAKES, SETTLE, first_look, is_settled, next_look

LIST_LAG = timedelta(seconds=10)


def at(seconds):
    return START + timedelta(seconds=seconds)


def test_the_wait_is_longer_than_a_post_and_the_lists_lag_together():
    """The rule is sharp: with less, calls are made twice."""
    assert POST_TAKES + LIST_LAG <= SETTLE


def test_the_list_is_asked_first_after_three_seconds():
    assert first_look(START) == at(3)


@pytest.mark.parametrize(
    ("now", "expected"),
    [(0, 3), (3, 6), (5.9, 6), (6, 12), (12, 20), (20, 30), (30, 35), (47, 52), (56, 60), (60, 65)],
)
def test_the_list_is_asked_again_ever_more_slowly(now, expected):
    assert next_look(START, at(now)) == at(expected)


@pytest.mark.parametrize(
    ("now", "readable", "settled"),
    [
        (29.9, True, False),
        (30, True, True),
        (30, False, False),
        (59.9, False, False),
        (60, False, True),
    ],
)
def test_another_post_is_made_after_30_seconds_and_with_an_unreadable_list_after_60(
    now, readable, settled
):
    """(C2.5, C2.6)"""
    assert is_settled(START, at(now), list_readable=readable) is settled
