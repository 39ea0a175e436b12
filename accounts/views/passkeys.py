"""Setting up a passkey, and using one at sign-in or for a page that requires a fresh code.

A script asks for options, has the browser make or sign something, and sends the page's form with the answer
(js/passkey.js). What a browser can't do, or its user didn't want, never gets here; the script says it in plain words.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.decorators import step_up_required
from accounts.forms import NewPasskeyForm, PasskeySignInForm
from accounts.guards import SignIn, sign_in_of, user_of
from accounts.methods import devices_of, first_of
from accounts.models import CodeDevice, Outcome, Passkey
from accounts.navigation import after_sign_in, wanted_page, with_query
from accounts.services import passkeys, remembering
from accounts.services.passkeys import NoPasskeyError, NotAddedError, TooOftenError
from accounts.services.remembering import describe_agent
from accounts.views.phone_check import after_code
from accounts.views.words import passkey_words
from core.clients import user_agent

TOO_OFTEN = "You’ve tried this too many times. Wait ten minutes, or use a different method."
NONE_LEFT = "You have no passkey that works. Use a different method."


@require_http_methods(["GET", "HEAD", "POST"])
@step_up_required
def mfa_setup_passkey(request: HttpRequest) -> HttpResponse:
    """Create a passkey on this device, or on one that the browser reaches."""
    if request.method != "POST" and not passkeys.may_add(user_of(request)):
        return redirect(with_query("accounts:mfa-setup", next=wanted_page(request)))
    suggested = {"name": describe_agent(user_agent(request))}
    form = NewPasskeyForm(request.POST if request.method == "POST" else None, initial=suggested)
    if form.is_valid():
        try:
            passkeys.add(request=request, answer=form.cleaned_data["answer"], name=form.cleaned_data["name"])
        except NotAddedError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Your passkey is ready. You can use it the next time you sign in.")
            return redirect(wanted_page(request) or "accounts:methods")
    return render(
        request,
        "accounts/setup_passkey.html",
        {"form": form, "next": wanted_page(request), **_address(request, "accounts:mfa-setup-passkey")},
        status=HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK,
    )


@require_POST
@step_up_required
def mfa_setup_passkey_options(request: HttpRequest) -> HttpResponse:
    """Return what the browser needs to create a passkey. 429 past the limit."""
    try:
        return JsonResponse(passkeys.creation_options(request=request))
    except TooOftenError:
        return JsonResponse({"error": TOO_OFTEN}, status=HTTPStatus.TOO_MANY_REQUESTS)


@require_http_methods(["GET", "HEAD", "POST"])
def verify_passkey(request: HttpRequest) -> HttpResponse:
    """Use any of the user's passkeys. 422 for an answer that doesn't fit, 429 during a cool-off."""
    devices = devices_of(user_of(request))
    own: list[CodeDevice] = [device for device in devices if isinstance(device, Passkey)]
    if not own:
        return redirect(with_query("accounts:verify", next=wanted_page(request)))
    at_sign_in = sign_in_of(request) is SignIn.HALF
    form = PasskeySignInForm(request.POST if request.method == "POST" else None, offer_remember=at_sign_in)
    device = first_of(own)
    if form.is_valid():
        used = passkeys.passkey_of(user=user_of(request), answer=form.cleaned_data["answer"]) or device
        outcome = passkeys.verify(request=request, passkey=used, answer=form.cleaned_data["answer"])
        if outcome is Outcome.ACCEPTED:
            response = redirect(after_code(request) if at_sign_in else after_sign_in(request))
            if form.cleaned_data.get("remember"):
                remembering.remember(request=request, response=response, user=user_of(request))
            return response
        used.refresh_from_db()
        form.add_error(None, passkey_words(outcome, used))
        own = [used if each == used else each for each in own]
        device = first_of(own)
    return render(
        request, "accounts/verify_passkey.html", _shown(request, device, devices, form), status=_status(form, device)
    )


def _status(form: PasskeySignInForm, device: CodeDevice) -> int:
    if not form.is_bound:
        return HTTPStatus.OK
    refused = device.is_cooling_off() or device.is_off()
    return HTTPStatus.TOO_MANY_REQUESTS if refused else HTTPStatus.UNPROCESSABLE_ENTITY


def _shown(
    request: HttpRequest, device: CodeDevice, devices: list[CodeDevice], form: PasskeySignInForm
) -> dict[str, Any]:
    return {
        "device": device,
        "form": form,
        "next": wanted_page(request),
        "other_ways": any(not isinstance(each, Passkey) for each in devices),
        "at_sign_in": sign_in_of(request) is SignIn.HALF,
        "interrupted": request.GET.get("why") == "step_up",
        **_address(request, "accounts:verify-passkey"),
    }


@require_POST
def verify_passkey_options(request: HttpRequest) -> HttpResponse:
    """Return what the browser needs to sign with one of the user's passkeys. 409 without one, 429 past the limit."""
    try:
        return JsonResponse(passkeys.request_options(request=request))
    except NoPasskeyError:
        return JsonResponse({"error": NONE_LEFT}, status=HTTPStatus.CONFLICT)
    except TooOftenError:
        return JsonResponse({"error": TOO_OFTEN}, status=HTTPStatus.TOO_MANY_REQUESTS)


def _address(request: HttpRequest, name: str) -> dict[str, Any]:
    """Return whether passkeys work at the address that the page was opened at, and where they do."""
    return {
        "works_here": passkeys.works_at(request),
        "portal": settings.OTP_WEBAUTHN_ALLOWED_ORIGINS[0],
        "works_there": settings.OTP_WEBAUTHN_ALLOWED_ORIGINS[0] + reverse(name),
    }
