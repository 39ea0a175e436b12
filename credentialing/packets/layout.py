"""What the papers made for packets have in common: their style sheet, and times as they print them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format

from core.pdf import Layout

if TYPE_CHECKING:
    import datetime as dt


@cache
def layout() -> Layout:
    """Return the layout, with fonts and style sheet read once per process."""
    return Layout(render_to_string("credentialing/packets/pdf/page.css"))


def in_zone(moment: dt.datetime) -> str:
    """Return a time in the company's zone: 'November 20, 2026, 9:00 p.m. EST'."""
    return date_format(timezone.localtime(moment, ZoneInfo(settings.TIME_ZONE)), "F j, Y, g:i a T")
