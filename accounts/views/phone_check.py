"""'Is this still your phone?', asked once when a remembered device's days have ended (S-10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.events import AccountEvent
from accounts.guards import user_of
from accounts.models import PhoneDevice
from accounts.navigation import after_sign_in, wanted_page, with_query
from accounts.services import remembering
from core.events import record_event

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from accounts.models import User


def after_code(request: HttpRequest) -> str:
    """Return where a sign-in leads whose code was accepted: to the question about the phone if it's due, else to the
    requested page. Without a phone there's nothing to ask."""
    user = user_of(request)
    if _phones(user) and remembering.ask_about_phone(request=request, user=user):
        return with_query("accounts:phone-check", next=wanted_page(request))
    return after_sign_in(request)


@require_http_methods(["GET", "HEAD", "POST"])
def phone_check(request: HttpRequest) -> HttpResponse:
    """Show the phones that get codes. A POST says that they're still the owner's."""
    user = user_of(request)
    phones = _phones(user)
    if not phones:
        return redirect(after_sign_in(request))
    if request.method == "POST":
        record_event(AccountEvent.PHONE_KEPT, subject=user, devices=[phone.public_id for phone in phones])
        messages.success(request, "Thank you.")
        return redirect(after_sign_in(request))
    return render(request, "accounts/phone_check.html", {"phones": phones, "next": wanted_page(request)})


def _phones(user: User) -> list[PhoneDevice]:
    return list(PhoneDevice.objects.filter(user=user, confirmed=True).order_by("created_at"))
