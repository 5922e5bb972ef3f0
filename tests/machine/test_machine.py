"""Anything in any order: alerts, keys, callbacks, lost answers, reloads, restarts; and what must hold after each."""

from dataclasses import replace
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from memory import firing_on_file, people_of, seconds, without_marks
from playbook import PHONES, alert_of, person, policy, route, rules, step
from world import LASTS, OVER, CarrierCall, World, event_of

from escalator.escalation.call_events import (
    CallAccepted,
    CallAsked,
    CallEvent,
    CallNotSent,
    CallPrompted,
    CallRefused,
    CallReported,
    CallUnclear,
    KeyPressed,
)
from escalator.escalation.calls import AnswerRequest, Call, CallKind, CallState, Speech
from escalator.escalation.dialing import Place, Step, plan
from escalator.escalation.events import Action, AlertReceived, Asked, HoldAsked, Stuck
from escalator.escalation.incidents import Incident, PageState, Phase
from escalator.escalation.intervals import TimeInterval, TimeOfDay
from escalator.escalation.matchers import Matcher, Operator
from escalator.escalation.own_alerts import disk_full, disk_has_room
from escalator.escalation.rules import Caps, Channel, Contact, Keys, OnNewAlerts, Rules
from escalator.escalation.schedules import Layer, Rotation, Schedule, Unit
from escalator.escalation.silences import Silence

SHARED = PHONES["ben"][0]
PEOPLE = (
    person("ana", "+491713920012", "+493023125012"),
    person("ben", SHARED),
    person("cy", SHARED, "+442079460123"),
)
ROUTES = (route('severity="warning"', "soft"), route('severity="info"', "none"))
NOW = timedelta(0)
WISHES = (
    Contact(channel=Channel.SMS, after=NOW),
    Contact(channel=Channel.CALL, after=timedelta(minutes=1)),
    Contact(channel=Channel.CALL, after=timedelta(minutes=2)),
)
EVERY_THIRD_HOUR = Schedule(
    name="primary",
    zone=ZoneInfo("UTC"),
    layers=(
        Layer(
            rotation=Rotation(every=3, unit=Unit.HOURS, starting=date(2026, 11, 1)),
            people=(("ana",), ("ben",), ("cy", "ben")),
        ),
    ),
)


def between(start: int, end: int) -> TimeInterval:
    return TimeInterval(zone=ZoneInfo("UTC"), times=(TimeOfDay(start=time(start), end=time(end)),))


CONFIGS = (
    rules(
        policy(step("ana", retry="1m"), step("ben", "cy"), repeat=2),
        policy(step("cy"), step("everyone"), name="soft", ack_timeout=timedelta(minutes=30)),
        people=PEOPLE,
        routes=ROUTES,
    ),
    rules(
        policy(step("ben", "cy"), on_new_alerts=OnNewAlerts.PAGE, repeat=1),
        policy(step("ana"), step("cy"), name="soft", flap_window=timedelta(0)),
        people=PEOPLE[1:],
        routes=ROUTES,
    ),
    rules(
        policy(step("ana"), step("ana"), step("ben"), on_new_alerts=OnNewAlerts.NOTE),
        people=(person("ana", "+493023125012"), *PEOPLE[1:]),
    ),
    rules(
        policy(
            step("primary", sms=("ben",)),
            step(sms=("cy",), wait="3m"),
            step("primary.next", "ana"),
            repeat=1,
            ack_timeout=timedelta(minutes=40),
            during=("hours",),
            otherwise="soft",
        ),
        policy(step("cy"), step("everyone"), name="soft", during=("hours",), repeat=1),
        people=(
            person("ana", "+491713920012", contacts=(Contact(channel=Channel.SMS, after=NOW),)),
            person("ben", SHARED, contacts=WISHES),
            PEOPLE[2],
        ),
        routes=(route('severity="warning"', "soft", muted=("tea",)),),
        schedules={"primary": EVERY_THIRD_HOUR},
        time_intervals={"hours": (between(4, 23),), "tea": (between(5, 6),)},
        caps=Caps(per_person=3, per_day=40),
    ),
)
SILENCED = (Matcher("alertname", Operator.EQUAL, "a"), Matcher("severity", Operator.EQUAL, ""))
HEARD = ("queued", "ringing", "in-progress", "completed", "busy", "no-answer", "failed", "canceled")
picks = st.integers(min_value=0, max_value=7)


def with_snooze_key(config: Rules) -> Rules:
    return replace(config, keys=Keys(snooze="9"))


class SlowWorld(World):
    """A world whose dialer works when it is told to, and whose POSTs stay under way."""

    def __init__(self) -> None:
        super().__init__(with_snooze_key(CONFIGS[0]), lambda what, whom: None)
        self.under_way: list[tuple[Call, str]] = []
        self.is_left_alone = False

    def _dial(self) -> bool:
        return super()._dial() if self.is_left_alone else False

    def dial(self) -> None:
        super()._dial()

    def _post(self, call: Call, token: str) -> None:
        known = {number for one in self.rules.people.values() for number in one.phones}
        assert call.to in known or call.speech, "a number was called that is not in the config (I5)"
        assert call.open_pages or call.speech, "a phone rings although nobody is needed"
        if self.is_left_alone:
            super()._post(call, token)
        else:
            self.under_way.append((call, token))


class Pager(RuleBasedStateMachine):
    """The fold under everything that can happen to it."""

    def __init__(self) -> None:
        super().__init__()
        self.world = SlowWorld()
        self.memory = self.world.memory
        self.tokens: list[tuple[Call, str]] = []
        self.late: set[str] = set()
        self.taken: set[str] = set()
        self.fresh = 0
        self.old_plan: list[Step] = []
        self.planned_for = self.world.rules

    # ---- senders, operators, time

    @rule(
        key=st.sampled_from("abc"),
        group=st.sampled_from(["g1", "g2"]),
        receiver=st.sampled_from(["prod", "dev"]),
        severity=st.sampled_from(["critical", "error", "warning", "info", "weird", None]),
        firing=st.sampled_from([True, True, False]),
    )
    def alert(self, key, group, receiver, severity, firing):
        self.fresh += 1
        alert = alert_of(key, firing=firing, severity=severity, group=group, receiver=receiver)
        self.world.submit(AlertReceived(alert=alert, fresh_id=f"i{self.fresh}"))

    @rule(count=st.integers(1, 4))
    def time_passes_to_the_next_timers(self, count):
        for _ in range(count):
            self.world.settle()
            wake = self.memory.next_timer(self.world.now)
            if wake is not None:
                self.world.run_until(wake)

    @rule(wait=st.sampled_from([1, 20, 45, 130, 400, 700, 3000]))
    def time_passes(self, wait):
        self.world.run_until(self.world.now + seconds(wait))

    @rule(wait=st.sampled_from([60, 700, 4000]))
    def the_process_is_down(self, wait):
        self.world.now += seconds(wait)
        for call in list(self.memory.calls.values()):
            self.world.submit(CallUnclear(call_id=call.id, reason="restart"))
        self.tokens += self.world.under_way
        self.world.under_way.clear()

    @rule(number=st.sampled_from([0, 0, 1, 2, 3, 3]))
    def reload(self, number):
        self.use(with_snooze_key(CONFIGS[number]))

    @rule(matcher=st.sampled_from(SILENCED), lasts=st.sampled_from([0, 300, 4000]))
    def a_silence_is_put_or_they_all_end(self, matcher, lasts):
        now = self.world.now
        made = Silence(id="s", matchers=(matcher,), start=now, end=now + seconds(lasts))
        kept = (*self.world.rules.silences, made) if lasts else ()
        self.use(replace(self.world.rules, silences=kept))

    def use(self, config: Rules) -> None:
        """Other rules are in force, and whatever is held is asked about, as the engine does."""
        self.world.rules = config
        self.world.submit(*(HoldAsked(incident_id=one) for one in self.memory.held_incidents()))

    @precondition(lambda self: self.memory.incidents)
    @rule(
        pick=picks,
        action=st.sampled_from(
            [Action.ACKNOWLEDGE, Action.ESCALATE, Action.RESOLVE, Action.SNOOZE, Action.NOTE]
        ),
        by=st.sampled_from([None, "ana", "root"]),
    )
    def operator(self, pick, action, by):
        incident_id = chosen(list(self.memory.incidents), pick)
        if action is Action.ACKNOWLEDGE:
            self.taken.add(incident_id)
        self.world.submit(Asked(incident_id=incident_id, action=action, by=by))

    @precondition(lambda self: self.memory.incidents)
    @rule(pick=picks)
    def the_auditor_takes_an_incident_for_stuck(self, pick):
        incident_id = chosen(list(self.memory.incidents), pick)
        self.world.submit(Stuck(incident_id=incident_id, what="it looked odd"))

    @rule(is_full=st.booleans())
    def escalator_is_in_trouble_itself(self, is_full):
        self.fresh += 1
        alert = disk_full() if is_full else disk_has_room(self.world.now)
        self.world.submit(AlertReceived(alert=alert, fresh_id=f"o{self.fresh}", fallback_of="soft"))

    # ---- the dialer and the carrier's first word

    @rule()
    def the_dialer_works(self):
        self.world.dial()

    @rule()
    def the_dialer_works_and_all_is_accepted(self):
        self.world.dial()
        while self.world.under_way:
            self.accepts(0)

    @rule()
    def the_dialer_plans_and_is_held_up(self):
        memory, world = self.memory, self.world
        self.old_plan = plan(world.rules, memory.due_pages(), memory.open_calls(), world.now)
        self.planned_for = world.rules

    @precondition(lambda self: self.old_plan and self.planned_for is self.world.rules)
    @rule()
    def an_old_plan_is_carried_out(self):
        before = set(self.memory.calls)
        for one in self.old_plan:
            if isinstance(one, Place):
                self.world._place(one)
            else:
                self.world.submit(event_of(one))
        self.old_plan = []
        self.late |= set(self.memory.calls) - before

    @rule(key=st.sampled_from(["4", "5", "5", "6", "9"]))
    def whoever_is_rung_picks_up_and_presses(self, key):
        self.the_dialer_works_and_all_is_accepted()
        ringing = [one for one in self.world.at_carrier.values() if one.status == "ringing"]
        for made in ringing[-2:]:
            self.world.answer(made)
            self.presses(made, key)

    @rule(to=st.sampled_from([SHARED, "+491713920012", "+15005550109"]))
    def a_direct_call_is_asked_for(self, to):
        self.fresh += 1
        speech = Speech(say="hello", voice="", language="en-GB", loop=1)
        self.world.submit(
            CallAsked(call_id=f"d{self.fresh}", to=to, person="", speech=speech, lasts=LASTS)
        )

    @precondition(lambda self: self.world.under_way)
    @rule(pick=picks)
    def accepts(self, pick):
        call, token = self.answered_post(pick)
        made = self.makes(call, token)
        self.world.submit(CallAccepted(call_id=call.id, token_hash=token, sid=made.sid))

    @precondition(lambda self: self.world.under_way)
    @rule(pick=picks, is_told=st.booleans())
    def accepts_and_the_reply_is_lost(self, pick, is_told):
        call, token = self.answered_post(pick)
        self.makes(call, token)
        if is_told:
            self.world.submit(CallUnclear(call_id=call.id, reason="reset"))

    @precondition(lambda self: self.world.under_way)
    @rule(pick=picks)
    def refuses(self, pick):
        call, _ = self.answered_post(pick)
        self.world.submit(CallRefused(call_id=call.id, code=21211, message="no such number"))

    @precondition(lambda self: self.world.under_way)
    @rule(pick=picks, wait=st.sampled_from([0, 1, 30]))
    def is_not_sent(self, pick, wait):
        call, token = self.answered_post(pick)
        self.tokens.remove((call, token))
        retry_at = self.world.now + seconds(wait)
        self.world.submit(CallNotSent(call_id=call.id, reason="429", retry_at=retry_at))

    @precondition(lambda self: self.world.under_way)
    @rule(pick=picks)
    def is_unclear_and_was_never_made(self, pick):
        call, _ = self.answered_post(pick)
        self.world.submit(CallUnclear(call_id=call.id, reason="timeout"))

    @precondition(lambda self: self.tokens)
    @rule(pick=picks)
    def a_call_surfaces_late(self, pick):
        call, token = chosen(self.tokens, pick)
        self.late.add(call.id)
        made = self.makes(call, token)
        self.world.report(made, "ringing")

    @rule(is_readable=st.booleans())
    def the_list_can_or_cannot_be_read(self, is_readable):
        self.world.list_is_readable = is_readable

    # ---- callbacks

    @precondition(lambda self: self.world.at_carrier)
    @rule(pick=picks, status=st.sampled_from(HEARD), machine=st.sampled_from([False, False, True]))
    def a_status_is_reported_twice(self, pick, status, machine):
        made = self.carrier_call(pick)
        if made.status not in OVER:
            made.status = status
        self.twice(
            CallReported(
                call_id=made.call_id,
                token_hash=made.token,
                sid=made.sid,
                status=status,
                machine=machine,
            )
        )

    @precondition(lambda self: self.world.at_carrier)
    @rule(pick=picks)
    def the_phone_is_answered(self, pick):
        made = self.carrier_call(pick)
        if made.status in OVER:
            return
        made.status = "in-progress"
        self.twice(
            CallPrompted(
                call_id=made.call_id,
                token_hash=made.token,
                sid=made.sid,
                request=AnswerRequest(at=self.world.now, content_type="", body=""),
            )
        )

    @precondition(lambda self: self.world.at_carrier)
    @rule(key=st.sampled_from(["4", "4", "5", "6", "9"]))
    def the_last_call_is_answered_and_a_key_pressed(self, key):
        made = self.carrier_call(-1)
        self.world.answer(made)
        self.presses(made, key)

    @precondition(lambda self: self.world.at_carrier)
    @rule(pick=picks, key=st.sampled_from(["4", "4", "5", "5", "6", "9", "*", "1", ""]))
    def a_key_is_pressed(self, pick, key):
        self.presses(self.carrier_call(pick), key)

    def presses(self, made, key):
        call = self.memory.calls[made.call_id]
        told = [page for page in call.pages if page.told]
        if key == "4":
            self.taken.update(page.incident_id for page in told)
        heard = max((page.n for page in told), default=0)
        self.twice(
            KeyPressed(
                call_id=made.call_id, token_hash=made.token, sid=made.sid, key=key, heard=heard
            )
        )

    # ---- what must hold

    @invariant()
    def an_open_incident_is_never_forgotten(self):
        for incident in self.memory.incidents.values():
            needs_timer = incident.is_open and incident.phase is not Phase.ACKNOWLEDGED
            assert not needs_timer or incident.due_at is not None, f"no timer (I1): {incident}"
            for page in incident.pages:
                assert page.state is not PageState.WAITING or incident.due_at <= page.next_at
            if not incident.is_open:
                assert incident.due_at is None, f"a resolved incident has a timer: {incident}"

    @invariant()
    def only_a_triggered_or_exhausted_incident_has_pages(self):
        for incident in self.memory.incidents.values():
            calls_people = incident.phase in (Phase.TRIGGERED, Phase.EXHAUSTED)
            assert calls_people or incident.pages == (), f"pages of nobody's concern: {incident}"
            people = [page.person for page in incident.pages]
            assert len(people) == len(set(people)), "two pages to one person about one incident"

    @invariant()
    def what_is_held_waits_and_nobody_is_owed_a_word_about_it(self):
        for incident in self.memory.incidents.values():
            if incident.held and incident.is_open:
                assert incident.phase is Phase.SNOOZED, f"held, and {incident.phase}"
            if incident.phase is not Phase.TRIGGERED:
                assert incident.texts == (), f"a message is owed: {incident}"
            dues = [(text.person, text.due_at) for text in incident.texts]
            assert len(dues) == len(set(dues)), "one message twice"

    @invariant()
    def counts_are_those_of_the_alerts_on_file(self):
        for incident in self.memory.incidents.values():
            assert incident.resolved >= 0
            assert incident.firing >= 0
            if incident.is_open:
                assert incident.firing > 0, f"open and nothing fires: {incident}"
                assert incident.firing == firing_on_file(self.memory, incident.id)

    @invariant()
    def calls_and_incidents_agree_on_their_pages(self):
        calling = {
            (page.call_id, incident.id, page.person)
            for incident in self.memory.incidents.values()
            for page in incident.pages
            if page.state is PageState.CALLING
        }
        carried = [
            (call.id, page.incident_id, page.person)
            for call in self.memory.calls.values()
            for page in call.open_pages
        ]
        assert len(carried) == len(set(carried)), "one page twice in one call"
        assert calling == set(carried)

    @invariant()
    def every_call_comes_to_an_end(self):
        for call in self.memory.calls.values():
            if call.is_live:
                assert call.due_at is not None, f"a live call without a timer: {call}"
            elif call.state is CallState.PLANNED:
                assert call.timer_at is not None, f"a planned call without a time: {call}"
            else:
                assert call.open_pages == ()
            assert len(call.posts) <= 1 + call.ambiguous, "more POSTs than unclear ones (I4)"

    @invariant()
    def a_phone_that_rings_for_nobody_is_taken_back(self):
        for call in self.memory.calls.values():
            is_ringing = call.state in (CallState.QUEUED, CallState.RINGING)
            if call.kind is CallKind.PAGE and is_ringing and not call.open_pages:
                assert call.endings, f"nobody is needed, and it rings on: {call}"

    @invariant()
    def nobody_is_in_two_calls(self):
        """Save where an unclear POST made a call after all, and where the dialer was held up."""
        known = [
            one for one in self.memory.calls.values() if one.is_live and one.id not in self.late
        ]
        people = [someone for call in known for someone in people_of(call)]
        assert len(people) == len(set(people)), "one person in two calls (I2)"

    @invariant()
    def only_people_acknowledge(self):
        for incident in self.memory.incidents.values():
            if incident.phase is Phase.ACKNOWLEDGED:
                assert incident.id in self.taken, f"nobody acknowledged {incident}"

    def teardown(self) -> None:
        """Left alone with a working carrier, everybody who is needed is rung within half an hour."""
        world = self.world
        began = world.now
        needed = [one.id for one in self.memory.incidents.values() if is_needed(one)]
        for made in world.at_carrier.values():
            world.report(made, "completed")
        self.the_process_is_down(0)
        world.is_left_alone = world.list_is_readable = True
        world.run_until(began + timedelta(minutes=30))
        for incident in (self.memory.incidents[one] for one in needed):
            if is_needed(incident):
                assert incident.last_placed_at is not None
                assert incident.last_placed_at > began, f"nobody was rung about {incident}"

    # ---- steps of the rules

    def answered_post(self, pick: int) -> tuple[Call, str]:
        posted = self.world.under_way.pop(pick % len(self.world.under_way))
        self.tokens.append(posted)
        return posted

    def makes(self, call: Call, token: str) -> CarrierCall:
        self.fresh += 1
        made = CarrierCall(f"CA{self.fresh}", call.id, token, call.to)
        self.world.at_carrier[made.sid] = made
        return made

    def carrier_call(self, pick: int) -> CarrierCall:
        return chosen(list(self.world.at_carrier.values()), pick)

    def twice(self, event: CallEvent) -> None:
        """A callback may come twice, and the second time changes nothing."""
        self.world.submit(event)
        once = self.state()
        self.world.submit(event)
        assert self.state() == once, f"the second time changed something: {event}"

    def state(self) -> tuple[dict[str, Incident | Call], list[str]]:
        everything = {**self.memory.incidents, **self.memory.calls}
        lines = [line.text for _, _, line in self.memory.timeline]
        return {key: without_marks(value) for key, value in everything.items()}, lines


def is_needed(incident: Incident) -> bool:
    """Whether somebody is to be rung about it."""
    return incident.phase in (Phase.TRIGGERED, Phase.EXHAUSTED)


def chosen(candidates, pick):
    return candidates[pick % len(candidates)]


TestPager = Pager.TestCase
TestPager.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
