"""The demo's daemon: the real command as a process of its own, so that it can be killed and start again.

It is ended by its own id with whoever started it. One that ends unasked is an error; one that was killed on purpose is
not.
"""

import asyncio
import contextlib
import sys
from pathlib import Path

import aiohttp

START_SECONDS = 20.0
STOP_SECONDS = 10.0
_LOOK_SECONDS = 0.05
_ANSWER_SECONDS = 1.0


class StageError(Exception):
    """The demo cannot go on. The sentence says why."""


class Child:
    """The daemon on one config file. `up` is set while it is ready, `life` counts its starts.

    `log` gets what it logs; None for this process's own standard error, to be read by a person.
    """

    def __init__(
        self, config: Path, url: str, http: aiohttp.ClientSession, *, log: Path | None
    ) -> None:
        self.url = url
        self.up = asyncio.Event()
        self.life = 0
        self._config = config
        self._http = http
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._is_over = False
        self._starting = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """Its process id; None before the first start."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start it and wait until it is ready. Raises `StageError`."""
        async with self._starting:
            if self._is_over:
                raise StageError("the demo ends")
            self._process = await self._spawn()
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._ready(self._process)
        except TimeoutError:
            raise StageError(f"the daemon was not ready within {START_SECONDS:g} s") from None
        self.life += 1
        self.up.set()

    async def watch(self) -> None:
        """Return when it has been stopped. Raises `StageError` when it ends by itself."""
        while not self._is_over:
            await self.up.wait()
            process = self._process
            assert process is not None
            code = await process.wait()
            if process is self._process and self.up.is_set() and not self._is_over:
                raise StageError(f"the daemon ended by itself with {code}: {self._last_words()}")

    async def kill(self) -> None:
        """Kill it, as a power cut would; it writes nothing more."""
        assert self._process is not None
        self.up.clear()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def stop(self) -> None:
        """End it in order, and by force when that takes too long. It does not start again."""
        self._is_over = True
        async with self._starting:
            process = self._process
        # Wakes `watch`, which sees that it is over.
        self.up.set()
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _spawn(self) -> asyncio.subprocess.Process:
        log_format = "console" if self._log is None else "logfmt"
        command = [sys.executable, "-m", "escalator", "serve", "--config.file", str(self._config)]
        with contextlib.ExitStack() as open_files:
            out = None if self._log is None else open_files.enter_context(self._log.open("ab"))
            # In a group of its own: Ctrl-C is for the demo, which then ends the daemon in order.
            return await asyncio.create_subprocess_exec(
                *command,
                *("--log.format", log_format),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                process_group=0,
            )

    async def _ready(self, process: asyncio.subprocess.Process) -> None:
        while not await self._says_ready():
            if process.returncode is not None:
                raise StageError(
                    f"the daemon ended with {process.returncode}: {self._last_words()}"
                )
            await asyncio.sleep(_LOOK_SECONDS)
        if process.returncode is not None:
            raise StageError(f"somebody else listens on {self.url}")

    async def _says_ready(self) -> bool:
        timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
        try:
            async with self._http.get(f"{self.url}/-/ready", timeout=timeout) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    def _last_words(self) -> str:
        if self._log is None or not self._log.exists():
            return "see its log"
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return lines[-1] if lines else "it said nothing"
