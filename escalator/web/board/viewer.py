"""Who looks at the board: the name that acts, and the zone that times are shown in.

A login says who it is. Where nobody has to log in (this machine alone), a person may say so themselves; a cookie that
no other site's request bears keeps it.
"""

from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from aiohttp import web

from escalator.config.model import Config
from escalator.web.who import name_behind

COOKIE = "escalator_who"
COOKIE_LIFE = timedelta(days=365)
NAMELESS = "board"


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """`by` is who acts, for the timeline; `person` their key in the config, "" for none."""

    by: str
    name: str
    person: str
    is_logged_in: bool
    zone_name: str

    @property
    def zone(self) -> ZoneInfo:
        """Where times are shown."""
        return ZoneInfo(self.zone_name)


def viewer_of(request: web.Request, config: Config) -> Viewer:
    """Who is behind a request that the door let in."""
    login = name_behind(request)
    key = login or request.cookies.get(COOKIE, "")
    person = config.people.get(key)
    return Viewer(
        by=key if login or person is not None else NAMELESS,
        name=(person.name or key) if person is not None else login,
        person=key if person is not None else "",
        is_logged_in=bool(login),
        zone_name=(person.timezone if person is not None else None) or config.timezone,
    )


def remember(response: web.Response, person: str) -> None:
    """Have the browser say from now on that this person sits there; "" forgets it."""
    if person:
        response.set_cookie(
            COOKIE,
            person,
            max_age=int(COOKIE_LIFE.total_seconds()),
            httponly=True,
            samesite="Strict",
            path="/",
        )
    else:
        response.del_cookie(COOKIE, httponly=True, samesite="Strict", path="/")
