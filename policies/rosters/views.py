"""A roster's pages: uploading, columns, the comparison, decisions, corrections, and sending it (B-06)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.guards import subject_of, user_of
from core.bodies import accepts_upload
from core.dates import shown_day
from core.downloads import file_name_part
from core.events import record_event
from core.workbooks import workbook_response
from policies.change_requests import opening
from policies.change_requests.registry import kind_of
from policies.models import Policy
from policies.models.rosters import RosterUpload
from policies.rosters import reconciling, sending, workbooks
from policies.rosters.columns import chosen
from policies.rosters.comparing import Kind
from policies.rosters.current import roster_on
from policies.rosters.events import RosterEvent
from policies.rosters.forms import ColumnsForm, FileForm, ReplaceForm, RowForm, SendForm
from policies.rosters.pages import crumbs_of, page_of
from policies.rosters.reading import MOST_BYTES, FileError
from policies.rosters.reconciling import ChangedError, TooManyError, comparison_of, terms_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from policies.models import Membership

CHANGED = "This has changed in the meantime. Here is how it is now."
UNPROCESSABLE, TOO_MANY = HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.TOO_MANY_REQUESTS


@require_http_methods(["GET", "HEAD", "POST"])
@accepts_upload(MOST_BYTES)
def start(request: HttpRequest, public_id: str) -> HttpResponse:
    """Upload a roster of a policy, or go on with one. 404 for another's policy, 403 for those who ask for no changes,
    422 for a file that can't be read, 429 past the user's limit."""
    policy, membership = _policy(request, public_id)
    form = FileForm(request.POST, request.FILES) if request.method == "POST" else FileForm()
    status = UNPROCESSABLE if form.is_bound else HTTPStatus.OK
    if form.is_bound and not terms_of(policy):
        form.add_error(None, "The policy has no term in force or upcoming.")
    elif form.is_valid():
        try:
            upload, _is_new = reconciling.receive(
                user=user_of(request),
                membership=membership,
                policy=policy,
                content=form.content(),
                filename=form.cleaned_data["file"].name,
                everyone=form.cleaned_data["everyone"] == "yes",
                key=form.cleaned_data["idempotency_key"],
            )
        except FileError as refusal:
            form.add_error("file", str(refusal))
        except TooManyError as refusal:
            form.add_error(None, str(refusal))
            status = TOO_MANY
        else:
            return redirect(_next(upload))
    uploads = (
        RosterUpload.objects.visible_to(subject_of(request)).filter(policy=policy).select_related("user", "request")
    )
    context = {
        "policy": policy,
        "form": form,
        "terms": terms_of(policy),
        "open": list(uploads.open()[:10]),
        "sent": list(uploads.filter(status=RosterUpload.Status.SENT)[:10]),
        "crumbs": crumbs_of(policy)[:1],
    }
    return render(request, "policies/rosters/start.html", context, status=status)


@require_safe
def template(request: HttpRequest, public_id: str) -> HttpResponse:
    """Download the roster of today as a spreadsheet to fill in."""
    policy, _ = _policy(request, public_id)
    terms = terms_of(policy)
    if not terms:
        raise Http404
    current = roster_on(terms[0], policy.today())
    record_event(RosterEvent.EXPORTED, subject=policy, by=user_of(request), what="template", rows=len(current))
    name = f"Roster {file_name_part(policy.number)} {shown_day().isoformat()}.xlsx"
    rows = workbooks.template_rows(current)
    return workbook_response(name, sheet="Roster", columns=workbooks.TEMPLATE_COLUMNS, rows=rows)


@require_safe
def comparison(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show who is new, gone, changed, or in doubt, and the errors, a page at a time."""
    upload = _upload(request, public_id)
    if not upload.is_open or not terms_of(upload.policy):
        context = {"upload": upload, "crumbs": crumbs_of(upload.policy)}
        return render(request, "policies/rosters/ended.html", context)
    if upload.mapping.missing():
        return redirect("policies:roster-columns", upload.public_id)
    page = page_of(upload, comparison_of(upload), request.GET)
    context = {"page": page, "upload": upload, "crumbs": crumbs_of(upload.policy), "here": request.get_full_path()}
    return render(request, "policies/rosters/comparison.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def columns(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show what each column was taken for, and change it. 422 for a choice that doesn't go."""
    upload = _open(request, public_id)
    form = ColumnsForm(request.POST if request.method == "POST" else None, sheet=upload.sheet, columns=upload.mapping)
    if form.is_valid():
        try:
            reconciling.set_columns(upload=upload, columns=form.columns)
        except ChangedError:
            messages.warning(request, CHANGED)
        return redirect(upload)
    context = {"form": form, "upload": upload, "crumbs": crumbs_of(upload.policy, upload)}
    status = UNPROCESSABLE if form.is_bound else HTTPStatus.OK
    return render(request, "policies/rosters/columns.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@accepts_upload(MOST_BYTES)
def replace(request: HttpRequest, public_id: str) -> HttpResponse:
    """Upload a corrected file; what was decided and corrected is kept. 422 for a file that can't be read."""
    upload = _open(request, public_id)
    form = ReplaceForm(request.POST, request.FILES) if request.method == "POST" else ReplaceForm()
    status = UNPROCESSABLE if form.is_bound else HTTPStatus.OK
    if form.is_valid():
        try:
            name = form.cleaned_data["file"].name
            reconciling.replace(upload=upload, content=form.content(), filename=name, by=user_of(request))
        except FileError as refusal:
            form.add_error("file", str(refusal))
        except TooManyError as refusal:
            form.add_error(None, str(refusal))
            status = TOO_MANY
        except ChangedError:
            messages.warning(request, CHANGED)
            return redirect(upload)
        else:
            messages.success(request, "We compared the corrected file. What you decided and corrected is kept.")
            return redirect(upload)
    context = {"form": form, "upload": upload, "crumbs": crumbs_of(upload.policy, upload)}
    return render(request, "policies/rosters/replace.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def row(request: HttpRequest, public_id: str, row: int) -> HttpResponse:
    """Correct the cells of a row. 404 for a row that isn't there, 422 while a cell is still wrong."""
    upload = _open(request, public_id)
    found = comparison_of(upload)
    line = next((each for each in found.lines[Kind.FAULT] if each.row == row), None)
    if line is None:
        if request.method == "POST" or row >= len(found.table):
            raise Http404
        return redirect(upload)
    sheet, mapping = upload.sheet, upload.mapping
    cells = {of: sheet.columns[place][mapping.head + 1 + row] for of, place in mapping.places.items()}
    form = RowForm(
        request.POST if request.method == "POST" else None, cells=cells, initial={"key": found.table.keys(row)[0]}
    )
    if form.is_valid():
        try:
            wrong = reconciling.correct(upload=upload, row=row, key=form.cleaned_data["key"], values=form.values())
        except ChangedError:
            messages.warning(request, CHANGED)
            return redirect(upload)
        if wrong is None:
            messages.success(request, f"Row {line.number} is corrected.")
            return redirect(f"{upload.get_absolute_url()}?{urlencode({'show': str(Kind.FAULT)})}")
        form.show(wrong)
    context = {"form": form, "line": line, "upload": upload, "crumbs": crumbs_of(upload.policy, upload)}
    status = UNPROCESSABLE if form.is_bound else HTTPStatus.OK
    return render(request, "policies/rosters/row.html", context, status=status)


@require_POST
def decide(request: HttpRequest, public_id: str) -> HttpResponse:
    """Keep what the user says of a row, or of someone who isn't in the file, and go back to where they were."""
    upload = _open(request, public_id)
    said, person = request.POST.get("said", "")[:60], request.POST.get("person", "")
    try:
        if person:
            reconciling.decide_person(upload=upload, public_id=person, keep=said == "keep")
        else:
            # Python refuses to read thousands of digits; ours are five.
            number = int(request.POST.get("row", "")[:6])
            reconciling.decide_row(upload=upload, row=number, key=request.POST.get("key", ""), said=said)
    except (ChangedError, ValueError):
        messages.warning(request, CHANGED)
    return redirect(_back(request, upload))


@require_POST
def leave_out(request: HttpRequest, public_id: str) -> HttpResponse:
    """Leave out every row with an error."""
    upload = _open(request, public_id)
    try:
        left = reconciling.leave_out_errors(upload=upload)
    except ChangedError:
        messages.warning(request, CHANGED)
    else:
        messages.success(request, "1 row is left out." if left == 1 else f"{left:,} rows are left out.")
    return redirect(upload)


@require_http_methods(["GET", "HEAD", "POST"])
def send(request: HttpRequest, public_id: str) -> HttpResponse:
    """Look through what is sent, say from when, and send it as one change request; a second time leads to that one.

    409 where our records or the comparison changed meanwhile, 422 for a day that doesn't go, 429 past the limit.
    """
    upload = _upload(request, public_id)
    if upload.request is not None:
        return redirect(upload.request)
    membership = opening.required(subject_of(request), upload.policy, kind_of(sending.KIND))
    if not upload.is_open or not terms_of(upload.policy):
        return redirect(upload)
    found = comparison_of(upload)
    if found.waits or not found.asks:
        messages.info(request, "Settle the errors and doubts first." if found.waits else "There is nothing to send.")
        return redirect(upload)
    terms = terms_of(upload.policy)
    form = SendForm(
        request.POST if request.method == "POST" else None, policy=upload.policy, terms=terms, comparison=found
    )
    status = UNPROCESSABLE if form.is_bound else HTTPStatus.OK
    if form.is_valid():
        try:
            asked = _send(request, upload, membership, form)
        except ChangedError:
            form = SendForm(
                {**request.POST.dict(), "mark": found.mark}, policy=upload.policy, terms=terms, comparison=found
            )
            form.add_error(None, "Our records or your decisions have changed. Look at the numbers again, then send it.")
            status = HTTPStatus.CONFLICT
        except opening.TooManyError as refusal:
            form.add_error(None, str(refusal))
            status = TOO_MANY
        else:
            messages.success(request, "We have your changes as one request. We’ll email you when there’s an answer.")
            return redirect(asked)
    context = {"form": form, "page": page_of(upload, found, {}), "upload": upload}
    context["crumbs"] = crumbs_of(upload.policy, upload)
    return render(request, "policies/rosters/send.html", context, status=status)


@require_safe
def download(request: HttpRequest, public_id: str) -> HttpResponse:
    """Download the comparison as an Excel file."""
    upload = _open(request, public_id)
    found = comparison_of(upload)
    record_event(RosterEvent.EXPORTED, subject=upload, by=user_of(request), what="comparison")
    name = f"Roster comparison {file_name_part(upload.policy.number)} {shown_day().isoformat()}.xlsx"
    rows = workbooks.comparison_rows(found)
    return workbook_response(name, sheet="Comparison", columns=workbooks.COMPARISON_COLUMNS, rows=rows)


@require_POST
def discard(request: HttpRequest, public_id: str) -> HttpResponse:
    """Delete what was uploaded."""
    upload = _upload(request, public_id)
    if reconciling.discard(upload=upload, by=user_of(request)):
        messages.success(request, "The file and what you decided are deleted. Nothing was sent.")
    else:
        messages.info(request, "It had come to its end already. Nothing was changed.")
    return redirect("policies:roster", upload.policy.public_id)


def _send(request: HttpRequest, upload: RosterUpload, membership: Membership, form: SendForm) -> Any:
    return sending.send(
        upload=upload,
        membership=membership,
        by=user_of(request),
        mark=form.cleaned_data["mark"],
        added=form.cleaned_data.get("added"),
        removed=form.cleaned_data.get("removed"),
        text=form.cleaned_data["text"],
        key=upload.idempotency_key,
    )


def _policy(request: HttpRequest, public_id: str) -> tuple[Policy, Membership]:
    user = subject_of(request)
    policies = Policy.objects.visible_to(user).select_related("policyholder", "company")
    policy = get_object_or_404(policies, public_id=public_id)
    return policy, opening.required(user, policy, kind_of(sending.KIND))


def _upload(request: HttpRequest, public_id: str) -> RosterUpload:
    rows = RosterUpload.objects.visible_to(subject_of(request)).select_related(
        "policy__policyholder", "policy__company", "membership", "request", "user"
    )
    return get_object_or_404(rows, public_id=public_id)


def _open(request: HttpRequest, public_id: str) -> RosterUpload:
    """Return a roster that is being worked on. Raises Http404 where it was sent or deleted."""
    upload = _upload(request, public_id)
    opening.required(subject_of(request), upload.policy, kind_of(sending.KIND))
    if not upload.is_open or not terms_of(upload.policy):
        raise Http404
    return upload


def _next(upload: RosterUpload) -> Any:
    """Return where an upload leads: to its columns, unless the party's choices of before cover them all."""
    if not upload.is_open:
        return upload
    known = reconciling.remembered_of(upload.membership)
    if upload.mapping.missing() or chosen(upload.sheet, upload.mapping).keys() - known.keys():
        return reverse("policies:roster-columns", args=[upload.public_id])
    return upload


def _back(request: HttpRequest, upload: RosterUpload) -> str:
    """Return the page of the comparison that a decision was made on."""
    here = request.POST.get("here", "")
    mine = here.startswith(upload.get_absolute_url()) and url_has_allowed_host_and_scheme(here, allowed_hosts=None)
    return here if mine else upload.get_absolute_url()
