"""Every way in which a POST, its answer, the list, the callbacks and two crashes can cross, on the real rules.

One call, time in ticks of five seconds, always told from now on: states that differ only in when they come about are
one. D is how long a request may be under way, L how long the carrier's list may lag.
With S = 30 s >= D + L and a list that can be read there is exactly one accepted call, in whatever order things happen;
where the rule is broken or the list is mute there may be more, and each is flagged.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from call_story import CONFIG, TO
from world import LASTS, START

from escalator.escalation import settling
from escalator.escalation.call_events import (
    CallAccepted,
    CallDue,
    CallEvent,
    CallIntended,
    CallListed,
    CallReported,
    CallUnclear,
    Wanted,
)
from escalator.escalation.calls import BOUND, Call, CallState
from escalator.escalation.decide_call import decide_call

TICK = 5
STATES_MAX = 400_000


@dataclass(frozen=True)
class Post:
    """A request for a call; `age` in seconds. `waits`: somebody still waits for its answer."""

    token: str
    age: int = 0
    waits: bool = True
    is_under_way: bool = True


@dataclass(frozen=True)
class Made:
    """A call that the carrier has accepted. `hidden`: for how many seconds its list does not show it yet."""

    token: str
    hidden: int
    has_called_back: bool = False

    @property
    def sid(self) -> str:
        return f"CA-{self.token}"


@dataclass(frozen=True)
class State:
    """Everything that the next moment depends on. The last four are what may still go wrong; the list `is_mute` until
    there is a second POST.
    """

    call: Call | None = None
    is_up: bool = True
    down_for: int = 0
    posts: tuple[Post, ...] = ()
    made: tuple[Made, ...] = ()
    crashes: int = 2
    drops: int = 1
    losses: int = 1
    is_mute: bool = False


@dataclass(frozen=True)
class Model:
    """How long a request may be under way, and the list may lag, in seconds."""

    flight: int = 15
    lag: int = 10

    def next_states(self, state: State) -> list[State]:
        """All that may happen next. Time passes only when nobody has anything that cannot wait."""
        found = [*self._network(state), *self._carrier(state)]
        if not state.is_up:
            found.append(self._restarted(state))
            may_wait = state.down_for < 2 * TICK
        else:
            chores = self._workers(state)
            found += [*chores, *self._crashes(state)]
            may_wait = not chores and not any(self._is_late(one) for one in state.posts)
        if may_wait and not any(self._must_land(one) for one in state.posts):
            found.append(_later(state))
        return found

    def is_over(self, state: State) -> bool:
        bound = state.call is not None and state.call.state in BOUND
        return (
            bound and state.is_up and not any(one.is_under_way or one.waits for one in state.posts)
        )

    # ---- the network

    def _network(self, state: State) -> list[State]:
        found = []
        for post in state.posts:
            if post.is_under_way:
                landed = _with(state, replace(post, is_under_way=False))
                for lag in {0, self.lag}:
                    made = Made(post.token, lag)
                    found.append(replace(landed, made=(*state.made, made)))
                if state.drops:
                    found.append(replace(landed, drops=state.drops - 1))
            if post.waits and state.is_up:
                found += self._answers(state, post)
        return found

    def _answers(self, state: State, post: Post) -> list[State]:
        """An answer comes, or is lost, or never can come."""
        heard = _with(state, replace(post, waits=False))
        unclear = _decided(heard, CallUnclear(call_id="c", reason="timeout"))
        made = next((one for one in state.made if one.token == post.token), None)
        found = []
        if made is not None:
            accepted = CallAccepted(call_id="c", token_hash=post.token, sid=made.sid)
            found.append(_decided(heard, accepted))
        if state.losses:
            found.append(replace(unclear, losses=state.losses - 1))
        if made is None and (not post.is_under_way or self._is_late(post)):
            found.append(unclear)
        return found

    def _is_late(self, post: Post) -> bool:
        return post.waits and post.age >= self.flight

    def _must_land(self, post: Post) -> bool:
        return post.is_under_way and post.age >= self.flight

    # ---- the carrier's callbacks

    def _carrier(self, state: State) -> list[State]:
        """Each call may call back once, at any time at which somebody listens, or never."""
        if not state.is_up:
            return []
        found = []
        for made in state.made:
            if not made.has_called_back:
                told = replace(made, has_called_back=True)
                lines = tuple(told if one is made else one for one in state.made)
                report = CallReported(
                    call_id="c", token_hash=made.token, sid=made.sid, status="ringing"
                )
                found.append(_decided(replace(state, made=lines), report))
        return found

    # ---- the process

    def _workers(self, state: State) -> list[State]:
        """What the dialer and the follower do now; they do not put it off."""
        call = state.call
        if call is None or call.state is CallState.PLANNED:
            is_ready = call is None or call.timer_at is None or call.timer_at <= START
            return [self._posted(state)] if is_ready else []
        if call.due_at is None or call.due_at > START:
            return []
        if call.state is CallState.UNCLEAR:
            visible = tuple(one.sid for one in state.made if not one.hidden)
            is_mute = state.is_mute and len(call.posts) == 1
            return [_decided(state, CallListed(call_id="c", sids=None if is_mute else visible))]
        if call.state is CallState.POSTING:
            return [_decided(state, CallDue(call_id="c"))]
        return []

    def _posted(self, state: State) -> State:
        token = f"t{len(state.call.posts) + 1 if state.call else 1}"
        intended = self._intended(state, token)
        return replace(intended, posts=(*state.posts, Post(token)))

    def _intended(self, state: State, token: str) -> State:
        pages = () if state.call else (Wanted(incident_id="i", person="ana"),)
        return _decided(
            state,
            CallIntended(
                call_id="c",
                to=TO,
                from_="+15005550006",
                person="ana",
                token_hash=token,
                lasts=LASTS,
                pages=pages,
            ),
        )

    def _crashes(self, state: State) -> list[State]:
        """The process ends: now, or between the commit of an intent and its first byte."""
        if not state.crashes:
            return []
        ends = [state]
        if state.call is None or state.call.state is CallState.PLANNED:
            posted = self._posted(state)
            ends.append(replace(posted, posts=state.posts))
        return [
            replace(
                end,
                is_up=False,
                down_for=0,
                crashes=state.crashes - 1,
                posts=tuple(replace(one, waits=False) for one in end.posts),
            )
            for end in ends
        ]

    def _restarted(self, state: State) -> State:
        up = replace(state, is_up=True)
        if state.call is not None and state.call.state is CallState.POSTING:
            return _decided(up, CallUnclear(call_id="c", reason="restart"))
        return up


def _later(state: State) -> State:
    """The same a tick later. What has been over for long enough is not told apart."""
    call = state.call
    return replace(
        state,
        call=call
        and replace(call, timer_at=_nearer(call.timer_at), unclear_at=_nearer(call.unclear_at)),
        down_for=0 if state.is_up else state.down_for + TICK,
        posts=tuple(replace(one, age=one.age + TICK) for one in state.posts),
        made=tuple(replace(one, hidden=max(0, one.hidden - TICK)) for one in state.made),
    )


def _nearer(at: datetime | None) -> datetime | None:
    return at and max(at - timedelta(seconds=TICK), START - settling.SETTLE_UNREADABLE)


def _with(state: State, post: Post) -> State:
    """With this in its place, or without it once nothing can come of it any more."""
    others = tuple(one for one in state.posts if one.token != post.token)
    is_over = not (post.waits or post.is_under_way)
    return replace(state, posts=others if is_over else (*others, post))


def _decided(state: State, event: CallEvent) -> State:
    call = decide_call(CONFIG, state.call, event, START).call
    assert call is not None
    # These times play no part before a call is bound, and would only tell equal states apart.
    return replace(state, call=replace(call, heard_at=None, posted_at=START))


@dataclass
class Found:
    """What an exploration came to: how many calls were accepted, at least and at most, and in how many states."""

    states: int = 0
    ends: int = 0
    fewest: int = 99
    most: int = 0


def explore(model: Model, first: State) -> Found:
    """Visit every state that can come about. Each must be flagged as it should, and lead to an end."""
    seen, waiting, found = {first}, [first], Found()
    while waiting:
        state = waiting.pop()
        found.states += 1
        assert found.states < STATES_MAX, "the model has become too large"
        accepted = len(state.made)
        flagged = state.call.ambiguous if state.call else 0
        assert accepted <= 1 + flagged, f"more accepted calls than tries and flags (I4): {state}"
        if model.is_over(state):
            found.ends += 1
            found.fewest = min(found.fewest, accepted)
            found.most = max(found.most, accepted)
            continue
        following = model.next_states(state)
        assert following, f"nothing can happen any more, and nobody was rung: {state}"
        new = [one for one in dict.fromkeys(following) if one not in seen]
        seen.update(new)
        waiting += new
    return found


def test_in_every_order_there_is_exactly_one_call():
    """(C3, K5 to K8, W7) S >= D + L, the list can be read."""
    found = explore(Model(), State())

    print(f"{found.states} states, {found.ends} ends")
    assert (found.fewest, found.most) == (1, 1)
    assert found.ends > 100


def test_without_a_list_there_may_be_two_and_both_are_flagged():
    """(C2.6) Loss is worse: after S_max another POST is made."""
    found = explore(Model(), State(is_mute=True, crashes=1))

    print(f"{found.states} states, {found.ends} ends")
    assert found.fewest == 1
    assert found.most == 2


@pytest.mark.parametrize("model", [Model(lag=20), Model(flight=25)], ids=["lag", "flight"])
def test_a_shorter_wait_would_ring_twice(model):
    """The rule is sharp: where D + L exceed S a call is made while the first is not yet on the list."""
    found = explore(model, State(crashes=1))

    assert found.fewest == 1
    assert found.most > 1
