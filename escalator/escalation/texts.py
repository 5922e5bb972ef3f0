"""What becomes of the messages that an incident owes. A message never counts as reached: whatever
comes of it, the incident's steps go on as they would.
"""

from dataclasses import replace

from escalator.escalation.draft import Draft
from escalator.escalation.events import TextEnded, TextPassed, TextPlaced


def text(draft: Draft, event: TextPlaced | TextEnded | TextPassed) -> None:
    """Apply what happened to the messages owed to one person."""
    name = draft.person_name(event.person)
    match event:
        case TextPlaced():
            _settle(draft, event.person)
            draft.say("texted", f"a message to {name}", call=event.message_id)
        case TextEnded():
            draft.say("text_ended", f"the message to {name}: {event.what}")
        case TextPassed():
            _settle(draft, event.person)
            draft.say("text_passed", f"no message to {name}: {event.reason}")


def _settle(draft: Draft, person: str) -> None:
    """What was due to this person is not owed any more."""
    draft.set_texts(
        tuple(
            replace(one, is_sent=True) if one.person == person and one.due_at <= draft.now else one
            for one in draft.incident.texts
        )
    )
