"""What is on file about heartbeats: when each was heard, and which of their alerts fire.

A beat is one statement; that one is missed is told by its alert alone, so no mark can disagree with it.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from escalator.escalation.heartbeats import RECEIVER, State
from escalator.store.rows import from_stored, to_stored

FORGET = "DELETE FROM heartbeats WHERE name = ?"
_HEARD = (
    "INSERT INTO heartbeats (name, last_at, armed_at, beats) SELECT key, value, value, 1 FROM json_each(?) WHERE true "
    "ON CONFLICT (name) DO UPDATE SET last_at = excluded.last_at, beats = beats + 1"
)
_ARMED = (
    "INSERT INTO heartbeats (name, armed_at, beats) SELECT value, ?1, 0 FROM json_each(?2) WHERE true "
    "ON CONFLICT (name) DO NOTHING"
)

Change = tuple[str, tuple[object, ...]]


def heard(beats: Mapping[str, datetime]) -> Change:
    """The statement that says when these have beaten, with its parameters."""
    return _HEARD, (json.dumps({name: to_stored(at) for name, at in beats.items()}),)


def armed(names: Sequence[str], at: datetime) -> Change:
    """The statement that says these were heard of, though not as a beat."""
    return _ARMED, (to_stored(at), json.dumps(names))


def load_states(connection: sqlite3.Connection) -> dict[str, State]:
    """All heartbeats that were ever heard of or whose alert fires, by name."""
    states = {
        name: State(last_at=from_stored(last), armed_at=from_stored(armed_at), beats=beats)
        for name, last, armed_at, beats in connection.execute(
            "SELECT name, last_at, armed_at, beats FROM heartbeats"
        )
    }
    firing = connection.execute(
        "SELECT key FROM alerts WHERE receiver = ? AND is_current = 1 AND status = 'firing'",
        (RECEIVER,),
    )
    for (name,) in firing:
        states[name] = replace(states.get(name, State()), is_missed=True)
    return states
