"""Calendars to keep and a server to fetch them from; all end with the test."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from calendar_keeper import Keeper, keeper
from calendar_server import CalendarServer, calendar_server


@pytest.fixture
async def server() -> AsyncIterator[CalendarServer]:
    async with calendar_server() as one:
        yield one


@pytest.fixture
async def keep(tmp_path: Path, server: CalendarServer) -> AsyncIterator[Any]:
    """`await keep()` starts one on the same database and server; all end with the test."""
    async with AsyncExitStack() as stack:

        async def start(**options: Any) -> Keeper:
            return await stack.enter_async_context(keeper(tmp_path, server, **options))

        yield start
