"""`escalator demo`, as a process of its own: what it shows has happened, and nothing of it stays."""

import asyncio
import contextlib
import dataclasses
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from escalator.cli import main
from escalator.cli.acts import STORM_ALERTS, STORM_GROUPS, acts, facts
from escalator.cli.child import StageError
from escalator.cli.demo_config import WATCHDOG, Plan, write_config
from escalator.cli.past import lay_out_past
from escalator.cli.stage import Trouble, raised
from escalator.cli.story import StoryError, play_story
from escalator.config.loading import load
from escalator.escalation.oncall import next_after, on_call_now
from escalator.simulator import Ringing, Script
from escalator.simulator.scene import ANA, BEN, CAST, CHIKA
from escalator.simulator.show import ActError

COMMAND = [sys.executable, "-m", "escalator", "demo"]
WALL_SECONDS_MAX = 30
STORY = [
    ("alert", r"DatabaseDown on db1, critical"),
    ("Ana", r"the phone rings .*012\)"),
    ("Ana", r"declines"),
    ("escalator", r"step 2 of round 1: Ben Shah"),
    ("Ben", r"the phone rings .*123\)"),
    ("Ben", r"answers"),
    ("Ben", r"“.*DatabaseDown.*”"),
    ("Ben", r"presses 4"),
    ("escalator", r"acknowledged by Ben Shah"),
    ("Ben", r"“Acknowledged\.”"),
    ("Ben", r"hangs up after \d+ s"),
    ("alert", r"DatabaseDown on db1 no longer fires"),
    ("escalator", r"resolved: nothing fires any more"),
]


def surroundings(folder, **more):
    return {**os.environ, "TMPDIR": str(folder), **more}


@pytest.mark.acceptance
def test_demo_auto_plays_the_story(tmp_path):
    began = time.monotonic()
    played = subprocess.run(
        [*COMMAND, "--auto"],
        capture_output=True,
        text=True,
        env=surroundings(tmp_path),
        timeout=WALL_SECONDS_MAX,
        check=False,
    )
    lasted = time.monotonic() - began

    assert played.returncode == 0, played.stdout + played.stderr
    assert lasted < WALL_SECONDS_MAX
    assert "on 127.0.0.1: no account, no real calls" in played.stdout
    assert re.search(r"Board +http://127\.0\.0\.1:\d+/\n", played.stdout)
    assert re.search(r"Stage +http://127\.0\.0\.1:\d+/demo\n", played.stdout)
    for owner in CAST:
        assert re.search(rf"http://127\.0\.0\.1:\d+/demo/phone/{owner.key}\n", played.stdout)
    assert_in_order(played.stdout, [rf"{who}\s+{what}" for who, what in STORY])
    assert "\x1b" not in played.stdout
    assert played.stderr == ""
    assert list(tmp_path.iterdir()) == []


def assert_in_order(text, patterns):
    position = 0
    for pattern in patterns:
        found = re.compile(pattern).search(text, position)
        assert found, f"no {pattern!r} after:\n{text[:position]}\nbut:\n{text[position:]}"
        position = found.end()


@pytest.mark.acceptance
def test_somebody_plays_both_phones_line_by_line(tmp_path):
    with Played(tmp_path) as demo:
        demo.see("Press Enter to break the database")
        demo.type("")
        demo.see("Ana        the phone rings")
        demo.type("4")
        demo.see("Ana's phone rings: answer with a first")
        demo.type("a")
        demo.see("Ana        answers")
        demo.see("Ana +“Escalator")
        demo.type("5")
        demo.see("escalator  passed on by Ana Ortega")
        demo.see("Ben        the phone rings")
        demo.type("a")
        demo.see("Ben +“Escalator")
        demo.type("4")
        demo.see("escalator  acknowledged by Ben Shah")
        demo.see("Ben +“Acknowledged")
        demo.type("r")
        demo.see("escalator  resolved: nothing fires any more")
        demo.type("r")
        demo.see("Nothing is broken")
        demo.type("q")

        assert demo.process.wait(10) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.acceptance
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_can_be_stopped_at_any_time_and_leaves_nothing(tmp_path, number):
    with Played(tmp_path) as demo:
        demo.see("Press Enter to break the database")
        demo.type("")
        demo.see("Ana        the phone rings")
        assert list(tmp_path.iterdir()) != []
        demo.process.send_signal(number)

        assert demo.process.wait(10) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.acceptance
def test_a_story_that_was_not_played_to_its_end_is_no_success(tmp_path):
    with Played(tmp_path, "--auto") as demo:
        demo.see("Ana        the phone rings")
        demo.process.send_signal(signal.SIGINT)

        assert demo.process.wait(10) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.acceptance
def test_a_port_that_is_taken_is_told(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        played = subprocess.run(
            [*COMMAND, "--auto", "--listen", f"127.0.0.1:{port}"],
            capture_output=True,
            text=True,
            env=surroundings(tmp_path),
            timeout=WALL_SECONDS_MAX,
            check=False,
        )

    assert played.returncode == 1
    assert str(port) in played.stderr.splitlines()[-1]
    assert "Traceback" not in played.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("address", ["0.0.0.0:8911", "192.0.2.1:1", "8911", "nowhere"])
def test_it_is_for_this_machine_only(address):
    played = CliRunner().invoke(main, ["demo", "--listen", address])

    assert played.exit_code == 2
    assert "--listen" in played.stderr


@pytest.mark.acceptance
@pytest.mark.parametrize(("environ", "is_coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colour_is_for_terminals_and_for_those_who_want_it(tmp_path, environ, is_coloured):
    clean = {name: value for name, value in surroundings(tmp_path).items() if name != "NO_COLOR"}
    terminal, end = pty.openpty()
    with subprocess.Popen(
        COMMAND, stdin=end, stdout=end, stderr=end, env={**clean, "TERM": "xterm", **environ}
    ) as process:
        os.close(end)
        shown = read_until(terminal, b"Press Enter")
        os.write(terminal, b"\n")
        shown += read_until(terminal, b"the phone rings")
        os.write(terminal, b"q\n")
        assert process.wait(10) == 0
    os.close(terminal)

    assert (b"\x1b[" in shown) is is_coloured


def read_until(terminal, words):
    shown = b""
    while words not in shown:
        shown += os.read(terminal, 4096)
    return shown


@pytest.mark.parametrize(
    "now",
    ["2026-11-22 22:03", "2026-03-01 00:00", "2028-02-29 23:59", "2026-12-31 05:59", "2027-01-01"],
)
def test_ana_is_first_whenever_the_demo_is_played(tmp_path, fast, now):
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    written = write_config(tmp_path, fast, "http://127.0.0.1:1", "x" * 32, now=at)
    rules = load(written.file).rules

    for moment in (at, at + timedelta(hours=8)):
        for name, first, second in (("primary", "ana", "ben"), ("backup", "chika", "diego")):
            schedule = rules.schedules[name]
            assert on_call_now(schedule, rules.people, moment) == (first,)
            assert next_after(schedule, rules.people, moment) == (second,)


# ---- a story that comes out differently


@pytest.fixture
def fast():
    return Plan(speed=60, wait=1)


async def play(folder, plan, *, ben):
    """Play the story with a Ben who does something else as soon as Ana's phone rings."""
    told = []
    async with raised(folder, plan, told.append) as stage:
        stage.begin()

        def meddle(event):
            if isinstance(event, Ringing) and event.call.to == ANA.number:
                stage.simulator.people[BEN.number] = ben

        stage.simulator.listeners.append(meddle)
        try:
            await play_story(stage)
        except StoryError as error:
            return str(error)
    return ""


async def test_the_story_holds_when_it_is_true(tmp_path, fast):
    assert await play(tmp_path, fast, ben=Script.answers("4")) == ""


@pytest.mark.parametrize(
    ("ben", "reason"),
    [
        (Script.answers("6"), "the incident is resolved, not acknowledged"),
        (Script.answers(hangs_up_after=0.1), "the incident is triggered, not acknowledged"),
        (Script.answers("14"), "Ben pressed '14'"),
    ],
)
async def test_a_story_that_is_not_true_fails_with_what_is_off(tmp_path, fast, ben, reason):
    assert await play(tmp_path, fast, ben=ben) == reason


# ---- the stage


def play_act(stage, key):
    """Play an act by its key; killed daemons stay dead for a moment only."""
    [act] = [act for act in acts(stage, dead_seconds=0.05) if act.key == key]
    return act.play()


async def test_the_past_happened_and_left_everybody_idle(tmp_path, fast):
    async with raised(tmp_path, fast, lambda _: None) as stage:
        await lay_out_past(stage)
        listed = await stage._ask("GET", "/api/v1/incidents?phase=all")
        stage.begin()

        phases = [incident["phase"] for incident in listed["incidents"]]
        assert phases == ["resolved"] * 3
        assert {incident["acknowledged_by"] for incident in listed["incidents"]} >= {"ana", "ben"}
        assert all(call.is_over for call in stage.simulator.calls)
        assert stage.calls() == []
        assert ANA.number not in stage.simulator.people
        assert stage.simulator.pace.speed == fast.speed


async def test_the_daemon_is_killed_comes_back_and_still_knows(tmp_path, fast):
    async with raised(tmp_path, fast, lambda _: None) as stage:
        incident = await stage.break_database()
        killed = stage.child.pid

        said = await play_act(stage, "die")

        assert stage.child.pid != killed
        assert str(killed) in said
        assert not is_alive(killed)
        assert (await stage.incident(incident))["phase"] == "triggered"
        assert [fact.is_bad for fact in facts(stage)] == [False, False]
        last = stage.child.pid
    assert not is_alive(last)


async def test_whoever_asks_a_dead_daemon_is_answered_when_it_is_back(tmp_path, fast):
    async with raised(tmp_path, fast, lambda _: None) as stage:
        await stage.child.kill()
        assert [fact.is_bad for fact in facts(stage)] == [True, False]
        async with asyncio.TaskGroup() as tasks:
            asked = tasks.create_task(stage.break_database())
            await asyncio.sleep(0.1)
            assert not asked.done()
            await stage.child.start()
        assert (await stage.incident(asked.result()))["phase"] == "triggered"


async def test_a_daemon_that_ends_by_itself_ends_the_demo(tmp_path, fast):
    async def live_through_it():
        async with raised(tmp_path, fast, lambda _: None) as stage:
            os.kill(stage.child.pid, signal.SIGTERM)
            await asyncio.sleep(10)

    with pytest.raises(ExceptionGroup) as raised_error:
        await live_through_it()
    assert raised_error.group_contains(StageError, match="ended by itself with 0")


async def test_a_storm_rings_one_phone_once(tmp_path, fast):
    slow = dataclasses.replace(fast, wait=20)
    async with raised(tmp_path, slow, lambda _: None) as stage:
        stage.simulator.people[ANA.number] = Script.answers("4")
        await play_act(stage, "storm")
        await stage.simulator.wait_call(ANA.number, status="ringing")
        await stage.simulator.settle()

        listed = await stage._ask("GET", "/api/v1/incidents?phase=all")
        counts = [incident["alert_counts"]["firing"] for incident in listed["incidents"]]
        assert counts == [STORM_ALERTS // STORM_GROUPS] * STORM_GROUPS
        assert len(stage.simulator.calls) <= 2

        await play_act(stage, "resolve")
        listed = await stage._ask("GET", "/api/v1/incidents?phase=open")
        assert listed["incidents"] == []
        with pytest.raises(ActError, match="Nothing is broken"):
            await play_act(stage, "resolve")


async def test_people_are_spoken_to_in_their_language(tmp_path, fast):
    async with raised(tmp_path, fast, lambda _: None) as stage:
        for owner in (ANA, BEN):
            stage.simulator.people[owner.number] = Script.answers("5")
        stage.simulator.people[CHIKA.number] = Script.answers("4")
        await stage.break_database()

        call = await stage.simulator.wait_call(CHIKA.number, status="completed", within=10)
        assert {spoken.language for spoken in call.speech} == {"ja-JP"}


@pytest.mark.parametrize("key", ["disk", "odd"])
async def test_every_alert_of_the_stage_rings_ana(tmp_path, fast, key):
    async with raised(tmp_path, fast, lambda _: None) as stage:
        await play_act(stage, key)

        await stage.simulator.wait_call(ANA.number, status="ringing")
        lines = [line.what for line in stage.simulator.show.lines]
        assert len(lines) == 1


async def test_the_carrier_is_down_until_it_is_back(tmp_path, fast):
    async with raised(tmp_path, fast, lambda _: None) as stage:
        await play_act(stage, "carrier-down")
        assert [fact.is_bad for fact in facts(stage)] == [False, True]
        with pytest.raises(ActError, match="already"):
            await play_act(stage, "carrier-down")
        await play_act(stage, "carrier-back")
        assert [fact.is_bad for fact in facts(stage)] == [False, False]


async def test_a_watchdog_that_falls_silent_rings_and_its_next_beat_resolves(tmp_path, fast):
    told = []
    plan = dataclasses.replace(fast, wait=20, beat=1)
    async with raised(tmp_path, plan, told.append) as stage, narrated(stage):
        with pytest.raises(ActError, match="silent already"):
            await play_act(stage, "watchdog-stops")
        await play_act(stage, "watchdog-beats")
        with pytest.raises(ActError, match="beats already"):
            await play_act(stage, "watchdog-beats")
        await asyncio.sleep(2.5)
        [heard] = (await stage._ask("GET", "/api/v1/heartbeats"))["heartbeats"]
        assert heard["beats"] >= 3
        assert await open_incidents(stage) == []
        assert [fact.is_bad for fact in facts(stage)] == [False, False, False]

        await play_act(stage, "watchdog-stops")
        assert [fact.is_bad for fact in facts(stage)] == [False, False, True]
        await stage.simulator.wait_call(ANA.number, status="ringing", within=15)
        [missed] = await open_incidents(stage)
        await play_act(stage, "watchdog-beats")
        await stage.wait_phase(missed["id"], "resolved")
        await stage.catch_up()

    assert missed["receiver"] == "heartbeat"
    assert any("HeartbeatMissed" in line.what for line in told if line.who == "escalator")
    assert any(line.what.startswith("resolved") for line in told if line.who == "escalator")


async def test_chika_answers_a_message_and_is_not_rung(tmp_path, fast):
    plan = dataclasses.replace(fast, wait=20)
    async with raised(tmp_path, plan, lambda _: None) as stage:
        simulator = stage.simulator
        # Whose sender says that it is over is missed at once.
        await stage._send(Trouble([{"alertname": WATCHDOG}], ""), is_over=True)
        await simulator.wait_for(lambda: texts_to(CHIKA, simulator), 10)
        [message] = texts_to(CHIKA, simulator)
        code = re.search(r"4 (\d{6})", message.body).group(1)
        [missed] = await open_incidents(stage)

        show = simulator.show
        await simulator.text(CHIKA.number, show.texts_from, f"4 {code}", url=show.texts_go_to)

        found = await stage.incident(missed["id"])
        assert (found["phase"], found["acknowledged_by"]) == ("acknowledged", CHIKA.key)
        _, reply = texts_to(CHIKA, simulator)
        assert reply.direction == "outbound-reply"
        assert reply.body
        assert simulator.calls_to(CHIKA.number) == []


def texts_to(owner, simulator):
    return [message for message in simulator.messages if message.to == owner.number]


async def open_incidents(stage):
    listed = await stage._ask("GET", "/api/v1/incidents?phase=open")
    return listed["incidents"]


@contextlib.asynccontextmanager
async def narrated(stage):
    """The scene is told while the block lasts."""
    stage.begin()
    narrator = asyncio.ensure_future(stage.narrate())
    try:
        yield
    finally:
        narrator.cancel()
        await asyncio.gather(narrator, return_exceptions=True)


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Played:
    """A demo under way: what it has shown, and its keyboard."""

    def __init__(self, folder, *arguments):
        self.shown = ""
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=surroundings(folder, PYTHONUNBUFFERED="1"),
        )
        self._arrived = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        self._reader.join(10)
        self.process.stdin.close()
        self.process.stdout.close()

    def type(self, line):
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def see(self, pattern, within=30):
        with self._arrived:
            seen = self._arrived.wait_for(lambda: re.search(pattern, self.shown), within)
        assert seen, f"no {pattern!r} within {within} s:\n{self.shown}"

    def _read(self):
        while chunk := os.read(self.process.stdout.fileno(), 4096):
            with self._arrived:
                self.shown += chunk.decode()
                self._arrived.notify_all()
