"""A few incidents that are over when the demo begins, so that the board is not empty.

They are no decoration: alerts went in, phones rang, somebody pressed a key, the sender said that it was over. Only the
telephones were in a hurry.
"""

from dataclasses import dataclass

from escalator.cli.child import StageError
from escalator.cli.stage import Stage, Trouble
from escalator.simulator import Script
from escalator.simulator.scene import ANA, BEN

_HURRY = 60.0
_SETTLE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class _Incident:
    """What went wrong, which keys Ana and Ben pressed (empty: was not rung), how it ended."""

    trouble: Trouble
    ana: str
    ben: str
    phase: str


def _alert(name: str, severity: str, instance: str, summary: str) -> Trouble:
    return Trouble([{"alertname": name, "severity": severity, "instance": instance}], summary)


_PAST = (
    _Incident(
        _alert("CertificateExpires", "warning", "www", "The certificate of www ends in 3 days"),
        ana="4",
        ben="",
        phase="acknowledged",
    ),
    _Incident(
        _alert("QueueBacklog", "critical", "orders", "40,000 orders wait"),
        ana="5",
        ben="4",
        phase="acknowledged",
    ),
    _Incident(
        _alert("BackupFailed", "error", "nightly", "Last night's backup has not ended"),
        ana="6",
        ben="",
        phase="resolved",
    ),
)


async def lay_out_past(stage: Stage) -> None:
    """Let it all happen, fast. Raises `StageError`."""
    simulator = stage.simulator
    speed, simulator.pace.speed = simulator.pace.speed, _HURRY
    try:
        for incident in _PAST:
            await _happen(stage, incident)
    finally:
        simulator.pace.speed = speed
        for owner in (ANA, BEN):
            if owner.number in simulator.people:
                del simulator.people[owner.number]


async def _happen(stage: Stage, incident: _Incident) -> None:
    people = stage.simulator.people
    people[ANA.number] = Script.answers(incident.ana, rings=4.0)
    people[BEN.number] = Script.answers(incident.ben, rings=7.0)
    found = await stage.fire(incident.trouble, is_told=False)
    await stage.wait_phase(found, incident.phase)
    try:
        await stage.simulator.settle(_SETTLE_SECONDS)
    except TimeoutError as error:
        raise StageError(f"the past could not be laid out: {error}") from None
    await stage.mend(incident.trouble)
