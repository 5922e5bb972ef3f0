"""The JSON Schema of the config file, for editors.

The reader takes every scalar as text, so an unquoted `+4917…`, which an editor sees as a
number, is right. Where the schema says text or number it therefore allows every kind of scalar.
"""

from datetime import timedelta
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from escalator.config.model import Config
from escalator.config.values import show_duration

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCALARS = ("string", "integer", "number", "boolean")


class _InOurGrammar(GenerateJsonSchema):
    """Writes defaults as the file would."""

    def encode_default(self, dft: Any) -> Any:
        return show_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def json_schema() -> dict[str, Any]:
    """The schema as plain data, ready for `json.dumps`."""
    schema = Config.model_json_schema(
        by_alias=True, mode="validation", schema_generator=_InOurGrammar
    )
    loosened: dict[str, Any] = _loosen(schema)
    return {"$schema": DIALECT, **loosened, "title": "escalator's config file"}


def _loosen(node: Any) -> Any:
    if isinstance(node, list):
        return [_loosen(item) for item in node if item != {"type": "null"}]
    if not isinstance(node, dict):
        return node
    loosened = {key: _loosen(value) for key, value in node.items() if key != "default"}
    default = node.get("default")
    if default not in (None, "") and not isinstance(default, dict):
        loosened["default"] = default
    if node.get("type") in SCALARS:
        loosened["type"] = list(SCALARS)
    return loosened
