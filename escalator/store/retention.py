"""What is over for long enough is let go, a few hundred rows at a time between two batches.

An incident goes with its alerts, its timeline and the calls that carried nothing else. Tokens of calls go a week after
the call, which turns their callbacks from "gone" into "not found".
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from escalator.store.rows import to_stored

CHUNK = 500
TOKENS_KEPT = timedelta(days=7)
IDEMPOTENCY_KEPT = timedelta(days=7)
_OLD_INCIDENTS = (
    "SELECT id FROM incidents WHERE phase = 'resolved' AND resolved_at < ? "
    f"ORDER BY resolved_at LIMIT {CHUNK}"
)
_OF_INCIDENTS = ("timeline", "alerts", "call_pages", "pages", "texts", "message_incidents")

Change = Callable[[str, Sequence[object]], Awaitable[int]]


async def let_go(change: Change, now: datetime, retention: timedelta) -> int:
    """Delete what has been over for `retention`. `change` runs one statement and counts its rows.

    Returns how many incidents and calls went.
    """
    before = to_stored(now - retention)
    gone = 0
    while True:
        for table in _OF_INCIDENTS:
            await change(
                f"DELETE FROM {table} WHERE incident_id IN ({_OLD_INCIDENTS})",
                (before,),
            )
        incidents = await change(f"DELETE FROM incidents WHERE id IN ({_OLD_INCIDENTS})", (before,))
        gone += incidents
        if incidents < CHUNK:
            break
    gone += await _calls(change, now, before)
    await _messages(change, now, before)
    await change(
        "DELETE FROM alerts WHERE incident_id = '' AND last_seen < ?",
        (before,),
    )
    await change("DELETE FROM idempotency WHERE at < ?", (to_stored(now - IDEMPOTENCY_KEPT),))
    return gone


async def _calls(change: Change, now: datetime, before: int | None) -> int:
    """Tokens first, then the calls that no incident needs any more."""
    await change(
        "DELETE FROM posts WHERE call_id IN (SELECT id FROM calls WHERE state = 'ended' AND ended_at < ?)",
        (max(to_stored(now - TOKENS_KEPT) or 0, before or 0),),
    )
    gone = 0
    while True:
        calls = await change(
            "DELETE FROM calls WHERE id IN (SELECT id FROM calls c WHERE state = 'ended' AND ended_at < ? AND NOT "
            f"EXISTS (SELECT 1 FROM call_pages p WHERE p.call_id = c.id) LIMIT {CHUNK})",
            (before,),
        )
        gone += calls
        if calls < CHUNK:
            return gone


async def _messages(change: Change, now: datetime, before: int | None) -> None:
    """Tokens first, then the messages that no incident needs any more; and which answers were taken."""
    week_ago = to_stored(now - TOKENS_KEPT)
    await change(
        "DELETE FROM message_posts WHERE message_id IN (SELECT id FROM messages WHERE ended_at < ?)",
        (max(week_ago or 0, before or 0),),
    )
    while True:
        messages = await change(
            "DELETE FROM messages WHERE id IN (SELECT id FROM messages m WHERE ended_at < ? AND NOT EXISTS "
            f"(SELECT 1 FROM message_incidents t WHERE t.message_id = m.id) LIMIT {CHUNK})",
            (before,),
        )
        if messages < CHUNK:
            break
    await change("DELETE FROM replies WHERE at < ?", (week_ago,))
