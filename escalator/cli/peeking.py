"""What a verb may know of the daemon from its config file, without all the secrets in it.

The person at the terminal need not be able to read the carrier's token to list incidents. So the
file is read without its secrets, and the one secret that a verb needs is fetched by itself.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from escalator.config.document import Plain, read_document
from escalator.config.loading import load
from escalator.config.model import Config, Listener
from escalator.config.secret import SOURCES, Surroundings, read_secret

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, never listened on


@dataclass(frozen=True, slots=True)
class Peek:
    """A config file as read without its secrets."""

    file: Path
    config: Config
    written: Plain

    def secret(self, *path: str) -> str:
        """The secret that the config names at this path. Raises `ValueError` with a sentence when
        it cannot be read from here.
        """
        source, name = self.source(*path)
        around = Surroundings(folder=self.file.parent, environ=os.environ, read_secrets=True)
        return read_secret(source, name, around).reveal()

    def source(self, *path: str) -> tuple[str, str]:
        """Where the config says that a secret is kept: file, env or credential, and its name."""
        place = self.written
        for part in path:
            assert isinstance(place, dict), "only what the model has accepted is asked for"
            place = place[part]
        assert isinstance(place, dict)
        [(source, name)] = place.items()
        assert source in SOURCES
        assert isinstance(name, str)
        return source, name

    def secret_file(self, *path: str) -> Path | None:
        """The file that a secret is kept in; None when it is kept in another way."""
        source, name = self.source(*path)
        return (self.file.parent / name).absolute() if source == "file" else None


def peek(config_file: str) -> Peek:
    """Read a config without its secrets. Raises `ConfigError` when it does not load."""
    file = Path(config_file)
    config = load(file, secrets=False).config
    return Peek(file, config, read_document(str(file), file.read_bytes()).data)


def url_of(listener: Listener) -> str:
    """Where a program on this machine reaches a listener. Raises `ValueError` for port 0."""
    address = listener.address
    if address.port == 0:
        raise ValueError(
            "listen.internal has port 0: the system chose the port, give it with --url"
        )
    host = _EVERYWHERE.get(address.host, address.host)
    scheme = "https" if listener.tls is not None else "http"
    return (
        f"{scheme}://[{host}]:{address.port}"
        if ":" in host
        else f"{scheme}://{host}:{address.port}"
    )
