"""When to look for a call whose POST may or may not have been heard, and when to stop looking.

The span S = 30 s is what the exhaustive model of lost answers asks for: the longest that a POST can
be in flight (15 s) plus the longest that the carrier's list may lag (10 s), and a margin. It counts
from the moment the POST became unclear. While the list cannot be read the wait goes on to 60 s;
then the phone comes first.
"""

from datetime import datetime, timedelta

LOOKS = tuple(timedelta(seconds=seconds) for seconds in (3, 6, 12, 20, 30))
SETTLE = LOOKS[-1]
SETTLE_UNREADABLE = timedelta(seconds=60)
LOOK_AGAIN = timedelta(seconds=5)
POST_TAKES = timedelta(seconds=15)
FIRST_READ = timedelta(seconds=60)
READ_EVERY = timedelta(seconds=30)


def first_look(unclear_at: datetime) -> datetime:
    """When the list is asked first."""
    return unclear_at + LOOKS[0]


def next_look(unclear_at: datetime, now: datetime) -> datetime:
    """When the list is asked again; the last time is the moment at which it is given up."""
    planned = (unclear_at + look for look in LOOKS)
    given_up = unclear_at + SETTLE_UNREADABLE
    later = min(now + LOOK_AGAIN, given_up) if now < given_up else now + LOOK_AGAIN
    return next((at for at in planned if at > now), later)


def is_settled(unclear_at: datetime, now: datetime, *, list_readable: bool) -> bool:
    """Whether another POST may be made although this one never showed."""
    return now >= unclear_at + (SETTLE if list_readable else SETTLE_UNREADABLE)
