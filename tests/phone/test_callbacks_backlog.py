"""Callbacks come first, and cost the same however much is on file (L11)."""

import asyncio
import statistics

from cast import ANA, fired
from rig import FOR_HANDS, Rig

from escalator.escalation.calls import CallState
from escalator.simulator import Script
from escalator.store.writer import Lane

MANY = 3000
BATCH = 50


async def ringing(rig):
    """A call that rings at Ana's."""
    rig.sim.people[ANA] = Script.manual()
    await rig.fire()
    call = await rig.sim.wait_call(ANA, status="ringing")
    await rig.until(lambda: rig.call().state is CallState.RINGING)
    return call


def alerts(count):
    """So many alerts of one incident that rings somebody else."""
    return [fired(f"noise-{n}", "incident-noise", group="noise", ring="dee") for n in range(count)]


async def test_the_carrier_is_answered_before_the_alerts_that_wait(tmp_path):
    """(L11) TwiML before webhooks: an answer to the carrier overtakes thousands of alerts."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        rig.sim.people["+15005550109"] = Script.manual()
        call = await ringing(rig)
        noise = alerts(MANY)
        storm = [
            asyncio.ensure_future(
                rig.engine.submit(*noise[start : start + BATCH], lane=Lane.INTAKE)
            )
            for start in range(0, MANY, BATCH)
        ]

        status, body, _ = await rig.post(rig.url(call, "answer"), ("CallSid", call.sid))
        waiting = sum(not one.done() for one in storm)

        assert (status, "<Gather" in body) == (200, True)
        assert waiting > len(storm) // 10
        await asyncio.gather(*storm)


async def test_a_status_costs_the_same_with_thousands_of_alerts_on_file(tmp_path):
    """(L11) Apply is O(1): measured with an empty file and a full one, by turns of the same machine."""
    async with Rig(tmp_path, speed=FOR_HANDS) as rig:
        rig.sim.people["+15005550109"] = Script.manual()
        call = await ringing(rig)

        async def median() -> float:
            loop = asyncio.get_running_loop()
            took = []
            for _ in range(60):
                started = loop.time()
                assert await rig.report(call, "in-progress") == 204
                took.append(loop.time() - started)
            return statistics.median(took)

        empty = await median()
        noise = alerts(MANY)
        for start in range(0, MANY, 500):
            await rig.engine.submit(*noise[start : start + 500])
        full = await median()

        assert full < 4 * empty + 0.005
