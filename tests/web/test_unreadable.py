"""When a sender that cannot be understood is worth a page."""

from datetime import UTC, datetime, timedelta

from escalator.escalation.alerts import AlertStatus
from escalator.web.unreadable import Unreadable

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_a_body_over_the_limit_pages_once_in_ten_minutes():
    unreadable = Unreadable()

    told = [unreadable.too_large("am", 40_000_000, NOW + MINUTE * n) for n in (0, 9, 10)]

    assert [alert is not None for alert in told] == [True, False, True]
    assert told[0].annotations["summary"] == "Receiver am was sent a body of 40 MB; it was not read"
    assert told[0].key == told[2].key


def test_receivers_are_told_apart():
    unreadable = Unreadable()

    assert unreadable.too_large("am", None, NOW).receiver == "am"
    assert unreadable.too_large("grafana", None, NOW).receiver == "grafana"


def test_three_rejected_bodies_within_ten_minutes_page():
    unreadable = Unreadable()

    told = [unreadable.rejected("am", "not JSON", NOW + MINUTE * n) for n in (0, 5, 10)]

    assert [alert is not None for alert in told] == [False, False, True]
    assert told[2].status is AlertStatus.FIRING
    assert "not JSON" in told[2].annotations["description"]


def test_three_rejected_bodies_over_a_longer_time_do_not():
    unreadable = Unreadable()

    told = [unreadable.rejected("am", "not JSON", NOW + MINUTE * n) for n in (0, 6, 11, 17)]

    assert told == [None] * 4


def test_a_readable_body_between_them_starts_the_count_anew():
    unreadable = Unreadable()
    unreadable.rejected("am", "not JSON", NOW)
    unreadable.rejected("am", "not JSON", NOW)

    assert unreadable.readable("am", NOW) is None

    assert unreadable.rejected("am", "not JSON", NOW) is None


def test_the_page_is_resolved_once_by_the_next_readable_body():
    unreadable = Unreadable()
    *_, fired = [unreadable.rejected("am", "not JSON", NOW) for _ in range(3)]

    over = unreadable.readable("am", NOW + MINUTE)

    assert (over.key, over.status) == (fired.key, AlertStatus.RESOLVED)
    assert unreadable.readable("am", NOW + MINUTE) is None
