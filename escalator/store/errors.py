"""What can go wrong with the store, in the operator's words."""


class StoreError(Exception):
    """The database could not be written. Nothing of this batch is stored; senders are told to try again."""


class StoreBusy(StoreError):
    """Too much is waiting to be written. Nothing of this was stored; senders are told to try again."""


class StoreFull(StoreError):
    """The disk has no room. Nothing of this batch is stored; the next may fit once there is room."""


class StoreBroken(StoreError):
    """What is open must not be used again: a sync failed, the file is damaged or gone. The process ends, and the next
    start verifies the file before it goes on.
    """


class StoreHeld(StoreError):
    """Another daemon works on this database file. Two of them would ring phones twice: this one stops."""


class StoreTooNew(StoreError):
    """This database was written by a newer escalator. Nothing was changed; start the newer program again."""
