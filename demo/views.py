"""The demo's own pages: its outbox, the one-click entry, and the code shown where it's asked for."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.decorators import keeps_no_session_alive
from accounts.guards import session_of, user_of
from accounts.methods import devices_of
from accounts.models import PhoneDevice
from accounts.navigation import wanted_page
from core.downloads import attachment_header
from credentialing.models import Delivery
from credentialing.sending import reports
from demo.explore import enter, role_of
from demo.models import DemoAttachment, DemoMessage
from demo.outbox import as_json

SHOWN = 200
# What the demo reports as a mail service would.
REPORTS = {status.value: str(status.label) for status in (*Delivery.STEPS[1:],)}


@require_safe
@never_cache
def outbox(request: HttpRequest) -> HttpResponse:
    """Return what would have been sent, newest first, for people."""
    sent = DemoMessage.objects.prefetch_related(Prefetch("attachments", DemoAttachment.objects.defer("content")))
    return render(request, "demo/outbox.html", {"sent": sent.order_by("-sent_at", "-id")[:SHOWN], "reports": REPORTS})


@require_safe
@never_cache
def attachment(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the file of an email."""
    file = get_object_or_404(DemoAttachment, pk=pk)
    response = HttpResponse(bytes(file.content), content_type="application/pdf")
    response["Content-Disposition"] = attachment_header(file.name)
    return response


@require_POST
def report(request: HttpRequest, pk: int) -> HttpResponse:
    """Play the mail service: report an email as delivered, opened, or returned."""
    message = get_object_or_404(DemoMessage, pk=pk, is_reported=True)
    kind = request.POST.get("report", "")
    if kind not in REPORTS:
        raise Http404
    deliveries = reports.of_message(message_id=message.reference, public_id="")
    bounce = Delivery.Bounce.INVALID if kind == Delivery.Status.BOUNCED else ""
    reports.note(deliveries, Delivery.Status(kind), at=timezone.now(), bounce=bounce)
    messages.success(request, f"The email to {message.to} is reported as {REPORTS[kind].lower()}.")
    return redirect("demo:outbox")


@require_safe
@never_cache
def outbox_json(request: HttpRequest) -> JsonResponse:
    """Return what would have been sent, newest first: a list of `as_json`."""
    sent = DemoMessage.objects.order_by("-sent_at", "-id")[:SHOWN]
    return JsonResponse([as_json(message) for message in sent], safe=False)


@require_POST
def explore(request: HttpRequest, key: str) -> HttpResponse:
    """Sign in as a role of the landing page, second factor included."""
    role = role_of(key)
    if role is None:
        raise Http404
    if enter(request=request, role=role):
        return redirect(wanted_page(request) or role.start)
    messages.error(request, f"You can’t sign in as {role.label} right now. Try again in a few minutes.")
    return redirect("home")


@require_safe
@keeps_no_session_alive
def code(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show the code of one of the user's phones, also of the one that this session is setting up."""
    own = [*devices_of(user_of(request)), *PhoneDevice.objects.in_set_up(session_of(request))]
    device = next((each for each in own if each.public_id == public_id), None)
    if not isinstance(device, PhoneDevice):
        raise Http404
    challenge = device.latest_challenge(session_of(request))
    return render(request, "demo/_code.html", {"device": device, "challenge": challenge})
