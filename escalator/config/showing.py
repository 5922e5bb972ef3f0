"""The config as it is in force: defaults filled in, secrets as fingerprints, in the grammar of the
file.
"""

from typing import Any

import yaml

from escalator.config.loading import Loaded
from escalator.config.values import show_duration
from escalator.escalation.rules import EXHAUSTED_EVERY

EVERY = show_duration(EXHAUSTED_EVERY)
GENERATED = "‹bearer token, made at the first start›"


def effective(loaded: Loaded) -> dict[str, Any]:
    """Everything that holds, as plain data. No secret is in it."""
    config, rules = loaded.config, loaded.rules
    shown: dict[str, Any] = config.model_dump(mode="json", by_alias=True)
    for name, person in shown["people"].items():
        person["name"] = rules.people[name].name
        person["language"] = rules.people[name].language
        person["timezone"] = person["timezone"] or config.timezone
    for schedule in shown["schedules"].values():
        schedule["timezone"] = schedule["timezone"] or config.timezone
    for intervals in shown["time_intervals"].values():
        for interval in intervals:
            interval["location"] = interval["location"] or config.timezone
    for name, policy in shown["policies"].items():
        if policy["fallback"] is None:
            policy["fallback"] = {"call": list(rules.policies[name].fallback), "every": EVERY}
    shown["routes"] = shown["routes"] or [{"policy": rules.routes[0].policy}]
    for route, built in zip(shown["routes"], rules.routes, strict=True):
        route["name"] = built.name
    for name, receiver in config.receivers.items():
        if receiver.generated_token:
            shown["receivers"][name]["auth"] = {"bearer": GENERATED}
    pruned: dict[str, Any] = _without_nothing(shown)
    return pruned


def effective_yaml(loaded: Loaded) -> str:
    """The same as YAML, ending in a newline."""
    return yaml.safe_dump(effective(loaded), sort_keys=False, allow_unicode=True, width=100)


def _without_nothing(value: Any) -> Any:
    """Drop keys whose value stands for not being set."""
    if isinstance(value, dict):
        return {
            key: _without_nothing(inner)
            for key, inner in value.items()
            if inner is not None and inner != ""
        }
    if isinstance(value, list):
        return [_without_nothing(item) for item in value]
    return value
