"""Recovery codes: making a set, and signing in with one."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts.decorators import step_up_required
from accounts.forms import RecoveryCodeForm
from accounts.guards import SignIn, sign_in_of, user_of
from accounts.methods import devices_of
from accounts.models import Outcome
from accounts.navigation import after_sign_in, wanted_page, with_query
from accounts.services import recovery_codes
from accounts.views.forgotten import status_of
from accounts.views.words import wrong_words


@require_http_methods(["GET", "HEAD", "POST"])
@step_up_required
def recovery_codes_page(request: HttpRequest) -> HttpResponse:
    """Show how many codes are left, and make a new set. Its codes are in the answer to the POST and nowhere else. 409
    where a set was made since the page was opened."""
    user = user_of(request)
    status = HTTPStatus.OK
    if request.method == "POST":
        drawn = request.POST.get("drawn", "")
        codes = recovery_codes.draw(user=user, drawn=int(drawn) if drawn.isdecimal() and len(drawn) < 10 else -1)
        if codes is not None:
            context = {"codes": codes, "next": wanted_page(request), "onward": after_sign_in(request)}
            return render(request, "accounts/recovery_codes_new.html", context)
        status = HTTPStatus.CONFLICT
    shown: dict[str, Any] = {
        "set": recovery_codes.set_of(user),
        "next": wanted_page(request),
        "conflict": status != HTTPStatus.OK,
    }
    return render(request, "accounts/recovery_codes.html", shown, status=status)


@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def verify_recovery(request: HttpRequest) -> HttpResponse:
    """Enter a recovery code, or learn what helps without one. 422 for a wrong code, 429 during a cool-off."""
    device = recovery_codes.set_of(user_of(request))
    at_sign_in = sign_in_of(request) is SignIn.HALF
    if at_sign_in and not devices_of(user_of(request)):
        # Recovery codes alone are no factor: the password leads to setting one up.
        return redirect(with_query("accounts:mfa-setup", next=wanted_page(request)))
    form = RecoveryCodeForm(request.POST if request.method == "POST" else None)
    status = status_of(form)
    if device is not None and form.is_valid():
        outcome = recovery_codes.verify(device=device, code=form.cleaned_data["code"], request=request)
        if outcome is Outcome.ACCEPTED:
            if at_sign_in:
                return redirect(with_query("accounts:recovery-used", next=wanted_page(request)))
            return redirect(after_sign_in(request))
        device.refresh_from_db()
        form.add_error("code", wrong_words(outcome, device))
    if request.method == "POST" and device is not None and (device.is_cooling_off() or device.is_off()):
        status = HTTPStatus.TOO_MANY_REQUESTS
    context = {"form": form, "device": device, "left": device.left() if device else 0, "at_sign_in": at_sign_in}
    return render(request, "accounts/verify_recovery.html", context | {"next": wanted_page(request)}, status=status)


@require_safe
def recovery_used(request: HttpRequest) -> HttpResponse:
    """Lead from a recovery code to a method that lasts."""
    device = recovery_codes.set_of(user_of(request))
    context = {"left": device.left() if device else 0, "next": wanted_page(request), "onward": after_sign_in(request)}
    return render(request, "accounts/recovery_used.html", context)
