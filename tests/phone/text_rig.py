"""The rig with a texter, as the daemon has one; and somebody who answers by message."""

import asyncio
from xml.etree import ElementTree

from rig import Rig
from stagecraft import Turnstile

from escalator.phone.dialer import Dialer
from escalator.phone.follower import Follower
from escalator.phone.texter import Texter
from escalator.store.message_rows import load_message


class HeldMessenger:
    """The real client; what it sends can be held back, before it leaves or with the answer in hand."""

    def __init__(self, client, before: Turnstile, after: Turnstile) -> None:
        self._client = client
        self._before, self._after = before, after

    async def send(self, message):
        await self._before.go_through()
        outcome = await self._client.send(message)
        await self._after.go_through()
        return outcome

    def __getattr__(self, name):
        return getattr(self._client, name)


class TextRig(Rig):
    """`before_text` and `after_text` hold back requests for messages."""

    def __init__(self, folder, *args, **more) -> None:
        super().__init__(folder, *args, **more)
        self._settings = {"messages_per_second": 1000.0, **self._settings}
        self.before_text, self.after_text = Turnstile(), Turnstile()

    async def __aexit__(self, failed, *more) -> None:
        if failed is None:
            await self.sim.wait_for(lambda: all(one.is_settled for one in self.sent()))
        await super().__aexit__(failed, *more)

    async def _live(self, carrier, started) -> None:
        messenger = HeldMessenger(carrier.messages, self.before_text, self.after_text)
        async with asyncio.TaskGroup() as tasks:
            self.dialer = Dialer(self.engine, lambda: carrier, self.settings, tasks)
            self.follower = Follower(self.engine, lambda: carrier, tasks)
            self.texter = Texter(self.engine, lambda: messenger, self.settings, tasks)
            await self.follower.begin()
            tasks.create_task(self.engine.run(lambda: None))
            tasks.create_task(self.dialer.run())
            tasks.create_task(self.follower.run())
            tasks.create_task(self.texter.run())
            started.set_result(None)

    # ---- what a test looks at

    def messages(self):
        """All messages on file, oldest first."""
        found = self.db.execute("SELECT id FROM messages ORDER BY created_at, id").fetchall()
        return [load_message(self.db, row[0]) for row in found]

    def message(self):
        """The only message."""
        (message,) = self.messages()
        return message

    def sent(self, number=None):
        """What the carrier was given to send, oldest first."""
        return [
            one
            for one in self.sim.messages
            if one.direction == "outbound-api" and number in (None, one.to)
        ]

    def asked(self) -> int:
        """How many messages the carrier was asked for, granted or not."""
        return sum(
            one.method == "POST" and one.path.endswith("/Messages.json")
            for one in self.sim.requests
        )

    # ---- what a test does

    async def text(self, sender, body, to="+15005550006") -> list[str]:
        """Somebody writes to us; what is answered, message by message."""
        answer = await self.sim.text(sender, to, body, url=self.settings.public_url + "/sms")
        assert answer.status == 200, answer
        return said(answer.body)

    async def sms_status(self, message, status, *, key=None, **fields) -> int:
        """A status callback about that message of the simulator's; the HTTP status of our answer."""
        given = {"MessageSid": message.sid, "MessageStatus": status, "To": message.to, **fields}
        more = {} if key is None else {"key": key}
        code, _, _ = await self.post(
            message.status_callback.partition("#")[0], *given.items(), **more
        )
        return code


def said(document) -> list[str]:
    """The messages in a document."""
    root = ElementTree.fromstring(document)
    assert root.tag == "Response"
    assert {child.tag for child in root} <= {"Message"}
    return [child.text for child in root]
