"""The part of the config about being alive: who has to report to us, and whom we report to."""

from datetime import timedelta
from typing import Annotated

from escalator.config.access import Auth
from escalator.config.links import SecretLink
from escalator.config.routing import MatcherList
from escalator.config.section import Section
from escalator.config.values import Boolean, Text, Timer, duration, read_duration
from escalator.escalation.rules import DEFAULT_POLICY

PERIOD_MAX = timedelta(days=366)


class Heartbeat(Section):
    """A name that must report every so often, by an alert that fits or by its own URL."""

    every: Annotated[timedelta, *duration(read_duration(most=PERIOD_MAX))]
    grace: Timer = timedelta(minutes=5)
    matchers: MatcherList | None = None
    policy: Text = DEFAULT_POLICY
    severity: Text = ""
    expect_at_start: Boolean = False
    auth: Auth | None = None


class BeatTo(Section):
    """A link of somebody who watches us, asked for while all is well here."""

    url: SecretLink
    every: Annotated[
        timedelta, *duration(read_duration(timedelta(seconds=10), timedelta(days=1)))
    ] = timedelta(minutes=1)
