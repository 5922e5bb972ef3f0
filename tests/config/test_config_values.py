"""How single words of the config are read, and that what is shown can be read again."""

from datetime import timedelta

import pytest

from escalator.config.matching import split_matchers
from escalator.config.values import (
    is_doubtful,
    is_loopback,
    read_address,
    read_boolean,
    read_duration,
    read_phone,
    read_url,
    show_duration,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("90s", 90), ("5m", 300), ("2h", 7200), ("7d", 604800), ("1w", 604800)],
)
def test_a_duration_is_a_number_and_a_unit(text, seconds):
    assert read_duration()(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["5", "m", "1h30m", "1.5h", "-5m", "5 m", "5M", "", "٥m", "5m\n"])
def test_anything_else_is_no_duration(text):
    with pytest.raises(ValueError, match=r"not a duration|empty"):
        read_duration()(text)


@pytest.mark.parametrize("text", ["1s", "59s", "90s", "61m", "25h", "8d", "1w", "400d"])
def test_a_duration_is_shown_in_a_way_that_reads_back(text):
    value = read_duration()(text)

    assert read_duration()(show_duration(value)) == value


def test_a_duration_is_shown_in_its_largest_whole_unit():
    shown = [show_duration(timedelta(seconds=n)) for n in (59, 60, 90, 3600, 86400, 604800)]

    assert shown == ["59s", "1m", "90s", "1h", "1d", "1w"]


@pytest.mark.parametrize(
    ("text", "host", "port", "loopback"),
    [
        ("127.0.0.1:8911", "127.0.0.1", 8911, True),
        ("127.8.8.8:1", "127.8.8.8", 1, True),
        ("localhost:0", "localhost", 0, True),
        ("[::1]:8911", "::1", 8911, True),
        ("0.0.0.0:8911", "0.0.0.0", 8911, False),
        ("[::]:8911", "::", 8911, False),
        ("pager.example.net:443", "pager.example.net", 443, False),
    ],
)
def test_an_address_knows_who_can_reach_it(text, host, port, loopback):
    address = read_address(text)

    assert (address.host, address.port, address.is_loopback) == (host, port, loopback)
    assert str(address) == text


@pytest.mark.parametrize(
    "text", ["::1:8911", "[::1", "a b:1", "[127.0.0.1]:1", "h:", "h:1x", "h:-1"]
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ValueError, match=r"host|port|IPv6"):
        read_address(text)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("localhost.example.net", False), ("127.0.0.1.example.net", False)],
)
def test_a_name_that_only_looks_like_loopback_is_none(host, expected):
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    "url",
    [
        "https://pager.example.net",
        "https://pager.example.net:8443/prefix",
        "http://127.0.0.1:8912",
        "http://[::1]:8912",
        "http://localhost",
    ],
)
def test_https_is_a_url_and_http_only_to_this_machine(url):
    assert read_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1.example.net",
        "http://10.0.0.1",
        "ftp://127.0.0.1",
        "https://",
        "https://user:word@example.net",
        "https://example.net:99999",
        "https://[::1",
        "https://example.net/a b",
        "https://example.net/#a",
    ],
)
def test_what_twilio_could_not_call_back_is_refused(url):
    with pytest.raises(ValueError, match=r"URL|https|only"):
        read_url(url)


@pytest.mark.parametrize(
    "number", ["+491713920012", "+447700900123", "+15005550006", "+15555550100"]
)
def test_numbers_for_fiction_are_accepted(number):
    assert read_phone(number) == number


@pytest.mark.parametrize(
    "number",
    ["0171 3920012", "491713920012", "+49", "+0491713920012", "+49171x3920012", "+" + "1" * 16],
)
def test_what_is_not_e164_is_refused(number):
    with pytest.raises(ValueError, match="international form"):
        read_phone(number)


def test_a_range_nobody_was_given_is_doubtful_and_no_more():
    assert is_doubtful("+447700900123")
    assert not is_doubtful("+491713920012")


@pytest.mark.parametrize(("word", "value"), [("true", True), ("No", False), ("on", True)])
def test_yes_and_no_in_each_of_yamls_spellings(word, value):
    assert read_boolean(word) is value


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('a="b"', ['a="b"']),
        ('{a="b", c=~"d"}', ['a="b"', 'c=~"d"']),
        ('a="b,c",d="e"', ['a="b,c"', 'd="e"']),
        (r'a="x\",y",b=c', [r'a="x\",y"', "b=c"]),
        (r'a="x\\",b=c', [r'a="x\\"', "b=c"]),
        ('{a="b",}', ['a="b"']),
        ("a=b", ["a=b"]),
        ("{}", [""]),
    ],
)
def test_matchers_are_split_at_commas_outside_quotes(text, parts):
    assert split_matchers(text) == parts
