"""Calls that the API changes while they ring or talk."""

import pytest
from aiohttp import web

from escalator.simulator import Script, Simulator

ANA = "+447700900123"


async def test_a_live_call_can_be_given_other_twiml(customer, application, simulator):
    simulator.people[ANA] = Script.answers()
    simulator.pace.speed = 20
    application.pages["/answer"] = "<Response><Pause length='600'/></Response>"
    application.pages["/other"] = "<Response><Say>Ben has it.</Say></Response>"
    call = await customer.place()
    await simulator.wait_call(status="in-progress")

    status, body = await customer.request(
        "POST", f"/Calls/{call.sid}.json", data={"Url": f"{application.url}/other"}
    )
    await call.ended()

    assert (status, body["status"]) == (200, "in-progress")
    assert call.heard == ["Ben has it."]


async def test_a_slow_answer_does_not_outlive_the_call(customer, application, simulator):
    simulator.people[ANA] = Script.manual()

    async def hangs_up(_: web.Request) -> web.Response:
        simulator.calls[0].hang_up()
        await simulator.wait_for(lambda: simulator.calls[0].is_over)
        return web.Response(text="<Response><Say>late</Say></Response>", content_type="text/xml")

    application.pages["/answer"] = hangs_up
    simulator.pace.speed = 20
    call = await customer.place()
    await simulator.wait_call(status="ringing")
    call.answer()
    await call.ended()

    assert (call.status, call.heard) == ("completed", [])


@pytest.mark.parametrize("wanted", ["canceled", "completed"])
async def test_a_ringing_call_that_is_ended_is_canceled_and_reported(customer, application, wanted):
    customer.simulator.pace.speed = 20
    call = await customer.place()
    await customer.simulator.wait_call(status="ringing")

    status, body = await customer.request(
        "POST", f"/Calls/{call.sid}.json", data={"Status": wanted}
    )
    await call.ended()

    assert (status, body["status"]) == (200, "canceled")
    assert application.got[-1]["CallStatus"] == "canceled"


async def test_a_call_in_progress_cannot_be_canceled(customer, application, simulator):
    simulator.people[ANA] = Script.answers()
    simulator.pace.speed = 20
    application.pages["/answer"] = "<Response><Pause length='600'/></Response>"
    call = await customer.place()
    await simulator.wait_call(status="in-progress")

    status, body = await customer.request(
        "POST", f"/Calls/{call.sid}.json", data={"Status": "canceled"}
    )

    assert (status, body["code"], call.status) == (400, 21220, "in-progress")


@pytest.mark.parametrize("form", [{}, {"Status": "busy"}, {"Url": "nowhere"}])
async def test_an_update_without_sense_is_refused(customer, form):
    customer.simulator.pace.speed = 1
    call = await customer.place()

    status, _ = await customer.request("POST", f"/Calls/{call.sid}.json", data=form)

    assert status == 400
    assert call.status == "queued"


async def test_a_call_canceled_in_the_queue_ends_without_a_word(customer, application):
    customer.simulator = simulator = Simulator(calls_per_second=0.001)
    async with simulator.run():
        await customer.place()
        queued = await customer.place()

        status, body = await customer.request(
            "POST", f"/Calls/{queued.sid}.json", data={"Status": "canceled"}
        )
        await queued.ended()

    assert (status, body["status"], body["start_time"]) == (200, "canceled", None)
    assert queued.callbacks == []
    assert queued.sid not in {got["CallSid"] for got in application.got}
