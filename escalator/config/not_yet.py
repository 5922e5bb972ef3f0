"""What a config may say one day, and what this version says to it.

A key of this table is refused by name rather than called unknown or, worse, ignored. Whoever
builds one of these takes its line away and gives the model the key.
"""

from escalator.config.problems import Path

MESSAGE = "not supported yet"

# `*` stands for any one part of a path.
KEYS: tuple[str, ...] = (
    "silences",
    "receivers.*.mapping",
    "receivers.*.routing_keys",
)
RECEIVER_TYPES: tuple[str, ...] = ("grafana", "pagerduty")


def is_not_yet(path: Path) -> bool:
    """Whether a key that the model does not know is one that is planned."""
    return any(_fits(path, pattern.split(".")) for pattern in KEYS)


def _fits(path: Path, pattern: list[str]) -> bool:
    return len(path) == len(pattern) and all(
        wanted in ("*", str(part)) for part, wanted in zip(path, pattern, strict=True)
    )
