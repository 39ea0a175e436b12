"""Change requests: the lists, one with its messages, replies, and withdrawing it (S-32)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.guards import subject_of, user_of
from core.areas import hook
from core.bodies import accepts_upload
from core.keyset import keyset_page
from core.uploads.forms import MOST_AT_ONCE
from policies.change_requests import opening, words
from policies.change_requests.filters import ChangeFilter, listing_of
from policies.change_requests.replying import ReplyForm, keep
from policies.models import ChangeRequest, Policy

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

ORDER = ("-changed_at", "-id")
ITEMS_SHOWN = 25
KEPT = "What you wrote is still here."


@require_safe
def change_list(request: HttpRequest) -> HttpResponse:
    """Show the change requests of the user's own parties, the latest change first; 422 for what can't be searched."""
    return _list(request, None)


@require_safe
def policy_changes(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show those of one policy. 404 for an outsider, 403 for those who ask for no changes."""
    user = subject_of(request)
    policy = get_object_or_404(Policy.objects.visible_to(user).with_page(), public_id=public_id)
    if not opening.may_ask(user, policy):
        raise PermissionDenied("this user asks for no changes of this policy")
    return _list(request, policy)


def _list(request: HttpRequest, policy: Policy | None) -> HttpResponse:
    user = subject_of(request)
    found = ChangeRequest.objects.visible_to(user).select_related("policy", "insured", "user")
    narrowed = ChangeFilter(request.GET, found.filter(policy=policy) if policy else found, request=request)
    understood = narrowed.is_valid()
    page = keyset_page(narrowed.qs if understood else found.none(), request, order=ORDER, count=True)
    context = {
        "page": page,
        "rows": [words.row_of(one, user) for one in page.rows],
        "filter": narrowed,
        "listing": listing_of(request.GET),
        "policy": policy,
        "crumbs": policy_crumbs(policy),
    }
    status = HTTPStatus.OK if understood else HTTPStatus.UNPROCESSABLE_ENTITY
    return render(request, "policies/changes/list.html", context, status=status)


@require_safe
def change_page(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a request with its clock and messages; a draft is led to where it goes on. 404 for another party's."""
    asked = own(request, public_id)
    if asked.is_draft:
        return redirect("policies:change-edit", public_id=public_id)
    return _show(request, asked, ReplyForm())


@require_POST
@accepts_upload(MOST_AT_ONCE)
def reply(request: HttpRequest, public_id: str) -> HttpResponse:
    """Add a reply, and files. 404 for another party's request, 422 without words or for a file that is refused (the
    others are kept), 409 where it has come to its end, 429 past the user's limit."""
    asked = own(request, public_id)
    form = ReplyForm(request.POST, request.FILES)
    form.kept = asked.files.count()
    understood = form.is_valid()
    if not asked.is_closed:
        keep(form, asked, by=user_of(request))
    if not understood:
        return _show(request, asked, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        sent = form.send(asked, by=user_of(request))
    except opening.TooManyError as refusal:
        form.add_error(None, f"{refusal} {KEPT}")
        return _show(request, asked, form, status=HTTPStatus.TOO_MANY_REQUESTS)
    if sent is None:
        form.add_error(None, "This request has come to its end meanwhile. Send a new one.")
        return _show(request, own(request, public_id), form, status=HTTPStatus.CONFLICT)
    return redirect(asked)


@require_POST
def withdraw(request: HttpRequest, public_id: str) -> HttpResponse:
    """Withdraw a request. 404 for another party's."""
    asked = own(request, public_id)
    if asked.withdraw(by=user_of(request)):
        messages.success(request, "Your request is withdrawn. Nothing was changed on the policy.")
    else:
        messages.info(request, "It had come to its end already. Nothing was changed.")
    return redirect(asked)


def own(request: HttpRequest, public_id: str) -> ChangeRequest:
    """Return a request, or draft, of the user's own parties; 404 for another one."""
    rows = ChangeRequest.objects.visible_to(subject_of(request)).select_related(
        "policy__company", "policy__policyholder", "insured", "term", "user", "membership", "signed_by"
    )
    found: ChangeRequest = get_object_or_404(rows, public_id=public_id)
    return found


def policy_crumbs(policy: Policy | None) -> list[tuple[str, str]]:
    """Return the way to a policy's change requests."""
    first = ("Policies", reverse("policies:list"))
    return [first, (policy.number, policy.get_absolute_url())] if policy else [first]


def changes_crumbs(policy: Policy) -> list[tuple[str, str]]:
    """Return the way to one of a policy's change requests."""
    return [
        *policy_crumbs(policy),
        ("Change requests", reverse("policies:policy-changes", args=[policy.public_id])),
    ]


def _show(
    request: HttpRequest, asked: ChangeRequest, form: ReplyForm, *, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    user = subject_of(request)
    context: dict[str, Any] = {
        "asked": asked,
        "shown": words.row_of(asked, user),
        "charge": words.charge_in_words(asked),
        "items": keyset_page(asked.items.all(), request, order=("position", "id"), size=ITEMS_SHOWN, count=True),
        "files": list(asked.files.select_related("upload")),
        "thread": list(asked.messages.select_related("author")),
        "form": form,
        "user_id": user.pk,
        "checklist": checklist(asked) if (checklist := hook("policies.checklist")) else "",
        "crumbs": changes_crumbs(asked.policy),
    }
    return render(request, "policies/changes/request.html", context, status=status)
