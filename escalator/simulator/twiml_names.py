"""The names and limits of TwiML: which languages, voices and attributes there are, and how long a
Say may be.
"""

import re

_SSML = "break emphasis lang p phoneme prosody s say-as sub w"
_NOT_SIMULATED = (
    "Dial Enqueue Leave Record Reject Refer Pay Prompt Queue Sms Siprec Start Stop Stream "
    "Connect Echo Transcription"
)
_GATHER = (
    "action method input timeout numDigits finishOnKey actionOnEmptyResult speechTimeout "
    "maxSpeechTime speechModel enhanced language hints profanityFilter bargeIn "
    "partialResultCallback partialResultCallbackMethod debug"
)
_LANGUAGES = (
    "af-ZA am-ET ar-AE ar-XA arb bg-BG bn-IN ca-ES cmn-CN cmn-TW cs-CZ cy-GB da-DK de-AT de-DE "
    "el-GR en-AU en-CA en-GB en-GB-WLS en-IE en-IN en-NZ en-US en-ZA es-ES es-MX es-US fi-FI "
    "fil-PH fr-BE fr-CA fr-FR gu-IN he-IL hi-IN hu-HU id-ID is-IS it-IT ja-JP kn-IN ko-KR lv-LV "
    "ml-IN mr-IN ms-MY nb-NO nl-BE nl-NL pa-IN pl-PL pt-BR pt-PT ro-RO ru-RU sk-SK sr-RS sv-SE "
    "ta-IN te-IN th-TH tr-TR uk-UA vi-VN yue-HK zh-CN zh-HK zh-TW"
)

SAY_ENCODED_MAX = 4500
SSML = frozenset(_SSML.split())
NOT_SIMULATED = frozenset(_NOT_SIMULATED.split())
GATHER = tuple(_GATHER.split())
LANGUAGES = frozenset(_LANGUAGES.split())
VOICE = re.compile(
    r"man|woman|alice"
    r"|Polly\.[A-Z][A-Za-z]+(-Neural|-Generative)?"
    r"|Google\.[a-z]{2,3}-[A-Z0-9]{2,3}-[\w-]+"
)


def say_limit(voice: str | None) -> int:
    """How many characters one Say may have in this voice."""
    if voice is not None and voice.startswith("Polly."):
        return 3000
    if voice is not None and voice.startswith("Google."):
        return 5000
    return 4096
