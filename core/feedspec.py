"""Declarations of feed tables: which CSV file fills which model.

The machinery in `feed/` reads these declarations and knows no table by name. An area lists its `Table`s in its own
`feed.py`; `apps.py` names the list. In the SQL fragments below, `s` is the staged row, with
the file's column names, and `t` is the portal's row.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any, Protocol


class Severity(StrEnum):
    """One error and nothing is applied; a warning is applied and shown."""

    ERROR = "error"
    WARNING = "warning"


class Stage(StrEnum):
    """The order of the checks (docs/feed-format.md#checks)."""

    PACKAGE = "package"
    SCHEMA = "schema"
    REFERENCES = "references"
    BUSINESS = "business"


class Kind(Enum):
    """The form of a column's values. An empty value means none, whatever the kind."""

    # Free text in NFC, trimmed, without control characters; line breaks only if the model's field is a TextField.
    TEXT = "text"
    # The carrier's own id, in NFC: nothing invisible, no space at either end, at most 120 characters.
    IDENTIFIER = "identifier"
    # ISO 8601, `2026-11-20`.
    DATE = "date"
    # A time with its zone, `2026-11-20T02:00:00Z`; a date alone is its first moment, UTC.
    TIME = "time"
    # US dollars, a decimal string with no, one or two places: `1250`, `1250.5`, `1250.00`.
    MONEY = "money"
    # A number with no, one, or two decimal places: `2`, `0.75`.
    NUMBER = "number"
    # A whole number.
    WHOLE = "whole number"
    # `true` or `false`; empty is false if the model's field has no null.
    BOOLEAN = "boolean"
    # One of `choices`.
    CHOICE = "choice"
    # Several values separated by `;`, each one of `choices` if there are any.
    LIST = "list"
    # Five digits, or nine with a dash; another form is a warning.
    ZIP = "ZIP"
    # An email address; another form is a warning.
    EMAIL = "email"
    # The path of a file in the package, `documents/2026/a.pdf`; what becomes of it says the column's `use`.
    FILE = "file"


@dataclass(frozen=True)
class Taken:
    """What became of a package's file: its name in the private storage, and what the portal knows of it.

    `fault`: a code of `FileUse.faults`; such a file isn't kept and has no name.
    """

    name: str = ""
    size: int | None = None
    pages: int | None = None
    content_type: str = ""
    fault: str = ""


class Take(Protocol):
    """Judges one file, and keeps it if it's good."""

    def __call__(self, local: Path, sha256: str, *, keep: bool) -> Taken:
        """Take the file `local`, a copy that the load deletes. `keep`: false in a dry run, which stores nothing.

        Its name in the private storage follows from the content, so that the same file is stored once.
        """


@dataclass(frozen=True)
class FileUse:
    """What the portal does with the files that a column names (docs/feed-format.md#entries).

    A file is read only where its digest isn't the row's already, and kept before the load commits.

    `taker`: opens what judges and keeps files, for the length of a load. `digest`: the model's field for the SHA-256 of
    the file as it came. `fields`: the model's fields for the values of `Taken`, by their names; they are null or empty,
    or have a default in the database. `faults`: a warning's sentence for each fault; it may name columns as `{column}`.
    `given`: the column with the digest, if the carrier gives it: then a file that hasn't changed isn't even read.
    `folder`: the files' folder in the private storage, if those are removed there that no row names any longer.
    `words`: what the file must be, as in 'a PDF'.
    """

    taker: Callable[[], AbstractContextManager[Take]]
    digest: str
    fields: Mapping[str, str]
    faults: Mapping[str, str]
    words: str
    given: str = ""
    folder: str = ""


@dataclass(frozen=True)
class Column:
    """One column of a file.

    `field`: the model's field, by default of the same name; None if the value isn't stored as it is.
    `required`: may not be empty. `default`: what an empty value is stored as.
    `minimum`, `maximum`: bounds of money and numbers. `pattern` with `pattern_words`: a form beyond the kind's.
    `fault`: returns a sentence if the text is wrong in another way; for columns that are mostly empty.
    `lower`: the text is read in lower case, as it is stored.
    `fold`: how values are matched, as a key and as a reference ('mpl-1 234' is 'MPL1234'); `fold_field`: the model's
    field that keeps the folded value, if one does.
    `read_as`: other spellings that a package may use for a choice, and the choice that each is read as.
    `store`: what is kept instead of the value, such as a keyed hash; the value itself then never reaches the database,
    a log, or a finding; `kept` says in words what it is. `not_future`: a date may not be after today (business).
    `use`: what becomes of the file that a `Kind.FILE` column names.
    `expected`: empty is a warning. `optional`: a file may lack the column, as if it were empty in all rows.
    """

    name: str
    kind: Kind = Kind.TEXT
    field: str | None = ""
    required: bool = False
    default: str = ""
    choices: tuple[str, ...] = ()
    read_as: Mapping[str, str] = dataclasses.field(default_factory=dict)
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    pattern: re.Pattern[str] | None = None
    pattern_words: str = ""
    fault: Callable[[str], str] | None = None
    lower: bool = False
    fold: Callable[[str], str] | None = None
    fold_field: str = ""
    store: Callable[[str], str] | None = None
    not_future: bool = False
    expected: bool = False
    kept: str = "only a keyed hash is kept"
    optional: bool = False
    use: FileUse | None = None

    @property
    def model_field(self) -> str | None:
        """The model's field that holds the value, or None."""
        return self.name if self.field == "" else self.field


@dataclass(frozen=True)
class Reference:
    """A column that names a row of another file, or of its own, by its key; `field` is the model's foreign key.

    `when`: the column and value for which the reference applies, if one column names rows of several files.
    `copies`: for a required reference to another file, fields of this model that repeat a field of the row referred to.
    They aren't compared: a hook of that file (`after`) brings them up to date where only that row has changed.
    """

    column: str
    file: str
    field: str
    when: tuple[str, str] | None = None
    copies: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class Inbound:
    """A column of a file of a floor below that names this table's rows by their key.

    That floor keeps the text and doesn't know this table, so the reference is checked from here, as soon as the source
    has sent any row of this table. A row of the package that names one that won't be there is an error, as with any
    reference. If the package has this table alone, the portal's rows that do so are one warning with their count.
    """

    file: str
    column: str


@dataclass(frozen=True)
class Computed:
    """A model field that Python computes from the row's columns, such as a folded name for searching.

    The function returns text that PostgreSQL reads as the field's type; an empty text is none unless the field is text.
    It's called before the columns are checked, and must not raise on values that break their rules.
    """

    field: str
    columns: tuple[str, ...]
    function: Callable[..., str]


@dataclass(frozen=True)
class RowCheck:
    """A rule on one row: `faulty` is SQL over `s`, true for a row that breaks it.

    The sentence may name columns as `{column}`.
    """

    code: str
    column: str
    faulty: str
    sentence: str
    stage: Stage = Stage.BUSINESS
    severity: Severity = Severity.ERROR


@dataclass(frozen=True)
class SetCheck:
    """A rule on several rows, checked on the portal's tables as they would be after the load.

    `sql` selects `line` (of a row in the file) and whatever the sentence names as `{column}`; in it, `{change}` is
    the table of changes (see `Load.changes`), `{stage}` the file's rows as they came (see `Load.staged`), `{stage
    terms.csv}` those of another file (none if the package doesn't hold it), and `%(source)s` and the like are the
    load's parameters.
    """

    code: str
    column: str
    sql: str
    sentence: str
    severity: Severity = Severity.ERROR


@dataclass(frozen=True)
class Guard:
    """Hold a package for review if it would do this to more than `share` of the source's rows.

    `condition`: SQL over `was` (tracked fields as they were) and `t` (the row as it would be). `setting`: the name of
    the Django setting that may replace the share. `words`: what would happen, as in '4 of 120 policies are cancelled'.
    `hold_from`: fewer rows than these are never held, whatever their share.
    """

    name: str
    words: str
    condition: str
    share: Decimal
    setting: str = ""
    hold_from: int = 10


@dataclass(frozen=True)
class Tally:
    """Hold a package for review if so many things would follow from it, such as notices to third parties.

    Counted after the hooks, whatever files the package has. `query`: returns SQL with one row for each thing, whose
    only column names it without personal data; empty if nothing can follow. `setting`: the Django setting with the
    number from which a package is held. `words`: what would happen, as in '40 notices would be sent to holders'.
    """

    name: str
    words: str
    query: Callable[[Load], str]
    setting: str


class Load(Protocol):
    """A load in progress, as an area's hooks see it. Everything runs in the load's one transaction."""

    source: str
    run_id: int
    as_of: dt.datetime
    now: dt.datetime

    def changes(self, file: str) -> str | None:
        """Return the temporary table of a file's changes, or None if the package doesn't hold the file.

        Columns: `line` (null where retired), `id` of the model's row, `change` ('inserted', 'updated', 'unretired',
        'retired') and `was_<field>` for each tracked field (null for what is inserted).
        """

    def is_first(self, file: str) -> bool:
        """Whether no package of the source that was applied before held the file."""

    def staged(self, file: str) -> str | None:
        """Return the temporary table of a file's rows as they came, or None if the package doesn't hold the file.

        Columns: `line`, `deleted`, `key` of the row, and the file's columns; those with `store` have what is kept.
        """

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> int:
        """Run set-based SQL; return the row count. Parameters include `source`, `run_id`, `as_of`, and `now`."""

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Run a query and fetch what it finds; for few rows only."""

    def warn(self, file: str, line: int | None, column: str, code: str, sentence: str) -> None:
        """Add a warning to the run's findings."""


Hook = Callable[[Load], None]


@dataclass(frozen=True)
class Table:
    """One file of the feed and the model that it fills.

    `model`: label, such as `policies.Policy`; it has `source`, `external_id`, `retired_at` and `updated_at`.
    `key`: the columns of the row's key, by default the first. A key of several columns is joined by `|`.
    `track`: model fields whose value before the load hooks and guards need.
    `inbound`: references to this table that lower floors keep as text.
    `before`: hooks, run when the file is staged and checked and before it is compared with the portal's rows. Files
    that it refers to are applied then; others may not even be staged.
    `stays`: SQL over `t`, true for a row that a full package doesn't retire by leaving it out.
    `learned`: model field → the field that says when the portal itself learned the value; a package as of an earlier
    time keeps the portal's value. `after`: hooks, run in order of the tables when all files are applied.
    `tallies`: what may follow from any package that a person should see first.
    `every_row`: a hook or a check of a row looks at more than the row and what has changed, such as the portal's other
    tables, so the file is read and staged even where it's the same as before.
    `hold_from`: a package that retires fewer rows than these is not held for it, whatever their share.
    """

    file: str
    model: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    computed: tuple[Computed, ...] = ()
    checks: tuple[RowCheck, ...] = ()
    set_checks: tuple[SetCheck, ...] = ()
    guards: tuple[Guard, ...] = ()
    tallies: tuple[Tally, ...] = ()
    track: tuple[str, ...] = ()
    learned: Mapping[str, str] = dataclasses.field(default_factory=dict)
    inbound: tuple[Inbound, ...] = ()
    before: tuple[Hook, ...] = ()
    stays: str = ""
    after: tuple[Hook, ...] = ()
    every_row: bool = False
    hold_from: int = 10

    @property
    def key_columns(self) -> tuple[str, ...]:
        """The columns that make the row's key."""
        return self.key or (self.columns[0].name,)

    @property
    def name(self) -> str:
        """The file's name without its ending, as used for temporary tables and in figures."""
        return self.file.removesuffix(".csv")

    def column(self, name: str) -> Column:
        """Return the column of that name; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


Tables = Sequence[Table]
