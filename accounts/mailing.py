"""Mails to an account's owner, as handlers of the outbox: with the mail server down they are tried again.

A mail holds no name, since a name is text that somebody typed, and no code or password.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

from accounts.models import AccountLink, User
from accounts.services.links import address_of

SUBJECTS = {
    "activation": "Choose your password",
    "wrong_codes": "Somebody knows your password",
}


def send_link(payload: dict[str, Any], *, key: str) -> None:
    """Draw the token of a link and mail it. Called again, it draws another token: the newest mail is the one that
    works. A link that was used, replaced or has expired meanwhile is not sent."""
    link = AccountLink.objects.usable().filter(public_id=payload["link"]).first()
    if link is not None and link.email:
        hours = int(settings.ACTIVATION_LINK_LIFE.total_seconds() // 3600)
        _send(link.email, str(link.purpose), {"address": address_of(link.draw_token()), "hours": hours})


def send_notice(payload: dict[str, Any], *, key: str) -> None:
    """Mail a notice to the account's email, confirmed or not: it tells what happened and opens nothing."""
    user = User.objects.filter(public_id=payload["user"]).first()
    if user is not None and user.email:
        _send(user.email, payload["notice"], {"off": payload["off"]})


def _send(to: str, template: str, context: dict[str, object]) -> None:
    brand = settings.BRAND
    body = render_to_string(
        f"accounts/mail/{template}.txt", context | {"brand": brand, "support": settings.SUPPORT["web"]}
    )
    EmailMessage(subject=f"{brand['portal_name']}: {SUBJECTS[template]}", body=body, to=[to]).send()
