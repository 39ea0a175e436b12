"""Preferences: a page that shows what the account has, and one small page for each change (S-13)."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import paperless
from accounts.decorators import step_up_required
from accounts.forms.preferences import (
    AddressForm,
    ChangePasswordForm,
    ContactPhoneForm,
    EmailForm,
    LanguageForm,
    NameForm,
    NoticesForm,
    PaperlessForm,
    TimeZoneForm,
    UsernameForm,
    zone_name,
)
from accounts.guards import user_of
from accounts.models import Notice, Paperless
from accounts.services import consents, details, email_change, password_change, renaming
from core.states import STATES
from core.templatetags.show import clock
from core.urls import address_of

if TYPE_CHECKING:
    from django import forms
    from django.http import HttpRequest, HttpResponse

HUB = "accounts:preferences"
TOO_MANY_MAILS = "We’ve sent too many emails for now. Try again after {until}."
TAKEN = "This username isn’t available. Choose another one."


@dataclass(frozen=True, slots=True)
class Page:
    """What the page of one change is called, and what its button says."""

    title: str
    button: str
    intro: str = ""

    @property
    def crumbs(self) -> list[tuple[str, str]]:
        """The way back."""
        return [("Preferences", address_of(HUB))]


@require_safe
def preferences(request: HttpRequest) -> HttpResponse:
    """Show each fact of the account, with the way to change it."""
    user = user_of(request)
    given = consents.given_by(user)
    context = {
        "pending": email_change.pending_of(user),
        "address": _address_lines(user),
        "zone": zone_name(user.time_zone),
        "papers": [Paperless(category).label for category in Paperless.values if category in given],
        "notices": [notice.label for notice in Notice if user.wants(notice)],
    }
    return render(request, "accounts/preferences.html", context)


def _address_lines(user: Any) -> list[str]:
    place = f"{user.city}, {STATES.get(user.state, user.state)} {user.zip}".strip(", ")
    return [line for line in (user.address1, user.address2, place) if line]


@require_http_methods(["GET", "HEAD", "POST"])
def change_name(request: HttpRequest) -> HttpResponse:
    """Change the name."""
    form = NameForm(_sent(request), initial=_present(request, details.NAME))
    if form.is_valid():
        return _saved(
            request, details.change_name(request=request, **form.cleaned_data), "Your name is saved.", mailed=True
        )
    return _ask(
        request,
        form,
        Page(
            "Change your name", "Save name", "Your certificates show your name as it is on your policy, not this one."
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def change_address(request: HttpRequest) -> HttpResponse:
    """Change the mailing address."""
    form = AddressForm(_sent(request), initial=_present(request, details.ADDRESS))
    if form.is_valid():
        changed = details.change_address(request=request, **form.cleaned_data)
        return _saved(request, changed, "Your mailing address is saved.", mailed=True)
    return _ask(
        request,
        form,
        Page(
            "Change your mailing address",
            "Save address",
            "We mail documents here. This doesn’t change a practice address on your policy.",
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@step_up_required
def change_phone(request: HttpRequest) -> HttpResponse:
    """Change the phone number at which we call the owner."""
    form = ContactPhoneForm(_sent(request), initial=_present(request, details.PHONE))
    if form.is_valid():
        changed = details.change_phone(request=request, **form.cleaned_data)
        return _saved(request, changed, "Your phone number is saved.", mailed=True)
    return _ask(
        request,
        form,
        Page(
            "Change your phone number",
            "Save phone number",
            "We call you at this number. Phones that get your sign-in codes are under Sign-in methods.",
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@step_up_required
def change_email(request: HttpRequest) -> HttpResponse:
    """Enter a new email, and get a link there."""
    user = user_of(request)
    form = EmailForm(_sent(request), user=user)
    status = HTTPStatus.OK
    if form.is_valid():
        email = form.cleaned_data["email"]
        allowed = email_change.may_ask(user=user, email=email)
        if allowed.allowed:
            email_change.ask(user=user, email=email)
            return redirect(HUB)
        form.add_error("email", TOO_MANY_MAILS.format(until=clock(allowed.retry_at)))
        status = HTTPStatus.TOO_MANY_REQUESTS
    return _ask(request, form, Page("Change your email", "Send the link"), status=status)


@require_POST
@step_up_required
def resend_email(request: HttpRequest) -> HttpResponse:
    """Send another link to the email that waits to be confirmed; or the first one, to a present email that isn't."""
    user = user_of(request)
    waiting = email_change.pending_of(user)
    email = waiting.email if waiting else user.email
    if not email or (waiting is None and user.email_confirmed_at is not None):
        return redirect(HUB)
    allowed = email_change.may_ask(user=user, email=email)
    if not allowed.allowed:
        messages.warning(request, TOO_MANY_MAILS.format(until=clock(allowed.retry_at)))
    elif waiting is None or not email_change.resend(user=user):
        email_change.ask(user=user, email=email)
    return redirect(HUB)


@require_POST
def cancel_email(request: HttpRequest) -> HttpResponse:
    """Give up the email that waits to be confirmed."""
    if email_change.cancel(user=user_of(request)):
        messages.success(request, "Your email stays as it is.")
    return redirect(HUB)


@require_http_methods(["GET", "HEAD", "POST"])
@step_up_required
def change_username(request: HttpRequest) -> HttpResponse:
    """Choose another username."""
    user = user_of(request)
    form = UsernameForm(_sent(request), user=user, initial={"username": user.username})
    status = None
    if form.is_valid():
        refusal, status = _take_username(request, form.cleaned_data["username"])
        if refusal is None:
            return redirect(HUB)
        form.add_error("username", refusal)
    return _ask(
        request,
        form,
        Page("Change your username", "Save username", "You’ll sign in with it from now on."),
        status=status,
    )


def _take_username(request: HttpRequest, username: str) -> tuple[str | None, int]:
    """Change the username, or return why not. How often 'taken' is answered is limited: it says that an account
    exists."""
    user = user_of(request)
    if username == user.username:
        return None, HTTPStatus.OK
    tried = renaming.TRIES.hit(user.public_id)
    if not tried.allowed:
        return (
            f"You’ve tried too many usernames. Try again after {clock(tried.retry_at)}.",
            HTTPStatus.TOO_MANY_REQUESTS,
        )
    counted = renaming.CHANGES.hit(user.public_id)
    if not counted.allowed:
        return "You’ve changed your username 3 times today. Try again tomorrow.", HTTPStatus.TOO_MANY_REQUESTS
    try:
        renaming.change_username(request=request, username=username)
    except renaming.TakenError:
        renaming.CHANGES.give_back(user.public_id)
        return TAKEN, HTTPStatus.UNPROCESSABLE_ENTITY
    messages.success(request, f"Your username is {username} now. {MAILED}")
    return None, HTTPStatus.OK


@sensitive_post_parameters("current_password", "new_password1", "new_password2")
@require_http_methods(["GET", "HEAD", "POST"])
@step_up_required
def change_password(request: HttpRequest) -> HttpResponse:
    """Choose a new password."""
    form = ChangePasswordForm(user_of(request), _sent(request))
    if form.is_valid():
        password_change.change_password(request=request, password=form.cleaned_data["new_password1"])
        messages.success(request, f"Your password is changed, and all other devices are signed out. {MAILED}")
        return redirect(HUB)
    status = HTTPStatus.TOO_MANY_REQUESTS if form.wrong is not None and form.wrong.until else None
    return _ask(
        request, form, Page("Change your password", "Save password"), "accounts/preferences_password.html", status
    )


@require_http_methods(["GET", "HEAD", "POST"])
def choose_time_zone(request: HttpRequest) -> HttpResponse:
    """Choose the time zone."""
    form = TimeZoneForm(_sent(request), initial=_present(request, ["time_zone"]))
    return _choose(
        request,
        form,
        Page(
            "Change your time zone",
            "Save time zone",
            "Times on pages are shown in this zone. Coverage dates never depend on it.",
        ),
        "Your time zone is saved.",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def choose_language(request: HttpRequest) -> HttpResponse:
    """Choose the language."""
    form = LanguageForm(_sent(request), initial=_present(request, ["language"]))
    return _choose(
        request,
        form,
        Page(
            "Change your language",
            "Save language",
            "Our pages are in English for now. We use your choice where we can, such as when we call you.",
        ),
        "Your language is saved.",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def choose_notices(request: HttpRequest) -> HttpResponse:
    """Choose the emails wanted."""
    form = NoticesForm(_sent(request), initial=_present(request, ["notices"]))
    return _choose(
        request,
        form,
        Page("Choose your emails", "Save choices", "Emails about the security of your account always come."),
        "Your choices are saved.",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def choose_paperless(request: HttpRequest) -> HttpResponse:
    """Agree to get documents electronically, or withdraw that."""
    user = user_of(request)
    form = PaperlessForm(_sent(request), given=consents.given_by(user))
    if form.is_valid():
        try:
            acts = consents.choose(request=request, **form.cleaned_data)
        except consents.NotAgreedError:
            form.ask_to_agree()
        except consents.EmailNotConfirmedError:
            form.add_error("categories", "Confirm your email first: we announce documents there.")
        else:
            return _saved(request, bool(acts), "Your choice is saved.")
    context: dict[str, Any] = {"text": paperless.consent_text(), "acts": user.delivery_consents.all()[:20]}
    page = Page("Choose paperless delivery", "Save choices")
    return _ask(request, form, page, "accounts/preferences_paperless.html", **context)


MAILED = "We sent a confirmation by email."


def _sent(request: HttpRequest) -> Any:
    return request.POST if request.method == "POST" else None


def _present(request: HttpRequest, names: Any) -> dict[str, Any]:
    return {name: getattr(user_of(request), name) for name in names}


def _choose(request: HttpRequest, form: forms.Form, page: Page, words: str) -> HttpResponse:
    if form.is_valid():
        details.choose(user=user_of(request), **form.cleaned_data)
        return _saved(request, True, words)
    return _ask(request, form, page)


def _saved(request: HttpRequest, changed: bool, words: str, *, mailed: bool = False) -> HttpResponse:
    if changed:
        messages.success(request, f"{words} {MAILED}" if mailed and user_of(request).email else words)
    return redirect(HUB)


def _ask(
    request: HttpRequest,
    form: forms.Form,
    page: Page,
    template: str = "accounts/preferences_change.html",
    status: int | None = None,
    **context: Any,
) -> HttpResponse:
    status = status or HTTPStatus.OK
    if form.is_bound and status == HTTPStatus.OK:
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    return render(request, template, {"form": form, "page": page, **context}, status=status)
