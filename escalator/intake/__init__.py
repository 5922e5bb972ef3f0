"""Bytes to alerts. Nothing outside knows how any sender writes.

`read` is the way in; `auth` says whether a request may come in at all. One module reads one format
(`alertmanager`, `webhook`). They are tolerant throughout, for a malformed alert that can be
recognised must page; `payload` and `body` hold what bounds them.
"""

from escalator.intake.payload import Intake, Note, PayloadCode, PayloadError, Remark
from escalator.intake.reader import Kind, read

__all__ = ["Intake", "Kind", "Note", "PayloadCode", "PayloadError", "Remark", "read"]
