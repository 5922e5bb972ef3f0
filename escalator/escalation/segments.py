"""How a text is cut up on the radio, and how it is kept in few parts.

A message travels in the 7-bit alphabet of GSM when every character of it is in there, some of them
counted twice; else in UCS-2, where less than half as many fit. Each part is paid for.
"""

import unicodedata
from collections.abc import Sequence
from typing import Final

BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED: Final = frozenset("^{}\\[~]|€\f")
_GSM = BASIC | EXTENDED
_SINGLE, _PART = 160, 153
_SINGLE_UCS2, _PART_UCS2 = 70, 67
_TYPEWRITER = str.maketrans(
    {
        **dict.fromkeys("“”„‟«»″", '"'),
        **dict.fromkeys("‘’‚‛′`´", "'"),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("\u00a0\u2007\u2009\u202f", " "),
        "…": "...",
        "•": "-",
        "×": "x",
    }
)


def is_gsm(text: str) -> bool:
    """Whether the text fits the 7-bit alphabet."""
    return all(sign in _GSM for sign in text)


def segments(text: str) -> int:
    """In how many parts the text travels."""
    if is_gsm(text):
        return _parts([2 if sign in EXTENDED else 1 for sign in text], _SINGLE, _PART)
    return _parts([2 if ord(sign) > 0xFFFF else 1 for sign in text], _SINGLE_UCS2, _PART_UCS2)


def _parts(widths: Sequence[int], single: int, part: int) -> int:
    if sum(widths) <= single:
        return 1
    count, used = 1, 0
    for width in widths:
        if used + width > part:  # what counts twice is not torn apart
            count, used = count + 1, 0
        used += width
    return count


def lean(text: str) -> str:
    """The text with typewriter's quotes and dashes; and where that alone makes it fit the 7-bit
    alphabet, without the accents that are not in there.
    """
    text = text.translate(_TYPEWRITER)
    bare = "".join(sign if sign in _GSM else _without_accent(sign) for sign in text)
    return bare if is_gsm(bare) else text


def _without_accent(sign: str) -> str:
    return "".join(
        part for part in unicodedata.normalize("NFD", sign) if not unicodedata.combining(part)
    )
