"""Entering a code, at sign-in and for pages that require a fresh one."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.decorators import keeps_no_session_alive
from accounts.forms import VerifyForm
from accounts.guards import SignIn, session_of, sign_in_of, user_of
from accounts.methods import devices_of, first_of, method_of
from accounts.models import CodeDevice, Outcome, Passkey, PhoneDevice
from accounts.navigation import after_sign_in, wanted_page, with_query
from accounts.pages.methods import ways_of
from accounts.services import codes, enrollment, remembering
from accounts.services.codes import NotNow, Reason
from accounts.views.phone_check import after_code
from accounts.views.phones import sent_code
from accounts.views.words import refused_words, wrong_words


def _device(request: HttpRequest, public_id: str) -> CodeDevice:
    """Return one of the user's methods. Raises Http404 for any other."""
    for device in devices_of(user_of(request)):
        if device.public_id == public_id:
            return device
    raise Http404


def _phone(request: HttpRequest, public_id: str) -> PhoneDevice:
    """Return one of the user's phones, or the one in setup. Raises Http404 for any other."""
    if enrollment.may_enroll(request=request):
        pending = PhoneDevice.objects.in_set_up(session_of(request)).first()
        if pending is not None and pending.public_id == public_id:
            return pending
    device = _device(request, public_id)
    if not isinstance(device, PhoneDevice):
        raise Http404
    return device


@require_safe
def verify(request: HttpRequest) -> HttpResponse:
    """Redirect to the method to ask for first, or to setup if there's none."""
    devices = devices_of(user_of(request))
    query = {"next": wanted_page(request), "why": request.GET.get("why", "")}
    if not devices:
        return redirect(with_query("accounts:mfa-setup", **query))
    first = first_of(devices, session_of(request))
    return redirect(method_of(first).address(first, **query))


@require_safe
def verify_ways(request: HttpRequest) -> HttpResponse:
    """Choose another method."""
    ways = ways_of(user_of(request), next=wanted_page(request))
    if not ways:
        return redirect(with_query("accounts:mfa-setup", next=wanted_page(request)))
    return render(request, "accounts/verify_ways.html", {"ways": ways, "next": wanted_page(request)})


@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def verify_device(request: HttpRequest, public_id: str) -> HttpResponse:
    """Enter a code of one method. 422 for a wrong code, 429 during a cool-off."""
    device = _device(request, public_id)
    if isinstance(device, Passkey):
        return redirect(with_query("accounts:verify-passkey", next=wanted_page(request)))
    at_sign_in = sign_in_of(request) is SignIn.HALF
    form = VerifyForm(
        request.POST if request.method == "POST" else None, offer_remember=at_sign_in, digits=device.digits
    )
    status = HTTPStatus.OK
    if form.is_bound:
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    if form.is_valid():
        outcome = codes.verify(device=device, code=form.cleaned_data["code"], request=request)
        if outcome is Outcome.ACCEPTED:
            response = redirect(after_code(request) if at_sign_in else after_sign_in(request))
            if form.cleaned_data.get("remember"):
                remembering.remember(request=request, response=response, user=user_of(request))
            return response
        device.refresh_from_db()
        form.add_error("code", wrong_words(outcome, device))
    return _show(request, device, form, status=status)


def _show(
    request: HttpRequest, device: CodeDevice, form: VerifyForm, *, status: int, refusal: str = ""
) -> HttpResponse:
    """Show the page of one method, in its present state."""
    if request.method == "POST" and (device.is_cooling_off() or device.is_off()):
        status = HTTPStatus.TOO_MANY_REQUESTS
    context: dict[str, Any] = {
        "device": device,
        "method": method_of(device),
        "action": method_of(device).get_verbose_action(device),
        "form": form,
        "next": wanted_page(request),
        "other_ways": len(devices_of(user_of(request))) > 1,
        "at_sign_in": sign_in_of(request) is SignIn.HALF,
        "interrupted": request.GET.get("why") == "step_up",
        "refusal": refusal,
    }
    if isinstance(device, PhoneDevice):
        context |= sent_code(request, device)
        nobody_gets_one = None if context["challenge"] else codes.stopped(device)
        if nobody_gets_one is not None:
            context |= {"stopped": True, "refusal": refused_words(nobody_gets_one, device)}
    return render(request, "accounts/verify_device.html", context, status=status)


@require_POST
def send_code(request: HttpRequest, public_id: str) -> HttpResponse:
    """Request a code by text or call. 429 if a limit refuses it; the page says until when."""
    device = _phone(request, public_id)
    result = codes.request_code(device=device, request=request)
    if not isinstance(result, NotNow):
        if device.confirmed:
            return redirect(with_query("accounts:verify-device", device.public_id, next=wanted_page(request)))
        return redirect(with_query("accounts:mfa-setup-code", next=wanted_page(request)))
    device.refresh_from_db()
    if device.confirmed:
        form = VerifyForm(offer_remember=sign_in_of(request) is SignIn.HALF, digits=device.digits)
        refusal = "" if result.reason in {Reason.COOLING_OFF, Reason.OFF} else refused_words(result, device)
        return _show(request, device, form, status=HTTPStatus.TOO_MANY_REQUESTS, refusal=refusal)
    from accounts.views.setup import show_setup_code

    words = refused_words(result, device)
    return show_setup_code(request, device, status=HTTPStatus.TOO_MANY_REQUESTS, refusal=words)


@require_safe
@keeps_no_session_alive
def code_status(request: HttpRequest, public_id: str) -> HttpResponse:
    """Return the delivery status, which the page polls."""
    device = _phone(request, public_id)
    return render(
        request,
        "accounts/_delivery.html",
        sent_code(request, device)
        | {
            "other_ways": device.confirmed and len(devices_of(user_of(request))) > 1,
            "next": wanted_page(request),
        },
    )
