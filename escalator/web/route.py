"""What a route of the internal listener is: where, who may come in, what it takes, how it may answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Door(Enum):
    """Who may come in."""

    ANYBODY = "anybody"  # says nothing and does nothing that needs protecting
    SENDER = "sender"  # by the auth of its receiver
    LINK = "link"  # by the secret in its address
    PEOPLE = "people"  # by the config's `web`


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation. `answers` names the schema of each 2xx, "" for none in JSON; `refusals` are its other codes."""

    name: str
    method: str
    path: str
    summary: str
    door: Door
    answers: Mapping[int, str]
    refusals: tuple[int, ...] = ()
    takes: str = ""
    is_page: bool = False  # answered in HTML, failures too
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def operation(self) -> str:
        """The name that tells apart routes that share a handler."""
        is_shared = self.name in ("act", "board_act")
        return f"{self.name}_{self.path.rpartition('/')[2]}" if is_shared else self.name

    @property
    def codes(self) -> frozenset[int]:
        """Every status this route answers with."""
        asks = self.door in (Door.SENDER, Door.PEOPLE)
        return frozenset({*self.answers, *self.refusals, *((401, 403) if asks else ())})


# How a body may be refused before it is understood.
BODY = (400, 408, 413, 415)
