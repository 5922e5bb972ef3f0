"""The composition root: builds the daemon from a config, starts its parts in order, reloads, stops.

Start: lock, store, engine, what the last process left unclear, listeners, workers; only then is it ready. Stop: no new
requests, no new calls, the POSTs under way are waited for, everything is committed. A part that dies takes the process
with it, loudly: systemd starts it again, and start is the same as carry on.
"""

import asyncio
import contextlib
import os
import secrets
import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

from aiohttp import web
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from escalator import caretaker
from escalator.attention import Attention
from escalator.auditor import Auditor
from escalator.calendars.keeping import Calendars
from escalator.calendars.links import link_key
from escalator.chores import start_chores
from escalator.clock import Clock, SystemClock
from escalator.config.loading import Loaded, load
from escalator.config.model import Config, Listener
from escalator.config.problems import ConfigError
from escalator.engine import Engine
from escalator.heartbeats import Heartbeats
from escalator.outbound_beat import OutboundBeat
from escalator.phone.callbacks import Callbacks
from escalator.phone.carrier import Carrier
from escalator.phone.dialer import Dialer
from escalator.phone.doorway import refusal
from escalator.phone.follower import Follower
from escalator.phone.settings import PhoneSettings
from escalator.phone.texter import Texter
from escalator.phone.twilio import Login, TwilioCarrier
from escalator.store.ballast import Ballast
from escalator.store.lock import Lock, locked
from escalator.store.opening import FORCE, prepare
from escalator.store.reading import Reader
from escalator.store.sqlite import SqliteStore
from escalator.telemetry import Metrics, get_logger, notify
from escalator.web.access_log import access_log_class, sampled_logger
from escalator.web.connections import Limits, open_files
from escalator.web.context import WebContext
from escalator.web.patience import PatientRunner, Terms
from escalator.web.server import SHUTDOWN_SECONDS, new_runner

log = get_logger("app")

POSTS_PATIENCE_SECONDS = 20.0
OLD_CARRIER_SECONDS = 60.0
# Connections that the kernel keeps until we take them: a burst of them must not cost a sender its turn.
BACKLOG = 1024
DEFAULT_RECEIVER = "alertmanager"
DISTRIBUTION = "escalator-oncall"


class Daemon:
    """The whole daemon on one config file. `run` returns after `stop`, or raises what killed a part.

    `lock`: that of the database, where it was taken already; `run` gives it back.
    """

    def __init__(
        self,
        config_path: Path,
        loaded: Loaded,
        *,
        clock: Clock | None = None,
        lock: Lock | None = None,
    ):
        self.config_path = config_path
        self.config = loaded.config
        self.clock = clock or SystemClock()
        self.metrics = Metrics(version=version(DISTRIBUTION))
        self.internal_address = ("", 0)
        self.public_address = ("", 0)
        self.ready = asyncio.Event()
        self._loaded = loaded
        self._lock = lock
        self._stopping = asyncio.Event()
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._generated_token = ""

    async def run(self) -> None:
        """Start everything, serve until `stop`, and leave nothing half done.

        Raises `StoreHeld`, `StoreTooNew` or another `StoreError` when the store cannot be opened.
        """
        path = self.config.storage.path
        lock = self._lock or locked(path)
        try:
            self._generated_token = self._make_token(path)
            found = prepare(path, self.clock.wall(), force=os.environ.get(FORCE) == "1")
            caretaker.note(found, self.clock.wall())
            ballast = Ballast(path)
            store = SqliteStore(path, self.metrics, ballast=ballast)
            reader = Reader(path)
            self.engine = Engine(store, reader, self.clock, self._loaded.rules, self.metrics)
            self.engine.start()
            self._calendars = Calendars(self.engine, lambda: self.config)
            await self._calendars.restore()
            self._carrier = self._new_carrier()
            try:
                await caretaker.tell(self.engine, path, found, has_room=ballast.is_there)
                await self._serve()
            finally:
                if self._scheduler.running:
                    self._scheduler.shutdown(wait=False)
                await self.engine.stop()
                reader.close()
                await self._carrier.aclose()
        finally:
            lock.release()

    def stop(self) -> None:
        """Ask for an orderly end."""
        self._stopping.set()

    async def reload(self) -> list[str]:
        """Read the config again. Returns what is wrong with it; then the present one stays in force."""
        try:
            loaded = await asyncio.to_thread(load, self.config_path)
        except ConfigError as error:
            problems = [str(problem) for problem in error.problems]
            self.metrics.config_refused()
            log.error("reload_failed", problems=problems, hint="the config before stays in force")  # noqa: TRY400 - no defect of ours
            return problems
        self._use(loaded)
        log.info("reloaded", config_hash=loaded.sha256[:12], warnings=len(loaded.warnings))
        return []

    # ---- start and stop

    async def _serve(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            settings = phone_settings(self.config)
            self._tasks = tasks
            self._dialer = Dialer(self.engine, lambda: self._carrier, settings, tasks)
            self._follower = Follower(self.engine, lambda: self._carrier, tasks)
            self._texter = Texter(self.engine, lambda: self._carrier.messages, settings, tasks)
            self._callbacks = Callbacks(self.engine, settings)
            self._auditor = auditor = Auditor(self.engine)
            self._attention = Attention(self.clock, self.metrics)
            self._heartbeats = Heartbeats(self.engine, lambda: self._attention.since)
            beat = OutboundBeat(self.engine, lambda: self.config.beat_to, lambda: auditor.is_clean)
            await self._follower.begin()
            async with self._listeners():
                self._workers = [
                    tasks.create_task(self.engine.run(self._fed), name="engine"),
                    tasks.create_task(self._dialer.run(), name="dialer"),
                    tasks.create_task(self._follower.run(), name="follower"),
                    tasks.create_task(self._texter.run(), name="texter"),
                    tasks.create_task(self._auditor.run(), name="auditor"),
                    tasks.create_task(self.engine.watch_writer(), name="writer"),
                    tasks.create_task(self._attention.run(), name="attention"),
                    tasks.create_task(self._heartbeats.run(), name="heartbeats"),
                    tasks.create_task(beat.run(), name="beat"),
                ]
                start_chores(
                    self._scheduler,
                    self.engine,
                    lambda: self.config,
                    self._calendars,
                    lambda: self._attention.since,
                )
                self._loaded_well(self._loaded)
                self.ready.set()
                notify("READY=1")
                log.info(
                    "ready",
                    internal="{}:{}".format(*self.internal_address),
                    public="{}:{}".format(*self.public_address),
                    database=str(self.config.storage.path),
                )
                await self._stopping.wait()
                notify("STOPPING=1")
                log.info("stopping")
                self.ready.clear()
                senders = (self._dialer, self._texter)
                await asyncio.gather(*(one.stop(POSTS_PATIENCE_SECONDS) for one in senders))
            for worker in self._workers:
                worker.cancel()
            self._follower.stop()

    @contextlib.asynccontextmanager
    async def _listeners(self) -> AsyncIterator[None]:
        """Both listeners, for as long as the block lasts."""
        limits = Limits.within(open_files())
        public = PatientRunner(
            self._callbacks.application(),
            Terms(limits=limits, refuse=refusal),
            access_log_class=access_log_class(self.metrics, self.clock),
            logger=sampled_logger(self.clock),
            shutdown_timeout=SHUTDOWN_SECONDS,
        )
        internal = new_runner(self._web_context(), limits)
        try:
            self.public_address = await _listen(public, self.config.listen.public)
            self.internal_address = await _listen(internal, self.config.listen.internal)
            yield
        finally:
            await internal.cleanup()
            await public.cleanup()

    def _web_context(self) -> WebContext:
        return WebContext(
            engine=self.engine,
            heartbeats=self._heartbeats,
            config=lambda: self.config,
            generated_token=lambda: self._generated_token,
            why_not_ready=self._why_not_ready,
            reload=self.reload,
            is_audited=lambda: self._auditor.is_content,
            link_key=link_key(self.config.storage.path),
            calendars=self._calendars.standing,
        )

    def _why_not_ready(self) -> str | None:
        if self._stopping.is_set():
            return "escalator is stopping"
        if not self.ready.is_set():
            return "escalator is starting"
        if not self.engine.is_writable:
            return "the store cannot be written"
        return None

    def _fed(self) -> None:
        """A cycle of the engine ended, a write to the database included, and the auditor is content."""
        if self._auditor.is_content:
            notify("WATCHDOG=1")
        else:
            log.error("watchdog_not_fed", why="the auditor has not come to an end for a while")

    # ---- config

    def _use(self, loaded: Loaded) -> None:
        """Put a config in force, whole."""
        old, new = self.config, loaded.config
        for name, was, now in (
            ("listen", old.listen, new.listen),
            ("storage.path", old.storage.path, new.storage.path),
        ):
            if was != now:
                log.warning("restart_needed", key=name, hint="this key is read at start only")
        self.config, self._loaded = new, loaded
        self._generated_token = self._make_token(old.storage.path)
        settings = phone_settings(new)
        self._dialer.settings = self._texter.settings = settings
        self._callbacks.use(settings)
        if old.twilio != new.twilio:
            self._workers.append(
                self._tasks.create_task(self._retire(self._carrier), name="retire-carrier")
            )
            self._carrier = self._new_carrier()
        self.engine.rules = loaded.rules
        self._loaded_well(loaded)
        self.engine.ring()

    def _loaded_well(self, loaded: Loaded) -> None:
        self.metrics.expect_receivers(tuple(loaded.config.receivers))
        self.metrics.expect_policies(tuple(loaded.rules.policies))
        self.metrics.config_loaded(bytes.fromhex(loaded.sha256), self.clock.wall())
        for warning in loaded.warnings:
            log.warning("config_warning", problem=str(warning))

    def _new_carrier(self) -> TwilioCarrier:
        twilio = self.config.twilio
        login = Login(twilio.account_sid, twilio.auth_token[0].reveal())
        if twilio.api_key is not None:
            login = Login(twilio.api_key.sid, twilio.api_key.secret.reveal())
        return TwilioCarrier(str(twilio.api_url), twilio.account_sid, login)

    async def _retire(self, carrier: Carrier) -> None:
        """What is under way over the old connections may end."""
        await self.clock.sleep(OLD_CARRIER_SECONDS)
        await carrier.aclose()

    def _make_token(self, database: Path) -> str:
        """The bearer token of the receiver that nobody wrote: made once, kept beside the database."""
        receiver = self.config.receivers.get(DEFAULT_RECEIVER)
        if receiver is None or not receiver.generated_token:
            return ""
        path = token_path(database)
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(32) + "\n", encoding="ascii")
            log.info("receiver_token_made", receiver=DEFAULT_RECEIVER, file=str(path))
        return path.read_text(encoding="ascii").strip()


def token_path(database: Path) -> Path:
    """Where the generated token of the default receiver lies."""
    return database.with_name(f"receiver-{DEFAULT_RECEIVER}.token")


def phone_settings(config: Config) -> PhoneSettings:
    """The phone side of a config."""
    twilio = config.twilio
    return PhoneSettings(
        public_url=str(config.public_url),
        from_numbers=twilio.from_,
        auth_tokens=tuple(token.reveal() for token in twilio.auth_token),
        shared_keys={sid: secret.reveal() for sid, secret in twilio.shared_keys.items()},
        ring_seconds=int(twilio.ring / timedelta(seconds=1)),
        machine_detection=twilio.machine_detection,
        calls_per_second=twilio.limits.calls_per_second,
        concurrent_calls=twilio.limits.concurrent_calls,
    )


async def _listen(runner: web.AppRunner, listener: Listener) -> tuple[str, int]:
    """Open a listener. Returns where it listens in fact."""
    await runner.setup()
    context = None
    if listener.tls is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(listener.tls.cert, listener.tls.key)
    address = listener.address
    site = web.TCPSite(runner, address.host, address.port, ssl_context=context, backlog=BACKLOG)
    await site.start()
    host, port = runner.addresses[0][:2]
    return str(host), int(port)
