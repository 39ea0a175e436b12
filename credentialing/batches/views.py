"""Batches: choose who gets them, see what will come, start, watch, cancel, try again, download (S-35 to S-37)."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.decorators import keeps_no_session_alive
from accounts.guards import look_of, subject_of, user_of
from core import work
from core.alerts import alert_staff
from core.downloads import FileChangedError, private_file_response
from core.events import record_event
from core.idempotency import create_once
from core.keyset import keyset_page
from core.listing import Tab
from credentialing.batches import freezing, histories, running
from credentialing.batches.choosing import Selection, count_of, issuing_memberships
from credentialing.batches.forms import ChooseForm, SettleForm, party_name
from credentialing.batches.pages import ORDER, SHOWN, items_of, review_of, time_left, what_comes
from credentialing.certificates import limits
from credentialing.events import BatchEvent
from credentialing.models import Batch, BatchPiece
from credentialing.sending.pages import know_last_deliveries

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    from accounts.models import User
    from policies.models import Membership


@require_safe
def batches(request: HttpRequest) -> HttpResponse:
    """Show the batches of the user's parties, newest first."""
    found = Batch.objects.visible_to(subject_of(request)).started().select_related("started_by")
    page = keyset_page(found, request, order=("-id",), count=True)
    return render(request, "credentialing/batches/list.html", {"page": page, "crumbs": _crumbs()})


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Keep what was chosen on the page of coverages as a draft.

    403 without the right to issue. Nothing chosen leads back with a message; the same form twice to the same draft.
    """
    user = user_of(request)
    memberships = _memberships(user)
    selection, form = Selection.read(request.POST), ChooseForm(request.POST)
    if not selection or not form.is_valid():
        if run := selection.search.get("run"):
            messages.warning(request, "Select at least one line, or everything found.")
            return redirect(_board(run, selection.search))
        messages.warning(request, "Select at least one coverage, or everything found.")
        return redirect(f"{reverse('credentialing:home')}?{urlencode(selection.search)}".rstrip("?"))
    key = form.cleaned_data["idempotency_key"]
    batch, _ = create_once(
        Batch.objects.filter(started_by=user),
        key=key,
        create=partial(
            Batch.objects.create,
            started_by=user,
            membership=memberships[0],
            idempotency_key=key,
            selection=selection.stored,
        ),
    )
    return redirect(batch)


@require_safe
def batch_page(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a batch: what will come of a draft, or how far it is, or its file.

    404 for an outsider, 403 without the right to issue.
    """
    batch = _own_batch(subject_of(request), public_id)
    if batch.is_draft and not batch.is_frozen:
        return redirect("credentialing:batch-settle", batch.public_id)
    if batch.is_draft:
        return _review(request, batch)
    if look_of(request) is None:
        _look_after(batch)
    return render(request, "credentialing/batches/batch.html", _progress(batch) | {"crumbs": _crumbs()})


@require_http_methods(["GET", "HEAD", "POST"])
def settle(request: HttpRequest, public_id: str) -> HttpResponse:
    """Choose who gets the certificates of a draft.

    404 for an outsider, 403 without the right to issue, 422 for a form with errors or more than a batch may hold, 429
    past the user's limit of new holders.
    """
    user = subject_of(request)
    batch = _own_batch(user, public_id)
    if not batch.is_draft:
        return redirect(batch)
    memberships = _memberships(user)
    selection = Selection.of(batch.selection)
    form = SettleForm(
        request.POST if request.method == "POST" else None,
        user=user,
        batch=batch,
        memberships=memberships,
        asks_holders=selection.asks_holders,
    )
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    if form.is_bound and form.is_valid():
        try:
            if form.settle():
                return redirect(batch)
            form.add_error(None, "That’s nobody: none of the selected insureds has such a holder. Choose others.")
        except freezing.TooLargeError as refusal:
            form.add_error(None, str(refusal))
        except limits.TooManyError as refusal:
            form.add_error(None, f"{refusal} What you entered is still here.")
            status = HTTPStatus.TOO_MANY_REQUESTS
    number = count_of(selection, user=user, membership=batch.membership)
    context = {"batch": batch, "form": form, "number": number, "crumbs": _crumbs()}
    return render(request, "credentialing/batches/settle.html", context, status=status)


def _board(run: str, search: Mapping[str, str]) -> str:
    """Return the address of the board of a renewal, narrowed as it was; of all renewals where it names none."""
    try:
        board = reverse("credentialing:renewal-board", args=[run])
    except NoReverseMatch:
        return reverse("credentialing:renewal-run")
    narrowed = {name: search[name] for name in ("show", "q") if search.get(name)}
    return f"{board}?{urlencode(narrowed)}".rstrip("?")


@require_safe
def items(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show the items of a batch: what each gives, or why nothing. 404 for an outsider, 403 without the right."""
    batch = _own_batch(subject_of(request), public_id)
    shown = request.GET.get("show", "")
    shown = shown if shown in SHOWN else "all"
    page = keyset_page(items_of(batch, shown), request, order=ORDER, count=True)
    know_last_deliveries(item.certificate for item in page.rows)
    lines = [(item, what_comes(item)) for item in page.rows]
    tabs = [
        Tab(label, f"?show={code}", code == shown)
        for code, label in SHOWN.items()
        if code != "no-history" or batch.with_histories
    ]
    context = {"batch": batch, "page": page, "lines": lines, "tabs": tabs}
    context["crumbs"] = [*_crumbs(), ("Batch", batch.get_absolute_url())]
    return render(request, "credentialing/batches/items.html", context)


@require_POST
def start(request: HttpRequest, public_id: str) -> HttpResponse:
    """Start a draft. 404 for an outsider, 403 without the right to issue, 429 past the day's ceiling."""
    batch = _own_batch(subject_of(request), public_id)
    try:
        running.start(batch, by=user_of(request))
    except limits.TooManyError as refusal:
        return _review(request, batch, refused=str(refusal))
    return redirect(batch)


@require_safe
@keeps_no_session_alive
def progress(request: HttpRequest, public_id: str) -> HttpResponse:
    """Return the part of a batch's page that changes; the page asks for it until the batch has ended."""
    batch = _own_batch(subject_of(request), public_id)
    if look_of(request) is None:
        _look_after(batch)
    return render(request, "credentialing/batches/_progress.html", _progress(batch))


@require_POST
def cancel(request: HttpRequest, public_id: str) -> HttpResponse:
    """Stop a batch. What is issued stays. 404 for an outsider, 403 without the right to issue."""
    batch = _own_batch(subject_of(request), public_id)
    if running.cancel(batch, by=user_of(request)):
        messages.success(request, "The batch is cancelled. Certificates that were created already stay.")
    return redirect(batch)


@require_POST
def retry(request: HttpRequest, public_id: str) -> HttpResponse:
    """Try what failed again. 404 for an outsider, 403 without the right to issue, 429 after three tries in an hour."""
    batch = _own_batch(subject_of(request), public_id)
    if batch.failed or batch.status == Batch.Status.FAILED:
        try:
            limits.count_retry(user_of(request))
        except limits.TooManyError as refusal:
            context = _progress(batch) | {"refused": str(refusal), "crumbs": _crumbs()}
            status = HTTPStatus.TOO_MANY_REQUESTS
            return render(request, "credentialing/batches/batch.html", context, status=status)
        running.retry(batch, by=user_of(request))
    return redirect(batch)


@require_safe
def download(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Send the file of a batch, scoped each time, and record it. 404 for an outsider, 403 without the right."""
    user = subject_of(request)
    batch = _own_batch(user, public_id)
    if not batch.has_file:
        return redirect(batch)
    if not histories.all_given_still(batch, user):
        messages.error(
            request,
            "This file holds a claims history that you may no longer have: its authorization was revoked or has "
            "expired. The certificates are in your list; for the histories that you may have, start a new batch.",
        )
        return redirect(batch)
    try:
        response = private_file_response(batch.file, filename=batch.download_name)
    except (FileNotFoundError, FileChangedError) as error:
        _report_broken(batch, error)
        messages.error(request, "We can’t give you this file right now. Web support has been told. Try again later.")
        return redirect(batch)
    if request.method == "GET" and look_of(request) is None:
        membership = _membership_of(user, batch)
        record_event(BatchEvent.DOWNLOADED, subject=batch, by=user, certificates=batch.issued, membership=membership.pk)
        if batch.histories:
            histories.record_downloads(batch, membership=membership)
    return response


def _report_broken(batch: Batch, error: Exception) -> None:
    record_event(BatchEvent.FILE_BROKEN, subject=batch)
    alert_staff(
        "The file of a batch is missing",
        f"The file of batch {batch.public_id} can’t be given out ({type(error).__name__}). Restore {batch.file} from a "
        f"backup; its SHA-256 is {batch.sha256}.",
    )


def _review(request: HttpRequest, batch: Batch, *, refused: str = "") -> HttpResponse:
    context = {"batch": batch, "review": review_of(batch), "party": party_name(batch.membership), "refused": refused}
    status = HTTPStatus.TOO_MANY_REQUESTS if refused else HTTPStatus.OK
    return render(request, "credentialing/batches/review.html", context | {"crumbs": _crumbs()}, status=status)


def _progress(batch: Batch) -> dict[str, Any]:
    return {
        "batch": batch,
        "left": time_left(batch.seconds_left),
        "writes": batch.is_running and batch.settled == batch.total,
    }


def _crumbs() -> list[tuple[str, str]]:
    return [("Certificates", reverse("credentialing:home")), ("Batches", reverse("credentialing:batches"))]


def _memberships(user: User) -> list[Membership]:
    """Return the memberships by which the user may issue. Raises `PermissionDenied` (403) where there is none."""
    found = issuing_memberships(user)
    if not found:
        raise PermissionDenied("issuing certificates is not open to this user")
    return found


def _membership_of(user: User, batch: Batch) -> Membership:
    """Return the user's own membership with the batch's party. Raises `PermissionDenied` without the right to issue."""
    party = batch.membership.party_key
    found = next((each for each in _memberships(user) if each.party_key == party), None)
    if found is None:
        raise PermissionDenied("issuing certificates of this party is not open to this user")
    return found


def _own_batch(user: User, public_id: str) -> Batch:
    """Return a batch of one of the user's parties; 404 for another's, 403 without the right to issue."""
    found = Batch.objects.visible_to(user).select_related("membership", "started_by")
    batch: Batch = get_object_or_404(found, public_id=public_id)
    _membership_of(user, batch)
    return batch


def _look_after(batch: Batch) -> None:
    """Hand pieces over again whose work was lost."""
    if batch.is_running:
        for piece in batch.pieces.filter(status=BatchPiece.Status.QUEUED):
            work.requeue_lost(only=piece)
