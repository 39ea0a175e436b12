"""The renewal application: the list, a policy's renewal, its pages, review, submission, and what comes after (S-28)."""

from __future__ import annotations

import datetime as dt
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.decorators import keeps_no_session_alive, step_up_required
from accounts.guards import look_of, session_of, subject_of, user_of
from core import work
from core.dates import carrier_today
from core.downloads import FileChangedError, file_name_part, private_file_response
from core.events import record_event
from core.idempotency import IdempotentForm
from core.keyset import keyset_page
from core.throttle import Limit
from policies.models import RenewalApplication, RenewalSubmission
from policies.renewals import drafting, pages, signing, submitting
from policies.renewals.access import NotNowError, renewal_for
from policies.renewals.events import RenewalEvent
from policies.renewals.forms import MessageForm, SubmitForm
from policies.renewals.sections import problems_of, rows_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    from policies.models import Policy
    from policies.renewals.access import Renewal

ORDER = ("-changed_at", "-id")
HOUR = dt.timedelta(hours=1)
REPLIES = Limit("policies:renewal-reply", settings.SUPPORT_REPLIES_PER_USER, HOUR)
RETRIES = Limit("policies:renewal-retry", 3, HOUR)


@require_safe
def renewals(request: HttpRequest) -> HttpResponse:
    """Show the applications that the user sees, the latest change first. An agent has the submitted ones of clients."""
    found = pages.with_renewal(RenewalApplication.objects.visible_to(subject_of(request)))
    page = keyset_page(found, request, order=ORDER, count=True)
    today = carrier_today()
    context = {"page": page, "rows": [pages.row_of(one, today) for one in page.rows]}
    return render(request, "policies/renewals/list.html", context)


@require_safe
def renewal(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show where a policy's renewal is, and the way on. `?term=`: of an earlier term. 403 for those who don't see
    renewals of the policy."""
    found = renewal_for(subject_of(request), public_id, term_id=request.GET.get("term", ""))
    return _show(request, found, MessageForm())


@require_POST
def start(request: HttpRequest, public_id: str) -> HttpResponse:
    """Begin the application, or go on to the one that is there."""
    found = renewal_for(subject_of(request), public_id)
    form = IdempotentForm(request.POST)
    if not found.fills_in:
        raise PermissionDenied("this user doesn’t fill in renewals of this policy")
    if found.closed_because or found.term is None:
        messages.error(request, found.closed_because)
        return redirect("policies:renewal", public_id)
    if not form.is_valid():
        messages.error(request, "Something went wrong with that page. Try again.")
        return redirect("policies:renewal", public_id)
    key = form.cleaned_data["idempotency_key"]
    drafting.start(policy=found.policy, term=found.term, by=user_of(request), key=key)
    return redirect("policies:renewal", public_id)


@require_safe
def review(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show the whole application, and what keeps it from being submitted."""
    found = renewal_for(subject_of(request), public_id)
    app = found.the_application()
    return render(request, "policies/renewals/review.html", _review(found, app))


def _review(found: Renewal, app: RenewalApplication) -> dict[str, Any]:
    rows, lines = rows_of(app)
    shown = [
        (title, reverse("policies:renewal-page", args=[found.policy.public_id, name]), answers)
        for name, title, answers in submitting.answers_so_far(found.policy, rows)
    ]
    return {
        "renewal": found,
        "shown": shown,
        "lines": [submitting.line_of(line) for line in lines],
        "problems": problems_of(found.policy, rows, lines),
        "parts": pages.parts_step(app, found.policy.public_id) if app.parts_count else None,
        "crumbs": crumbs(found.policy),
    }


@require_http_methods(["GET", "HEAD", "POST"])
@step_up_required
def sign(request: HttpRequest, public_id: str) -> HttpResponse:
    """Attest with the state's fraud warning, and submit, after a fresh code: the policyholder's representatives alone.

    422 for a form with errors or an application that isn't ready, 409 where it was submitted or its term ended
    meanwhile.
    """
    found = renewal_for(subject_of(request), public_id)
    app = found.the_application()
    if not found.signs:
        raise PermissionDenied("only the policyholder’s representatives sign")
    form = SubmitForm(request.POST if request.method == "POST" else None, missing=app.missing_count)
    problems: list[Any] = []
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    if form.is_bound and form.is_valid():
        try:
            submitting.submit(
                app,
                by=user_of(request),
                signed_name=form.cleaned_data["signed_name"],
                without_missing=form.cleaned_data.get("without_missing", False),
                code_at=session_of(request).verified_at,
                key=form.cleaned_data["idempotency_key"],
            )
        except submitting.NotReadyError as refusal:
            problems = refusal.problems
            form.add_error(None, "The application isn’t complete. Review it, and complete the pages that need it.")
        except submitting.PartsMissingError:
            form.add_error(
                None, "A clinician came onto the policy meanwhile, whose part is missing. Open this page again."
            )
        except NotNowError as refusal:
            form.add_error(None, str(refusal))
            status = HTTPStatus.CONFLICT
        else:
            messages.success(request, "Submitted. We’ve emailed you that we have it.")
            return redirect("policies:renewal", public_id)
    elif not form.is_bound and not app.is_draft:
        return redirect("policies:renewal", public_id)
    context = {
        "renewal": found,
        "form": form,
        "problems": problems,
        "text": signing.attestation_text(found.policy),
        "warning": signing.warning_for(found.policy),
        "crumbs": crumbs(found.policy),
    }
    return render(request, "policies/renewals/sign.html", context, status=status)


@require_POST
def reopen(request: HttpRequest, public_id: str) -> HttpResponse:
    """Take a submitted application back, until staff have begun."""
    found = renewal_for(subject_of(request), public_id)
    app = found.the_application()
    if not found.signs:
        raise PermissionDenied("only the policyholder’s representatives reopen it")
    if found.can_reopen and app.reopen(by=user_of(request)):
        messages.success(request, "The application is open again. Sign and submit it again when you’re done.")
    else:
        messages.error(request, "We’ve begun our review, or it has ended. Ask us below to reopen it.")
    return redirect("policies:renewal", public_id)


@require_POST
def message(request: HttpRequest, public_id: str) -> HttpResponse:
    """Write to us about a submitted application, or ask us to reopen it. 422 without words, 429 past the limit."""
    found = renewal_for(subject_of(request), public_id)
    app = found.the_application()
    if not found.fills_in:
        raise PermissionDenied("this user doesn’t fill in renewals of this policy")
    form = MessageForm(request.POST)
    if not form.is_valid():
        return _show(request, found, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    user, key, text = user_of(request), form.cleaned_data["idempotency_key"], form.cleaned_data["text"]
    is_new = not app.messages.filter(idempotency_key=key).exists()
    if is_new and not REPLIES.hit(str(user.pk)).allowed:
        form.add_error(
            None, "You’ve sent a lot in the last hour. What you typed is still here. Try again later, or call."
        )
        return _show(request, found, form, status=HTTPStatus.TOO_MANY_REQUESTS)
    asks = "reopen" in request.POST
    sent = (app.ask_to_reopen if asks else app.reply)(text=text, key=key, by=user)
    if sent is None:
        form.add_error(None, "This application takes no messages now. Call us.")
        return _show(request, found, form, status=HTTPStatus.CONFLICT)
    messages.success(request, "Sent. We’ll email you when there’s an answer.")
    return redirect("policies:renewal", public_id)


@require_safe
def pdf(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Download the application as it was submitted. Until the file is made, back to the page that waits for it."""
    submission = _submission(request, public_id)
    policy = submission.application.policy
    if not submission.is_ready:
        return redirect("policies:renewal", policy.public_id)
    name = f"Renewal application {file_name_part(policy.number)}.pdf"
    try:
        response = private_file_response(submission.file, filename=name, sha256=submission.sha256)
    except (FileNotFoundError, FileChangedError) as error:
        raise Http404("the file of the submission isn’t there") from error
    if look_of(request) is None:
        record_event(
            RenewalEvent.DOWNLOADED,
            subject=submission.application,
            by=user_of(request),
            submission=submission.public_id,
        )
    return response


@require_safe
@keeps_no_session_alive
def progress(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show whether the PDF is made, asked for again and again by the page."""
    submission = _submission(request, public_id)
    if look_of(request) is None:
        work.requeue_lost(only=submission)
    return render(request, "policies/renewals/_paper.html", {"submission": submission})


@require_POST
def retry(request: HttpRequest, public_id: str) -> HttpResponse:
    """Try a PDF again that failed, three times an hour."""
    submission, user = _submission(request, public_id), user_of(request)
    if RETRIES.hit(str(user.pk)).allowed:
        work.retry(submission, by=user)
    else:
        messages.error(request, "It was tried several times already. Try again in an hour, or call us.")
    return redirect("policies:renewal", submission.application.policy.public_id)


def _submission(request: HttpRequest, public_id: str) -> RenewalSubmission:
    """Return a submission that the user sees: 404 for another customer's."""
    seen = RenewalApplication.objects.visible_to(subject_of(request))
    rows = RenewalSubmission.objects.filter(application__in=seen).select_related("application__policy")
    return get_object_or_404(rows, public_id=public_id)


def _show(request: HttpRequest, found: Renewal, form: MessageForm, *, status: int = HTTPStatus.OK) -> HttpResponse:
    context = {
        "page": pages.overview_of(found),
        "renewal": found,
        "app": found.application,
        "form": form,
        "start": IdempotentForm(),
        "user_id": subject_of(request).pk,
        "crumbs": crumbs(found.policy, own=False),
    }
    return render(request, "policies/renewals/renewal.html", context, status=status)


def crumbs(policy: Policy, *, own: bool = True) -> list[tuple[str, str]]:
    """Return the way back."""
    way = [("Policies", reverse("policies:list")), (policy.number, policy.get_absolute_url())]
    return [*way, ("Renewal", reverse("policies:renewal", args=[policy.public_id]))] if own else way
