"""What policies add to an account's page in admin (`core.staff_sections`): for whom its owner acts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse

from core.dates import carrier_today
from core.staff_sections import StaffAction, StaffSection
from core.templatetags.show import day
from policies.models import Membership

if TYPE_CHECKING:
    import datetime as dt

    from django.http import HttpRequest

    from accounts.models import User


def memberships(request: HttpRequest, user: User) -> StaffSection | None:
    """Return the memberships, those in effect first, for staff who may see memberships."""
    if not request.user.has_perm("policies.view_membership"):
        return None
    today = carrier_today()
    found = user.memberships.select_related("insured", "policyholder", "agency", "granted_by")
    rows = sorted(found, key=lambda each: (not each.is_in_effect(today), each.created_at))
    actions = []
    if request.user.has_perm("policies.add_membership") and not user.is_of_staff:
        actions.append(StaffAction("Add a membership…", reverse("admin:policies_membership_add")))
    none = "Staff have no memberships." if user.is_of_staff else "No membership: the portal shows this user no policy."
    return StaffSection(
        "Memberships",
        "memberships",
        order=50,
        columns=("Acts for", "Role", "Administrator", "From", "To", "State", "Granted by"),
        rows=[
            (
                (str(each.party), reverse("admin:policies_membership_change", args=[each.pk])),
                each.get_role_display(),
                "Yes" if each.administrator else "No",
                day(each.starts),
                day(each.ends) or "–",
                _state(each, today),
                str(each.granted_by) if each.granted_by else "The carrier’s data",
            )
            for each in rows
        ],
        empty=none,
        actions=tuple(actions),
    )


def _state(membership: Membership, today: dt.date) -> str:
    """Return whether it opens anything today, and if not, who ended it."""
    if membership.revoked_at is not None:
        return f"Revoked by {membership.get_ended_by_display().lower()}"
    if membership.awaits_approval:
        return "Waits for approval"
    if membership.is_in_effect(today):
        return "In effect"
    return "Begins later" if membership.starts > today else "Ended"
