"""Who is connected to one listener, and who has to go when there are too many (L6).

Connections that only wait cost a place and nothing else: when places run out, the one that has waited for longest is
hung up for the newcomer, so that no hoard of them keeps a sender out. One that is being answered is never hung up. A
few places are kept for what must be answered while all the others are busy.
"""

import resource
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Protocol, Self

_TOTAL_MAX = 2000
_TOTAL_MIN = 32
_FILES_WANTED = 8192
# The database, calls to the carrier, logs, sockets of the loop: never a listener's.
_FILES_KEPT = 256


@dataclass(frozen=True, slots=True)
class Limits:
    """How many connections one listener has at once.

    `per_address` does not hold for this machine: a proxy here is everybody. `reserve` of `total` are left to requests
    that must be answered when all others are refused.
    """

    total: int = _TOTAL_MAX
    per_address: int = 128
    reserve: int = 16

    @classmethod
    def within(cls, open_files: int, listeners: int = 2) -> Self:
        """As many as that many open files allow when so many listeners share them."""
        share = (open_files - _FILES_KEPT) // listeners
        return cls(total=max(_TOTAL_MIN, min(_TOTAL_MAX, share)))


class Connection(Protocol):
    """One connection, as far as counting it goes. It is the same only as itself."""

    address: str

    def hang_up(self) -> None:
        """Close it at once, whatever it is doing."""


@dataclass(slots=True)
class _Peer:
    count: int = 0
    resting: dict[Connection, None] = field(default_factory=dict)


class Connections:
    """The connections of one listener; each operation takes the same time however many there are."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._peers: dict[str, _Peer] = {}
        # Oldest first: dicts keep the order in which they were filled.
        self._resting: dict[Connection, None] = {}
        self._busy: dict[Connection, None] = {}

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._resting) + len(self._busy)

    @property
    def is_busy(self) -> bool:
        """Whether only the reserve is left."""
        return len(self._busy) >= self._limits.total - self._limits.reserve

    def admit(self, one: Connection) -> bool:
        """Count a new connection. False: there is no place and none can be made; it has to go, uncounted."""
        peer = self._peers.get(one.address)
        is_many = peer is not None and peer.count >= self._limits.per_address
        if peer is not None and is_many and not is_this_machine(one.address):
            if not self._make_room(peer.resting):
                return False
        elif self.count >= self._limits.total and not self._make_room(self._resting):
            return False
        peer = self._peers.setdefault(one.address, _Peer())
        peer.count += 1
        self._resting[one] = peer.resting[one] = None
        return True

    def begins(self, one: Connection) -> None:
        """A request of it is being answered from now on."""
        if one in self._resting:
            del self._resting[one], self._peers[one.address].resting[one]
            self._busy[one] = None

    def rests(self, one: Connection) -> None:
        """Its request has been answered."""
        if one in self._busy:
            del self._busy[one]
            self._resting[one] = self._peers[one.address].resting[one] = None

    def gone(self, one: Connection) -> None:
        """It is closed, or about to be."""
        if one not in self._busy and one not in self._resting:
            return
        self._busy.pop(one, None)
        self._resting.pop(one, None)
        peer = self._peers[one.address]
        peer.resting.pop(one, None)
        peer.count -= 1
        if not peer.count:
            del self._peers[one.address]

    def _make_room(self, resting: dict[Connection, None]) -> bool:
        oldest = next(iter(resting), None)
        if oldest is None:
            return False
        self.gone(oldest)
        oldest.hang_up()
        return True


def open_files() -> int:
    """How many files this process may have open, after asking for as many as it needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES_WANTED if hard == resource.RLIM_INFINITY else min(_FILES_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return _FILES_WANTED if soft == resource.RLIM_INFINITY else soft


def is_this_machine(address: str) -> bool:
    """Whether the address of a connection is one of loopback, or there is none."""
    try:
        return ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return True
