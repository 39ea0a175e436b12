"""Sending a certificate to its holder by email, and what became of it (S-36)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.guards import subject_of, user_of
from core import work
from core.mail import message
from credentialing.certificates import limits
from credentialing.models import Certificate, Delivery
from credentialing.sending import mailing, reports
from credentialing.sending.forms import SendForm
from credentialing.verification.views import unlisted
from policies.rights import require
from policies.roles import Capability

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from accounts.models import User


@require_http_methods(["GET", "HEAD", "POST"])
def send(request: HttpRequest, public_id: str) -> HttpResponse:
    """Ask for the holder's address, show what will go there, and send it.

    404 for an outsider, 403 without the right or for another party than the one that issued it, 422 for a form with
    errors, 429 past the user's limits.
    """
    user = subject_of(request)
    certificate = own_certificate(user, public_id)
    corrects = _corrected(request, certificate)
    form = SendForm(request.POST if request.method == "POST" else None, certificate=certificate, corrects=corrects)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    if form.is_bound and form.is_valid():
        if not form.cleaned_data["confirmed"]:
            return _review(request, form, user)
        try:
            form.send(by=user_of(request))
        except limits.TooManyError as refusal:
            form.add_error(None, f"{refusal} What you entered is still here.")
            status = HTTPStatus.TOO_MANY_REQUESTS
        else:
            messages.success(request, f"We’re sending the {certificate.paper}. Its progress is on this page.")
            return redirect(f"{certificate.get_absolute_url()}#deliveries")
    context = {"form": form, "certificate": certificate, "corrects": corrects, "crumbs": _crumbs(certificate)}
    return render(request, "credentialing/sending/send.html", context, status=status)


def _review(request: HttpRequest, form: SendForm, user: User) -> HttpResponse:
    """Show the mail as it will be."""
    certificate, delivery = form.certificate, form.preview(by=user)
    shown = mailing.context_of([(delivery, certificate)])
    # The link is made when it is sent.
    shown["papers"][0]["address"] = "(the holder’s link to the verification page)"
    mail = message(mailing.CERTIFICATE, to=delivery.to, context=shown)
    context = {
        "form": form,
        "certificate": certificate,
        "corrects": form.corrects,
        "subject": mail.subject,
        "body": mail.body,
        "file_name": mailing.file_name(_as_mailed(certificate)),
        "reply_to": mailing.reply_to(delivery),
        "crumbs": _crumbs(certificate),
    }
    return render(request, "credentialing/sending/review.html", context)


def _as_mailed(certificate: Certificate) -> Certificate:
    """Return it as the worker reads it: the name of its file leaves the holder out, who gets it."""
    certificate.is_own = False
    return certificate


def _corrected(request: HttpRequest, certificate: Certificate) -> Delivery | None:
    """Return the delivery that the address names as wrong, if it came back and wasn't corrected."""
    public_id = request.GET.get("corrects", "")
    return certificate.deliveries.undelivered().filter(public_id=public_id).first() if public_id else None


@require_POST
def retry(request: HttpRequest, public_id: str, delivery_id: str) -> HttpResponse:
    """Try a delivery again that could not be handed over.

    404 for an outsider, 403 without the right or for another party, 429 after three tries within an hour.
    """
    certificate = own_certificate(subject_of(request), public_id)
    delivery = get_object_or_404(certificate.deliveries.all(), public_id=delivery_id)
    if delivery.has_failed:
        try:
            limits.count_retry(user_of(request))
        except limits.TooManyError as refusal:
            context = {"refused": str(refusal), "certificate": certificate, "crumbs": _crumbs(certificate)[:1]}
            context |= {"deliveries": deliveries_of(certificate)}
            return render(request, "credentialing/certificate.html", context, status=HTTPStatus.TOO_MANY_REQUESTS)
        work.retry(delivery, by=user_of(request))
    return redirect(f"{certificate.get_absolute_url()}#deliveries")


@require_safe
@unlisted
def mailed(request: HttpRequest, public_id: str) -> HttpResponse:
    """Lead from the link in a mail to what holds today, and note that the mail was opened. 404 where there is none.

    Scanners of mail systems follow links, too: only what says that it shows the page to someone counts.
    """
    delivery = get_object_or_404(Delivery.objects.select_related("certificate", "sent_by"), public_id=public_id)
    if delivery.certificate is None:
        return redirect("verify:form")
    if request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate":
        reports.opened_by_link(delivery)
    return redirect("verify:code", code=delivery.certificate.verification_code.replace("-", ""))


def deliveries_of(certificate: Certificate) -> list[Delivery]:
    """Return the deliveries of a certificate, the latest first, each with who sent it. One query."""
    return list(certificate.deliveries.select_related("sent_by", "correction").order_by("-pk"))


def own_certificate(user: User, public_id: str) -> Certificate:
    """Return a certificate that the user may send: their party issued it, and they may issue."""
    found = Certificate.objects.visible_to(user).with_policy().select_related("holder", "membership")
    certificate: Certificate = get_object_or_404(found, public_id=public_id)
    if not certificate.is_own:
        raise PermissionDenied("another party issued this certificate")
    require(user, Capability.ISSUE_CERTIFICATE, certificate.coverage.term.policy)
    return certificate


def _crumbs(certificate: Certificate) -> list[tuple[str, str]]:
    return [
        ("Certificates", reverse("credentialing:home")),
        (certificate.serial, certificate.get_absolute_url()),
    ]
