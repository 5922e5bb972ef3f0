"""A machine that slept: what was due meanwhile is one call, not one for each timer."""

from datetime import timedelta

from cast import ANA, BEN, rules, step
from rig import Rig

from escalator.simulator import Script

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


async def test_a_machine_that_slept_for_half_an_hour_makes_one_call(tmp_path):
    """(T4) To the people of the step that it is in by then, not one for each timer that was missed."""
    async with Rig(tmp_path, rules(step("ana", wait=5 * MINUTE), step("ben", wait=HOUR))) as rig:
        rig.sim.people[ANA] = rig.sim.people[BEN] = Script.no_answer()
        await rig.fire()
        (first,) = [await rig.sim.wait_call(ANA, within=10)]
        await rig.until(lambda: rig.calls() and rig.calls()[0].ended_at is not None)

        await rig.leap(1800)
        await rig.until(lambda: rig.sim.calls_to(BEN))
        await rig.quiet()

        assert len(rig.sim.calls_to(ANA)) == 1
        assert len(rig.sim.calls_to(BEN)) == 1
        assert first.is_over
