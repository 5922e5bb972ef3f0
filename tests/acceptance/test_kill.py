"""kill -9 in mid-call, and SIGTERM: whatever was answered is kept, and no phone rings twice for one try."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from real_daemon import Daemon, acknowledge, daemon_with_carrier, events, until

from escalator.simulator import (
    CallbackFault,
    Fault,
    Heard,
    Pressed,
    Script,
    SimCall,
    SimEvent,
)

pytestmark = [pytest.mark.acceptance, pytest.mark.asyncio(loop_scope="module")]

PHONES = {
    "ana": "+491713920012",
    "ben": "+447700900123",
    "chi": "+442079460123",
    "dee": "+491713920013",
    "eve": "+447700900124",
    "flo": "+442079460124",
    "gus": "+491713920014",
    "hal": "+447700900125",
    "ida": "+442079460125",
    "jon": "+491713920015",
}
# A person whose call was forgotten would be rung again a second later.
RINGS_ONE = "{{ steps: [{{ call: {0}, retry: 1s, wait: 5m }}, {{ call: jon, wait: 5m }}] }}"
CONFIG = "\n".join(
    [
        "people:",
        *(f"  {name}: {{ phone: '{phone}' }}" for name, phone in PHONES.items()),
        "policies:",
        "  default: { steps: [{ call: jon }] }",
        "  gus: { steps: [{ call: gus, retry: 1m, wait: 2s }, { call: hal, wait: 5m }] }",
        *(f"  {name}: {RINGS_ONE.format(name)}" for name in PHONES if name not in ("gus", "jon")),
        "routes:",
        *(
            f"  - {{ matchers: 'who=\"{name}\"', policy: {name} }}"
            for name in PHONES
            if name != "jon"
        ),
        "receivers: { hook: { type: webhook } }",
    ]
)
FLOOD_MAX = 200


@dataclass
class Scene:
    """One kill -9 with much under way. `answered` are the alerts whose 202 arrived, by their incidents."""

    daemon: Daemon
    incidents: dict[str, str] = field(default_factory=dict)
    answered: list[str] = field(default_factory=list)
    unclear: float = 0.0
    surplus: float = 0.0

    def calls(self, name: str) -> list[SimCall]:
        """All calls there ever were to somebody."""
        return self.daemon.simulator.calls_to(PHONES[name])

    def the_call(self, name: str) -> SimCall:
        """The one call there ever was to somebody."""
        [call] = self.calls(name)
        return call

    async def incident_of(self, name: str) -> dict:
        """The incident about which somebody is rung."""
        return await self.daemon.incident(self.incidents[name])

    async def ring(self, name: str) -> SimCall:
        """Somebody's phone rings, and is answered when the test wants."""
        simulator = self.daemon.simulator
        simulator.people[PHONES[name]] = Script.manual()
        self.incidents[name] = await self.daemon.fire(f"Down-{name}", who=name)
        return await simulator.wait_call(PHONES[name], status="ringing")


async def _pour(scene: Scene, lane: int) -> None:
    """Alert after alert, each as soon as the one before was answered, until there is no answer."""
    with contextlib.suppress(aiohttp.ClientError):
        for number in range(FLOOD_MAX):
            scene.answered.append(await scene.daemon.fire(f"Flood{lane}x{number}", who="flo"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """Ana's and Flo's phones ring; the answers about Ben's and Chi's calls are held back; alerts for Flo pour in; and
    the moment that Dee hears "Acknowledged" the daemon is killed, and started again. Then Chi picks up."""
    async with daemon_with_carrier(tmp_path_factory.mktemp("kill"), CONFIG) as daemon:
        simulator, scene = daemon.simulator, Scene(daemon)
        await daemon.start()
        for name in ("ana", "flo"):
            await scene.ring(name)
        simulator.faults.callback(CallbackFault.DROP, on="status", times=None)
        for name in ("ben", "chi"):
            simulator.faults.request(Fault.SLOW, on="create", seconds=60.0)
            await scene.ring(name)
        simulator.people[PHONES["dee"]] = Script.answers("4", rings=1.0)
        pouring: list[asyncio.Task[None]] = []

        def watch(event: SimEvent) -> None:
            match event:
                case Pressed(call) if call.to == PHONES["dee"]:
                    pouring.extend(asyncio.ensure_future(_pour(scene, lane)) for lane in range(4))
                case Heard(call, text) if call.to == PHONES["dee"] and text == "Acknowledged.":
                    daemon.kill()

        simulator.listeners.append(watch)
        scene.incidents["dee"] = await daemon.fire("Down-dee", who="dee")
        assert await daemon.ended() == -signal.SIGKILL
        await asyncio.gather(*pouring)
        simulator.faults.clear()
        simulator.listeners.remove(watch)
        await daemon.start()
        scene.the_call("chi").answer()
        scene.unclear = await daemon.metric("escalator_calls_ambiguous_total")
        scene.surplus = await daemon.metric("escalator_calls_surplus_total")
        yield scene


async def test_a_phone_that_rang_is_answered_from_the_database_and_rings_once(scene):
    """(K8, K9)"""
    call = scene.the_call("ana")
    assert call.status == "ringing"

    await acknowledge(call)

    found = await scene.incident_of("ana")
    assert (found["phase"], found["acknowledged_by"]) == ("acknowledged", "ana")
    assert any("Down-ana" in text for text in call.heard)
    assert call.heard[-2:] == ["Acknowledged.", "Goodbye."]
    assert call.problems() == []
    assert scene.calls("ana") == [call]


async def test_a_call_whose_201_was_held_back_is_bound_by_its_callback(scene):
    """(K6, K7)"""
    call = scene.the_call("chi")
    await call.listening()

    found = await scene.incident_of("chi")
    assert found["calls"][0]["sid"] == call.sid
    assert events(found).count("unclear") == 1
    assert "settled" not in events(found)

    await acknowledge(call)
    assert (await scene.incident_of("chi"))["phase"] == "acknowledged"
    assert scene.calls("chi") == [call]


async def test_a_call_whose_201_was_held_back_is_found_in_the_carriers_list(scene):
    """(K6, K7) Nothing is heard of it, so only the list can tell."""
    call = scene.the_call("ben")

    async def bound() -> bool:
        return (await scene.incident_of("ben"))["calls"][0]["sid"] == call.sid

    await until(bound, 12.0)
    found = await scene.incident_of("ben")
    settled = [line["text"] for line in found["timeline"] if line["event"] == "settled"]
    assert settled == ["the call was found in the carrier's list"]

    await acknowledge(call)
    assert (await scene.incident_of("ben"))["phase"] == "acknowledged"
    assert scene.calls("ben") == [call]


async def test_both_unclear_calls_are_counted_and_no_other(scene):
    assert (scene.unclear, scene.surplus) == (2, 0)


async def test_who_heard_acknowledged_has_acknowledged(scene):
    """(I3) The process died the moment the word was spoken."""
    found = await scene.incident_of("dee")

    assert (found["phase"], found["acknowledged_by"]) == ("acknowledged", "dee")
    assert "Acknowledged." in scene.the_call("dee").heard


async def test_a_key_request_that_comes_again_is_answered_the_same_and_counts_once(scene):
    """(K11) What the carrier does when our answer was lost."""
    [key] = [callback for callback in scene.the_call("dee").callbacks if callback.kind == "key"]

    http = scene.daemon.http
    async with http.post(key.url, data=list(key.fields), headers=key.headers) as answer:
        again = await answer.text()

    assert answer.status == 200
    assert "Acknowledged." in again
    found = await scene.incident_of("dee")
    assert events(found).count("acknowledged") == 1
    assert "also_acknowledged" not in events(found)


async def test_every_alert_that_was_answered_202_is_kept_and_paged(scene):
    """(K3, K4) Killed among answers, under load."""
    daemon, call = scene.daemon, scene.the_call("flo")
    assert len(scene.answered) >= 4, "the load had not begun"

    async def paged(incident: str) -> bool:
        found = await daemon.incident(incident)
        return not {"call_placed", "call_joined"}.isdisjoint(events(found))

    for incident in scene.answered:
        await until(lambda incident=incident: paged(incident))
    await acknowledge(call)

    phases = {one["id"]: one["phase"] for one in await daemon.incidents()}
    assert {phases[incident] for incident in scene.answered} == {"acknowledged"}
    assert scene.calls("flo") == [call]


async def test_nobody_was_rung_but_those_who_should(scene):
    """(I2, I5)"""
    rung = [len(scene.calls(name)) for name in ("ana", "ben", "chi", "dee", "flo")]

    assert rung == [1, 1, 1, 1, 1]
    assert scene.calls("jon") == []
    assert "event_undecided" not in scene.daemon.log


async def test_a_key_and_an_alert_that_came_but_were_not_stored_count_for_nothing_yet(scene):
    """(K1, K2, K10) The process is frozen, gets both, and is killed before it reads either."""
    daemon, simulator = scene.daemon, scene.daemon.simulator
    simulator.people[PHONES["gus"]] = Script.answers("4", rings=1.0)
    simulator.people[PHONES["hal"]] = Script.manual()
    before = {one["id"] for one in await daemon.incidents()}

    def freeze(event: SimEvent) -> None:
        if isinstance(event, Pressed):
            daemon.tell(signal.SIGSTOP)

    simulator.listeners.append(freeze)
    scene.incidents["gus"] = await daemon.fire("Down-gus", who="gus")
    call = await simulator.wait_call(PHONES["gus"], status="in-progress")
    await until(lambda: call.pressed == "4", why=call.story)
    alert = {"key": "unheard", "labels": {"alertname": "Unheard", "who": "ida"}}
    posting = asyncio.ensure_future(daemon.post("/receive/hook", alert))
    await until(lambda: unread_bytes(daemon.public) and unread_bytes(daemon.internal))
    daemon.kill()
    simulator.listeners.remove(freeze)
    with pytest.raises(aiohttp.ClientError):
        await posting
    await daemon.start()

    assert {one["id"] for one in await daemon.incidents()} - before == {scene.incidents["gus"]}
    assert (await scene.incident_of("gus"))["acknowledged_at"] is None
    assert "Acknowledged." not in call.heard
    await simulator.wait_call(PHONES["hal"], status="ringing")
    simulator.people[PHONES["ida"]] = Script.manual()
    again = await daemon.post("/receive/hook", alert)
    assert (again.status, [one["new"] for one in again.json["incidents"]]) == (202, [True])
    await simulator.wait_call(PHONES["ida"], status="ringing")
    assert scene.calls("gus") == [call]


async def test_sigterm_ends_in_order_and_loses_no_call_that_was_being_asked_for(scene):
    """(K16) The carrier takes its time to answer; a sender keeps its connection open meanwhile."""
    daemon, simulator = scene.daemon, scene.daemon.simulator
    simulator.faults.callback(CallbackFault.DROP, on="status", times=None)
    simulator.faults.request(Fault.SLOW, on="create", seconds=1.5)
    async with aiohttp.ClientSession() as sender, sender.get(daemon.url + "/-/healthy") as idle:
        await idle.read()
        call = await scene.ring("eve")
        post = next(one for one in reversed(simulator.requests) if one.path.endswith("/Calls.json"))
        assert post.status is None, "the POST has been answered too early for this test"

        daemon.tell(signal.SIGTERM)
        assert await daemon.ended(within=6.0) == 0
    assert post.status == 201
    simulator.faults.clear()
    await daemon.start()

    found = await scene.incident_of("eve")
    assert [one["sid"] for one in found["calls"]] == [call.sid]
    assert "unclear" not in events(found)
    assert scene.calls("eve") == [call]


def unread_bytes(port: int) -> int:
    """How much lies in the kernel for whoever listens on a port of loopback, and was not read yet."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(
        int(row[4].partition(":")[2], 16)
        for row in rows
        if row[1].endswith(f":{port:04X}") and row[3] == "01"
    )
