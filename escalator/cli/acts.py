"""What can be made to happen in the demo, as buttons of its stage, and the facts that stand above them.

An act is told like everything else, and its answer is the sentence for whoever pressed the button.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from escalator.cli.child import StageError
from escalator.cli.stage import Stage, Trouble
from escalator.simulator.show import Act, ActError, Fact, Link

DEAD_SECONDS = 3.0
STORM_GROUPS = 10
STORM_ALERTS = 200
Play = Callable[[], Awaitable[str]]

_COMES_IN, _GOES_WRONG, _GETS_BETTER = (
    "An alert comes in",
    "The world gets worse",
    "It gets better",
)
_DATABASE = "Critical. Ana is rung, then Ben, then Chika, then Diego."
_ODD_LABELS = "Markup, quotes and a script in its labels. They must stay text everywhere."
_STORM = f"{STORM_GROUPS} incidents at once. A phone rings once for all of them."
_DOWN = "Every connection to it breaks. Calls are owed; whether one got through is found out first."
_DIES = "Killed with SIGKILL, and started again in front of you. Try it in a call."
_BEATS = "The monitoring says every few seconds that it is alive. Nobody is rung for that."
_SILENT = (
    "It says nothing any more. Nobody tells us: the silence rings Ana, and Chika gets a message."
)
_BACK = "It answers again. Half a minute later what is owed is placed."
_WELL = "The senders say so: every alert is resolved."
_ODD = {
    "alertname": "<img src=x onerror=alert(1)>",
    "severity": "critical",
    "instance": "\"'><script>alert(2)</script>",
    "path": "{{ 7 * 7 }} %s ../../etc",
}


def links(stage: Stage) -> Sequence[Link]:
    """Where else to look."""
    return (
        Link(
            label="The board",
            url=f"{stage.url}/",
            about="What is open, who is rung next: the real daemon's own page.",
        ),
    )


def facts(stage: Stage) -> Sequence[Fact]:
    """How daemon and carrier are."""
    is_up, is_down = stage.child.up.is_set(), stage.simulator.faults.down
    daemon = f"runs as process {stage.child.pid}" if is_up else "is dead"
    found = [
        Fact("Daemon", daemon, not is_up),
        Fact("Twilio", "is down" if is_down else "is up", is_down),
    ]
    if stage.watchdog.has_begun:
        is_beating = stage.watchdog.is_beating
        found.append(Fact("Watchdog", "beats" if is_beating else "is silent", not is_beating))
    return found


def acts(stage: Stage, *, dead_seconds: float = DEAD_SECONDS) -> Sequence[Act]:
    """The buttons, in order. `dead_seconds`: how long a killed daemon stays dead."""
    play = _Acts(stage, dead_seconds)
    return (
        _act("database", _COMES_IN, play.database, "A database is down", _DATABASE),
        _act("disk", _COMES_IN, play.disk, "A disk fills up", "A warning, by the same way."),
        _act("odd", _COMES_IN, play.odd, "An alert with odd labels", _ODD_LABELS),
        _act("storm", _COMES_IN, play.storm, f"A storm of {STORM_ALERTS} alerts", _STORM),
        _act("carrier-down", _GOES_WRONG, play.carrier_down, "Twilio is down", _DOWN),
        _act("die", _GOES_WRONG, play.die, "The daemon dies", _DIES),
        _act("watchdog-stops", _GOES_WRONG, play.watchdog_stops, "The Watchdog stops", _SILENT),
        _act("watchdog-beats", _GETS_BETTER, play.watchdog_beats, "The Watchdog beats", _BEATS),
        _act("carrier-back", _GETS_BETTER, play.carrier_back, "Twilio is back", _BACK),
        _act("resolve", _GETS_BETTER, play.resolve, "Everything is well again", _WELL),
    )


def _act(key: str, group: str, play: Play, label: str, about: str) -> Act:
    return Act(key=key, label=label, about=about, group=group, play=play)


class _Acts:
    """The acts. One daemon dies only once at a time."""

    def __init__(self, stage: Stage, dead_seconds: float) -> None:
        self._stage = stage
        self._dead_seconds = dead_seconds
        self._count = 0
        self._dying = asyncio.Lock()

    async def database(self) -> str:
        await self._told(self._stage.break_database())
        return "A critical alert is in. Watch Ana's phone."

    async def disk(self) -> str:
        labels = {"alertname": "DiskFillsUp", "severity": "warning", "instance": self._name("web")}
        trouble = Trouble([labels], f"The disk of {labels['instance']} is full in two hours")
        self._stage.say("alert", f"{trouble.name}, warning")
        await self._told(self._stage.fire(trouble))
        return "A warning is in. Watch Ana's phone."

    async def odd(self) -> str:
        trouble = Trouble([{**_ODD, "run": self._name("run")}], "<b>Odd</b> & harmless")
        self._stage.say("alert", "one with odd labels, critical")
        await self._told(self._stage.fire(trouble))
        return "It is in. What looks like markup must stay text, here and on the board."

    async def storm(self) -> str:
        self._stage.say("alert", f"a storm: {STORM_ALERTS} alerts")
        storm = self._name("storm")
        for group in range(1, STORM_GROUPS + 1):
            await self._told(self._stage.fire(_part_of_storm(storm, group), is_told=False))
        return f"{STORM_ALERTS} alerts are in, in {STORM_GROUPS} incidents."

    async def carrier_down(self) -> str:
        return self._carrier(is_down=True, said="is down: every connection breaks")

    async def carrier_back(self) -> str:
        return self._carrier(is_down=False, said="is back")

    def _carrier(self, *, is_down: bool, said: str) -> str:
        faults = self._stage.simulator.faults
        if faults.down is is_down:
            raise ActError(f"Twilio {'is down' if is_down else 'is up'} already.")
        faults.down = is_down
        self._stage.say("Twilio", said)
        return f"Twilio {said}."

    async def die(self) -> str:
        if self._dying.locked():
            raise ActError("It is dead already. Wait until it is back.")
        async with self._dying:
            child = self._stage.child
            killed = child.pid
            await child.kill()
            self._stage.say("daemon", f"killed with SIGKILL (process {killed})")
            await asyncio.sleep(self._dead_seconds)
            await self._told(child.start())
            self._stage.say("daemon", f"started again (process {child.pid}); it carries on")
        return f"Process {killed} was killed; process {child.pid} carries on with its database."

    async def watchdog_beats(self) -> str:
        watchdog = self._stage.watchdog
        if watchdog.is_beating:
            raise ActError("It beats already. Stop it, and the silence is heard.")
        await self._told(watchdog.start())
        self._stage.say("alert", f"the Watchdog beats, every {watchdog.every:g} s")
        self._stage.simulator.changed()
        return "It beats, and nobody is rung. Now stop it."

    async def watchdog_stops(self) -> str:
        watchdog = self._stage.watchdog
        if not watchdog.is_beating:
            raise ActError("It is silent already: let it beat first.")
        watchdog.stop()
        self._stage.say("alert", "the Watchdog falls silent")
        return f"Not a word any more. It is missed in some {2 * watchdog.every:g} seconds."

    async def resolve(self) -> str:
        troubles = list(self._stage.troubles)
        if not troubles:
            raise ActError("Nothing is broken. Press one of the other buttons first.")
        self._stage.say("alert", f"nothing fires any more ({_counted(troubles)})")
        for trouble in troubles:
            await self._told(self._stage.mend(trouble))
        return f"Resolved by their senders: {_counted(troubles)}."

    def _name(self, what: str) -> str:
        self._count += 1
        return f"{what}{self._count}"

    async def _told(self, work: Awaitable[object]) -> None:
        """Do it; what keeps the stage from it is for whoever pressed the button."""
        try:
            await work
        except StageError as error:
            raise ActError(f"It did not work: {error}") from error


def _part_of_storm(storm: str, group: int) -> Trouble:
    alerts = [
        {
            "alertname": "HighLatency",
            "severity": "critical",
            "service": f"service{group}",
            "storm": storm,
            "instance": f"node{node:02}",
        }
        for node in range(1, STORM_ALERTS // STORM_GROUPS + 1)
    ]
    return Trouble(alerts, f"service{group} takes longer than a second")


def _counted(troubles: Sequence[Trouble]) -> str:
    count = sum(len(trouble.alerts) for trouble in troubles)
    return f"{count} alert{'' if count == 1 else 's'}"
