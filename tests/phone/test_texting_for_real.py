"""Messages from the row that an incident owes to the phone and back, against the simulated carrier."""

from dataclasses import replace
from datetime import timedelta

import pytest
from cast import ANA, ANA_TOO, BEN, DEE, OURS, PEOPLE, fired, rules, step
from rig import FOR_HANDS
from text_rig import TextRig

from escalator.escalation.events import Action, WentStale
from escalator.escalation.messages import MessageState
from escalator.escalation.rules import Channel, Contact, Step
from escalator.simulator import CallbackFault, Fault, Script

HOUR = timedelta(hours=1)
SMS_NOW = Contact(channel=Channel.SMS, after=timedelta(0))
CALL_LATER = Contact(channel=Channel.CALL, after=timedelta(minutes=1))


def texted(*people, **more):
    """A step that only writes to these people."""
    return Step(sms=people, wait=HOUR, **more)


def people(**changed):
    return {**PEOPLE, **{key: replace(PEOPLE[key], **how) for key, how in changed.items()}}


async def test_a_step_writes_and_the_answer_acknowledges(tmp_path):
    async with TextRig(tmp_path, rules(texted("ana"))) as rig:
        await rig.fire()
        await rig.until(lambda: rig.lines("text_ended") == ["the message to Ana: delivered"])
        [message] = rig.sent()
        code = rig.incident().code

        assert message.to == ANA
        assert message.body == (
            f"Critical: Disk full. disk needs you. Reply 4 {code} to acknowledge"
        )
        assert rig.lines("texted") == ["a message to Ana"]
        assert rig.message().state is MessageState.DELIVERED
        assert rig.incident().phase == "triggered", "a message never counts as reached"

        assert await rig.text(ANA, f"4 {code}") == [f"Disk full ({code}): acknowledged"]
        assert rig.incident().acknowledged_by == "ana"
        assert rig.count("message_requests_total", outcome="accepted") == 1
        assert rig.count("messages_total", result="delivered") == 1
        assert rig.count("replies_total", result="done") == 1


async def test_by_rule_a_message_now_and_a_call_a_minute_later(tmp_path):
    cast = people(ana={"contacts": (SMS_NOW, CALL_LATER)})
    async with TextRig(tmp_path, rules(step("ana"), people=cast)) as rig:
        rig.sim.people[ANA] = Script.answers("4")
        await rig.fire()
        await rig.until(lambda: rig.sent(ANA))
        await rig.quiet()
        assert not rig.sim.calls

        await rig.leap(60)
        await rig.until(lambda: rig.incident().phase == "acknowledged")
        await rig.sim.settle()
        assert len(rig.sim.calls) == 1


async def test_an_answer_ends_the_call_of_another(tmp_path):
    cast = people(ana={"contacts": (SMS_NOW,)})
    async with TextRig(tmp_path, rules(step("ana", "ben"), people=cast), speed=FOR_HANDS) as rig:
        rig.sim.people[BEN] = Script.manual()
        await rig.fire()
        call = await rig.sim.wait_call(BEN, status="ringing")
        await rig.until(lambda: rig.sent(ANA))

        await rig.text(ANA, f"ack {rig.incident().code}")

        await rig.until(lambda: call.status == "canceled")
        assert rig.incident().acknowledged_by == "ana"


@pytest.mark.parametrize(
    ("command", "phase", "says"),
    [
        ("4 {}", "acknowledged", "Disk full ({}): acknowledged"),
        ("Ack {}", "acknowledged", "Disk full ({}): acknowledged"),
        ("6 {}", "resolved", "Disk full ({}): resolved"),
        ("resolve {}", "resolved", "Disk full ({}): resolved"),
        ("5 {}", "triggered", "Disk full ({}): passed on"),
        ("escalate {}", "triggered", "Disk full ({}): passed on"),
        ("snooze {} 2h", "snoozed", "Disk full ({}): snoozed until "),
    ],
)
async def test_each_command_does_what_its_key_does(tmp_path, command, phase, says):
    async with TextRig(tmp_path, rules(texted("ana"), texted("ana"))) as rig:
        await rig.fire()
        await rig.until(lambda: rig.sent(ANA))
        code = rig.incident().code

        [answer] = await rig.text(ANA, command.format(code))

        assert answer.startswith(says.format(code))
        assert rig.incident().phase == phase
        if phase == "snoozed":
            left = rig.incident().until - rig.clock.now()
            assert timedelta(minutes=119) < left <= timedelta(hours=2)


async def test_what_is_due_at_one_number_is_one_message_and_the_next_comes_ten_seconds_later(
    tmp_path,
):
    async with TextRig(tmp_path, rules(texted("ana"))) as rig:
        rig.before_text.shut()
        await rig.fire("disk")
        await rig.until(rig.before_text.reached.is_set)
        await rig.fire("cpu", title="CPU hot")
        await rig.fire("web", title="Web down")
        rig.before_text.open()
        await rig.until(lambda: rig.sent(ANA) and rig.messages()[0].sid)
        await rig.quiet()
        assert len(rig.sent(ANA)) == 1

        await rig.leap(10)
        await rig.until(lambda: len(rig.sent(ANA)) == 2)
        codes = [rig.incident(f"incident-{key}").code for key in ("cpu", "web")]
        assert rig.sent(ANA)[1].body == (
            f"2 alerts:\nCritical: CPU hot. cpu needs you. Reply 4 {codes[0]} to acknowledge\n"
            f"Critical: Web down ({codes[1]})"
        )
        assert await rig.text(ANA, f"4 {codes[0]} {codes[1]}") == [
            f"CPU hot ({codes[0]}): acknowledged\nWeb down ({codes[1]}): acknowledged"
        ]


async def test_a_storm_is_one_message(tmp_path):
    """(L1)"""
    async with TextRig(tmp_path, rules(texted("ana"))) as rig:
        rig.before_text.shut()
        await rig.fire("first")
        await rig.until(rig.before_text.reached.is_set)
        await rig.engine.submit(*(fired(f"k{n:03d}", title=f"T{n:03d}") for n in range(300)))
        rig.before_text.open()
        await rig.until(lambda: rig.messages()[0].sid)
        await rig.leap(10)
        await rig.until(lambda: len(rig.sent(ANA)) == 2)
        await rig.quiet()
        assert len(rig.messages()[1].tells) == 300
        lines = rig.sent(ANA)[1].body.splitlines()
        assert (lines[0], lines[-1]) == ("300 alerts:", f"and {300 - len(lines) + 2} more")


async def test_the_number_that_can_be_a_mobile_is_written_to(tmp_path):
    cast = people(ana={"phones": (ANA_TOO, ANA)})
    async with TextRig(tmp_path, rules(texted("ana"), people=cast)) as rig:
        await rig.fire()
        await rig.until(lambda: rig.sent())
        assert [one.to for one in rig.sent()] == [ANA]


async def test_people_who_share_a_number_share_the_message_and_the_one_who_was_told_acts(tmp_path):
    cast = people(ben={"phones": (ANA,)})
    async with TextRig(tmp_path, rules(texted("ben"), people=cast)) as rig:
        await rig.fire()
        await rig.until(lambda: rig.sent(ANA))
        await rig.text(ANA, f"4 {rig.incident().code}")
        assert rig.incident().acknowledged_by == "ben"


async def test_somebody_else_was_first(tmp_path):
    async with TextRig(tmp_path, rules(texted("ana", "ben"))) as rig:
        await rig.fire()
        await rig.until(lambda: len(rig.sent()) == 2)
        code = rig.incident().code
        await rig.text(BEN, f"4 {code}")
        assert await rig.text(ANA, f"4 {code}") == [f"Disk full ({code}): acknowledged by Ben"]
        await rig.text(BEN, f"6 {code}")
        assert await rig.text(ANA, f"4 {code}") == [f"Disk full ({code}): resolved"]


# ---- who may say what


async def test_a_stranger_changes_nothing_and_is_answered_five_times_a_day(tmp_path):
    """(X18)"""
    async with TextRig(tmp_path, rules(texted("ana"))) as rig:
        await rig.fire()
        await rig.until(lambda: rig.sent(ANA))
        code = rig.incident().code

        answers = [await rig.text("+15005550120", f"4 {code}") for _ in range(7)]

        assert answers == [["This number is not known here"]] * 5 + [[]] * 2
        assert rig.incident().phase == "triggered"
        assert rig.count("replies_total", result="unknown_number") == 7
        await rig.leap(86_401)
        assert await rig.text("+15005550120", "hello") == ["This number is not known here"]
        await rig.act("incident-disk", Action.ACKNOWLEDGE, "chi")


async def test_a_wrong_code_changes_nothing(tmp_path):
    """(X18)"""
    async with TextRig(tmp_path, rules(texted("ana"))) as rig:
        await rig.fire()
        await rig.until(lambda: rig.sent(ANA))
        wrong = f"{(int(rig.incident().code) + 1) % 1_000_000:06d}"
        assert await rig.text(ANA, f"4 {wrong}") == [f"No open alert has the code {wrong}"]
        assert rig.incident().phase == "triggered"
        assert rig.count("replies_total", result="unknown_code") == 1


@pytest.mark.parametrize("body", ["4", "thanks!", "", "4 12345", "stop 123456", "\U0001f44d"])
async def test_what_is_no_command_is_answered_with_the_commands(tmp_path, body):
    async with TextRig(tmp_path, rules(texted("ana"))) as rig:
        await rig.fire()
        await rig.until(lambda: rig.sent(ANA))
        assert await rig.text(ANA, body) == [
            "Send 4 and an alert's code to acknowledge it, 5 to pass it on, 6 to resolve it"
        ]
        assert rig.incident().phase == "triggered"


@pytest.mark.parametrize("word", ["STOP", "stop", " End ", "YES", "help", "Quit."])
async def test_the_carriers_words_are_not_answered(tmp_path, word):
    async with TextRig(tmp_path, rules(texted("ana"))) as rig:
        await rig.fire()
        await rig.until(lambda: rig.sent(ANA))
        assert await rig.text(ANA, word) == []
        assert rig.incident().phase == "triggered"


async def test_a_machine_that_answers_everything_is_left_alone_in_the_end(tmp_path):
    async with TextRig(tmp_path) as rig:
        answers = [await rig.text(ANA, "I am out of office") for _ in range(22)]
        assert [bool(one) for one in answers] == [True] * 20 + [False] * 2


async def test_an_answer_with_a_bad_signature_is_refused(tmp_path):
    async with TextRig(tmp_path, rules(texted("ana"))) as rig:
        await rig.fire()
        await rig.until(lambda: rig.sent(ANA))
        fields = (("MessageSid", "SM1"), ("From", ANA), ("Body", f"4 {rig.incident().code}"))
        status, _, _ = await rig.post(rig.settings.public_url + "/sms", *fields, key="wrong")
        assert status == 403
        assert rig.incident().phase == "triggered"
        assert rig.count("callbacks_total", kind="sms", result="bad_signature") == 1


async def test_an_answer_told_twice_is_done_once(tmp_path):
    steps = (texted("ana"), texted("ben"), texted("chi"))
    async with TextRig(tmp_path, rules(*steps)) as rig:
        await rig.fire()
        await rig.until(lambda: rig.sent(ANA))
        fields = (("MessageSid", "SM1"), ("From", ANA), ("Body", f"5 {rig.incident().code}"))
        url = rig.settings.public_url + "/sms"

        first = await rig.post(url, *fields)
        again = await rig.post(url, *fields)

        assert first[0] == again[0] == 200
        assert first[1] == again[1]
        assert rig.incident().step == 1
        await rig.until(lambda: len(rig.lines("text_ended")) == 2)
        await rig.restart()
        await rig.post(rig.settings.public_url + "/sms", *fields)
        assert rig.incident().step == 1


async def test_an_answer_without_an_id_or_a_sender_is_no_answer(tmp_path):
    async with TextRig(tmp_path) as rig:
        url = rig.settings.public_url + "/sms"
        assert (await rig.post(url, ("From", ANA), ("Body", "4 123456")))[0] == 400
        assert (await rig.post(url, ("MessageSid", "SM1"), ("Body", "4 123456")))[0] == 400


# ---- what the carrier makes of it


async def test_whoever_has_opted_out_is_refused_and_the_timeline_says_how_to_undo_it(tmp_path):
    async with TextRig(tmp_path, rules(texted("ana"))) as rig:
        await rig.text(ANA, "STOP", to=OURS)
        await rig.fire()
        await rig.until(lambda: rig.lines("text_ended"))
        assert rig.lines("text_ended") == [
            "the message to Ana: refused: whoever has this phone has answered STOP; "
            "START, sent from it, allows messages again (21610)"
        ]
        assert rig.message().state is MessageState.REFUSED
        assert rig.asked() == 1


async def test_a_message_that_does_not_arrive_says_why(tmp_path):
    async with TextRig(tmp_path, rules(texted("ana"))) as rig:
        rig.sim.people[ANA] = Script.unreachable()
        await rig.fire()
        await rig.until(lambda: rig.lines("text_ended"))
        assert rig.lines("text_ended") == [
            "the message to Ana: not delivered: the phone is off or out of reach (30003)"
        ]
        assert rig.message().error_code == 30003


async def test_too_many_requests_are_tried_again_and_cost_nothing(tmp_path):
    async with TextRig(tmp_path, rules(texted("ana"))) as rig:
        rig.sim.faults.request(Fault.TOO_MANY, on="message", times=2)
        await rig.fire()
        await rig.until(lambda: rig.lines("text_ended") == ["the message to Ana: delivered"])
        assert rig.asked() == 3
        assert len(rig.sent()) == 1
        assert len(rig.message().posts) == 1
        assert len(rig.lines("text_not_sent")) == 1


async def test_a_carrier_that_is_away_is_tried_until_it_is_back(tmp_path):
    async with TextRig(tmp_path, rules(texted("ana"))) as rig:
        await rig.sim.go_down()
        await rig.fire()
        await rig.until(lambda: rig.lines("text_not_sent"))
        assert rig.message().state is MessageState.PLANNED
        await rig.sim.come_back()
        await rig.leap(40)
        await rig.until(lambda: rig.lines("text_ended") == ["the message to Ana: delivered"])


async def test_a_message_that_nobody_waits_for_any_more_is_not_sent(tmp_path):
    async with TextRig(tmp_path, rules(texted("ana"))) as rig:
        await rig.sim.go_down()
        await rig.fire()
        await rig.until(lambda: rig.lines("text_not_sent"))
        await rig.act("incident-disk", Action.ACKNOWLEDGE, "ben")
        await rig.sim.come_back()
        await rig.leap(40)
        await rig.until(lambda: rig.message().state is MessageState.DROPPED)
        assert not rig.sent()


async def test_a_suspended_account_holds_messages_back(tmp_path):
    async with TextRig(tmp_path, rules(texted("ana"))) as rig:
        rig.sim.faults.suspended = True
        await rig.fire()
        await rig.until(lambda: rig.lines("text_not_sent"))
        rig.sim.faults.suspended = False
        await rig.leap(31)
        await rig.until(lambda: rig.sent(ANA))


@pytest.mark.parametrize("fault", [Fault.ERROR_AFTER, Fault.CLOSED_AFTER, Fault.TRUNCATED])
async def test_an_unclear_request_is_bound_by_its_callback(tmp_path, fault):
    async with TextRig(tmp_path, rules(texted("ana"))) as rig:
        rig.sim.faults.request(fault, on="message")
        await rig.fire()
        await rig.until(lambda: rig.lines("text_ended"))
        assert rig.lines("text_ended") == ["the message to Ana: delivered"]
        assert rig.asked() == 1
        assert not [one for one in rig.sim.requests if one.method == "GET"]


async def test_an_unclear_request_is_bound_by_the_list(tmp_path):
    async with TextRig(tmp_path, rules(texted("ana"))) as rig:
        rig.sim.faults.callback(CallbackFault.DROP, on="any", times=None)
        rig.sim.faults.request(Fault.ERROR_AFTER, on="message")
        await rig.fire()
        await rig.until(lambda: rig.messages() and rig.message().state is MessageState.UNCLEAR)
        assert len(rig.sent()) == 1

        await rig.leap(3)

        await rig.until(lambda: rig.message().sid == rig.sent()[0].sid)
        assert rig.lines("text_settled") == ["the message was found in the carrier's list"]
        await rig.leap(65)
        await rig.until(lambda: rig.message().state is MessageState.DELIVERED)
        assert rig.asked() == 1


async def test_an_unclear_request_that_never_shows_is_made_again_three_times_in_all(tmp_path):
    async with TextRig(tmp_path, rules(texted("ana"))) as rig:
        rig.sim.faults.request(Fault.ERROR_BEFORE, on="message", times=None)
        await rig.fire()
        for n in (1, 2, 3):
            await rig.until(
                lambda n=n: rig.asked() == n and rig.message().state is MessageState.UNCLEAR
            )
            for seconds in (3, 3, 6, 8):
                await rig.leap(seconds)
                await rig.quiet()
            assert rig.asked() == n
            await rig.leap(11)
        await rig.until(lambda: rig.message().state is MessageState.LOST)
        assert rig.asked() == 3
        assert rig.lines("text_ended") == [
            "the message to Ana: tried 3 times; whether it was sent is not known"
        ]


async def test_a_status_never_goes_back_and_a_forged_one_counts_for_nothing(tmp_path):
    async with TextRig(tmp_path, rules(texted("ana"))) as rig:
        rig.sim.faults.callback(CallbackFault.DROP, on="message", times=None)
        await rig.fire()
        await rig.until(lambda: rig.messages() and rig.message().sid)
        [message] = rig.sent()

        assert await rig.sms_status(message, "delivered", key="wrong") == 403
        assert rig.message().state is MessageState.QUEUED
        assert await rig.sms_status(message, "sent") == 204
        assert await rig.sms_status(message, "queued") == 204
        assert rig.message().state is MessageState.SENT
        assert await rig.sms_status(message, "delivered") == 204
        assert await rig.sms_status(message, "failed", ErrorCode="30008") == 204
        assert rig.message().state is MessageState.DELIVERED
        assert rig.lines("text_ended") == ["the message to Ana: delivered"]
        await rig.leap(901)
        assert await rig.sms_status(message, "delivered") == 410


async def test_an_unknown_token_is_not_found(tmp_path):
    async with TextRig(tmp_path) as rig:
        url = rig.settings.callback_url("x" * 43, "sms")
        status, body, _ = await rig.post(url, ("MessageSid", "SM1"))
        assert (status, body) == (404, "not found\n")


async def test_somebody_who_left_the_config_is_passed_over(tmp_path):
    async with TextRig(tmp_path, rules(texted("ana"))) as rig:
        rig.before_text.shut()
        await rig.fire("cpu")
        await rig.until(rig.before_text.reached.is_set)
        await rig.fire("disk")
        rig.engine.rules = replace(
            rig.rules, people={key: one for key, one in PEOPLE.items() if key != "ana"}
        )
        rig.before_text.open()
        await rig.until(lambda: rig.lines("text_passed"))
        assert rig.lines("text_passed") == ["no message to ana: no longer in the config"]
        await rig.until(lambda: rig.lines("text_ended", "incident-cpu"))


async def test_whoever_has_a_silent_incident_is_asked_about_it(tmp_path):
    async with TextRig(tmp_path, rules(step("ana"))) as rig:
        rig.sim.people[ANA] = Script.answers("4")
        await rig.fire()
        await rig.until(lambda: rig.incident().phase == "acknowledged")
        await rig.sim.settle()

        stale = WentStale(incident_id="incident-disk", last_seen=rig.clock.now())
        await rig.engine.submit(stale)

        await rig.until(lambda: rig.sent(ANA))
        code = rig.incident().code
        body = rig.sent(ANA)[0].body
        assert body.startswith("Disk full: no word from its sender since 20")
        assert body.endswith(f". Reply 6 {code} to resolve")
        await rig.text(ANA, f"6 {code}")
        assert rig.incident().phase == "resolved"


async def test_an_incident_that_cannot_be_read_keeps_the_others_from_nothing(tmp_path):
    """(K17) It is set aside, and who is owed a message about another gets it."""
    async with TextRig(tmp_path, rules(texted("ana"))) as rig:
        rig.sim.people[DEE] = Script.answers("4")  # is rung about the defect
        rig.before_text.shut()
        await rig.fire("first")
        await rig.until(rig.before_text.reached.is_set)
        await rig.fire("bad", title="Bad")
        await rig.fire("good", title="Good")
        await rig.engine.change("UPDATE incidents SET before = 'odd' WHERE id = 'incident-bad'")
        rig.before_text.open()
        await rig.until(lambda: rig.messages()[0].sid)

        for _ in range(12):
            await rig.leap(10)
            await rig.quiet()

        await rig.until(lambda: rig.lines("text_ended", "incident-good"))
        assert any("Good" in one.body for one in rig.sent(ANA))
        assert rig.incident("incident-bad").phase == "resolved"
        await rig.sim.settle()
