"""The owner looks at a reset of the second factors that staff asked for, and stops it."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.http import require_http_methods

from accounts.guards import user_of
from accounts.navigation import wanted_page
from accounts.services import factor_resets


@require_http_methods(["GET", "HEAD", "POST"])
def factor_reset(request: HttpRequest) -> HttpResponse:
    """Show the reset that is in its delay; a POST stops it. Being signed in is enough: it shows that a factor works."""
    user = user_of(request)
    onward = wanted_page(request) or resolve_url(settings.LOGIN_REDIRECT_URL)
    if request.method == "POST":
        if factor_resets.stop(user=user):
            messages.success(request, "Your sign-in methods stay as they are. Web support sees that you stopped it.")
        return redirect(onward)
    context = {"reset": factor_resets.pending(user), "onward": onward, "next": wanted_page(request)}
    return render(request, "accounts/factor_reset.html", context)
