"""Recovery codes on pages: as a file, and as a card on the pages of other features."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from django import template
from django.conf import settings

from accounts.services import recovery_codes

register = template.Library()


@register.filter
def codes_file(codes: Iterable[str]) -> str:
    """Return a text file with the codes as an address of its own, so that they're never stored to be downloaded."""
    head = f"{settings.BRAND['portal_name']}: recovery codes. Each works once."
    return "data:text/plain;charset=utf-8," + quote("\r\n".join([head, "", *codes, ""]), safe="")


@register.inclusion_tag("accounts/_recovery_codes.html", takes_context=True)
def recovery_codes_card(context: template.Context, level: int = 2) -> dict[str, Any]:
    """Return a card that says how many recovery codes are left, and leads to their page. One query."""
    device = recovery_codes.set_of(context["request"].user)
    return {"left": device.left() if device else 0, "has_set": bool(device and device.drawn), "level": level}
