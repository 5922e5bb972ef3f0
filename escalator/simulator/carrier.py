"""What every part of the simulated carrier shares: whose account, which time, who is behind the
numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

from escalator.simulator.callbacks import Callbacks
from escalator.simulator.journal import Journal
from escalator.simulator.pace import Pace
from escalator.simulator.people import People
from escalator.simulator.tasks import Tasks


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """Made once a simulator. `sessions` gives a new HTTP session, with cookies of its own."""

    account_sid: str
    pace: Pace
    journal: Journal
    people: People
    tasks: Tasks
    callbacks: Callbacks
    sessions: Callable[[], aiohttp.ClientSession]
