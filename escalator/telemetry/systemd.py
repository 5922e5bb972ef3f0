"""A word to systemd: ready, reloading, stopping, alive. Nothing depends on anybody listening."""

import os
import socket


def notify(state: str, address: str | None = None) -> bool:
    """Send a state such as `READY=1` to the service manager; several go on lines of their own.

    `address` is $NOTIFY_SOCKET unless given; one that begins with `@` is abstract. Whether it was
    sent; not being run by systemd, or its socket being full or gone, is no error.
    """
    target = os.environ.get("NOTIFY_SOCKET", "") if address is None else address
    if not target.startswith(("/", "@")):
        return False
    if target.startswith("@"):
        target = "\0" + target[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.settimeout(0)
            sender.sendto(state.encode(), target)
    except OSError:
        return False
    return True
