from escalator.escalation.words import key_name, severity_name


def test_severities_are_words_of_the_language_and_strange_ones_stay():
    assert severity_name("critical", "de-DE") == "Kritisch"
    assert severity_name("WARNING", "ja-JP") == "警告"
    assert severity_name("page", "fr-FR") == "page"
    assert severity_name("info", "sv-SE") == "Information"


def test_star_and_pound_are_words_and_digits_stay():
    assert key_name("*", "de-DE") == "Stern"
    assert key_name("#", "en-GB") == "hash"
    assert key_name("#", "en-US") == "pound"
    assert key_name("4", "ja-JP") == "4"
    assert key_name("", "en") == ""
    assert key_name("*", "sv-SE") == "star"
