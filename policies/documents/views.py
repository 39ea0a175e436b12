"""Documents: choose a policy, then view one or have several as one PDF (S-30)."""

from __future__ import annotations

import tempfile
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import FileResponse, Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.guards import look_of, subject_of, user_of
from core.downloads import FileChangedError, as_attachment, private_file_response
from policies.documents import joining, reading
from policies.documents.forms import SelectionForm
from policies.documents.listing import SIZE, found_documents, policies_page, shelf_of
from policies.models import Document, DocumentFile, Policy
from policies.models.document_files import title_of
from policies.rights import require
from policies.roles import Capability

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    from accounts.models import User

BROKEN = "We can’t give you this document right now. Web support has been told. Try again later."


@require_safe
def documents(request: HttpRequest) -> HttpResponse:
    """Show the policies whose documents the user may have, or what a search finds in all of them; 422 for a search that
    is too long. One policy is opened at once."""
    user = subject_of(request)
    listed = policies_page(user, request)
    if len(listed.rows) == 1 and listed.is_whole and not request.GET:
        return redirect("policies:policy-documents", listed.rows[0].public_id)
    search = found_documents(user, request)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if search is not None and search.fault else HTTPStatus.OK
    context = {"page": listed, "search": search, "crumbs": [("Policies", reverse("policies:list"))]}
    return render(request, "policies/documents/policies.html", context, status=status)


@require_safe
def policy_documents(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a policy's documents by term. 404 for an outsider, 403 without the right, 422 for a search that is too
    long."""
    user = subject_of(request)
    return _shelf(request, user, _policy(user, public_id))


def _shelf(
    request: HttpRequest, user: User, policy: Policy, form: SelectionForm | None = None, status: int = 200
) -> Any:
    shelf = shelf_of(request, policy, reading.open_to(user))
    context = {
        "policy": policy,
        "shelf": shelf,
        "form": form or SelectionForm(),
        "selected": set(request.POST.getlist("document")),
        "at_once": SIZE,
        "crumbs": [("Policies", reverse("policies:list")), (f"Policy {policy.number}", policy.get_absolute_url())],
    }
    if shelf.choice.fault:
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    return render(request, "policies/documents/policy.html", context, status=status)


@require_safe
def document(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Send a document, scoped each time, and record it. 404 for an outsider, 403 without the right."""
    user = subject_of(request)
    found: Document = get_object_or_404(
        Document.objects.visible_to(user).select_related("policy__company", "policy__policyholder"),
        public_id=public_id,
    )
    reading.require_download(user, found)
    if not found.is_available:
        raise Http404("no file that can be opened")
    try:
        response = private_file_response(found.file, filename=found.download_name, size=found.size)
    except (FileNotFoundError, FileChangedError):
        joining.report(found)
        messages.error(request, BROKEN)
        return (
            redirect("policies:policy-documents", found.policy.public_id)
            if found.policy
            else redirect("policies:documents")
        )
    if request.method == "GET" and look_of(request) is None:
        reading.downloaded([found], by=user)
    return response


@require_POST
def combine(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Send what is selected as one PDF, or have a worker make it. 404 for an outsider, 403 without the right, 422 for a
    selection that can't be combined, 429 past the user's limit."""
    user = user_of(request)
    policy = _policy(user, public_id)
    form = SelectionForm(request.POST, policy=policy, rows=reading.open_to(user))
    if not form.is_valid():
        return _shelf(request, user, policy, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    chosen, key = form.chosen, form.cleaned_data["idempotency_key"]
    if len(chosen) == 1 and chosen[0].is_available:
        return redirect(chosen[0])
    before = DocumentFile.objects.visible_to(user).filter(idempotency_key=key).first()
    if before is not None:
        return redirect(before)
    try:
        joining.count_file(user)
    except joining.TooManyError as refusal:
        form.add_error(None, str(refusal))
        return _shelf(request, user, policy, form, HTTPStatus.TOO_MANY_REQUESTS)
    if joining.is_small(chosen):
        return _at_once(user, policy, chosen, key)
    asked, _ = form.once(user, lambda: joining.ask(user=user, policy=policy, documents=chosen, key=key))
    return redirect(asked)


def _at_once(user: User, policy: Policy, chosen: list[Document], key: uuid.UUID) -> HttpResponseBase:
    """Send few documents as one PDF; where some can't be in it, a page says so first."""
    to = tempfile.TemporaryFile()  # noqa: SIM115  # the response closes it
    pages, left_out = joining.join(chosen, to, title=title_of(policy))
    if left_out:
        with to:
            kept = joining.keep(to, user=user, policy=policy, documents=chosen, key=key, pages=pages, left_out=left_out)
        return redirect(kept)
    reading.downloaded(chosen, by=user, combined=True)
    to.seek(0)
    return as_attachment(FileResponse(to, content_type="application/pdf"), f"{title_of(policy)}.pdf")


@require_POST
def mark_read(request: HttpRequest, public_id: str) -> HttpResponse:
    """Mark all of a policy's documents as read. 404 for an outsider, 403 without the right."""
    user = user_of(request)
    policy = _policy(user, public_id)
    unread = reading.of_policy(reading.open_to(user), policy).filter(is_read=False)
    reading.mark_read(unread, by=user)
    messages.success(request, "All documents of this policy are marked as read.")
    return redirect("policies:policy-documents", policy.public_id)


def _policy(user: User, public_id: str) -> Policy:
    """Return the policy; 404 for an outsider, 403 without the right to its documents."""
    found = Policy.objects.visible_to(user).select_related("company", "policyholder")
    policy: Policy = get_object_or_404(found, public_id=public_id)
    require(user, Capability.VIEW_DOCUMENTS, policy)
    return policy
