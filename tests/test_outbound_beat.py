"""Who watches this pager hears of it only while it could page somebody (G1). The far side is a real server."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web
from cast import ANA, BEN, OURS, fired, rules, step
from test_engine import stage

from escalator.auditor import CLEAN_FOR, Auditor
from escalator.config.heartbeats import BeatTo
from escalator.config.secret import Secret
from escalator.escalation.call_events import (
    CallAccepted,
    CallIntended,
    CallNotSent,
    CallUnclear,
    Wanted,
)
from escalator.escalation.events import Action, Asked
from escalator.outbound_beat import CARRIER_PATIENCE, RETRY_SECONDS, TURNED_WITHIN, OutboundBeat

SECOND = timedelta(seconds=1)
PATH = "/ping/not-for-anybody-else"
RULES = rules(step("ana", wait=timedelta(days=1)))
RING_BEN = {"ring": "ben"}


class FarSide:
    """What is asked for there, and how it answers."""

    def __init__(self):
        self.requests = []
        self.status = 200
        self.address = ("", 0)
        self.hangs = asyncio.Event()
        self.hangs.set()

    async def answer(self, request):
        self.requests.append((request.method, request.path))
        await self.hangs.wait()
        headers = {"Location": "/elsewhere"} if self.status == 302 else {}
        return web.Response(status=self.status, headers=headers)

    def link(self):
        return "http://{}:{}{}".format(*self.address, PATH)

    @asynccontextmanager
    async def open(self):
        application = web.Application()
        application.router.add_route("*", "/{rest:.*}", self.answer)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.address = runner.addresses[0]
        try:
            yield self
        finally:
            await runner.cleanup()


@asynccontextmanager
async def pager(path):
    """An engine whose first cycle is over, an auditor that has looked once, and who watches them."""
    async with stage(path, RULES) as on, FarSide().open() as on.far:
        await on.until(lambda: on.cycles)
        on.auditor = Auditor(on.engine)
        on.to = BeatTo.model_construct(
            url=Secret(on.far.link(), source="file x"), every=timedelta(minutes=1)
        )
        on.out = OutboundBeat(on.engine, lambda: on.to, lambda: on.auditor.is_clean)
        await on.auditor.look()
        yield on


def counted(on):
    return {
        result: on.count("outbound_beats_total", result=result)
        for result in ("ok", "failed", "withheld")
    }


def said(on):
    return [(one["result"], one["why"]) for one in on.logs if one["event"] == "no_beat_sent"]


async def test_a_beat_leaves_after_a_clean_look_of_the_auditor(tmp_path):
    """(G1)"""
    async with pager(tmp_path / "e.db") as on:
        assert await on.out.beat(on.to)

        assert on.far.requests == [("GET", PATH)]
        assert counted(on) == {"ok": 1, "failed": 0, "withheld": 0}


async def test_before_the_first_look_and_long_after_the_last_none_leaves(tmp_path):
    """(G1)"""
    async with pager(tmp_path / "e.db") as on:
        fresh = Auditor(on.engine)
        never = OutboundBeat(on.engine, lambda: on.to, lambda: fresh.is_clean)
        assert not await never.beat(on.to)

        await passed(on, CLEAN_FOR - SECOND)
        assert await on.out.beat(on.to)
        await passed(on, 2 * SECOND)
        assert not await on.out.beat(on.to)

        assert len(on.far.requests) == 1
        assert counted(on)["withheld"] == 2
        assert "auditor" in said(on)[0][1]


async def passed(on, span):
    """So much time and a little more, with the engine's cycles in it."""
    end = on.clock.now() + span
    while on.clock.now() < end:
        before = on.cycles
        await on.clock.advance(min(10 * SECOND, end - on.clock.now()))
        if end - on.clock.now() > 10 * SECOND:
            await on.until(lambda before=before: on.cycles > before)
    await on.quiet()


async def test_a_look_that_found_something_wrong_is_not_clean(tmp_path):
    """(G1) It is mended and told; the next clean look lets the beats leave again."""
    async with pager(tmp_path / "e.db") as on:
        await on.engine.submit(fired())
        await on.engine.change("UPDATE pages SET state = 'waiting'")
        await on.engine.change("UPDATE incidents SET due_at = NULL")
        assert await on.auditor.look() == 1

        assert not await on.out.beat(on.to)
        assert await on.auditor.look() == 0
        assert await on.out.beat(on.to)


async def test_while_the_store_cannot_be_written_none_leaves(tmp_path):
    """(G1)"""
    async with pager(tmp_path / "e.db") as on:
        on.engine.is_writable = False

        assert not await on.out.beat(on.to)

        assert said(on) == [("withheld", "the store cannot be written")]


async def test_while_the_engine_stands_still_none_leaves(tmp_path):
    """(G1)"""
    async with pager(tmp_path / "e.db") as on:
        on.running.cancel()
        await asyncio.wait({on.running})
        on.running = None
        await on.clock.advance(TURNED_WITHIN - SECOND)
        assert await on.out.beat(on.to)

        await on.clock.advance(2 * SECOND)

        assert not await on.out.beat(on.to)
        assert said(on) == [("withheld", "the engine has not turned for a minute")]


async def wanted(on, key, to, person, came=None, **about):
    """A page that is asked of the carrier, and what came of that."""
    await on.engine.submit(fired(key, **about))
    await on.engine.submit(
        CallIntended(
            call_id=f"call-{key}",
            to=to,
            from_=OURS,
            person=person,
            token_hash=f"hash-{key}",
            lasts=385.0,
            pages=(Wanted(incident_id=f"incident-{key}", person=person),),
        )
    )
    await on.engine.submit(came(f"call-{key}"))


def not_sent(call_id):
    return CallNotSent(call_id=call_id, reason="no connection", retry_at=None)


def unclear(call_id):
    return CallUnclear(call_id=call_id, reason="timeout")


def accepted(call_id):
    return CallAccepted(call_id=call_id, token_hash=call_id.replace("call", "hash"), sid="CA1")


@pytest.mark.parametrize("came", [not_sent, unclear])
async def test_while_the_carrier_takes_no_call_that_is_wanted_none_leaves(tmp_path, came):
    """(G1) Not at the first failure: after ten minutes."""
    async with pager(tmp_path / "e.db") as on:
        await wanted(on, "disk", ANA, "ana", came, title="Disk")
        await passed(on, CARRIER_PATIENCE - SECOND)
        await on.auditor.look()
        assert await on.out.beat(on.to)

        await passed(on, 2 * SECOND)
        await on.auditor.look()

        assert not await on.out.beat(on.to)
        assert said(on) == [("withheld", "the carrier has taken no call for ten minutes")]


async def test_a_carrier_that_takes_another_call_meanwhile_is_there(tmp_path):
    """(G1) One number that nothing comes of is not the carrier."""
    async with pager(tmp_path / "e.db") as on:
        await wanted(on, "disk", ANA, "ana", not_sent)
        await passed(on, CARRIER_PATIENCE)
        await wanted(on, "load", BEN, "ben", accepted, **RING_BEN)
        await passed(on, SECOND)
        await on.auditor.look()

        assert await on.out.beat(on.to)


async def test_a_call_that_is_not_wanted_any_more_holds_nothing_back(tmp_path):
    """(G1)"""
    async with pager(tmp_path / "e.db") as on:
        await wanted(on, "disk", ANA, "ana", not_sent)
        await on.engine.submit(Asked(incident_id="incident-disk", action=Action.ACKNOWLEDGE))
        await passed(on, 2 * CARRIER_PATIENCE)
        await on.auditor.look()

        assert await on.out.beat(on.to)


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_an_answer_that_is_no_success_is_counted_and_no_redirect_followed(tmp_path, status):
    async with pager(tmp_path / "e.db") as on:
        on.far.status = status

        assert not await on.out.beat(on.to)

        assert on.far.requests == [("GET", PATH)]
        assert counted(on) == {"ok": 0, "failed": 1, "withheld": 0}
        assert said(on) == [("failed", f"it answered {status}")]


async def test_an_answer_that_does_not_come_is_not_waited_for(tmp_path):
    async with pager(tmp_path / "e.db") as on:
        on.far.hangs.clear()
        hasty = OutboundBeat(on.engine, lambda: on.to, lambda: True, timeout_seconds=0.05)

        assert not await hasty.beat(on.to)

        assert said(on) == [("failed", "no answer within 0.05 s")]
        on.far.hangs.set()


@pytest.mark.parametrize(
    "link",
    ["http://127.0.0.1:1/secret-path", "http://no such host/secret-path", "https://["],
    ids=["nobody listens", "no URL", "broken"],
)
async def test_a_link_that_leads_nowhere_is_told_without_the_link(tmp_path, link):
    async with pager(tmp_path / "e.db") as on:
        to = BeatTo.model_construct(url=Secret(link, source="file x"), every=timedelta(seconds=10))

        assert not await on.out.beat(to)

        ((result, why),) = said(on)
        assert result == "failed"
        assert "could not be reached" in why
        assert not any("secret-path" in str(one) or "127.0.0.1" in str(one) for one in on.logs)


async def test_the_same_failure_is_logged_once_in_ten_minutes(tmp_path):
    async with pager(tmp_path / "e.db") as on:
        on.far.status = 500
        for _ in range(3):
            await on.out.beat(on.to)
        await passed(on, timedelta(minutes=10))
        await on.auditor.look()
        await on.out.beat(on.to)

        told = [one["suppressed"] for one in on.logs if one["event"] == "no_beat_sent"]
        assert told == [0, 2]
        assert counted(on)["failed"] == 4


async def test_no_proxy_of_the_environment_learns_of_the_link(tmp_path, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with pager(tmp_path / "e.db") as on:
        assert await on.out.beat(on.to)


async def test_the_worker_beats_every_so_often_and_looks_again_soon_when_it_may_not(tmp_path):
    """(G1)"""
    async with pager(tmp_path / "e.db") as on:
        task = asyncio.ensure_future(on.out.run())
        try:
            await passed(on, 6 * SECOND)
            await on.until(lambda: counted(on)["ok"] == 1)
            await passed(on, 50 * SECOND)
            assert counted(on)["ok"] == 1
            await passed(on, 15 * SECOND)
            await on.until(lambda: counted(on)["ok"] == 2)

            on.far.status = 500
            await on.auditor.look()
            await passed(on, 60 * SECOND)
            await on.until(lambda: counted(on)["failed"] == 1)
            on.far.status = 200
            await on.auditor.look()
            await passed(on, (RETRY_SECONDS + 1) * SECOND)
            await on.until(lambda: counted(on)["ok"] == 3)

            on.to = None
            await passed(on, 200 * SECOND)
            assert len(on.far.requests) == 4
        finally:
            task.cancel()
            await asyncio.wait({task})
