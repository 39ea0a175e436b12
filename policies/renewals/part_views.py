"""Clinicians' parts: the board of who is missing, for the policyholder's people; and a clinician's own, behind her own
sign-in (B-16)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.decorators import step_up_required
from accounts.guards import session_of, subject_of, user_of
from core.idempotency import IdempotentForm
from core.keyset import keyset_page
from core.listing import tabs_of
from core.search import name_query
from policies.models import RenewalAsking, RenewalPart, RenewalSignature, SavedMeanwhileError
from policies.names import fold
from policies.renewals import asking, signing
from policies.renewals.access import NotNowError, Renewal, renewal_for
from policies.renewals.forms import EmailForm, PartSignForm
from policies.renewals.question_forms import changed_labels
from policies.renewals.views import crumbs

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from accounts.models import User
    from policies.renewals.question_forms import QuestionsForm

ORDER = ("sort_key", "id")
TABS = (("missing", "Missing"), ("signed", "Signed"), ("all", "All"))


@require_safe
def board(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show whose parts are missing, a page at a time, searched by name. What they answered isn't shown."""
    found = renewal_for(subject_of(request), public_id)
    app = found.the_application()
    chosen = request.GET.get("status", "") or "missing"
    parts = RenewalPart.objects.filter(application=app).select_related("insured")
    if chosen != "all":
        parts = parts.filter(signed_at__isnull=chosen != "signed")
    q = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    name = name_query(fold(q).split())
    if name is not None:
        parts = parts.filter(insured__search=name)
    elif q:
        parts = parts.none()
    context = {
        "renewal": found,
        "app": app,
        "page": keyset_page(parts, request, order=ORDER),
        "q": q,
        "status": chosen,
        "tabs": tabs_of(TABS, request.GET, default="missing"),
        "asks": _asks(found),
        "form": IdempotentForm(),
        "askings": list(app.askings.filter(status=RenewalAsking.QUEUED)[:1]),
        "crumbs": crumbs(found.policy),
    }
    return render(request, "policies/renewals/parts.html", context)


@require_POST
def ask_all(request: HttpRequest, public_id: str) -> HttpResponse:
    """Ask everyone who is missing."""
    found = _to_ask(request, public_id)
    form = IdempotentForm(request.POST)
    if form.is_valid():
        key = form.cleaned_data["idempotency_key"]
        try:
            asking.ask_all(found.the_application(), by=user_of(request), key=key)
        except (asking.NotAskedError, NotNowError) as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(
                request, "We’re writing to everyone who is missing and wasn’t written to within the last day."
            )
    return redirect("policies:renewal-parts", public_id)


@require_POST
def ask(request: HttpRequest, public_id: str, part_id: str) -> HttpResponse:
    """Ask or remind one clinician."""
    part = _part(_to_ask(request, public_id), part_id)
    try:
        asking.ask(part, by=user_of(request))
    except asking.NotAskedError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"We’ve emailed {part.insured.display_name} a link.")
    return redirect("policies:renewal-parts", public_id)


@require_POST
def withdraw(request: HttpRequest, public_id: str, part_id: str) -> HttpResponse:
    """Let a clinician's link open nothing anymore."""
    part = _part(_to_ask(request, public_id), part_id)
    if asking.withdraw(part, by=user_of(request)):
        messages.success(request, f"The link to {part.insured.display_name} doesn’t work anymore.")
    return redirect("policies:renewal-parts", public_id)


@require_http_methods(["GET", "HEAD", "POST"])
def email(request: HttpRequest, public_id: str, part_id: str) -> HttpResponse:
    """Correct where a clinician gets the link; a former link stops working. 422 for what isn't an address."""
    found = _to_ask(request, public_id)
    part = _part(found, part_id)
    form = EmailForm(request.POST if request.method == "POST" else None, initial={"email": part.email})
    if form.is_bound and form.is_valid():
        try:
            asking.change_email(part, email=form.cleaned_data["email"], by=user_of(request))
        except asking.NotAskedError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"Links for {part.insured.display_name} go to {part.email} now.")
        return redirect("policies:renewal-parts", public_id)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    way = [*crumbs(found.policy), ("Clinicians’ parts", reverse("policies:renewal-parts", args=[public_id]))]
    context = {"form": form, "part": part, "crumbs": way}
    return render(request, "policies/renewals/part_email.html", context, status=status)


def _asks(found: Renewal) -> bool:
    """Whether the user asks clinicians for their parts now."""
    app = found.application
    return found.fills_in and app is not None and signing.takes_parts(app) and not found.closed_because


def _to_ask(request: HttpRequest, public_id: str) -> Renewal:
    found = renewal_for(subject_of(request), public_id)
    found.the_application()
    if not found.fills_in:
        raise PermissionDenied("this user doesn’t fill in renewals of this policy")
    return found


def _part(found: Renewal, public_id: str) -> RenewalPart:
    app = found.the_application()
    rows = RenewalPart.objects.filter(application=app).select_related("insured")
    part = get_object_or_404(rows, public_id=public_id)
    part.application = app
    return part


# The clinician's own.


@require_http_methods(["GET", "HEAD", "POST"])
def own(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a clinician her own part, and save it. 404 for anyone else, 409 where it can't be changed now."""
    part = _own(request, public_id)
    return fill_in(
        request,
        part,
        by=user_of(request) if request.method == "POST" else None,
        here=part.get_absolute_url(),
        sign_at=reverse("policies:renewal-part-sign", args=[public_id]),
        autosave=reverse("policies:renewal-part-autosave", args=[public_id]),
    )


@require_POST
def own_autosave(request: HttpRequest, public_id: str) -> HttpResponse:
    """Save what a clinician has typed so far."""
    return autosave_part(request, _own(request, public_id), by=user_of(request))


@require_http_methods(["GET", "HEAD", "POST"])
@step_up_required
def own_sign(request: HttpRequest, public_id: str) -> HttpResponse:
    """Let a clinician sign her own part, after a fresh code."""
    part = _own(request, public_id)
    return sign_part(
        request,
        part,
        way=RenewalSignature.Way.SIGN_IN,
        by=user_of(request),
        code_at=session_of(request).verified_at,
        back=part.get_absolute_url(),
        here=reverse("policies:renewal-part-sign", args=[public_id]),
    )


def _own(request: HttpRequest, public_id: str) -> RenewalPart:
    rows = RenewalPart.objects.visible_to(subject_of(request)).select_related(
        "insured", "application__term", "application__policy__policyholder", "application__policy__company"
    )
    return get_object_or_404(rows, public_id=public_id)


# Both ways: by sign-in, and by link and code (`link_views`).


def fill_in(
    request: HttpRequest,
    part: RenewalPart,
    *,
    by: User | None,
    here: str,
    sign_at: str,
    autosave: str,
    narrow: bool = False,
) -> HttpResponse:
    """Show or save a part."""
    if part.signed_at is not None:
        return signed_page(request, part)
    form = signing.part_form(part, request.POST if request.method == "POST" else None)
    status, conflict = int(HTTPStatus.OK), None
    if form.is_bound:
        status, conflict = _save(part, form, by=by)
        if status == HTTPStatus.OK:
            if "later" in request.POST:
                messages.success(request, "Saved. You can go on later.")
                return redirect(here)
            return redirect(sign_at)
    context = {
        "part": part,
        "form": form,
        "conflict": conflict,
        "here": here,
        "autosave": autosave,
        "open": signing.takes_parts(part.application),
        "closed": signing.GONE,
        "by_link": narrow,
    }
    return render(request, "policies/renewals/part.html", context, status=status)


def _save(part: RenewalPart, form: QuestionsForm, *, by: User | None) -> tuple[int, dict[str, Any] | None]:
    try:
        signing.save_part(part, form, by=by)
    except SavedMeanwhileError as refusal:
        form.now_at(refusal.there.version)
        return HTTPStatus.CONFLICT, {"there": refusal.there, "changed": changed_labels(form, refusal.there.values)}
    except NotNowError as refusal:
        form.add_error(None, f"{refusal} What you typed is still on this page.")
        return HTTPStatus.CONFLICT, None
    form.now_at(part.version)
    if "later" in form.data or form.is_valid():
        return HTTPStatus.OK, None
    return HTTPStatus.UNPROCESSABLE_ENTITY, None


def autosave_part(request: HttpRequest, part: RenewalPart, *, by: User | None) -> HttpResponse:
    """Save what is typed so far, and say so in a line of the page."""
    context: dict[str, Any] = {}
    try:
        context["saved"] = signing.save_part(part, signing.part_form(part, request.POST), by=by)
    except SavedMeanwhileError as refusal:
        context["there"] = refusal.there
    except NotNowError as refusal:
        context["refusal"] = str(refusal)
    return render(request, "policies/renewals/_saved.html", context)


def sign_part(
    request: HttpRequest,
    part: RenewalPart,
    *,
    way: str,
    by: User | None,
    code_at: Any,
    back: str,
    here: str,
) -> HttpResponse:
    """Show what is signed, and take the signature. 422 for a form with errors, 409 where it can't be signed now."""
    if part.signed_at is not None:
        return signed_page(request, part)
    answers = signing.part_form(part, dict(part.values))
    if not answers.is_valid():
        messages.info(request, "Answer all questions first. Then you can sign.")
        return redirect(back)
    form = PartSignForm(request.POST if request.method == "POST" else None, insured=part.insured)
    status: int = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    if form.is_bound and form.is_valid():
        try:
            signing.sign_part(
                part, answers, signed_name=form.cleaned_data["signed_name"], way=way, by=by, code_at=code_at
            )
        except NotNowError as refusal:
            form.add_error(None, str(refusal))
            status = HTTPStatus.CONFLICT
        else:
            messages.success(request, "Signed. Thank you.")
            return redirect(back)
    policy = part.application.policy
    context = {
        "part": part,
        "form": form,
        "answers": answers.answers(),
        "text": signing.part_text(policy),
        "warning": signing.warning_for(policy, part.insured),
        "back": back,
        "here": here,
        "by_link": by is None,
    }
    return render(request, "policies/renewals/part_sign.html", context, status=status)


def signed_page(request: HttpRequest, part: RenewalPart) -> HttpResponse:
    """Show a clinician what she signed."""
    context = {"part": part, "signature": part.signature}
    return render(request, "policies/renewals/part_signed.html", context)
