"""The command line's way to the daemon: plain HTTP with JSON to its internal listener.

No redirects are followed and no proxy of the environment is used, so that a token goes where it was
meant to go. Whatever fails ends the verb with exit code 1 and a sentence that says what to do.
"""

import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlencode, urlsplit

import click

from escalator.config.problems import ConfigError

if TYPE_CHECKING:
    from escalator.cli.peeking import Peek

TIMEOUT_SECONDS = 10.0
ANSWER_MAX_BYTES = 64 * 1024 * 1024
_TEXT_MAX = 500
_NOT_FOUND = 404
_NOTHING = 204

_ADVICE: Mapping[int, str] = {
    401: "give the right token with --token.file",
    403: "ask from the daemon's own machine, or see web.tokens and web.hosts of the config",
    413: "send less at once",
    429: "wait a little, then try again",
    503: "nothing was stored; try again in a few seconds, and see the daemon's log if it lasts",
}


class DaemonError(click.ClickException):
    """The daemon said no. `status` is the HTTP status, `code` the daemon's word for it."""

    def __init__(self, message: str, status: int, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class NoAnswer(click.ClickException):
    """The daemon was not reached, or did not answer; whether it acted is unknown."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer like any other that is not 2xx."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Client:
    """A daemon at a base URL. Every method raises `DaemonError` or `NoAnswer`."""

    def __init__(
        self, url: str, headers: Mapping[str, str] | None = None, timeout: float = TIMEOUT_SECONDS
    ) -> None:
        self.url = url.rstrip("/")
        self._headers = dict(headers or {})
        self._timeout = timeout
        self._opener = urllib.request.build_opener(_NoRedirects(), urllib.request.ProxyHandler({}))

    def get(self, path: str, **query: object) -> Any:
        """The JSON at a path below the base; query values that are None are left out."""
        wanted = {name: str(value) for name, value in query.items() if value is not None}
        return self._ask("GET", path + (f"?{urlencode(wanted)}" if wanted else ""))

    def post(
        self, path: str, body: Mapping[str, Any] | bytes, headers: Mapping[str, str] | None = None
    ) -> Any:
        """The JSON that a POST of JSON is answered with. Bytes are sent as they are."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._ask("POST", path, content, headers)

    def delete(self, path: str) -> None:
        """Take away what is at a path below the base."""
        self._ask("DELETE", path)

    def _ask(
        self,
        method: str,
        path: str,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        all_headers = {"Accept": "application/json", **self._headers, **(headers or {})}
        if content is not None:
            all_headers["Content-Type"] = "application/json"
        request = urllib.request.Request(  # noqa: S310 - `checked_url` lets http and https through
            self.url + path, content, all_headers, method=method
        )
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                content = answer.read(ANSWER_MAX_BYTES)
                return _json(content, self.url) if content or answer.status != _NOTHING else None
        except urllib.error.HTTPError as refusal:
            with refusal:
                self._refused(refusal, path)
        except (OSError, http.client.HTTPException) as failure:
            raise NoAnswer(self._no_answer(failure)) from None

    def _refused(self, refusal: urllib.error.HTTPError, path: str) -> NoReturn:
        code, message = _error_of(refusal.read(ANSWER_MAX_BYTES))
        said = message or f"answered {refusal.code} {refusal.reason}"
        advice = _ADVICE.get(refusal.code, "")
        if refusal.code == _NOT_FOUND and path.startswith("/api/v1/incidents/"):
            advice = "see what there is with: escalator incidents list --phase all"
        if not message:
            advice = "is this the address of escalator's internal listener?"
        text = f"{self.url}: {said}" + (f"\n{advice}" if advice else "")
        raise DaemonError(text, refusal.code, code) from None

    def _no_answer(self, failure: Exception) -> str:
        reason = failure.reason if isinstance(failure, urllib.error.URLError) else failure
        match reason:
            case ConnectionRefusedError():
                return (
                    f"nothing listens on {self.url}; is the daemon running? Start it with"
                    " `escalator serve`, or say where it is with --url"
                )
            case TimeoutError():
                return f"{self.url} did not answer within {self._timeout:g} s; see the daemon's log"
            case ssl.SSLCertVerificationError():
                return (
                    f"{self.url}: the certificate does not hold: {reason.verify_message}; give --url"
                    " with the name that is in the certificate"
                )
            case _:
                return f"{self.url} could not be asked: {reason}; is it the right --url?"


def reach(config_file: str, url: str | None, token_file: str | None) -> Client:
    """The daemon that `--url`, `--token.file` and the config lead to.

    With `--url` the config need not be there. Raises `ConfigError` when the config is needed and
    does not load, `click.ClickException` for an address or a token file that cannot be used.
    """
    known = peek_if_needed(config_file, url)
    token = _token(known, token_file)
    return Client(base_url(known, url), bearer(token) if token else None)


def peek_if_needed(config_file: str, url: str | None) -> "Peek | None":
    """The config without its secrets; None when it does not load and `--url` makes up for it."""
    from escalator.cli.peeking import peek  # half a second, which completing a word does not need

    try:
        return peek(config_file)
    except ConfigError:
        if url is None:
            click.echo("To ask a daemon without its config, give --url.", err=True)
            raise
        return None


def base_url(known: "Peek | None", url: str | None) -> str:
    """Where the daemon is. Raises `click.ClickException` when that cannot be said."""
    if url is not None:
        return checked_url(url)
    from escalator.cli.peeking import url_of

    assert known is not None
    try:
        return url_of(known.config.listen.internal)
    except ValueError as problem:
        raise click.ClickException(str(problem)) from None


def checked_url(url: str) -> str:
    """The URL if it can be one of a daemon. Raises `click.BadParameter`."""
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable or parts.query or parts.fragment or any(sign.isspace() for sign in url):
        raise click.BadParameter(
            f"{url!r} is not the address of a daemon; write it as http://127.0.0.1:8911",
            param_hint="--url",
        )
    return url.rstrip("/")


def read_token(token_file: str) -> str:
    """The token in a file. Raises `click.BadParameter` when there is none."""
    try:
        token = Path(token_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise click.BadParameter(
            f"cannot read {token_file}: {reason}", param_hint="--token.file"
        ) from None
    if not token or not token.isprintable():
        raise click.BadParameter(
            f"{token_file} holds no token of one line", param_hint="--token.file"
        )
    return token


def bearer(token: str) -> dict[str, str]:
    """The header that carries a token, in UTF-8 as the daemon reads it."""
    return {"Authorization": f"Bearer {token}".encode().decode("latin-1")}


def _token(known: "Peek | None", token_file: str | None) -> str:
    if token_file is not None:
        return read_token(token_file)
    if known is None or not known.config.web.tokens:
        return ""
    name = next(iter(known.config.web.tokens))
    try:
        return known.secret("web", "tokens", name)
    except ValueError as problem:
        click.echo(f"web.tokens.{name}: {problem}; asking without a token", err=True)
        return ""


def _json(content: bytes, url: str) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        raise NoAnswer(
            f"{url} answered something that is not JSON; is it escalator's internal listener?"
        ) from None


def _error_of(content: bytes) -> tuple[str, str]:
    """The daemon's code and sentence for a refusal; both "" when this is no answer of ours."""
    try:
        error = json.loads(content)["error"]
        code, message = str(error["code"]), str(error["message"])
        path = str(error.get("path") or "")
    except (ValueError, LookupError, TypeError, AttributeError):
        return "", ""
    text = f"{path}: {message}" if path and not message.startswith(path) else message
    return code, "".join(sign if sign.isprintable() else " " for sign in text[:_TEXT_MAX])
