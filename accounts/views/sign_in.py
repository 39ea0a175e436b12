"""Username and password (S-05, S-14)."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.forms import SignInForm
from accounts.guards import SignIn, sign_in_of
from accounts.methods import devices_of, first_of, method_of
from accounts.models import PhoneDevice, Session, User
from accounts.models.sessions import EndReason
from accounts.navigation import after_sign_in, wanted_page, with_query
from accounts.services import codes, signing_in
from accounts.services.signing_in import Refused, Why

WRONG = (
    "Incorrect username or password, or your account is locked. "
    "After 5 failed attempts, sign-in is locked for 15 minutes."
)
REMOVED = "method_removed"
# Why the user is back at sign-in: a title and a sentence.
PASSWORD_SET = "password_set"  # noqa: S105  # a reason, no password
NOTES: dict[str, tuple[str, str]] = {
    "cleared": ("We cleared this site’s data", "Sign in to start over. If it fails again, call web support."),
    PASSWORD_SET: ("Your password is saved", "Sign in with your new password."),
    EndReason.IDLE: (
        "You were signed out",
        "You were inactive for a while. Sign in to pick up where you left off. What you typed is saved in this tab.",
    ),
    EndReason.ABSOLUTE: ("You were signed out", "For your security, sessions end after 12 hours. Sign in to continue."),
    EndReason.CODE_WAIT: (
        "Your code request timed out",
        "Codes must be entered within 10 minutes. Enter your password to get a new one.",
    ),
    EndReason.SIGNED_OUT: ("You’re signed out", "On a shared computer, close all browser windows too."),
    EndReason.REPLACED: ("You were signed out", "Someone else signed in using this browser."),
    EndReason.FACTOR_GONE: ("You were signed out", "The sign-in method you used was removed. Sign in again."),
    REMOVED: (
        "Your sign-in method was removed",
        "For your security, that signed you out everywhere. Sign in again with another method.",
    ),
    EndReason.EVERYWHERE: ("You were signed out", "All sessions of your account were ended. Sign in again."),
    EndReason.ELSEWHERE: ("You were signed out", "This session was ended from another browser. Sign in again."),
    EndReason.BY_STAFF: ("You were signed out", "Web support ended your sessions. Sign in again."),
    EndReason.LOCKED: ("You were signed out", "Sign in again, or call web support if you can’t."),
}


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Show and handle the sign-in form. Known and unknown usernames get the same answers: 422 when refused, 429 during
    a cool-off."""
    if sign_in_of(request) is SignIn.FULL:
        return redirect(after_sign_in(request))
    form = SignInForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        found = signing_in.check_password(request=request, **form.cleaned_data)
        session = signing_in.begin_session(request=request, user=found) if isinstance(found, User) else None
        if isinstance(found, User) and session is not None:
            return redirect(_next_step(request, found, session))
        if isinstance(found, Refused) and found.why is not Why.WRONG:
            return _refused(request, found)
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
    """Return the address after the right password: the requested page, the code, or the setup of a first method. A text
    code is requested here, so that it's on its way when the page opens."""
    if session.trusted_device is not None:
        return after_sign_in(request)
    wanted = wanted_page(request)
    devices = devices_of(user)
    if not devices:
        return with_query("accounts:mfa-setup", next=wanted)
    first = first_of(devices)
    if isinstance(first, PhoneDevice):
        codes.request_code(device=first, request=request)
    return str(method_of(first).address(first, next=wanted))


def _refused(request: HttpRequest, refused: Refused) -> HttpResponse:
    """Show until when sign-in is refused, with a countdown (S-14)."""
    response = render(
        request,
        "accounts/refused.html",
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
