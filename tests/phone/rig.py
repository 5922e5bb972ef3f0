"""The phone side as a whole, on one database file: engine, dialer, follower, callbacks, against the simulated carrier.

`Rig` wires them as the daemon does, without its web side. It can crash, restart on the same file, and let time pass. It
is strict: on leaving it, every call must have gone to somebody in the play, no phone may have rung twice at once, every
document must have been flawless, and no open incident may be without somebody to ring or a time to do so.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import aiohttp
from aiohttp import web
from cast import ANA, OURS, RULES, alert
from stagecraft import HeldCarrier, LeapingClock, Turnstile

from escalator.engine import Engine
from escalator.escalation.alerts import AlertStatus
from escalator.escalation.call_events import CallAsked
from escalator.escalation.calls import Speech
from escalator.escalation.events import Action, AlertReceived, Asked
from escalator.escalation.incidents import PageState, Phase
from escalator.phone.callbacks import Callbacks
from escalator.phone.dialer import Dialer
from escalator.phone.follower import Follower
from escalator.phone.settings import PhoneSettings
from escalator.phone.twilio import Login, Patience, TwilioCarrier
from escalator.simulator import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    CallQueued,
    Script,
    SimCall,
    SimEvent,
    Simulator,
)
from escalator.simulator.signature import SIGNATURE, sign
from escalator.store.connection import open_for_reading
from escalator.store.loading import load_call, load_incident
from escalator.store.lock import Lock
from escalator.store.reading import Reader, timeline_of
from escalator.store.sqlite import SqliteStore
from escalator.telemetry import Metrics

T = TypeVar("T")
SPEECH = Speech(say="Guten Tag & <willkommen>", voice="alice", language="ja-JP", loop=3)
UNANSWERED = frozenset({11200, 11205, 11206})
"""What the carrier notes when it meets nobody at our address."""
FOR_HANDS = 4.0
"""Simulated seconds per real one that leave a test time to answer a phone and press keys by itself."""


class Rig:
    """Everything between an alert and a phone; used by `async with`.

    All times are those of `clock`. The carrier is `sim`, its callbacks come in at `port`; `before` and `after` hold
    back requests for calls. `waits` are those of `Callbacks`, `settings` what differs from the tests' own.
    """

    def __init__(self, folder, rules=RULES, *, speed=500.0, carrier=None, **settings: Any) -> None:
        self.path = folder / "e.db"
        self.rules = rules
        self.clock = LeapingClock()
        self.sim = Simulator(
            **{"speed": speed, "calls_per_second": None, "now": self.clock.wall, **(carrier or {})}
        )
        self.before, self.after = Turnstile(), Turnstile()
        self.patience = Patience(connect_seconds=2.0, total_seconds=5.0)
        self.waits: dict[str, float] = {}
        self.doubles: list[str] = []
        self.may_double = False
        self.tolerated: set[int] = set()
        self._settings = {
            "public_url": "",
            "from_numbers": (OURS,),
            "auth_tokens": (AUTH_TOKEN,),
            "calls_per_second": 1000.0,
            # Somebody who answers by hand may be slow: half a minute of real time.
            "ring_seconds": 120 if speed <= FOR_HANDS else 25,
            **settings,
        }
        self.port = 0
        self.sim.listeners.append(self._watch)

    async def __aenter__(self) -> "Rig":
        await self.sim.start()
        await self.start()
        self.db = open_for_reading(self.path)
        self.http = aiohttp.ClientSession()
        return self

    async def __aexit__(self, failed, *_) -> None:
        # The carrier first: a call that goes on would find nobody to ask, and tell so.
        await self.http.close()
        await self.sim.stop()
        await self._end()
        try:
            if failed is None:
                self.audit()
        finally:
            self.db.close()

    # ---- the daemon's life

    async def start(self) -> None:
        """As the daemon starts: lock, store, engine, what was left unclear, listener, workers."""
        self._lock = Lock(self.path)
        self._lock.acquire()
        self.metrics = Metrics()
        self.engine = Engine(
            SqliteStore(self.path, self.metrics),
            Reader(self.path),
            self.clock,
            self.rules,
            self.metrics,
        )
        self.engine.start()
        login = Login(ACCOUNT_SID, AUTH_TOKEN)
        self._client = TwilioCarrier(self.sim.url, ACCOUNT_SID, login, patience=self.patience)
        carrier = HeldCarrier(self._client, self.before, self.after)
        await self._listen()
        started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._life = asyncio.ensure_future(self._live(carrier, started))
        await asyncio.wait({self._life, started}, return_when=asyncio.FIRST_COMPLETED)
        self._look_after_life()

    async def _listen(self) -> None:
        placeholder = PhoneSettings(**{**self._settings, "public_url": "http://127.0.0.1"})
        self.callbacks = Callbacks(self.engine, placeholder, **self.waits)
        self._runner = web.AppRunner(self.callbacks.application(), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]
        public_url = self._settings["public_url"] or f"http://127.0.0.1:{self.port}"
        self.settings = PhoneSettings(**{**self._settings, "public_url": public_url})
        self.callbacks.use(self.settings)

    async def _live(self, carrier, started) -> None:
        async with asyncio.TaskGroup() as tasks:
            self.dialer = Dialer(self.engine, lambda: carrier, self.settings, tasks)
            self.follower = Follower(self.engine, lambda: carrier, tasks)
            await self.follower.begin()
            tasks.create_task(self.engine.run(lambda: None))
            tasks.create_task(self.dialer.run())
            tasks.create_task(self.follower.run())
            started.set_result(None)

    async def crash(self) -> None:
        """As after `kill -9`: everything stops where it is, connections break, the kernel frees the lock."""
        self.tolerated |= UNANSWERED
        await self._end()

    async def _end(self) -> None:
        self._life.cancel()
        outcome = (await asyncio.gather(self._life, return_exceptions=True))[0]
        for connection in list(self._runner.server.connections):
            connection.force_close()
        await self._runner.cleanup()
        await self.engine.stop()
        self.engine.reader.close()
        await self._client.aclose()
        self._lock.release()
        if not isinstance(outcome, asyncio.CancelledError):
            raise outcome

    async def restart(self) -> None:
        await self.crash()
        await self.start()

    def _look_after_life(self) -> None:
        if self._life.done():
            self._life.result()

    # ---- what a test does

    async def fire(self, key="disk", **of_the_alert) -> str:
        """An alert fires; the id of its incident."""
        event = AlertReceived(alert=alert(key, **of_the_alert), fresh_id=f"incident-{key}")
        (result,) = await self.engine.submit(event)
        return result.incident.id

    async def clear(self, key="disk", **of_the_alert) -> None:
        """The sender says that it is over."""
        resolved = alert(key, status=AlertStatus.RESOLVED, **of_the_alert)
        await self.engine.submit(AlertReceived(alert=resolved, fresh_id="unused"))

    async def act(self, incident_id: str, action: Action, by: str) -> None:
        """Somebody acts on the board."""
        await self.engine.submit(Asked(incident_id=incident_id, action=action, by=by))

    async def ask_call(self, to: str, *, call_id="direct", person="", speech=SPEECH) -> None:
        """Somebody wants a direct call."""
        await self.engine.submit(
            CallAsked(call_id=call_id, to=to, person=person, speech=speech, lasts=685.0)
        )

    async def until(self, condition: Callable[[], T], within: float = 10.0) -> T:
        """The condition's first true value. Fails with all that has happened after so many real seconds."""
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        while not (value := condition()):
            self._look_after_life()
            assert loop.time() < end, f"not within {within} s; so far:\n{self.story()}"
            await asyncio.sleep(0.003)
        return value

    async def leap(self, seconds: float) -> None:
        """Let so much time have passed, once whoever was about to sleep is asleep."""
        for _ in range(5):
            await asyncio.sleep(0)
        self.clock.leap(seconds)

    async def quiet(self) -> None:
        """Until every worker has had its say: some turns of the writer and the loop."""
        for _ in range(3):
            await self.engine.change("SELECT 1")
            await asyncio.sleep(0.01)
        self._look_after_life()

    async def answered(self, number: str, n: int = 1) -> SimCall:
        """The n-th call to that number, picked up by hand and in its first prompt."""
        call = await self.sim.wait_call(number, n, status="ringing", within=10)
        call.answer()
        await call.listening(within=10)
        return call

    async def post(self, url: str, *fields: tuple[str, str], key: str = AUTH_TOKEN, **headers: str):
        """A form as the carrier sends it, signed with this key: status, body, headers."""
        signed = {SIGNATURE: sign(url, fields, key), **headers}
        async with self.http.post(
            aiohttp.client.URL(url, encoded=True), data=fields, headers=signed
        ) as answer:
            return answer.status, await answer.text(), answer.headers

    async def talking(self, *keys: str) -> SimCall:
        """Ana's call about these alerts, picked up by hand and in its first prompt."""
        self.sim.people[ANA] = Script.manual()
        for key in keys or ("disk",):
            await self.fire(key)
        return await self.answered(ANA)

    async def press(self, call: SimCall, key: str, *, n=1) -> tuple[int, str]:
        """The request that a key makes after a prompt that told n alerts: status and document."""
        fields = (("CallSid", call.sid), ("CallStatus", "in-progress"), ("Digits", key))
        status, body, _ = await self.post(self.url(call, f"key?n={n}&r=1&w=0"), *fields)
        return status, body

    async def prompt(self, call: SimCall, *, after=0) -> str:
        """The document that silence fetches after so many prompts."""
        fields = (("CallSid", call.sid), ("CallStatus", "in-progress"))
        _, body, _ = await self.post(self.url(call, f"answer?r={after}&w=0"), *fields)
        return body

    async def report(self, call: SimCall, status: str) -> int:
        """A status callback about that call, as the carrier would send it; the HTTP status of our answer."""
        fields = (("CallSid", call.sid), ("CallStatus", status), ("To", call.to))
        answer, _, _ = await self.post(self.url(call, "status"), *fields)
        return answer

    # ---- what a test looks at

    def incident(self, incident_id="incident-disk"):
        return load_incident(self.db, incident_id)

    def calls(self):
        """All calls, oldest first."""
        found = self.db.execute("SELECT id FROM calls ORDER BY created_at, id").fetchall()
        return [load_call(self.db, row[0]) for row in found]

    def call(self):
        """The only call."""
        (call,) = self.calls()
        return call

    def lines(self, event, incident_id="incident-disk"):
        """The texts of one kind of line in the timeline."""
        return [
            line.text for line in timeline_of(self.db, incident_id).lines if line.event == event
        ]

    def posts(self) -> int:
        """How many calls the carrier was asked for, granted or not."""
        return sum(
            one.method == "POST" and one.path.endswith("/Calls.json") for one in self.sim.requests
        )

    def count(self, name, **labels):
        return self.metrics.registry.get_sample_value(f"escalator_{name}", labels)

    def token(self, call: SimCall) -> str:
        """The secret in a call's URLs."""
        return call.request.source.url.rpartition("/t/")[2].partition("/")[0]

    def url(self, call: SimCall, name: str) -> str:
        return self.settings.callback_url(self.token(call), name)

    def story(self) -> str:
        ids = [row[0] for row in self.db.execute("SELECT id FROM incidents")]
        lines = [
            f"{incident}: {line.event} {line.text}"
            for incident in ids
            for line in timeline_of(self.db, incident).lines
        ]
        states = [
            f"{call.id} {call.to} {call.state} {call.outcome} {call.sid}" for call in self.calls()
        ]
        return "\n".join([*lines, *states, self.sim.story()])

    # ---- what must hold whatever a test does

    def _watch(self, event: SimEvent) -> None:
        if isinstance(event, CallQueued):
            others = [one for one in self.sim.calls_to(event.call.to) if not one.is_over]
            if len(others) > 1:
                self.doubles.append(event.call.to)

    def audit(self) -> None:
        """(I1, I2, I5)"""
        assert self.may_double or not self.doubles, (
            f"two live calls to {self.doubles}\n{self.story()}"
        )
        assert not self.sim.strangers, f"calls to nobody in the play\n{self.story()}"
        problems = {code for call in self.sim.calls for code in call.problems()} - self.tolerated
        assert not problems, f"problems {problems}\n{self.story()}"
        for (incident_id,) in self.db.execute("SELECT id FROM incidents"):
            self._audit_incident(self.incident(incident_id))

    def _audit_incident(self, incident) -> None:
        live = {call.id for call in self.calls() if call.ended_at is None}
        calling = [page for page in incident.pages if page.state is PageState.CALLING]
        assert {page.call_id for page in calling} <= live, f"a page without a call\n{self.story()}"
        if incident.phase in (Phase.TRIGGERED, Phase.EXHAUSTED):
            assert incident.due_at is not None, f"nobody will ever be rung\n{self.story()}"
