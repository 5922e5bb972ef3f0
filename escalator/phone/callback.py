"""One genuine request of the carrier, as the handlers see it. What may be believed of it was decided before."""

from escalator.escalation.calls import Call
from escalator.phone.tokens import token_hash


class Callback:
    """One genuine request: its call, its parameters, its query."""

    def __init__(self, call: Call, token: str, params: dict[str, str], query: dict[str, str]):
        self.call = call
        self.token = token
        self.token_hash = token_hash(token)
        self.params = params
        self.query = query

    @property
    def sid(self) -> str:
        """The carrier's id of the call that this request is about."""
        return self.params.get("CallSid", "")

    def count(self, name: str) -> int:
        """A small number from the (signed) query; 0 when it is not there."""
        text = self.query.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
