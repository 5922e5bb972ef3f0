"""What is rung about long after it began, as after a long downtime or from an old copy of the database (D10)."""

import pytest
from cast import ANA
from rig import FOR_HANDS, Rig

from escalator.simulator import Script

HOUR = 3600
DAY = 24 * HOUR


async def heard_after(rig, seconds):
    """What Ana is told of an alert for which the carrier could not be reached for so long."""
    rig.sim.people[ANA] = Script.manual()
    await rig.sim.go_down()
    await rig.fire()
    await rig.until(lambda: rig.lines("not_sent"))
    await rig.leap(seconds)
    await rig.until(lambda: rig.call().not_sent > 1)
    await rig.sim.come_back()
    await rig.leap(30)
    call = await rig.answered(ANA)
    return call.documents[0]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(DAY + HOUR, "This alert is from 1 day ago."), (9 * DAY, "This alert is from 9 days ago.")],
)
async def test_an_alert_of_another_day_is_told_as_such(tmp_path, seconds, said):
    """(D10) Whoever is woken must not take it for news."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        heard = await heard_after(rig, seconds)

        assert said in heard
        assert heard.index("disk needs you") < heard.index(said) < heard.index("to acknowledge")


async def test_an_alert_of_today_is_told_without_its_age(tmp_path):
    """(D10)"""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        assert " ago." not in await heard_after(rig, DAY - HOUR)
