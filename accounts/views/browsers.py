"""One's own open sessions and remembered devices: a page that lists them, and what one may do about each."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.forms.browsers import DeviceForm
from accounts.guards import session_of, user_of
from accounts.models.sessions import EndReason
from accounts.navigation import with_query
from accounts.pages.browsers import open_sessions, remembered_devices
from accounts.services import browsers, remembering

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_safe
def devices(request: HttpRequest) -> HttpResponse:
    """List open sessions and remembered devices."""
    user, session = user_of(request), session_of(request)
    own = remembering.own_device(request=request, user_id=user.pk)
    context = {
        "sessions": open_sessions(user, this=session),
        "devices": remembered_devices(user, this=own),
        "days": remembering.days(),
        "origin": settings.PUBLIC_URL,
    }
    return render(request, "accounts/devices.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def device_rename(request: HttpRequest, public_id: str) -> HttpResponse:
    """Give a remembered device another name."""
    user = user_of(request)
    device = get_object_or_404(user.trusted_devices.usable(), public_id=public_id)
    form = DeviceForm(request.POST if request.method == "POST" else None, initial={"label": device.label})
    if form.is_valid():
        browsers.rename(device=device, label=form.cleaned_data["label"], by=user)
        messages.success(request, "The name is saved.")
        return redirect("accounts:devices")
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "accounts/device_rename.html", {"form": form, "device": device}, status=status)


@require_POST
def device_revoke(request: HttpRequest, public_id: str) -> HttpResponse:
    """Ask one remembered device for a code again. One that is revoked already stays so."""
    user = user_of(request)
    device = get_object_or_404(user.trusted_devices, public_id=public_id)
    browsers.revoke(device=device, by=user)
    messages.success(request, f"{device.label} is asked for a code at the next sign-in.")
    return redirect("accounts:devices")


@require_POST
def devices_revoke(request: HttpRequest) -> HttpResponse:
    """Ask every remembered device for a code again."""
    user = user_of(request)
    browsers.revoke_all(user=user, by=user)
    messages.success(request, "No device is remembered now. Each is asked for a code at the next sign-in.")
    return redirect("accounts:devices")


@require_POST
def session_end(request: HttpRequest, public_id: str) -> HttpResponse:
    """End one session. One's own is a sign-out; one that has ended already stays so."""
    user = user_of(request)
    session = get_object_or_404(user.sessions, public_id=public_id)
    if session.pk == session_of(request).pk:
        return redirect("accounts:devices")
    browsers.end_session(session=session, by=user)
    messages.success(request, "The session has ended.")
    return redirect("accounts:devices")


@require_POST
def sessions_end_others(request: HttpRequest) -> HttpResponse:
    """End every session but this one."""
    browsers.end_others(user=user_of(request), keep=session_of(request))
    messages.success(request, "All other sessions have ended.")
    return redirect("accounts:devices")


@require_POST
def sign_out_everywhere(request: HttpRequest) -> HttpResponse:
    """End every session, this one too, and revoke every remembered device."""
    user = user_of(request)
    browsers.sign_out_everywhere(user=user, by=user)
    return redirect(with_query("accounts:sign-in", why=EndReason.EVERYWHERE))
