"""The pages of the demo's outbox."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from demo.models import DemoMessage
from demo.outbox import as_json

SHOWN = 200


@require_safe
@never_cache
def outbox(request: HttpRequest) -> HttpResponse:
    """What would have been sent, newest first, for people."""
    return render(request, "demo/outbox.html", {"sent": DemoMessage.objects.order_by("-sent_at", "-id")[:SHOWN]})


@require_safe
@never_cache
def outbox_json(request: HttpRequest) -> JsonResponse:
    """What would have been sent, newest first: a list of `as_json`."""
    sent = DemoMessage.objects.order_by("-sent_at", "-id")[:SHOWN]
    return JsonResponse([as_json(message) for message in sent], safe=False)
