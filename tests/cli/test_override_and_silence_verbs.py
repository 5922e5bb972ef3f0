"""Overrides and silences as they are typed, against a daemon that runs."""

import pytest


def test_an_override_is_put_listed_and_taken_away(house):
    made = house.json(
        "override", "add", "primary", "ben", "--from", "2030-01-01", "--to", "2030-01-02",
        "--reason", "a swap",
    )  # fmt: skip

    listed = house.run("override", "list", "--schedule", "primary").stdout
    assert made["id"] in listed
    assert "a swap" in listed
    assert "2030-01-02 23:00" in listed
    assert house.run("override", "remove", made["id"]).stdout == "The override is gone.\n"
    assert "There is no override." in house.run("override", "list").stdout


def test_one_that_covers_another_is_told(house):
    typed = ("override", "add", "primary", "ben", "--from", "2031-01-01", "--to", "2031-01-02")
    first = house.json(*typed)

    second = house.run(*typed)

    assert "It covers an earlier one: ben is on call for primary" in second.stderr
    house.run("override", "remove", first["id"])
    house.run("override", "remove", second.stdout.partition(":")[0])


def test_an_override_for_nobody_names_the_people(house):
    result = house.run(
        "override", "add", "primary", "zoe", "--from", "2030-01-01", "--to", "2030-01-02", exits=1
    )

    assert "there are: ana, ben" in result.stderr


def test_a_silence_is_put_listed_and_ended(house):
    incident = house.fire("env=silenced")

    made = house.run("silence", "add", 'env="silenced"', "--for", "2h", "--comment", "known")

    silence = made.stdout.partition(":")[0]
    assert "1 open incidents fit and go on" in made.stderr
    assert incident in made.stderr
    assert "known" in house.run("silence", "list").stdout
    assert house.json("incidents", "show", house.fire("env=silenced"))["phase"] == "snoozed"
    assert house.run("silence", "expire", silence).stdout == "The silence is over.\n"
    assert silence not in house.run("silence", "list").stdout


def test_what_a_silence_held_pages_when_it_is_ended(house):
    made = house.json("silence", "add", 'env="ended"', "--for", "2h")
    incident = house.fire("env=ended")

    house.run("silence", "expire", made["id"])

    house.wait_for(lambda: house.json("incidents", "show", incident)["phase"] == "triggered")


@pytest.mark.parametrize("ends", [(), ("--for", "1h", "--to", "2030-01-01")])
def test_a_silence_ends_in_one_way(house, ends):
    assert "--for or --to" in house.run("silence", "add", 'a="b"', *ends, exits=2).stderr
