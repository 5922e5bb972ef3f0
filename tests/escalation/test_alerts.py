"""What a sender told us."""

import pytest

from escalator.escalation.alerts import Alert, AlertStatus, Known


@pytest.mark.parametrize(("status", "is_firing"), [("firing", True), ("resolved", False)])
def test_an_alert_fires_when_its_own_status_says_so(status, is_firing):
    alert = Alert(receiver="prod", key="k", status=AlertStatus(status), group="g")

    assert alert.is_firing is is_firing


def test_an_alert_without_labels_shares_them_with_no_other():
    one = Alert(receiver="prod", key="a", status=AlertStatus.FIRING, group="")
    other = Alert(receiver="prod", key="b", status=AlertStatus.FIRING, group="")

    assert one.labels == {}
    assert one.labels is not other.labels
    assert (one.starts_at, one.ends_at, one.url, one.raw) == (None, None, "", "")


def test_what_is_on_file_about_an_alert_is_a_value():
    known = Known(incident_id="i", status=AlertStatus.FIRING, severity="warning")

    assert known == Known(incident_id="i", status=AlertStatus.FIRING, severity="warning")
    assert known != Known(incident_id="", status=AlertStatus.FIRING, severity="warning")
