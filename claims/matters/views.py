"""An insured's own matter: where it is, what comes next, who handles it, documents, and messages (B-21)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.guards import look_of, subject_of, user_of
from claims.events import MatterEvent
from claims.incidents.drafting import TooManyError, count_addition, count_file
from claims.incidents.forms import AddForm
from claims.incidents.views import crumbs
from claims.models import Matter, MatterFile
from core.bodies import accepts_upload
from core.dates import carrier_today
from core.events import record_event
from core.uploads.forms import MOST_AT_ONCE
from core.uploads.models import attach
from core.uploads.serving import upload_response

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse, HttpResponseBase


@require_safe
def matter(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a matter. 404 for anyone but its insured."""
    return _show(request, _own(request, public_id), AddForm())


@require_POST
@accepts_upload(MOST_AT_ONCE)
def add(request: HttpRequest, public_id: str) -> HttpResponse:
    """Write to the claims team, with files. 404 for anyone but the insured, 422 for a form with errors, 409 where it
    was taken back, 429 past the user's limit."""
    own, user = _own(request, public_id), user_of(request)
    form = AddForm(request.POST, request.FILES)
    if not form.is_valid():
        return _show(request, own, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        count_addition(user)
        with transaction.atomic():
            message = own.add(text=form.cleaned_data["text"], key=form.cleaned_data["idempotency_key"], by=user)
            for checked in form.accepted if message is not None else ():
                count_file(user)
                rows = MatterFile.objects.filter(matter=own, message=message)
                attach(rows, checked, by=user, page=own.get_absolute_url(), matter=own, message=message, added_by=user)
    except TooManyError as refusal:
        form.add_error(None, str(refusal))
        return _show(request, own, form, status=HTTPStatus.TOO_MANY_REQUESTS)
    if message is None:
        form.add_error(None, f"This isn’t open for messages any more. Call the claims team: {settings.CLAIMS_PHONE}.")
        return _show(request, own, form, status=HTTPStatus.CONFLICT)
    return redirect(f"{own.get_absolute_url()}#messages")


@require_safe
def file(request: HttpRequest, public_id: str, file_id: str) -> HttpResponseBase:
    """Download a document. 404 for anyone but the insured."""
    own = _own(request, public_id)
    found = get_object_or_404(own.files.select_related("upload"), public_id=file_id)
    if found.upload.is_ready:
        record_event(MatterEvent.FILE_DOWNLOADED, subject=own, file=found.public_id)
    return upload_response(request, found.upload)


def _show(request: HttpRequest, own: Matter, form: AddForm, *, status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    claim = own.claim
    context: dict[str, Any] = {
        "matter": own,
        "claim": claim,
        "dates": dates_of(own),
        "files": list(own.files.filter(message=None).select_related("upload", "matter")),
        "thread": list(own.messages.select_related("author").prefetch_related("files__upload", "files__matter")),
        "form": form,
        "phone": settings.CLAIMS_PHONE,
        "crumbs": crumbs(),
    }
    return render(request, "claims/matters/matter.html", context, status=status)


def dates_of(own: Matter) -> list[tuple[Any, str]]:
    """Return the dates to come, the feed's and those that the claims team added, in order."""
    found = [(each.day, each.what) for each in own.dates.all()]
    if own.claim.next_date:
        found.append((own.claim.next_date, own.claim.next_event or "Next date"))
    return sorted({each for each in found if each[0] >= carrier_today()})


def _own(request: HttpRequest, public_id: str) -> Matter:
    """Return a matter of the user's own. What is between an insured and the insurer, web support doesn't see by looking
    as the customer (403)."""
    if look_of(request) is not None:
        raise PermissionDenied("a matter is its insured's alone")
    rows = Matter.objects.visible_to(subject_of(request)).select_related("claim__insured", "claim__policy")
    found: Matter = get_object_or_404(rows, public_id=public_id)
    return found
