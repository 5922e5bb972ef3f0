"""Every example of policies.md does what the table under it says."""

import re
from datetime import timedelta

import pytest
from manual import page
from world import START, World

from escalator.config.loading import load
from escalator.escalation.alerts import Alert, AlertStatus
from escalator.escalation.events import AlertReceived

HEAD = """
version: 1
public_url: https://pager.example.net
"""
TWILIO = """
twilio:
  account_sid: AC0123456789abcdef0123456789abcdef
  auth_token: { file: token }
  from: +15005550006
"""
EXAMPLE = re.compile(r"```yaml\n(?P<yaml>.*?)```\n\n(?P<table>(?:\|[^\n]*\n)+)", re.S)
SEEN = {"rung": "rings", "sent a message": "texts", "call taken back": "hangs up"}
EXAMPLES = [(found["yaml"], found["table"]) for found in EXAMPLE.finditer(page("policies.md"))]


def config_of(text, folder):
    file = folder / "escalator.yml"
    file.write_text(HEAD + ("" if "twilio:" in text else TWILIO) + text)
    return load(file, secrets=False).rules


def rows_of(table):
    lines = [[cell.strip() for cell in line.strip("|\n ").split("|")] for line in table.split("\n")]
    header, _, *rows = [line for line in lines if line != [""]]
    return [dict(zip(header, [*row, *[""] * len(header)], strict=False)) for row in rows]


def span(text):
    minutes, seconds = text.split(":")
    return timedelta(minutes=int(minutes), seconds=int(seconds))


class Story:
    """A world in which what the table says happens, and whatever people notice is written down."""

    def __init__(self, rules):
        self.seen = []
        self.world = World(rules, lambda what, whom: self.seen.append((self.at, what, whom)))
        self._fresh = 0

    @property
    def at(self):
        return self.world.now - START

    def happen(self, what):
        """`alert LABEL=VALUE …` or `PERSON presses KEY`."""
        first, *rest = what.split()
        if first == "alert":
            self._fresh += 1
            labels = {"alertname": "Disk", **dict(one.split("=") for one in rest)}
            alert = Alert(
                receiver="prod",
                key=" ".join(labels.values()),
                status=AlertStatus.FIRING,
                group="disk",
                labels=labels,
            )
            self.world.submit(AlertReceived(alert=alert, fresh_id=f"incident-{self._fresh}"))
        else:
            self._press(first, rest[1])
        self.world.settle()

    def _press(self, person, key):
        number = self.world.rules.people[person].phones[0]
        [made] = [
            one
            for one in self.world.at_carrier.values()
            if one.to == number and one.status == "ringing"
        ]
        self.world.answer(made)
        self.world.press(made, key)
        self.world.settle()
        self.world.report(made, "completed")


@pytest.mark.parametrize(("text", "table"), EXAMPLES)
def test_an_example_does_what_its_table_says(text, table, tmp_path):
    story, rows = Story(config_of(text, tmp_path)), rows_of(table)
    told = [
        (span(row["at"]), SEEN[column], person)
        for row in rows
        for column in row
        if column in SEEN
        for person in row[column].split(", ")
        if person
    ]

    for row in rows:
        story.world.run_until(START + span(row["at"]))
        if row["what happens"]:
            story.happen(row["what happens"])

    assert sorted(story.seen) == sorted(told)


def test_there_are_examples():
    assert len(EXAMPLES) == 10
