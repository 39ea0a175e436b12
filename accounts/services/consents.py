"""Agreeing to electronic delivery, and withdrawing it (docs/security.md#consents)."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.http import HttpRequest

from accounts import paperless
from accounts.events import AccountEvent
from accounts.guards import user_of
from accounts.models import DeliveryConsent, Paperless, User
from core import outbox
from core.events import record_event
from core.origin import current_origin

PAPERLESS_CHANGED = "accounts.paperless_changed"


class EmailNotConfirmedError(Exception):
    """Nobody has shown that documents announced by email would arrive."""


class NotAgreedError(Exception):
    """A new consent without the box ticked: what was given when the page was opened was withdrawn meanwhile."""


def latest_of(user: User) -> dict[str, DeliveryConsent]:
    """Return the latest act of each category that there was one for."""
    acts = user.delivery_consents.order_by("category", "-at", "-id").distinct("category")
    return {act.category: act for act in acts}


def given_by(user: User) -> list[str]:
    """Return the categories that the user gets electronically now."""
    return [category for category, act in latest_of(user).items() if act.is_given]


def choose(*, request: HttpRequest, categories: Collection[str], agrees: bool) -> list[DeliveryConsent]:
    """Agree to these categories, and withdraw the others. Only what differs from before is an act, with a row of its
    own. Raises NotAgreedError for a new consent unless the customer `agrees`, and EmailNotConfirmedError for one
    without a confirmed email."""
    user = user_of(request)
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user.pk)
        before = set(given_by(user))
        acts = [
            _act(user, each, each in categories)
            for each in Paperless.values
            if (each in before) != (each in categories)
        ]
        if any(act.is_given for act in acts):
            if not agrees:
                raise NotAgreedError
            if user.email_confirmed_at is None:
                raise EmailNotConfirmedError
        for act in acts:
            act.save(force_insert=True)
            tag = AccountEvent.CONSENT_GIVEN if act.is_given else AccountEvent.CONSENT_WITHDRAWN
            record_event(tag, subject=user, on_behalf_of=user, category=act.category, consent=act.public_id)
            payload = {
                "user": user.public_id,
                "category": act.category,
                "given": act.is_given,
                "consent": act.public_id,
            }
            outbox.publish(PAPERLESS_CHANGED, payload, key=act.public_id)
    return acts


def _act(user: User, category: str, is_given: bool) -> DeliveryConsent:
    origin = current_origin()
    return DeliveryConsent(
        user=user,
        category=category,
        is_given=is_given,
        text_version=paperless.VERSION,
        text="\n\n".join(paperless.consent_text()),
        username=user.username,
        name=f"{user.first_name} {user.last_name}".strip(),
        email=user.email,
        ip=origin.ip,
        agent=origin.agent,
        session_id=origin.session_id,
        request_id=origin.request_id,
    )
