"""Listeners to ask, started with a config and ended with the test."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from loopback_listener import GENERATED_TOKEN, Listener, opened

from escalator.clock import Clock, VirtualClock

Open = Callable[..., Any]


@pytest.fixture
async def listen(tmp_path: Path) -> AsyncIterator[Open]:
    """Start listeners: `await listen("receivers: …")` adds to the config; all end with the test."""
    async with AsyncExitStack() as stack:

        async def start(
            more: str = "receivers: { hook: { type: webhook } }",
            *,
            clock: Clock | None = None,
            generated_token: str = GENERATED_TOKEN,
        ) -> Listener:
            one = opened(tmp_path, more, clock or VirtualClock(), generated_token)
            return await stack.enter_async_context(one)

        yield start


@pytest.fixture
async def listener(listen: Open) -> Listener:
    """A listener open on loopback with one webhook receiver, `hook`, without auth."""
    started: Listener = await listen()
    return started
