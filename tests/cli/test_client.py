"""The way to the daemon: which address, which token, and what is said when it does not work out."""

import json
import socket

import click
import pytest

from escalator.cli.client import Client, DaemonError, NoAnswer


def test_nobody_listening_is_told_with_the_address_and_what_to_do(house, free_url):
    result = house.run("incidents", "list", "--url", free_url, exits=1)

    assert f"nothing listens on {free_url}" in result.stderr
    assert "escalator serve" in result.stderr


def test_a_daemon_that_does_not_answer_is_given_up(silent_url):
    with pytest.raises(NoAnswer, match=r"did not answer within 0\.2 s"):
        Client(silent_url, timeout=0.2).get("/api/v1/incidents")


def test_a_redirect_is_not_followed(listener, house):
    listener.status, listener.headers = 302, {"Location": f"{house.url}/api/v1/incidents"}

    result = house.run("incidents", "list", "--url", listener.url, exits=1)

    assert "answered 302" in result.stderr
    assert len(listener.got) == 1


def test_the_token_goes_to_no_proxy_of_the_environment(listener, house):
    listed = house.run("incidents", "list", http_proxy=listener.url, HTTP_PROXY=listener.url)

    assert listed.exit_code == 0
    assert listener.got == []


def test_an_answer_of_somebody_else_is_no_answer(listener, house):
    listener.body = b"<html>welcome</html>"

    result = house.run("incidents", "list", "--url", listener.url, exits=1)

    assert "is it escalator's internal listener?" in result.stderr


@pytest.mark.parametrize(
    "body", [b"<html>oops</html>", b"[]", b'{"error": "oops"}', b'{"error": {}}']
)
def test_a_refusal_of_somebody_else_is_told_by_its_status(listener, body):
    listener.status, listener.body = 500, body

    with pytest.raises(DaemonError, match="answered 500") as failure:
        Client(listener.url).get("/api/v1/incidents")

    assert failure.value.status == 500


def test_a_refusal_is_told_in_the_daemons_words_on_one_line(listener):
    error = {"code": "unavailable", "message": "the queue\x1b[2J is full"}
    listener.status, listener.body = 503, json.dumps({"error": error}).encode()

    with pytest.raises(DaemonError) as failure:
        Client(listener.url).get("/x")

    assert "the queue [2J is full\nnothing was stored; try again" in failure.value.message
    assert failure.value.code == "unavailable"


def test_a_wrong_token_is_told_with_the_flag_that_helps(house, tmp_path):
    (tmp_path / "wrong").write_text("not-it\n")

    result = house.run("incidents", "list", "--token.file", tmp_path / "wrong", exits=1)

    assert "--token.file" in result.stderr
    assert "not-it" not in result.stderr


def test_a_token_file_needs_no_config(house, tmp_path):
    arguments = ["--url", house.url, "-c", tmp_path / "none.yml"]

    known = house.run(
        "incidents", "list", *arguments, "--token.file", house.folder / "laptop.token"
    )
    unknown = house.run("incidents", "list", *arguments, exits=1)

    assert known.exit_code == 0
    assert "--token.file" in unknown.stderr


@pytest.mark.parametrize("content", ["", " \n", "two\nlines\n"])
def test_a_token_file_without_a_token_is_a_mistake_in_usage(house, tmp_path, content):
    (tmp_path / "token").write_text(content)

    result = house.run("incidents", "list", "--token.file", tmp_path / "token", exits=2)

    assert "holds no token" in result.stderr


def test_a_token_of_any_script_arrives_as_it_is(house, listener, tmp_path):
    (tmp_path / "token").write_text("шлюз-token\n", encoding="utf-8")
    listener.body = b'{"incidents": [], "next": null}'

    house.run("incidents", "list", "--token.file", tmp_path / "token", "--url", listener.url)

    [(_, _, headers, _)] = listener.got
    assert headers["Authorization"].encode("latin-1").decode() == "Bearer шлюз-token"


def test_secrets_that_cannot_be_read_here_do_not_keep_anybody_from_asking(house, tmp_path):
    text = house.config.read_text().replace("file: auth-token", "credential: nowhere")
    text = text.replace("file: laptop.token", f"file: {house.folder}/laptop.token")
    (tmp_path / "escalator.yml").write_text(text)

    assert house.run("incidents", "list", "-c", tmp_path / "escalator.yml").exit_code == 0


def test_a_token_that_cannot_be_read_is_told_and_done_without(house, tmp_path):
    (tmp_path / "escalator.yml").write_text(house.config.read_text())

    result = house.run("incidents", "list", "-c", tmp_path / "escalator.yml", exits=1)

    assert "web.tokens.laptop: cannot read" in result.stderr
    assert "asking without a token" in result.stderr


def test_without_a_config_and_without_a_url_nobody_is_asked(house, tmp_path):
    result = house.run("incidents", "list", "-c", tmp_path / "none.yml", exits=78)

    assert "none.yml: the config cannot be read" in result.stderr
    assert "--url" in result.stderr


def test_a_port_that_the_system_chooses_has_to_be_given(house, tmp_path):
    port = house.url.rpartition(":")[2]
    (tmp_path / "escalator.yml").write_text(
        house.config.read_text().replace(f'internal: "127.0.0.1:{port}"', 'internal: "127.0.0.1:0"')
    )

    result = house.run("incidents", "list", "-c", tmp_path / "escalator.yml", exits=1)

    assert "give it with --url" in result.stderr


@pytest.mark.parametrize("url", ["127.0.0.1:8911", "ftp://x", "http://", "http://a b", "file:///x"])
def test_an_address_that_is_none_is_a_mistake_in_usage(house, url):
    assert "--url" in house.run("incidents", "list", "--url", url, exits=2).stderr


def test_failures_of_the_client_end_a_verb_with_1():
    assert DaemonError("no", 404).exit_code == NoAnswer("gone").exit_code == 1
    assert issubclass(DaemonError, click.ClickException)


@pytest.fixture
def free_url():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return f"http://127.0.0.1:{port}"


@pytest.fixture
def silent_url():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
