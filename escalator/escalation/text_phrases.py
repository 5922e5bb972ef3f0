"""What a message says, in the languages of the phone: short, for every part is paid for.

The texts are for `str.format`; what each may use is in `MEANINGS`. `what` is a title with its code.
Accents need not be spared: `segments.lean` takes off what would make a message longer.
"""

from collections.abc import Mapping
from typing import Final

from escalator.escalation.phrases import nearest

MEANINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "alerts": ("count",),
    "reply": ("key", "code"),
    "more": ("count",),
    "stale": ("title", "since", "key", "code"),
    "acknowledged": ("what",),
    "acknowledged_by": ("what", "by"),
    "passed_on": ("what",),
    "resolved": ("what",),
    "snoozed": ("what", "until"),
    "unknown_code": ("code",),
    "help": ("acknowledge", "escalate", "resolve"),
    "stranger": (),
}
_DEFAULT = "en"

TEXT_PHRASES: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "alerts": "{count} alerts:",
        "reply": "Reply {key} {code} to acknowledge",
        "more": "and {count} more",
        "stale": "{title}: no word from its sender since {since}. Reply {key} {code} to resolve",
        "acknowledged": "{what}: acknowledged",
        "acknowledged_by": "{what}: acknowledged by {by}",
        "passed_on": "{what}: passed on",
        "resolved": "{what}: resolved",
        "snoozed": "{what}: snoozed until {until}",
        "unknown_code": "No open alert has the code {code}",
        "help": "Send {acknowledge} and an alert's code to acknowledge it, {escalate} to pass it on, "
        "{resolve} to resolve it",
        "stranger": "This number is not known here",
    },
    "de": {
        "alerts": "{count} Alarme:",
        "reply": "Antwort {key} {code} bestätigt",
        "more": "und {count} weitere",
        "stale": "{title}: seit {since} nichts mehr vom Absender. Antwort {key} {code} erledigt",
        "acknowledged": "{what}: bestätigt",
        "acknowledged_by": "{what}: bestätigt von {by}",
        "passed_on": "{what}: weitergegeben",
        "resolved": "{what}: erledigt",
        "snoozed": "{what}: zurückgestellt bis {until}",
        "unknown_code": "Kein offener Alarm hat den Code {code}",
        "help": "Senden Sie {acknowledge} und den Code eines Alarms zum Bestätigen, {escalate} zum Weitergeben, "
        "{resolve} für erledigt",
        "stranger": "Diese Nummer ist hier nicht bekannt",
    },
    "fr": {
        "alerts": "{count} alertes :",
        "reply": "Répondez {key} {code} pour confirmer",
        "more": "et {count} de plus",
        "stale": "{title} : aucune nouvelle de l'émetteur depuis {since}. Répondez {key} {code} pour clore",
        "acknowledged": "{what} : confirmé",
        "acknowledged_by": "{what} : confirmé par {by}",
        "passed_on": "{what} : transmis",
        "resolved": "{what} : résolu",
        "snoozed": "{what} : reporté jusqu'à {until}",
        "unknown_code": "Aucune alerte ouverte n'a le code {code}",
        "help": "Envoyez {acknowledge} et le code d'une alerte pour confirmer, {escalate} pour transmettre, "
        "{resolve} pour clore",
        "stranger": "Ce numéro n'est pas connu ici",
    },
    "es": {
        "alerts": "{count} alertas:",
        "reply": "Responda {key} {code} para confirmar",
        "more": "y {count} más",
        "stale": "{title}: sin noticias del emisor desde {since}. Responda {key} {code} para resolver",
        "acknowledged": "{what}: confirmada",
        "acknowledged_by": "{what}: confirmada por {by}",
        "passed_on": "{what}: pasada a la siguiente persona",
        "resolved": "{what}: resuelta",
        "snoozed": "{what}: pospuesta hasta {until}",
        "unknown_code": "Ninguna alerta abierta tiene el código {code}",
        "help": "Envíe {acknowledge} y el código de una alerta para confirmarla, {escalate} para pasarla, "
        "{resolve} para resolverla",
        "stranger": "Este número no se conoce aquí",
    },
    "it": {
        "alerts": "{count} allarmi:",
        "reply": "Rispondi {key} {code} per confermare",
        "more": "e altri {count}",
        "stale": "{title}: nessuna notizia dal mittente dalle {since}. Rispondi {key} {code} per risolvere",
        "acknowledged": "{what}: confermato",
        "acknowledged_by": "{what}: confermato da {by}",
        "passed_on": "{what}: passato ad altri",
        "resolved": "{what}: risolto",
        "snoozed": "{what}: rimandato fino a {until}",
        "unknown_code": "Nessun allarme aperto ha il codice {code}",
        "help": "Invia {acknowledge} e il codice di un allarme per confermarlo, {escalate} per passarlo, "
        "{resolve} per risolverlo",
        "stranger": "Questo numero qui non è conosciuto",
    },
    "nl": {
        "alerts": "{count} meldingen:",
        "reply": "Antwoord {key} {code} om te bevestigen",
        "more": "en nog {count}",
        "stale": "{title}: sinds {since} niets van de afzender. Antwoord {key} {code} om op te lossen",
        "acknowledged": "{what}: bevestigd",
        "acknowledged_by": "{what}: bevestigd door {by}",
        "passed_on": "{what}: doorgegeven",
        "resolved": "{what}: opgelost",
        "snoozed": "{what}: uitgesteld tot {until}",
        "unknown_code": "Geen open melding heeft de code {code}",
        "help": "Stuur {acknowledge} en de code van een melding om te bevestigen, {escalate} om door te geven, "
        "{resolve} om op te lossen",
        "stranger": "Dit nummer is hier niet bekend",
    },
    "pt": {
        "alerts": "{count} alertas:",
        "reply": "Responda {key} {code} para confirmar",
        "more": "e mais {count}",
        "stale": "{title}: sem notícias do emissor desde {since}. Responda {key} {code} para resolver",
        "acknowledged": "{what}: confirmado",
        "acknowledged_by": "{what}: confirmado por {by}",
        "passed_on": "{what}: passado adiante",
        "resolved": "{what}: resolvido",
        "snoozed": "{what}: adiado até {until}",
        "unknown_code": "Nenhum alerta aberto tem o código {code}",
        "help": "Envie {acknowledge} e o código de um alerta para confirmar, {escalate} para passar adiante, "
        "{resolve} para resolver",
        "stranger": "Este número não é conhecido aqui",
    },
    "ja": {
        "alerts": "アラート{count}件",
        "reply": "確認は {key} {code} と返信",
        "more": "ほか{count}件",
        "stale": "{title}: {since}から送信元の連絡なし。解決は {key} {code} と返信",
        "acknowledged": "{what}: 確認しました",
        "acknowledged_by": "{what}: {by}さんが確認済み",
        "passed_on": "{what}: 次の人に回しました",
        "resolved": "{what}: 解決済み",
        "snoozed": "{what}: {until}まで後回し",
        "unknown_code": "コード{code}の未解決アラートはありません",
        "help": "アラートのコードを付けて返信: 確認は{acknowledge}、次の人に回すには{escalate}、解決は{resolve}",
        "stranger": "この番号は登録されていません",
    },
}


def text_phrase(language: str, phrase: str, **values: object) -> str:
    """The phrase in the language of this tag, else in English. `KeyError` for one that does not exist."""
    known = nearest(TEXT_PHRASES, language) or TEXT_PHRASES[_DEFAULT]
    return known[phrase].format(**values)
