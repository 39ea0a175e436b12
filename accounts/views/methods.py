"""The user's sign-in methods (S-09): the list, and renaming, choosing, changing, and removing one."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.decorators import step_up_required
from accounts.forms import CallForm, FirstMethodForm, PhoneForm, RenameForm
from accounts.guards import user_of
from accounts.methods import devices_of, may_go, method_of
from accounts.models import AuthenticatorDevice, Channel, CodeDevice, PhoneDevice
from accounts.navigation import wanted_page, with_query
from accounts.pages.methods import methods_page
from accounts.services import codes, enrollment, factors
from accounts.services.codes import NotNow
from accounts.services.factors import LastMethodError
from accounts.views.setup import show_setup_code
from accounts.views.sign_in import REMOVED
from accounts.views.words import refused_words

PHONE_FORMS: dict[Channel, type[PhoneForm]] = {Channel.TEXT: PhoneForm, Channel.VOICE: CallForm}


def own_device(request: HttpRequest, public_id: str) -> CodeDevice:
    """Return one of the user's methods. Raises Http404 for any other."""
    for device in devices_of(user_of(request)):
        if device.public_id == public_id:
            return device
    raise Http404


@require_safe
def methods(request: HttpRequest) -> HttpResponse:
    """Show what the user can sign in with."""
    return _show(request)


def _show(request: HttpRequest, form: FirstMethodForm | None = None) -> HttpResponse:
    user = user_of(request)
    page = methods_page(user)
    if form is None:
        form = FirstMethodForm(devices=page.devices, initial={"method": user.default_method})
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "accounts/methods.html", {"page": page, "form": form}, status=status)


@require_POST
@step_up_required
def choose_method(request: HttpRequest) -> HttpResponse:
    """Choose the method that sign-in asks for first."""
    user = user_of(request)
    form = FirstMethodForm(request.POST, devices=devices_of(user))
    if not form.is_valid():
        return _show(request, form)
    if factors.choose_first(user=user, public_id=form.cleaned_data["method"]):
        messages.success(request, "We’ll ask for that first when you sign in.")
    return redirect("accounts:methods")


@require_http_methods(["GET", "HEAD", "POST"])
@step_up_required
def rename_method(request: HttpRequest, public_id: str) -> HttpResponse:
    """Give a method another name."""
    device = own_device(request, public_id)
    form = RenameForm(request.POST if request.method == "POST" else None, initial={"name": device.name})
    if form.is_valid():
        factors.rename(device=device, name=form.cleaned_data["name"])
        return redirect("accounts:methods")
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "accounts/method_rename.html", {"device": device, "form": form}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@step_up_required
def remove_method(request: HttpRequest, public_id: str) -> HttpResponse:
    """Confirm, then remove a method. That ends every session, this one too."""
    device = own_device(request, public_id)
    if request.method == "POST":
        try:
            factors.remove(device=device)
        except LastMethodError:
            return _confirm_removal(request, device, status=HTTPStatus.CONFLICT)
        request.session.flush()
        request.user = AnonymousUser()
        return redirect(with_query("accounts:sign-in", why=REMOVED))
    return _confirm_removal(request, device, status=HTTPStatus.OK)


def _confirm_removal(request: HttpRequest, device: CodeDevice, *, status: int) -> HttpResponse:
    allowed = may_go(device, devices_of(user_of(request)))
    context = {"device": device, "method": method_of(device), "allowed": allowed}
    return render(request, "accounts/method_remove.html", context, status=status)


@require_POST
@step_up_required
def replace_authenticator(request: HttpRequest, public_id: str) -> HttpResponse:
    """Set up the authenticator app again, for example on a new phone. The former one works until the new one does."""
    device = own_device(request, public_id)
    if not isinstance(device, AuthenticatorDevice):
        raise Http404
    enrollment.start_authenticator(request=request, replaces=device)
    return redirect(with_query("accounts:mfa-setup-authenticator", next=reverse("accounts:methods")))


@require_http_methods(["GET", "HEAD", "POST"])
@step_up_required
def change_number(request: HttpRequest, public_id: str) -> HttpResponse:
    """Enter the new number of a phone. It takes the former one's place once its code was entered."""
    device = own_device(request, public_id)
    if not isinstance(device, PhoneDevice):
        raise Http404
    form_class = PHONE_FORMS[Channel(device.channel)]
    form = form_class(request.POST if request.method == "POST" else None, user=user_of(request), replaces=device)
    if form.is_valid():
        new = enrollment.start_phone(
            request=request,
            number=form.cleaned_data["phone"],
            channel=Channel(device.channel),
            extension=form.cleaned_data.get("extension", ""),
            replaces=device,
        )
        result = codes.request_code(device=new, request=request)
        if isinstance(result, NotNow):
            refusal = refused_words(result, new)
            return show_setup_code(request, new, status=HTTPStatus.TOO_MANY_REQUESTS, refusal=refusal)
        return redirect(with_query("accounts:mfa-setup-code", next=wanted_page(request) or reverse("accounts:methods")))
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    context = {"device": device, "form": form, "next": wanted_page(request)}
    return render(request, "accounts/method_phone.html", context, status=status)
