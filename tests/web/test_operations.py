"""What operators ask of the daemon: alive, ready, reload, metrics, the schemas."""

import asyncio
import json

import pytest

from escalator.config.schema import json_schema


async def test_it_is_healthy_while_it_answers(listener):
    listener.not_ready.append("stopping")

    assert (await listener.get("/-/healthy")).status == 200


async def test_ready_says_why_not(listener):
    assert (await listener.get("/-/ready")).status == 200

    listener.not_ready.append("the store cannot be written")
    answer = await listener.get("/-/ready")

    assert answer.error == (503, "unavailable", None)
    assert answer.json["error"]["message"] == "the store cannot be written"
    assert int(answer.headers["Retry-After"]) > 0


async def test_a_reload_puts_the_new_config_in_force(listener, tmp_path):
    file = tmp_path / "escalator.yml"
    file.write_text(file.read_text().replace("hook:", "other:"))

    answer = await listener.post("/-/reload")

    assert (answer.status, answer.json) == (200, {"reloaded": True})
    assert (await listener.post("/receive/other", {"key": "a"})).status == 202
    assert (await listener.post("/receive/hook", {"key": "a"})).status == 404


async def test_a_reload_that_fails_tells_everything_and_changes_nothing(listener, tmp_path):
    file = tmp_path / "escalator.yml"
    file.write_text(file.read_text().replace("call: ben", "call: bem").replace("hook:", "HOOK:"))

    answer = await listener.post("/-/reload")

    assert answer.error == (400, "invalid_field", None)
    problems = answer.json["error"]["problems"]
    assert len(problems) == 2
    assert any("nobody is called 'bem'" in problem for problem in problems)
    assert (await listener.post("/receive/hook", {"key": "a"})).status == 202


async def test_a_reload_is_no_get(listener):
    assert (await listener.get("/-/reload")).error == (405, "method_not_allowed", None)


async def test_metrics_count_the_incidents_of_now(listener):
    first, _ = await listener.fire("A"), await listener.fire("B")
    await listener.post(f"/api/v1/incidents/{first}/acknowledge")

    text = (await listener.get("/metrics")).body.decode()

    assert 'escalator_incidents{state="triggered"} 1.0' in text
    assert 'escalator_incidents{state="acknowledged"} 1.0' in text
    assert 'escalator_incidents{state="snoozed"} 0.0' in text


async def test_the_schema_is_that_of_the_config(listener):
    assert (await listener.get("/schema.json")).json == json.loads(json.dumps(json_schema()))


async def test_head_goes_where_get_does(listener):
    for path in ("/", "/metrics", "/-/ready", "/api/v1/incidents", "/openapi.json"):
        answer = await listener.ask("HEAD", path)
        assert (answer.status, answer.body) == (200, b"")


async def test_an_unknown_path_is_404_in_the_one_shape(listener):
    assert (await listener.get("/wp-login.php")).error == (404, "not_found", None)


async def test_requests_are_counted_by_route_and_never_by_path(listener):
    """(L10)"""
    incident = await listener.fire()
    await listener.get(f"/api/v1/incidents/{incident}")
    await listener.get("/secret-path-of-somebody")
    await listener.ask("PROPFIND", "/")

    text = (await listener.get("/metrics")).body.decode()

    counted = "escalator_http_request_duration_seconds_count"
    assert f'{counted}{{code="200",handler="/api/v1/incidents/{{id}}",method="GET"}} 1.0' in text
    assert f'{counted}{{code="404",handler="unmatched",method="GET"}} 1.0' in text
    assert f'{counted}{{code="405",handler="unmatched",method="other"}} 1.0' in text
    assert incident not in text
    assert "secret-path" not in text


@pytest.mark.parametrize(
    "junk", [b"\x16\x03\x01\r\n\r\n", b"GET / HTTP/1.1\r\nBad Header: x\r\n\r\n"]
)
async def test_what_is_no_http_does_no_harm(listener, junk):
    """(X15)"""
    for _ in range(5):
        assert b" 400 " in await say(listener, junk)

    assert (await listener.get("/-/healthy")).status == 200
    counted = "escalator_http_request_duration_seconds_count"
    labels = {"handler": "unmatched", "method": "other", "code": "400"}
    assert listener.engine.metrics.registry.get_sample_value(counted, labels) == 5


async def test_malformed_requests_do_not_flood_the_log(listener, capsys, caplog):
    """(L9)"""
    caplog.set_level(0)
    for _ in range(5):
        await say(listener, b"GET / HTTP/1.1\r\nBad Header: x\r\n\r\n")

    lines = [line for line in capsys.readouterr().out.splitlines() if "unmatched" in line]
    assert len(lines) == 1


async def say(listener, junk: bytes) -> bytes:
    """Send these bytes and return the line that comes back."""
    reader, writer = await asyncio.open_connection(*listener.address)
    writer.write(junk)
    line = await asyncio.wait_for(reader.readline(), 2)
    writer.close()
    await writer.wait_closed()
    return line
