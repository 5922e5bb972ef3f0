"""A heartbeat as its sender and an operator meet it: the real command, real time, the whole way."""

import pytest
from real_daemon import daemon_with_carrier, until

pytestmark = pytest.mark.acceptance

CONFIG = """
people: { ana: { phone: "+491713920012" } }
policies: { default: { steps: [{ call: ana, wait: 5m }] } }
heartbeats: { backup: { every: 1s, grace: 1s, expect_at_start: true } }
"""


async def test_a_beat_that_does_not_come_rings_and_the_next_one_resolves(tmp_path):
    """(G2)"""
    async with daemon_with_carrier(tmp_path, CONFIG) as daemon:
        await daemon.start()

        async def phase():
            found = (await daemon.get("/api/v1/incidents?phase=all")).json["incidents"]
            return [(one["title"], one["phase"]) for one in found]

        async def is_missed():
            return await phase() == [("HeartbeatMissed", "triggered")]

        await until(is_missed)
        assert (await daemon.post("/heartbeat/backup")).status == 200
        assert await phase() == [("HeartbeatMissed", "resolved")]
