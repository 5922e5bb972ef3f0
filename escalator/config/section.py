"""What every part of the config's model shares: unknown keys refused, values frozen, shorthands,
secrets.

A shorthand lets a file say less (`call: ana` for `call: [ana]`) while the model and its checks
see one shape.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

from escalator.config.secret import HINT, SOURCES, Secret, read_secret
from escalator.config.values import surroundings, written


class Section(BaseModel):
    """A mapping of the config whose keys are all known."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, arbitrary_types_allowed=True, hide_input_in_errors=True
    )


@dataclass(frozen=True, slots=True, eq=False)
class Shorthand:
    """A shorter way to write a value: `widen` gives the long form, or the value as it was."""

    widen: Callable[[Any], Any]
    short_schema: dict[str, Any] | None = None

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.widen, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        long = handler(schema)
        short = self.short_schema or long.get("items", {"type": "string"})
        return {"anyOf": [short, long]}


def _one_as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


ONE_OR_MANY = Shorthand(_one_as_list)


def not_empty(value: tuple[Any, ...]) -> tuple[Any, ...]:
    """Refuse a list without items."""
    if not value:
        raise ValueError("the list is empty; name at least one, or take the key away")
    return value


NOT_EMPTY = AfterValidator(not_empty)


def _read_secret(value: Any, info: ValidationInfo) -> Secret:
    if isinstance(value, str):
        raise ValueError(f"a secret does not stand in this file; write {HINT}")  # noqa: TRY004 - pydantic gathers no other
    if not isinstance(value, dict) or len(value) != 1 or next(iter(value)) not in SOURCES:
        raise ValueError(f"write exactly one of {HINT}")
    source, name = next(iter(value.items()))
    return read_secret(source, written(name), surroundings(info))


_SECRET_SCHEMA = {
    "type": "object",
    "properties": {source: {"type": "string"} for source in SOURCES},
    "additionalProperties": False,
    "minProperties": 1,
    "maxProperties": 1,
}
SecretValue = Annotated[
    Secret, BeforeValidator(_read_secret), PlainSerializer(str), WithJsonSchema(_SECRET_SCHEMA)
]


def choice(*words: str) -> tuple[Any, ...]:
    """The metadata of a scalar that is one of a few words."""
    listed = ", ".join(words[:-1]) + f" or {words[-1]}"

    def read(value: object) -> str:
        word = written(value)
        if word not in words:
            raise ValueError(f"write {listed}")
        return word

    return BeforeValidator(read), WithJsonSchema({"enum": list(words)})
