"""The invited colleague's way: from the mailed link to access, with an account or without one."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from django.contrib import messages
from django.db import transaction
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.decorators import step_up_required
from accounts.forms import JoinForm
from accounts.guards import SignIn, sign_in_of, user_of
from accounts.navigation import with_query
from accounts.services import joining, links
from policies.delegates import giving
from policies.delegates.giving import GoneError, MayNotGiveError
from policies.delegates.people import in_words

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_safe
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    """Move the token out of the URL. Nothing else changes, because mail scanners open links too."""
    if not links.may_open(request=request):
        return _gone(request, many=True)
    giving.hold(request=request, token=token)
    response = redirect("policies:invitation")
    response["Referrer-Policy"] = "no-referrer"
    return response


@require_safe
def invitation(request: HttpRequest) -> HttpResponse:
    """Show who invites, for which party, and to what; and the ways to accept. 410 if the link no longer works."""
    if not links.may_open(request=request):
        return _gone(request, many=True)
    found = giving.held(request=request)
    if found is None:
        return _gone(request)
    page = reverse("policies:invitation")
    context = {
        "invitation": found,
        "allows": in_words(found.capabilities),
        "signed_in": sign_in_of(request) is SignIn.FULL,
        "sign_in": with_query("accounts:sign-in", next=page),
    }
    return render(request, "policies/access/invitation.html", context)


@require_POST
@step_up_required
def accept(request: HttpRequest) -> HttpResponse:
    """Accept with the account that is signed in, after a fresh code. 410 if the invitation is over."""
    found = giving.held(request=request)
    if found is None:
        return _gone(request)
    try:
        giving.accept(invitation=found, user=user_of(request))
    except GoneError:
        return _gone(request)
    except MayNotGiveError as refusal:
        messages.error(request, str(refusal))
        return redirect("policies:invitation")
    giving.let_go(request=request)
    messages.success(request, f"You have access to {found.party} now.")
    return redirect("home")


@sensitive_post_parameters("new_password1", "new_password2")
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest) -> HttpResponse:
    """Choose username and password, which makes an account and accepts; the second factor comes next, in the same
    visit. 410 if the link no longer works."""
    if not links.may_open(request=request):
        return _gone(request, many=True)
    found = giving.held(request=request)
    if found is None:
        return _gone(request)
    if sign_in_of(request) is SignIn.FULL:
        return redirect("policies:invitation")
    form = JoinForm(
        request.POST if request.method == "POST" else None,
        email=found.email,
        first_name=found.first_name,
        last_name=found.last_name,
        tried_by=found.public_id,
    )
    if form.is_valid():
        try:
            with transaction.atomic():
                user = joining.create_account(
                    username=form.cleaned_data["username"],
                    password=form.cleaned_data["new_password1"],
                    email=found.email,
                    first_name=found.first_name,
                    last_name=found.last_name,
                    reason="invitation",
                )
                giving.accept(invitation=found, user=user)
        except joining.UsernameTakenError:
            form.refuse_username()
        except GoneError:
            return _gone(request)
        else:
            giving.let_go(request=request)
            return redirect(joining.begin(request=request, user=user))
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "policies/access/join.html", {"form": form, "invitation": found}, status=status)


def _gone(request: HttpRequest, *, many: bool = False) -> HttpResponse:
    status = HTTPStatus.TOO_MANY_REQUESTS if many else HTTPStatus.GONE
    response = render(request, "policies/access/gone.html", {"many": many}, status=status)
    response["Referrer-Policy"] = "no-referrer"
    if many:
        response["Retry-After"] = "60"
    return response
