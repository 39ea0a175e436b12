"""How values are shown. Loaded into every template: `{{ amount|dollars }}`, `{{ term.effective|day }}`."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from functools import lru_cache

import phonenumbers
from django import template
from django.utils import timezone
from django.utils.formats import date_format

from core import money

register = template.Library()

# Django's own date_format asks for the active language at every call: a fifth of the cost of a page of dates.
MONTHS = (
    "",
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


@register.filter
def dollars(value: Decimal | int | None) -> str:
    """1240 → "$1,240.00"; nothing → nothing."""
    return "" if value is None else money.dollars(value)


@register.filter
def whole_dollars(value: Decimal | int | None) -> str:
    """1000000 → "$1,000,000" (limits); cents are kept where there are any."""
    return "" if value is None else money.whole_dollars(value)


@register.filter
def day(value: dt.date | None) -> str:
    """Return a date as the policy has it, never shifted by zones: "Mar 1, 2026"."""
    return "" if value is None else f"{MONTHS[value.month][:3]} {value.day}, {value.year}"


@register.filter
def day_long(value: dt.date | None) -> str:
    """ "March 1, 2026"."""
    return "" if value is None else f"{MONTHS[value.month]} {value.day}, {value.year}"


@register.filter
def iso(value: dt.date | dt.datetime | None) -> str:
    """For `<time datetime=…>`: a date as 2026-03-01, a moment in UTC with its offset."""
    if value is None:
        return ""
    return value.isoformat(timespec="seconds") if isinstance(value, dt.datetime) else value.isoformat()


@register.filter
def moment(value: dt.datetime | None) -> str:
    """Return the moment of an event in the reader's zone, named: "Mar 1, 2026, 4:05 p.m. EST"."""
    if value is None:
        return ""
    local = timezone.localtime(value)
    # Two zones' times of one moment are equal; their words aren't.
    return _moment(local.replace(tzinfo=None), local.tzname() or "")


@lru_cache(maxsize=1024)
def _moment(local: dt.datetime, zone: str) -> str:
    return f"{date_format(local, 'M j, Y, P')} {zone}"


@register.filter
def clock(value: dt.datetime | None) -> str:
    """Return the time of day in the reader's zone: "4:05 p.m. EST"."""
    return "" if value is None else date_format(timezone.localtime(value), "P T")


@register.filter
@lru_cache(maxsize=4096)
def phone_href(value: str) -> str:
    """Return the `tel:` address (RFC 3966) of a US number however it is written.

    "(800) 555-0140 ext. 2" → "tel:+1-800-555-0140;ext=2". What can't be read as a number keeps its digits, so that the
    address is valid all the same.
    """
    try:
        number = phonenumbers.parse(value, "US")
    except phonenumbers.NumberParseException:
        return "tel:" + "".join(character for character in value if character.isascii() and character.isdigit())
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.RFC3966))


@register.filter
def in_fours(value: str) -> str:
    """Return a key to be typed, in groups of four: "ABCDEFGH" → "ABCD EFGH"."""
    return " ".join(value[start : start + 4] for start in range(0, len(value), 4))


@register.filter
def seconds_left(value: dt.datetime | None) -> int:
    """Whole seconds until a moment, never less than none (for countdowns, which then need no clock that agrees)."""
    return 0 if value is None else max(0, math.ceil((value - timezone.now()).total_seconds()))
