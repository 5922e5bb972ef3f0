"""Secrets: named in the config, kept elsewhere, shown nowhere.

A secret is `{ file: … }`, `{ env: … }` or `{ credential: … }`, exactly one. Text in its place
is refused without being repeated. A read secret hides its value from `repr`, `str`, format and
dumps; only `reveal()` gives it.
"""

import hashlib
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SIZE_MAX = 64 * 1024
_NOUNS = {"file": "file", "env": "environment variable", "credential": "credential"}
SOURCES = tuple(_NOUNS)
HINT = "{ file: /path }, { env: NAME } or { credential: NAME }"


class SecretNotReadError(RuntimeError):
    """The config was loaded without its secrets; nothing may use one."""


class Secret:
    """One secret and where it came from. `warning` is a sentence about how it is kept, or empty."""

    __slots__ = ("_value", "source", "warning")

    def __init__(self, value: str | None, *, source: str, warning: str = "") -> None:
        self._value = value
        self.source = source
        self.warning = warning

    def reveal(self) -> str:
        """The secret itself. Raises `SecretNotReadError` when secrets were not read."""
        if self._value is None:
            raise SecretNotReadError(f"the secret from {self.source} was not read")
        return self._value

    @property
    def was_read(self) -> bool:
        """Whether there is a value to reveal."""
        return self._value is not None

    def fingerprint(self) -> str:
        """`sha256:` and eight hex digits: enough to see that a rotation arrived, too little to
        use.
        """
        return "sha256:" + hashlib.sha256(self.reveal().encode()).hexdigest()[:8]

    def __str__(self) -> str:
        """The secret as `config show` prints it."""
        return "‹secret not read›" if self._value is None else f"‹secret {self.fingerprint()}›"

    def __repr__(self) -> str:
        return f"Secret({self.source})"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a secret is not written anywhere")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a config means beside its text: its folder, the environment, whether secrets are to be
    read.
    """

    folder: Path
    environ: Mapping[str, str]
    read_secrets: bool

    def resolve(self, path: str) -> Path:
        """A path of the config; a relative one begins at the config's folder."""
        return self.folder / path


def read_secret(source: str, name: str, around: Surroundings) -> Secret:
    """Fetch one secret. Raises `ValueError` with a sentence when it is missing, empty or no single
    line.
    """
    if not around.read_secrets:
        return Secret(None, source=f"{_NOUNS[source]} {name}")
    warning = ""
    if source == "env":
        value = around.environ.get(name)
        if value is None:
            raise ValueError(f"the environment has no variable {name}")
    elif source == "credential":
        value, _ = _from_file(_credential(name, around.environ))
    else:
        value, is_open = _from_file(around.resolve(name))
        if is_open:
            warning = f"{name} can be read by everyone on this machine; run: chmod o-r {name}"
    value = value.rstrip("\r\n")
    if not value.strip():
        raise ValueError(f"the {_NOUNS[source]} {name} is empty")
    if "\n" in value or "\r" in value:
        raise ValueError(f"the {_NOUNS[source]} {name} holds more than one line")
    return Secret(value, source=f"{_NOUNS[source]} {name}", warning=warning)


def _credential(name: str, environ: Mapping[str, str]) -> Path:
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise ValueError(
            f"there is no $CREDENTIALS_DIRECTORY to find {name} in; systemd gives one with"
            f" LoadCredential={name}:/path. To check the file by hand use --without-secrets"
        )
    if "/" in name or name in {".", ".."}:
        raise ValueError(f"{name} is not a credential's name; it may hold no /")
    return Path(folder) / name


def _from_file(path: Path) -> tuple[str, bool]:
    """The text of a file and whether everyone may read it."""
    try:
        with path.open("rb") as file:
            content = file.read(SIZE_MAX + 1)
            mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    if len(content) > SIZE_MAX:
        raise ValueError(f"{path} is larger than {SIZE_MAX >> 10} KiB; that is no secret")
    try:
        return content.decode("utf-8"), bool(mode & stat.S_IROTH)
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text") from None
