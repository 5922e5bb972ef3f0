"""How long the gate before the carrier stays shut: each kind of refusal has spans of its own, exact by the clock."""

from datetime import timedelta
from itertools import pairwise

import pytest

from escalator.clock import VirtualClock
from escalator.phone.gate import Gate, Trouble

LEAST, MIDDLE, MOST = 0.0, 0.5, 1.0


async def spans(chance, *troubles):
    """For how long it closes at each refusal in a row, the next one coming when the last wait is over."""
    clock = VirtualClock()
    gate = Gate(clock, lambda: chance)
    closed = []
    for trouble in troubles:
        began = clock.now()
        closed.append((gate.close(None, trouble) - began) / timedelta(seconds=1))
        await clock.advance(gate.opens_in())
    return closed


async def test_too_many_requests_double_a_tenth_of_a_second_up_to_half_a_minute():
    """(W5)"""
    waits = await spans(MIDDLE, *[Trouble.TOO_MANY] * 12)

    doubled = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30, 30]
    assert waits == pytest.approx(doubled)


async def test_a_connection_that_does_not_come_about_waits_longer_at_first():
    """(W6)"""
    waits = await spans(MOST, *[Trouble.AWAY] * 9)

    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


@pytest.mark.parametrize(("chance", "factor"), [(LEAST, 0.9), (MIDDLE, 1.0), (MOST, 1.1)])
async def test_chance_moves_it_by_a_tenth_either_way_and_never_over_the_bound(chance, factor):
    """(W5) Whoever was refused together must not come back together."""
    waits = await spans(chance, *[Trouble.TOO_MANY] * 11)

    assert waits[:9] == pytest.approx([0.1 * 2**n * factor for n in range(9)])
    assert waits[9:] == pytest.approx([min(30 * factor, 30)] * 2)


async def test_refused_for_years_it_is_still_half_a_minute():
    """(W5) No number grows without end."""
    waits = await spans(MIDDLE, *[Trouble.TOO_MANY] * 3000)

    assert waits[-1] == 30
    assert all(one <= other for one, other in pairwise(waits))


async def test_a_carrier_that_is_back_but_busy_is_asked_again_soon():
    """(W5, W6) That it could not be reached says nothing of how busy it is."""
    waits = await spans(MIDDLE, *[Trouble.AWAY] * 7, Trouble.TOO_MANY, Trouble.TOO_MANY)

    assert waits[6:] == pytest.approx([30, 0.1, 0.2])


async def test_it_opens_when_a_call_is_taken_and_begins_anew():
    clock = VirtualClock()
    gate = Gate(clock, lambda: MIDDLE)
    for _ in range(5):
        gate.close(None, Trouble.TOO_MANY)
        await clock.advance(gate.opens_in())

    gate.open()

    assert gate.opens_in() == 0
    gate.close(None, Trouble.TOO_MANY)
    assert gate.opens_in() == pytest.approx(0.1)


async def test_what_the_carrier_asks_for_is_what_is_waited():
    """(W5) Its own word goes before our spans, and is not spread."""
    clock = VirtualClock()
    gate = Gate(clock, lambda: MOST)

    gate.close(20.0, Trouble.TOO_MANY)

    assert gate.opens_in() == 20
