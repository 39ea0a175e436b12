"""Forgotten passwords and usernames (S-11, S-12). No page here says whether an account exists."""

from __future__ import annotations

import datetime as dt
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts.forms import ForgotPasswordForm, IdentityForm, NewPasswordForm, ResetCodeForm
from accounts.navigation import with_query
from accounts.services import links, resets, signing_in, usernames
from accounts.services.asking import Refused
from accounts.services.resets import Typed
from accounts.views.links import gone, too_many
from accounts.views.sign_in import PASSWORD_SET

PASSWORD, USERNAME = "password", "username"
CODE_OVER = "That code doesn’t work, or no longer works. Use the link in our latest email, or ask for a new code."


@require_http_methods(["GET", "HEAD", "POST"])
def forgot_password(request: HttpRequest) -> HttpResponse:
    """Ask for a link and a code by mail. The answer is the same whether there is such an account."""
    form = ForgotPasswordForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        asked = resets.ask(request=request, typed=form.cleaned_data["username"])
        if isinstance(asked, Refused):
            return refused(request, asked.until, what=PASSWORD)
        response = redirect("accounts:reset-code")
        resets.remember(response=response, reset=asked)
        return response
    return render(request, "accounts/forgot_password.html", {"form": form}, status=status_of(form))


@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def reset_code(request: HttpRequest) -> HttpResponse:
    """Say that a mail is on its way, and take its code. 422 for a wrong one, 429 when no more are judged."""
    if not resets.is_remembered(request=request):
        return redirect("accounts:forgot-password")
    form = ResetCodeForm(request.POST if request.method == "POST" else None)
    status = status_of(form)
    if form.is_valid():
        outcome, left = resets.judge_code(request=request, code=form.cleaned_data["code"])
        if outcome is Typed.RIGHT:
            return redirect("accounts:reset")
        form.add_error("code", CODE_OVER if outcome is Typed.OVER else _wrong(left))
        status = HTTPStatus.TOO_MANY_REQUESTS if outcome is Typed.OVER else status
    return render(request, "accounts/reset_code.html", {"form": form}, status=status)


def _wrong(left: int) -> str:
    return f"Incorrect code. You have {left} {'attempt' if left == 1 else 'attempts'} left with this code."


@sensitive_post_parameters("new_password1", "new_password2")
@require_http_methods(["GET", "HEAD", "POST"])
def reset(request: HttpRequest) -> HttpResponse:
    """Choose another password with a reset link or its code. 410 if the link no longer works."""
    if not links.may_open(request=request):
        return too_many(request)
    link = resets.held(request=request)
    if link is None:
        return gone(request)
    form = NewPasswordForm(link.user, request.POST if request.method == "POST" else None)
    if form.is_valid():
        if not resets.reset(request=request, link=link, password=form.cleaned_data["new_password1"]):
            return gone(request)
        response = redirect(with_query("accounts:sign-in", why=PASSWORD_SET))
        resets.forget(response=response)
        return response
    context = {"form": form, "username": link.user.username}
    return render(request, "accounts/reset.html", context, status=status_of(form))


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def forgot_username(request: HttpRequest) -> HttpResponse:
    """Ask for a username by policy number and identity. It's mailed and never shown, and everyone gets one answer."""
    form = IdentityForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        typed = form.cleaned_data
        asked = usernames.ask(
            request=request,
            policy_number=typed["policy_number"],
            full_name=typed["full_name"],
            birth=typed["date_of_birth"],
            zip_code=typed["zip"],
        )
        if isinstance(asked, Refused):
            return refused(request, asked.until, what=USERNAME)
        return redirect("accounts:username-sent")
    return render(request, "accounts/forgot_username.html", {"form": form}, status=status_of(form))


@require_safe
def username_sent(request: HttpRequest) -> HttpResponse:
    """Say that a mail is on its way, if an account was found."""
    return render(request, "accounts/username_sent.html")


def refused(request: HttpRequest, until: dt.datetime | None, *, what: str) -> HttpResponse:
    """Show until when no more requests are taken."""
    response = render(
        request, "accounts/asked_too_often.html", {"until": until, "what": what}, status=HTTPStatus.TOO_MANY_REQUESTS
    )
    if until is not None:
        response["Retry-After"] = str(signing_in.seconds_until(until))
    return response


def status_of(form: Any) -> int:
    """Return 422 for a form that was refused."""
    return HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
