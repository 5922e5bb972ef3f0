"""Addresses that are secrets: whoever knows such a link may read the calendar or beat the heart.

The link stands where secrets stand and is never repeated in a message.
"""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from escalator.config.secret import Secret
from escalator.config.section import SecretValue
from escalator.config.values import is_loopback


def _is_link(secret: Secret) -> Secret:
    if secret.was_read:
        reason = _fault_of(secret.reveal())
        if reason:
            raise ValueError(f"the {secret.source} holds no link that can be used: {reason}")
    return secret


def _fault_of(link: str) -> str:
    """What is wrong with a link, without the link; "" for nothing."""
    try:
        parts = urlsplit(link)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "it is not a URL"
    if parts.scheme == "webcal":
        return "write https:// in place of webcal://"
    if not host or parts.scheme not in {"http", "https"} or re.search(r"\s", link):
        return "it is not a URL that begins with https://"
    if parts.scheme == "http" and not is_loopback(host):
        return "it must begin with https://; http is for 127.0.0.1 and localhost only"
    return ""


SecretLink = Annotated[SecretValue, AfterValidator(_is_link)]
