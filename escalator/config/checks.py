"""Faults that no single key shows: names that nobody has, parts that contradict each other, open
doors.

The checks read what was written, not the model, so that they can speak even when another part
of the file does not fit its type: all errors come at once. They take nothing for granted about
shapes; a wrong shape is told elsewhere.
"""

from collections.abc import Iterable

from escalator.config.document import Document, Plain
from escalator.config.parts import (
    NEXT,
    mapping,
    policies_named,
    sequence,
    suggestion,
    targets,
    words,
)
from escalator.config.problems import Path
from escalator.config.schedule_checks import check_time
from escalator.config.values import read_address
from escalator.escalation.heartbeats import RECEIVER
from escalator.escalation.own_alerts import OWN_RECEIVER
from escalator.escalation.rules import DEFAULT_POLICY, EVERYONE, NO_POLICY

OWN_RECEIVERS = frozenset({OWN_RECEIVER, RECEIVER})


def check(document: Document) -> None:
    """Report every fault that shows only when parts of the file are held against each other."""
    _check_targets(document)
    _check_policy_names(document)
    _check_routes(document)
    check_time(document)
    _check_own_numbers(document)
    _check_aliases(document)
    _check_listeners(document)
    _check_open_doors(document)
    _check_receiver_names(document)


def _check_receiver_names(document: Document) -> None:
    """What escalator raises itself has receivers of its own, which nobody may send to."""
    for name in mapping(document.data.get("receivers")):
        if name in OWN_RECEIVERS:
            message = "what escalator raises itself comes by this name; choose another"
            document.report(("receivers", name), message, at_key=True)


def _check_targets(document: Document) -> None:
    people = document.data.get("people")
    if not isinstance(people, dict):
        return
    schedules = mapping(document.data.get("schedules"))
    known = {EVERYONE, *people, *schedules}
    for path, target in targets(document):
        if target in known:
            continue
        name = target.removesuffix(NEXT)
        if name == target:
            document.report(
                path,
                f"nobody is called {target!r}{suggestion(target, _meant(target, known, schedules))}",
            )
        elif name in people:
            document.report(path, f"{name!r} is a person; only a schedule has a next one")
        elif name not in schedules:
            document.report(path, f"there is no schedule {name!r}{suggestion(name, schedules)}")


def _check_routes(document: Document) -> None:
    policies = mapping(document.data.get("policies"))
    routes = sequence(document.data.get("routes"))
    names: set[Plain] = set()
    for index, route in enumerate(routes):
        path: Path = ("routes", index)
        name = mapping(route).get("name")
        if isinstance(name, str):
            if name in names:
                document.report((*path, "name"), f"an earlier route is called {name!r} too")
            names.add(name)
    if policies and DEFAULT_POLICY not in policies:
        _check_all_routed(document, routes)


def _meant(target: str, known: set[str], schedules: Iterable[str]) -> set[str]:
    """What a target may have meant; the next of a schedule only where a dot was written."""
    return {f"{name}{NEXT}" for name in schedules} if "." in target and schedules else known


def _check_policy_names(document: Document) -> None:
    """Whoever names a policy names one that there is."""
    policies = document.data.get("policies")
    if not isinstance(policies, dict):
        return
    for path, policy in policies_named(document):
        if policy not in {NO_POLICY, *policies}:
            document.report(path, f"there is no policy {policy!r}{suggestion(policy, policies)}")


def _check_all_routed(document: Document, routes: list[Plain]) -> None:
    """Without a policy `default` the last route has to take whatever comes."""
    path: Path = ("policies",)
    if not routes:
        message = (
            "without routes every alert goes to the policy 'default', and there is none;"
            " call a policy default or write routes"
        )
        document.report(path, message, at_key=True)
    elif "matchers" in mapping(routes[-1]):
        message = (
            "an alert that no route fits goes to the policy 'default', and there is none;"
            " call a policy default, or end with a route that has no matchers"
        )
        document.report(path, message, at_key=True)


def _check_own_numbers(document: Document) -> None:
    """A call from a number to itself never rings."""
    twilio = mapping(document.data.get("twilio"))
    own = {number for _, number in words(twilio.get("from"), ())}
    theirs = [
        found
        for name, person in mapping(document.data.get("people")).items()
        for key in ("phone", "phones")
        for found in words(mapping(person).get(key), ("people", name, key))
    ]
    for path, number in theirs:
        if number in own:
            message = "this is a number we call from (twilio.from); it cannot ring itself"
            document.report(path, message)


def _check_aliases(document: Document) -> None:
    people = mapping(document.data.get("people"))
    owners = {name: name for name in people}
    for name, person in people.items():
        for path, alias in words(mapping(person).get("aliases"), ("people", name, "aliases")):
            owner = owners.setdefault(alias, name)
            if owner != name:
                document.report(path, f"{alias!r} already stands for {owner}")


def _check_listeners(document: Document) -> None:
    internal, public = (_address(document, name) for name in ("internal", "public"))
    if internal == public and not internal.endswith(":0"):
        document.report(
            ("listen", "public"),
            f"both listeners are on {public}; the carrier may reach the public one only",
        )


def _address(document: Document, listener: str) -> str:
    value = mapping(document.data.get("listen")).get(listener)
    written = mapping(value).get("address") if isinstance(value, dict) else value
    return written if isinstance(written, str) else f"default-{listener}"


def _check_open_doors(document: Document) -> None:
    """Off loopback, whoever speaks to the internal listener has to prove who they are (X17)."""
    written = _address(document, "internal")
    try:
        if read_address(written).is_loopback:
            return
    except ValueError:
        return
    web = mapping(document.data.get("web"))
    if not any(web.get(key) for key in ("tokens", "users", "proxy_user")):
        document.report(
            ("listen", "internal"),
            f"{written} is not loopback and nobody has to log in; set web.tokens, web.users or"
            " web.proxy_user, or listen on 127.0.0.1",
        )
    for kind, harm in (("receivers", "page with it"), ("heartbeats", "send its beats")):
        for name, section in mapping(document.data.get(kind)).items():
            if isinstance(section, dict) and "auth" not in section:
                document.report(
                    (kind, name),
                    f"has no auth, and {written} is not loopback: anybody could {harm};"
                    " give it one, as auth: { bearer: { file: /path } }",
                    at_key=True,
                )
