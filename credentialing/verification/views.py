"""Verifying a certificate or letter, open to everyone (B-01, docs/security.md#verification)."""

from __future__ import annotations

from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.bodies import accepts_upload
from core.downloads import attachment_header
from credentialing.models import Certificate, Verification
from credentialing.verification import answers, limits
from credentialing.verification.files import hashes_uploads
from credentialing.verification.forms import FileForm, ReceiptForm, VerifyForm
from credentialing.verification.reading import read_code
from credentialing.verification.receipts import receipt_pdf

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from django.http import HttpRequest

    from credentialing.models import ClaimsPaper

P = ParamSpec("P")
UNKNOWN_CODE = (
    "We didn’t issue a certificate or letter with this code. Check it against the paper: its digits and letters are "
    "2 to 9 and A to Z, without I, O, and U."
)


def unlisted(
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Mark a view: its pages are kept by nobody, found by no search engine, and their addresses told to no other site.
    A network that asks too often gets 429 and the time."""

    @wraps(view)
    def answering(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except limits.TooManyError as refusal:
            response = _too_many(request, refusal.retry_at)
        response["Cache-Control"] = "no-store"
        # Not `no-referrer`: browsers then send forms with the origin `null`, which the check of forms refuses.
        response["Referrer-Policy"] = "same-origin"
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return answering


@require_http_methods(["GET", "HEAD", "POST"])
@unlisted
def form_page(request: HttpRequest) -> HttpResponse:
    """Ask for the code of a paper; say of a serial number only whether there is one."""
    form = VerifyForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _form_page(request, form, status=_status(form))
    if form.serial is None:
        return redirect("verify:code", code=form.cleaned_data["code"].replace("-", ""))
    limits.count_try(request)
    issued = answers.is_issued(form.serial)
    return _form_page(request, VerifyForm(), serial=form.serial, issued=issued)


@require_safe
@unlisted
def answer_page(request: HttpRequest, code: str) -> HttpResponse:
    """Show what the paper with this code certified, and what holds today. 404 where there is none."""
    certificate = _asked(request, code)
    if certificate is None:
        return _no_certificate(request, code)
    answer = answers.answer_about(certificate)
    if request.method == "GET":
        answers.keep_look(answer, request=request, way=Verification.Way.CODE)
    return _answer_page(request, answer, ReceiptForm())


@hashes_uploads
@accepts_upload(settings.VERIFICATION_FILE_BYTES)
@require_POST
@unlisted
def compare_file(request: HttpRequest) -> HttpResponse:
    """Compare a PDF's fingerprint with those of all files that we issued, and answer as for its code.

    422 without a file; 404 where it differs from all of them.
    """
    limits.count_try(request)
    file_form = FileForm(request.POST, request.FILES)
    if not file_form.is_valid():
        return _form_page(request, VerifyForm(), file_form=file_form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    sha256 = file_form.cleaned_data["sha256"]
    certificate = answers.by_fingerprint(sha256)
    if certificate is None and (paper := answers.claims_paper(sha256=sha256)) is not None:
        return _by_a_person(request, paper)
    if certificate is None:
        answers.not_found(what="file")
        return _form_page(request, VerifyForm(), differs=True, status=HTTPStatus.NOT_FOUND)
    limits.was_right(request)
    answer = answers.answer_about(certificate)
    answers.keep_look(answer, request=request, way=Verification.Way.FILE)
    return _answer_page(request, answer, ReceiptForm(initial={"sha256": sha256}), is_our_file=True)


@require_POST
@unlisted
def receipt(request: HttpRequest, code: str) -> HttpResponse:
    """Store a receipt, and send it as a PDF. 404 for an unknown code, 409 where the answer is withheld, 422 for a
    name that can't be printed."""
    certificate = _asked(request, code)
    if certificate is None:
        return _no_certificate(request, code)
    answer = answers.answer_about(certificate)
    form = ReceiptForm(request.POST)
    if answer.withheld:
        return _answer_page(request, answer, form, status=HTTPStatus.CONFLICT)
    if not form.is_valid():
        return _answer_page(request, answer, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    is_our_file = bool(certificate.sha256) and form.cleaned_data["sha256"] == certificate.sha256
    row = answers.give_receipt(
        answer,
        request=request,
        way=Verification.Way.FILE if is_our_file else Verification.Way.CODE,
        name=form.cleaned_data["name"],
        organization=form.cleaned_data["organization"],
        key=form.cleaned_data["idempotency_key"],
    )
    response = HttpResponse(receipt_pdf(row), content_type="application/pdf")
    response["Content-Disposition"] = attachment_header(f"Verification {row.receipt} of {certificate.serial}.pdf")
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _asked(request: HttpRequest, typed: str) -> Certificate | None:
    """Count the question, and return the paper with this code; None where there is none. Raises `TooManyError`."""
    limits.count_try(request)
    code = read_code(typed)
    certificate = answers.by_code(code) if code else None
    if certificate is not None:
        limits.was_right(request)
    return certificate


def _no_certificate(request: HttpRequest, typed: str) -> HttpResponse:
    """Answer a code that no certificate or letter has: it may be a claims paper's."""
    code = read_code(typed)
    if code and (paper := answers.claims_paper(verification_code=code)) is not None:
        return _by_a_person(request, paper)
    answers.not_found(what="code")
    form = VerifyForm({"code": typed})
    if form.is_valid():
        form.add_error("code", UNKNOWN_CODE)
    return _form_page(request, form, status=HTTPStatus.NOT_FOUND)


def _by_a_person(request: HttpRequest, paper: ClaimsPaper) -> HttpResponse:
    limits.was_right(request)
    answers.record_claims_paper(paper)
    return _form_page(request, VerifyForm(), claims_paper=paper)


def _form_page(
    request: HttpRequest,
    form: VerifyForm,
    *,
    file_form: FileForm | None = None,
    status: int = HTTPStatus.OK,
    **more: Any,
) -> HttpResponse:
    context = {"form": form, "file_form": file_form or FileForm(), **more}
    return render(request, "credentialing/verify/form.html", context, status=status)


def _answer_page(
    request: HttpRequest,
    answer: answers.Answer,
    form: ReceiptForm,
    *,
    is_our_file: bool = False,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    context = {"answer": answer, "c": answer.certificate, "s": answer.sheet, "form": form, "is_our_file": is_our_file}
    return render(request, "credentialing/verify/answer.html", context, status=status)


def _too_many(request: HttpRequest, until: dt.datetime | None) -> HttpResponse:
    until = until or timezone.now()
    context = {"until": until}
    response = render(request, "credentialing/verify/limited.html", context, status=HTTPStatus.TOO_MANY_REQUESTS)
    response["Retry-After"] = str(max(1, int((until - timezone.now()).total_seconds()) + 1))
    return response


def _status(form: VerifyForm) -> int:
    return HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
