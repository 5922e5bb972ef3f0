"""What the program has that the manual must tell of, asked of the program itself: keys, verbs, log lines, codes.

What is not a value anywhere (log lines, exit codes, statuses) is read from the source as a syntax tree.
"""

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import click
from pydantic import BaseModel

from escalator.cli import main
from escalator.config.phrasing import SpokenLanguage
from escalator.escalation.phrases import MEANINGS

ROOT = Path(__file__).parents[2]
CODE = ROOT / "escalator"
# What a mapping's own names stand for in the manual, where NAME would say too little.
_PLACEHOLDERS = {"speech": "LANGUAGE", "twilio.shared_keys": "SID"}
_LEVELS = ("debug", "info", "warning", "error", "critical")


# ---- the config


@dataclass(frozen=True)
class ConfigKey:
    """One key that may be written. `default` is as the file would have it; None for nothing worth writing."""

    path: str
    required: bool
    default: Any


def config_keys(model: type[BaseModel], prefix: str = "") -> Iterator[ConfigKey]:
    """Every path of a model, depth first; `NAME` for names of mappings, `[]` for items of lists."""
    defaults = model.model_construct().model_dump(mode="json", by_alias=True, warnings=False)
    for name, known in model.model_fields.items():
        written = known.alias or name
        path = f"{prefix}{written}"
        yield ConfigKey(path, known.is_required(), defaults.get(written))
        yield from _below(known.annotation, path)


def _below(kind: Any, path: str) -> Iterator[ConfigKey]:
    kind = _bare(kind)
    if kind is SpokenLanguage:
        yield from (ConfigKey(f"{path}.{name}", False, None) for name in ("voice", *MEANINGS))
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        yield from config_keys(kind, f"{path}.")
    elif getattr(kind, "__origin__", None) is dict:
        values = get_args(kind)[1]
        named = f"{path}.{_PLACEHOLDERS.get(path, 'NAME')}"
        if not _holds_model(values):
            yield ConfigKey(named, False, None)
        yield from _below(values, named)
    elif getattr(kind, "__origin__", None) is tuple:
        yield from _below(get_args(kind)[0], f"{path}[]")


def _holds_model(kind: Any) -> bool:
    bare = _bare(kind)
    return isinstance(bare, type) and issubclass(bare, BaseModel)


def _bare(kind: Any) -> Any:
    """A type without its metadata and without `| None`."""
    while hasattr(kind, "__metadata__"):
        kind = get_args(kind)[0]
    members = [one for one in get_args(kind) if one is not type(None)]
    if type(None) in get_args(kind) and len(members) == 1:
        return _bare(members[0])
    return kind


# ---- the command line


@dataclass(frozen=True)
class Option:
    """An option as somebody types it, or sets it in the environment. `default` is "" for none."""

    names: tuple[str, ...]
    environment: str
    default: str


def commands() -> dict[str, dict[tuple[str, ...], Option]]:
    """Every command that does something by itself, with its options."""
    root = click.Context(main, info_name="escalator", **main.context_settings)
    return dict(_commands(main, root))


def _commands(
    command: click.Command, context: click.Context
) -> Iterator[tuple[str, dict[tuple[str, ...], Option]]]:
    options = [one for one in command.params if isinstance(one, click.Option)]
    if options or not isinstance(command, click.Group):
        known = (_option(option, context) for option in options)
        yield context.command_path, {one.names: one for one in known}
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from _commands(
                below,
                click.Context(below, info_name=name, parent=context, **below.context_settings),
            )


def _option(option: click.Option, context: click.Context) -> Option:
    automatic = f"{context.auto_envvar_prefix}_{option.name.upper()}"
    environment = option.envvar or (automatic if option.allow_from_autoenv else "")
    default = option.get_default(context)
    is_said = isinstance(default, str | int | float) and not isinstance(default, bool)
    return Option(tuple(option.opts), str(environment), str(default) if is_said else "")


def complaint_about(words: list[str]) -> str:
    """What the command line has against these words after `escalator`; "" when it would take them.

    A file of the reader's need not be here.
    """
    try:
        _parse(words)
    except click.exceptions.Exit as end:  # --help and --version end it before the rest is looked at
        return f"exits {end.exit_code}" if end.exit_code else ""
    except click.UsageError as fault:
        return "" if "does not exist" in fault.message else fault.message
    return ""


def _parse(words: list[str]) -> None:
    context = main.make_context("escalator", list(words), auto_envvar_prefix=None)
    while isinstance(context.command, click.Group):
        rest = [*context._protected_args, *context.args]
        name, command, rest = context.command.resolve_command(context, rest)
        assert command is not None
        context = command.make_context(name, rest, parent=context)


# ---- log lines


@dataclass
class Logged:
    """One event of the log, over all places that log it."""

    levels: set[str] = field(default_factory=set)
    components: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)


def log_events() -> dict[str, Logged]:
    """Every `log.<level>("event", key=…)` of the program, also by way of a function that takes the event.

    `log.log(…)` may have any level that its module names.
    """
    events: dict[str, Logged] = {}
    for path in sorted(CODE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        component = _component(tree)
        if not component:
            continue
        for event, line in _lines(tree):
            logged = events.setdefault(event, Logged())
            logged.levels |= line.levels
            logged.components.add(component)
            logged.keys |= line.keys
    return events


def _lines(tree: ast.Module) -> Iterator[tuple[str, Logged]]:
    """The log calls of a module, each with its event."""
    ways = _ways_to_log(tree)
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        by_way = ways.get(_last_name(call.func))
        event = next((one.value for one in call.args if isinstance(one, ast.Constant)), None)
        if isinstance(event, str) and (levels := _levels(call, tree)):
            yield event, Logged(levels=levels, keys=set(_keys(call)))
        elif isinstance(event, str) and by_way is not None:
            yield event, Logged(levels=by_way.levels, keys=by_way.keys | set(_keys(call)))


def _ways_to_log(tree: ast.Module) -> dict[str, Logged]:
    """Functions of a module that log an event they are given: by name, with the level and the keys they add."""
    return {
        function.name: Logged(levels=levels, keys=set(_keys(call)))
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and (levels := _levels(call, tree))
        if not any(isinstance(one, ast.Constant) for one in call.args)
    }


def _component(tree: ast.Module) -> str:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _last_name(node.func) == "get_logger" and node.args:
            [argument] = node.args
            return argument.value if isinstance(argument, ast.Constant) else ""
    return ""


def _levels(call: ast.Call, tree: ast.Module) -> set[str]:
    if not (isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "log"):
        return set()
    level = call.func.attr
    if level == "log":
        names = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        return {level for level in _LEVELS if f"logging.{level.upper()}" in names}
    return {"error"} if level == "exception" else {level} & set(_LEVELS)


def _keys(call: ast.Call) -> Iterator[str]:
    if isinstance(call.func, ast.Attribute) and call.func.attr == "exception":
        yield "exception"
    for keyword in call.keywords:
        if keyword.arg is not None:
            yield "exception" if keyword.arg == "exc_info" else keyword.arg
        else:
            mappings = [node for node in ast.walk(keyword.value) if isinstance(node, ast.Dict)]
            yield from (key.value for one in mappings for key in one.keys if key is not None)


def _last_name(func: ast.expr) -> str:
    """`f` of `f(…)`, `x.f(…)` and `self.x.f(…)`."""
    return ast.unparse(func).rpartition(".")[2]


# ---- codes, and what is counted


def exit_codes() -> set[int]:
    """Each code that a verb exits with: ours as written, and those of click's own exceptions."""
    found = {click.ClickException.exit_code, click.UsageError.exit_code}
    for path in (CODE / "cli").glob("*.py"):
        module = importlib.import_module(
            "escalator.cli" if path.stem == "__init__" else f"escalator.cli.{path.stem}"
        )
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _exits(node.func):
                found |= _values(node.args[0], module)
    return found


def _exits(func: ast.expr) -> bool:
    return isinstance(func, ast.Attribute) and func.attr == "exit"


def _values(node: ast.expr, module: Any) -> set[int]:
    if isinstance(node, ast.IfExp):
        return _values(node.body, module) | _values(node.orelse, module)
    if isinstance(node, ast.Name):
        return {getattr(module, node.id)}
    assert isinstance(node, ast.Constant), f"{module.__name__} exits with what cannot be read here"
    return {node.value}


def metrics_used() -> set[str]:
    """Every attribute that the program asks of its metrics, outside of the metrics themselves."""
    metrics = CODE / "telemetry" / "metrics.py"
    return {
        node.attr
        for path in CODE.rglob("*.py")
        if path != metrics
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value).endswith("metrics")
    }


def environment_constants() -> set[str]:
    """Each variable of ours that the program names in its code, beside those that options have."""
    return {
        node.value
        for path in CODE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if re.fullmatch(r"ESCALATOR_[A-Z_]+", node.value)
    }


def own_alerts() -> set[str]:
    """The names of the alerts that escalator raises: what its code calls them, wherever it makes one."""
    places = (
        "escalation/heartbeats.py",
        "escalation/own_alerts.py",
        "web/unreadable.py",
        "intake/payload.py",
    )
    return {
        node.value
        for place in places
        for node in ast.walk(ast.parse((CODE / place).read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if re.fullmatch(r"([A-Z][a-z]+){1,3}", node.value)
    }
