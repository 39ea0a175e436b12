"""The forms of a roster: the file, what its columns hold, a row's cells, and from when (B-06)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django import forms

from core.idempotency import IdempotentForm
from core.uploads.checking import EICAR, check
from core.uploads.kinds import HEAD, HTML, PDF_MARK, SVG, Kind, kind_of
from core.uploads.refusing import RefusedError
from policies.change_requests.forms import day_field, outside, text_field, within_rule
from policies.change_requests.registry import kind_of as kind_of_change
from policies.change_requests.rules import rule_of
from policies.rosters.columns import LABELS, Columns, Field
from policies.rosters.comparing import Kind as LineKind
from policies.rosters.reading import LONGEST_CELL, MOST_BYTES, OLE, SAVE_AS, ZIP
from policies.rosters.sending import KIND
from policies.rosters.table import column_letters

if TYPE_CHECKING:
    import datetime as dt

    from django.core.files.uploadedfile import UploadedFile

    from policies.models import Policy, Term
    from policies.rosters.comparing import Comparison, Line
    from policies.rosters.reading import Sheet

SAMPLES = 3
WIDE = (Field.BIRTH, Field.STARTS, Field.ENDS, Field.RETROACTIVE)


class FileForm(IdempotentForm):
    """A spreadsheet, and what it lists."""

    use_required_attribute = False

    file = forms.FileField(
        label="Spreadsheet",
        allow_empty_file=True,
        help_text="An Excel workbook (.xlsx) or a CSV file, up to 10 MB and 10,000 rows. Any order of columns.",
        error_messages={"required": "Choose a file.", "invalid": "Choose a file."},
        widget=forms.FileInput(attrs={"accept": ".xlsx,.csv,.txt"}),
    )
    everyone = forms.ChoiceField(
        label="Who is in the file?",
        choices=[
            ("yes", "Everyone: who isn’t in it has left"),
            ("no", "Only some: don’t remove anyone who isn’t in it"),
        ],
        initial="yes",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose who is in the file.", "invalid_choice": "Choose one of the list."},
    )

    def clean_file(self) -> UploadedFile[Any]:
        """Refuse what isn't a spreadsheet, by its content; see `core.uploads.checking`."""
        uploaded = cast("UploadedFile[Any]", self.cleaned_data["file"])
        uploaded.seek(0)
        head = uploaded.read(HEAD)
        uploaded.seek(0)
        kind = None
        if _is_no_text(head) or (uploaded.size or 0) > MOST_BYTES:
            try:
                kind = check(uploaded).kind
            except RefusedError as refusal:
                raise forms.ValidationError(str(refusal)) from refusal
        if kind not in (None, Kind.XLSX):
            raise forms.ValidationError(f"“{uploaded.name}” isn’t a spreadsheet. {SAVE_AS}")
        uploaded.seek(0)
        return uploaded

    def content(self) -> bytes:
        """Return the bytes of the file. The form is valid."""
        return bytes(self.cleaned_data["file"].read())

    def clean(self) -> dict[str, Any]:
        """Refuse the file that virus scanners are tested with in a CSV file, too."""
        cleaned: dict[str, Any] = self.cleaned_data
        if (file := cleaned.get("file")) is not None:
            if EICAR in file.read() and "file" not in self.errors:
                self.add_error("file", f"“{file.name}” contains a virus (the EICAR test file), so we deleted it.")
            file.seek(0)
        return cleaned


def _is_no_text(head: bytes) -> bool:
    """Whether a file begins like anything but a CSV file: `core.uploads.checking` knows what it is."""
    # UTF-16 has a zero beside each letter.
    zeros = b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff"))
    marked = head.startswith((ZIP, OLE)) or PDF_MARK in head or HTML.search(head) or SVG.search(head)
    return bool(zeros or marked or kind_of(head) is not None)


class ReplaceForm(FileForm):
    """A corrected file in place of the one that is there."""

    everyone = None  # type: ignore[assignment]  # so Django takes a field away


class ColumnsForm(forms.Form):
    """What each column of a file holds, and which row has the heads."""

    use_required_attribute = False

    head = forms.IntegerField(
        label="Row with the heads of the columns",
        min_value=1,
        error_messages={"required": "Enter the number of the row.", "invalid": "Enter the number of the row."},
    )

    def __init__(self, *args: Any, sheet: Sheet, columns: Columns, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sheet = sheet
        self.initial.setdefault("head", sheet.numbers[columns.head])
        held = {place: field for field, place in columns.places.items()}
        choices = [("", "Don’t read it"), *((str(field), label) for field, label in LABELS.items())]
        heads = sheet.row(columns.head)
        below = columns.head + 1
        self.samples: dict[str, list[str]] = {}
        for place, column in enumerate(sheet.columns):
            letters = column_letters(place)
            name = f"column-{letters}"
            label = f"Column {letters}: {heads[place][:60]}" if heads[place] else f"Column {letters}"
            self.fields[name] = forms.ChoiceField(
                label=label,
                choices=choices,
                required=False,
                initial=str(held.get(place, "")),
                error_messages={"invalid_choice": "Choose one of the list."},
            )
            self.samples[name] = [text[:60] for text in column[below:] if text][:SAMPLES]

    @property
    def rows(self) -> list[tuple[forms.BoundField, list[str]]]:
        """The columns with some of their cells, for the page."""
        return [(self[name], samples) for name, samples in self.samples.items()]

    def clean(self) -> dict[str, Any]:
        """Refuse a field that two columns hold, a head that isn't there, and a file without names."""
        cleaned: dict[str, Any] = self.cleaned_data
        taken: dict[str, str] = {}
        for name in self.samples:
            held = cleaned.get(name)
            if held and held in taken:
                first = taken[held].removeprefix("column-")
                self.add_error(name, f"Column {first} is “{LABELS[Field(held)]}” already. Choose it for one of them.")
            elif held:
                taken[held] = name
        number = cleaned.get("head")
        if number is not None and number not in self._sheet.numbers[:-1]:
            self.add_error("head", "This row is empty, or has no rows below it. Enter the number of another one.")
        if not self.errors and (sentence := self.columns.missing()):
            raise forms.ValidationError(sentence)
        return cleaned

    @property
    def columns(self) -> Columns:
        """What was chosen."""
        held = {name: self.cleaned_data.get(name) for name in self.samples}
        places = {Field(field): place for place, field in enumerate(held.values()) if field}
        return Columns(self._sheet.numbers.index(self.cleaned_data["head"]), places)


class RowForm(forms.Form):
    """A row's cells as they are in the file, with what is wrong beside each."""

    use_required_attribute = False

    key = forms.CharField(widget=forms.HiddenInput, max_length=80)

    def __init__(self, *args: Any, cells: dict[Field, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cells = cells
        for of, text in cells.items():
            hint = "Such as 12/31/2026." if of in WIDE else ""
            self.fields[str(of)] = forms.CharField(
                label=LABELS[of],
                required=False,
                initial=text,
                max_length=LONGEST_CELL,
                help_text=hint,
                widget=forms.TextInput(attrs={"autocomplete": "off"}),
                error_messages={"max_length": f"Enter up to {LONGEST_CELL} characters."},
            )

    def values(self) -> dict[Field, str]:
        """Return what was typed. The form is valid."""
        return {of: self.cleaned_data[str(of)] for of in self.cells}

    def show(self, line: Line) -> None:
        """Put what is wrong beside its cell."""
        for fault in line.faults:
            name = str(fault.field)
            self.add_error(name if name in self.fields else None, fault.sentence)

    @property
    def shown(self) -> list[forms.BoundField]:
        """The cells, for the page."""
        return [self[str(of)] for of in self.cells]


class SendForm(forms.Form):
    """From when, and what else we should know."""

    use_required_attribute = False

    mark = forms.CharField(widget=forms.HiddenInput, max_length=40)
    added = day_field(
        "First day of coverage of those who are new",
        "Enter the first day of coverage.",
        help_text="For those without a start date in the file, or with one before the term.",
    )
    removed = day_field(
        "First day without coverage of those who leave",
        "Enter the first day without coverage.",
        help_text="Coverage ends at 12:01 a.m. on this day. For those without a last day in the file.",
    )
    text = text_field("Anything else we should know?")

    def __init__(self, *args: Any, policy: Policy, terms: list[Term], comparison: Comparison, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._policy, self._terms = policy, terms
        self.initial.setdefault("mark", comparison.mark)
        for name, kind in (("added", LineKind.ADDED), ("removed", LineKind.REMOVED)):
            dates = [line.starts if kind == LineKind.ADDED else line.ends for line in comparison.sent(kind)]
            if not dates or all(dates):
                del self.fields[name]

    def clean_added(self) -> dt.date:
        """Refuse a day outside the term, or against the rule."""
        return self._day("added")

    def clean_removed(self) -> dt.date:
        """Refuse a day outside the term, or against the rule."""
        return self._day("removed")

    def _day(self, name: str) -> dt.date:
        day: dt.date = self.cleaned_data[name]
        if not self._terms[0].effective <= day < self._terms[0].ends:
            raise forms.ValidationError(outside(day, self._terms[:1]))
        kind = kind_of_change(KIND)
        assert kind is not None  # noqa: S101  # it's ours
        if sentences := list(within_rule(rule_of(kind, self._policy), day, self._policy.today())):
            raise forms.ValidationError(sentences)
        return day
