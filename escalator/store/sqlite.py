"""SQLite as the store: load what a batch names, write what it changed, one commit.

Used by one thread only (see `writer`). Every read inside a batch happens in its transaction, so what is decided is
decided on what is true.
"""

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from escalator.escalation.alerts import Known
from escalator.escalation.calls import Call
from escalator.escalation.events import AlertReceived, Event
from escalator.escalation.incidents import Incident
from escalator.escalation.rules import Rules
from escalator.store import rows
from escalator.store.ballast import Ballast
from escalator.store.changes import AlertKey, Changes, Result
from escalator.store.connection import open_for_writing
from escalator.store.errors import StoreBroken, StoreError, StoreFull
from escalator.store.fold import Fold
from escalator.store.loading import load_call, load_incident
from escalator.store.message_rows import MessageSource
from escalator.store.opening import remember_loss, suspect
from escalator.store.tally import count
from escalator.store.trouble import Trouble, trouble_of
from escalator.store.upkeep import rescue
from escalator.store.writing import write
from escalator.telemetry import Metrics, get_logger

log = get_logger("store")

# What is wrong with one row and not with the database: a constraint, a type, a size.
_REFUSED = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError)
_KNOWN = "SELECT incident_id, status, severity FROM alerts WHERE receiver = ? AND key = ? AND is_current = 1"
_GROUP = (
    "SELECT id FROM incidents WHERE receiver = ? AND policy = ? AND group_key = ? "
    "ORDER BY resolved_at IS NOT NULL, resolved_at DESC LIMIT 1"
)
_FIRING = "SELECT key, labels FROM alerts WHERE incident_id = ? AND status = 'firing'"
_BEAT = (
    "INSERT INTO meta (name, value) VALUES ('beat', ?) "
    "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)

KEYS_AT_ONCE = 256
_T = TypeVar("_T")
# Closing what is broken would have SQLite write once more, over a sync that failed: it stays open until the process
# ends.
_abandoned: list[sqlite3.Connection] = []


class SqliteStore:
    """The write side of one database file.

    `ballast` is room kept for a full disk; `connect` opens the connection. `is_scarce`: the disk was full and the
    reserve is in use, so that calls can go on and alerts must wait.
    """

    def __init__(
        self,
        path: Path,
        metrics: Metrics,
        *,
        ballast: Ballast | None = None,
        connect: Callable[[Path], sqlite3.Connection] = open_for_writing,
    ):
        self.path = path
        self._metrics = metrics
        self._ballast = ballast
        self.stirred = False  # whether the last batch left something for a worker to do
        self.is_scarce = False
        self._broken: str = ""
        # Open calls as the last batch left them: a storm that joins one is not to load it again with each batch.
        self._calls: dict[str, Call | None] = {}
        self._connection = connect(path)
        self.messages = MessageSource(self._connection)
        self._file = _identity(path)
        if ballast is not None and not ballast.make():
            log.warning("no_reserve", path=str(path), hint="less than 24 MiB are free on this disk")

    def close(self) -> None:
        """Close the connection. The write-ahead log is folded in by SQLite, unless it cannot be trusted."""
        if self._broken:
            _abandoned.append(self._connection)
        else:
            self._connection.close()

    def apply(
        self, events: Sequence[Event], rules: Rules, now: datetime
    ) -> list[Result | Exception]:
        """Decide a batch and commit it. An event that could not be decided, or whose outcome the tables refuse, yields
        its exception and changes nothing.

        Raises `StoreError` when the batch could not be written; then nothing of it is stored, save for a batch that
        was taken apart because of a refused event.
        """
        self.stirred = False
        return self._apply(events, rules, now)

    def _apply(
        self, events: Sequence[Event], rules: Rules, now: datetime
    ) -> list[Result | Exception]:
        started = time.perf_counter()
        try:
            results, changes = self._with_reserve(lambda: self._commit(events, rules, now))
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - it is some event's fault, and must not be the others'
            if len(events) == 1:
                return [error]
        else:
            self.stirred = self.stirred or changes.stirs
            count(self._metrics, changes, len(events), now, time.perf_counter() - started)
            return results
        half = len(events) // 2
        return [*self._apply(events[:half], rules, now), *self._apply(events[half:], rules, now)]

    def _commit(
        self, events: Sequence[Event], rules: Rules, now: datetime
    ) -> tuple[list[Result | Exception], Changes]:
        self._begin()
        try:
            fold = Fold(self, rules, now)
            fold.expect(self._known_of(events))
            results = [_decided(fold, event) for event in events]
            write(self._connection, fold.changes, now, self._calls)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._calls.clear()
            self._roll_back()
            if _is_of_a_row(error):
                raise
            raise self._failed(error, "the batch could not be written") from error
        except BaseException:
            self._calls.clear()
            self._roll_back()
            raise
        known = {**self._calls, **fold.changes.calls}
        self._calls = {
            call.id: call for call in known.values() if call is not None and call.ended_at is None
        }
        return results, fold.changes

    def change(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """Run one statement in a transaction of its own and count the rows. For chores, never for incidents."""

        def run() -> int:
            self._demand_sound()
            self._calls.clear()
            try:
                return self._connection.execute(statement, parameters).rowcount
            except sqlite3.Error as error:
                raise self._failed(error, "a statement could not be run") from error

        return self._with_reserve(run)

    def transact(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Run several statements as one transaction. For what cannot be decided by the rules."""
        self._begin()
        self._calls.clear()
        try:
            value = work(self._connection)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise self._failed(error, "a chore could not be written") from error
        except BaseException:
            self._roll_back()
            raise
        return value

    def beat(self, now: datetime) -> None:
        """A sign of life in the database itself, which must still be the file it was; the reserve is made up for.

        Raises `StoreBroken` when the file was deleted or replaced.
        """
        self._demand_sound()
        self._demand_file()
        self.change(_BEAT, (now.isoformat(),))
        if self.is_scarce and self._ballast is not None and self._ballast.make():
            self.is_scarce = False
            log.info("disk_has_room", path=str(self.path))

    # ---- when it fails

    def _begin(self) -> None:
        self._demand_sound()
        try:
            self._roll_back()  # of a batch whose own rollback failed
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise self._failed(error, "the batch could not be written") from error

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def _with_reserve(self, work: Callable[[], _T]) -> _T:
        """When the disk is full the reserve is given up and the work done again, once."""
        try:
            return work()
        except StoreFull:
            if self._ballast is None:
                raise
            self.is_scarce = True
            if not self._ballast.free():
                raise
            log.error("disk_full", path=str(self.path), hint="make room; the reserve is in use")  # noqa: TRY400 - no defect of ours
            return work()

    def _failed(self, error: sqlite3.Error, what: str) -> StoreError:
        text = f"{self.path}: {what}: {error}"
        trouble = trouble_of(error)
        if trouble is Trouble.PASSING:
            return StoreError(text)
        if trouble is Trouble.FULL:
            return StoreFull(text)
        if trouble is Trouble.CORRUPT:
            suspect(self.path)
        return self._break(f"{text}; it is not used any more, the next start verifies it")

    def _break(self, why: str) -> StoreBroken:
        self._broken = why
        return StoreBroken(why)

    def _demand_sound(self) -> None:
        if self._broken:
            raise StoreBroken(self._broken)

    def _demand_file(self) -> None:
        """The path still leads to what is open; else nothing that is written would be found after the next start."""
        if _identity(self.path) == self._file:
            return
        why = f"{self.path}: the database file was replaced by another while it was open"
        if not self.path.exists():
            saved = rescue(self._connection, self.path)
            why = f"{self.path}: the database file was deleted while it was open; " + (
                "it was written anew from what is open" if saved else "it could not be written anew"
            )
            if not saved:
                remember_loss(self.path, "the database file was deleted while it was open")
        log.error("database_gone", path=str(self.path), what=why)
        raise self._break(why)

    # ---- loading, for the fold

    def incident(self, incident_id: str) -> Incident | None:
        """An incident with its pages."""
        return load_incident(self._connection, incident_id)

    def call(self, call_id: str) -> Call | None:
        """A call with its posts and pages."""
        if call_id not in self._calls:
            self._calls[call_id] = load_call(self._connection, call_id)
        return self._calls[call_id]

    def known(self, receiver: str, key: str) -> Known | None:
        """What is on file about an alert."""
        row = self._connection.execute(_KNOWN, (receiver, key)).fetchone()
        return None if row is None else rows.known_value(row)

    def _known_of(self, events: Sequence[Event]) -> dict[AlertKey, Known | None]:
        """What is on file of all alerts of a batch, in a query a receiver and some hundred keys."""
        asked = [
            (event.alert.receiver, event.alert.key)
            for event in events
            if isinstance(event, AlertReceived)
        ]
        found: dict[AlertKey, Known | None] = dict.fromkeys(asked)
        for receiver in {receiver for receiver, _ in asked}:
            keys = [key for one, key in found if one == receiver]
            for at in range(0, len(keys), KEYS_AT_ONCE):
                some = keys[at : at + KEYS_AT_ONCE]
                # A fixed number of marks, so that the statement is prepared once.
                marks = (*some, *[None] * (_bucket(len(some)) - len(some)))
                rows_found = self._connection.execute(_known_many(len(marks)), (receiver, *marks))
                for key, *row in rows_found:
                    found[receiver, key] = rows.known_value(row)
        return found

    def incident_of_group(self, receiver: str, policy: str, group_key: str) -> str | None:
        """The open incident of a group, else the one resolved last."""
        return self._one(_GROUP, (receiver, policy, group_key))

    def firing_labels(self, incident_id: str) -> Iterator[tuple[str, dict[str, str]]]:
        """The key and the labels of each alert that fires in an incident."""
        found = self._connection.execute(_FIRING, (incident_id,))
        return ((key, json.loads(labels)) for key, labels in found)

    def live_call_on(self, number: str) -> str | None:
        """The call that a number is in."""
        return self._one(
            "SELECT id FROM calls WHERE \"to\" = ? AND state NOT IN ('planned', 'ended')", (number,)
        )

    def call_of_sid(self, sid: str) -> str | None:
        """The call that one of the carrier's ids belongs to."""
        return self._one("SELECT call_id FROM posts WHERE sid = ? AND sid != ''", (sid,))

    def _one(self, statement: str, parameters: Sequence[Any]) -> str | None:
        row = self._connection.execute(statement, parameters).fetchone()
        return None if row is None else str(row[0])


def _bucket(count: int) -> int:
    """The next power of four, so that few statements serve batches of any size."""
    size = 1
    while size < count:
        size *= 4
    return size


@cache
def _known_many(keys: int) -> str:
    marks = ", ".join("?" * keys)
    return (
        "SELECT key, incident_id, status, severity FROM alerts "
        f"WHERE receiver = ? AND key IN ({marks}) AND is_current = 1"
    )


def _decided(fold: Fold, event: Event) -> Result | Exception:
    try:
        return fold.submit(event)
    except Exception as error:  # one event that cannot be decided must not stop the others
        if isinstance(error, sqlite3.Error) and not _is_of_a_row(error):
            raise
        return error


def _is_of_a_row(error: sqlite3.Error) -> bool:
    """Whether a row is at fault and not the database: a constraint, a type, a size, a text that is none."""
    return isinstance(error, _REFUSED) or getattr(error, "sqlite_errorcode", None) is None


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells this file from another at the same path; None when there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
