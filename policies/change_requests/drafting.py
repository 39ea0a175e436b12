"""Drafts of change requests: what was typed, saved as it is, and sent once it's complete (S-32)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core.events import record_event
from core.idempotency import create_once
from core.requests import LONGEST_TEXT
from policies.change_requests import opening
from policies.change_requests.events import ChangeEvent
from policies.change_requests.forms import ChangeForm, Item, SupplementForm
from policies.models import ChangeRequest
from policies.models.change_requests import DRAFT, submitted_now

if TYPE_CHECKING:
    import uuid

    from django import forms
    from django.http import QueryDict

    from accounts.models import User
    from policies.change_requests.opening import Signature
    from policies.change_requests.registry import Kind
    from policies.models import Membership, Policy

# The parts of a draft that are typed on a page of their own.
FORM, SUPPLEMENT = "form", "supplement"
MOST_VALUES = 80
# How many drafts one run forgets.
MOST_AT_ONCE = 1000
Typed = dict[str, list[str]]


class ChangedError(Exception):
    """The draft was saved in another window since this page was opened."""


class GoneError(Exception):
    """The draft was sent, or discarded, meanwhile."""


def typed_in(form: forms.Form, data: QueryDict) -> Typed:
    """Return what was typed into a form's fields, unchecked: bounded, and without what no database keeps."""
    found = {}
    for name in form.fields:
        values = [clean(value) for value in data.getlist(name)[:MOST_VALUES]]
        if any(values):
            found[name] = values
    return found


def clean(value: str) -> str:
    """Return a typed value as it can be kept."""
    kept = value.replace("\0", "").encode("utf-8", "ignore").decode()
    return kept[: LONGEST_TEXT * 2]


def initial_of(form: type[forms.Form], typed: Typed) -> dict[str, Any]:
    """Return what was typed as initial values of its form."""
    lists = {name for name, field in form.base_fields.items() if hasattr(field.widget, "allow_multiple_selected")}
    many = {name for name in lists if form.base_fields[name].widget.allow_multiple_selected}
    return {name: values if name in many else values[0] for name, values in typed.items() if values}


def start(
    *, user: User, membership: Membership, policy: Policy, kind: Kind, key: uuid.UUID, typed: Typed
) -> tuple[ChangeRequest, bool]:
    """Keep a new draft; the same key is the draft that is there. Raises `opening.TooManyError`."""
    own = ChangeRequest.objects.filter(user=user)
    if (there := own.filter(idempotency_key=key).first()) is not None:
        return there, False
    opening.count_draft(user)

    def create() -> ChangeRequest:
        draft = ChangeRequest(
            user=user, membership=membership, policy=policy, kind=kind.key, idempotency_key=key, version=1
        )
        draft.typed = {FORM: typed}
        draft.save(force_insert=True)
        record_event(ChangeEvent.REQUEST_STARTED, subject=draft, by=user, kind=kind.key, policy=policy.public_id)
        return draft

    return create_once(own, key=key, create=create)


def save(draft: ChangeRequest, *, part: str, typed: Typed, version: int | None) -> None:
    """Keep what was typed on one page of a draft. `version`: of the draft as that page showed it.

    Raises `ChangedError` where another window has saved something else since, and `GoneError`.
    """
    with transaction.atomic():
        now = _locked(draft)
        kept = now.typed
        if kept.get(part, {}) != typed:
            if version is not None and version != now.version:
                draft.version = now.version
                raise ChangedError
            now.typed = {**kept, part: typed}
            now.version += 1
            now.changed_at = timezone.now()
            now.save(update_fields=["typed_text", "version", "changed_at"])
    draft.typed_text, draft.version, draft.changed_at = now.typed_text, now.version, now.changed_at


def discard(draft: ChangeRequest, *, by: User) -> None:
    """Forget a draft. Raises `GoneError` where it was sent or discarded."""
    with transaction.atomic():
        now = _locked(draft)
        record_event(ChangeEvent.REQUEST_DISCARDED, subject=now, by=by, kind=now.kind, policy=now.policy.public_id)
        _delete(now)


def forget_old() -> int:
    """Delete the drafts that nobody has touched for `CHANGE_DRAFT_DAYS`; returns how many. Each by itself, so that one
    that somebody saves at this moment is left."""
    before = timezone.now() - dt.timedelta(days=settings.CHANGE_DRAFT_DAYS)
    forgotten = 0
    for draft in ChangeRequest.objects.filter(status=DRAFT, changed_at__lt=before).order_by("pk")[:MOST_AT_ONCE]:
        with transaction.atomic():
            now = ChangeRequest.objects.select_for_update().filter(pk=draft.pk, status=DRAFT).first()
            if now is None or now.changed_at >= before:
                continue
            record_event(ChangeEvent.REQUEST_FORGOTTEN, subject=now, on_behalf_of=now.user, kind=now.kind)
            _delete(now)
        forgotten += 1
    return forgotten


def _delete(draft: ChangeRequest) -> None:
    for file in draft.files.select_related("upload"):
        file.remove()
    draft.delete()


def submit(
    draft: ChangeRequest,
    *,
    form: ChangeForm,
    supplement: SupplementForm | None,
    signature: Signature | None,
    version: int,
    by: User,
) -> None:
    """Send a draft: keep what its valid forms hold as items, and tell everyone.

    Raises `opening.TooManyError`, `ChangedError` where it was saved since the page that was reviewed, and `GoneError`
    where it was sent already.
    """
    if draft.is_draft:
        opening.count_request(by)
    with transaction.atomic():
        now = _locked(draft)
        if now.version != version:
            raise ChangedError
        now.effective, now.until = form.day, form.end
        now.term, now.insured, now.about = form.term, form.person, form.about()
        submitted_now(now)
        opening.sign(now, signature, by=by)
        now.save()
        opening.sent(now, items_of(form, supplement), by=by)


def items_of(form: ChangeForm, supplement: SupplementForm | None) -> list[Item]:
    """Return what is asked for: the items of the form, what certificates will say, and the supplemental application."""
    items = form.items()
    if (says := certificate_of(form)) and items:
        items[0].shown.append(["What certificates will say", says])
    if supplement is not None:
        items.append(supplement.as_item(action=SUPPLEMENT, label=supplement.title, insured=form.person))
    return items


def certificate_of(form: ChangeForm) -> str:
    """Return what certificates will say once the change is done: staff's words, else the kind's."""
    if form.kind.certificate is None:
        return ""
    return form.rule.certificate or form.kind.certificate(form)


def _locked(draft: ChangeRequest) -> ChangeRequest:
    now: ChangeRequest | None = (
        ChangeRequest.objects.select_for_update(of=("self",))
        .select_related("policy", "user")
        .filter(pk=draft.pk)
        .first()
    )
    if now is None or now.status != DRAFT:
        raise GoneError
    return now
