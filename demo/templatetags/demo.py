"""Template tags of the demo's own templates."""

from __future__ import annotations

from django import template

from accounts.models import Challenge, CodeDevice
from demo.explore import ACCOUNTS, ROLES, Role, code_for
from demo.registrants import Registrant, someone_to_register
from demo.users import DEMO_PASSWORD

register = template.Library()


@register.simple_tag
def explore_roles() -> tuple[Role, ...]:
    """Return the cards of the landing page."""
    return ROLES


@register.simple_tag
def demo_accounts() -> tuple[tuple[str, str], ...]:
    """Return the users for a sign-in by password, each with a description."""
    return ACCOUNTS


@register.simple_tag
def demo_password() -> str:
    return DEMO_PASSWORD


@register.simple_tag
def demo_registrant() -> Registrant | None:
    """Return someone to register as."""
    return someone_to_register()


@register.simple_tag
def demo_code(device: CodeDevice, challenge: Challenge | str | None) -> str:
    """Return the code to enter for a device now, or "" while it's on its way."""
    return code_for(device, challenge or None)  # type: ignore[arg-type]
