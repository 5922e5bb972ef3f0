"""What the fragment of a callback URL says about timeouts and retries: `#rc=3&rp=all&ct=500`.

`rc` retries (0-5), `rp` on what (4xx, 5xx, ct, rt, all), `ct`, `rt`, `tt` the connect, read and
total timeouts in milliseconds. A value that does not fit is a warning and the default holds.
"""

from dataclasses import dataclass
from urllib.parse import parse_qsl

HARD_LIMIT = 15.0
_KINDS = frozenset({"4xx", "5xx", "ct", "rt"})
_TIMES = {"ct": (100, 10_000), "rt": (100, 15_000), "tt": (100, 15_000)}
_OTHER = frozenset({"sni", "e"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """Timeouts in real seconds, the number of retries, and the kinds of failure that are
    retried.
    """

    connect: float = 5.0
    read: float = 15.0
    total: float = HARD_LIMIT
    retries: int = 1
    policy: frozenset[str] = frozenset({"ct"})


def split(url: str) -> tuple[str, Overrides, list[str]]:
    """The URL as it is requested, the overrides, and a sentence for each value that does not
    fit.
    """
    target, _, fragment = url.partition("#")
    wrong: list[str] = []
    times: dict[str, float] = {}
    retries, policy = 1, frozenset({"ct"})
    for name, value in parse_qsl(fragment, keep_blank_values=True):
        if name in _TIMES and _fits(value, *_TIMES[name]):
            times[name] = int(value) / 1000
        elif name == "rc" and _fits(value, 0, 5):
            retries = int(value)
        elif name == "rp" and set(value.split(",")) <= _KINDS | {"all"}:
            policy = _KINDS if "all" in value.split(",") else frozenset(value.split(","))
        elif name not in _OTHER:
            wrong.append(f"{name}={value} in the URL's fragment does not fit")
    chosen = Overrides(
        connect=times.get("ct", 5.0),
        read=times.get("rt", 15.0),
        total=times.get("tt", HARD_LIMIT),
        retries=retries,
        policy=policy,
    )
    return target, chosen, wrong


def _fits(value: str, low: int, high: int) -> bool:
    return value.isascii() and value.isdigit() and low <= int(value) <= high
