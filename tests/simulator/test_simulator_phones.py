"""Phones that somebody acts on by hand, and who hears of what happens on them."""

import pytest

from escalator.simulator import (
    Answered,
    CallQueued,
    Ended,
    Heard,
    Listening,
    Press,
    Pressed,
    Ringing,
    Script,
)

ANA = "+447700900123"
MENU = (
    '<Response><Gather action="/key" numDigits="1" timeout="5"><Say>Press 4.</Say></Gather>'
    "<Redirect>/answer</Redirect></Response>"
)
LONG = '<Response><Pause length="100"/><Say>Still there?</Say></Response>'


async def test_a_manual_phone_is_answered_and_typed_on_by_hand(customer, application):
    customer.simulator.people[ANA] = Script.manual()
    customer.simulator.pace.speed = 20
    application.pages |= {"/answer": MENU, "/key": "<Response><Say>Thanks.</Say></Response>"}
    call = await customer.place()
    await customer.simulator.wait_call(to=ANA, status="ringing")

    call.answer()
    await call.listening()
    call.press("4")
    await call.ended()

    assert (call.status, call.pressed) == ("completed", "4")
    assert call.heard == ["Press 4.", "Thanks."]


async def test_a_manual_phone_declines_or_hangs_up(customer, application):
    customer.simulator.people[ANA] = Script.manual()
    customer.simulator.pace.speed = 20
    application.pages["/answer"] = LONG
    first = await customer.place()
    await customer.simulator.wait_call(to=ANA, status="ringing")
    first.decline()
    await first.ended()
    second = await customer.place()
    await customer.simulator.wait_call(to=ANA, n=2, status="ringing")
    second.answer()
    await customer.simulator.wait_call(to=ANA, n=2, status="in-progress")

    second.hang_up()
    await second.ended()

    assert (first.status, first.sip, second.status) == ("no-answer", 603, "completed")
    assert first.line.clock < 10
    assert second.line.clock < 10


async def test_a_phone_that_does_not_ring_cannot_be_answered(customer):
    customer.simulator.people[ANA] = Script.busy()
    call = await customer.call_through()

    for act in (call.answer, call.decline, call.hang_up, lambda: call.press("4")):
        with pytest.raises(RuntimeError, match="is busy"):
            act()


async def test_keys_pressed_while_nobody_listens_are_lost(customer, application, simulator):
    simulator.people[ANA] = Script.manual()
    simulator.pace.speed = 50
    application.pages["/answer"] = (
        "<Response><Pause length='5'/><Gather action='/key' timeout='1'/>"
        "<Say>Nothing.</Say></Response>"
    )
    simulator.listeners.append(lambda e: e.call.press("4") if isinstance(e, Answered) else None)
    call = await customer.place()
    await simulator.wait_call(status="ringing")

    call.answer()
    await call.ended()

    assert call.heard == ["Nothing."]


async def test_listeners_hear_the_story_in_order(customer, application, simulator):
    simulator.people[ANA] = Script.answers(Press("4", after=0.5, barge_in=True))
    application.pages |= {"/answer": MENU, "/key": "<Response/>"}
    story = []
    simulator.listeners.append(story.append)

    call = await customer.call_through()

    kinds = [CallQueued, Ringing, Answered, Listening, Heard, Pressed, Ended]
    assert [type(event) for event in story] == kinds
    assert all(event.call is call for event in story)
    assert (story[4].text, story[5].key) == ("Press 4.", "4")


async def test_events_can_be_followed_as_a_stream(customer, simulator):
    simulator.people[ANA] = Script.busy()
    events = simulator.events()
    call = await customer.place()
    seen = []

    async for event in events:
        seen.append(event)
        if isinstance(event, Ended):
            break
    events.close()

    assert [type(event) for event in seen] == [CallQueued, Ringing, Ended]
    assert seen[0].call is call
    assert simulator.listeners == []


async def test_waiting_in_vain_tells_what_happened(customer, simulator):
    simulator.people[ANA] = Script.busy()
    await customer.call_through()

    with pytest.raises(TimeoutError, match=rf"(?s)not within 0.01 s.*to {ANA[1:]}: busy|busy"):
        await simulator.wait_call(to=ANA, n=2, within=0.01)


async def test_a_listener_that_fails_is_not_forgotten(customer, simulator):
    def fails(event: object) -> None:
        if isinstance(event, Ringing):
            raise LookupError("the listener's own fault")  # noqa: TRY004 - a fault, not a check

    simulator.listeners.append(fails)
    await customer.place()

    with pytest.raises(TimeoutError, match="the listener's own fault"):
        await simulator.settle(within=0.1)
    with pytest.raises(BaseExceptionGroup) as failed:
        await simulator.stop()

    assert failed.group_contains(LookupError, match="own fault")
