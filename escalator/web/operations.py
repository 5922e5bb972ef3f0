"""What operators and their programs ask of the daemon itself: alive, ready, reload, metrics, the schemas.

Ready means able to accept and store. How the carrier fares is a metric and never readiness: a pager that cannot call
just now must still take alerts.
"""

import asyncio

from aiohttp import web
from prometheus_client.aiohttp import make_aiohttp_handler

from escalator.config.schema import json_schema
from escalator.store.work import count_work
from escalator.web import counting
from escalator.web.answers import Refusal, as_json, error, unavailable
from escalator.web.context import WebContext
from escalator.web.openapi import document


class Operations:
    """The daemon's own affairs."""

    def __init__(self, context: WebContext):
        self._context = context
        self._reloading = asyncio.Lock()
        self._exposition = make_aiohttp_handler(context.engine.metrics.registry)
        self._openapi = document()

    async def healthy(self, _: web.Request) -> web.Response:
        """`GET /-/healthy`: the loop turns."""
        return web.Response(text="escalator is healthy\n")

    async def ready(self, _: web.Request) -> web.Response:
        """`GET /-/ready`: alerts can be accepted and stored."""
        reason = self._context.why_not_ready()
        if reason is not None:
            raise unavailable(reason)
        return web.Response(text="escalator is ready\n")

    async def reload(self, _: web.Request) -> web.Response:
        """`POST /-/reload`: the config anew, whole or not at all. One at a time."""
        async with self._reloading:
            problems = list(await self._context.reload())
        if problems:
            refusal = Refusal(
                400,
                "the config does not load, the one before stays in force: " + "; ".join(problems),
                code="invalid_field",
            )
            return error(refusal, problems=problems)
        return as_json({"reloaded": True})

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        """`GET /metrics`, with what only the store knows counted anew."""
        engine = self._context.engine
        work = await engine.reader.in_thread(count_work)
        policies = engine.rules.policies.keys()
        counting.open_work(engine.metrics, work, policies, engine.reader.size())
        return await self._exposition(request)

    async def schema(self, _: web.Request) -> web.Response:
        """`GET /schema.json`: the JSON Schema of the config file."""
        return as_json(json_schema())

    async def openapi(self, _: web.Request) -> web.Response:
        """`GET /openapi.json`: the API."""
        return as_json(self._openapi)
