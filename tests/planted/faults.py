"""Small edits that break a promise, each with the tests that have to see it."""

from typing import NamedTuple


class Fault(NamedTuple):
    """`old` stands exactly once in `file` and becomes `new`; then `tests` must fail."""

    what: str
    file: str
    old: str
    new: str
    tests: str


CORE = "tests/escalation tests/machine"
KEYS = "tests/phone/test_callbacks_keys.py tests/phone/test_callbacks_repeated.py"
REQUESTS = "tests/phone/test_callbacks_requests.py"
SETTLING = "tests/phone/test_settling_for_real.py tests/phone/test_settling_restarts.py"
STORE = "tests/store"

FAULTS = (
    Fault(
        "an unclear POST is repeated at once",
        "escalator/escalation/posting.py",
        "elif settling.is_settled(call.unclear_at, draft.now, list_readable=event.sids is not None):",
        "elif call.unclear_at:",
        CORE,
    ),
    Fault(
        "a timeout of a POST counts as not sent",
        "escalator/phone/twilio.py",
        "        if reply.is_proof:\n            return NotSent",
        "        if True:\n            return NotSent",
        "tests/phone/test_twilio_place.py",
    ),
    Fault(
        "what was being posted at a kill is forgotten",
        "escalator/phone/follower.py",
        "if call.state is CallState.POSTING]\n        events",
        "if call.state is CallState.ENDED]\n        events",
        SETTLING,
    ),
    Fault(
        "a surplus call rings on",
        "escalator/escalation/binding.py",
        "    elif not is_known:\n        draft.add_ending(sid, cut=True)",
        "    elif not is_known:\n        pass",
        CORE,
    ),
    Fault(
        "a call without a page left rings on",
        "escalator/escalation/binding.py",
        "            draft.add_ending(draft.call.sid, cut=False)",
        "            pass",
        CORE,
    ),
    Fault(
        "a call in conversation is cut when it is not needed any more",
        "escalator/escalation/binding.py",
        "            draft.add_ending(draft.call.sid, cut=False)",
        "            draft.add_ending(draft.call.sid, cut=True)",
        CORE,
    ),
    Fault(
        "an unsigned callback is taken",
        "escalator/phone/callbacks.py",
        "        if not self._guard.is_genuine(request, pairs):\n            self._guard.count",
        "        if False:\n            self._guard.count",
        REQUESTS,
    ),
    Fault(
        "the token of a call that is over lives for ever",
        "escalator/phone/callbacks.py",
        "if call.ended_at is not None and self._clock.now() > call.ended_at + TOKEN_LIFE:",
        "if False:",
        "tests/phone/test_callbacks_prompts.py",
    ),
    Fault(
        "the token is stored as it is",
        "escalator/phone/tokens.py",
        'return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()',
        "return token",
        "tests/phone/test_tokens.py",
    ),
    Fault(
        "a status goes backwards",
        "escalator/escalation/call_status.py",
        "is_news = _ORDER.index(state) > _ORDER.index(call.state)",
        "is_news = True",
        CORE,
    ),
    Fault(
        "being picked up acknowledges",
        "escalator/escalation/call_status.py",
        "    if call.acted:\n",
        "    if call.prompts:\n",
        CORE,
    ),
    Fault(
        "a key takes what was not told yet",
        "escalator/escalation/decide_call.py",
        "page.n <= event.heard",
        "page.n <= 10**9",
        CORE,
    ),
    Fault(
        "an acknowledgement leaves the others' phones ringing",
        "escalator/escalation/draft.py",
        "            if page.state is PageState.CALLING:\n",
        "            if page.state is PageState.DONE:\n",
        CORE,
    ),
    Fault(
        "the fallback is rung once only",
        "escalator/escalation/steps.py",
        "draft.enter(Phase.EXHAUSTED, policy.fallback_every)",
        "draft.enter(Phase.EXHAUSTED, None)",
        CORE,
    ),
    Fault(
        "a page that was never placed is dropped with its step",
        "escalator/escalation/steps.py",
        "if page.state is PageState.CALLING or page.is_owed:",
        "if page.state is PageState.CALLING:",
        CORE,
    ),
    Fault(
        "an unknown severity counts as the mildest",
        "escalator/escalation/rules.py",
        "        except ValueError:\n            return 0",
        "        except ValueError:\n            return len(self.severities)",
        CORE,
    ),
    Fault(
        "a flapping alert rings anew each time",
        "escalator/escalation/steps.py",
        "if last is not None and last + step.retry > draft.now:",
        "if False:",
        CORE,
    ),
    Fault(
        "what a person resolved opens again at the next repeat",
        "escalator/escalation/assign.py",
        "return known.status is AlertStatus.FIRING and now < incident.resolved_at + window",
        "return False",
        CORE,
    ),
    Fault(
        "alerts that the sender left out close an incident",
        "escalator/escalation/firing.py",
        "if event.alert.left_out and not event.moved:",
        "if False:",
        "tests/intake/test_alerts_left_out.py",
    ),
    Fault(
        "the commit is not synced",
        "escalator/store/connection.py",
        '("synchronous", "FULL", 2)',
        '("synchronous", "OFF", 0)',
        STORE,
    ),
    Fault(
        "one event that cannot be decided takes its batch down",
        "escalator/store/working.py",
        "        for mapping, key, old in reversed(self._undo):",
        "        for mapping, key, old in ():",
        STORE,
    ),
    Fault(
        "alerts go before key presses",
        "escalator/store/writer.py",
        "        for lane in Lane:\n",
        "        for lane in reversed(Lane):\n",
        STORE,
    ),
    Fault(
        "the queue before the store has no bound",
        "escalator/store/writer.py",
        "if lane is Lane.INTAKE and self._waiting + len(events) > WAITING_MAX:",
        "if False:",
        STORE,
    ),
    Fault(
        "a second daemon works on the same file",
        "escalator/store/lock.py",
        "fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "pass",
        STORE,
    ),
    Fault(
        "two calls ring one phone",
        "escalator/escalation/dialing.py",
        "return number in self._numbers or not self._people.isdisjoint(people)",
        "return False",
        CORE,
    ),
    Fault(
        "calls are not paced",
        "escalator/phone/dialer.py",
        "self._next_slot = now + timedelta(seconds=1 / settings.calls_per_second)",
        "self._next_slot = now",
        "tests/phone/test_dialing_for_real.py",
    ),
    Fault(
        "a request leaves however long ago its intent was committed",
        "escalator/phone/dialer.py",
        "        if late >= INTENT_LASTS:\n",
        "        if False:\n",
        "tests/sim/test_stood_still.py",
    ),
    Fault(
        "waiting for the disk counts as standing still",
        "escalator/store/writer.py",
        "            results = self._store.apply(events, self._rules(), self._now())\n"
        "        except Exception as error:  # noqa: BLE001 - whatever went wrong, its callers must hear of it\n"
        "            self._fail(batch, error)\n"
        "            return\n"
        "        at, committed_at = 0, self._now()\n",
        "            committed_at = self._now()\n"
        "            results = self._store.apply(events, self._rules(), committed_at)\n"
        "        except Exception as error:\n"
        "            self._fail(batch, error)\n"
        "            return\n"
        "        at = 0\n",
        "tests/store/test_slow_disk.py",
    ),
    Fault(
        "a carrier that has too much to do is asked without any spread",
        "escalator/phone/gate.py",
        "(2 * self._chance() - 1)",
        "0",
        "tests/phone/test_gate.py",
    ),
    Fault(
        "a second daemon loads everything before it asks for the lock",
        "escalator/cli/serving.py",
        "from escalator.store.lock import locked\n",
        "import escalator.app  # noqa: F401\nfrom escalator.store.lock import locked\n",
        "tests/acceptance/test_second_daemon.py",
    ),
    Fault(
        "a batch that could not be counted counts as not stored",
        "escalator/store/tally.py",
        '        log.exception("batch_not_counted", events=events)\n',
        "        raise\n",
        "tests/store/test_tally.py",
    ),
    Fault(
        "what is a week old is told as news",
        "escalator/phone/prompts.py",
        "        if days > 0:\n",
        "        if False:\n",
        "tests/phone/test_old_alerts.py",
    ),
    Fault(
        "any bearer token will do",
        "escalator/intake/auth.py",
        "hmac.compare_digest",
        "(lambda one, other: True)",
        "tests/intake",
    ),
    Fault(
        "markup in an alert reaches the document",
        "escalator/phone/twiml.py",
        "return html.escape(_legal(text), quote=True)",
        "return _legal(text)",
        "tests/phone/test_twiml.py",
    ),
    Fault(
        "the group's status decides over its alerts",
        "escalator/intake/alertmanager.py",
        "        status=status,\n",
        "        status=AlertStatus.RESOLVED,\n",
        "tests/intake",
    ),
    Fault(
        "phone numbers are logged in full",
        "escalator/telemetry/logs.py",
        "def redact(text: str) -> str:\n",
        "def redact(text: str) -> str:\n    return text\n\n\ndef _redact(text: str) -> str:\n",
        "tests/test_telemetry.py",
    ),
    Fault(
        "a message whose POST was cut off by a restart is sent again at once",
        "escalator/phone/message_follower.py",
        "        orphans = posting_messages(self._engine.reader)\n",
        "        orphans = ()\n",
        "tests/phone/test_texting_restarts.py",
    ),
    Fault(
        "a silence is not reloaded at start",
        "escalator/store/live.py",
        "        silences=tuple(silences(connection, since=wall)),\n",
        "        silences=(),\n",
        "tests/test_rulebook.py",
    ),
    Fault(
        "an override is ignored by who is on call now",
        "escalator/escalation/oncall.py",
        "    if override is not None:\n        return (override.person,)\n    if schedule.events",
        "    if schedule.events",
        "tests/escalation/test_oncall.py",
    ),
    Fault(
        "a heartbeat is never missed",
        "escalator/escalation/heartbeats.py",
        "    if now >= next_by:\n",
        "    if False:\n",
        "tests/escalation/test_heartbeats.py",
    ),
    Fault(
        "a stranger's message acknowledges",
        "escalator/phone/text_callbacks.py",
        "        people = [one for one in self._engine.rules.people.values() if number in one.phones]\n",
        "        people = list(self._engine.rules.people.values())\n",
        "tests/phone/test_texting_for_real.py",
    ),
)
