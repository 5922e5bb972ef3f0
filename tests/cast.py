"""Who plays in the tests of the store, the engine and the phone side: people, rules, alerts."""

from collections.abc import Mapping
from datetime import timedelta

from escalator.escalation.alerts import Alert, AlertStatus
from escalator.escalation.events import AlertReceived
from escalator.escalation.matchers import Matcher, Operator
from escalator.escalation.rules import Person, Policy, Route, Rules, Step

ANA, BEN, CHI, DEE = "+491713920012", "+447700900123", "+442079460123", "+15005550109"
ANA_TOO = "+493023125012"
OURS, OURS_GERMAN = "+15005550006", "+493023125099"
HOUR = timedelta(hours=1)

PEOPLE: Mapping[str, Person] = {
    "ana": Person(key="ana", name="Ana", phones=(ANA,), language="en-GB"),
    "ben": Person(key="ben", name="Ben", phones=(BEN,), language="en-GB"),
    "chi": Person(key="chi", name="Chi", phones=(CHI,), language="en-GB"),
    "dee": Person(key="dee", name="Dee", phones=(DEE,), language="en-GB"),
}


def step(*targets: str, wait: timedelta = HOUR, retry: timedelta = timedelta(minutes=2)) -> Step:
    """A step that lasts longer than any test, unless told otherwise."""
    return Step(targets=targets, wait=wait, retry=retry)


def rules(*steps: Step, people: Mapping[str, Person] = PEOPLE, **of_the_policy: object) -> Rules:
    """The default policy has these steps (Ana alone). The label `ring` picks a person by a policy of their own."""
    policies = {name: Policy(name=name, steps=(step(name),), fallback=(name,)) for name in people}
    policies["default"] = Policy(
        name="default", steps=steps or (step("ana"),), **{"fallback": ("dee",), **of_the_policy}
    )
    policies["none"] = Policy(name="none", steps=())
    routes = tuple(
        Route(name=name, policy=name, matchers=(Matcher("ring", Operator.EQUAL, name),))
        for name in people
    )
    return Rules(people=people, policies=policies, routes=routes)


RULES = rules()


def alert(
    key: str = "disk",
    *,
    status: AlertStatus = AlertStatus.FIRING,
    title: str = "Disk full",
    **labels: str,
) -> Alert:
    """An alert in a group of its own."""
    return Alert(
        receiver="am",
        key=key,
        status=status,
        group=labels.pop("group", key),
        labels={"alertname": title, "severity": "critical", **labels},
        annotations={"summary": f"{key} needs you"},
        raw="{}",
    )


def fired(key: str = "disk", incident: str = "", **of_the_alert: str) -> AlertReceived:
    """Such an alert fires; the incident that it may open gets this id, by default that of the key."""
    return AlertReceived(alert=alert(key, **of_the_alert), fresh_id=incident or f"incident-{key}")


def cleared(key: str = "disk", **of_the_alert: str) -> AlertReceived:
    """Such an alert fires no more."""
    return AlertReceived(
        alert=alert(key, status=AlertStatus.RESOLVED, **of_the_alert), fresh_id="unused"
    )
