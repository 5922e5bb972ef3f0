"""The log of requests: which route was asked, never which path, for a path may hold a secret.

What went well is told at debug, what was refused at info, what failed at warning; of the same refusal or failure one
line a second. Every request is counted with its duration.
"""

import logging

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from escalator.clock import Clock
from escalator.telemetry import Metrics, Sampled, get_logger
from escalator.web import counting

log = get_logger("http")

_UNMATCHED = "unmatched"
_LEVELS = {4: logging.INFO, 5: logging.WARNING}


def access_log_class(metrics: Metrics, clock: Clock) -> type[AbstractAccessLogger]:
    """The `access_log_class` for an `AppRunner`. It fits both listeners."""
    sampled = Sampled(clock.boottime)

    class AccessLog(AbstractAccessLogger):
        """Logs with structlog; the logger that aiohttp hands over is not used."""

        def __init__(self, logger: logging.Logger, log_format: str) -> None:
            super().__init__(logger, log_format)

        def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
            handler = route_of(request)
            counting.request_answered(metrics, handler, request.method, response.status, time)
            level = _LEVELS.get(response.status // 100, logging.DEBUG)
            if not logging.getLogger().isEnabledFor(level):
                return  # asked here, as this is every request and a line that nobody sees costs the most of it
            suppressed: int | None = 0
            if response.status >= 400:
                suppressed = sampled(f"{handler} {response.status}")
            if suppressed is not None:
                log.log(
                    level,
                    "request",
                    handler=handler,
                    method=request.method[:20],
                    status=response.status,
                    seconds=round(time, 4),
                    remote=request.remote,
                    **({"suppressed": suppressed} if suppressed else {}),
                )

    return AccessLog


def route_of(request: web.BaseRequest) -> str:
    """The template of the route that a request took, as `/receive/{receiver}`."""
    # What is no HTTP is answered by aiohttp itself and never reaches the router.
    match = getattr(request, "_match_info", None)
    resource = None if match is None else match.route.resource
    return _UNMATCHED if resource is None else str(resource.canonical)


def sampled_logger(clock: Clock) -> logging.Logger:
    """The `logger` for an `AppRunner`: aiohttp tells of every malformed request at length; one a second will do."""
    sampled = Sampled(clock.boottime)
    logger = logging.Logger("aiohttp.server")  # noqa: LOG001 - the filter is this runner's and not everybody's
    logger.parent = logging.getLogger()
    logger.addFilter(lambda record: sampled(str(record.msg)) is not None)
    return logger
