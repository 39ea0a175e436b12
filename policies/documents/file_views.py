"""Documents as one PDF that a worker makes: how far it is, and the file."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.decorators import keeps_no_session_alive
from accounts.guards import look_of, subject_of, user_of
from core import work
from core.downloads import FileChangedError, private_file_response
from policies.documents import joining, reading
from policies.models import DocumentFile

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    from accounts.models import User
    from policies.models import Policy


@require_safe
def page(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show how far a file is, or what came of it. 404 for another's."""
    asked = _own_file(subject_of(request), public_id)
    _look_after(request, asked)
    context = {"asked": asked, "crumbs": _crumbs(asked.policy)}
    return render(request, "policies/documents/file.html", context)


@require_safe
@keeps_no_session_alive
def progress(request: HttpRequest, public_id: str) -> HttpResponse:
    """Return the part of a file's page that changes; the page asks for it until the file is made."""
    asked = _own_file(subject_of(request), public_id)
    _look_after(request, asked)
    return render(request, "policies/documents/_progress.html", {"asked": asked})


@require_POST
def retry(request: HttpRequest, public_id: str) -> HttpResponse:
    """Try a file that failed again. 404 for another's, 429 past the user's limit."""
    user = user_of(request)
    asked = _own_file(user, public_id)
    if asked.has_failed:
        try:
            joining.count_file(user)
        except joining.TooManyError as refusal:
            context = {"asked": asked, "refused": str(refusal), "crumbs": _crumbs(asked.policy)}
            return render(request, "policies/documents/file.html", context, status=HTTPStatus.TOO_MANY_REQUESTS)
        work.retry(asked, by=user)
    return redirect(asked)


@require_safe
def download(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Send a file of documents, if the user may have all of them still, and record it. 404 for another's."""
    user = subject_of(request)
    asked = _own_file(user, public_id)
    if not asked.has_file:
        return redirect(asked)
    inside = list(reading.open_to(user).filter(pk__in=asked.documents))
    if len(inside) != asked.total:
        messages.error(request, "This file holds a document that you may no longer have. Select the others again.")
        return redirect(asked)
    try:
        response = private_file_response(asked.file, filename=asked.download_name, size=asked.size)
    except (FileNotFoundError, FileChangedError):
        messages.error(request, "This file is gone. Select the documents again.")
        return redirect(asked)
    if request.method == "GET" and look_of(request) is None:
        asked.record_download(by=user)
        reading.downloaded(asked.inside(inside), by=user, combined=True)
    return response


def _own_file(user: User, public_id: str) -> DocumentFile:
    found = DocumentFile.objects.visible_to(user).select_related("policy", "user")
    asked: DocumentFile = get_object_or_404(found, public_id=public_id)
    return asked


def _look_after(request: HttpRequest, asked: DocumentFile) -> None:
    """Hand a file over again whose work was lost."""
    if asked.is_running and look_of(request) is None:
        work.requeue_lost(only=asked)


def _crumbs(policy: Policy) -> list[tuple[str, str]]:
    shelf = reverse("policies:policy-documents", args=[policy.public_id])
    return [(f"Policy {policy.number}", policy.get_absolute_url()), ("Documents", shelf)]
