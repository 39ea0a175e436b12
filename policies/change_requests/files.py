"""Files attached to change requests: to a draft, until it's sent, and to a reply (docs/security.md#uploads)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from core.events import record_event
from core.uploads.forms import FilesForm
from core.uploads.serving import upload_response
from policies.change_requests.events import ChangeEvent
from policies.change_requests.replying import keep
from policies.change_requests.views import own

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from accounts.models import User
    from policies.models import ChangeRequest


def take(request: HttpRequest, asked: ChangeRequest, *, by: User) -> FilesForm:
    """Attach the files that a form brought, and return it with a sentence for each that was refused."""
    form = FilesForm(request.POST, request.FILES)
    form.kept = asked.files.count()
    form.is_valid()
    keep(form, asked, by=by)
    return form


def remove(draft: ChangeRequest, public_id: str) -> None:
    """Take a file away from a draft; of what was sent, nothing is removed."""
    found = draft.files.filter(public_id=public_id.replace("\0", "")).first()
    if draft.is_draft and found is not None:
        found.remove()


@require_safe
def download(request: HttpRequest, public_id: str, file_id: str) -> HttpResponseBase:
    """Return a file of a request, or draft. 404 for another party's, 409 while it isn't scanned."""
    asked = own(request, public_id)
    file = get_object_or_404(asked.files.select_related("upload"), public_id=file_id)
    response = upload_response(request, file.upload)
    if response.status_code == HTTPStatus.OK:
        record_event(ChangeEvent.FILE_DOWNLOADED, subject=asked, on_behalf_of=asked.user, file=file.public_id)
    return response
