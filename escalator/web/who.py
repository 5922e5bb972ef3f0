"""The name behind a request, kept with it from the door to the handler."""

from aiohttp import web

_NAME = web.RequestKey("name", str)


def remember_name(request: web.Request, name: str) -> None:
    """Keep the name that the door found."""
    request[_NAME] = name


def name_behind(request: web.Request) -> str:
    """Who asks; "" when nobody had to say."""
    name: str = request.get(_NAME, "")
    return name
