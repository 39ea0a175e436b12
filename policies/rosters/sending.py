"""A comparison sent as one change request, with an item for each person (B-06)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.db import transaction

from core.events import record_event
from core.templatetags.show import day_long
from policies.change_requests.forms import Item
from policies.change_requests.opening import open_request
from policies.models import Insured
from policies.models.rosters import RosterUpload
from policies.rosters.columns import LABELS, Field
from policies.rosters.comparing import Kind
from policies.rosters.events import RosterEvent
from policies.rosters.reconciling import ChangedError, comparison_of, terms_of

if TYPE_CHECKING:
    import uuid

    from accounts.models import User
    from policies.models import ChangeRequest, Membership
    from policies.rosters.comparing import Comparison, Line
    from policies.rosters.table import Table

KIND = "roster"
# What is said of someone new, in this order; the date of birth is kept apart, encrypted.
SAID = (
    Field.FIRST,
    Field.MIDDLE,
    Field.LAST,
    Field.SUFFIX,
    Field.CREDENTIAL,
    Field.NPI,
    Field.LICENSE,
    Field.SPECIALTY,
    Field.RETROACTIVE,
    Field.EMAIL,
    Field.PHONE,
    Field.SITE,
    Field.COST_CENTER,
)


def send(
    *,
    upload: RosterUpload,
    membership: Membership,
    by: User,
    mark: str,
    added: dt.date | None,
    removed: dt.date | None,
    text: str,
    key: uuid.UUID,
) -> ChangeRequest:
    """Send what a comparison asks for; a second time it is the request that is there. What was uploaded is deleted.

    `mark`: of the comparison that the user saw. `added`: the first day of coverage of those who are new; `removed`: the
    first without, of those who leave; where the file has no days of their own. Raises `ChangedError` where it isn't the
    comparison any more, or something waits, and `TooManyError`.
    """
    with transaction.atomic():
        row = (
            RosterUpload.objects.select_for_update(of=("self",))
            .select_related("policy__policyholder")
            .get(pk=upload.pk)
        )
        if row.request is not None:
            return row.request
        if not row.is_open or not terms_of(row.policy):
            raise ChangedError
        comparison = comparison_of(row)
        if comparison.mark != mark or comparison.waits or not comparison.asks:
            raise ChangedError
        asked, _is_new = open_request(
            user=by,
            membership=membership,
            policy=row.policy,
            kind=KIND,
            items=list(_items(comparison, added=added, removed=removed)),
            key=key,
            effective=min(filter(None, (added, removed)), default=None),
            term=terms_of(row.policy)[0],
            about=about(comparison),
            text=text,
        )
        row.empty(RosterUpload.Status.SENT, request=asked)
        record_event(RosterEvent.SENT, subject=row, by=by, policy=row.policy.public_id, items=comparison.asks)
        return asked


def about(comparison: Comparison) -> str:
    """Return what a request is about: '3 added, 1 removed, 12 changed'."""
    words = ((Kind.ADDED, "added"), (Kind.REMOVED, "removed"), (Kind.CHANGED, "changed"))
    return ", ".join(f"{count:,} {word}" for kind, word in words if (count := comparison.open_count(kind)))


def first_day_without(line: Line, removed: dt.date | None) -> dt.date | None:
    """Return the first day on which someone who leaves isn't covered: the day after their last one."""
    return dt.date.fromisoformat(line.ends) + dt.timedelta(days=1) if line.ends else removed


def _items(comparison: Comparison, *, added: dt.date | None, removed: dt.date | None) -> Iterator[Item]:
    gone, changed = comparison.sent(Kind.REMOVED), comparison.sent(Kind.CHANGED)
    ids = {line.public_id for line in (*gone, *changed)}
    insureds = {one.public_id: one for one in Insured.objects.filter(public_id__in=ids)}
    for line in comparison.sent(Kind.ADDED):
        yield _added(comparison.table, line, added)
    for line in gone:
        yield _removed(line, insureds[line.public_id], removed)
    for line in changed:
        yield _changed(line, insureds[line.public_id])


def _added(table: Table, line: Line, day: dt.date | None) -> Item:
    row = line.row if line.row is not None else -1
    first = dt.date.fromisoformat(line.starts) if line.starts else day
    found = {of: text for of in SAID if (text := table.at(of, row).strip())}
    answers: dict[str, Any] = {str(of): text for of, text in found.items()}
    if Field.LICENSE in found:
        state, _, number = table.at(Field.LICENSE, row).partition(" ")
        answers |= {"license_state": state, "license": number}
    answers["effective"] = first.isoformat() if first else None
    shown = [["Coverage from", day_long(first)]] if first else []
    shown += [[LABELS[of], _in_words(of, text)] for of, text in found.items()]
    born = table.at(Field.BIRTH, row)
    sealed: dict[str, Any] = {}
    if born:
        shown_born = [[LABELS[Field.BIRTH], day_long(dt.date.fromisoformat(born))]]
        sealed = {"answers": {"date_of_birth": born}, "shown": shown_born}
    return Item(answers=answers, shown=shown, sealed=sealed, action="add", label=line.name)


def _removed(line: Line, insured: Insured, removed: dt.date | None) -> Item:
    day = first_day_without(line, removed)
    shown = [["Coverage ends", f"{day_long(day)}, 12:01 a.m."]] if day else []
    shown.append(["In the file", f"Row {line.number}, with a last day" if line.number else "No"])
    answers = {"effective": day.isoformat() if day else None, "npi": insured.npi}
    return Item(answers=answers, shown=shown, action="remove", insured=insured, label=line.name)


def _changed(line: Line, insured: Insured) -> Item:
    answers = {str(change.field): {"old": change.old, "new": change.new} for change in line.changes}
    shown = [
        [change.label, f"{_in_words(change.field, change.old) or 'none'} → {_in_words(change.field, change.new)}"]
        for change in line.changes
    ]
    return Item(answers=answers, shown=shown, action="change", insured=insured, label=insured.display_name)


def _in_words(of: Field, text: str) -> str:
    return day_long(dt.date.fromisoformat(text)) if of == Field.RETROACTIVE and text else text
