"""Secrets come from elsewhere and go nowhere (C12, X6)."""

import copy
import pickle

import pytest

from escalator.config.loading import load
from escalator.config.problems import ConfigError
from escalator.config.secret import Secret, SecretNotReadError, Surroundings, read_secret

VALUE = "0f1e2d3c4b5a"
CONFIG = """\
version: 1
public_url: https://pager.example.net
twilio: {{ account_sid: AC0123456789abcdef0123456789abcdef, auth_token: {token}, from: +15005550006 }}
people: {{ ana: {{ phone: +491713920012 }} }}
policies: {{ default: {{ steps: [{{ call: ana }}] }} }}
"""


@pytest.fixture
def around(tmp_path):
    return Surroundings(
        folder=tmp_path,
        environ={"T": VALUE, "CREDENTIALS_DIRECTORY": str(tmp_path)},
        read_secrets=True,
    )


def keep(folder, name, content, mode=0o600):
    path = folder / name
    path.write_bytes(content)
    path.chmod(mode)


@pytest.mark.parametrize("source", ["file", "env", "credential"])
def test_a_secret_comes_from_each_of_its_sources(around, tmp_path, source):
    keep(tmp_path, "T", VALUE.encode())

    assert read_secret(source, "T", around).reveal() == VALUE


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\n\n", b""])
def test_line_ends_after_a_secret_are_not_part_of_it(around, tmp_path, ending):
    keep(tmp_path, "T", VALUE.encode() + ending)

    assert read_secret("file", "T", around).reveal() == VALUE


def test_spaces_inside_and_around_a_secret_are_part_of_it(around, tmp_path):
    keep(tmp_path, "T", b" a b ")

    assert read_secret("file", "T", around).reveal() == " a b "


@pytest.mark.parametrize(
    ("mode", "warns"), [(0o600, False), (0o640, False), (0o644, True), (0o604, True)]
)
def test_a_file_that_everyone_can_read_is_warned_of(tmp_path, mode, warns):
    keep(tmp_path, "token", VALUE.encode(), mode)
    config = tmp_path / "a.yml"
    config.write_text(CONFIG.format(token="[{ env: T }, { file: token }]"))

    loaded = load(config, environ={"T": VALUE})

    warned = [str(warning) for warning in loaded.warnings]
    place = f"{config}:3:85: twilio.auth_token.1: warning: "
    expected = f"{place}token can be read by everyone on this machine; run: chmod o-r token"
    assert warned == ([expected] if warns else [])


@pytest.mark.parametrize("name", ["../etc/passwd", "a/b", "..", "."])
def test_a_credential_is_a_name_and_not_a_path(around, name):
    with pytest.raises(ValueError, match="not a credential's name"):
        read_secret("credential", name, around)


def test_a_file_without_an_end_is_not_read_to_it(around):
    with pytest.raises(ValueError, match="larger than 64 KiB"):
        read_secret("file", "/dev/zero", around)


def test_a_secret_hides_in_every_way_of_showing_it():
    secret = Secret(VALUE, source="file token")

    shown = [repr(secret), str(secret), f"{secret}", f"{secret!r}", f"{[secret]}"]
    assert not any(VALUE in text for text in shown)
    assert str(secret) == "‹secret sha256:a27c4f92›"
    assert secret.fingerprint() == "sha256:a27c4f92"
    assert repr(secret) == "Secret(file token)"


def test_a_secret_cannot_be_pickled_or_copied_out():
    secret = Secret(VALUE, source="file token")

    for way in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            way(secret)


def test_a_config_never_shows_its_secrets(tmp_path):
    path = tmp_path / "a.yml"
    path.write_text(CONFIG.format(token="{ env: T }"))

    config = load(path, environ={"T": VALUE}).config

    shown = [repr(config), str(config), repr(config.model_dump()), config.model_dump_json()]
    assert not any(VALUE in text for text in shown)
    assert config.twilio.auth_token[0].reveal() == VALUE


@pytest.mark.parametrize(
    "token",
    [VALUE, f"[{VALUE}]", f"{{ file: [{VALUE}] }}", f"{{ value: {VALUE} }}", f"[[{VALUE}]]"],
)
def test_a_secret_written_into_the_file_is_refused_and_not_repeated(tmp_path, token):
    path = tmp_path / "a.yml"
    path.write_text(CONFIG.format(token=token))

    with pytest.raises(ConfigError) as caught:
        load(path, environ={})

    assert VALUE not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_without_secrets_nothing_is_read_and_nothing_revealed(tmp_path):
    path = tmp_path / "a.yml"
    path.write_text(CONFIG.format(token="{ file: missing }"))

    secret = load(path, secrets=False, environ={}).config.twilio.auth_token[0]

    assert str(secret) == "‹secret not read›"
    with pytest.raises(SecretNotReadError):
        secret.reveal()


def test_without_secrets_the_shape_of_a_secret_is_still_checked(tmp_path):
    path = tmp_path / "a.yml"
    path.write_text(CONFIG.format(token="{ file: a, env: B }"))

    with pytest.raises(ConfigError, match="exactly one"):
        load(path, secrets=False, environ={})
