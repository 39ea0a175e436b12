"""Username and password (S-05, S-14)."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.forms import SignInForm
from accounts.guards import SignIn, sign_in_of
from accounts.methods import devices_of
from accounts.models import PhoneDevice, Session, User
from accounts.models.sessions import EndReason
from accounts.navigation import after_sign_in, wanted_page, with_query
from accounts.services import codes, signing_in
from accounts.services.signing_in import Refused, Why

WRONG = (
    "That username and password don't match, or the account is locked. "
    "After 5 wrong tries, sign-in pauses for 15 minutes."
)
# Why somebody is back at sign-in: a title and a sentence.
PASSWORD_SET = "password_set"  # noqa: S105  # a reason, no password
NOTES: dict[str, tuple[str, str]] = {
    PASSWORD_SET: ("Your password is saved", "Sign in with it now."),
    EndReason.IDLE: (
        "You were signed out",
        "Nothing was done for a while. Sign in to go on where you were; what you typed is kept in this browser tab.",
    ),
    EndReason.ABSOLUTE: ("You were signed out", "You were signed in for 12 hours. Sign in to go on where you were."),
    EndReason.CODE_WAIT: ("The time for a code ran out", "Enter your password again; we wait 10 minutes for a code."),
    EndReason.SIGNED_OUT: ("You are signed out", "On a computer that others use, close all browser windows too."),
    EndReason.REPLACED: ("You were signed out", "Somebody signed in again in this browser."),
    EndReason.FACTOR_GONE: ("You were signed out", "The sign-in method that you used was removed. Sign in again."),
    EndReason.EVERYWHERE: ("You were signed out", "Every session of this account was ended. Sign in again."),
    EndReason.LOCKED: ("You were signed out", "Sign in again, or call web support if you can't."),
}


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in page. Known and unknown usernames get the same answers; a refusal is 422, a pause 429."""
    if sign_in_of(request) is SignIn.FULL:
        return redirect(after_sign_in(request))
    form = SignInForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        found = signing_in.check_password(request=request, **form.cleaned_data)
        session = signing_in.begin_session(request, found) if isinstance(found, User) else None
        if isinstance(found, User) and session is not None:
            return redirect(_next_step(request, found, session))
        if isinstance(found, Refused) and found.why is not Why.WRONG:
            return _paused(request, found)
        form.add_error(None, WRONG)
    why = request.GET.get("why", "")
    return render(
        request,
        "accounts/sign_in.html",
        {
            "form": form,
            "next": wanted_page(request),
            "note": NOTES.get(why),
            "interrupted": why in {EndReason.IDLE, EndReason.ABSOLUTE},
        },
        status=HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK,
    )


def _next_step(request: HttpRequest, user: User, session: Session) -> str:
    """Where the right password leads: to the page wanted, to the code, or to setting up a first method. A code by text
    is asked for at once, so that it is on its way when the page opens."""
    if session.trusted_device is not None:
        return after_sign_in(request)
    wanted = wanted_page(request)
    devices = devices_of(user)
    if not devices:
        return with_query("accounts:mfa-setup", next=wanted)
    first = devices[0]
    if isinstance(first, PhoneDevice):
        codes.request_code(device=first, request=request)
    return with_query("accounts:verify-device", first.public_id, next=wanted)


def _paused(request: HttpRequest, refused: Refused) -> HttpResponse:
    """Cooling off, with a countdown (S-14)."""
    response = render(
        request,
        "accounts/paused.html",
        {
            "until": refused.until,
            "why": refused.why,
            "again": with_query("accounts:sign-in", next=wanted_page(request)),
        },
        status=HTTPStatus.TOO_MANY_REQUESTS,
    )
    if refused.until is not None:
        response["Retry-After"] = str(signing_in.seconds_until(refused.until))
    return response
