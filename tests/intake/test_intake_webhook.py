"""The generic webhook: JSON, forms and text from any sender."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from escalator.escalation.alerts import Alert, AlertStatus
from escalator.intake import Intake, PayloadError, Remark, read

RECEIVED = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
FIRING, RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def take(body: object, content_type: str = JSON) -> Intake:
    encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read("ci", "webhook", encoded, content_type, RECEIVED)


def one(body: object, content_type: str = JSON) -> Alert:
    (alert,) = take(body, content_type).alerts
    return alert


def remarks(body: object) -> dict[Remark, int]:
    return {note.remark: note.count for note in take(body).notes}


def test_all_fields_find_their_place() -> None:
    body = {
        "key": "disk-db-1",
        "status": "firing",
        "severity": "warning",
        "summary": "The disk of db-1 is full",
        "labels": {"alertname": "DiskFull", "host": "db-1"},
        "annotations": {"runbook": "https://runbooks.example.org/disk"},
        "url": "https://dash.example.org/db-1",
        "starts_at": "2026-11-22T15:00:00Z",
    }

    assert one(body) == Alert(
        receiver="ci",
        key="disk-db-1",
        status=FIRING,
        group="disk-db-1",
        labels={"alertname": "DiskFull", "host": "db-1", "severity": "warning"},
        annotations={
            "runbook": "https://runbooks.example.org/disk",
            "summary": "The disk of db-1 is full",
        },
        starts_at=datetime(2026, 11, 22, 15, 0, tzinfo=UTC),
        url="https://dash.example.org/db-1",
        raw=json.dumps(body, separators=(",", ":")),
    )


@pytest.mark.parametrize("word", ["firing", "TRIGGERED", "alerting", "Problem", "open", " down "])
def test_usual_words_for_firing(word: str) -> None:
    assert one({"key": "a", "status": word}).status is FIRING
    assert remarks({"key": "a", "status": word}) == {}


@pytest.mark.parametrize("word", ["resolved", "OK", "recovered", "Closed", "up", "clear"])
def test_usual_words_for_resolved(word: str) -> None:
    alert = one({"key": "a", "status": word})

    assert alert.status is RESOLVED
    assert alert.ends_at == RECEIVED


@pytest.mark.parametrize("word", ["who knows", "1", 0, True, ["ok"], {"is": "ok"}])
def test_any_other_word_fires_and_is_remarked(word: object) -> None:
    assert one({"key": "a", "status": word}).status is FIRING
    assert remarks({"key": "a", "status": word}) == {Remark.UNKNOWN_STATUS: 1}


@pytest.mark.parametrize("nothing", [None, ""])
def test_without_a_status_it_fires(nothing: object) -> None:
    assert one({"key": "a", "status": nothing}).status is FIRING
    assert remarks({"key": "a", "status": nothing}) == {}


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"key": "a", "dedup_key": "b"}, "a"),
        ({"dedup_key": "b"}, "b"),
        ({"key": 4711}, "4711"),
        ({"key": "  a  "}, "a"),
    ],
)
def test_the_key_comes_under_either_name(fields: dict[str, Any], key: str) -> None:
    alert = one(fields)

    assert (alert.key, alert.group) == (key, key)


def test_without_a_key_the_labels_tell_alerts_apart_whatever_the_rest_says() -> None:
    labels = {"host": "db-1", "check": "disk"}
    down = one({"labels": labels, "summary": "91 % full", "status": "firing", "severity": "error"})
    up = one({"labels": dict(reversed(labels.items())), "summary": "40 % full", "status": "ok"})
    other = one({"labels": {"host": "db-2", "check": "disk"}, "summary": "91 % full"})

    assert down.key == up.key != other.key


def test_without_key_and_labels_the_summary_tells_alerts_apart() -> None:
    down = one({"summary": "db-1 is down", "status": "down"})
    up = one({"summary": "db-1 is down", "status": "up", "labels": {"severity": "info"}})
    other = one({"summary": "db-2 is down"})

    assert down.key == up.key != other.key


def test_an_endless_key_is_shortened_and_stays_distinct() -> None:
    first, second = one({"key": "k" * 9000 + "a"}), one({"key": "k" * 9000 + "b"})

    assert first.key != second.key
    assert len(first.key) < 700


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"labels": {"alertname": "DiskFull"}, "summary": "s", "key": "k"}, "DiskFull"),
        ({"summary": "The disk is full\nof logs", "key": "k"}, "The disk is full"),
        ({"key": "disk-db-1"}, "disk-db-1"),
        ({"status": "down"}, "ci"),
    ],
    ids=["given", "summary", "key", "receiver"],
)
def test_an_alert_always_has_a_name(fields: dict[str, Any], name: str) -> None:
    assert one(fields).labels["alertname"] == name


def test_the_severity_field_weighs_more_than_the_label() -> None:
    alert = one({"severity": "critical", "labels": {"severity": "info"}})

    assert alert.labels["severity"] == "critical"


@pytest.mark.parametrize(
    ("sent", "moment"),
    [
        ("2026-11-22T15:00:00+01:00", datetime(2026, 11, 22, 14, 0, tzinfo=UTC)),
        (1_795_359_600, datetime(2026, 11, 22, 15, 0, tzinfo=UTC)),
        (1_795_359_600_000, datetime(2026, 11, 22, 15, 0, tzinfo=UTC)),
        ("1795359600", datetime(2026, 11, 22, 15, 0, tzinfo=UTC)),
        ("soon", RECEIVED),
        (None, RECEIVED),
    ],
)
def test_starts_at_takes_dates_and_seconds(sent: object, moment: datetime) -> None:
    assert one({"key": "a", "starts_at": sent}).starts_at == moment


def test_a_list_holds_several_alerts() -> None:
    alerts = take([{"key": "a"}, {"key": "b", "status": "ok"}]).alerts

    assert [(alert.key, alert.status) for alert in alerts] == [("a", FIRING), ("b", RESOLVED)]


def test_a_bad_item_of_a_list_pages_beside_the_good_ones() -> None:
    body = [{"key": "a"}, {"colour": "red"}, 5]

    alerts = take(body).alerts

    assert [alert.labels["alertname"] for alert in alerts] == [
        "a",
        "UnreadableAlert",
        "UnreadableAlert",
    ]
    assert alerts[1].annotations["excerpt"] == '{"colour":"red"}'
    assert remarks(body) == {Remark.UNREADABLE_ALERT: 2}


def test_a_summary_of_another_type_is_read_out_as_it_came() -> None:
    assert one({"summary": {"disk": "full"}}).annotations["summary"] == '{"disk":"full"}'


@pytest.mark.parametrize("labels", ["host=db-1", ["db-1"], 5])
def test_labels_of_a_wrong_type_do_not_cost_the_alert(labels: object) -> None:
    body = {"key": "a", "labels": labels}

    assert one(body).labels == {"alertname": "a"}
    assert remarks(body) == {Remark.UNREADABLE_FIELD: 1}


@pytest.mark.parametrize("content_type", ["text/plain; charset=UTF-8", "", FORM, "image/png"])
def test_json_is_read_whatever_it_is_declared_as(content_type: str) -> None:
    assert one({"key": "a", "status": "ok"}, content_type).status is RESOLVED


def test_a_form_is_read() -> None:
    body = urlencode(
        {"key": "a", "status": "up", "summary": "größer & besser", "labels": '{"host": "db-1"}'}
    )

    alert = one(body.encode(), FORM)

    assert (alert.key, alert.status) == ("a", RESOLVED)
    assert alert.annotations == {"summary": "größer & besser"}
    assert alert.labels["host"] == "db-1"


def test_a_form_that_was_not_encoded_is_read_all_the_same() -> None:
    alert = one(b"summary=The disk of db-1 is full&status=down", FORM)

    assert alert.annotations == {"summary": "The disk of db-1 is full"}


def test_a_form_without_a_content_type_is_read() -> None:
    assert one(b"key=a&status=down", "").key == "a"


def test_a_multipart_form_is_read_and_its_files_are_not() -> None:
    body = (
        b'--XX\r\nContent-Disposition: form-data; name="key"\r\n\r\ndisk\r\n'
        b'--XX\r\nContent-Disposition: form-data; name="summary"\r\n'
        b"Content-Type: text/plain\r\n\r\nline one\r\nline two\r\n"
        b'--XX\r\nContent-Disposition: form-data; name="severity"; filename="s.txt"\r\n\r\nfile\r\n'
        b"--XX--\r\n"
    )

    alert = one(body, 'multipart/form-data; boundary="XX"')

    assert alert.key == "disk"
    assert alert.annotations["summary"] == "line one\r\nline two"
    assert "severity" not in alert.labels


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"the disk of db-1 is full", "text/plain"),
        (b"the disk of db-1 is full", ""),
        (b"the disk of db-1 is full\n", FORM),
        (b'"the disk of db-1 is full"', JSON),
        (b'"the disk of db-1 is full"', "text/plain"),
    ],
)
def test_text_is_the_summary(body: bytes, content_type: str) -> None:
    alert = one(body, content_type)

    assert alert.status is FIRING
    assert alert.annotations == {"summary": "the disk of db-1 is full"}
    assert alert.labels == {"alertname": "the disk of db-1 is full"}
    assert alert.key == one({"summary": "the disk of db-1 is full"}).key


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"disk=95% used, which is a lot", FORM),
        (b"down", FORM),
        (b"503", "text/plain"),
        (b'{"summary": "quotes "inside" of it"}', ""),
        (b"a=b is an equation", "text/plain"),
    ],
)
def test_a_sentence_that_looks_like_something_else_still_pages(
    body: bytes, content_type: str
) -> None:
    assert one(body, content_type).annotations["summary"] == body.decode()


@pytest.mark.parametrize("content_type", [JSON, "application/cloudevents+json", "Text/JSON"])
def test_broken_json_is_refused_where_json_was_promised(content_type: str) -> None:
    with pytest.raises(PayloadError, match="line 1, column 9") as refused:
        take(b'{"key": a}', content_type)

    assert refused.value.code == "invalid_json"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{}", JSON),
        (b"null", JSON),
        (b"5", JSON),
        (b'""', JSON),
        (b"[5]", JSON),
        (b'[{}, {"a": 1}]', JSON),
        (b'{"action": "opened"}', JSON),
        (b'{"key": "", "labels": {}, "summary": null}', JSON),
        (b"", JSON),
        (b"  \n", "text/plain"),
        (b"a=b&c=d", FORM),
        (b"--XX--", "multipart/form-data; boundary=XX"),
    ],
)
def test_what_names_no_field_of_an_alert_is_refused(body: bytes, content_type: str) -> None:
    with pytest.raises(PayloadError, match="at least one of key, dedup_key, status") as refused:
        take(body, content_type)

    assert refused.value.code == "unrecognised_payload"


def test_an_empty_list_is_no_alert() -> None:
    assert take([]).alerts == ()


def test_an_alertmanager_that_was_set_up_against_this_type_is_understood() -> None:
    alert = {"status": "resolved", "labels": {"alertname": "DiskFull"}, "fingerprint": "f00d"}
    body = {"version": "4", "status": "firing", "groupKey": "g", "alerts": [alert]}

    assert (one(body).key, one(body).status, one(body).group) == ("f00d", RESOLVED, "g")
    assert remarks(body) == {Remark.OTHER_FORMAT: 1}


def test_an_own_key_keeps_an_alert_out_of_alertmanagers_reading() -> None:
    body = {"key": "a", "status": "ok", "labels": {"x": "y"}, "startsAt": "2026-11-22T15:00:00Z"}

    assert (one(body).key, one(body).status) == ("a", RESOLVED)


def test_at_most_64_labels_and_64_annotations_are_kept() -> None:
    many = {f"name{number}": "x" for number in range(100)}
    body = {"key": "a", "labels": {**many, "alertname": "DiskFull"}, "annotations": many}

    alert = one(body)

    assert (len(alert.labels), len(alert.annotations)) == (64, 64)
    assert alert.labels["alertname"] == "DiskFull"
    assert remarks(body) == {Remark.FIELDS_CUT: 2}


def test_labels_that_only_look_like_json_do_not_cost_the_alert() -> None:
    alert = one(urlencode({"key": "a", "labels": "{host: db-1}"}).encode(), FORM)

    assert alert.labels == {"alertname": "a"}
