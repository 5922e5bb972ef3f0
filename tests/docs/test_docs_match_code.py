"""The manual and the program say the same, both ways: what exists is documented, what is documented exists."""

import re

import pytest
from manual import DOCS, page, prose, table_of, tables, words_in_code
from program import (
    commands,
    config_keys,
    environment_constants,
    exit_codes,
    log_events,
    metrics_used,
    own_alerts,
)

from escalator.clock import SystemClock
from escalator.config import not_yet
from escalator.config.model import Config
from escalator.engine import Engine
from escalator.escalation.calls import CallOutcome, CallState
from escalator.escalation.incidents import Phase
from escalator.escalation.rules import Rules
from escalator.phone.callbacks import Callbacks
from escalator.phone.doorway import _WORDS as REFUSALS
from escalator.phone.settings import PhoneSettings
from escalator.simulator import CallbackFault, Fault, Script, Simulator
from escalator.simulator.control import _SWITCHES, Control
from escalator.simulator.people import Outcome
from escalator.store.reading import Reader
from escalator.store.sqlite import SqliteStore
from escalator.telemetry import DOCUMENTED, Metrics
from escalator.telemetry.metric_table import LABEL_VALUES, PREFIX
from escalator.web.answers import CODES
from escalator.web.routes import ROUTES


def firsts(tables_found, column):
    """Everything in backticks in one column of some tables. Nothing may stand there twice."""
    found = [
        word for one in tables_found for row in one.rows for word in words_in_code(row[column])
    ]
    assert len(found) == len(set(found)), (
        f"twice: {sorted({one for one in found if found.count(one) > 1})}"
    )
    return set(found)


def numbers(text):
    return {int(number) for number in re.findall(r"\d{3}", text)}


# ---- config.md


CONFIG_TABLES = table_of(page("config.md"), "key", "type", "default", "meaning")
KEYS = {key.path: key for key in config_keys(Config)}


def test_every_config_key_is_documented_and_no_other():
    assert firsts(CONFIG_TABLES, "key") == set(KEYS)


def test_every_default_of_the_config_is_the_one_in_force():
    for row in (row for one in CONFIG_TABLES for row in one.rows):
        for path in words_in_code(row["key"]):
            key, told = KEYS[path], row["default"]
            assert (told == "required") == key.required, path
            if shown := in_the_file(key.default):
                assert f"`{shown}`" in told, f"{path}: the default is {shown}, documented {told}"


def in_the_file(default):
    """A default as the manual writes it; "" where words say more than the value."""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, list):
        return (
            f"[{', '.join(default)}]"
            if all(isinstance(one, str) for one in default) and default
            else ""
        )
    if isinstance(default, dict):
        return default.get("address", "")
    return "" if default is None else str(default)


def test_a_key_stands_under_the_heading_of_its_part_of_the_file():
    for one in CONFIG_TABLES:
        parts = {path.split(".")[0].removesuffix("[]") for path in firsts([one], "key")}
        assert one.under == "Top level" or parts == {one.under}


def test_what_is_not_supported_yet_is_listed_and_no_more():
    [table] = table_of(page("config.md"), "key", "what it will be")
    text = page("config.md")

    assert firsts([table], "key") == set(not_yet.KEYS)
    [sentence] = re.findall(r"^Planned too: .+$", text, re.M)
    assert set(words_in_code(sentence)) == set(not_yet.RECEIVER_TYPES)


# ---- http.md


def test_every_route_of_the_internal_listener_is_documented_with_its_door_and_codes():
    [table] = table_of(page("http.md"), "request", "who", "answers")
    told = {
        words_in_code(row["request"])[0]: (row["who"], numbers(row["answers"]))
        for row in table.rows
    }

    assert told == {
        f"{route.method} {route.path}": (route.door.value, set(route.codes)) for route in ROUTES
    }


def test_every_route_of_the_public_listener_is_documented(tmp_path):
    [table] = table_of(page("http.md"), "request", "answers", "does")

    assert firsts([table], "request") == public_routes(tmp_path)


def public_routes(folder):
    """The requests that the public listener does something for; what answers 404 to everything is none."""
    metrics = Metrics()
    store = SqliteStore(folder / "escalator.db", metrics)
    reader = Reader(folder / "escalator.db")
    engine = Engine(store, reader, SystemClock(), Rules(people={}, policies={}), metrics)
    settings = PhoneSettings(public_url="https://pager.example.net", from_numbers=("+15005550006",))
    paths = [
        (route.method, route.resource.canonical, route.resource.get_info()["pattern"].pattern)
        for route in Callbacks(engine, settings).application().router.routes()
        if "rest" not in route.resource.canonical
    ]
    reader.close()
    store.close()
    return {
        f"{method} {canonical.replace('{kind}', kind)}"
        for method, canonical, pattern in paths
        for kind in re.search(r"\(\?P<kind>([^)]*)\)", pattern)[1].split("|")
    }


def test_every_status_of_the_public_listener_is_documented():
    requests, codes = (
        table_of(page("http.md"), "request", "answers", "does")[0],
        next(one for one in table_of(page("http.md"), "status", "why")),
    )
    told = set().union(*(numbers(row["answers"]) for row in requests.rows))

    assert told == {200, 204, *REFUSALS}
    assert set().union(*(numbers(row["status"]) for row in codes.rows)) == told - {200, 204}


def test_every_error_code_is_documented():
    [table] = table_of(page("http.md"), "status", "code")
    told = {int(row["status"]): set(words_in_code(row["code"])) for row in table.rows}

    assert set(told) == set(CODES)
    assert all(CODES[status] in told[status] for status in told)


def test_states_and_outcomes_of_calls_are_documented():
    [states] = table_of(page("http.md"), "`state`")
    [outcomes] = table_of(page("http.md"), "`outcome`")

    assert firsts([states], "`state`") == {state.value for state in CallState}
    assert firsts([outcomes], "`outcome`") == {outcome.value for outcome in CallOutcome}


def test_phases_of_incidents_are_documented():
    [table] = table_of(page("how-it-works.md"), "phase")

    assert {row["phase"] for row in table.rows} == {phase.value for phase in Phase}


# ---- cli.md


COMMANDS = commands()
OPTION_TABLES = table_of(page("cli.md"), "option", "environment", "default", "meaning")


def test_every_verb_has_its_heading_and_no_other_has():
    headings = re.findall(r"^## (escalator.*)$", prose(page("cli.md")), re.M)

    assert sorted(headings) == sorted(COMMANDS)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_option_is_documented_with_its_environment_and_default(command):
    told = {
        tuple(words_in_code(row["option"])): (row["environment"], row["default"])
        for one in OPTION_TABLES
        if one.under == command
        for row in one.rows
    }

    assert set(told) == set(COMMANDS[command])
    for names, option in COMMANDS[command].items():
        environment, default = told[names]
        if names != ("--version",):
            assert words_in_code(environment) == [option.environment], names
        assert not option.default or default.strip("`") == option.default, names


def test_every_exit_code_is_documented():
    [table] = table_of(page("cli.md"), "exit code", "meaning")

    assert {int(row["exit code"]) for row in table.rows} == exit_codes() | {0}


def test_every_variable_of_the_environment_is_documented_and_exists():
    options = {option.environment for options in COMMANDS.values() for option in options.values()}
    told = set()
    for path in DOCS.glob("*.md"):
        told |= set(re.findall(r"(?<!_)\bESCALATOR_[A-Z_]+", path.read_text(encoding="utf-8")))

    assert environment_constants() <= told <= options | environment_constants()


# ---- operating.md


def test_every_alert_that_escalator_raises_itself_is_documented():
    [table] = table_of(page("operating.md"), "alert", "means", "do")

    assert firsts([table], "alert") == own_alerts()


# ---- metrics.md


METRICS_PAGE = page("metrics.md")
METRICS = {one.name: one for one in DOCUMENTED}


def test_every_metric_is_documented_with_its_type_and_labels():
    [table] = table_of(METRICS_PAGE, "metric", "type", "labels")
    told = {
        words_in_code(row["metric"])[0]: (row["type"], tuple(words_in_code(row["labels"])))
        for row in table.rows
    }

    assert told == {name: (one.type, one.labels) for name, one in METRICS.items()}


def test_no_page_speaks_of_a_metric_that_is_not_there():
    ours = re.compile(rf"{PREFIX}[a-z_]+")
    suffixes = re.compile(r"_(bucket|count|sum)$")
    for path in DOCS.glob("*.md"):
        for name in ours.findall(path.read_text(encoding="utf-8")):
            assert {name, suffixes.sub("", name)} & set(METRICS), f"{path.name}: {name}"


def test_every_value_of_a_label_is_documented():
    [table] = table_of(METRICS_PAGE, "label", "values")
    told = {frozenset(words_in_code(row["values"])) for row in table.rows}

    assert told == {frozenset(values) for values in LABEL_VALUES.values()}


def test_no_metric_is_documented_that_nothing_counts():
    used = metrics_used()
    families = {
        name: family.describe()[0].name
        for name, family in vars(Metrics()).items()
        if hasattr(family, "describe")
    }
    counted = {family for name, family in families.items() if name in used} | SET_AT_LOADING

    assert {name for name in METRICS if not {name, name.removesuffix("_total")} & counted} == set()


# These are set by the metrics' own methods.
SET_AT_LOADING = {
    "escalator_build_info",
    "escalator_config_last_reload_successful",
    "escalator_config_last_reload_success_timestamp_seconds",
    "escalator_config_hash",
}


# ---- logs.md


def test_every_log_line_is_documented_with_level_component_and_keys():
    [table] = table_of(page("logs.md"), "event", "level", "component", "keys")
    told = {
        words_in_code(row["event"])[0]: (
            set(row["level"].split(", ")),
            set(row["component"].split(", ")),
            set(words_in_code(row["keys"])),
        )
        for row in table.rows
    }

    found = log_events()

    assert set(told) == set(found)
    for event, one in found.items():
        assert told[event] == (one.levels, one.components, one.keys), event


# ---- simulator.md


SIMULATOR_TABLES = tables(page("simulator.md"))


def simulator_words(first_column):
    [table] = [one for one in SIMULATOR_TABLES if one.head[0] == first_column]
    return firsts([table], first_column)


@pytest.mark.parametrize(
    ("column", "there"),
    [
        ("field", set(Script.__dataclass_fields__)),
        ("`outcome`", {one.value for one in Outcome}),
        ("`request`", {one.value for one in Fault}),
        ("`callback`", {one.value for one in CallbackFault}),
        ("switch", set(_SWITCHES)),
    ],
    ids=["fields of a script", "outcomes", "faults", "callback faults", "switches"],
)
def test_everything_that_the_simulator_understands_is_documented(column, there):
    assert simulator_words(column) == there


def test_every_route_of_the_simulators_control_is_documented():
    routes = {
        f"{route.method} /simulator{path}"
        for route in Control(Simulator()).app().router.routes()
        if route.method != "HEAD"
        for path in spelled_out(route.resource)
    }

    assert simulator_words("request") == routes


def spelled_out(resource):
    """The path, or each of its paths where a part of it is one of some words."""
    choice = re.search(r"\(\?P<action>([^)]*)\)", str(resource.get_info().get("pattern", "")))
    words = choice[1].replace("\\", "").split("|") if choice else [""]
    return [resource.canonical.replace("{action}", word) for word in words]
