"""Checks of one column's values, a batch at a time.

A batch's column is checked as a whole where possible: each distinct value once, and text in one pass. Rows are only
looked at to find those with a faulty value.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.feedspec import Column, Kind, Severity, Stage
from feed.package.paths import UnsafePathError, safe_path

MAX_IDENTIFIER = 120
MAX_DISTINCT = 10_000
# Years that make sense in insurance; others are typing errors.
YEARS = range(1850, 2300)
# Text that is the same however its accents were typed.
IN_NFC = {Kind.TEXT, Kind.IDENTIFIER, Kind.EMAIL, Kind.FILE}
NO_TIME, MAX_OFFSET = dt.timedelta(0), dt.timedelta(hours=16)

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2}))?", re.ASCII)
_MONEY = re.compile(r"-?\d{1,10}(\.\d{1,2})?", re.ASCII)
_WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)
_ZIP = re.compile(r"\d{5}(-\d{4})?", re.ASCII)
_EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\"]+")
# Control characters (C0, DEL, C1), the separators of lines and paragraphs, and what turns the direction of writing, so
# that text reads as something else than it is; text of several lines may have those of `_BREAKS`.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_BREAKS = re.compile(r"[\r\n\t]")
# Marks, letters, and a pattern that count as printable and show nothing.
_BLANKS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


@dataclass(frozen=True)
class Problem:
    """A problem with a value: the parts of a finding."""

    code: str
    sentence: str
    severity: Severity = Severity.ERROR
    stage: Stage = Stage.SCHEMA


# Called with a row, a column, and the problem there.
Report = Callable[[int, str, Problem], None]


def seen(text: str) -> str:
    """Return a text as a finding shows it: what nobody would see has a sign in its place."""
    return (
        text if text.isprintable() and text.isascii() else "".join("�" if _is_unseen(char) else char for char in text)
    )


def _is_unseen(char: str) -> bool:
    return not char.isprintable() or bool(_BLANKS.match(char))


class ColumnReader:
    """Checks a column's values and returns them ready for staging.

    `max_length` and `several_lines` come from the model's field; dates after `today` are in the future.
    """

    def __init__(
        self, column: Column, *, max_length: int | None, several_lines: bool, today: dt.date, report: Report
    ) -> None:
        self.column = column
        self._max_length = MAX_IDENTIFIER if column.kind is Kind.IDENTIFIER and max_length is None else max_length
        self._several_lines = several_lines
        self._today = today
        self._report = report
        self._good: set[str] = set()
        self._stored: dict[str, str] = {}
        self._choices = frozenset(column.choices) | frozenset(column.read_as)
        self._checks: dict[Kind, Callable[[str], Problem | None]] = {
            Kind.TEXT: self._text,
            Kind.IDENTIFIER: self._identifier,
            Kind.DATE: self._date,
            Kind.TIME: self._time,
            Kind.MONEY: self._money,
            Kind.NUMBER: self._number,
            Kind.WHOLE: self._whole,
            Kind.BOOLEAN: self._boolean,
            Kind.CHOICE: self._choice,
            Kind.LIST: self._list,
            Kind.ZIP: self._zip,
            Kind.EMAIL: self._email,
            Kind.FILE: self._file,
        }
        self._free = column.kind in {Kind.TEXT, Kind.IDENTIFIER, Kind.EMAIL}

    def read(self, values: Sequence[str], lines: Sequence[int]) -> Sequence[str]:
        """Check the batch's values, and return them: text trimmed, and replaced if the column stores something else."""
        if self.column.kind in IN_NFC and not "".join(values).isascii():
            values = [value if value.isascii() else unicodedata.normalize("NFC", value) for value in values]
        if self.column.kind in {Kind.TEXT, Kind.EMAIL}:
            values = list(map(str.strip, values))
        if self.column.lower:
            values = list(map(str.lower, values))
        self._check_all(values, lines)
        if self.column.default:
            values = [value or self.column.default for value in values]
        if self.column.read_as:
            values = [self.column.read_as.get(value, value) for value in values]
        return self._replaced(values) if self.column.store else values

    def _check_all(self, values: Sequence[str], lines: Sequence[int]) -> None:
        """Check each distinct value that may be faulty once, and report every row that has a faulty one."""
        faulty: dict[str, Problem] = {}
        for value in self._suspects(values) if self._free else set(values) - self._good:
            problem = self.check(value)
            if problem is not None:
                faulty[value] = problem
            elif not self._free:
                self._good.add(value)
        if faulty:
            for line, value in zip(lines, values, strict=True):
                if value in faulty:
                    self._report(line, self.column.name, faulty[value])
        if len(self._good) > MAX_DISTINCT:
            self._good.clear()

    def _suspects(self, values: Sequence[str]) -> set[str]:
        """Return values of free text that may be faulty, found by checking all of them at once."""
        column = self.column
        suspects: set[str] = set()
        if (column.required or column.expected) and "" in values:
            suspects.add("")
        if self._max_length is not None and max(map(len, values), default=0) > self._max_length:
            suspects.update(value for value in values if len(value) > self._max_length)
        together = "".join(values)
        if not together.isprintable():
            suspects.update(value for value in values if not value.isprintable())
        if column.kind is Kind.IDENTIFIER:
            if list(map(str.strip, values)) != list(values):
                suspects.update(value for value in values if value != value.strip())
            if not together.isascii() and _BLANKS.search(together):
                suspects.update(value for value in values if _BLANKS.search(value))
        if column.fault:
            suspects.update(value for value in set(values) if value and column.fault(value))
        if pattern := _EMAIL if column.kind is Kind.EMAIL else column.pattern:
            suspects.update(value for value in values if value and not pattern.fullmatch(value))
        return suspects

    def _replaced(self, values: Sequence[str]) -> list[str]:
        """Return what is stored instead of the values, such as keyed hashes; empty stays empty."""
        store, stored = self.column.store, self._stored
        assert store  # noqa: S101  # checked by the caller
        if len(stored) > MAX_DISTINCT:
            stored.clear()
        for value in set(values):
            if value not in stored:
                stored[value] = store(value) if value else ""
        return [stored[value] for value in values]

    def fold(self, values: Sequence[str], lines: Sequence[int]) -> Sequence[str]:
        """Return the values as they're matched, and report those that would be empty or too long: 'ß' becomes 'SS'."""
        fold = self.column.fold
        folded = list(map(fold, values)) if fold else values
        if self._max_length is not None and max(map(len, folded), default=0) > self._max_length:
            for line, value, form in zip(lines, values, folded, strict=True):
                if len(form) > self._max_length >= len(value):
                    sentence = f"{self.column.name} has {len(form)} characters when written in plain letters, but the "
                    sentence += f"limit is {self._max_length}."
                    self._report(line, self.column.name, Problem("too-long", sentence))
        if "" in folded:
            for line, value, form in zip(lines, values, folded, strict=True):
                if value and not form:
                    sentence = f"{self.column.name} {self._shown(value)} has no letters or digits."
                    self._report(line, self.column.name, Problem("form", sentence))
        return folded

    def check(self, value: str) -> Problem | None:
        """Return what is wrong with a value, or None."""
        column = self.column
        if not value:
            if column.required:
                return Problem("required", f"{column.name} is empty.")
            if column.expected:
                return Problem("missing", f"{column.name} is empty.", Severity.WARNING, Stage.BUSINESS)
            return None
        fault = self._checks[column.kind](value)
        if fault is None and column.pattern and not column.pattern.fullmatch(value):
            fault = Problem("form", self._must(column.pattern_words, value))
        if fault is None and column.fault and (sentence := column.fault(value)):
            fault = Problem("form", sentence)
        return fault

    def _must(self, words: str, value: str) -> str:
        """Return a sentence such as 'premium must be a whole number, not ‘x’.'"""
        return f"{self.column.name} must be {words}, not {self._shown(value)}."

    def _shown(self, value: str) -> str:
        """Return the value for a sentence, shortened and printable; one that isn't stored isn't shown either."""
        if self.column.store:
            return "another value"
        return f"‘{seen(value[:40])}{'…' if len(value) > 40 else ''}’"

    # One check for each kind; values are never empty.

    def _text(self, value: str) -> Problem | None:
        name = self.column.name
        if self._max_length is not None and len(value) > self._max_length:
            return Problem("too-long", f"{name} has {len(value)} characters, but the limit is {self._max_length}.")
        if _CONTROL.search(_BREAKS.sub("", value) if self._several_lines else value):
            return Problem("control-character", f"{name} has a control character or a line break.")
        return None

    def _identifier(self, value: str) -> Problem | None:
        if value != value.strip():
            return Problem("form", f"{self.column.name} {self._shown(value)} begins or ends with a space.")
        return self._text(value) or self._invisible(value)

    def _invisible(self, value: str) -> Problem | None:
        """Return which character of an id nobody would see, or would take for a space."""
        for place, char in enumerate(value, start=1):
            if _is_unseen(char):
                words = f"U+{ord(char):04X} {unicodedata.name(char, '').lower()}".rstrip()
                sentence = (
                    f"{self.column.name} {self._shown(value)} has an invisible character at place {place}: {words}."
                )
                return Problem("invisible-character", sentence)
        return None

    def _date(self, value: str) -> Problem | None:
        name = self.column.name
        try:
            day = dt.date.fromisoformat(value) if _DATE.fullmatch(value) else None
        except ValueError:
            day = None
        if day is None:
            return Problem("date", self._must("a date such as ‘2026-11-20’", value))
        if day.year not in YEARS:
            return Problem("date", self._must(f"a date from {YEARS.start} to {YEARS.stop - 1}", value))
        if self.column.not_future and day > self._today:
            return Problem("future", f"{name} is in the future.", stage=Stage.BUSINESS)
        return None

    def _time(self, value: str) -> Problem | None:
        try:
            moment = dt.datetime.fromisoformat(value) if _TIME.fullmatch(value) else None
        except ValueError:
            moment = None
        # PostgreSQL knows no zone farther from UTC.
        if moment is None or abs(moment.utcoffset() or NO_TIME) >= MAX_OFFSET:
            return Problem("time", self._must("a date, or a time with its zone, such as ‘2026-11-20T02:00:00Z’", value))
        if moment.year not in YEARS:
            return Problem("time", self._must(f"a time from {YEARS.start} to {YEARS.stop - 1}", value))
        return None

    def _money(self, value: str) -> Problem | None:
        if not _MONEY.fullmatch(value):
            return Problem("money", self._must("an amount such as ‘1250.00’", value))
        return self._bounds(Decimal(value), value)

    def _number(self, value: str) -> Problem | None:
        if not _MONEY.fullmatch(value):
            return Problem("number", self._must("a number such as ‘0.75’", value))
        return self._bounds(Decimal(value), value)

    def _whole(self, value: str) -> Problem | None:
        if not _WHOLE.fullmatch(value):
            return Problem("number", self._must("a whole number", value))
        return self._bounds(Decimal(value), value)

    def _bounds(self, number: Decimal, value: str) -> Problem | None:
        column = self.column
        if column.minimum is not None and number < column.minimum:
            return Problem("range", self._must(f"at least {column.minimum}", value))
        if column.maximum is not None and number > column.maximum:
            return Problem("range", self._must(f"at most {column.maximum}", value))
        return None

    def _boolean(self, value: str) -> Problem | None:
        if value in {"true", "false"}:
            return None
        return Problem("boolean", self._must("true or false", value))

    def _choice(self, value: str) -> Problem | None:
        if value in self._choices:
            return None
        return Problem("choice", self._must(self._named_choices(), value))

    def _list(self, value: str) -> Problem | None:
        for item in value.split(";"):
            if not item or (self._choices and item not in self._choices):
                return Problem(
                    "choice",
                    f"{self.column.name} has the item {self._shown(item)}; each item must be {self._named_choices()}.",
                )
        return None

    def _named_choices(self) -> str:
        """Return 'a, b, or c', or only the number of choices if there are many."""
        names = self.column.choices
        if len(names) > 25:
            return f"one of {len(names)} codes"
        if len(names) < 3:
            return " or ".join(names)
        return f"{', '.join(names[:-1])}, or {names[-1]}"

    def _zip(self, value: str) -> Problem | None:
        if fault := self._text(value):
            return fault
        if _ZIP.fullmatch(value):
            return None
        return Problem(
            "zip",
            self._must("a ZIP Code of five digits, or nine with a dash", value),
            Severity.WARNING,
            Stage.BUSINESS,
        )

    def _email(self, value: str) -> Problem | None:
        if fault := self._text(value):
            return fault
        if _EMAIL.fullmatch(value) and value.isprintable():
            return None
        return Problem("email", f"{self.column.name} isn't an email address.", Severity.WARNING, Stage.BUSINESS)

    def _file(self, value: str) -> Problem | None:
        try:
            safe_path(value)
        except UnsafePathError as error:
            return Problem("path", f"{self.column.name} {self._shown(value)} {error}.")
        return self._text(value)
