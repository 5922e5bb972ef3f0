"""Whom a step reaches: by schedule and by rule, with those who are away left out while anybody is left."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from playbook import PHONES, Playbook, person, policy, rules, span, step
from world import START

from escalator.escalation.events import Action
from escalator.escalation.incidents import FALLBACK_STEP, Phase
from escalator.escalation.reaching import fallback_people, first_page, reach
from escalator.escalation.rules import Channel, Contact
from escalator.escalation.schedules import Away, Layer, Override, Rotation, Schedule, Unit

AWAY = (Away(start=START - span("1h"), end=START + span("48h"), reason="holidays"),)
DAILY = Rotation(every=1, unit=Unit.DAYS, starting=date(2026, 11, 1))
CALL, SMS = Channel.CALL, Channel.SMS


def people(**changed):
    """Everybody, with these keys for some."""
    return tuple(person(key, **changed.get(key, {})) for key in PHONES)


def schedule(*turns: str, **keys) -> Schedule:
    layer = Layer(rotation=DAILY, people=tuple((one,) for one in turns))
    return Schedule(name="primary", zone=ZoneInfo("UTC"), layers=(layer,), **keys)


def contacts(*wanted: tuple[Channel, str]) -> tuple[Contact, ...]:
    return tuple(Contact(channel=channel, after=span(after)) for channel, after in wanted)


def test_a_step_rings_who_is_on_call_and_looks_again_at_each_try():
    """Handoff is at midnight UTC; the story begins at three."""
    config = rules(
        policy(step("primary", retry="12h", wait="26h")),
        schedules={"primary": schedule("ana", "ben")},
    )
    with Playbook(config) as page:
        page.alert("disk-full").rings("ben")
        page.after("12h").rings("ben")
        page.after("12h").rings("ana")
        page.presses("ana", "4").is_acknowledged_by("ana")


def test_an_override_is_rung_instead():
    override = Override(schedule="primary", person="dee", start=START, end=START + span("1h"))
    covered = schedule("ana", "ben", overrides=(override,))
    with Playbook(rules(policy("primary"), schedules={"primary": covered})) as page:
        page.alert("disk-full").rings("dee").presses("dee", "4")


def test_a_schedule_with_a_gap_is_skipped_at_once_and_the_timeline_says_why():
    """(C7)"""
    config = rules(policy("primary", "ben"), schedules={"primary": schedule()})
    with Playbook(config) as page:
        page.alert("disk-full").rings("ben").notes("step_skipped").presses("ben", "4")
        texts = [line.text for _, _, line in page.world.memory.timeline]
        assert "step 1 is skipped: nobody is on call in primary" in texts


def test_who_is_away_is_skipped_with_a_note():
    config = rules(policy("ana", "ben"), people=people(ana={"away": AWAY}))
    with Playbook(config) as page:
        page.alert("disk-full").rings("ben").presses("ben", "4")
        texts = [line.text for _, _, line in page.world.memory.timeline]
        assert any("Ana is away (holidays)" in text for text in texts)


def test_who_is_away_is_rung_all_the_same_when_the_policy_has_nobody_else():
    config = rules(policy("ana"), people=people(ana={"away": AWAY}))
    with Playbook(config) as page:
        page.alert("disk-full").rings("ana").presses("ana", "4")


def test_the_fallback_leaves_out_who_is_away_while_anybody_is_left():
    config = rules(policy("cy", fallback=("ana", "ben")), people=people(ana={"away": AWAY}))
    made = config.policies["default"]

    assert fallback_people(config, made, START) == ("ben",)
    lonely = rules(policy("cy", fallback=("ana",)), people=people(ana={"away": AWAY}))
    assert fallback_people(lonely, lonely.policies["default"], START) == ("ana",)


def test_a_step_that_reaches_nobody_says_why():
    config = rules(policy("ana", "ghost"))
    made = config.policies["default"]

    assert reach(config, made, made.steps[0], START).why_nobody == ""
    assert "ghost" in reach(config, made, made.steps[1], START).why_nobody


@pytest.mark.parametrize(
    ("wanted", "state", "next_in", "planned"),
    [
        ((), "due", None, ()),
        (((SMS, "0s"), (CALL, "1m")), "waiting", "1m", ()),
        (((CALL, "0s"), (CALL, "3m"), (CALL, "1m")), "due", None, ("1m", "3m")),
    ],
)
def test_a_persons_rules_say_when_they_are_called(wanted, state, next_in, planned):
    config = rules(policy("ana"), people=people(ana={"contacts": contacts(*wanted)}))

    page = first_page(config, "ana", 0, START)

    assert page is not None
    assert page.state == state
    assert page.next_at == (START + span(next_in) if next_in else None)
    assert page.planned == tuple(START + span(one) for one in planned)


def test_who_wants_messages_only_is_not_called_save_by_the_fallback():
    config = rules(policy("ana"), people=people(ana={"contacts": contacts((SMS, "0s"))}))

    assert first_page(config, "ana", 0, START) is None
    assert first_page(config, "ana", FALLBACK_STEP, START) is not None


def test_rules_are_followed_once_a_step_and_retries_are_calls():
    wants = contacts((SMS, "0s"), (CALL, "1m"), (CALL, "2m"))
    config = rules(
        policy(step("ana", retry="3m", wait="9m"), repeat=2),
        people=people(ana={"contacts": wants}),
    )
    with Playbook(config) as page:
        page.alert("disk-full").texts("ana").stays_quiet()
        page.after("59s").stays_quiet()
        page.after("1s").rings("ana")
        page.after("1m").rings("ana")
        page.after("2m").stays_quiet()
        page.after("1m").rings("ana")
        page.after("3m").rings("ana")
        page.after("1m").texts("ana").after("1m").rings("ana").presses("ana", "4")
        page.after("24h").stays_quiet()


def test_a_step_with_messages_only_sends_them_once_and_waits():
    quiet = step(sms=("ana", "ben"), wait="10m")
    with Playbook(rules(policy(quiet, "cy"))) as page:
        page.alert("disk-full").texts("ana", "ben")
        page.after("9m").stays_quiet()
        page.after("1m").rings("cy").presses("cy", "4")


def test_a_message_beside_a_call_ignores_the_persons_rules():
    wants = contacts((CALL, "1m"))
    both = step("ana", sms=("ben",))
    config = rules(policy(both), people=people(ben={"contacts": wants}))
    with Playbook(config) as page:
        page.alert("disk-full").rings("ana").texts("ben")
        page.after("20s").stays_quiet().presses("ana", "4")


def test_an_acknowledgement_takes_back_what_was_not_sent_yet():
    config = rules(
        policy("ana"), people=people(ana={"contacts": contacts((CALL, "0s"), (SMS, "1m"))})
    )
    with Playbook(config) as page:
        page.alert("disk-full").rings("ana").presses("ana", "4")
        page.after("1h").stays_quiet()
        assert page.incident().texts == ()


def test_whoever_took_it_is_asked_first_when_it_is_not_resolved_in_time():
    config = rules(policy(step("ana", "ben", wait="6m"), ack_timeout=span("1h")))
    with Playbook(config) as page:
        page.alert("disk-full").rings("ana", "ben")
        page.presses("ben", "4").hangs_up("ana").is_acknowledged_by("ben")
        page.after("59m").stays_quiet()
        page.after("1m").rings("ben").notes("ack_timeout", "asked_first")
        page.after("2m").rings("ana", "ben")
        page.presses("ben", "4").hangs_up("ana")


def test_who_took_it_is_asked_first_though_the_steps_do_not_name_them():
    config = rules(policy(step("ana", wait="6m"), ack_timeout=span("1h")))
    with Playbook(config) as page:
        page.alert("disk-full").rings("ana")
        page.asks(Action.ACKNOWLEDGE, by="dee").hangs_up("ana").is_acknowledged_by("dee")
        page.after("1h").rings("dee")
        page.after("2m").rings("ana").presses("ana", "4")


def test_whoever_is_nobody_or_away_is_not_asked_first():
    config = rules(
        policy(step("ana", wait="6m"), ack_timeout=span("1h")), people=people(dee={"away": AWAY})
    )
    for by in ("dee", "somebody-else"):
        with Playbook(config) as page:
            page.alert("disk-full").rings("ana")
            page.asks(Action.ACKNOWLEDGE, by=by).hangs_up("ana")
            page.after("1h").rings("ana").presses("ana", "4")


def test_a_new_start_after_a_timeout_spends_its_whole_wait_on_the_others():
    config = rules(policy(step("ana", wait="6m"), "cy", ack_timeout=timedelta(hours=1)))
    with Playbook(config) as page:
        page.alert("disk-full").rings("ana")
        page.presses("ana", "4")
        page.after("1h").rings("ana").is_in(Phase.TRIGGERED)
        page.after("2m").rings("ana")
        page.after("2m").rings("ana")
        page.after("2m").rings("ana")
        page.after("119s").stays_quiet()
        page.after("1s").rings("cy").presses("cy", "4")
