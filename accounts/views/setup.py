"""Setting up a second factor (S-09): choose a method, then set up the app, or enter the phone number and its code."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, Concatenate, ParamSpec

import segno
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts.decorators import step_up_required
from accounts.forms import CallForm, CodeForm, MethodForm, PhoneForm
from accounts.guards import SignIn, session_of, sign_in_of, user_of
from accounts.methods import devices_of
from accounts.models import AuthenticatorDevice, Channel, CodeDevice, Outcome, Passkey, PhoneDevice
from accounts.navigation import after_sign_in, wanted_page, with_query
from accounts.services import codes, enrollment
from accounts.services.codes import NotNow
from accounts.services.enrollment import MayNotEnrollError
from accounts.views.phones import sent_code
from accounts.views.words import refused_words, wrong_words

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
# Where the number of a phone is entered.
PHONE_PAGES: dict[str, str] = {Channel.TEXT: "accounts:mfa-setup-text", Channel.VOICE: "accounts:mfa-setup-call"}
# Where a method is set up that doesn't begin with the choice itself.
SETUP_PAGES = PHONE_PAGES | {Passkey.METHOD: "accounts:mfa-setup-passkey"}


def enrollment_only(view: View[P]) -> View[P]:
    """Allow users at their first sign-in, and users with a fresh code. A password alone never adds a method to an
    account that has one."""
    fresh_only = step_up_required(view)

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if sign_in_of(request) is SignIn.FULL:
            return fresh_only(request, *args, **kwargs)
        if not enrollment.may_enroll(request=request):
            return redirect(with_query("accounts:verify", next=wanted_page(request)))
        return view(request, *args, **kwargs)

    return guarded


@require_http_methods(["GET", "HEAD", "POST"])
@enrollment_only
def mfa_setup(request: HttpRequest) -> HttpResponse:
    """Choose a method."""
    first = sign_in_of(request) is SignIn.HALF
    form = MethodForm(request.POST if request.method == "POST" else None, first=first)
    wanted = wanted_page(request)
    if form.is_valid():
        if form.cleaned_data["method"] in SETUP_PAGES:
            return redirect(with_query(SETUP_PAGES[form.cleaned_data["method"]], next=wanted))
        enrollment.start_authenticator(request=request)
        return redirect(with_query("accounts:mfa-setup-authenticator", next=wanted))
    return render(
        request,
        "accounts/setup_choose.html",
        {"form": form, "next": wanted, "methods": form.methods, "first": first},
        status=_status(form),
    )


@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
@enrollment_only
def mfa_setup_authenticator(request: HttpRequest) -> HttpResponse:
    """Open the key in the app, scan it, or type it, then enter the first code."""
    device = AuthenticatorDevice.objects.in_set_up(session_of(request)).first()
    if device is None:
        return redirect(with_query("accounts:mfa-setup", next=wanted_page(request)))
    form = CodeForm(request.POST if request.method == "POST" else None)
    done = _confirm(request, device, form)
    if done is not None:
        return done
    address = device.provisioning_uri()
    drawing = segno.make(address, error="m").svg_inline(border=2, omitsize=True, svgclass=None, lineclass=None)
    return render(
        request,
        "accounts/setup_authenticator.html",
        {
            "device": device,
            "form": form,
            "next": wanted_page(request),
            # Drawn by segno from our own address; it holds nothing but paths.
            "drawing": mark_safe(drawing),  # noqa: S308
            "address": mark_safe(address.replace("&", "&amp;")),  # noqa: S308  # percent-encoded by pyotp
            "key": device.seed,
        },
        status=_status(form),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@enrollment_only
def mfa_setup_text(request: HttpRequest) -> HttpResponse:
    """Enter a mobile phone number, and text a code to it."""
    form = PhoneForm(request.POST if request.method == "POST" else None, user=user_of(request))
    return _start_phone(request, form) or render(
        request, "accounts/setup_text.html", {"form": form, "next": wanted_page(request)}, status=_status(form)
    )


@require_http_methods(["GET", "HEAD", "POST"])
@enrollment_only
def mfa_setup_call(request: HttpRequest) -> HttpResponse:
    """Enter the number and extension of any phone, and call it with a code."""
    form = CallForm(request.POST if request.method == "POST" else None, user=user_of(request))
    return _start_phone(request, form) or render(
        request, "accounts/setup_call.html", {"form": form, "next": wanted_page(request)}, status=_status(form)
    )


def _start_phone(request: HttpRequest, form: PhoneForm) -> HttpResponse | None:
    """Take the number and send it a code; None where the form has to be shown again."""
    if not form.is_valid():
        return None
    device = enrollment.start_phone(
        request=request,
        number=form.cleaned_data["phone"],
        channel=form.CHANNEL,
        extension=form.cleaned_data.get("extension", ""),
    )
    result = codes.request_code(device=device, request=request)
    if isinstance(result, NotNow):
        words = refused_words(result, device)
        return show_setup_code(request, device, status=HTTPStatus.TOO_MANY_REQUESTS, refusal=words)
    return redirect(with_query("accounts:mfa-setup-code", next=wanted_page(request)))


@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
@enrollment_only
def mfa_setup_code(request: HttpRequest) -> HttpResponse:
    """Enter the code we sent to confirm the phone."""
    device = PhoneDevice.objects.in_set_up(session_of(request)).first()
    if device is None:
        return redirect(with_query("accounts:mfa-setup", next=wanted_page(request)))
    form = CodeForm(request.POST if request.method == "POST" else None, digits=device.digits)
    done = _confirm(request, device, form)
    if done is not None:
        return done
    return show_setup_code(request, device, status=_status(form), form=form)


def show_setup_code(
    request: HttpRequest, device: PhoneDevice, *, status: int, form: CodeForm | None = None, refusal: str = ""
) -> HttpResponse:
    """Show the page for a phone's first code, in its present state."""
    if request.method == "POST" and (device.is_cooling_off() or device.is_off()):
        status = HTTPStatus.TOO_MANY_REQUESTS
    context = sent_code(request, device) | {
        "change": PHONE_PAGES[device.channel],
        "form": form or CodeForm(digits=device.digits),
        "next": wanted_page(request),
        "refusal": refusal,
    }
    return render(request, "accounts/setup_code.html", context, status=status)


@require_safe
def mfa_setup_done(request: HttpRequest) -> HttpResponse:
    """Say that a method is ready, and offer a backup."""
    return render(
        request,
        "accounts/setup_done.html",
        {
            "devices": devices_of(user_of(request)),
            "next": wanted_page(request),
            "onward": after_sign_in(request),
        },
    )


def _confirm(request: HttpRequest, device: CodeDevice, form: CodeForm) -> HttpResponse | None:
    """Judge the typed code. Return a redirect if that ends the setup, None to show the page again."""
    if not form.is_valid():
        return None
    try:
        outcome = enrollment.confirm(device=device, code=form.cleaned_data["code"], request=request)
    except MayNotEnrollError:
        return redirect(with_query("accounts:verify", next=wanted_page(request)))
    if outcome is Outcome.ACCEPTED:
        return redirect(with_query("accounts:mfa-setup-done", next=wanted_page(request)))
    device.refresh_from_db()
    form.add_error("code", wrong_words(outcome, device))
    return None


def _status(form: Any) -> int:
    return HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
