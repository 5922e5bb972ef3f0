"""The addresses of our own calendars: each is a secret that nobody had to store.

A link is made from its subject with a key that lies beside the database, written once. Whoever deletes the key and
starts anew makes all links new, and the old ones lead nowhere. Without the key nobody can make one or guess it.
"""

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

KEY_BYTES = 32
KEY_FILE = "calendar-links.key"


class SubjectKind(StrEnum):
    """Whose shifts a calendar holds."""

    PERSON = "person"
    SCHEDULE = "schedule"


class Subject(NamedTuple):
    """A person or a schedule, by its key in the config."""

    kind: SubjectKind
    name: str


def link_key(database: Path) -> bytes:
    """The key of this database's links; made, readable by its owner alone, where there is none yet."""
    path = database.with_name(KEY_FILE)
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        key = b""
    if len(key) != KEY_BYTES:
        key = _written(path)
    return key


def token_of(key: bytes, subject: Subject) -> str:
    """The secret part of a subject's address."""
    digest = hmac.digest(key, f"calendar\0{subject.kind}\0{subject.name}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")


def subject_of(key: bytes, token: str, subjects: Iterable[Subject]) -> Subject | None:
    """Whose token this is. Every subject is compared, whichever it may be."""
    found = None
    given = token.encode(errors="surrogateescape")
    for subject in subjects:
        if hmac.compare_digest(token_of(key, subject).encode(), given):
            found = subject
    return found


def _written(path: Path) -> bytes:
    """A new key, whole or not at all."""
    key = secrets.token_bytes(KEY_BYTES)
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(file, key)
        os.fsync(file)
    finally:
        os.close(file)
    unfinished.replace(path)
    return key
