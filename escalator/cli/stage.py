"""What `escalator demo` plays on: the real daemon and a simulated carrier, on loopback, in a folder
that goes away.

Nothing is faked but the telephones. Alerts come in over HTTP with the receiver's token, calls are
ordered from the carrier's API, callbacks are signed, every decision is on disk before it is told.
The daemon may be killed at any time: whoever asks it something waits until it is back.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp

from escalator.app import token_path
from escalator.cli.alerts import DEFAULT_RECEIVER, notification
from escalator.cli.child import Child, StageError
from escalator.cli.demo_config import STORE, WATCHDOG, Plan, new_token, write_config
from escalator.cli.watchdog import Watchdog
from escalator.clock import SystemClock
from escalator.simulator import ACCOUNT_SID, Script, SimCall, SimEvent, Simulator
from escalator.simulator.scene import CALLER, CAST, Told, tell
from escalator.simulator.show import Line, Show

LOG = "daemon.log"
_LOOK_SECONDS = 0.2
_REQUEST_SECONDS = 5.0
_PHASE_SECONDS = 10.0
_MISSED_BY = "heartbeat"
# What the phones tell anyhow.
_TOLD_BY_PHONES = frozenset(
    {"call_placed", "call_ended", "ringing", "answered", "heard", "alert_resolved"}
)
Say = Callable[[Told], None]
Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Alerts that their sender sends as one group, and a sentence about each."""

    alerts: Sequence[Labels]
    summary: str

    @property
    def name(self) -> str:
        """What is wrong, in short."""
        first = self.alerts[0]
        where = f" on {first['instance']}" if "instance" in first and len(self.alerts) == 1 else ""
        return f"{first['alertname']}{where}"


class Stage:
    """The running demo. Each line of the scene goes to `say`, in order, and to the pages."""

    def __init__(
        self,
        child: Child,
        simulator: Simulator,
        http: aiohttp.ClientSession,
        say: Say,
        *,
        token: str,
        beat: float,
    ):
        self.child = child
        self.simulator = simulator
        self.url = child.url
        self.troubles: list[Trouble] = []
        self.watchdog = Watchdog(self._beat, lambda what: self.say("alert", what), beat)
        self._token = token
        self._http = http
        self._say = say
        self._clock = SystemClock()
        self._phones: asyncio.Queue[tuple[SimEvent, datetime]] = asyncio.Queue()
        self._told: dict[str, int] = {}
        self._under_way: set[str] = set()
        self._databases = 0
        self._past_calls = 0
        self._telling = asyncio.Lock()

    # ---- what goes wrong

    async def break_database(self) -> str:
        """A database goes down: an alert is sent. Returns the id of its incident."""
        self._databases += 1
        labels = {
            "alertname": "DatabaseDown",
            "severity": "critical",
            "instance": f"db{self._databases}",
        }
        trouble = Trouble([labels], f"{labels['instance']} of the shop does not answer")
        self.say("alert", f"{trouble.name}, critical")
        return await self.fire(trouble)

    async def mend_last(self) -> bool:
        """What broke last is well again: its sender says so. False if nothing is broken."""
        if not self.troubles:
            return False
        trouble = self.troubles[-1]
        self.say("alert", f"{trouble.name} no longer fires")
        await self.mend(trouble)
        return True

    async def fire(self, trouble: Trouble, *, is_told: bool = True) -> str:
        """Send its alerts; the id of the incident. `is_told`: its timeline is part of the scene."""
        if trouble not in self.troubles:
            self.troubles.append(trouble)
        answer = await self._send(trouble, is_over=False)
        incident = str(answer["incidents"][0]["id"])
        if is_told:
            self._told.setdefault(incident, 0)
            self._under_way.add(incident)
        return incident

    async def mend(self, trouble: Trouble) -> None:
        """Its sender says that it is over."""
        self.troubles.remove(trouble)
        await self._send(trouble, is_over=True)

    # ---- what became of it

    async def incident(self, incident: str) -> dict[str, Any]:
        """An incident as the API shows it."""
        return await self._ask("GET", f"/api/v1/incidents/{incident}")

    async def wait_phase(self, incident: str, phase: str) -> None:
        """Wait until the incident is in that phase. Raises `StageError`."""
        found = ""
        try:
            async with asyncio.timeout(_PHASE_SECONDS):
                while found != phase:
                    found = str((await self.incident(incident))["phase"])
                    await asyncio.sleep(_LOOK_SECONDS / 4)
        except TimeoutError:
            raise StageError(f"an incident was to be {phase}, it is {found}") from None

    def calls(self) -> list[SimCall]:
        """The calls of the scene, without those of the past."""
        return self.simulator.calls[self._past_calls :]

    # ---- telling

    def say(self, who: str, what: str, *, is_speech: bool = False) -> None:
        """One line of the scene."""
        self._say(Told(who, what, is_speech))
        show = self.simulator.show
        show.lines.append(Line(self._clock.wall(), who, what, is_speech))
        self.simulator.changed()

    def begin(self) -> None:
        """The scene begins: what was before is the past, and not told."""
        self._past_calls = len(self.simulator.calls)
        self.simulator.listeners.append(
            lambda event: self._phones.put_nowait((event, self._clock.wall()))
        )

    async def _notice_silence(self) -> None:
        """The Watchdog is silent: what is opened about that is part of the scene as well."""
        if not self.watchdog.has_begun or self.watchdog.is_beating:
            return
        listed = await self._ask("GET", "/api/v1/incidents?phase=open")
        for found in listed["incidents"]:
            if found["receiver"] == _MISSED_BY:
                self._told.setdefault(found["id"], 0)
                self._under_way.add(found["id"])

    async def narrate(self) -> None:
        """Tell what happens in its order, until canceled: phones and timeline, by one clock."""
        while True:
            until = self._clock.wall()
            try:
                async with asyncio.timeout(_LOOK_SECONDS):
                    event, at = await self._phones.get()
            except TimeoutError:
                # What came while we waited may come after a phone's event that we do not know yet.
                await self._tell_timelines(until)
            else:
                await self._tell_phone(event, at)

    async def catch_up(self) -> None:
        """Tell whatever has happened up to now."""
        while not self._phones.empty():
            await self._tell_phone(*self._phones.get_nowait())
        await self._tell_timelines(self._clock.wall())

    async def _tell_phone(self, event: SimEvent, at: datetime) -> None:
        if self.child.up.is_set():
            await self._tell_timelines(at)
        line = tell(event)
        if line is not None:
            self.say(line.who, line.what, is_speech=line.is_speech)

    async def _tell_timelines(self, until: datetime) -> None:
        async with self._telling:
            await self._notice_silence()
            for incident in sorted(self._under_way):
                await self._tell_timeline(incident, until)

    async def _tell_timeline(self, incident: str, until: datetime) -> None:
        found = await self.incident(incident)
        lines = found["timeline"]
        news = [one for one in lines[self._told[incident] :] if _at(one) <= until]
        for line in news:
            if line["event"] not in _TOLD_BY_PHONES:
                self.say("escalator", _said(line))
        self._told[incident] += len(news)
        if found["phase"] == "resolved" and self._told[incident] == len(lines):
            self._under_way.discard(incident)

    # ---- asking

    async def _beat(self) -> None:
        await self._send(Trouble([{"alertname": WATCHDOG, "severity": "none"}], ""), is_over=False)

    async def _send(self, trouble: Trouble, *, is_over: bool) -> dict[str, Any]:
        annotations, now = {"summary": trouble.summary}, self._clock.wall()
        messages = [
            notification(DEFAULT_RECEIVER, labels, annotations, now=now, is_over=is_over)
            for labels in trouble.alerts
        ]
        common = dict(set.intersection(*(set(labels.items()) for labels in trouble.alerts)))
        message = messages[0] | {
            "alerts": [one["alerts"][0] for one in messages],
            "groupLabels": common,
            "commonLabels": common,
        }
        return await self._ask("POST", f"/receive/{DEFAULT_RECEIVER}", message)

    async def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Ask the daemon, again if it was killed meanwhile: sending an alert twice does no harm."""
        while True:
            await self.child.up.wait()
            life = self.child.life
            try:
                return await self._asked(method, path, body)
            except (aiohttp.ClientError, TimeoutError) as error:
                if self.child.up.is_set() and self.child.life == life:
                    raise StageError(
                        f"{method} {path}: no answer from the daemon ({error!r})"
                    ) from error

    async def _asked(self, method: str, path: str, body: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._token}"} if method == "POST" else None
        async with self._http.request(
            method, self.url + path, json=body, headers=headers
        ) as answer:
            found: dict[str, Any] = await answer.json()
        if answer.status >= 400:
            raise StageError(f"{method} {path}: the daemon answered {answer.status}: {found}")
        return found


@asynccontextmanager
async def raised(folder: Path, plan: Plan, say: Say) -> AsyncIterator[Stage]:
    """The daemon and the carrier, up while the block lasts. The block is canceled if one dies.

    Raises an `ExceptionGroup` with what killed it, `StageError` when the daemon does not start.
    """
    token = new_token()
    simulator = Simulator(ACCOUNT_SID, token, speed=plan.speed)
    simulator.people.default = Script.manual()
    timeout = aiohttp.ClientTimeout(total=_REQUEST_SECONDS)
    async with (
        simulator.run(),
        aiohttp.ClientSession(timeout=timeout, trust_env=False) as http,
        asyncio.TaskGroup() as tasks,
    ):
        written = write_config(folder, plan, simulator.url, token)
        simulator.show = Show(
            title="escalator demo",
            owners=CAST,
            texts_go_to=f"{written.public_url}/sms",
            texts_from=CALLER,
        )
        log = None if plan.is_verbose else folder / LOG
        child = Child(written.file, written.internal_url, http, log=log)
        try:
            await child.start()
            tasks.create_task(child.watch(), name="daemon")
            alert_token = token_path(folder / STORE).read_text(encoding="ascii").strip()
            stage = Stage(child, simulator, http, say, token=alert_token, beat=plan.beat)
            beating = tasks.create_task(stage.watchdog.run(), name="watchdog")
            try:
                yield stage
            finally:
                beating.cancel()
        finally:
            await child.stop()


def _at(line: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(line["at"])


def _said(line: dict[str, Any]) -> str:
    """A line of a timeline, so that the end of an incident is told by name."""
    text = str(line["text"])
    is_end = line["event"] == "resolved" and not text.startswith("resolved")
    return f"resolved: {text}" if is_end else text
