"""Accounts taken over from a former system, in the list of users: which have no password yet, and a link for each of
them (docs/staff.md)."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import models
from django.http import HttpRequest

from accounts.events import AccountEvent
from accounts.guards import user_of
from accounts.models import User
from accounts.services import links
from core.events import record_event

NONE, UNUSED = "none", "unused"


class PasswordFilter(admin.SimpleListFilter):
    """Whether the account has a password, and one of ours."""

    title = "password"
    parameter_name = "password_state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(NONE, "None yet"), (UNUSED, "Of a former system, not used here yet")]

    def queryset(self, request: HttpRequest, users: models.QuerySet[User]) -> models.QuerySet[User]:
        none = models.Q(password__startswith=UNUSABLE_PASSWORD_PREFIX)
        if self.value() == NONE:
            return users.filter(none)
        if self.value() == UNUSED:
            return users.filter(password_taken_over_at__isnull=False, password_changed_at=None).exclude(none)
        return users


@admin.action(description="Email a link to choose a password", permissions=["activate"])
def email_links(model_admin: Any, request: HttpRequest, queryset: models.QuerySet[User]) -> None:
    """Mail a link to each selected account that has no password and can have one; the others stay as they are."""
    staff = user_of(request)
    sent = 0
    for user in queryset.filter(is_active=True, password__startswith=UNUSABLE_PASSWORD_PREFIX).exclude(email=""):
        if not user.is_served_by(staff) or user.locks.filter(lifted_at=None).exists():
            continue
        link = links.send_activation(user=user, by=staff)
        reason = "accounts taken over"
        record_event(AccountEvent.LINK_ASKED, subject=user, on_behalf_of=user, reason=reason, link=link.public_id)
        sent += 1
    model_admin.message_user(
        request, f"We sent {sent} of the selected a link. The others have a password, are locked, or have no email."
    )
