"""Nothing secret is compared but in constant time (X5).

Whoever measures answers learns nothing about a secret that is compared by its digest; `==` stops at the first
difference. The modules that decide who may come in are read for it.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "escalator"
DOORS = (
    "intake/auth.py",
    "web/access.py",
    "phone/signature.py",
    "phone/callbacks.py",
    "web/receive.py",
)
SECRET_WORDS = {
    "secret",
    "token",
    "tokens",
    "password",
    "signature",
    "digest",
    "credentials",
    "proof",
    "hashed",
}


def comparisons(source: str) -> Iterator[int]:
    """Lines where something with a secret's name is compared by `==` or `!=`."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Compare):
            continue
        if not any(isinstance(one, ast.Eq | ast.NotEq) for one in node.ops):
            continue
        names = {
            word
            for part in ast.walk(node)
            for name in (getattr(part, "id", ""), getattr(part, "attr", ""))
            for word in name.lower().strip("_").split("_")
        }
        if names & SECRET_WORDS:
            yield node.lineno


@pytest.mark.parametrize("module", DOORS)
def test_no_secret_is_compared_as_text(module):
    assert list(comparisons((PACKAGE / module).read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("module", DOORS[:3])
def test_each_door_compares_in_constant_time(module):
    assert "compare_digest(" in (PACKAGE / module).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "source", ["given == secret.reveal()", "self._token != x", "a == b.auth_tokens[0]"]
)
def test_a_comparison_of_secrets_is_seen(source):
    assert list(comparisons(source)) == [1]


def test_others_are_not():
    assert list(comparisons("request.method == 'POST' or len(given) == 64")) == []
