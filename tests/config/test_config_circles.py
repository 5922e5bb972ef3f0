"""Policies that send each other on by `otherwise` have to come to an end (C9)."""

from pathlib import Path

import pytest

from escalator.config.loading import load
from escalator.config.problems import ConfigError

BAD = Path(__file__).parents[1] / "configs" / "bad"


@pytest.mark.parametrize(
    ("name", "circle"),
    [
        ("otherwise-itself.yml", "default -> default"),
        ("otherwise-in-a-circle.yml", "nights -> weekends -> nights"),
    ],
)
def test_a_circle_of_policies_is_an_error_that_names_them_in_turn(name, circle):
    """(C9) Once, however many of them it goes through."""
    with pytest.raises(ConfigError) as caught:
        load(BAD / name)

    found = [str(one) for one in caught.value.problems if "go in a circle" in str(one)]
    assert len(found) == 1
    assert circle in found[0]
