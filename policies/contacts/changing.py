"""Contact details that a change request asks for: told to both addresses, taken over at once where a company has it so,
and published (docs/decisions/0231-contact-details-at-once.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core.events import record_event
from core.outbox import publish
from policies import emails
from policies.change_requests.kinds.contact import FIELDS
from policies.events import PolicyEvent
from policies.models import ChangeRequest

if TYPE_CHECKING:
    from policies.models import ChangeItem, Insured, Policyholder

KIND = "contact"
# Registration and recovery trust the email on file, so staff always look at a new one.
NEVER_AT_ONCE = "email"


def submitted(payload: dict[str, Any], *, key: str) -> None:
    """Tell both email addresses, and take over the rest at once if the company has it so. Handles
    `change_request.submitted`."""
    asked, item = _asked(payload)
    if asked is None or item is None:
        return
    party, changes = _party(asked), _changes(item)
    if NEVER_AT_ONCE in changes:
        emails.contact_email(asked, old=party.email, new=changes[NEVER_AT_ONCE])
    if not is_at_once(asked.policy.company.external_id):
        return
    taken = {name: value for name, value in changes.items() if name != NEVER_AT_ONCE}
    with transaction.atomic():
        if asked.is_closed:
            return
        if taken:
            type(party).objects.filter(pk=party.pk).update(**taken, updated_at=timezone.now())
            _published(asked, party, taken)
        if len(taken) == len(changes):
            asked.done_at_once()


def done(payload: dict[str, Any], *, key: str) -> None:
    """Publish what changed. Handles `change_request.done`."""
    asked, item = _asked(payload)
    if asked is None or item is None:
        return
    changes = _changes(item)
    at_once = is_at_once(asked.policy.company.external_id)
    names = [name for name in changes if not at_once or name == NEVER_AT_ONCE]
    if names:
        with transaction.atomic():
            _published(asked, _party(asked), names, key=":done")


def is_at_once(company: str) -> bool:
    """Whether addresses and phone numbers of a company's policies are taken over without staff."""
    return bool({company, "*"} & set(settings.CONTACT_CHANGES_AT_ONCE))


def _asked(payload: dict[str, Any]) -> tuple[ChangeRequest | None, ChangeItem | None]:
    if payload["kind"] != KIND:
        return None, None
    found = ChangeRequest.objects.select_related("policy__company", "policy__policyholder", "insured", "user")
    asked = found.filter(public_id=payload["request"]).first()
    return asked, asked.items.first() if asked is not None else None


def _party(asked: ChangeRequest) -> Insured | Policyholder:
    return asked.insured or asked.policy.policyholder


def _changes(item: ChangeItem) -> dict[str, str]:
    """Return the new values by field; a new address has no second line unless it says one."""
    changes = {name: str(item.answers[name]) for name in FIELDS if item.answers.get(name)}
    if "address1" in changes:
        changes.setdefault("address2", "")
    return changes


def _published(asked: ChangeRequest, party: Insured | Policyholder, names: Any, *, key: str = "") -> None:
    """Record that these fields changed, and publish their names, never their values."""
    facts = {"fields": sorted(names), "party": party._meta.model_name, "id": party.public_id}
    payload = facts | {"request": asked.public_id, "policy": asked.policy.public_id}
    record_event(PolicyEvent.CONTACT_CHANGED, subject=party, on_behalf_of=asked.user, fields=facts["fields"])
    publish("contact.changed", payload, key=f"{asked.public_id}{key}")
