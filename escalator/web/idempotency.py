"""One call for one `Idempotency-Key`, whatever becomes of answers and processes in between.

The key is written, with the id that the call is going to have, before the call is asked for. A crash between the two
leaves a key without a call; the repeated request then asks for the call of that very id.
"""

import hashlib
import json
from collections.abc import Mapping

from escalator.engine import Engine
from escalator.store.rows import to_stored
from escalator.web.answers import Refusal

KEY_CHARS_MAX = 255
_KEEP = (
    "INSERT INTO idempotency (key, call_id, digest, at) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (key) DO NOTHING"
)


def digest_of(fields: Mapping[str, object]) -> str:
    """What a request asked for, in short; the same for equal fields in any order."""
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


async def call_id_for(engine: Engine, key: str, digest: str, fresh_id: str) -> str:
    """The id of the call that this key stands for: `fresh_id` the first time.

    Raises `Refusal`: 400 for a key that is none, 409 when it stood for something else before.
    """
    if not 1 <= len(key) <= KEY_CHARS_MAX or not (key.isascii() and key.isprintable()):
        raise Refusal(
            400,
            f"must be 1 to {KEY_CHARS_MAX} printable ASCII characters",
            code="invalid_field",
            path="Idempotency-Key",
        )
    found = engine.reader.call_of_key(key)
    if found is None:
        await engine.change(_KEEP, (key, fresh_id, digest, to_stored(engine.clock.now())))
        found = engine.reader.call_of_key(key)
    if found is None:
        return fresh_id
    call_id, kept_digest = found
    if kept_digest != digest:
        raise Refusal(
            409, "this Idempotency-Key came with another request before", path="Idempotency-Key"
        )
    return call_id
