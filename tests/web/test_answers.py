"""Whatever goes wrong inside, senders are told to try again, in the one shape and without a word of the cause."""

import json

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from escalator.engine import Undecided
from escalator.intake import PayloadError
from escalator.store.errors import StoreBusy, StoreError
from escalator.web.answers import Refusal, answer_safely, as_json

SECRET = "a-secret-in-an-exception"


async def ask(failure: Exception) -> tuple[int, dict, dict]:
    """Raise this in a handler, and return status, headers and JSON of the answer."""

    async def fail(_: web.Request) -> web.Response:
        raise failure

    application = web.Application(middlewares=[answer_safely])
    application.router.add_get("/", fail)
    async with (
        TestServer(application) as server,
        aiohttp.ClientSession() as session,
        session.get(server.make_url("/")) as response,
    ):
        return response.status, dict(response.headers), json.loads(await response.read())


@pytest.mark.parametrize(
    "failure",
    [StoreBusy(SECRET), StoreError(SECRET), Undecided(SECRET), ZeroDivisionError(SECRET)],
    ids=lambda failure: type(failure).__name__,
)
async def test_trouble_of_our_own_is_503_and_says_when_to_come_again(failure):
    status, headers, body = await ask(failure)

    assert (status, body["error"]["code"]) == (503, "unavailable")
    assert int(headers["Retry-After"]) > 0
    assert SECRET not in json.dumps(body)


async def test_a_payload_that_cannot_be_read_keeps_its_code_message_and_path():
    status, _, body = await ask(PayloadError("invalid_field", "`alerts` must be a list", "alerts"))

    assert status == 400
    assert body == {
        "error": {"code": "invalid_field", "message": "`alerts` must be a list", "path": "alerts"}
    }


async def test_no_answer_is_kept_or_sniffed_by_anybody():
    _, headers, _ = await ask(Refusal(409, "taken"))

    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Type"].startswith("application/json")
    assert "Access-Control-Allow-Origin" not in headers
    assert "aiohttp" not in headers["Server"]


def test_text_that_cannot_be_encoded_does_not_break_an_answer():
    response = as_json({"title": "broken \ud800"})

    assert json.loads(response.body) == {"title": "broken ?"}
