"""What a person hears, as documents for the carrier. Everything said here is on disk already.

Three incidents are told in full, the rest as "and n more"; then the menu. Silence fetches the next prompt, which is
made afresh, so that what came in meanwhile is told, and what others took is said by name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from escalator.escalation.calls import Speech
from escalator.escalation.incidents import Incident, Phase
from escalator.phone.speech import Speaker, Topic
from escalator.phone.twiml import Gather, Hangup, Pause, Redirect, Say, render

IN_FULL = 3
PROMPTS_MAX = 3
KEY_TIMEOUT_SECONDS = 8
DAY = timedelta(days=1)
HOLD_SECONDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What one prompt is about: the open incidents in order, and where a key press and silence go.

    `lead` are words that come first: what the last key did, or that a surplus call was answered. `now` is engine time:
    by it what is older than a day is told as such, for a restored database may ring about what was over long ago.
    """

    incidents: Sequence[Incident]
    key_url: str
    next_url: str
    lead: Sequence[Say] = ()
    is_first: bool = True
    now: datetime | None = None


def menu(speaker: Speaker, prompt: Prompt) -> bytes:
    """Tell the incidents and ask for a key; on silence go on with the next prompt."""
    says: list[Say | Pause] = list(prompt.lead)
    if prompt.is_first:
        says.append(speaker.say("intro", count=len(prompt.incidents)))
    for incident in prompt.incidents[:IN_FULL]:
        topic = topic_of(incident)
        says.append(speaker.say("firing", incident=topic))
        days = 0 if prompt.now is None else (prompt.now - incident.created_at) // DAY
        if days > 0:
            says.append(speaker.say("old", incident=topic, count=days))
        if topic.firing > 1:
            says.append(speaker.say("also", incident=topic, count=topic.firing))
    if len(prompt.incidents) > IN_FULL:
        says.append(speaker.say("more", count=len(prompt.incidents) - IN_FULL))
    says.append(speaker.say("menu"))
    gather = Gather(action=prompt.key_url, says=says, timeout=KEY_TIMEOUT_SECONDS)
    return render(gather, Redirect(prompt.next_url))


def farewell(speaker: Speaker, *says: Say) -> bytes:
    """Say this, then goodbye, then hang up."""
    return render(*says, speaker.say("goodbye"), Hangup())


def inactive(speaker: Speaker) -> bytes:
    """The call behind this link is over."""
    return render(speaker.say("inactive"), Hangup())


def to_machine(speaker: Speaker) -> bytes:
    """All that a voicemail hears."""
    return render(speaker.say("machine"), Hangup())


def hold(speaker: Speaker, url: str) -> bytes:
    """The commit takes its time: ask to wait, then come back."""
    return render(speaker.say("hold"), Pause(HOLD_SECONDS), Redirect(url))


def direct(speech: Speech) -> bytes:
    """A direct call: exactly one `<Say>`."""
    return render(Say(speech.say, speech.language, speech.voice, speech.loop, whole=True))


def standing(speaker: Speaker, incident: Incident | None, person: str, by_name: str) -> Say:
    """How an incident stands, for somebody who acted or was called about it."""
    if incident is None or incident.phase is Phase.RESOLVED:
        return speaker.say("resolved")
    if incident.phase is Phase.SNOOZED:
        return speaker.say("snoozed")
    if incident.phase is Phase.ACKNOWLEDGED:
        if incident.acknowledged_by == person:
            return speaker.say("acknowledged")
        return speaker.say("acknowledged_by", by=by_name)
    return speaker.say("nothing_open")


def topic_of(incident: Incident) -> Topic:
    """What may be said of an incident."""
    return Topic(
        title=incident.title,
        severity=incident.severity,
        summary=incident.summary,
        firing=incident.firing,
    )
