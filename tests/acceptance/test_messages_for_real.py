"""The daemon as an operator runs it: it writes, is answered, is killed in between, and stops in order."""

import signal
from xml.etree import ElementTree

import pytest
from real_daemon import daemon_with_carrier, events, until

pytestmark = [pytest.mark.acceptance]

ANA, BEN, OURS = "+491713920012", "+447700900123", "+15005550006"
CONFIG = f"""
people:
  ana: {{ name: Ana Ortega, phone: "{ANA}", rules: [{{ sms: now }}, {{ call: 5m }}] }}
  ben: {{ phone: "{BEN}" }}
policies: {{ default: {{ steps: [{{ call: ana, wait: 10m }}, {{ call: ben }}] }} }}
receivers: {{ hook: {{ type: webhook }} }}
"""


async def test_a_message_is_written_and_its_answer_acknowledges_across_a_kill(tmp_path):
    """(K4, X18)"""
    async with daemon_with_carrier(tmp_path, CONFIG) as daemon:
        phone = daemon.simulator
        await daemon.start()
        incident = await daemon.fire("DiskFull")
        await until(lambda: phone.messages, why=phone.story)
        [message] = phone.messages
        code = (await daemon.incident(incident))["code"]
        assert (message.to, message.body.endswith(f"Reply 4 {code} to acknowledge")) == (ANA, True)

        daemon.kill()
        assert await daemon.ended() == -signal.SIGKILL
        await daemon.start()
        url = f"{message.status_callback.partition('/t/')[0]}/sms"
        answer = await phone.text(ANA, OURS, f"4 {code}", url=url)

        assert ElementTree.fromstring(answer.body)[0].text == f"DiskFull ({code}): acknowledged"
        found = await daemon.phase(incident, "acknowledged")
        assert found["acknowledged_by"] == "ana"
        assert [(one["to"], one["person"]) for one in found["messages"]] == [(ANA, "ana")]
        assert events(found).count("texted") == 1
        assert not phone.calls
        daemon.tell(signal.SIGTERM)
        assert await daemon.ended() == 0
