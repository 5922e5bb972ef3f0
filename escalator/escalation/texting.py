"""What a message says: the worst incident in full with how to take it, the others in a line each, the
rest as a number; never more than three parts.

Texts from a payload are values, cleaned of line breaks and addresses. How to reply is never cut.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from escalator.escalation.cleaning import clean
from escalator.escalation.rules import Keys, Person, Rules
from escalator.escalation.segments import lean, segments
from escalator.escalation.text_phrases import text_phrase
from escalator.escalation.words import severity_name

SEGMENTS_MAX = 3
TITLE_MAX = 100
SUMMARY_MAX = 300
SHORT_MAX = 40
TOPICS_MAX = 13
_STEP = 10
_SENTENCE_MARKS = " .。"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """What a message may say of one incident. The texts are the payload's, as they came.

    `silent_since`: the last word of its sender (wall time), for one that somebody has taken and
    nobody speaks of any more.
    """

    code: str
    title: str
    severity: str = ""
    summary: str = ""
    silent_since: datetime | None = None


def compose(
    rules: Rules, person: Person | None, topics: Sequence[Topic], total: int | None = None
) -> str:
    """The message about these incidents, the most important first, for this person.

    Of `total` incidents (None: these) only the first `TOPICS_MAX` can ever be told.
    """
    writer = _Writer(rules, person, topics[:TOPICS_MAX], total or len(topics))
    lines = len(topics[:TOPICS_MAX]) - 1
    for shown in range(lines, -1, -1):
        if _fits(text := writer.text(shown)):
            return text
    for summary in range(SUMMARY_MAX - _STEP, -1, -_STEP):
        if _fits(text := writer.text(0, summary=summary)):
            return text
    for title in range(TITLE_MAX - _STEP, 0, -_STEP):
        if _fits(text := writer.text(0, title=title, summary=0)):
            break
    return text


def shortened(text: str) -> str:
    """A message in as few parts as a whole one may have; what is too much at its end goes."""
    text = lean(text)
    while not _fits(text):
        text = text[: -(len(text) // 8 + 1)].rstrip()
    return text


def language_of(rules: Rules, person: Person | None) -> str:
    """The language in which this person is written to."""
    return (person.language if person is not None else "") or rules.language


def local_time(at: datetime, person: Person | None) -> str:
    """A wall time as this person's clock shows it, to the minute."""
    try:
        zone = ZoneInfo(person.timezone if person is not None else "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def _fits(text: str) -> bool:
    return segments(text) <= SEGMENTS_MAX


class _Writer:
    """Writes one message again and again, shorter each time."""

    def __init__(self, rules: Rules, person: Person | None, topics: Sequence[Topic], total: int):
        self._keys: Keys = rules.keys
        self._person = person
        self._language = language_of(rules, person)
        self._topics = topics
        self._total = total

    def text(self, shown: int, *, title: int = TITLE_MAX, summary: int = SUMMARY_MAX) -> str:
        """The whole message, with so many of the others in a line each."""
        first, *others = self._topics
        lines = [self._in_full(first, title, summary)]
        if self._total > 1:
            lines.insert(0, self._say("alerts", count=self._total))
        lines += [self._short(topic) for topic in others[:shown]]
        if left := self._total - 1 - shown:
            lines.append(self._say("more", count=left))
        return lean("\n".join(lines))

    def _in_full(self, topic: Topic, title_max: int, summary_max: int) -> str:
        title = clean(topic.title, title_max).rstrip(_SENTENCE_MARKS)
        if topic.silent_since is not None:
            since = local_time(topic.silent_since, self._person)
            key = self._keys.resolve
            return self._say("stale", title=title, since=since, key=key, code=topic.code)
        summary = clean(topic.summary, summary_max).rstrip(_SENTENCE_MARKS) if summary_max else ""
        hint = self._say("reply", key=self._keys.acknowledge, code=topic.code)
        said = [self._headed(topic, title), "" if summary == title else summary, hint]
        return ". ".join(part for part in said if part)

    def _short(self, topic: Topic) -> str:
        title = clean(topic.title, SHORT_MAX).rstrip(_SENTENCE_MARKS)
        return f"{self._headed(topic, title)} ({topic.code})"

    def _headed(self, topic: Topic, title: str) -> str:
        severity = severity_name(clean(topic.severity, SHORT_MAX), self._language)
        return f"{severity}: {title}" if severity else title

    def _say(self, phrase: str, **values: object) -> str:
        return text_phrase(self._language, phrase, **values)
