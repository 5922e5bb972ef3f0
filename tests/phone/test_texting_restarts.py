"""`kill -9` between any two steps of a message: never lost, and not sent twice where that can be known.

Everything is in the table: start is the same as carry on.
"""

from datetime import timedelta

from cast import ANA, rules
from text_rig import TextRig

from escalator.escalation.messages import MessageState
from escalator.escalation.rules import Step
from escalator.simulator import CallbackFault, Fault

RULES = rules(Step(sms=("ana",), wait=timedelta(hours=1)))


def deaf(rig):
    """The carrier's callbacks never arrive."""
    rig.sim.faults.callback(CallbackFault.DROP, on="any", times=None)


async def settle(rig):
    """Thirty seconds pass, in the steps of the looks at the carrier's list."""
    for seconds in (3, 3, 6, 8, 10):
        await rig.leap(seconds)
        await rig.quiet()


async def test_killed_before_anything_was_intended(tmp_path):
    """(K4) The row that is owed is all that the next process needs."""
    async with TextRig(tmp_path, RULES, concurrent_messages=0) as rig:
        await rig.fire()
        await rig.quiet()
        assert rig.messages() == []
        rig._settings["concurrent_messages"] = 5

        await rig.restart()

        await rig.until(lambda: rig.lines("text_ended") == ["the message to Ana: delivered"])
        assert len(rig.sent(ANA)) == 1


async def test_killed_between_the_intent_and_the_post(tmp_path):
    """(K5) Nothing left the house, which nobody can know: it is sent after S, exactly once."""
    async with TextRig(tmp_path, RULES) as rig:
        rig.before_text.shut()
        await rig.fire()
        await rig.until(rig.before_text.reached.is_set)
        assert rig.message().state is MessageState.POSTING

        await rig.crash()
        rig.before_text.open()
        await rig.start()
        await rig.until(lambda: rig.message().state is MessageState.UNCLEAR)
        assert rig.lines("text_unclear") == [
            "the message may or may not be on its way (escalator restarted); looking for it"
        ]
        for seconds in (3, 3, 6, 8):
            await rig.leap(seconds)
            await rig.quiet()
        assert rig.asked() == 0

        await rig.leap(10)
        await rig.until(lambda: rig.lines("text_ended") == ["the message to Ana: delivered"])
        assert len(rig.sent(ANA)) == 1


async def test_killed_before_the_answer_was_read_and_bound_by_the_list(tmp_path):
    """(K6) The carrier has taken the message: exactly one."""
    async with TextRig(tmp_path, RULES) as rig:
        deaf(rig)
        rig.sim.faults.request(Fault.SLOW, on="message", seconds=30)
        await rig.fire()
        await rig.until(lambda: rig.sent(ANA))

        await rig.restart()
        await rig.until(lambda: rig.message().state is MessageState.UNCLEAR)
        await rig.leap(3)

        await rig.until(lambda: rig.message().sid == rig.sent(ANA)[0].sid)
        await settle(rig)
        assert rig.asked() == 1


async def test_killed_before_the_answer_was_read_and_bound_by_a_callback(tmp_path):
    """(K6) The callback's token is proof enough."""
    async with TextRig(tmp_path, RULES) as rig:
        deaf(rig)
        rig.sim.faults.request(Fault.SLOW, on="message", seconds=30)
        await rig.fire()
        await rig.until(lambda: rig.sent(ANA))

        await rig.restart()
        assert await rig.sms_status(rig.sent(ANA)[0], "sent") == 204

        assert rig.message().state is MessageState.SENT
        await settle(rig)
        assert rig.asked() == 1


async def test_killed_between_the_answer_and_its_commit(tmp_path):
    """(K7) As before it was read."""
    async with TextRig(tmp_path, RULES) as rig:
        deaf(rig)
        rig.after_text.shut()
        await rig.fire()
        await rig.until(rig.after_text.reached.is_set)

        await rig.crash()
        rig.after_text.open()
        assert not rig.message().sid
        await rig.start()
        await rig.leap(3)

        await rig.until(lambda: rig.message().sid == rig.sent(ANA)[0].sid)
        await settle(rig)
        assert rig.asked() == 1


async def test_killed_while_it_is_on_its_way(tmp_path):
    """What was told meanwhile is asked for."""
    async with TextRig(tmp_path, RULES) as rig:
        deaf(rig)
        await rig.fire()
        await rig.until(lambda: rig.messages() and rig.message().state is MessageState.QUEUED)

        await rig.restart()
        await rig.leap(65)

        await rig.until(lambda: rig.lines("text_ended") == ["the message to Ana: delivered"])
        assert rig.asked() == 1


class StandsStill:
    """A settings value whose pace is asked right after the commit of an intent: there the process stands still."""

    def __init__(self, settings, clock):
        self._settings, self._clock = settings, clock

    @property
    def messages_per_second(self):
        self._clock.leap(5)
        return self._settings.messages_per_second

    def __getattr__(self, name):
        return getattr(self._settings, name)


async def test_a_process_that_stood_still_looks_before_it_sends(tmp_path):
    """(T4) Suspended between the commit and the POST."""
    async with TextRig(tmp_path, RULES) as rig:
        rig.texter.settings = StandsStill(rig.settings, rig.clock)
        await rig.fire()
        await rig.until(lambda: rig.lines("text_unclear"))
        rig.texter.settings = rig.settings

        assert rig.asked() == 0
        await settle(rig)
        await rig.until(lambda: rig.lines("text_ended") == ["the message to Ana: delivered"])
        assert rig.asked() == 1
