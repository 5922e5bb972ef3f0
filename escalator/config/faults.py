"""The model's complaints, turned into sentences with a place in the file.

Pydantic says what does not fit and where in the model; here it becomes what a person wrote,
where, and what to write instead. What pydantic quotes of the input never gets through: it may
be a secret.
"""

from collections.abc import Iterable
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from escalator.config.document import Document
from escalator.config.model import Config
from escalator.config.not_yet import MESSAGE, is_not_yet
from escalator.config.problems import Path, did_you_mean, dotted

_MAPPING_TYPES = frozenset({"model_type", "model_attributes_type", "dict_type"})
_LIST_TYPES = frozenset({"tuple_type", "list_type"})
_KEY_MARK = "[key]"


def report_faults(document: Document, error: ValidationError) -> None:
    """Add every fault that the model found to the document's problems.

    A place that the reader has complained about already is not told of twice.
    """
    known = {(problem.path) for problem in document.problems}
    for fault in error.errors(include_url=False, include_input=False):
        place, path, message, at_key = _sentence(document, fault)
        if dotted(path) not in known:
            document.report(place, message, at_key=at_key, shown=path)


def _sentence(document: Document, fault: Any) -> tuple[Path, Path, str, bool]:
    """Where the fault stands, the path to name, what to say, and whether it stands at the key."""
    loc: Path = fault["loc"]
    if fault["type"] == "missing":
        parent = document.trace(loc[:-1])
        return parent, (*parent, loc[-1]), "this key is required", True
    if loc[-1:] == (_KEY_MARK,):
        path = document.trace(loc[:-1])
        return path, path, _reason(fault), True
    path = document.trace(loc)
    if fault["type"] == "extra_forbidden":
        return path, path, _unknown(loc, path), True
    return path, path, _reason(fault), False


def _unknown(loc: Path, path: Path) -> str:
    if is_not_yet(path):
        return MESSAGE
    known = known_keys(loc[:-1])
    hint = did_you_mean(str(loc[-1]), known) or f"; known here: {', '.join(known)}"
    return f"unknown key{hint}"


def _reason(fault: Any) -> str:
    if fault["type"] in _MAPPING_TYPES:
        return "keys with values are needed here, as { key: value }"
    if fault["type"] in _LIST_TYPES:
        return "a list is needed here, as [a, b]"
    cause = fault.get("ctx", {}).get("error")
    return str(cause or fault["msg"])


def known_keys(loc: Path) -> tuple[str, ...]:
    """The keys that the model knows at a place, as they are written."""
    kind: Any = Config
    for part in loc:
        kind = _inner(kind, part)
    kind = _model_of(kind)
    if kind is None:
        return ()
    return tuple(field.alias or name for name, field in kind.model_fields.items())


def _inner(kind: Any, part: str | int) -> Any:
    """The type of one part of a type: a field of a model, the values of a mapping or a list."""
    model = _model_of(kind)
    if model is not None:
        fields: Iterable[tuple[str, Any]] = model.model_fields.items()
        return next(
            (field.annotation for name, field in fields if part in (field.alias, name)), None
        )
    arguments = [one for one in get_args(_bare(kind)) if one is not Ellipsis]
    if not arguments:
        return None
    return arguments[0] if isinstance(part, int) else arguments[-1]


def _model_of(kind: Any) -> type[BaseModel] | None:
    bare = _bare(kind)
    return bare if isinstance(bare, type) and issubclass(bare, BaseModel) else None


def _bare(kind: Any) -> Any:
    """A type without its metadata and without `| None`."""
    while hasattr(kind, "__metadata__"):
        kind = get_args(kind)[0]
    members = [one for one in get_args(kind) if one is not type(None)]
    if type(None) in get_args(kind) and len(members) == 1:
        return _bare(members[0])
    return kind
