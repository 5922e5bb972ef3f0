"""What is said on the phone, in eight languages.

A phrase is a Jinja text; nothing here renders it. What it may use: `incident.title`,
`incident.severity` (already a word of the language, or empty), `incident.summary`,
`incident.firing`, `count`, `by`, `person`, and `keys.acknowledge`, `keys.escalate`, `keys.resolve`,
`keys.snooze`, `keys.repeat` (already spoken words, empty when no key does it).

Who is calling and about what comes first and the menu last, because people hang up early.
No phrase tells a voicemail anything about an alert.
"""

from collections.abc import Mapping
from typing import Final, TypeVar

MEANINGS: Final[Mapping[str, str]] = {
    "intro": "first words of a call; `count` alerts are told or waiting",
    "firing": "one incident: how bad, what, and its summary",
    "also": "how many alerts fire in that incident, when more than one",
    "old": "that incident began `count` days ago; said of what is older than a day",
    "more": "`count` further incidents that are not told in full",
    "menu": "which key does what",
    "acknowledged": "the key was taken and is on disk",
    "acknowledged_by": "somebody else (`by`, may be empty) was first",
    "resolved": "the incident is over",
    "snoozed": "the incident is put off",
    "passed_on": "the next step has been started",
    "not_understood": "a key that does nothing",
    "goodbye": "last word before we hang up",
    "hold": "the answer is being written; the caller is sent round once more",
    "inactive": "the call behind this link is over",
    "machine": "all that a voicemail hears; no detail",
    "nothing_open": "everything this call was about has closed meanwhile",
    "new_alerts": "`count` more came in during this call",
    "already_handled": "a surplus call: another one about the same is under way",
}

_Value = TypeVar("_Value")

_DEFAULT = "en"
_KEYS = ("acknowledge", "escalate", "resolve", "snooze", "repeat")
_FIRING = (
    "{% if incident.severity %}{{ incident.severity }}: {% endif %}{{ incident.title }}."
    "{% if incident.summary %} {{ incident.summary }}.{% endif %}"
)


def _number(one: str, many: str) -> str:
    return f"{{% if count == 1 %}}{one}{{% else %}}{many}{{% endif %}}"


def _if_several(text: str) -> str:
    return f"{{% if incident.firing > 1 %}}{text}{{% endif %}}"


def _by(named: str, unnamed: str) -> str:
    return f"{{% if by %}}{named}{{% else %}}{unnamed}{{% endif %}}"


def _menu(sentence: str, choices: str, comma: str = ", ") -> str:
    """The sentence with the choices in its `{}`: one for each of `_KEYS`, parted by " / ".

    `#` in a choice is the key's name. A choice whose key is not set is left out.
    """
    spoken = ""
    for key, choice in zip(_KEYS, choices.split(" / "), strict=True):
        joint = comma if spoken else ""
        text = choice.replace("#", f"{{{{ keys.{key} }}}}")
        spoken += f"{{% if keys.{key} %}}{joint}{text}{{% endif %}}"
    return sentence.replace("{}", spoken)


PHRASES: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "intro": "Escalator. {{ count }} " + _number("alert", "alerts") + ".",
        "firing": _FIRING,
        "also": _if_several("{{ incident.firing }} alerts are firing in it."),
        "old": "This alert is from {{ count }} " + _number("day", "days") + " ago.",
        "more": "And {{ count }} more.",
        "menu": _menu(
            "Press {}.",
            "# to acknowledge / # to pass it on / # to resolve it / "
            "# to snooze it / # to hear it again",
        ),
        "acknowledged": "Acknowledged.",
        "acknowledged_by": _by(
            "{{ by }} has already acknowledged this.",
            "Somebody else has already acknowledged this.",
        ),
        "resolved": "Resolved.",
        "snoozed": "Snoozed.",
        "passed_on": "Passed on.",
        "not_understood": "Sorry, that key does nothing.",
        "goodbye": "Goodbye.",
        "hold": "Please hold.",
        "inactive": "This call is no longer active.",
        "machine": "This is Escalator. There was an alert for you. Please check your alerts.",
        "nothing_open": "No alert is open any more.",
        "new_alerts": "{{ count }} " + _number("alert", "alerts") + " came in during this call.",
        "already_handled": "Another call about this is already under way.",
    },
    "de": {
        "intro": "Escalator. {{ count }} " + _number("Alarm", "Alarme") + ".",
        "firing": _FIRING,
        "also": _if_several("Darin sind {{ incident.firing }} Alarme aktiv."),
        "old": "Dieser Alarm ist schon {{ count }} " + _number("Tag", "Tage") + " alt.",
        "more": "Und {{ count }} " + _number("weiterer", "weitere") + ".",
        "menu": _menu(
            "Drücken Sie {}.",
            "# zum Bestätigen / # zum Weitergeben / # für erledigt / "
            "# zum Zurückstellen / # zum Wiederholen",
        ),
        "acknowledged": "Bestätigt.",
        "acknowledged_by": _by(
            "{{ by }} hat das schon bestätigt.", "Jemand anderes hat das schon bestätigt."
        ),
        "resolved": "Erledigt.",
        "snoozed": "Zurückgestellt.",
        "passed_on": "Weitergegeben.",
        "not_understood": "Diese Taste ist nicht belegt.",
        "goodbye": "Auf Wiederhören.",
        "hold": "Einen Moment bitte.",
        "inactive": "Dieser Anruf ist nicht mehr aktiv.",
        "machine": "Hier ist Escalator. Es gab einen Alarm für Sie. Bitte prüfen Sie Ihre Alarme.",
        "nothing_open": "Es ist kein Alarm mehr offen.",
        "new_alerts": "Während dieses Anrufs "
        + _number("kam ein Alarm", "kamen {{ count }} Alarme")
        + " hinzu.",
        "already_handled": "Dazu läuft schon ein anderer Anruf.",
    },
    "fr": {
        "intro": "Escalator. {{ count }} " + _number("alerte", "alertes") + ".",
        "firing": _FIRING,
        "also": _if_several("{{ incident.firing }} alertes y sont actives."),
        "old": "Cette alerte date d'il y a {{ count }} " + _number("jour", "jours") + ".",
        "more": "Et {{ count }} de plus.",
        "menu": _menu(
            "Appuyez sur {}.",
            "# pour confirmer / # pour transmettre / # pour clore / "
            "# pour reporter / # pour réécouter",
        ),
        "acknowledged": "Confirmé.",
        "acknowledged_by": _by("{{ by }} a déjà confirmé.", "Quelqu'un d'autre a déjà confirmé."),
        "resolved": "Résolu.",
        "snoozed": "Reporté.",
        "passed_on": "Transmis.",
        "not_understood": "Désolé, cette touche ne fait rien.",
        "goodbye": "Au revoir.",
        "hold": "Veuillez patienter.",
        "inactive": "Cet appel n'est plus actif.",
        "machine": "Ici Escalator. Il y avait une alerte pour vous. Veuillez vérifier vos alertes.",
        "nothing_open": "Plus aucune alerte n'est ouverte.",
        "new_alerts": "{{ count }} "
        + _number("alerte est arrivée", "alertes sont arrivées")
        + " pendant cet appel.",
        "already_handled": "Un autre appel à ce sujet est déjà en cours.",
    },
    "es": {
        "intro": "Escalator. {{ count }} " + _number("alerta", "alertas") + ".",
        "firing": _FIRING,
        "also": _if_several("Incluye {{ incident.firing }} alertas activas."),
        "old": "Esta alerta es de hace {{ count }} " + _number("día", "días") + ".",
        "more": "Y {{ count }} más.",
        "menu": _menu(
            "Pulse {}.",
            "# para confirmar / # para pasarla / # para resolverla / "
            "# para posponerla / # para repetir",
        ),
        "acknowledged": "Confirmada.",
        "acknowledged_by": _by(
            "{{ by }} ya la ha confirmado.", "Otra persona ya la ha confirmado."
        ),
        "resolved": "Resuelta.",
        "snoozed": "Pospuesta.",
        "passed_on": "Pasada a la siguiente persona.",
        "not_understood": "Lo siento, esa tecla no hace nada.",
        "goodbye": "Adiós.",
        "hold": "Espere, por favor.",
        "inactive": "Esta llamada ya no está activa.",
        "machine": "Le llama Escalator. Había una alerta para usted. Revise sus alertas.",
        "nothing_open": "Ya no queda ninguna alerta abierta.",
        "new_alerts": _number("Ha llegado una alerta", "Han llegado {{ count }} alertas")
        + " durante esta llamada.",
        "already_handled": "Ya hay otra llamada en curso sobre esto.",
    },
    "it": {
        "intro": "Escalator. {{ count }} " + _number("allarme", "allarmi") + ".",
        "firing": _FIRING,
        "also": _if_several("Comprende {{ incident.firing }} allarmi attivi."),
        "old": "Questo allarme risale a {{ count }} " + _number("giorno", "giorni") + " fa.",
        "more": "E {{ count }} in più.",
        "menu": _menu(
            "Prema {}.",
            "# per confermare / # per passare ad altri / # per risolvere / "
            "# per rimandare / # per riascoltare",
        ),
        "acknowledged": "Confermato.",
        "acknowledged_by": _by("{{ by }} ha già confermato.", "Qualcun altro ha già confermato."),
        "resolved": "Risolto.",
        "snoozed": "Rimandato.",
        "passed_on": "Passato ad altri.",
        "not_understood": "Mi dispiace, questo tasto non fa nulla.",
        "goodbye": "Arrivederci.",
        "hold": "Attenda, per favore.",
        "inactive": "Questa chiamata non è più attiva.",
        "machine": "Qui Escalator. C'era un allarme per lei. Controlli i suoi allarmi.",
        "nothing_open": "Nessun allarme è più aperto.",
        "new_alerts": _number("È arrivato un allarme", "Sono arrivati {{ count }} allarmi")
        + " durante questa chiamata.",
        "already_handled": "C'è già un'altra chiamata in corso per questo.",
    },
    "nl": {
        "intro": "Escalator. {{ count }} " + _number("melding", "meldingen") + ".",
        "firing": _FIRING,
        "also": _if_several("Daarin zijn {{ incident.firing }} meldingen actief."),
        "old": "Deze melding is al {{ count }} " + _number("dag", "dagen") + " oud.",
        "more": "En nog {{ count }}.",
        "menu": _menu(
            "Toets {}.",
            "# om te bevestigen / # om door te geven / # om op te lossen / "
            "# om uit te stellen / # om te herhalen",
        ),
        "acknowledged": "Bevestigd.",
        "acknowledged_by": _by(
            "{{ by }} heeft dit al bevestigd.", "Iemand anders heeft dit al bevestigd."
        ),
        "resolved": "Opgelost.",
        "snoozed": "Uitgesteld.",
        "passed_on": "Doorgegeven.",
        "not_understood": "Sorry, die toets doet niets.",
        "goodbye": "Tot ziens.",
        "hold": "Een ogenblik geduld.",
        "inactive": "Dit gesprek is niet meer actief.",
        "machine": "Dit is Escalator. Er was een melding voor u. Controleer uw meldingen.",
        "nothing_open": "Er staat geen melding meer open.",
        "new_alerts": "Tijdens dit gesprek "
        + _number("kwam er een melding", "kwamen er {{ count }} meldingen")
        + " bij.",
        "already_handled": "Er loopt hierover al een ander gesprek.",
    },
    "pt": {
        "intro": "Escalator. {{ count }} " + _number("alerta", "alertas") + ".",
        "firing": _FIRING,
        "also": _if_several("Inclui {{ incident.firing }} alertas ativos."),
        "old": "Este alerta é de há {{ count }} " + _number("dia", "dias") + ".",
        "more": "E mais {{ count }}.",
        "menu": _menu(
            "Pressione {}.",
            "# para confirmar / # para passar adiante / # para resolver / "
            "# para adiar / # para ouvir de novo",
        ),
        "acknowledged": "Confirmado.",
        "acknowledged_by": _by("{{ by }} já confirmou.", "Outra pessoa já confirmou."),
        "resolved": "Resolvido.",
        "snoozed": "Adiado.",
        "passed_on": "Passado adiante.",
        "not_understood": "Desculpe, essa tecla não faz nada.",
        "goodbye": "Até logo.",
        "hold": "Aguarde, por favor.",
        "inactive": "Esta chamada já não está ativa.",
        "machine": "Aqui é o Escalator. Havia um alerta para você. Verifique os seus alertas.",
        "nothing_open": "Já não há nenhum alerta aberto.",
        "new_alerts": _number("Chegou um alerta", "Chegaram {{ count }} alertas")
        + " durante esta chamada.",
        "already_handled": "Já há outra chamada em curso sobre isto.",
    },
    "ja": {
        "intro": "エスカレーターです。アラートが{{ count }}件あります。",
        "firing": (
            "{% if incident.severity %}{{ incident.severity }}。{% endif %}{{ incident.title }}。"
            "{% if incident.summary %}{{ incident.summary }}。{% endif %}"
        ),
        "also": _if_several("この中で{{ incident.firing }}件のアラートが発生しています。"),
        "old": "このアラートは{{ count }}日前のものです。",
        "more": "ほかに{{ count }}件あります。",
        "menu": _menu(
            "{}を押してください。",
            "確認は# / 次の人に回すには# / 解決済みにするには# / "
            "後回しにするには# / もう一度聞くには#",
            comma="、",
        ),
        "acknowledged": "確認しました。",
        "acknowledged_by": _by(
            "{{ by }}さんがすでに確認しています。", "ほかの人がすでに確認しています。"
        ),
        "resolved": "解決しました。",
        "snoozed": "後回しにしました。",
        "passed_on": "次の人に回しました。",
        "not_understood": "そのキーは使えません。",
        "goodbye": "失礼します。",
        "hold": "少々お待ちください。",
        "inactive": "この通話はすでに無効です。",
        "machine": "エスカレーターです。アラートがありました。確認をお願いします。",
        "nothing_open": "対応が必要なアラートはもうありません。",
        "new_alerts": "この通話中に、新しいアラートが{{ count }}件ありました。",
        "already_handled": "この件は、別の電話で対応中です。",
    },
}


def phrases_for(language: str) -> Mapping[str, str]:
    """The built-in phrases for a language tag such as `de-AT`; English when there are none."""
    return nearest(PHRASES, language) or PHRASES[_DEFAULT]


def nearest(table: Mapping[str, _Value], language: str) -> _Value | None:
    """The entry of that very tag, else of its primary subtag, else None. Case does not matter."""
    folded = {tag.lower(): value for tag, value in table.items()}
    tag = language.lower().replace("_", "-")
    return folded.get(tag, folded.get(tag.partition("-")[0]))
