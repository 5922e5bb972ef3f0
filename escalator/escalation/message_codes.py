"""What the carrier's codes for a message mean, in words for a timeline.

Those that come with the answer to a request are here as well as those that come later: either way
somebody asks in the morning why no message was there.
"""

from collections.abc import Mapping
from typing import Final

MEANINGS: Final[Mapping[int, str]] = {
    21211: "the number is not valid",
    21408: "messages to that country are not allowed: see Messaging, Settings, Geo permissions in Twilio's console",
    21606: "our number cannot send messages to that country",
    21608: "a trial account writes to verified numbers only",
    21610: "whoever has this phone has answered STOP; START, sent from it, allows messages again",
    21612: "our number cannot reach that network",
    21614: "the number is not a mobile phone's",
    30001: "our number's queue is full",
    30002: "the account is suspended",
    30003: "the phone is off or out of reach",
    30004: "its owner or its network blocks it",
    30005: "nobody has this number",
    30006: "it is a landline, or its network takes no messages",
    30007: "its network took it for spam",
    30008: "its network gave no reason",
    30017: "its network is congested",
    30022: "more messages than the registration (10DLC) allows at once",
    30023: "more messages than the registration (10DLC) allows in a day",
    30032: "our toll-free number is not verified",
    30034: "our number is not registered for messages in the US (10DLC)",
    30450: "Twilio takes it for fraud",
}


def meaning_of(code: int | None, said: str = "") -> str:
    """Why a message did not arrive: our words for the code, else the carrier's, with the code."""
    words = MEANINGS.get(code or 0) or said or "the carrier gave no reason"
    return f"{words} ({code})" if code else words
