"""kill -9 while somebody is being talked to: the next process knows the call by the database alone."""

import signal
import time

import pytest
from real_daemon import daemon_with_carrier, events, until

from escalator.simulator import Script

pytestmark = [pytest.mark.acceptance]

ANA, BEN = "+491713920012", "+447700900123"
CONFIG = f"""
people: {{ ana: {{ name: Ana Ortega, phone: "{ANA}" }}, ben: {{ phone: "{BEN}" }} }}
policies: {{ default: {{ steps: [{{ call: ana, retry: 1m, wait: 5m }}, {{ call: ben }}] }} }}
receivers: {{ hook: {{ type: webhook }} }}
"""
AS_LIFE = 1.0
"""Simulated seconds per real one: a prompt lasts long enough for a restart within it."""
BACK_WITHIN = 10.0
"""How long the carrier's own tries bridge."""


async def test_a_key_is_pressed_after_the_daemon_died_in_mid_prompt_and_the_next_one_takes_it(
    tmp_path,
):
    """(K9, K11) The old process has told the alert; the new one hears the key, acknowledges, and says so."""
    async with daemon_with_carrier(tmp_path, CONFIG, speed=AS_LIFE) as daemon:
        phone = daemon.simulator
        phone.people[ANA] = Script.manual()
        await daemon.start()
        incident = await daemon.fire("DiskFull")
        call = await phone.wait_call(ANA, status="ringing", within=10)
        call.answer()
        await until(lambda: any("DiskFull" in text for text in call.heard), why=call.story)
        assert call.pressed == ""

        daemon.kill()
        began = time.monotonic()
        assert await daemon.ended() == -signal.SIGKILL
        await daemon.start()
        away = time.monotonic() - began
        call.press("4")
        await until(lambda: "Acknowledged." in call.heard, why=call.story)

        found = await daemon.phase(incident, "acknowledged")
        assert found["acknowledged_by"] == "ana"
        assert events(found).count("acknowledged") == 1
        assert phone.calls == [call]
        assert away < BACK_WITHIN
        keys = [one for one in call.callbacks if one.kind == "key"]
        assert [one.status for one in keys] == [200], "the carrier had to ask once only"
