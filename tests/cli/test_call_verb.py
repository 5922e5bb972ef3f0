"""`escalator call`: one phone, one message, and an exit code that a script can go on from."""

import itertools
import urllib.error
import urllib.request

import pytest

from escalator.simulator import Script

_numbers = (f"+4477009009{n:02}" for n in itertools.count(10))


@pytest.fixture
def number():
    return next(_numbers)


def test_what_was_asked_for_is_said_and_followed_to_the_end(house, number):
    house.simulator.people[number] = Script.answers()

    told = house.run(
        *("call", number, "--say", "サーバーが停止しました", "--voice", "alice"),
        *("--language", "ja-JP", "--loop", 2, "--wait", "ended"),
    ).stdout

    [call] = house.simulator.calls_to(number)
    assert [(one.text, one.language, one.voice) for one in call.speech] == [
        ("サーバーが停止しました", "ja-JP", "alice")
    ] * 2
    first, *states, last = told.splitlines()
    assert first.endswith(f" to {number}.")
    assert states[-1] == "  ended"
    assert last.startswith("The call is over after ")
    assert "answered" in last


def test_it_exits_0_as_soon_as_the_carrier_took_the_call(house, number):
    house.simulator.people[number] = Script.manual()

    placed = house.json("call", number, "--say", "hello")

    assert placed["state"] in ("queued", "ringing", "in-progress")
    assert placed["sid"] == house.simulator.calls_to(number)[0].sid


def test_it_waits_for_the_answer(house, number):
    house.simulator.people[number] = Script.answers(rings=20)

    told = house.run("call", number, "--say", "hello", "--wait", "answered").stdout

    assert "answered" in told.splitlines()[-1]


@pytest.mark.parametrize("wait", ["answered", "ended"])
def test_nobody_answering_is_a_failure_when_it_was_waited_for(house, number, wait):
    house.simulator.people[number] = Script.busy()

    told = house.run("call", number, "--say", "hello", "--wait", wait, exits=1).stdout

    assert told.splitlines()[-1] == "The call is over: busy."


def test_a_call_that_the_carrier_refuses_is_a_failure_with_its_reason(house, number):
    house.simulator.people[number] = Script.refused(21211)

    told = house.run("call", number, "--say", "hello", exits=1).stdout

    assert "refused" in told
    assert "21211" in told


def test_patience_has_an_end(house, number):
    house.simulator.people[number] = Script.manual()

    result = house.run(
        "call", number, "--say", "hello", "--wait", "answered", "--timeout", "1s", exits=1
    )

    assert "answered" not in result.stdout.splitlines()[-1]


def test_what_cannot_be_called_is_told_by_the_daemon(house):
    assert "to" in house.run("call", "nobody", "--say", "hello", exits=1).stderr
    assert "to" in house.run("call", "+1", "--say", "hello", exits=1).stderr


@pytest.mark.parametrize("patience", ["0s", "soon", "1.5m"])
def test_a_patience_that_is_no_span_is_a_mistake_in_usage(house, number, patience):
    result = house.run("call", number, "--say", "hello", "--timeout", patience, exits=2)

    assert "--timeout" in result.stderr


def test_an_answer_that_got_lost_is_asked_for_again_and_rings_once(house, listener, number):
    house.simulator.people[number] = Script.manual()
    listener.answer = lose_first_post(house.url)

    placed = house.run("call", number, "--say", "hello", "--url", listener.url, "-o", "json").stdout

    posts = [headers for method, _, headers, _ in listener.got if method == "POST"]
    assert len(posts) == 2
    assert posts[0]["Idempotency-Key"] == posts[1]["Idempotency-Key"]
    assert len(house.simulator.calls_to(number)) == 1
    assert house.simulator.calls_to(number)[0].sid in placed


def test_two_calls_are_two(house, number):
    house.simulator.people[number] = Script.busy()

    for _ in range(2):
        house.run("call", number, "--say", "hello", "--wait", "ended", exits=1)

    assert len(house.simulator.calls_to(number)) == 2


def lose_first_post(url):
    """Hand requests on to the daemon; the first answer to a POST is lost on its way back."""
    lost = []

    def answer(method, path, headers, body):
        request = urllib.request.Request(url + path, body or None, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=5) as found:
                result = found.status, found.read()
        except urllib.error.HTTPError as refusal:
            result = refusal.code, refusal.read()
        if method == "POST" and not lost:
            lost.append(path)
            return None
        return result

    return answer
