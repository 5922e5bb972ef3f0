"""Each example of schedules.md is loaded and asked, and answers what the table below it says."""

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from manual import page, tables, words_in_code

from escalator.config.loading import load
from escalator.escalation.intervals import holds
from escalator.escalation.oncall import on_call
from escalator.escalation.responders import responders

PAGE = page("schedules.md")
BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.M | re.S)
DEFAULT_ZONE = "Europe/Berlin"
AROUND = {
    "version": "version: 1\n",
    "public_url": "public_url: https://pager.example.net\n",
    "twilio": "twilio: { account_sid: AC0123456789abcdef0123456789abcdef, auth_token: { file: token }, "
    "from: +15005550006 }\n",
    "people": "people: { ana: { phone: +491713920012 }, ben: { phone: +447700900123 } }\n",
    "policies": "policies: { default: { steps: [{ call: everyone }] } }\n",
}


@dataclass(frozen=True)
class Example:
    """A block of YAML and the tables between it and the next one."""

    name: str
    yaml: str
    tables: tuple

    def __str__(self):
        return self.name


def examples():
    for section in re.split(r"^## ", PAGE, flags=re.M)[1:]:
        title = section.partition("\n")[0]
        _, *parts = BLOCK.split(section)
        for number, (yaml, text) in enumerate(zip(parts[::2], parts[1::2], strict=True)):
            yield Example(f"{title} {number}".removesuffix(" 0"), yaml, tuple(tables(text)))


EXAMPLES = list(examples())


def rules_of(example, folder):
    cuts = re.split(r"^(?=[a-z_]+:)", example.yaml, flags=re.M)
    written = {cut.partition(":")[0]: cut for cut in cuts if cut.strip()}
    file = folder / "escalator.yml"
    file.write_text("".join((AROUND | written).values()), encoding="utf-8")
    return load(file, secrets=False).rules


def moment(words):
    """`2026-10-25 02:30`, in the default zone, or with an offset."""
    at = datetime.fromisoformat(words.replace(" +", "+"))
    return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(DEFAULT_ZONE))


def answer(rules, column, at):
    """What the cell of this column must say; a column without a head is for remarks."""
    if column in rules.time_intervals:
        return "yes" if holds(rules.time_intervals[column], at) else "no"
    if column == "why":
        shift = on_call(rules.schedules["primary"], rules.people, at)
        return shift.reason.text(rules.people, ZoneInfo(DEFAULT_ZONE))
    return ", ".join(responders(rules, [column], at).people) or "nobody"


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_an_example_answers_what_its_tables_say(example, tmp_path):
    rules = rules_of(example, tmp_path)

    assert example.tables, "an example without a table"
    for table in example.tables:
        for row in table.rows:
            cells = {(words_in_code(head) or [head])[0]: cell for head, cell in row.items() if head}
            at = moment(cells.pop("at"))
            assert {head: answer(rules, head, at) for head in cells} == cells, row["at"]


def test_the_sentence_on_a_stand_in_is_what_is_said(tmp_path):
    [example] = [one for one in EXAMPLES if one.name == "Away"]
    rules = rules_of(example, tmp_path)

    assert f"*{answer(rules, 'why', moment('2026-11-02 07:00'))}*" in PAGE


def test_every_section_but_the_one_on_calendars_has_an_example():
    titles = set(re.findall(r"^## (.+)$", PAGE, re.M))

    assert {one.name.rstrip(" 123456789") for one in EXAMPLES} == titles - {"Calendars"}
