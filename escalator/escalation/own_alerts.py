"""What escalator raises about itself: alerts of a receiver of its own, which ring a fallback.

They enter by the one door as any alert does. The key says what they are about, so that the same
trouble told twice is one incident.
"""

from datetime import datetime

from escalator.escalation.alerts import Alert, AlertStatus

OWN_RECEIVER = "escalator"


def store_lost(what: str) -> Alert:
    """The database was damaged or gone; an empty one is in its place."""
    return _alert(
        f"lost:{what}",
        "StoreLost",
        "Escalator has lost its database and goes on with an empty one. Open incidents are forgotten",
        f"{what}. Restore a backup, or wait for the senders to repeat what still fires.",
    )


def store_damaged(fault: str) -> Alert:
    """The daily check found damage in a database that works so far."""
    return _alert(
        "damaged",
        "StoreDamaged",
        "Escalator's database is damaged. It works so far",
        f"{fault}. Make a backup now; at the next start the file is set aside if it is still so.",
    )


def disk_full() -> Alert:
    """The disk is full: alerts are refused, calls go on from the reserve."""
    return _alert(
        "disk",
        "DiskFull",
        "Escalator's disk is full. New alerts are refused until there is room",
        "Make room on the disk of the database. Calls go on for a while, from a reserve of 16 MiB.",
    )


def disk_has_room(at: datetime) -> Alert:
    """It is not full any more."""
    return _alert("disk", "DiskFull", "Escalator's disk has room again", "", resolved_at=at)


def stuck(subject: str, what: str) -> Alert:
    """The auditor found what must never be, and mended it."""
    return _alert(
        f"stuck:{subject}",
        "InvariantViolated",
        f"Escalator found that {what}, and has begun it anew",
        f"{subject}. This is a defect of escalator: report audit_violation from the log.",
    )


def quarantined(subject: str, called: str, why: str) -> Alert:
    """Something could not be decided three times and is left alone from now on."""
    return _alert(
        f"quarantine:{subject}",
        "Quarantined",
        f"Escalator cannot process {called}. It is set aside: look at what it was about",
        f"{subject}: {why}. This is a defect of escalator: report event_undecided from the log.",
    )


def _alert(
    key: str, name: str, summary: str, description: str, *, resolved_at: datetime | None = None
) -> Alert:
    return Alert(
        receiver=OWN_RECEIVER,
        key=key,
        status=AlertStatus.FIRING if resolved_at is None else AlertStatus.RESOLVED,
        group=key,
        labels={"alertname": name, "receiver": OWN_RECEIVER},
        annotations={"summary": summary, "description": description},
        ends_at=resolved_at,
    )
