"""A keeper of calendars with its true neighbours: an engine, a database, a server on loopback."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from calendar_server import CalendarServer

from escalator.calendars.keeping import Calendars
from escalator.calendars.reading import CalendarReader
from escalator.clock import VirtualClock
from escalator.config.loading import Loaded, load
from escalator.engine import Engine
from escalator.escalation.oncall import on_call_now
from escalator.store.opening import prepare
from escalator.store.reading import Reader
from escalator.store.sqlite import SqliteStore
from escalator.telemetry import Metrics

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CONFIG = """
version: 1
public_url: https://pager.example.net
timezone: Europe/Berlin
twilio: { account_sid: AC0123456789abcdef0123456789abcdef, auth_token: { env: TOKEN }, from: +15005550006 }
people:
  ana: { name: Ana Ortega, phone: +491713920012 }
  ben: { name: Ben Shah, phone: +447700900123, aliases: [ben@example.net] }
  chi: { phone: +442079460123 }
policies:
  default: { steps: [{ call: platform }], fallback: { call: chi } }
"""
SCHEDULES = "schedules: { platform: { ical: { url: { env: LINK }, refresh: 15m } } }\n"


@dataclass
class Keeper:
    """Calendars of a config, their engine and their clock."""

    calendars: Calendars
    engine: Engine
    clock: VirtualClock
    config: list[Loaded]
    folder: Path
    server: CalendarServer

    def on_call(self, at: datetime | None = None, schedule: str = "platform") -> tuple[str, ...]:
        rules = self.engine.rules
        return on_call_now(rules.schedules[schedule], rules.people, at or self.clock.wall())

    @property
    def standing(self) -> Any:
        [one] = self.calendars.standing()
        return one

    def metric(self, name: str, **labels: str) -> float | None:
        registry = self.engine.metrics.registry
        return registry.get_sample_value(name, {"schedule": "platform", **labels})

    def reload(self, text: str) -> None:
        self.config[0] = loaded(self.folder, text, self.server.link)
        self.engine.rules = self.config[0].rules


def loaded(folder: Path, text: str, link: str) -> Loaded:
    file = folder / "escalator.yml"
    file.write_text(text, encoding="utf-8")
    return load(file, environ={"TOKEN": "carrier-secret", "LINK": link, "OTHER": f"{link}?other"})


@asynccontextmanager
async def keeper(folder: Path, server: CalendarServer, **options: Any) -> AsyncIterator[Keeper]:
    """Started as the daemon starts it: what is on file is in force, nothing has been asked for."""
    clock = VirtualClock(options.get("at", NOON))
    config = [loaded(folder, options.get("text", CONFIG + SCHEDULES), server.link)]
    path = folder / "escalator.db"
    prepare(path, clock.wall())
    metrics = Metrics()
    store, reader = SqliteStore(path, metrics), Reader(path)
    engine = Engine(store, reader, clock, config[0].rules, metrics)
    engine.start()
    patience = CalendarReader(seconds=options.get("seconds", 20))
    calendars = Calendars(engine, lambda: config[0].config, patience)
    try:
        await calendars.restore()
        yield Keeper(calendars, engine, clock, config, folder, server)
    finally:
        await engine.stop()
        reader.close()
