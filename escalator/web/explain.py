"""Explain over HTTP: what would become of an alert of these labels, and who would be rung if nobody answered."""

import asyncio
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from aiohttp import web

from escalator.foresight.explaining import explain
from escalator.foresight.settings import phones_of
from escalator.web import bodies
from escalator.web.answers import as_json, invalid
from escalator.web.bodies import Fields
from escalator.web.context import WebContext
from escalator.web.foresight_shapes import explanation_shape
from escalator.web.oncall import AT_CHARS_MAX, moment_asked

LABELS_MAX = 64
_KNOWN = frozenset({"labels", "annotations", "at"})


class Explain:
    """The rules in force, with live overrides, silences and calendars."""

    def __init__(self, context: WebContext):
        self._context = context
        # One at a time: many at once would only be slower, and take the processor from paging.
        self._turn = asyncio.Lock()

    async def explain(self, request: web.Request) -> web.Response:
        """`POST /api/v1/explain {labels, annotations, at}`. Nothing is stored and nobody is rung."""
        fields = await bodies.json_fields(request, _KNOWN)
        config, engine = self._context.config(), self._context.engine
        zone = ZoneInfo(config.timezone)
        if fields.get("labels") is None:
            raise invalid("labels", "is missing; write the alert's labels, as {}")
        labels, annotations = _texts(fields, "labels"), _texts(fields, "annotations")
        asked = bodies.text(fields, "at", AT_CHARS_MAX)
        at = moment_asked(asked, zone) if asked else engine.clock.wall()
        async with self._turn:
            told = await asyncio.to_thread(
                explain,
                engine.rules,
                labels,
                at,
                annotations=annotations,
                phones=phones_of(config),
                zone=zone,
            )
        return as_json(explanation_shape(told))


def _texts(fields: Fields, name: str) -> Mapping[str, str]:
    """A field that is an object of texts; {} when it is absent or null."""
    value = fields.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise invalid(name, "must be an object of texts, as {}")
    if len(value) > LABELS_MAX:
        raise invalid(name, f"holds more than {LABELS_MAX}")
    return value
