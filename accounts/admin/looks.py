"""The way from a customer's account in admin into the portal as that customer sees it (B-11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse

from accounts.admin.forms import ReasonForm
from accounts.guards import user_of
from accounts.models import LookEnd, User
from accounts.services import looks
from core.staff_sections import StaffAction, StaffSection

if TYPE_CHECKING:
    from accounts.admin.user_acts import UserActs

LOOKS_SHOWN = 5


def section(request: HttpRequest, user: User) -> StaffSection | None:
    """Return the latest looks at the portal as this customer sees it, and the way to one where it may be gone."""
    if user.is_of_staff or not request.user.has_perm(looks.PERMISSION):
        return None
    why_not = looks.refusal(staff=user_of(request), subject=user)
    begin = StaffAction("View as customer", reverse("admin:accounts_user_view-as", args=[user.pk]))
    return StaffSection(
        "The customer’s view",
        "customers-view",
        order=55,
        columns=("From", "Who", "Reason", "Ended"),
        rows=[
            (look.started_at, look.staff.username, look.reason, LookEnd(look.end_reason).label if look.ended_at else "")
            for look in user.looked_at.select_related("staff")[:LOOKS_SHOWN]
        ],
        empty="Nobody has viewed the portal as this customer.",
        note=why_not or "Read-only, with a reason, and recorded page by page.",
        actions=() if why_not else (begin,),
    )


def urls(admin: UserActs) -> list[URLPattern]:
    """Return the address where a look begins. Admin's own door asks for a code of the last 20 minutes."""

    def view(request: HttpRequest, user_id: int) -> HttpResponse:
        return begin_look(admin, request, user_id)

    return [path("<int:user_id>/view-as/", admin.admin_site.admin_view(view), name="accounts_user_view-as")]


def begin_look(admin: UserActs, request: HttpRequest, user_id: int) -> HttpResponse:
    """Ask why, then open home as the customer sees it. 403 without the right; an account that may not be looked at
    leads back and says why."""
    user = admin.account_of(request, user_id, looks.PERMISSION)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    form.fields["reason"].help_text = "Why you need to see what this customer sees. Kept in the event log."
    why_not = looks.refusal(staff=user_of(request), subject=user)
    if not why_not and form.is_valid():
        try:
            looks.start(request=request, subject=user, reason=form.cleaned_data["reason"])
        except looks.MayNotLookError as error:
            why_not = str(error)
        else:
            return redirect("home")
    if why_not:
        messages.error(request, why_not)
        return admin.back_to(user)
    title, note = f"View the portal as {user}", "You’ll see the customer’s pages. You can’t change anything in them."
    return admin.ask_reason(request, user, form, title=title, action="View as this customer", note=note)
