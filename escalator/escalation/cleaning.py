"""Foreign text made fit for people: what a payload brings is data, and never gets to break a line, an
address or a sentence.
"""

import re
import unicodedata

SPOKEN_MAX = 300
"""How much of one text from a payload is spoken, in characters."""

_ADDRESS = re.compile(r"(?:\b[a-z][a-z0-9+.-]{1,15}://|\bwww\.)\S*", re.IGNORECASE)
_AFTER_ADDRESS = ".,;:!?)]}>\"'"
_JOINERS = frozenset("\u200c\u200d")


def clean(text: str, limit: int = SPOKEN_MAX) -> str:
    """Foreign text made fit to be spoken or sent: one line, words only, at most `limit` characters.

    Addresses become "link"; control, direction, private and broken characters go. The end is cut
    at a word where there is one.
    """
    # Only so much is looked at: an alert may bring megabytes.
    text = _ADDRESS.sub(_link, text[: limit * 20])
    text = " ".join("".join(map(_printable, text)).split())
    if len(text) <= limit:
        return text
    head = text[: limit + 1]
    border = head.rfind(" ", limit // 2)
    return head[: border if border > 0 else limit].rstrip()


def _link(found: re.Match[str]) -> str:
    address = found[0]
    return "link" + address[len(address.rstrip(_AFTER_ADDRESS)) :]


def _printable(sign: str) -> str:
    kind = unicodedata.category(sign)
    if kind == "Cc":
        return " "
    # Cf holds the direction marks; two of its joiners belong to the spelling of some languages.
    return "" if kind[0] == "C" and sign not in _JOINERS else sign
