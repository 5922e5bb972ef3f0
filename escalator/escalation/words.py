"""Single words that phrases are filled with, in the languages of the phrases: severities, and names of keys."""

from collections.abc import Mapping
from typing import Final

from escalator.escalation.phrases import nearest

_DEFAULT = "en"

SEVERITIES: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {"critical": "Critical", "error": "Error", "warning": "Warning", "info": "Information"},
    "de": {"critical": "Kritisch", "error": "Fehler", "warning": "Warnung", "info": "Hinweis"},
    "fr": {
        "critical": "Critique",
        "error": "Erreur",
        "warning": "Attention",
        "info": "Information",
    },
    "es": {
        "critical": "Crítico",
        "error": "Error",
        "warning": "Advertencia",
        "info": "Información",
    },
    "it": {"critical": "Critico", "error": "Errore", "warning": "Avviso", "info": "Informazione"},
    "nl": {"critical": "Kritiek", "error": "Fout", "warning": "Waarschuwing", "info": "Informatie"},
    "pt": {"critical": "Crítico", "error": "Erro", "warning": "Aviso", "info": "Informação"},
    "ja": {"critical": "重大", "error": "エラー", "warning": "警告", "info": "情報"},
}

_KEY_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {"*": "star", "#": "pound"},
    "en-GB": {"*": "star", "#": "hash"},
    "de": {"*": "Stern", "#": "Raute"},
    "fr": {"*": "étoile", "#": "dièse"},
    "es": {"*": "asterisco", "#": "almohadilla"},
    "it": {"*": "asterisco", "#": "cancelletto"},
    "nl": {"*": "sterretje", "#": "hekje"},
    "pt": {"*": "asterisco", "#": "jogo da velha"},
    "pt-PT": {"*": "asterisco", "#": "cardinal"},
    "ja": {"*": "こめじるし", "#": "シャープ"},
}


def severity_name(severity: str, language: str) -> str:
    """The word for a severity; one that is not ours is said as it stands."""
    words = nearest(SEVERITIES, language) or SEVERITIES[_DEFAULT]
    return words.get(severity.lower(), severity)


def key_name(digit: str, language: str) -> str:
    """How a key is called aloud: digits as they are, `*` and `#` as words; empty stays empty."""
    names = nearest(_KEY_NAMES, language) or _KEY_NAMES[_DEFAULT]
    return names.get(digit, digit)
