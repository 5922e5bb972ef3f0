"""The files that pages load: ours and the vendored htmx, read once, packed once, named by what is in them.

A page asks for a file with its digest, so that a browser may keep it for ever; without the digest it may not.
"""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from aiohttp import web

from escalator.web.answers import not_found

_FILES: Mapping[str, tuple[str, str]] = {
    "board.css": ("board.css", "text/css"),
    "board.js": ("board.js", "text/javascript"),
    "htmx.js": ("vendor/htmx.min.js", "text/javascript"),
}
_FOR_EVER = "private, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _Asset:
    body: bytes
    packed: bytes
    kind: str
    digest: str


class Assets:
    """The static files of the board."""

    def __init__(self) -> None:
        self._assets = {name: _load(path, kind) for name, (path, kind) in _FILES.items()}

    def address(self, name: str) -> str:
        """Where a page loads this file from."""
        return f"/static/{name}?v={self._assets[name].digest}"

    async def show(self, request: web.Request) -> web.Response:
        """`GET /static/{file}`."""
        asset = self._assets.get(request.match_info["file"])
        if asset is None:
            raise not_found("file of this name")
        headers = {"Vary": "Accept-Encoding"}
        if request.query.get("v") == asset.digest:
            headers["Cache-Control"] = _FOR_EVER
        body = asset.body
        if takes_packed(request):
            headers["Content-Encoding"] = "gzip"
            body = asset.packed
        return web.Response(body=body, content_type=asset.kind, charset="utf-8", headers=headers)


@cache
def the_assets() -> Assets:
    """The files, read once a process."""
    return Assets()


def takes_packed(request: web.Request) -> bool:
    """Whether the browser understands gzip."""
    offered = request.headers.get("Accept-Encoding", "").lower().split(",")
    return any(one.partition(";")[0].strip() == "gzip" and "q=0" not in one for one in offered)


def packed(body: bytes, level: int = 1) -> bytes:
    """The bytes in gzip, the same each time."""
    return gzip.compress(body, level, mtime=0)


def _load(path: str, kind: str) -> _Asset:
    body = files("escalator.web").joinpath("static", path).read_bytes()
    return _Asset(body, packed(body, 9), kind, hashlib.sha256(body).hexdigest()[:12])
