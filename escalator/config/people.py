"""The part of the config that says who can be rung: phones, absence, and how to be reached."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import PlainSerializer, model_validator

from escalator.config.scheduling import Away
from escalator.config.section import NOT_EMPTY, Section
from escalator.config.values import (
    Language,
    Phone,
    Text,
    Timezone,
    read_timer,
    scalar,
    show_duration,
)

NOW = "now"


def _read_after(value: object) -> timedelta:
    try:
        return timedelta(0) if value == NOW else read_timer(value)
    except ValueError as error:
        raise ValueError(f"{error}; or write {NOW}") from None


After = Annotated[
    timedelta,
    *scalar(_read_after, {"description": "now, or a duration from the start of the step"}),
    PlainSerializer(lambda value: show_duration(value) if value else NOW),
]


class ContactRule(Section):
    """One way to reach a person, so long after the start of a step."""

    call: After | None = None
    sms: After | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("write exactly one of call and sms, as { call: 1m }")
        return self


class Person(Section):
    """Somebody with a phone, or with several, tried in their order."""

    name: Text = ""
    phone: Phone | None = None
    phones: Annotated[tuple[Phone, ...], NOT_EMPTY] | None = None
    language: Language | None = None
    timezone: Timezone | None = None
    aliases: tuple[Text, ...] = ()
    away: tuple[Away, ...] = ()
    rules: Annotated[tuple[ContactRule, ...], NOT_EMPTY] | None = None

    @model_validator(mode="after")
    def _has_phones_once(self) -> Self:
        if self.phone is None and self.phones is None:
            raise ValueError("a person needs a phone: phone: +491713920012")
        if self.phone is not None and self.phones is not None:
            raise ValueError("write phone or phones, not both")
        if len(set(self.numbers)) < len(self.numbers):
            raise ValueError("one number stands twice in phones")
        return self

    @property
    def numbers(self) -> tuple[str, ...]:
        """The phones in the order they are tried."""
        return (self.phone,) if self.phone is not None else self.phones or ()
