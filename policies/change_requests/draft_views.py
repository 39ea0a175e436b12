"""Writing a change request: the kinds, the form, its supplemental application, the review, and sending it (S-32)."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms.utils import ErrorDict
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.guards import subject_of, user_of
from core.bodies import accepts_upload
from core.uploads.forms import MOST_AT_ONCE, FilesForm
from policies.change_requests import drafting, files, opening, people, words
from policies.change_requests.drafting import FORM, SUPPLEMENT
from policies.change_requests.registry import Group, Kind, kind_of
from policies.change_requests.rules import rule_of
from policies.change_requests.signing import ReviewForm, digest_of, text_to_sign
from policies.change_requests.views import KEPT, changes_crumbs, own
from policies.models import ChangeRequest, Policy

if TYPE_CHECKING:
    from django.http import HttpRequest

    from accounts.models import User
    from policies.change_requests.forms import ChangeForm, SupplementForm

SENT_ALREADY = "This request was sent already."
OTHER_WINDOW = (
    "This draft was changed in another window since you opened this page. What you typed here is still here; saving it "
    "replaces what was saved there."
)


@require_http_methods(["GET", "HEAD", "POST"])
@accepts_upload(MOST_AT_ONCE)
def new(request: HttpRequest, public_id: str) -> HttpResponse:
    """Choose what to ask for, or with `?kind=` write it. `?insured=` fills in whom it is about.

    404 for an outsider, 403 for those who may not ask, 409 for what the policy can't have, 422 for answers that aren't
    complete (the draft is saved all the same), 429 past the user's limit.
    """
    user = subject_of(request)
    policy = get_object_or_404(Policy.objects.visible_to(user).with_page(), public_id=public_id)
    kind = kind_of(request.GET.get("kind", ""))
    if kind is None:
        return _kinds(request, user, policy)
    membership = opening.required(user, policy, kind)
    if kind.form is None:
        return redirect(kind.start, policy.public_id)
    if refusal := opening.refusal_of(kind, policy):
        return _kinds(request, user, policy, refusal=f"{kind.title}: {refusal}", status=HTTPStatus.CONFLICT)
    if request.method != "POST":
        form = kind.form(kind=kind, policy=policy, membership=membership, initial=_known(request, policy))
        return _show(request, form, draft=None, kind=kind, policy=policy, key=str(uuid.uuid4()))
    return _begin(request, kind.form(request.POST, kind=kind, policy=policy, membership=membership))


def _begin(request: HttpRequest, form: ChangeForm) -> HttpResponse:
    """Keep a new draft of what was typed, and go on. The same form twice is one draft."""
    key, kind, policy = _key(request.POST), form.kind, form.policy
    try:
        draft, is_new = drafting.start(
            user=user_of(request),
            membership=form.membership,
            policy=policy,
            kind=kind,
            key=key,
            typed=drafting.typed_in(form, request.POST),
        )
    except opening.TooManyError as refused:
        return _show(
            request,
            form,
            draft=None,
            kind=kind,
            policy=policy,
            key=str(key),
            notice=f"{refused} {KEPT}",
            status=HTTPStatus.TOO_MANY_REQUESTS,
        )
    if not is_new and not draft.is_draft:
        messages.info(request, SENT_ALREADY)
        return redirect(draft)
    return _take(request, draft, form, part=FORM, saved=is_new)


@require_http_methods(["GET", "HEAD", "POST"])
@accepts_upload(MOST_AT_ONCE)
def edit(request: HttpRequest, public_id: str) -> HttpResponse:
    """Go on with a draft. 404 for another party's, 409 where another window has changed it, 422 for answers that aren't
    complete."""
    draft = own(request, public_id)
    if not draft.is_draft:
        return redirect(draft)
    kind = _kind_of(draft)
    typed = draft.typed.get(FORM, {})
    if request.method == "POST":
        return _take(request, draft, _form(draft, kind, request.POST), part=FORM)
    form = _form(draft, kind, _sent(typed) if "check" in request.GET else None)
    return _show(request, form, draft=draft, kind=kind, policy=draft.policy)


@require_http_methods(["GET", "HEAD", "POST"])
def supplement(request: HttpRequest, public_id: str) -> HttpResponse:
    """Fill in the supplemental application that a draft's answers call for; without one, go on to the review."""
    draft = own(request, public_id)
    if not draft.is_draft:
        return redirect(draft)
    form = _form(draft, _kind_of(draft), _sent(draft.typed.get(FORM, {})))
    if not form.is_valid():
        return redirect(f"{_address('change-edit', draft)}?check=1")
    asks = _asks(form)
    if asks is None:
        return redirect("policies:change-review", public_id=public_id)
    typed = draft.typed.get(SUPPLEMENT, {})
    if request.method == "POST":
        return _take(request, draft, asks(request.POST), part=SUPPLEMENT)
    answers = asks(_sent(typed)) if "check" in request.GET else asks(initial=drafting.initial_of(asks, typed))
    return _show(request, answers, draft=draft, kind=form.kind, policy=draft.policy, part=SUPPLEMENT)


@require_http_methods(["GET", "HEAD", "POST"])
def review(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show what will be sent, with what to know before, and send it. 409 where it was changed since, 422 without a
    signature that is needed, 429 past the user's limit. Sending it twice sends it once."""
    draft = own(request, public_id)
    if not draft.is_draft:
        return redirect(draft)
    form = _form(draft, _kind_of(draft), _sent(draft.typed.get(FORM, {})))
    if not form.is_valid():
        return redirect(f"{_address('change-edit', draft)}?check=1")
    asks = _asks(form)
    answers = asks(_sent(draft.typed.get(SUPPLEMENT, {}))) if asks else None
    if answers is not None and not answers.is_valid():
        return redirect(f"{_address('change-supplement', draft)}?check=1")
    text = text_to_sign(form, answers)
    shown: dict[str, Any] = {"initial": {"version": draft.version, "digest": digest_of(text) if text else ""}}
    sending = ReviewForm(
        request.POST if request.method == "POST" else None, text=text, user=subject_of(request), **shown
    )
    status, notice = HTTPStatus.OK, ""
    if sending.is_bound:
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        if sending.is_valid():
            status, notice = _send(request, draft, form, answers, sending)
            if status == HTTPStatus.OK:
                return redirect(draft)
    if status == HTTPStatus.CONFLICT:
        sending = ReviewForm(text=text, user=subject_of(request), **shown)
    context = {
        "draft": draft,
        "kind": form.kind,
        "form": sending,
        "items": drafting.items_of(form, answers),
        "effective": form.day,
        "warnings": form.warnings(),
        "statement": text,
        "files": list(draft.files.select_related("upload")),
        "asks_more": asks is not None,
        "notice": notice,
        "hours": words.hours(),
        "crumbs": changes_crumbs(draft.policy),
    }
    return render(request, "policies/changes/review.html", context, status=status)


@require_POST
def discard(request: HttpRequest, public_id: str) -> HttpResponse:
    """Forget a draft. 404 for another party's; one that was sent stays."""
    draft = own(request, public_id)
    try:
        drafting.discard(draft, by=user_of(request))
    except drafting.GoneError:
        messages.info(request, SENT_ALREADY)
        return redirect(draft)
    messages.success(request, "The draft is discarded. Nothing was sent.")
    return redirect("policies:policy-changes", public_id=draft.policy.public_id)


def _take(
    request: HttpRequest, draft: ChangeRequest, form: ChangeForm | SupplementForm, *, part: str, saved: bool = False
) -> HttpResponse:
    """Save what was typed on one page, and go where the button said: on, or away until later."""
    by_itself = request.POST.get("intent") == "autosave"
    is_new = saved
    try:
        if not saved:
            typed = drafting.typed_in(form, request.POST)
            drafting.save(draft, part=part, typed=typed, version=_version(request.POST))
    except drafting.GoneError:
        messages.info(request, SENT_ALREADY)
        return redirect("policies:policy-changes", public_id=draft.policy.public_id)
    except drafting.ChangedError:
        if by_itself:
            return render(request, "policies/changes/_saved.html", {"draft": None})
        return _again(request, draft, form, part=part, status=HTTPStatus.CONFLICT)
    if by_itself:
        response = render(request, "policies/changes/_saved.html", {"draft": draft})
        if is_new:
            # What is reloaded, or sent without the script, goes on with this draft.
            response["HX-Replace-Url"] = _address("change-edit", draft)
        return response
    if part == FORM and "remove" in request.POST:
        files.remove(draft, request.POST["remove"])
        return redirect("policies:change-edit", public_id=draft.public_id)
    taken = files.take(request, draft, by=user_of(request)) if part == FORM else None
    return _go_on(request, draft, form, part=part, taken=taken)


def _go_on(
    request: HttpRequest,
    draft: ChangeRequest,
    form: ChangeForm | SupplementForm,
    *,
    part: str,
    taken: FilesForm | None,
) -> HttpResponse:
    """Go where the button said, from a page of a draft that is saved; nowhere while a file is refused."""
    refused = taken is not None and not taken.is_valid()
    if refused and request.POST.get("intent") == "save":
        only_files = _unchecked(form)
        return _again(request, draft, only_files, part=part, taken=taken, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if request.POST.get("intent") == "save":
        messages.success(request, "The draft is saved. You can go on with it on any device.")
        return redirect("policies:policy-changes", public_id=draft.policy.public_id)
    if not form.is_valid() or refused:
        return _again(request, draft, form, part=part, taken=taken, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    step = "change-supplement" if part == FORM and _asks(form) else "change-review"
    return redirect(f"policies:{step}", public_id=draft.public_id)


def _again(
    request: HttpRequest,
    draft: ChangeRequest,
    form: forms.Form,
    *,
    part: str,
    status: HTTPStatus,
    taken: FilesForm | None = None,
) -> HttpResponse:
    """Show a page of a draft again with what was typed: with what is wrong (422), or what happened meanwhile (409)."""
    conflict = status == HTTPStatus.CONFLICT
    return _show(
        request,
        _unchecked(form) if conflict else form,
        draft=draft,
        kind=_kind_of(draft),
        policy=draft.policy,
        part=part,
        taken=taken,
        notice=OTHER_WINDOW if conflict else "",
        status=status,
    )


def _send(
    request: HttpRequest,
    draft: ChangeRequest,
    form: ChangeForm,
    answers: SupplementForm | None,
    sending: ReviewForm,
) -> tuple[HTTPStatus, str]:
    """Send a draft; returns a status, and a sentence where it wasn't sent."""
    if not sending.is_of_what_was_shown:
        return HTTPStatus.CONFLICT, "The statement has changed since you opened this page. Read it again, and sign."
    try:
        drafting.submit(
            draft,
            form=form,
            supplement=answers,
            signature=sending.signature,
            version=sending.cleaned_data["version"],
            by=user_of(request),
        )
    except drafting.ChangedError:
        return HTTPStatus.CONFLICT, "The draft was changed in another window. Check it again, and then send it."
    except drafting.GoneError:
        messages.info(request, SENT_ALREADY)
        return HTTPStatus.OK, ""
    except opening.TooManyError as refusal:
        return HTTPStatus.TOO_MANY_REQUESTS, f"{refusal} Your draft is saved."
    messages.success(request, "We have your request. We’ll email you when there’s an answer.")
    return HTTPStatus.OK, ""


def _kinds(
    request: HttpRequest, user: User, policy: Policy, *, refusal: str = "", status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    offered = opening.offered_to(user, policy)
    if not offered:
        raise PermissionDenied("this user asks for no changes of this policy")
    groups = [(group, [one for one in offered if one[0].group == group]) for group in Group]
    insured = _of_policy(request, policy)
    context = {
        "policy": policy,
        "groups": [(group, of_group) for group, of_group in groups if of_group],
        "insured": insured,
        "refusal": refusal,
        "hours": words.hours(),
        "crumbs": changes_crumbs(policy),
    }
    return render(request, "policies/changes/kinds.html", context, status=status)


def _show(
    request: HttpRequest,
    form: forms.Form,
    *,
    taken: FilesForm | None = None,
    draft: ChangeRequest | None,
    kind: Kind,
    policy: Policy,
    part: str = FORM,
    key: str = "",
    notice: str = "",
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    """Show one page of a draft."""
    context = {
        "form": form,
        "draft": draft,
        "kind": kind,
        "policy": policy,
        "part": part,
        "key": key,
        "notice": notice,
        "rule": rule_of(kind, policy) if part == FORM else None,
        "taking": (taken or FilesForm()) if part == FORM else None,
        "files": list(draft.files.select_related("upload")) if draft and part == FORM else [],
        "version": draft.version if draft else 0,
        "crumbs": changes_crumbs(policy),
    }
    return render(request, "policies/changes/form.html", context, status=status)


def _unchecked(form: forms.Form) -> forms.Form:
    """Return a form that shows what was typed, and finds no fault with it."""
    # Django has no other way to show typed values only.
    form._errors = ErrorDict()  # type: ignore[attr-defined]  # noqa: SLF001
    form.cleaned_data = {}
    return form


def _form(draft: ChangeRequest, kind: Kind, data: QueryDict | None) -> ChangeForm:
    """Return the form of a draft: bound to what was sent, or showing what was saved."""
    if kind.form is None:
        raise Http404("this kind has pages of its own")
    given: dict[str, Any] = {"kind": kind, "policy": draft.policy, "membership": draft.membership}
    if data is not None:
        return kind.form(data, **given)
    return kind.form(initial=drafting.initial_of(kind.form, draft.typed.get(FORM, {})), **given)


def _asks(form: Any) -> type[SupplementForm] | None:
    """Return the supplemental application that a valid form calls for."""
    kind: Kind = form.kind
    return kind.supplement(form) if kind.supplement is not None else None


def _kind_of(draft: ChangeRequest) -> Kind:
    kind = draft.of_kind
    if kind is None or kind.form is None:
        raise Http404("the portal has no pages for this kind any more")
    return kind


def _sent(typed: drafting.Typed) -> QueryDict:
    """Return what was typed as a browser sends it."""
    data = QueryDict(mutable=True)
    for name, values in typed.items():
        data.setlist(name, values)
    return data


def _known(request: HttpRequest, policy: Policy) -> dict[str, Any]:
    insured = _of_policy(request, policy)
    if insured is None:
        return {}
    few = people.few_on(policy)
    return {"insured": insured.public_id if few is not None else insured.display_name}


def _of_policy(request: HttpRequest, policy: Policy) -> Any:
    """Return the insured that the page which led here named, if they're on the policy."""
    wanted = request.GET.get("insured", "").replace("\0", "")
    return people.on_policy(policy).filter(public_id=wanted).first() if wanted else None


def _key(data: QueryDict) -> uuid.UUID:
    """Return the form's key; a new one where a browser sent none."""
    try:
        return uuid.UUID(data.get("idempotency_key", ""))
    except ValueError:
        return uuid.uuid4()


def _version(data: QueryDict) -> int | None:
    """Return the version of the draft that the page showed; None where a browser sent none."""
    sent = data.get("version", "")
    return int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else None


def _address(name: str, draft: ChangeRequest) -> str:
    return reverse(f"policies:{name}", args=[draft.public_id])
