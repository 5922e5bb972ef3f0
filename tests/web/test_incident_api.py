"""Incidents over HTTP: lists, details, and what people may do to them."""

from datetime import timedelta

import pytest

SHAPE = (
    "id phase title severity code held policy route receiver group_key created_at updated_at "
    "acknowledged_at acknowledged_by "
    "resolved_at resolved_by stale_at step round next alert_counts"
).split()


async def act(listener, incident, action, body=None, **options):
    return await listener.post(f"/api/v1/incidents/{incident}/{action}", body, **options)


async def test_an_incident_has_the_documented_shape(listener):
    incident = await listener.fire("DiskFull", severity="critical")

    shown = (await listener.get(f"/api/v1/incidents/{incident}")).json

    assert list(shown) == [*SHAPE, "alerts", "calls", "messages", "timeline", "timeline_cut"]
    assert shown["phase"] == "triggered"
    assert (shown["step"], shown["round"]) == (0, 1)
    assert shown["created_at"] == "2026-11-02T09:00:00.000Z"
    assert shown["acknowledged_by"] is None
    assert len(shown["code"]) == 6
    assert (shown["held"], shown["stale_at"], shown["messages"]) == (None, None, [])
    assert shown["alert_counts"] == {"firing": 1, "resolved": 0}
    assert shown["next"] == {
        "at": "2026-11-02T09:05:00.000Z",
        "what": "step 2 of round 1: Ben Shah",
    }
    (alert,) = shown["alerts"]
    assert list(alert) == "key status labels annotations starts_at ends_at url last_seen".split()
    assert alert["labels"]["severity"] == "critical"
    assert [list(line) for line in shown["timeline"]] == [["at", "event", "by", "call", "text"]] * 2


async def test_so_many_alerts_are_shown_as_were_asked_for(listener):
    alerts = [{"labels": {"alertname": "Up", "n": str(n)}} for n in range(5)]
    listed = {"alerts": alerts, "groupKey": "g", "version": "4"}
    answer = await listener.post("/receive/hook", listed)
    path = f"/api/v1/incidents/{answer.json['incidents'][0]['id']}"

    counts = [
        len((await listener.get(path + query)).json["alerts"])
        for query in ("", "?alerts=2", "?alerts=0")
    ]

    assert counts == [5, 2, 0]
    assert (await listener.get(path + "?alerts=10001")).error == (400, "invalid_field", "alerts")


async def test_the_list_is_newest_first_and_goes_on_at_the_cursor(listener):
    ids = []
    for n in range(5):
        ids.append(await listener.fire(f"Alert{n}"))
        await listener.clock.advance(1)

    first = (await listener.get("/api/v1/incidents?limit=2")).json
    second = (await listener.get(f"/api/v1/incidents?limit=2&after={first['next']}")).json
    third = (await listener.get(f"/api/v1/incidents?limit=2&after={second['next']}")).json

    pages = [[incident["id"] for incident in page["incidents"]] for page in (first, second, third)]
    assert pages == [ids[:2:-1], ids[2:0:-1], ids[:1]]
    assert third["next"] is None
    assert list(first["incidents"][0]) == SHAPE


async def test_a_page_that_is_just_full_has_no_next(listener):
    await listener.fire("A")

    assert (await listener.get("/api/v1/incidents?limit=1")).json["next"] is None


async def test_the_list_is_narrowed_by_phase_and_open_unless_asked(listener):
    triggered, acknowledged, resolved = [await listener.fire(name) for name in "ABC"]
    await act(listener, acknowledged, "acknowledge")
    await act(listener, resolved, "resolve")

    async def listed(query):
        found = (await listener.get(f"/api/v1/incidents{query}")).json["incidents"]
        return {incident["id"] for incident in found}

    assert await listed("") == {triggered, acknowledged}
    assert await listed("?phase=open") == {triggered, acknowledged}
    assert await listed("?phase=all") == {triggered, acknowledged, resolved}
    assert await listed("?phase=resolved,acknowledged") == {acknowledged, resolved}


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("phase=closed", "phase"),
        ("phase=", "phase"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=ten", "limit"),
        ("limit=٣", "limit"),
        ("after='; DROP", "after"),
    ],
)
async def test_a_parameter_that_means_nothing_is_400_and_named(listener, query, path):
    answer = await listener.get(f"/api/v1/incidents?{query}")

    assert answer.error == (400, "invalid_field", path)


@pytest.mark.parametrize(
    ("action", "phase"),
    [("acknowledge", "acknowledged"), ("resolve", "resolved"), ("snooze", "snoozed")],
)
async def test_an_action_without_a_body_is_done_by_the_api(listener, action, phase):
    incident = await listener.fire()

    answer = await act(listener, incident, action)

    assert (answer.status, answer.json["phase"]) == (200, phase)
    assert answer.json["timeline"][-1]["by"] == "api"


async def test_an_action_is_by_whom_the_body_says(listener):
    incident = await listener.fire()

    answer = await act(listener, incident, "acknowledge", {"by": "ana", "text": "on it"})

    assert answer.json["acknowledged_by"] == "ana"
    assert answer.json["timeline"][-1]["text"] == "acknowledged by Ana Ortega: on it"


async def test_an_alias_is_the_person(listener):
    incident = await listener.fire()

    answer = await act(listener, incident, "acknowledge", {"by": "ben@example.net"})

    assert answer.json["acknowledged_by"] == "ben"


async def test_escalate_starts_the_next_step(listener):
    incident = await listener.fire()

    answer = await act(listener, incident, "escalate")

    assert (answer.json["phase"], answer.json["step"]) == ("triggered", 1)


async def test_an_action_that_changes_nothing_is_200_and_in_the_timeline(listener):
    incident = await listener.fire()
    await act(listener, incident, "resolve", {"by": "ana"})

    answer = await act(listener, incident, "acknowledge", {"by": "ben"})

    assert (answer.status, answer.json["phase"]) == (200, "resolved")
    assert answer.json["timeline"][-1]["event"] == "late"
    assert answer.json["timeline"][-1]["by"] == "ben"


async def test_a_note_is_a_line_of_the_timeline(listener):
    incident = await listener.fire()

    answer = await act(listener, incident, "note", {"text": "looks like the switch", "by": "ana"})

    line = answer.json["timeline"][-1]
    assert (line["event"], line["text"], line["by"]) == ("note", "looks like the switch", "ana")


@pytest.mark.parametrize(
    ("body", "end"),
    [
        (None, "2026-11-02T10:00:00.000Z"),
        ({"for": "2h"}, "2026-11-02T11:00:00.000Z"),
        ({"for": "30d"}, "2026-12-02T09:00:00.000Z"),
        ({"until": "2026-11-02T12:30:00+01:00"}, "2026-11-02T11:30:00.000Z"),
    ],
)
async def test_a_snooze_ends_when_it_was_asked_to(listener, body, end):
    incident = await listener.fire()

    answer = await act(listener, incident, "snooze", body)

    assert answer.json["next"]["at"] == end


async def test_a_snooze_until_a_time_holds_when_the_wall_clock_was_wrong(listener):
    incident = await listener.fire()
    listener.clock.jump_wall(timedelta(hours=-1))

    answer = await act(listener, incident, "snooze", {"until": "2026-11-02T08:30:00Z"})

    assert answer.json["next"]["at"] == "2026-11-02T09:30:00.000Z"


@pytest.mark.parametrize(
    ("action", "body", "path"),
    [
        ("snooze", {"for": "31d"}, "for"),
        ("snooze", {"for": "soon"}, "for"),
        ("snooze", {"for": 60}, "for"),
        ("snooze", {"until": "2026-11-02T09:00:00"}, "until"),
        ("snooze", {"until": "2026-11-02T08:59:59Z"}, "until"),
        ("snooze", {"until": "2026-12-02T09:00:01Z"}, "until"),
        ("snooze", {"until": "tomorrow"}, "until"),
        ("snooze", {"for": "1h", "until": "2026-11-02T10:00:00Z"}, "until"),
        ("acknowledge", {"for": "1h"}, "for"),
        ("note", {}, "text"),
        ("note", {"text": "  "}, "text"),
        ("note", {"text": "x" * 1001}, "text"),
        ("acknowledge", {"by": "a\nb"}, "by"),
        ("acknowledge", {"by": 3}, "by"),
        ("acknowledge", {"who": "ana"}, "who"),
    ],
)
async def test_a_field_that_cannot_be_used_is_400_and_changes_nothing(listener, action, body, path):
    incident = await listener.fire()

    answer = await act(listener, incident, action, body)

    assert answer.error == (400, "invalid_field", path)
    shown = (await listener.get(f"/api/v1/incidents/{incident}")).json
    assert (shown["phase"], len(shown["timeline"])) == ("triggered", 2)


@pytest.mark.parametrize("unknown", ["0" * 26, "%00", "..%2f..", "x" * 65])
async def test_an_unknown_incident_is_404(listener, unknown):
    shown = await listener.get(f"/api/v1/incidents/{unknown}")
    acted = await act(listener, unknown, "acknowledge")

    assert shown.error == (404, "not_found", None)
    assert acted.error == (404, "not_found", None)


async def test_an_action_that_does_not_exist_is_404(listener):
    incident = await listener.fire()

    assert (await act(listener, incident, "delete")).error == (404, "not_found", None)
