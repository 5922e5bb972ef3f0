import pytest
from playbook import Playbook, policy, rules, span

ANA_THEN_BEN = rules(policy("ana", "ben"))


def test_a_playbook_tells_a_story():
    with Playbook(ANA_THEN_BEN) as page:
        page.alert("disk-full").rings("ana")
        page.after("5m").rings("ben")
        page.presses("ben", "4").is_acknowledged_by("ben")
        page.after("24h").stays_quiet()


def test_an_unexpected_effect_fails_when_the_next_thing_happens():
    page = Playbook(ANA_THEN_BEN).alert("disk-full")

    with pytest.raises(
        AssertionError, match=r"5m pass, but nobody expected \[\('rings', 'ana'\)\]"
    ):
        page.after("5m")


def test_an_unexpected_effect_fails_when_the_story_ends():
    page = Playbook(ANA_THEN_BEN).alert("disk-full").rings("ana").after("5m")

    with pytest.raises(AssertionError, match="the story ends, but nobody expected"):
        page.__exit__(None, None, None)


def test_a_playbook_that_checks_nothing_fails():
    page = Playbook(ANA_THEN_BEN).resolves("disk-full")

    with pytest.raises(AssertionError, match="this playbook checked nothing"):
        page.__exit__(None, None, None)


def test_a_failure_inside_a_playbook_is_not_hidden_by_what_was_left_unsaid():
    with pytest.raises(ZeroDivisionError), Playbook(ANA_THEN_BEN) as page:
        page.alert("disk-full", severity=str(1 // 0))


def test_a_mismatch_prints_the_whole_conversation():
    page = Playbook(ANA_THEN_BEN).alert("disk-full").rings("ana").after("5m")

    with pytest.raises(AssertionError) as failure:
        page.rings("cy")

    story = str(failure.value)
    assert "rings: ['ben'], not ['cy']" in story
    assert story.index("disk-full is firing") < story.index(">> rings ana") < story.index("5m pass")


@pytest.mark.parametrize(
    "check",
    [
        lambda page: page.is_in("resolved"),
        lambda page: page.is_acknowledged_by("ben"),
        lambda page: page.has_incidents(2),
        lambda page: page.notes("exhausted"),
        lambda page: page.stays_quiet(),
        lambda page: page.rings(),
        lambda page: page.hangs_up("ana"),
    ],
    ids=["phase", "acknowledged", "incidents", "notes", "quiet", "no ring", "hang-up"],
)
def test_a_check_can_fail(check):
    page = Playbook(ANA_THEN_BEN).alert("disk-full")

    with pytest.raises(AssertionError):
        check(page)


@pytest.mark.parametrize(
    ("text", "expected"), [("90s", 90), ("5m", 300), ("1h30m", 5400), ("2d", 172800)]
)
def test_a_span_reads_as_people_write_it(text, expected):
    assert span(text).total_seconds() == expected
