"""Pages of emailed links."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts.forms import NewPasswordForm
from accounts.models import Purpose
from accounts.navigation import with_query
from accounts.services import links
from accounts.views.sign_in import PASSWORD_SET


@require_safe
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    """Move the token out of the URL and redirect to the page of the link. Nothing else changes, because mail scanners
    open links too."""
    if not links.may_open(request=request):
        return too_many(request)
    response = redirect(links.hold(request=request, token=token))
    response["Referrer-Policy"] = "no-referrer"
    return response


@sensitive_post_parameters("new_password1", "new_password2")
@require_http_methods(["GET", "HEAD", "POST"])
def activate(request: HttpRequest) -> HttpResponse:
    """Choose a password with an activation link. 410 if the link no longer works."""
    if not links.may_open(request=request):
        return too_many(request)
    link = links.held(request=request, purpose=Purpose.ACTIVATION)
    if link is None:
        return gone(request)
    form = NewPasswordForm(link.user, request.POST if request.method == "POST" else None)
    if form.is_valid():
        if not links.activate(request=request, link=link, password=form.cleaned_data["new_password1"]):
            return gone(request)
        return redirect(with_query("accounts:sign-in", why=PASSWORD_SET))
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "accounts/activate.html", {"form": form, "username": link.user.username}, status=status)


def gone(request: HttpRequest) -> HttpResponse:
    """Say that a link no longer works."""
    return render(request, "accounts/link_gone.html", {"many": False}, status=HTTPStatus.GONE)


def too_many(request: HttpRequest) -> HttpResponse:
    """Say that too many links were opened from this network."""
    response = render(request, "accounts/link_gone.html", {"many": True}, status=HTTPStatus.TOO_MANY_REQUESTS)
    response["Retry-After"] = "60"
    response["Referrer-Policy"] = "no-referrer"
    return response
