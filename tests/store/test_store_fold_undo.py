"""An event whose decision raises leaves no trace in the batch that it came with (K17)."""

from datetime import UTC, datetime

import pytest
from cast import alert, rules, step
from memory import Memory

from escalator.escalation.call_events import CallIntended, Wanted
from escalator.escalation.events import AlertReceived
from escalator.escalation.incidents import PageState
from escalator.store.fold import Fold

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def test_what_an_event_had_changed_before_it_raised_is_undone():
    in_force, memory = rules(step("ana")), Memory()
    memory.apply(in_force, NOW, AlertReceived(alert=alert("disk"), fresh_id="i"))
    fold = Fold(memory, in_force, NOW)
    page = Wanted(incident_id="i", person="ana")

    with pytest.raises(AssertionError, match="due"):
        fold.submit(intent(page, page))

    assert (fold.changes.calls, fold.changes.incidents, fold.changes.lines) == ({}, {}, [])
    result = fold.submit(intent(page))
    assert result.refused == ""
    [kept] = fold.changes.incidents.values()
    assert [one.state for one in kept.pages] == [PageState.CALLING]


def intent(*pages: Wanted) -> CallIntended:
    return CallIntended(
        call_id="c",
        to="+491713920012",
        from_="+15005550006",
        person="ana",
        token_hash="h",
        lasts=385.0,
        pages=pages,
    )
