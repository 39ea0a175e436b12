"""What is done with an uploaded roster: received, mapped, decided, corrected, replaced, discarded, emptied (B-06)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from django.db import transaction

from core.crypto import keyed_hash
from core.events import record_event
from core.idempotency import create_once
from core.origin import acting_by_itself
from core.refusals import record_refusal
from core.templatetags.show import clock
from core.throttle import Limit
from policies.freshness import data_as_of
from policies.models.rosters import RosterColumns, RosterUpload
from policies.rosters import columns as column_words
from policies.rosters.columns import Columns, Field
from policies.rosters.comparing import (
    KEEP,
    NEW,
    SAME_AS,
    SKIP,
    Against,
    Comparison,
    Kind,
    Line,
    compare,
    person_key,
    row_keys,
)
from policies.rosters.events import RosterEvent
from policies.rosters.reading import LONGEST_CELL, Sheet, read

if TYPE_CHECKING:
    import uuid

    from accounts.models import User
    from policies.models import Membership, Policy, Term

UPLOADS_PER_USER = Limit("policies:roster-upload", 30, dt.timedelta(hours=1))


class TooManyError(Exception):
    """The user's limit is reached; the message says until when."""


class ChangedError(Exception):
    """The row isn't what the user saw: the file was replaced in the meantime, or the roster was sent or discarded."""


def terms_of(policy: Policy) -> list[Term]:
    """Return the terms that a roster can be compared with: those that run or will, the first one first."""
    today = policy.today()
    return [term for term in reversed(policy.terms_on_file) if term.runs_past(today)]


def comparison_of(upload: RosterUpload) -> Comparison:
    """Return the roster beside our records of this moment. The policy has a term that runs."""
    term = terms_of(upload.policy)[0]
    against = Against(term, upload.policy.today(), everyone=upload.everyone)
    return compare(upload.sheet, upload.mapping, against, upload.decisions)


def receive(
    *, user: User, membership: Membership, policy: Policy, content: bytes, filename: str, everyone: bool, key: uuid.UUID
) -> tuple[RosterUpload, bool]:
    """Store a roster, its columns guessed; returns it, and whether it is new: the same form is the one that is there.

    Raises `FileError` for what can't be read, `TooManyError`.
    """
    own = RosterUpload.objects.filter(user=user)
    if (there := own.filter(idempotency_key=key).first()) is not None:
        return there, False
    _count(user)
    sheet = read(content)

    def create() -> RosterUpload:
        upload = RosterUpload(
            user=user,
            membership=membership,
            policy=policy,
            filename=_shown_name(filename),
            everyone=everyone,
            compared_as_of=data_as_of(policy.source),
            idempotency_key=key,
        )
        upload.sheet = sheet
        upload.columns = column_words.guess(sheet, remembered_of(membership)).as_json()
        upload.save(force_insert=True)
        record_event(RosterEvent.UPLOADED, subject=upload, by=user, policy=policy.public_id, rows=len(sheet.numbers))
        return upload

    return create_once(own, key=key, create=create)


def replace(*, upload: RosterUpload, content: bytes, filename: str, by: User) -> None:
    """Take another file in place of the one that is there. What was decided and corrected is kept. Raises `FileError`,
    `TooManyError`, and `ChangedError`."""
    _count(by)
    sheet = read(content)
    with transaction.atomic():
        row = _locked(upload)
        _correct_again(sheet, row.corrected)
        row.sheet = sheet
        row.columns = column_words.guess(sheet, remembered_of(row.membership)).as_json()
        row.filename, row.compared_as_of = _shown_name(filename), data_as_of(row.policy.source)
        _changed(row)
        record_event(RosterEvent.REPLACED, subject=row, by=by, policy=row.policy.public_id, rows=len(sheet.numbers))


def set_columns(*, upload: RosterUpload, columns: Columns) -> None:
    """Say what the columns hold, and remember it for the party's next file. Raises `ChangedError`."""
    with transaction.atomic():
        row = _locked(upload)
        row.columns = columns.as_json()
        _changed(row)
        party = RosterColumns.party_of(row.membership)
        RosterColumns.objects.get_or_create(**party)
        kept = RosterColumns.objects.select_for_update().get(**party)
        heads = kept.heads | column_words.chosen(row.sheet, columns)
        kept.heads = dict(list(heads.items())[-column_words.MOST_REMEMBERED :])
        kept.save()


def remembered_of(membership: Membership) -> Mapping[str, str]:
    """Return what the party's columns held before."""
    kept = RosterColumns.objects.filter(**RosterColumns.party_of(membership)).first()
    return kept.heads if kept is not None else {}


def decide_row(*, upload: RosterUpload, row: int, key: str, said: str) -> None:
    """Keep what the user says of a row: `skip`, `new`, `same:` with a person's public id, or nothing to take it back.

    `key`: the first of the row's keys, as the page had it. Raises `ChangedError`, and ValueError for anything else.
    """

    def decide(locked: RosterUpload) -> None:
        comparison = comparison_of(locked)
        line = _line_of(comparison, row, key)
        _check_said(line, comparison, said)
        locked.decisions = _with(locked.decisions, row_keys(comparison, line), said)

    _change(upload, decide)


def decide_person(*, upload: RosterUpload, public_id: str, keep: bool) -> None:
    """Keep someone insured who isn't in the file, or take that back. Raises `ChangedError`."""

    def decide(locked: RosterUpload) -> None:
        there = comparison_of(locked).lines[Kind.REMOVED]
        if not any(line.row is None and line.public_id == public_id for line in there):
            raise ChangedError
        locked.decisions = _with(locked.decisions, [person_key(public_id)], KEEP if keep else "")

    _change(upload, decide)


def leave_out_errors(*, upload: RosterUpload) -> int:
    """Leave out every row with an error that is left; returns how many. Raises `ChangedError`."""
    left = 0

    def decide(locked: RosterUpload) -> None:
        nonlocal left
        comparison = comparison_of(locked)
        found = [line for line in comparison.lines[Kind.FAULT] if not line.is_left_out]
        for line in found:
            locked.decisions = _with(locked.decisions, row_keys(comparison, line), SKIP)
        left = len(found)

    _change(upload, decide)
    return left


def correct(*, upload: RosterUpload, row: int, key: str, values: Mapping[Field, str]) -> Line | None:
    """Correct cells of a row. Returns the line with what is wrong now, and stores nothing, where a cell is still wrong.

    Raises `ChangedError`.
    """
    wrong: Line | None = None

    def change(locked: RosterUpload) -> None:
        nonlocal wrong
        before = comparison_of(locked)
        line = _line_of(before, row, key)
        sheet, mapping = locked.sheet, locked.mapping
        place = mapping.head + 1 + row
        old = sheet.row(place)
        for field, value in values.items():
            if field in mapping.places:
                sheet.columns[mapping.places[field]][place] = " ".join(value.split())[: LONGEST_CELL + 1]
        locked.sheet = sheet
        after = comparison_of(locked)
        wrong = next((each for each in after.lines[Kind.FAULT] if each.row == row), None)
        if wrong is not None and not wrong.is_left_out:
            return
        wrong = None
        # What was decided about the row stays, whatever it's known by now.
        if line.decision:
            keys = [*row_keys(before, line), *after.table.keys(row)]
            locked.decisions = _with(locked.decisions, keys, "" if line.kind == Kind.FAULT else line.decision)
        locked.corrected = _noted(locked.corrected, old, sheet.row(place))
        _changed(locked)

    with transaction.atomic():
        change(_locked(upload))
    return wrong


def discard(*, upload: RosterUpload, by: User) -> bool:
    """Delete what was uploaded; False where it has come to its end."""
    with transaction.atomic():
        row = RosterUpload.objects.select_for_update().get(pk=upload.pk)
        if not row.is_open:
            return False
        row.empty(RosterUpload.Status.DISCARDED)
        record_event(RosterEvent.DISCARDED, subject=row, by=by)
    return True


def expire() -> int:
    """Empty what nobody sent within 30 days; returns how many."""
    emptied = 0
    for pk in list(RosterUpload.objects.overdue().values_list("pk", flat=True)):
        with transaction.atomic(), acting_by_itself():
            row = RosterUpload.objects.overdue().select_for_update(skip_locked=True).filter(pk=pk).first()
            if row is not None:
                row.empty(RosterUpload.Status.EXPIRED)
                record_event(RosterEvent.EXPIRED, subject=row, on_behalf_of=row.user)
                emptied += 1
    return emptied


def _change(upload: RosterUpload, change: Callable[[RosterUpload], None]) -> None:
    with transaction.atomic():
        row = _locked(upload)
        change(row)
        _changed(row)


def _locked(upload: RosterUpload) -> RosterUpload:
    """Return the row, locked: decisions of two windows come one after the other. Raises `ChangedError`."""
    rows = RosterUpload.objects.select_for_update(of=("self",))
    row = rows.select_related("policy__policyholder", "membership").get(pk=upload.pk)
    if not row.is_open or not terms_of(row.policy):
        raise ChangedError
    return row


def _changed(row: RosterUpload) -> None:
    row.version += 1
    row.save()


def _line_of(comparison: Comparison, row: int, key: str) -> Line:
    """Return what the page showed of a row. Raises `ChangedError`."""
    if not 0 <= row < len(comparison.table):
        raise ChangedError
    for kind in Kind:
        for line in comparison.lines[kind]:
            if line.row == row and row_keys(comparison, line)[0] == key:
                return line
    raise ChangedError


def _check_said(line: Line, comparison: Comparison, said: str) -> None:
    same = said.removeprefix(SAME_AS) if said.startswith(SAME_AS) else ""
    if same and line.kind == Kind.DOUBTFUL and same in {other.public_id for other in line.others}:
        return
    if said in ("", SKIP) or (said == NEW and line.kind == Kind.DOUBTFUL):
        return
    raise ValueError("a row can't be decided so")


def _with(decisions: Mapping[str, str], keys: list[str], said: str) -> dict[str, str]:
    kept = {key: value for key, value in decisions.items() if key not in keys}
    return kept | dict.fromkeys(keys, said) if said else kept


def _noted(corrected: dict[str, list[str]], old: list[str], new: list[str]) -> dict[str, list[str]]:
    """Return the corrections with one more; a row corrected twice is known by what the file has."""
    first = next((mark for mark, row in corrected.items() if row == old), row_mark(old))
    return corrected | {first: new}


def row_mark(row: list[str]) -> str:
    """Return what a row of a file is known by: a keyed hash of its cells."""
    return keyed_hash("roster-row", "\x1f".join(row))[:32]


def _correct_again(sheet: Sheet, corrected: Mapping[str, list[str]]) -> None:
    """Put corrections made in place into another file, where its row is still what was corrected."""
    if not corrected:
        return
    for place in range(len(sheet.numbers)):
        new = corrected.get(row_mark(sheet.row(place)))
        if new is not None and len(new) == len(sheet.columns):
            for column, value in zip(sheet.columns, new, strict=True):
                column[place] = value


def _shown_name(filename: str) -> str:
    name = filename.replace("\\", "/").rpartition("/")[2]
    return "".join(char for char in name if char.isprintable())[-120:]


def _count(user: User) -> None:
    allowance = UPLOADS_PER_USER.hit(str(user.pk))
    if not allowance.allowed:
        scope = UPLOADS_PER_USER.scope
        record_refusal(RosterEvent.REFUSED, scope=scope, key=str(user.pk), by=user, limit=scope)
        raise TooManyError(
            f"You’ve uploaded a lot in the last hour. You can upload more at {clock(allowance.retry_at)}."
        )
