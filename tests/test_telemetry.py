"""What the pager says about itself: complete, on one line, and never a number or token too much."""

import io
import json
import logging
import platform
import re
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from prometheus_client import CollectorRegistry, generate_latest

from escalator.escalation.calls import CallOutcome
from escalator.telemetry import (
    DOCUMENTED,
    LogFormat,
    Metrics,
    Sampled,
    configure_logging,
    get_logger,
    notify,
)
from escalator.telemetry.metric_table import BUCKETS, CALL_RESULTS

TOKEN = "not-a-secret_" + "A1b2C3d4E5" * 3
PHONE = "+491713920012"


# --- metrics ---------------------------------------------------------------------------------------


def exposition(metrics: Metrics) -> str:
    return generate_latest(metrics.registry).decode()


def samples(metrics: Metrics) -> dict[str, float]:
    lines = (line for line in exposition(metrics).splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_the_registry_holds_exactly_what_is_documented() -> None:
    metrics = Metrics()
    ours = [family for family in metrics.registry.collect() if family.name.startswith("escalator_")]

    shown = {
        (family.name + "_total" if family.type == "counter" else family.name): (
            family.type,
            family.documentation,
        )
        for family in ours
    }

    assert shown == {metric.name: (metric.type, metric.help) for metric in DOCUMENTED}
    assert len(DOCUMENTED) == len(shown)


def test_every_documented_metric_explains_itself_in_a_sentence() -> None:
    for metric in DOCUMENTED:
        assert re.fullmatch(r"[A-Z].*\.", metric.help), metric.name
        assert (metric.type == "counter") == metric.name.endswith("_total"), metric.name
        assert metric.type != "histogram" or metric.name.endswith(("_seconds", "_events"))


@pytest.mark.parametrize(
    "series",
    [
        'escalator_calls_total{result="acknowledged"}',
        'escalator_calls_total{result="no_answer"}',
        'escalator_calls_failed_total{reason="rate_limited"}',
        'escalator_callbacks_total{kind="gather",result="bad_signature"}',
        'escalator_alerts_suppressed_total{reason="duplicate"}',
        'escalator_incidents{state="exhausted"}',
        'escalator_actions_pending{kind="page"}',
        'escalator_escalations_finished_total{outcome="exhausted"}',
        "escalator_store_errors_total",
        "escalator_store_batch_events_sum",
    ],
)
def test_what_can_happen_stands_at_zero_before_it_does(series: str) -> None:
    assert samples(Metrics())[series] == 0


def test_every_outcome_of_a_call_is_a_result() -> None:
    started = samples(Metrics())

    assert set(CALL_RESULTS) == set(CallOutcome)
    for name in CALL_RESULTS.values():
        assert started[f'escalator_calls_total{{result="{name}"}}'] == 0


def test_policies_start_at_zero_once_the_config_names_them() -> None:
    metrics = Metrics()

    metrics.expect_policies(["default"])

    shown = samples(metrics)
    assert shown['escalator_escalation_steps_total{policy="default"}'] == 0
    assert shown['escalator_first_ring_duration_seconds_count{policy="default"}'] == 0
    assert (
        shown['escalator_oldest_unacknowledged_incident_timestamp_seconds{policy="default"}'] == 0
    )


def test_resolved_incidents_are_not_counted_as_open() -> None:
    assert 'state="resolved"' not in exposition(Metrics())


def test_receivers_start_at_zero_once_the_config_names_them() -> None:
    metrics = Metrics()
    before = samples(metrics)

    metrics.expect_receivers(["prod", "ci"])

    new = samples(metrics).keys() - before.keys()
    histogram = len(BUCKETS["alert_commit_duration_seconds"]) + 3  # +Inf, the count, the sum
    assert len(new) == 2 * (2 + 6 + histogram)
    assert 'escalator_alerts_received_total{receiver="prod",status="firing"}' in new
    assert 'escalator_alerts_invalid_total{reason="too_large",receiver="ci"}' in new
    assert all(samples(metrics)[series] == 0 for series in new)


def test_naming_receivers_again_keeps_what_was_counted() -> None:
    metrics = Metrics()
    metrics.expect_receivers(["prod"])
    metrics.alerts_received.labels(receiver="prod", status="firing").inc(3)

    metrics.expect_receivers(["prod", "ci"])

    assert samples(metrics)['escalator_alerts_received_total{receiver="prod",status="firing"}'] == 3


def test_a_process_can_have_several_sets_of_metrics() -> None:
    one, other = Metrics(), Metrics(CollectorRegistry())

    one.calls_surplus.inc()

    assert samples(one)["escalator_calls_surplus_total"] == 1
    assert samples(other)["escalator_calls_surplus_total"] == 0


def test_the_build_names_its_version() -> None:
    series = f'escalator_build_info{{python_version="{platform.python_version()}",version="1.2.3"}}'

    assert samples(Metrics(version="1.2.3"))[series] == 1


def test_a_refused_config_leaves_the_one_before_in_force() -> None:  # (C1)
    metrics = Metrics()
    metrics.config_loaded(bytes(range(32)), datetime(2026, 11, 22, tzinfo=UTC))
    loaded = samples(metrics)

    metrics.config_refused()

    refused = samples(metrics)
    assert loaded["escalator_config_last_reload_successful"] == 1
    assert refused["escalator_config_last_reload_successful"] == 0
    assert refused["escalator_config_hash"] == 0x000102030405
    stamp = "escalator_config_last_reload_success_timestamp_seconds"
    assert refused[stamp] == datetime(2026, 11, 22, tzinfo=UTC).timestamp()


def test_the_process_is_measured_and_creation_times_are_not() -> None:
    text = exposition(Metrics())

    assert "process_resident_memory_bytes" in text
    assert "_created" not in text


# --- logs ------------------------------------------------------------------------------------------


@pytest.fixture
def logged() -> Iterator[Callable[..., io.StringIO]]:
    """Configure logging to a stream of the test's own, and leave the process as it was."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    levels = {name: logging.getLogger(name).level for name in ("httpx", "httpcore", "apscheduler")}

    def start(format: LogFormat = "json", level: str = "info") -> io.StringIO:
        stream = io.StringIO()
        configure_logging(level, format, stream)
        return stream

    yield start
    root.setLevel(level)
    root.handlers[:] = handlers
    for name, was in levels.items():
        logging.getLogger(name).setLevel(was)
    structlog.reset_defaults()


def fail(message: str) -> None:
    raise RuntimeError(message)


def only_line(stream: io.StringIO) -> str:
    (line,) = stream.getvalue().splitlines()
    return line


def event(stream: io.StringIO) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(only_line(stream))
    return parsed


def test_logfmt_has_time_level_message_and_component_first(logged: Any) -> None:
    stream = logged("logfmt")

    get_logger("dialer").warning("call_refused", code=21211, reason="not a phone", final=True)

    assert re.fullmatch(
        r"time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z level=warning msg=call_refused component=dialer"
        r' code=21211 reason="not a phone" final=true',
        only_line(stream),
    )


def test_json_has_the_same_keys(logged: Any) -> None:
    stream = logged("json")

    get_logger("dialer").info("größer", calls=3, nothing=None, ratio=0.5, names=("a", "b"))

    assert list(event(stream))[:4] == ["time", "level", "msg", "component"]
    assert event(stream) | {"time": ""} == {
        "time": "",
        "level": "info",
        "msg": "größer",
        "component": "dialer",
        "calls": 3,
        "nothing": None,
        "ratio": 0.5,
        "names": ["a", "b"],
    }


def test_the_console_shows_the_event(logged: Any) -> None:
    stream = logged("console")

    get_logger("dialer").info("call_placed", to=PHONE)

    assert "call_placed" in only_line(stream)
    assert "0012" not in stream.getvalue()


def test_colours_are_for_terminals_only(logged: Any) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = logged("console")
    get_logger("dialer").warning("call_refused")
    terminal = Terminal()
    configure_logging("info", "console", terminal)
    get_logger("dialer").warning("call_refused")

    assert "\x1b[" not in stream.getvalue()
    assert "\x1b[" in terminal.getvalue()


@pytest.mark.parametrize("name", ["aiohttp.server", "apscheduler.scheduler", "httpx", "asyncio"])
def test_what_libraries_log_takes_the_same_way(logged: Any, name: str) -> None:
    stream = logged()

    logging.getLogger(name).error("calling %s at /t/%s/key", PHONE, TOKEN)

    assert event(stream)["component"] == name
    assert event(stream)["level"] == "error"
    assert event(stream)["msg"] == "calling +…012 at /t/…/key"


def test_talkative_libraries_are_heard_from_warning_on(logged: Any) -> None:
    stream = logged(level="info")

    logging.getLogger("httpx").info("HTTP Request: GET https://api.example.net")
    logging.getLogger("apscheduler.executors").info("job ran")
    quiet = stream.getvalue()
    logged_debug = logged(level="debug")
    logging.getLogger("httpx").info("HTTP Request: GET https://api.example.net")

    assert quiet == ""
    assert event(logged_debug)["component"] == "httpx"


def test_the_level_holds_for_ours_and_theirs(logged: Any) -> None:
    stream = logged(level="error")

    get_logger("dialer").warning("quiet")
    logging.getLogger("aiohttp").warning("quiet")
    get_logger("dialer").error("loud")

    assert event(stream)["msg"] == "loud"


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="'chatty' is no log level"):
        configure_logging("chatty", "json", io.StringIO())


def test_configuring_again_replaces_the_former_way(logged: Any) -> None:
    former = logged("json")
    later = logged("json")

    get_logger("app").info("once")

    assert former.getvalue() == ""
    assert event(later)["msg"] == "once"


def test_a_logger_made_before_logging_was_configured_works(logged: Any) -> None:
    logger = get_logger("early")
    stream = logged("logfmt")

    logger.info("hello")

    assert "component=early" in only_line(stream)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (PHONE, "+…012"),
        ("from +15005550006 to +447700900123.", "from +…006 to +…123."),
        ("?To=%2B491713920012&From=%2b15005550006", "?To=+…012&From=+…006"),
        ("+1234567", "+…567"),
        ("+123456", "+123456"),
        ("UTC+01:00, 5+7=12", "UTC+01:00, 5+7=12"),
        ("2026-11-22T15:56:03+0100", "2026-11-22T15:56:03+0100"),
    ],
)
def test_phone_numbers_keep_their_last_three_digits(logged: Any, text: str, shown: str) -> None:
    stream = logged()

    get_logger("dialer").info("event", text=text)

    assert event(stream)["text"] == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"/t/{TOKEN}/answer", "/t/…/answer"),
        (f"https://pager.example.net/prefix/t/{TOKEN}/key?n=3", None),
        (f"%2Ft%2F{TOKEN}%2Fkey", "/t/…%2Fkey"),
        (f'{{"url": "https:\\/\\/x\\/t\\/{TOKEN}"}}', None),
        (f"/t/{TOKEN[:30]}", "/t/…"),
        ("/t/short", "/t/short"),
        ("/status/of/things", "/status/of/things"),
    ],
)
def test_tokens_are_never_shown(logged: Any, text: str, shown: str | None) -> None:  # (X6)
    stream = logged()

    get_logger("web").info("event", text=text)

    assert TOKEN[:20] not in stream.getvalue()
    assert shown is None or event(stream)["text"] == shown


@pytest.mark.parametrize("format", ["logfmt", "json", "console"])
def test_secrets_are_found_wherever_they_hide(logged: Any, format: LogFormat) -> None:
    stream = logged(format)
    secret = f"{PHONE} /t/{TOKEN}/sms"

    class Shown:
        def __str__(self) -> str:
            return secret

    try:
        fail(secret)
    except RuntimeError:
        get_logger("web").exception(
            secret,
            text=secret,
            shown=Shown(),
            path=Path("/t") / TOKEN,
            nested={"list": [(secret, {secret: secret})], secret: {1, secret}},
            deep=[[[[[[[[secret]]]]]]]],
            data=secret.encode(),
            **{secret: 1},
        )
        logging.getLogger("aiohttp.server").exception("Error handling %s", secret, stack_info=True)

    shown = stream.getvalue()
    assert TOKEN[:20] not in shown
    assert "20012" not in shown
    assert shown.count("RuntimeError: +…012 /t/…/sms") == 2


HOSTILE = "a\r\nlevel=error msg=forged\x1b[31m\x9b2J\x00\x85\u2028\u202e\ud800 \tend"


@pytest.mark.parametrize("format", ["logfmt", "json", "console"])
def test_one_event_is_one_line_and_drives_no_terminal(logged: Any, format: LogFormat) -> None:
    stream = logged(format)  # (X2)

    get_logger("intake").info(HOSTILE, text=HOSTILE, many=[HOSTILE], **{HOSTILE: HOSTILE})
    logging.getLogger("aiohttp").warning(HOSTILE)

    shown = stream.getvalue().encode("utf-8").decode()
    assert shown.count("\n") == len(shown.splitlines()) == 2
    assert shown.replace("\n", "").isprintable()


def test_what_was_written_out_can_be_recognised(logged: Any) -> None:
    stream = logged()

    get_logger("intake").info("event", text=HOSTILE)

    assert event(stream)["text"] == (
        r"a\r\nlevel=error msg=forged\x1b[31m\x9b2J\x00\x85\u2028\u202e\ud800 \tend"
    )


def test_a_logfmt_value_cannot_pass_for_a_key(logged: Any) -> None:
    stream = logged("logfmt")

    get_logger("intake").info("event", text='x" level=error', **{"odd key=1": 2})

    assert only_line(stream).endswith(r' text="x\" level=error" odd_key_1=2')


@pytest.mark.parametrize(("format", "lines"), [("logfmt", 1), ("json", 1), ("console", 5)])
def test_a_traceback_is_one_line_save_at_a_terminal(
    logged: Any, format: LogFormat, lines: int
) -> None:
    stream = logged(format)

    try:
        fail("broken\x1b[2J")
    except RuntimeError:
        get_logger("engine").exception("event_failed")

    shown = stream.getvalue()
    assert len(shown.splitlines()) >= lines
    assert lines > 1 or shown.count("\n") == 1
    assert "RuntimeError: broken" in shown
    assert "\x1b[2J" not in shown


def test_a_traceback_in_json_has_its_lines(logged: Any) -> None:
    stream = logged()

    try:
        fail("broken")
    except RuntimeError:
        get_logger("engine").exception("event_failed")

    assert event(stream)["exception"].startswith("Traceback (most recent call last):\n  File")


def test_long_values_are_cut(logged: Any) -> None:
    stream = logged()

    try:
        fail("y" * 50_000 + "the end")
    except RuntimeError:
        get_logger("intake").exception("event", text="x" * 50_000, big=10**5000)

    assert event(stream)["text"] == "x" * 4096 + "…"
    assert len(event(stream)["big"]) < 4100
    assert len(event(stream)["exception"]) < 16_400
    assert event(stream)["exception"].endswith("the end")


def test_a_token_at_the_cut_is_not_shown(logged: Any) -> None:
    stream = logged()

    get_logger("intake").info("event", text="x" * 4075 + f"/t/{TOKEN}")
    try:
        fail(f"/t/{TOKEN} " + "x" * (16_384 - 20))
    except RuntimeError:
        get_logger("intake").exception("event")

    assert TOKEN[:8] not in stream.getvalue()
    assert TOKEN[-8:] not in stream.getvalue()


def test_json_stays_json_whatever_the_numbers(logged: Any) -> None:
    stream = logged()

    get_logger("intake").info("event", numbers=[float("nan"), float("-inf"), 2**63, True])

    assert event(stream)["numbers"] == ["nan", "-inf", 2**63, True]


# --- sampling --------------------------------------------------------------------------------------


def test_a_repeated_reason_is_let_through_once_a_second_with_the_number_kept_quiet() -> None:
    now = 100.0  # (L9)
    sampled = Sampled(lambda: now)

    first = [sampled("bad_json") for _ in range(1000)]
    now = 100.999
    still = sampled("bad_json")
    now = 101.0
    later = [sampled("bad_json"), sampled("bad_json")]

    assert first == [0] + [None] * 999
    assert still is None
    assert later == [1000, None]


def test_reasons_do_not_hold_each_other_up() -> None:
    sampled = Sampled(lambda: 0.0)

    assert [sampled("a"), sampled("b"), sampled("a")] == [0, 0, None]


def test_reasons_without_end_share_a_place() -> None:
    sampled = Sampled(lambda: 0.0)

    let_through = [sampled(f"reason {number}") for number in range(10_000)]

    assert let_through.count(0) == 257


# --- systemd ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_is_told(tmp_path: Path, abstract: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    address = (
        f"@escalator-{tmp_path.parent.name}-{tmp_path.name}"
        if abstract
        else str(tmp_path / "notify")
    )
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + address[1:] if abstract else address)
        listener.settimeout(2)
        monkeypatch.setenv("NOTIFY_SOCKET", address)

        told = notify("READY=1\nSTATUS=2 open incidents, ana on call")

        assert told
        assert listener.recv(1000) == b"READY=1\nSTATUS=2 open incidents, ana on call"


def test_not_being_run_by_systemd_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)

    assert not notify("READY=1")
    assert not notify("READY=1", address="relative")
    assert not notify("READY=1", address=str(tmp_path / "nobody listens"))


def test_a_full_socket_does_not_hold_up_the_loop(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address)

        told = [notify("WATCHDOG=1", address) for _ in range(5000)]

    assert told[0]
    assert not told[-1]
