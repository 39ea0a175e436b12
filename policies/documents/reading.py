"""Which documents a user may have, and those that they opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q

from core.events import record_event, record_many
from core.search import name_query
from policies.events import PolicyEvent
from policies.models import Document, DocumentRead, Policy
from policies.models.documents import TITLE_WORDS, DocumentQuerySet
from policies.names import fold
from policies.rights import reach_with, require
from policies.roles import Capability

if TYPE_CHECKING:
    from collections.abc import Iterable

    from accounts.models import User


def open_to(user: User) -> DocumentQuerySet:
    """Return the documents that the user sees and may download, with `is_read`."""
    found = Document.objects.within(user, reach_with(user, Capability.VIEW_DOCUMENTS))
    opened = DocumentRead.objects.filter(user=user, document=OuterRef("pk"))
    rows: DocumentQuerySet = found.annotate(is_read=Exists(opened))
    return rows


def of_policy(rows: DocumentQuerySet, policy: Policy) -> DocumentQuerySet:
    """Return those of a policy, and of the billing account that pays for it."""
    condition = Q(policy=policy)
    if policy.billing_account_key:
        condition |= Q(policy=None, source=policy.source, billing_account_key=policy.billing_account_key)
    return rows.filter(condition)


def titled(rows: DocumentQuerySet, text: str) -> DocumentQuerySet:
    """Return those whose title has every word of a text; a word of three letters may be the beginning of one."""
    query = name_query(fold(text).split())
    if query is None:
        return rows.none() if text.strip() else rows
    return rows.annotate(title_words=TITLE_WORDS).filter(title_words=query)


def require_download(user: User, document: Document) -> None:
    """Raise `PermissionDenied` (403) unless the user, who sees the document, may download it."""
    if document.policy is not None:
        require(user, Capability.VIEW_DOCUMENTS, document.policy)
    elif not open_to(user).filter(pk=document.pk).exists():
        raise PermissionDenied("documents are not open to this user")


def downloaded(documents: Iterable[Document], *, by: User, combined: bool = False) -> None:
    """Record that a user got these documents, each for itself, and mark them as read."""
    found = list(documents)
    facts: dict[str, Any] = {"combined": True} if combined else {}
    if len(found) == 1:
        record_event(PolicyEvent.DOCUMENT_DOWNLOADED, subject=found[0], by=by, **facts)
    else:
        record_many(PolicyEvent.DOCUMENT_DOWNLOADED, [(each, None, facts) for each in found])
    mark_read(found, by=by)


def mark_read(documents: Iterable[Document], *, by: User) -> None:
    """Mark documents as read by the user."""
    rows = [DocumentRead(user=by, document=each) for each in documents]
    DocumentRead.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)
