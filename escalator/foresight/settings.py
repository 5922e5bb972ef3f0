"""What foresight needs of the config beside its rules."""

from escalator.config.model import Config
from escalator.foresight.imagined import Phones


def phones_of(config: Config) -> Phones:
    """How long a phone rings that nobody answers, and how fast calls may leave."""
    limits = config.twilio.limits
    return Phones(
        ring=config.twilio.ring,
        calls_per_second=limits.calls_per_second,
        concurrent_calls=limits.concurrent_calls,
    )
