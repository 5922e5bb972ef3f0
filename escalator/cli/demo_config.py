"""The config of the demo's daemon: like anybody's, but for the carrier's address.

Ports are chosen beforehand, because the carrier and the pages are told them before the daemon listens, and because it
comes back on the same ones after it was killed.
"""

import secrets
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from escalator.clock import SystemClock
from escalator.simulator import ACCOUNT_SID
from escalator.simulator.scene import ANA, BEN, CALLER, CAST, CHIKA, DIEGO

STORE = "escalator.db"
HEARTBEAT = "monitoring"
WATCHDOG = "Watchdog"
# The plan is older than the demo, by whole rounds of it, so that the weeks before are covered too.
_BEFORE = timedelta(days=28)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How the demo is played. `speed`: simulated seconds per real one; `wait`: seconds that Ana has
    before Ben is rung; `beat`: seconds between two beats of the Watchdog; `listen`: HOST:PORT of the
    internal listener, port 0 for any; `has_past`: there have been incidents before; `is_verbose`:
    the daemon logs for everybody to see.
    """

    speed: float
    wait: int
    beat: int = 5
    listen: str = "127.0.0.1:0"
    language: str = "en-GB"
    has_past: bool = False
    is_verbose: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The config as it was written: its file, and where the daemon will be."""

    file: Path
    internal_url: str
    public_url: str


def write_config(
    folder: Path, plan: Plan, carrier: str, token: str, *, now: datetime | None = None
) -> Written:
    """Write config and secret into the folder. `carrier`: the base of its API; `token`: its secret;
    `now`: when the schedules are to put Ana first, by default at present.
    """
    secret = folder / "auth-token"
    secret.touch(mode=0o600)
    secret.write_text(token, encoding="ascii")
    host, _, port = plan.listen.rpartition(":")
    internal = f"{host}:{free_port() if port == '0' else port}"
    public = f"127.0.0.1:{free_port()}"
    file = folder / "escalator.yml"
    file.write_text(
        f"""version: 1
public_url: http://{public}
language: {plan.language}
listen: {{ internal: "{internal}", public: "{public}" }}
storage: {{ path: {STORE} }}
twilio:
  account_sid: {ACCOUNT_SID}
  auth_token: {{ file: {secret.name} }}
  api_url: {carrier}
  from: {CALLER}
  ring: 15s
  limits: {{ calls_per_second: 10, calls_per_person: 600/h, calls_per_day: 9999 }}
people:
{_people(plan)}
schedules:
{_schedules(now or SystemClock().wall())}
policies:
  default:
    steps:
      - {{ call: primary, retry: 1m, wait: {plan.wait}s }}
      - {{ call: primary.next, retry: 1m, wait: 45s }}
      - {{ call: backup, retry: 1m, wait: 45s }}
      - {{ call: backup.next, retry: 1m, wait: 45s }}
    fallback: {{ call: everyone, every: 1m }}
  watchdog:
    steps:
      - {{ call: primary, sms: backup, retry: 1m, wait: {plan.wait}s }}
      - {{ call: backup, retry: 1m, wait: 45s }}
    fallback: {{ call: everyone, every: 1m }}
heartbeats:
  {HEARTBEAT}:
    matchers: ['alertname="{WATCHDOG}"']
    every: {plan.beat}s
    grace: {plan.beat}s
    policy: watchdog
    severity: critical
""",
        encoding="utf-8",
    )
    return Written(file=file, internal_url=f"http://{internal}", public_url=f"http://{public}")


def _people(plan: Plan) -> str:
    """The cast. Chika wants to be written to first, and to be rung as much later as Ana has."""
    lines = []
    for one in CAST:
        language = f", language: {one.language}" if one.language else ""
        rules = f", rules: [{{ sms: now }}, {{ call: {plan.wait}s }}]" if one is CHIKA else ""
        lines.append(f"  {one.key}: {{ name: {one.name}, phone: {one.number}{language}{rules} }}")
    return "\n".join(lines)


def _schedules(now: datetime) -> str:
    """Ana and Ben by the week, Chika and Diego by the day: Ana and Chika are on call now, and for hours to come."""
    week, day = now - timedelta(days=1), now - timedelta(hours=6)
    ends = (day + timedelta(days=2)).replace(minute=0)
    swap = f"{ends:%Y-%m-%d %H:%M}", f"{ends + timedelta(hours=12):%Y-%m-%d %H:%M}"
    return f"""  primary:
    timezone: UTC
    layers:
      - people: [{ANA.key}, {BEN.key}]
        rotate: {{ every: 1 week, at: {_DAYS[week.weekday()]} {week:%H}:00, starting: {week - _BEFORE:%Y-%m-%d} }}
  backup:
    timezone: UTC
    layers:
      - people: [{CHIKA.key}, {DIEGO.key}]
        rotate: {{ every: 1 day, at: "{day:%H}:00", starting: {day - _BEFORE:%Y-%m-%d} }}
    overrides:
      - {{ person: {DIEGO.key}, from: {swap[0]}, to: {swap[1]}, reason: swap with {CHIKA.short} }}"""


def new_token() -> str:
    """A secret for one demo."""
    return secrets.token_hex(16)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
