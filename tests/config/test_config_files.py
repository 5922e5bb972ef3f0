"""Every config under tests/configs, and every example we ship, loads or fails exactly as written beside it.

C2, C8, C10, C12 and X17: all faults at once, each with its place; nothing is dropped in silence.
"""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from escalator.config.loading import load
from escalator.config.problems import ConfigError

TESTS = Path(__file__).parents[1]
EXAMPLES = TESTS.parent / "config"
BAD = sorted((TESTS / "configs" / "bad").glob("*.yml"))
GOOD = sorted((TESTS / "configs" / "good").glob("*.yml"))
ENVIRON = {
    "TOKEN": "t0ken",
    "EMPTY": "",
    "BCRYPT": "$2b$10$" + "a" * 53,
    "CALENDAR": "https://calendar.example.net/team.ics?key=t0ken",
    "PLAIN_HTTP": "http://calendar.example.net/team.ics?key=t0ken",
    "WEBCAL": "webcal://calendar.example.net/team.ics?key=t0ken",
}
# The Saturday on which coverage is looked at.
NOW = datetime(2026, 10, 31, 12, tzinfo=UTC)


def name_of(path):
    return path.stem


def read(path):
    """Load as the file's first line wants it, with paths told relative to its folder."""
    first_line = path.read_bytes().partition(b"\n")[0]
    try:
        loaded = load(path, secrets=first_line != b"# without secrets", environ=ENVIRON, now=NOW)
    except ConfigError as error:
        return None, str(error).replace(f"{path.parent}/", "")
    told = "\n".join(str(warning) for warning in loaded.warnings)
    return loaded, told.replace(f"{path.parent}/", "")


@pytest.mark.parametrize("path", BAD, ids=name_of)
def test_a_bad_config_is_refused_with_every_fault_in_its_place(path):
    loaded, told = read(path)

    assert loaded is None
    assert told + "\n" == path.with_suffix(".txt").read_text()


@pytest.mark.parametrize("path", GOOD, ids=name_of)
def test_a_good_config_loads_with_the_warnings_beside_it(path):
    loaded, told = read(path)

    assert loaded is not None, told
    assert told == path.with_suffix(".txt").read_text().rstrip("\n")


def test_each_expectation_has_its_config():
    expected = {path.stem for path in (TESTS / "configs").glob("*/*.txt")}

    assert expected == {path.stem for path in BAD + GOOD}


@pytest.mark.parametrize("name", ["minimal", "complete"])
def test_a_shipped_example_loads_and_warns_of_its_placeholders_only(name):
    loaded = load(EXAMPLES / f"{name}.yml", secrets=False, environ={}, now=NOW)

    warned = {(warning.path, warning.message.split()[0]) for warning in loaded.warnings}
    assert warned == {("twilio.account_sid", "not"), ("people.ben.phone", "+447700900123")}


def sections(value):
    """Every section of a config, as deep as they go."""
    inner = ()
    if isinstance(value, BaseModel):
        yield value
        inner = (getattr(value, name) for name in value.model_fields_set)
    elif isinstance(value, dict):
        inner = value.values()
    elif isinstance(value, tuple):
        inner = value
    for one in inner:
        yield from sections(one)


def test_the_complete_example_holds_every_key_of_the_model():
    known, written = {}, {}
    for section in sections(load(EXAMPLES / "complete.yml", secrets=False).config):
        kind = type(section)
        known[kind.__name__] = set(kind.model_fields)
        written.setdefault(kind.__name__, set()).update(section.model_fields_set)

    assert len(known) > 20
    unwritten = {name: keys - written[name] for name, keys in known.items()}
    a_proxy_is_the_usual_way = {"Listener": {"tls"}}
    assert {name: keys for name, keys in unwritten.items() if keys} == a_proxy_is_the_usual_way


def test_the_alertmanager_example_sends_to_the_default_receiver():
    example = yaml.safe_load((EXAMPLES / "alertmanager.yml").read_text())
    minimal = load(EXAMPLES / "minimal.yml", secrets=False).config

    (receiver,) = example["receivers"]
    (webhook,) = receiver["webhook_configs"]
    (name,) = minimal.receivers
    assert webhook["url"] == f"http://{minimal.listen.internal.address}/receive/{name}"
    assert webhook["send_resolved"] is True
    assert webhook["http_config"]["authorization"]["credentials_file"]
    assert example["route"]["receiver"] == receiver["name"]


def test_a_file_that_is_not_there_is_a_fault_without_a_line(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "none.yml")

    assert str(caught.value) == (
        f"{tmp_path}/none.yml: the config cannot be read: No such file or directory"
    )


def test_a_folder_is_no_config(tmp_path):
    with pytest.raises(ConfigError, match="Is a directory"):
        load(tmp_path)


def test_a_file_beyond_the_size_limit_is_not_parsed(tmp_path):
    path = tmp_path / "large.yml"
    path.write_text("# padding\n" * 110_000)

    with pytest.raises(ConfigError, match="larger than 1 MiB"):
        load(path)


@pytest.mark.parametrize("length", range(0, 401, 25))
def test_a_half_written_file_never_loads(tmp_path, length):
    """(C3): what a reload may see while an editor writes."""
    path = tmp_path / "half.yml"
    path.write_bytes((EXAMPLES / "minimal.yml").read_bytes()[:length])

    with pytest.raises(ConfigError):
        load(path, secrets=False)


def test_the_hash_is_that_of_the_bytes(tmp_path):
    """(C3): the hash of the config in force is shown."""
    path = tmp_path / "a.yml"
    shutil.copy(TESTS / "configs" / "good" / "smallest.yml", path)
    before = load(path, environ=ENVIRON).sha256

    path.write_text(path.read_text() + "# one more comment\n")

    after = load(path, environ=ENVIRON).sha256
    assert len(before) == 64
    assert before != after


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path):
    path = tmp_path / "a.yml"
    plain = (TESTS / "configs" / "good" / "smallest.yml").read_text()
    path.write_bytes(b"\xef\xbb\xbf" + plain.replace("\n", "\r\n").encode())

    assert load(path, environ=ENVIRON).config.people["ana"].phone == "+491713920012"
