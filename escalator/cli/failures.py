"""What really went wrong, out of the groups that concurrent tasks wrap it in: a person is told that."""

from typing import Any


def leaves(group: BaseExceptionGroup[Any]) -> list[BaseException]:
    """The failures in a group and in the groups within it, in order."""
    found: list[BaseException] = []
    for error in group.exceptions:
        found += leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
