"""The one way from a file to a config that may be acted on.

A file loads whole or not at all. All that is wrong is told at once: the reader's complaints,
the model's, and those of the checks across the file. A secret never reaches a message.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from escalator.config.building import build_rules
from escalator.config.checks import check
from escalator.config.document import SIZE_MAX, Document, read_document
from escalator.config.faults import report_faults
from escalator.config.model import Config
from escalator.config.problems import ConfigError, Problem, in_order
from escalator.config.schedule_warnings import report_coverage
from escalator.config.secret import Surroundings
from escalator.config.warnings import warn
from escalator.escalation.rules import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A config that holds, the rules made of it, and what is doubtful in it.

    `file` is the path as it was given; `sha256` is that of the file's bytes, 64 hex digits.
    """

    file: str
    config: Config
    rules: Rules
    warnings: tuple[Problem, ...]
    sha256: str


def load(
    path: str | Path,
    *,
    secrets: bool = True,
    environ: Mapping[str, str] | None = None,
    now: datetime | None = None,
) -> Loaded:
    """Read, check and build. Raises `ConfigError` with everything that is wrong.

    Without `secrets` none is read and none can be revealed. `environ` is the process's own
    unless given; relative paths in the file begin at the file's folder. From `now` on, an aware
    moment, coverage is looked at; without it a file that loads today loads on any day.
    """
    content = _read(Path(path))
    document = read_document(str(path), content)
    around = Surroundings(
        folder=Path(path).parent,
        environ=os.environ if environ is None else environ,
        read_secrets=secrets,
    )
    config = _validate(document, around)
    check(document)
    if config is None or document.problems:
        raise ConfigError(document.problems)
    rules = build_rules(config)
    if now is not None:
        report_coverage(document, rules, now)
        if errors := [one for one in document.problems if not one.is_warning]:
            raise ConfigError(errors)
    warn(document, config)
    return Loaded(
        file=str(path),
        config=config,
        rules=rules,
        warnings=in_order(document.problems),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(SIZE_MAX + 1)
    except OSError as error:
        problem = Problem(
            file=str(path),
            line=0,
            column=0,
            path="",
            message=f"the config cannot be read: {error.strerror}",
        )
        raise ConfigError([problem]) from None


def _validate(document: Document, around: Surroundings) -> Config | None:
    """The config, or None with the reasons noted in the document."""
    try:
        return Config.model_validate(document.data, context=around)
    except ValidationError as error:
        report_faults(document, error)
        return None
