"""Alertmanager's messages as captured, and every way in which they may be odd."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from escalator.escalation.alerts import Alert, AlertStatus
from escalator.intake import Intake, PayloadError, Remark, read

PAYLOADS = Path(__file__).parent.parent / "payloads"
RECEIVED = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
FIRING, RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED


def take(body: object) -> Intake:
    encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read("prod", "alertmanager", encoded, "application/json", RECEIVED)


def entry(**fields: Any) -> dict[str, Any]:
    return {"status": "firing", "labels": {"alertname": "DiskFull"}, **fields}


def message(*alerts: Any, **fields: Any) -> dict[str, Any]:
    return {"version": "4", "groupKey": "{}:{}", "alerts": list(alerts), **fields}


def one(body: object) -> Alert:
    (alert,) = take(body).alerts
    return alert


def remarks(body: object) -> dict[Remark, int]:
    return {note.remark: note.count for note in take(body).notes}


def captured(name: str) -> bytes:
    return (PAYLOADS / f"alertmanager_{name}.json").read_bytes()


def test_a_captured_alert_is_read_whole() -> None:
    body = captured("single_firing")

    alert = one(body)

    sent = json.loads(body)["alerts"][0]
    assert alert.receiver == "prod"
    assert alert.key == "8818303ed1efc02c"
    assert alert.status is FIRING
    assert alert.group == '{}:{alertname="HighErrorRate"}'
    assert alert.labels == sent["labels"]
    assert alert.annotations == sent["annotations"]
    assert alert.starts_at == datetime(2026, 11, 22, 15, 56, 3, 78_000, UTC)
    assert alert.ends_at is None
    assert alert.url == "http://prom.example.org/graph?g0.expr=up"
    assert json.loads(alert.raw) == sent
    assert take(body).notes == ()


def test_each_alert_has_its_own_status_in_the_order_sent() -> None:
    alerts = take(captured("partially_resolved")).alerts

    assert [(alert.labels["instance"], alert.status) for alert in alerts] == [
        ("db-1:9100", FIRING),
        ("db-2:9100", RESOLVED),
        ("db-3:9100", FIRING),
    ]
    assert alerts[1].ends_at == datetime(2026, 11, 22, 15, 56, 5, 186_000, UTC)


def test_odd_text_arrives_letter_for_letter() -> None:
    body = captured("odd_text")

    alert = one(body)

    sent = json.loads(body)["alerts"][0]
    assert alert.labels == sent["labels"]
    assert alert.annotations == sent["annotations"]
    assert alert.group == json.loads(body)["groupKey"]


@pytest.mark.parametrize("name", ["truncated_firing", "truncated_resolved"])
def test_alerts_left_out_by_the_sender_are_remarked_and_nothing_is_made_of_them(name: str) -> None:
    intake = take(captured(name))

    assert len(intake.alerts) == 2
    (note,) = intake.notes
    assert (note.remark, note.count) == (Remark.TRUNCATED_BY_SENDER, 3)
    assert "max_alerts: 3;" in str(note)


def test_the_status_of_the_whole_message_is_never_believed() -> None:
    assert one(message(entry(status="firing"), status="resolved")).status is FIRING
    assert one(message(entry(status="resolved"), status="firing")).status is RESOLVED


@pytest.mark.parametrize(
    "name", ["single_firing", "partially_resolved", "truncated_firing", "odd_text"]
)
def test_a_missing_fingerprint_is_the_one_that_alertmanager_would_send(name: str) -> None:
    body = json.loads(captured(name))
    expected = [alert.pop("fingerprint") for alert in body["alerts"]]

    assert [alert.key for alert in take(body).alerts] == expected


def test_an_empty_label_does_not_change_the_fingerprint() -> None:
    with_empty = entry(labels={"alertname": "DiskFull", "cluster": ""})

    assert one(message(with_empty)).key == one(message(entry())).key


def test_the_fingerprint_covers_labels_that_are_not_kept() -> None:
    labels = {f"label{number}": "x" for number in range(70)}
    alerts = take(message(entry(labels=labels), entry(labels={**labels, "label69": "y"}))).alerts

    assert alerts[0].labels == alerts[1].labels
    assert alerts[0].key != alerts[1].key


def test_very_long_labels_still_tell_alerts_apart() -> None:
    bodies = [
        message(entry(labels={"alertname": "x" * 5000 + end}), entry(labels=many | {"end": end}))
        for many in [{f"label{number}": "x" for number in range(600)}]
        for end in "ab"
    ]

    keys = [alert.key for body in bodies for alert in take(body).alerts]

    assert len(set(keys)) == 4
    assert keys == [alert.key for body in bodies for alert in take(body).alerts]


def test_an_alert_without_labels_is_known_by_what_does_not_change() -> None:
    down = entry(
        labels={},
        annotations={"summary": "db-1 is down", "team": "db"},
        startsAt="2026-11-22T15:00:00Z",
    )
    up = {
        **down,
        "annotations": {"team": "db", "summary": "db-1 is down"},
        "status": "resolved",
        "endsAt": "2026-11-22T15:10:00Z",
    }
    other = {**down, "annotations": {"summary": "db-2 is down"}}

    keys = [alert.key for alert in take(message(down, up, other)).alerts]

    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize(
    ("fields", "group"),
    [
        ({"groupKey": "{}:{a=1}"}, "{}:{a=1}"),
        ({"groupLabels": {"b": 'say "hi"', "a": "1"}}, '{a="1", b="say \\"hi\\""}'),
        ({"groupLabels": {}}, "f00d"),
        ({"groupKey": "", "groupLabels": None}, "f00d"),
        ({"groupKey": {"odd": 1}}, "f00d"),
    ],
    ids=["group key", "group labels", "no grouping", "nulls", "wrong type"],
)
def test_the_group_is_the_senders_or_the_labels_or_the_alert(
    fields: dict[str, Any], group: str
) -> None:
    body = {"version": "4", "alerts": [entry(fingerprint="f00d")], **fields}

    assert one(body).group == group


def test_an_endless_group_key_is_shortened_and_stays_distinct() -> None:
    first, second = (one(message(entry(), groupKey="g" * 9000 + end)).group for end in "ab")

    assert first != second
    assert first[:500] == second[:500] == "g" * 500
    assert len(first) < 700


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22T15:56:03Z", datetime(2026, 11, 22, 15, 56, 3, 0, UTC)),
        ("2026-11-22T15:56:03.6Z", datetime(2026, 11, 22, 15, 56, 3, 600_000, UTC)),
        ("2026-11-22T15:56:04.556285751Z", datetime(2026, 11, 22, 15, 56, 4, 556_285, UTC)),
        ("2026-11-22T10:56:04.5-05:00", datetime(2026, 11, 22, 15, 56, 4, 500_000, UTC)),
        ("2026-11-22T15:56:03", datetime(2026, 11, 22, 15, 56, 3, 0, UTC)),
    ],
)
def test_times_are_read_in_all_their_spellings(text: str, moment: datetime) -> None:
    starts_at = one(message(entry(startsAt=text))).starts_at

    assert starts_at == moment
    assert starts_at.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:01Z",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59.999999999-05:00",
        "10000-01-01T00:00:00Z",
        "2026-12-31T23:59:60Z",
        "2026-11-22T24:00:00Z",
        "yesterday",
        {"at": "noon"},
        ["2026-11-22T15:56:03Z"],
        True,
        1e300,
        float("nan"),
    ],
)
def test_an_unusable_time_is_the_time_of_receipt(text: object) -> None:  # (T7)
    firing, resolved = take(
        message(entry(startsAt=text, endsAt=text), entry(status="resolved", endsAt=text))
    ).alerts

    assert (firing.starts_at, firing.ends_at) == (RECEIVED, None)
    assert resolved.ends_at == RECEIVED
    assert remarks(message(entry(startsAt=text))) == {Remark.UNUSABLE_TIME: 1}


@pytest.mark.parametrize("zero", ["0001-01-01T00:00:00Z", "", None])
def test_no_time_is_nothing_to_remark_on(zero: str | None) -> None:
    intake = take(message(entry(startsAt=zero, endsAt=zero)))

    assert intake.alerts[0].ends_at is None
    assert intake.alerts[0].starts_at == RECEIVED
    assert intake.notes == ()


@pytest.mark.parametrize("status", ["Firing", "pending", "no such thing", 17, {"a": 1}, " "])
def test_a_status_that_says_nothing_fires(status: object) -> None:
    assert one(message(entry(status=status))).status is FIRING


def test_an_unknown_status_is_remarked() -> None:
    assert remarks(message(entry(status="pending"), entry())) == {Remark.UNKNOWN_STATUS: 1}


def test_fields_that_nobody_knows_are_no_matter() -> None:
    body = message(
        entry(silenceURL="https://x.example.org", values={"A": 1.5}),
        notification_reason="first notification",
        routeLabels={"a": "b"},
    )

    assert one(body).status is FIRING
    assert remarks(body) == {}


def test_fields_that_are_missing_are_no_matter() -> None:
    alert = one({"alerts": [{"labels": {"alertname": "DiskFull"}}]})

    assert alert.status is FIRING
    assert alert.labels == {"alertname": "DiskFull"}
    assert alert.annotations == {}
    assert alert.group == alert.key


def test_labels_of_other_types_become_text() -> None:
    labels = {"n": 5, "f": 1.5, "yes": True, "none": None, "list": [1, "a"], "object": {"a": None}}

    assert one(message(entry(labels=labels))).labels == {
        "n": "5",
        "f": "1.5",
        "yes": "true",
        "none": "",
        "list": '[1,"a"]',
        "object": '{"a":null}',
    }


def test_labels_that_are_no_object_are_left_out_and_the_alert_stays() -> None:
    body = message(entry(labels="DiskFull", annotations=["full"], fingerprint="f00d"))

    assert one(body).key == "f00d"
    assert one(body).labels == {}
    assert remarks(body) == {Remark.UNREADABLE_FIELD: 2}


@pytest.mark.parametrize("broken", ["disk full", 5, None, ["a"], {}, {"something": "else"}])
def test_an_entry_that_is_no_alert_pages_with_an_excerpt(broken: object) -> None:
    intake = take(message(entry(), broken))

    stand_in = intake.alerts[1]
    assert stand_in.status is FIRING
    assert stand_in.group == "{}:{}"
    assert "prod" in stand_in.annotations["summary"]
    expected = broken if isinstance(broken, str) else json.dumps(broken, separators=(",", ":"))
    assert stand_in.annotations["excerpt"] == expected
    assert [note.remark for note in intake.notes] == [Remark.UNREADABLE_ALERT]


def test_the_same_unreadable_entry_is_the_same_alert() -> None:
    first, again, other = take(message("a", "a", "b")).alerts

    assert first.key == again.key != other.key


def test_at_most_64_labels_are_kept_and_those_that_route_are_among_them() -> None:
    labels = {f"label{number}": "x" for number in range(100)}
    body = message(entry(labels={**labels, "severity": "critical", "alertname": "DiskFull"}))

    kept = one(body).labels

    assert len(kept) == 64
    assert (kept["severity"], kept["alertname"]) == ("critical", "DiskFull")
    assert "label61" in kept
    assert remarks(body) == {Remark.FIELDS_CUT: 1}


def test_values_are_cut_with_a_mark_at_whole_characters() -> None:
    alert = one(message(entry(labels={"long": "ü" * 5000}, annotations={"long": "€" * 9000})))

    label, annotation = alert.labels["long"], alert.annotations["long"]
    assert 4090 < len(label.encode()) <= 4096
    assert 16_380 < len(annotation.encode()) <= 16_384
    assert label.strip("ü") == annotation.strip("€") == "… [cut]"


def test_values_at_the_limit_are_whole() -> None:
    alert = one(message(entry(labels={"long": "x" * 4096}, annotations={"long": "x" * 16_384})))

    assert alert.labels["long"] == "x" * 4096
    assert alert.annotations["long"] == "x" * 16_384


def test_raw_is_cut_at_64_kib() -> None:
    raw = one(message(entry(annotations={"long": "x" * 100_000}))).raw

    assert len(raw.encode()) == 65_536
    assert raw.endswith("… [cut]")


def test_a_message_without_a_list_of_alerts_still_pages() -> None:
    body = {"groupKey": "{}:{a=1}", "commonLabels": {"alertname": "DiskFull"}, "status": "resolved"}

    alert = one(body)

    assert alert.status is FIRING
    assert alert.labels == {"alertname": "DiskFull"}
    assert alert.key == alert.group == "{}:{a=1}"
    assert remarks(body) == {Remark.OTHER_FORMAT: 1}


def test_a_message_without_alerts_resolves_only_where_nothing_was_left_out() -> None:
    body = {"groupKey": "{}:{a=1}", "status": "resolved"}

    assert one({**body, "truncatedAlerts": 0}).status is RESOLVED
    assert one({**body, "truncatedAlerts": 2}).status is FIRING


def test_a_list_as_prometheus_posts_it_is_judged_by_the_end() -> None:
    def posted(name: str, ends_in: timedelta) -> dict[str, Any]:
        return {
            "labels": {"alertname": name},
            "annotations": None,
            "startsAt": "2026-11-22T15:00:00.000Z",
            "endsAt": (RECEIVED + ends_in).isoformat(),
            "generatorURL": "",
        }

    intake = take([posted("Over", -timedelta(seconds=1)), posted("Lasts", timedelta(minutes=4))])

    assert [(alert.labels["alertname"], alert.status) for alert in intake.alerts] == [
        ("Over", RESOLVED),
        ("Lasts", FIRING),
    ]
    assert intake.alerts[1].group == intake.alerts[1].key
    assert intake.notes == ()


def test_one_bad_entry_of_a_list_is_not_the_loss_of_the_others() -> None:
    alerts = take([{"labels": {"alertname": "DiskFull"}, "startsAt": ""}, 5]).alerts

    assert [alert.labels["alertname"] for alert in alerts] == ["DiskFull", "UnreadableAlert"]


@pytest.mark.parametrize("empty", [[], {"alerts": []}])
def test_nothing_sent_is_no_alert(empty: object) -> None:
    assert take(empty).alerts == ()


def test_a_message_in_the_generic_form_is_taken_here_too() -> None:
    body = {"key": "disk", "status": "resolved", "summary": "db-1 is full"}

    assert (one(body).key, one(body).status) == ("disk", RESOLVED)
    assert remarks(body) == {Remark.OTHER_FORMAT: 1}


@pytest.mark.parametrize("body", [{}, [1, 2], 5, None, "text", {"zen": "Keep it simple."}])
def test_what_is_no_alert_at_all_is_refused(body: object) -> None:
    with pytest.raises(PayloadError, match="webhook") as refused:
        take(body)

    assert refused.value.code == "unrecognised_payload"


def test_alerts_of_a_wrong_type_are_refused_by_name() -> None:
    with pytest.raises(PayloadError) as refused:
        take({"version": "4", "alerts": "none"})

    assert (refused.value.code, refused.value.path) == ("invalid_field", "alerts")


@pytest.mark.parametrize("body", [b"", b"{", b'{"alerts": [}', b"<xml/>"])
def test_what_is_no_json_is_refused_with_the_place(body: bytes) -> None:
    with pytest.raises(PayloadError, match=r"line \d+, column \d+") as refused:
        take(body)

    assert refused.value.code == "invalid_json"


def test_no_more_than_50_000_alerts_are_taken_from_one_body() -> None:
    body = b'{"alerts":[' + b",".join([b'{"labels":{"a":"b"}}'] * 50_002) + b"]}"

    intake = take(body)

    assert len(intake.alerts) == 50_000
    assert [(note.remark, note.count) for note in intake.notes] == [(Remark.ALERTS_CUT, 2)]


def test_ten_thousand_alerts_are_read_in_well_under_a_second() -> None:  # (L2)
    alert = json.loads(captured("single_firing"))["alerts"][0]
    alert["annotations"]["description"] = "x" * 250
    alerts = [{**alert, "fingerprint": f"{number:016x}"} for number in range(10_000)]
    body = json.dumps(message(*alerts)).encode()
    assert len(body) > 6_000_000

    begin = time.process_time()
    intake = take(body)
    spent = time.process_time() - begin

    assert len({alert.key for alert in intake.alerts}) == 10_000
    assert spent < 1.0


def test_one_alert_without_its_list_is_read() -> None:
    assert one(entry(fingerprint="f00d", status="resolved")).key == "f00d"
    assert one(entry(fingerprint="f00d", status="resolved")).status is RESOLVED
