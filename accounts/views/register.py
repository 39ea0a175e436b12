"""Creating an account (S-06): who someone is, then a link or a letter's code, then username and password."""

from __future__ import annotations

import datetime as dt
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts.forms import LetterCodeForm, RegisterForm
from accounts.guards import SignIn, sign_in_of
from accounts.navigation import after_sign_in
from accounts.services import joining, links, registering, signing_in
from accounts.services.joining import UsernameTakenError
from accounts.services.registering import NoLongerPossibleError, TooManyError


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """Ask for an account. What was typed is stored, and everyone gets the same answer: nothing is looked up here."""
    if sign_in_of(request) is SignIn.FULL:
        return redirect(after_sign_in(request))
    form = RegisterForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            registering.ask(request=request, **form.asked())
        except TooManyError as error:
            return _too_many(request, error.retry_at)
        return redirect("accounts:register-sent")
    return render(request, "accounts/register.html", {"form": form}, status=_status(form))


@require_safe
def register_sent(request: HttpRequest) -> HttpResponse:
    """Say what happens next, the same to everyone."""
    return render(request, "accounts/register_sent.html", {"hours": registering.link_hours()})


@require_safe
def register_open(request: HttpRequest, token: str) -> HttpResponse:
    """Move the token of an emailed link out of the URL. Nothing else changes, because mail scanners open links too."""
    if not links.may_open(request=request):
        return _too_many(request, timezone.now() + links.OPENINGS.window)
    registering.hold_token(request=request, token=token)
    response = redirect("accounts:register-finish")
    response["Referrer-Policy"] = "no-referrer"
    return response


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def register_code(request: HttpRequest) -> HttpResponse:
    """Enter the code of a letter."""
    form = LetterCodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            if registering.hold_code(request=request, code=form.cleaned_data["code"]):
                return redirect("accounts:register-finish")
        except TooManyError as error:
            return _too_many(request, error.retry_at)
        form.add_error("code", "This code doesn’t work. Check it against the letter, or call web support.")
    return render(request, "accounts/register_code.html", {"form": form}, status=_status(form))


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def register_finish(request: HttpRequest) -> HttpResponse:
    """Choose username and password with a link or a code, which makes the account and begins its first session. Only
    here may a username be called taken. 410 if the link or the code no longer works."""
    if not links.may_open(request=request):
        return _too_many(request, timezone.now() + links.OPENINGS.window)
    registration = registering.held(request=request)
    if registration is None:
        return _gone(request)
    form = registering.join_form(registration, request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            user = registering.finish(
                registration=registration,
                username=form.cleaned_data["username"],
                password=form.cleaned_data["new_password1"],
                email=form.cleaned_data.get("email", ""),
            )
        except UsernameTakenError:
            form.refuse_username()
        except NoLongerPossibleError:
            return _gone(request)
        else:
            return redirect(joining.begin(request=request, user=user))
    context = {"form": form, "email": registration.sent_to}
    return render(request, "accounts/register_finish.html", context, status=_status(form))


def _status(form: Any) -> int:
    return HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK


def _gone(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/register_gone.html", status=HTTPStatus.GONE)


def _too_many(request: HttpRequest, until: dt.datetime | None) -> HttpResponse:
    until = until or timezone.now()
    response = render(request, "accounts/register_limited.html", {"until": until}, status=HTTPStatus.TOO_MANY_REQUESTS)
    response["Retry-After"] = str(signing_in.seconds_until(until))
    response["Referrer-Policy"] = "no-referrer"
    return response
