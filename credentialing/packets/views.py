"""Packets, for those who build them: the list, building one, who opened it, another link, and its end (B-04)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.guards import look_of, subject_of, user_of
from core import work
from core.keyset import keyset_page
from credentialing import papers
from credentialing.certificates import limits as certificate_limits
from credentialing.certificates.limits import TooManyError
from credentialing.models import Packet
from credentialing.packets import building, limits, pages
from credentialing.packets.forms import DeliveryForm, PacketForm
from credentialing.pages.coverages import in_order
from credentialing.pages.issue import choice_of
from credentialing.views import WAIT_SECONDS
from policies.models import Coverage
from policies.rights import require
from policies.roles import Capability

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from accounts.models import User

ORDER = ("-built_at", "-id")


@require_safe
def packets(request: HttpRequest) -> HttpResponse:
    """Show the packets that the user sees, the latest first, and the own coverages to build one from."""
    user = subject_of(request)
    page = keyset_page(Packet.objects.visible_to(user).with_names(), request, order=ORDER, count=True)
    context = {"page": page, "own": pages.own_coverages(user), "crumbs": pages.crumbs()[:1]}
    return render(request, "credentialing/packets/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, public_id: str) -> HttpResponse:
    """Choose what goes into a packet, and build it; the answer shows link and password once.

    404 for an outsider, 403 without the right, 422 for a form with errors, 429 past the user's limit.
    """
    user = subject_of(request)
    coverage = get_object_or_404(in_order(Coverage.objects.visible_to(user)), public_id=public_id)
    require(user, Capability.CREATE_PACKET, coverage.term.policy)
    choice = choice_of(coverage, user=user)
    form = PacketForm(request.POST if request.method == "POST" else None, user=user, choice=choice)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    if form.is_bound and form.is_valid():
        try:
            built = form.build()
        except building.NotBuildableError as refusal:
            form.add_error(None, str(refusal))
        except TooManyError as refusal:
            form.add_error(None, f"{refusal} What you entered is still here.")
            status = HTTPStatus.TOO_MANY_REQUESTS
        else:
            if built is not None:
                packet, secrets = built
                if packet.was_there and not secrets.link and not packet.link_to:
                    return redirect(packet)
                papers.wait_for_file(packet, seconds=WAIT_SECONDS)
                return _once(request, packet, secrets)
    context = {"form": form, "choice": choice, "coverage": coverage, "crumbs": pages.crumbs()}
    return render(request, "credentialing/packets/new.html", context, status=status)


@require_safe
def packet_page(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a packet: what is in it, until when, and who opened it. 404 for an outsider."""
    packet = _visible(subject_of(request), public_id)
    if packet.status == Packet.Status.QUEUED and look_of(request) is None:
        work.requeue_lost(only=packet)
        packet.refresh_from_db(fields=["status", "is_enqueued"])
    return _page(request, packet, DeliveryForm())


@require_POST
def link(request: HttpRequest, public_id: str) -> HttpResponse:
    """Make another link and password, and show them once. 404 for an outsider, 403 for anyone but the party that built
    it, 422 for a form with errors, 429 past the user's limit."""
    user = subject_of(request)
    packet = _visible(user, public_id)
    if not pages.is_own(user, packet):
        raise PermissionDenied("another party built this packet")
    require(user, Capability.CREATE_PACKET, packet.coverage.term.policy)
    form = DeliveryForm(request.POST)
    if not form.is_valid():
        return _page(request, packet, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        limits.count_build(user_of(request))
        secrets = building.new_link(packet, delivery=form.delivery, by=user_of(request))
    except TooManyError as refusal:
        form.add_error(None, str(refusal))
        return _page(request, packet, form, status=HTTPStatus.TOO_MANY_REQUESTS)
    except building.PacketOverError:
        messages.error(request, "This packet is over. Build a new one.")
        return redirect(packet)
    return _once(request, packet, secrets)


@require_POST
def revoke(request: HttpRequest, public_id: str) -> HttpResponse:
    """End a packet at once: its insured may, and the party that built it. 404 for an outsider."""
    packet = _visible(subject_of(request), public_id)
    if building.revoke(packet, by=user_of(request)):
        messages.success(request, "The packet is revoked. It opens nothing from now on.")
    return redirect(packet)


@require_POST
def retry(request: HttpRequest, public_id: str) -> HttpResponse:
    """Try again to make the files of a packet. 404 for an outsider, 429 after three tries in an hour."""
    packet = _visible(subject_of(request), public_id)
    if packet.has_failed:
        try:
            certificate_limits.count_retry(user_of(request))
        except TooManyError as refusal:
            messages.error(request, str(refusal))
            return _page(request, packet, DeliveryForm(), status=HTTPStatus.TOO_MANY_REQUESTS)
    if work.retry(packet, by=user_of(request)):
        papers.wait_for_file(packet, seconds=WAIT_SECONDS)
    return redirect(packet)


def _visible(user: User, public_id: str) -> Packet:
    return get_object_or_404(Packet.objects.visible_to(user).with_names(), public_id=public_id)


def _page(request: HttpRequest, packet: Packet, form: DeliveryForm, *, status: int = HTTPStatus.OK) -> HttpResponse:
    context = {
        "packet": packet,
        "items": pages.items_of(packet),
        "openings": pages.openings_of(packet),
        "is_own": pages.is_own(subject_of(request), packet),
        "works": pages.works(packet),
        "form": form,
        "crumbs": pages.crumbs(),
    }
    return render(request, "credentialing/packets/packet.html", context, status=status)


def _once(request: HttpRequest, packet: Packet, secrets: building.Secrets) -> HttpResponse:
    """Show link and password, which no other page does: the answer to the form itself, kept by nobody."""
    context = {"packet": packet, "secrets": secrets, "crumbs": pages.crumbs()}
    response = render(request, "credentialing/packets/made.html", context)
    response["Cache-Control"] = "no-store"
    return response
