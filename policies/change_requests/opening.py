"""Who may ask for a change, and sending one (S-32)."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from core.events import record_event
from core.idempotency import create_once
from core.refusals import record_refusal
from core.templatetags.show import clock
from core.throttle import Limit
from policies.change_requests.events import ChangeEvent
from policies.change_requests.registry import Kind, Rule, kind_of, kinds
from policies.change_requests.rules import rule_of, rules_for
from policies.models import ChangeItem, ChangeMessage, ChangeRequest
from policies.models.change_requests import submitted_now
from policies.rights import by_which
from policies.roles import Capability

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from accounts.models import User
    from policies.change_requests.forms import Item
    from policies.models import Insured, Membership, Policy, Term

HOUR = dt.timedelta(hours=1)
# Rows of a bulk request in one INSERT.
BATCH = 1000


class TooManyError(Exception):
    """The user's limit is reached; the message says until when."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A statement as it was signed: the words, and the name that was typed."""

    text: str
    name: str


def membership_for(user: User, policy: Policy, kind: Kind | None = None) -> Membership | None:
    """Return the membership by which a user asks for changes of a policy, or for this kind; None where they may not."""
    after_end = kind is not None and kind.after_end
    found = by_which(user, Capability.REQUEST_CHANGE, policy, after_end=after_end)
    return None if found is None or (kind is not None and found.role not in kind.roles) else found


def may_ask(user: User, policy: Policy) -> bool:
    """Whether a user may ask for any change of a policy: once it has ended, only for its reinstatement."""
    return by_which(user, Capability.REQUEST_CHANGE, policy, after_end=True) is not None


def required(user: User, policy: Policy, kind: Kind | None = None) -> Membership:
    """Return the same. Raises `PermissionDenied` (403)."""
    found = membership_for(user, policy, kind)
    if found is None:
        raise PermissionDenied("this user doesn't ask for this change of this policy")
    return found


def offered_to(user: User, policy: Policy) -> list[tuple[Kind, str]]:
    """Return the kinds that a user may ask for, each with why the policy can't have it now, or nothing."""
    during, after = (by_which(user, Capability.REQUEST_CHANGE, policy, after_end=ended) for ended in (False, True))
    found = []
    for kind in kinds().values():
        membership = after if kind.after_end else during
        if kind.listed and membership is not None and membership.role in kind.roles:
            found.append(kind)
    rules = rules_for(found, policy)
    return [(kind, _refusal(kind, rules[kind.key], policy)) for kind in found]


def refusal_of(kind: Kind, policy: Policy) -> str:
    """Return why a policy can't have a kind of change now; nothing where it can."""
    return _refusal(kind, rule_of(kind, policy), policy)


def _refusal(kind: Kind, rule: Rule, policy: Policy) -> str:
    return kind.fits(policy) or ("" if rule.offered else rule.reason)


def open_request(
    *,
    user: User,
    membership: Membership,
    policy: Policy,
    kind: str,
    items: Sequence[Item],
    key: uuid.UUID,
    effective: dt.date | None = None,
    until: dt.date | None = None,
    term: Term | None = None,
    insured: Insured | None = None,
    about: str = "",
    text: str = "",
    signature: Signature | None = None,
) -> tuple[ChangeRequest, bool]:
    """Send a change request that has no draft: store it with its items, record it, and tell the customer, the desk, and
    the carrier's systems. Returns it, and whether it is new: the same key is the request that is there.

    `membership` is of `membership_for`; policy, term, and insureds were fetched for the user. `text`: a first message.
    Raises `TooManyError`, and ValueError for a kind that there isn't.
    """
    if kind_of(kind) is None:
        raise ValueError(f"no kind of change requests is called {kind}")
    own = ChangeRequest.objects.filter(user=user)
    if (there := own.filter(idempotency_key=key).first()) is not None:
        return there, False
    count_request(user)

    def create() -> ChangeRequest:
        asked = ChangeRequest(
            user=user,
            membership=membership,
            policy=policy,
            kind=kind,
            effective=effective,
            until=until,
            term=term,
            insured=insured,
            about=about[:200],
            idempotency_key=key,
        )
        submitted_now(asked)
        sign(asked, signature, by=user)
        asked.save(force_insert=True)
        if text:
            ChangeMessage.objects.create(request=asked, author=user, text=text, idempotency_key=key)
        sent(asked, items, by=user)
        return asked

    return create_once(own, key=key, create=create)


def sign(asked: ChangeRequest, signature: Signature | None, *, by: User) -> None:
    """Keep a signed statement on a request that isn't stored yet."""
    if signature is not None:
        asked.signed_text, asked.signed_name = signature.text, signature.name
        asked.signed_by, asked.signed_at = by, timezone.now()


def sent(asked: ChangeRequest, items: Sequence[Item], *, by: User) -> None:
    """Store the items of a request that is submitted in this transaction, record it, and tell everyone."""
    rows = (
        ChangeItem(
            request=asked,
            position=position,
            action=item.action,
            insured=item.insured,
            label=item.label[:200],
            answers=item.answers,
            shown=item.shown,
            sealed_text=json.dumps(item.sealed, ensure_ascii=False) if item.sealed else "",
        )
        for position, item in enumerate(items)
    )
    with transaction.atomic():
        ChangeItem.objects.bulk_create(rows, batch_size=BATCH)
        record_event(
            ChangeEvent.REQUEST_SUBMITTED,
            subject=asked,
            by=by,
            kind=asked.kind,
            policy=asked.policy.public_id,
            items=len(items),
            signed=asked.signed_at is not None,
        )
        asked.publish("submitted")
        asked.tell("request_received")
        asked.tell_desk(key="opened")


def count_request(user: User) -> None:
    """Count a request. Raises `TooManyError` past the limit of an hour."""
    _count("policies:change-request", settings.CHANGE_REQUESTS_PER_USER, user)


def count_draft(user: User) -> None:
    """Count a new draft. Raises `TooManyError` past the limit of an hour."""
    _count("policies:change-draft", settings.CHANGE_REQUESTS_PER_USER, user)


def count_reply(user: User) -> None:
    """Count a reply. Raises `TooManyError` past the limit of an hour."""
    _count("policies:change-reply", settings.SUPPORT_REPLIES_PER_USER, user)


def _count(scope: str, times: int, user: User) -> None:
    limit = Limit(scope, times, HOUR)
    allowance = limit.hit(str(user.pk))
    if not allowance.allowed:
        record_refusal(ChangeEvent.REQUEST_REFUSED, scope=limit.scope, key=str(user.pk), by=user, limit=limit.scope)
        raise TooManyError(
            f"You’ve sent a lot in the last hour. You can send more at {clock(allowance.retry_at)}, or call us."
        )
