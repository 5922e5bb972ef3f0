"""Hears heartbeats, and sees to it that somebody is rung when one fails to come.

An alarm is an alert like any other, raised through the one door under the heartbeat's own policy; it is always the same
alert, so that raising it twice is raising it once. A beat first resolves that alert and is written down then: whenever
the process dies, what is left to do is done by the next beat or the next sweep.

The sweep is a worker of its own and no chore by the clock: it sleeps until the next beat must have come, in engine
time, and looks up every ten seconds for what a reload or a first beat may have changed.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from escalator.engine import CYCLE, STORE_RETRY, Engine, Undecided, new_id
from escalator.escalation.alerts import Alert
from escalator.escalation.events import AlertReceived
from escalator.escalation.heartbeats import (
    Check,
    Signs,
    Standing,
    State,
    beat,
    beating_alert,
    check,
    failed_alert,
    gone_alert,
    missed_alert,
    period,
    sort_out,
)
from escalator.escalation.rules import DEFAULT_POLICY, Heartbeat
from escalator.store import heartbeats as on_file
from escalator.store.errors import StoreBroken, StoreError
from escalator.telemetry import get_logger

log = get_logger("heartbeats")

Looked: TypeAlias = tuple[Heartbeat, State, Check]


class Heartbeats:
    """The heartbeats of the config in force. `since` tells since when they could be heard without a pause."""

    def __init__(self, engine: Engine, since: Callable[[], datetime]):
        self._engine = engine
        self._clock = engine.clock
        self._since = since
        # Since when a heartbeat is as it is written: one that is new, or has a new period, gets all of it.
        self._written: dict[str, tuple[Heartbeat, datetime]] = {}
        # Beats that came and could not be written: it was not their sender that failed.
        self._unwritten: dict[str, datetime] = {}
        self._turn = asyncio.Lock()

    # ---- what is heard

    def sort_out(self, alerts: Sequence[Alert]) -> tuple[Sequence[Alert], Signs]:
        """The alerts that are no beats, and what the others say."""
        return sort_out(self._engine.rules.heartbeats, alerts)

    async def hear(self, signs: Signs) -> None:
        """Return once all of this is committed. Raises `StoreError` and `Undecided`; a beat counts all the same."""
        if not signs:
            return
        now = self._clock.now()
        # A beat that was heard counts even should its commit fail, or wait behind others.
        self._unwritten.update(dict.fromkeys(signs.beats, now))
        async with self._turn:
            await self._write_beats(self._states())
            await self._fail(signs.failures, now)

    def named(self, name: str) -> Heartbeat | None:
        """The heartbeat of the config in force."""
        return next((one for one in self._engine.rules.heartbeats if one.name == name), None)

    async def beat(self, heartbeat: Heartbeat) -> datetime:
        """It was heard; returns by when it must be heard again. Raises as `hear`."""
        now = self._clock.now()
        await self.hear(Signs(beats=(heartbeat.name,)))
        return now + period(heartbeat)

    # ---- the sweep

    async def run(self) -> None:
        """Look whenever a beat must have come, until canceled."""
        while True:
            try:
                next_by = await self.sweep()
                until = self._clock.now() + CYCLE
                until = until if next_by is None else min(next_by, until)
                pause = max((until - self._clock.now()).total_seconds(), 0.001)
            except StoreBroken:
                raise
            except (StoreError, Undecided) as error:
                log.error("store_failed", error=str(error), retry_in="1s")  # noqa: TRY400 - no defect of ours
                pause = STORE_RETRY
            await self._clock.sleep(pause)

    async def sweep(self) -> datetime | None:
        """Raise what is missed, resolve what left the config. Returns when the next beat must have come.

        Raises `StoreError` and `Undecided`; what is left is done by the next sweep.
        """
        async with self._turn:
            states = await self._write_beats(self._states())
            looked_at = self._look(states)
            for heartbeat, state, found in looked_at:
                if found.standing is Standing.MISSED and not state.is_missed:
                    await self._miss(heartbeat, state)
            await self._forget(states)
        self._measure(looked_at)
        return min((found.next_by for *_, found in looked_at if found.next_by), default=None)

    def shown(self) -> list[Looked]:
        """Every heartbeat of the config, what is known of it and how it is now."""
        return self._look(self._states())

    # ---- what they are made of

    def _states(self) -> dict[str, State]:
        return self._engine.reader.at_once(on_file.load_states)

    def _look(self, states: Mapping[str, State]) -> list[Looked]:
        now = self._clock.now()
        known = [
            (heartbeat, states.get(heartbeat.name, State()))
            for heartbeat in self._engine.rules.heartbeats
        ]
        return [
            (heartbeat, state, check(heartbeat, state, now, self._up_since(heartbeat)))
            for heartbeat, state in known
        ]

    def _up_since(self, heartbeat: Heartbeat) -> datetime:
        written, since = self._written.get(heartbeat.name, (None, None))
        if since is None or written != heartbeat:
            since = self._clock.now()
            self._written[heartbeat.name] = (heartbeat, since)
        return max(since, self._since())

    async def _write_beats(self, states: dict[str, State]) -> dict[str, State]:
        """Write down what was heard, and resolve what that ends. Returns what is known afterwards."""
        known = {name: at for name, at in self._unwritten.items() if self.named(name) is not None}
        if not known:
            self._unwritten.clear()
            return states
        over = [name for name in known if states.get(name, State()).is_missed]
        await self._resolve(over)
        await self._engine.change(*on_file.heard(known))
        for name, at in known.items():
            states[name] = beat(states.get(name, State()), at)
            if self._unwritten.get(name) == at:
                del self._unwritten[name]
        return states

    async def _resolve(self, names: Iterable[str]) -> None:
        wall = self._clock.wall()
        for name in names:
            heartbeat = self.named(name)
            assert heartbeat is not None, "only heartbeats of the config are heard"
            await self._submit(beating_alert(heartbeat, wall), heartbeat.policy)
            log.info("heartbeat_back", heartbeat=name)

    async def _fail(self, names: Sequence[str], now: datetime) -> None:
        """Their senders say that they are over."""
        if not names:
            return
        states = self._states()
        for name in names:
            heartbeat = self.named(name)
            if heartbeat is None or states.get(name, State()).is_missed:
                continue
            await self._submit(failed_alert(heartbeat, self._clock.wall()), heartbeat.policy)
            log.warning("heartbeat_missed", heartbeat=name, why="its sender resolved it")
        await self._engine.change(*on_file.armed(names, now))

    async def _miss(self, heartbeat: Heartbeat, state: State) -> None:
        rules = self._engine.rules
        since = state.last_at or self._up_since(heartbeat)
        alert = missed_alert(heartbeat, rules.wall(since), self._clock.wall())
        await self._submit(alert, heartbeat.policy)
        log.warning("heartbeat_missed", heartbeat=heartbeat.name, why="no beat came in time")

    async def _forget(self, states: Mapping[str, State]) -> None:
        """Nobody waits for what is not in the config any more."""
        for name in states.keys() - {one.name for one in self._engine.rules.heartbeats}:
            if states[name].is_missed:
                await self._submit(gone_alert(name, self._clock.wall()), DEFAULT_POLICY)
            await self._engine.change(on_file.FORGET, (name,))
            self._written.pop(name, None)
            log.info("heartbeat_forgotten", heartbeat=name)

    async def _submit(self, alert: Alert, policy: str) -> None:
        event = AlertReceived(alert=alert, fresh_id=new_id(self._clock.now()), policy=policy)
        await self._engine.submit(event)

    def _measure(self, looked_at: Sequence[Looked]) -> None:
        metrics = self._engine.metrics
        metrics.heartbeat_last_timestamp_seconds.clear()
        for heartbeat, state, _ in looked_at:
            last = 0.0 if state.last_at is None else state.last_at.timestamp()
            metrics.heartbeat_last_timestamp_seconds.labels(heartbeat=heartbeat.name).set(last)
        missed = sum(found.standing is Standing.MISSED for *_, found in looked_at)
        metrics.heartbeats_missed.set(missed)
