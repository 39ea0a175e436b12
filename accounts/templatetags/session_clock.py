"""What the page's script needs to know about the session's time."""

from __future__ import annotations

from typing import Any

from django import template
from django.conf import settings
from django.utils import timezone

register = template.Library()


@register.simple_tag(takes_context=True)
def session_seconds(context: dict[str, Any]) -> int:
    """Whole seconds until the session ends if nothing more is done; 0 where there is none."""
    row = getattr(getattr(context.get("request"), "session", None), "row", None)
    return max(0, int((row.ends_at() - timezone.now()).total_seconds())) if row is not None else 0


@register.simple_tag
def warning_seconds() -> int:
    """How long before its end the session warns (docs/security.md#sessions)."""
    return int(settings.SESSION_IDLE_WARNING.total_seconds())
