"""Values of one column, judged a batch at a time.

A column of a batch is judged as a whole where that is possible: distinct values once each, text by one look at all of
it. Only what is faulty is looked at row by row.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.feedspec import Column, Kind, Severity, Stage

MAX_IDENTIFIER = 120
MAX_DISTINCT = 50_000
# Years that a date of insurance business may have; beyond them it is a slip of the keyboard.
YEARS = range(1850, 2300)

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MONEY = re.compile(r"-?\d{1,10}(\.\d{1,2})?", re.ASCII)
_WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)
_ZIP = re.compile(r"\d{5}(-\d{4})?", re.ASCII)
_EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\"]+")
# Control characters (C0, DEL, C1); `_BREAKS` are those that a text of several lines may hold.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_BREAKS = re.compile(r"[\r\n\t]")


@dataclass(frozen=True)
class Judgement:
    """What is wrong with a value."""

    code: str
    sentence: str
    severity: Severity = Severity.ERROR
    stage: Stage = Stage.SCHEMA


# Is told a row, a column and what is wrong there.
Report = Callable[[int, str, Judgement], None]


class ColumnReader:
    """Judges a column's values and gives them as they are to be staged.

    `max_length` and `several_lines` come from the model's field; `today` decides what is in the future.
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
        self._choices = frozenset(column.choices)
        self._judges: dict[Kind, Callable[[str], Judgement | None]] = {
            Kind.TEXT: self._text,
            Kind.IDENTIFIER: self._identifier,
            Kind.DATE: self._date,
            Kind.MONEY: self._money,
            Kind.WHOLE: self._whole,
            Kind.BOOLEAN: self._boolean,
            Kind.CHOICE: self._choice,
            Kind.LIST: self._list,
            Kind.ZIP: self._zip,
            Kind.EMAIL: self._email,
        }
        self._free = column.kind in {Kind.TEXT, Kind.IDENTIFIER, Kind.EMAIL}

    def read(self, values: Sequence[str], lines: Sequence[int]) -> Sequence[str]:
        """The batch's values, trimmed where they are text, replaced where the column stores something else."""
        if self.column.kind in {Kind.TEXT, Kind.EMAIL}:
            values = list(map(str.strip, values))
        self._judge_all(values, lines)
        if self.column.default:
            values = [value or self.column.default for value in values]
        return self._replaced(values) if self.column.store else values

    def _judge_all(self, values: Sequence[str], lines: Sequence[int]) -> None:
        """Judge the values that are worth it, each distinct one once, and report every row of a faulty one."""
        faulty: dict[str, Judgement] = {}
        for value in self._suspects(values) if self._free else set(values) - self._good:
            judgement = self.judge(value)
            if judgement is not None:
                faulty[value] = judgement
            elif not self._free:
                self._good.add(value)
        if faulty:
            for line, value in zip(lines, values, strict=True):
                if value in faulty:
                    self._report(line, self.column.name, faulty[value])
        if len(self._good) > MAX_DISTINCT:
            self._good.clear()

    def _suspects(self, values: Sequence[str]) -> set[str]:
        """Values of free text that may be faulty, found by looks at all of them at once."""
        column = self.column
        suspects: set[str] = set()
        if (column.required or column.expected) and "" in values:
            suspects.add("")
        if self._max_length is not None and max(map(len, values), default=0) > self._max_length:
            suspects.update(value for value in values if len(value) > self._max_length)
        if not "".join(values).isprintable():
            suspects.update(value for value in values if not value.isprintable())
        if column.kind is Kind.IDENTIFIER and list(map(str.strip, values)) != list(values):
            suspects.update(value for value in values if value != value.strip())
        if column.fault:
            suspects.update(value for value in set(values) if value and column.fault(value))
        if pattern := _EMAIL if column.kind is Kind.EMAIL else column.pattern:
            suspects.update(value for value in values if value and not pattern.fullmatch(value))
        return suspects

    def _replaced(self, values: Sequence[str]) -> list[str]:
        """What is stored instead of the values, such as their keyed hashes; empty stays empty."""
        store, stored = self.column.store, self._stored
        assert store  # noqa: S101  # asked by the caller
        if len(stored) > MAX_DISTINCT:
            stored.clear()
        for value in set(values):
            if value not in stored:
                stored[value] = store(value) if value else ""
        return [stored[value] for value in values]

    def fold(self, values: Sequence[str], lines: Sequence[int]) -> Sequence[str]:
        """The values in the form in which they are matched; one of which nothing remains is reported."""
        fold = self.column.fold
        folded = list(map(fold, values)) if fold else values
        if "" in folded:
            for line, value, form in zip(lines, values, folded, strict=True):
                if value and not form:
                    sentence = f"{self.column.name} is {self._shown(value)}, which has no letters or digits."
                    self._report(line, self.column.name, Judgement("form", sentence))
        return folded

    def judge(self, value: str) -> Judgement | None:
        """What is wrong with one value, or None."""
        column = self.column
        if not value:
            if column.required:
                return Judgement("required", f"{column.name} is empty.")
            if column.expected:
                return Judgement("missing", f"{column.name} is empty.", Severity.WARNING, Stage.BUSINESS)
            return None
        fault = self._judges[column.kind](value)
        if fault is None and column.pattern and not column.pattern.fullmatch(value):
            fault = Judgement("form", f"{column.name} is {self._shown(value)}; it must be {column.pattern_words}.")
        if fault is None and column.fault and (sentence := column.fault(value)):
            fault = Judgement("form", sentence)
        return fault

    def _shown(self, value: str) -> str:
        """The value for a sentence; one that is not stored as it stands is not shown either."""
        if self.column.store:
            return "something else"
        return f"‘{_CONTROL.sub('�', value[:40])}{'…' if len(value) > 40 else ''}’"

    # One judge for each kind; values are not empty.

    def _text(self, value: str) -> Judgement | None:
        name = self.column.name
        if self._max_length is not None and len(value) > self._max_length:
            return Judgement("too-long", f"{name} has {len(value)} characters; the limit is {self._max_length}.")
        if _CONTROL.search(_BREAKS.sub("", value) if self._several_lines else value):
            return Judgement("control-character", f"{name} contains a control character or a line break.")
        return None

    def _identifier(self, value: str) -> Judgement | None:
        if value != value.strip():
            return Judgement("form", f"{self.column.name} is {self._shown(value)}, which begins or ends with a space.")
        return self._text(value)

    def _date(self, value: str) -> Judgement | None:
        name = self.column.name
        try:
            day = dt.date.fromisoformat(value) if _DATE.fullmatch(value) else None
        except ValueError:
            day = None
        if day is None:
            return Judgement("date", f"{name} is {self._shown(value)}; it must be a date such as ‘2026-11-20’.")
        if day.year not in YEARS:
            return Judgement(
                "date", f"{name} is {self._shown(value)}; the year must be from {YEARS.start} to {YEARS.stop - 1}."
            )
        if self.column.not_future and day > self._today:
            return Judgement("future", f"{name} is in the future.", stage=Stage.BUSINESS)
        return None

    def _money(self, value: str) -> Judgement | None:
        if not _MONEY.fullmatch(value):
            return Judgement(
                "money", f"{self.column.name} is {self._shown(value)}; it must be an amount such as ‘1250.00’."
            )
        return self._bounds(Decimal(value), value)

    def _whole(self, value: str) -> Judgement | None:
        if not _WHOLE.fullmatch(value):
            return Judgement("number", f"{self.column.name} is {self._shown(value)}; it must be a whole number.")
        return self._bounds(Decimal(value), value)

    def _bounds(self, number: Decimal, value: str) -> Judgement | None:
        column = self.column
        if column.minimum is not None and number < column.minimum:
            return Judgement("range", f"{column.name} is {self._shown(value)}; it must be at least {column.minimum}.")
        if column.maximum is not None and number > column.maximum:
            return Judgement("range", f"{column.name} is {self._shown(value)}; it must be at most {column.maximum}.")
        return None

    def _boolean(self, value: str) -> Judgement | None:
        if value in {"true", "false"}:
            return None
        return Judgement("boolean", f"{self.column.name} is {self._shown(value)}; it must be ‘true’ or ‘false’.")

    def _choice(self, value: str) -> Judgement | None:
        if value in self._choices:
            return None
        return Judgement("choice", f"{self.column.name} is {self._shown(value)}; it must be {self._named_choices()}.")

    def _list(self, value: str) -> Judgement | None:
        for item in value.split(";"):
            if not item or (self._choices and item not in self._choices):
                return Judgement(
                    "choice",
                    f"{self.column.name} contains {self._shown(item)}; each part must be {self._named_choices()}.",
                )
        return None

    def _named_choices(self) -> str:
        """'a, b, or c'; a long list is named by its length."""
        names = self.column.choices
        if len(names) > 25:
            return f"one of {len(names)} codes"
        if len(names) < 3:
            return " or ".join(names)
        return f"{', '.join(names[:-1])}, or {names[-1]}"

    def _zip(self, value: str) -> Judgement | None:
        if fault := self._text(value):
            return fault
        if _ZIP.fullmatch(value):
            return None
        return Judgement(
            "zip",
            f"{self.column.name} is {self._shown(value)}; it must be a ZIP Code of five digits, or nine with a dash.",
            Severity.WARNING,
            Stage.BUSINESS,
        )

    def _email(self, value: str) -> Judgement | None:
        if fault := self._text(value):
            return fault
        if _EMAIL.fullmatch(value):
            return None
        return Judgement("email", f"{self.column.name} is not an email address.", Severity.WARNING, Stage.BUSINESS)
