"""What the manual shows can be done as it is shown: configs load, commands parse, answers have their shape."""

import json
import re
import subprocess
from datetime import timedelta

import pytest
import yaml
from manual import (
    DOCS,
    PAGES,
    READ,
    ROOT,
    all_blocks,
    anchors,
    command_lines,
    links,
    page,
    table_of,
    words_in_code,
)
from program import complaint_about
from tools import require_tool
from world import START, World

from escalator.config.loading import load
from escalator.escalation.alerts import Alert, AlertStatus
from escalator.escalation.events import AlertReceived
from escalator.web.openapi import SCHEMAS

# What a part of a config is put into to be loaded.
AROUND = """
version: 1
public_url: https://pager.example.net
twilio: { account_sid: AC0123456789abcdef0123456789abcdef, auth_token: { file: token }, from: +15005550006 }
people: { ana: { phone: +491713920012 }, ben: { phone: +447700900123 } }
policies: { default: { steps: [{ call: ana }] } }
"""
OTHER_FILES = re.compile(r"# (\w+)\.yml\n")
YAML = all_blocks("yaml")
OURS = [one for one in YAML if not OTHER_FILES.match(one.text)]
THEIRS = [one for one in YAML if OTHER_FILES.match(one.text)]
WHOLE = [one for one in OURS if one.text.startswith("version:") and "\npolicies:" in one.text]
PARTS = [one for one in OURS if one not in WHOLE]
PLACE_PATTERN = re.compile(r"(escalator|tests|config|systemd)/[\w./-]+")


def by_key(text):
    """A config's text, cut at its top-level keys."""
    cuts = re.split(r"^(?=[a-z_]+:)", text, flags=re.M)
    return {cut.partition(":")[0]: cut for cut in cuts if cut.strip()}


def loaded(folder, text):
    file = folder / "escalator.yml"
    file.write_text(text, encoding="utf-8")
    return load(file, secrets=False)


@pytest.mark.parametrize("block", WHOLE, ids=str)
def test_a_whole_config_loads(block, tmp_path):
    loaded(tmp_path, block.text)


@pytest.mark.parametrize("block", PARTS, ids=str)
def test_a_part_of_a_config_loads_within_a_whole_one(block, tmp_path):
    loaded(tmp_path, "".join((by_key(AROUND) | by_key(block.text)).values()))


def test_every_part_of_the_file_has_its_example():
    """Each table of keys in config.md is followed by an example that writes its keys."""
    shown = "\n".join(one.text for one in OURS if one.page == "config.md")
    for one in table_of(page("config.md"), "key", "type", "default", "meaning"):
        for path in (path for row in one.rows for path in words_in_code(row["key"])):
            leaf = path.rpartition(".")[2].removesuffix("[]")
            if one.under != "speech" and not leaf.isupper():
                assert re.search(rf"\b{leaf}:", shown), f"no example in config.md writes {path}"


@pytest.mark.parametrize("block", THEIRS, ids=str)
def test_a_part_of_another_programs_config_is_yaml(block):
    assert yaml.safe_load(block.text)


@pytest.mark.parametrize("block", [one for one in THEIRS if "prometheus" in one.text[:20]], ids=str)
def test_prometheus_accepts_its_part(block, tmp_path):
    tool = require_tool("promtool")
    file = tmp_path / "prometheus.yml"
    file.write_text(block.text, encoding="utf-8")

    command = [tool, "check", "config", "--syntax-only", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


# ---- JSON


JSON = all_blocks("json")


@pytest.mark.parametrize("block", JSON, ids=str)
def test_json_is_json_and_has_the_shape_that_it_is_said_to_have(block):
    value = json.loads(block.text)

    if block.shape:
        assert list(misfits(value, SCHEMAS[block.shape], block.shape)) == []


def test_every_shape_that_the_api_answers_with_is_shown():
    shown = {block.shape for block in JSON}
    wanted = {"Error", "Accepted", "IncidentList", "Incident", "Call", "NewCall", "Action"}

    assert wanted <= shown


def misfits(value, schema, where):
    """Where a value is not what an OpenAPI schema of ours says: keys, texts, numbers, choices."""
    if "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        kinds = [one for one in schema["anyOf"] if one != {"type": "null"}]
        if value is not None:
            yield from misfits(value, kinds[0], where)
    elif isinstance(value, dict) and "properties" in schema:
        known, required = set(schema["properties"]), set(schema["required"])
        if not required <= set(value) <= known:
            yield f"{where}: keys {sorted(set(value) ^ known)}"
        for key in set(value) & known:
            yield from misfits(value[key], schema["properties"][key], f"{where}.{key}")
    elif isinstance(value, list) and schema.get("type") == "array":
        for item in value:
            yield from misfits(item, schema["items"], f"{where}[]")
    elif not is_a(value, schema):
        yield f"{where}: {value!r} is no {schema}"


def is_a(value, schema):
    if "enum" in schema or "const" in schema:
        return value in schema.get("enum", [schema.get("const")])
    kinds = {"string": str, "integer": int, "boolean": bool, "null": type(None), "object": dict}
    wanted = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    return isinstance(value, tuple(kinds[one] for one in wanted))


def test_a_wrong_answer_would_be_seen():
    [incident] = [json.loads(one.text) for one in JSON if one.shape == "Incident"]
    wrong = incident | {"phase": "asleep", "step": "1", "more": 1}

    assert len(list(misfits(wrong, SCHEMAS["Incident"], ""))) == 3


# ---- commands, links, names of files


COMMAND_LINES = [(where, words) for path in READ for where, words in command_lines(path)]


@pytest.mark.parametrize(("where", "words"), COMMAND_LINES, ids=[one[0] for one in COMMAND_LINES])
def test_a_command_line_parses(where, words):
    assert complaint_about(words) == "", where


def test_every_verb_is_shown_at_work():
    shown = {" ".join(words[:2]) for _, words in COMMAND_LINES} | {
        words[0] for _, words in COMMAND_LINES if words
    }
    verbs = re.findall(r"^## escalator (.+)$", page("cli.md"), re.M)

    assert {verb for verb in verbs if verb not in shown} == set()


@pytest.mark.parametrize("path", READ, ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    for link in links(path):
        target, _, fragment = link.partition("#")
        if not link.startswith("https://"):
            file = (path.parent / target).resolve() if target else path
            assert file.exists(), link
            assert not fragment or fragment in anchors(file), link


@pytest.mark.parametrize("path", READ, ids=lambda path: path.name)
def test_files_that_are_named_are_there(path):
    for name in words_in_code(path.read_text(encoding="utf-8")):
        if PLACE_PATTERN.fullmatch(name):
            assert (ROOT / name).exists() or (ROOT / "escalator" / name).exists(), name


def test_every_page_is_in_the_index():
    listed = set(links(DOCS / "README.md"))

    assert {one.name for one in PAGES} - {"README.md"} <= listed


# ---- the timetable


def test_the_timetable_is_what_its_config_does(tmp_path):
    [block] = [one for one in WHOLE if one.page == "how-it-works.md"]
    [table] = table_of(page("how-it-works.md"), "after", "rings")
    told = [
        (span(row["after"]), person) for row in table.rows for person in row["rings"].split(", ")
    ]
    rung = []
    world = World(
        loaded(tmp_path, block.text).rules, lambda _, whom: rung.append((world.now - START, whom))
    )

    world.submit(AlertReceived(alert=alert(), fresh_id="incident"))
    world.run_until(START + told[-1][0])

    assert sorted(rung) == told


def span(text):
    minutes, seconds = text.split(":")
    return timedelta(minutes=int(minutes), seconds=int(seconds))


def alert():
    return Alert(
        receiver="prod",
        key="disk",
        status=AlertStatus.FIRING,
        group="disk",
        labels={"alertname": "Disk"},
    )
