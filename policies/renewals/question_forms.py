"""Forms made of question sets: what is typed, what is wrong with it, and the answers with the questions' words."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms

from core.templatetags.show import day_long
from policies.renewals.questions import Kind, Question, QuestionSet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LONGEST = 2000
HIDDEN = ("version", "window")
WINDOW = re.compile(r"[0-9a-f-]{36}")
YES_NO = [("yes", "Yes"), ("no", "No")]
ANSWER = "Answer this question."
TOO_LONG = f"Enter up to {LONGEST:,} characters."


def text_field(label: str, *, missing: str = ANSWER, rows: int = 3, **options: Any) -> forms.CharField:
    """Return a field for a few sentences."""
    return forms.CharField(
        label=label,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": rows}),
        error_messages={"required": missing, "max_length": TOO_LONG},
        **options,
    )


def field_of(question: Question, *, required: bool = True) -> forms.Field:
    """Return the field of a question, without that of its details."""
    known: dict[str, Any] = {"label": question.text, "help_text": question.help, "required": required}
    match question.kind:
        case Kind.YES_NO:
            return forms.ChoiceField(
                choices=YES_NO,
                widget=forms.RadioSelect,
                error_messages={"required": "Choose yes or no.", "invalid_choice": "Choose yes or no."},
                **known,
            )
        case Kind.NUMBER:
            return forms.IntegerField(
                min_value=0,
                max_value=10_000_000,
                widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
                error_messages={
                    "required": "Enter a number; 0 if there are none.",
                    "invalid": "Enter a whole number, such as 40.",
                    "min_value": "Enter 0 or more.",
                    "max_value": "Enter a smaller number.",
                },
                **known,
            )
        case Kind.DATE:
            return forms.DateField(
                widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
                error_messages={"required": "Enter a date.", "invalid": "Enter a date, such as 2027-03-01."},
                **known,
            )
    return text_field(question.text, help_text=question.help, required=required)


@dataclass(frozen=True)
class Asked:
    """The fields of a question; `details`: of what a yes asks for."""

    field: forms.BoundField
    details: forms.BoundField | None


class TypedForm(forms.Form):
    """A form whose fields can be kept as they were typed, right or wrong."""

    use_required_attribute = False
    version = forms.CharField(widget=forms.HiddenInput, required=False)
    # Drawn when the page is opened: its saves follow one another (`Draft.saved_in`).
    window = forms.CharField(widget=forms.HiddenInput, required=False, initial=uuid.uuid4)

    def typed(self) -> dict[str, str]:
        """Return what was sent, as text, for a draft."""
        names = [name for name in self.fields if name not in HIDDEN]
        sent = {name: str(self.data.get(self.add_prefix(name), "")) for name in names}
        return {name: text.replace("\x00", "")[: LONGEST * 2] for name, text in sent.items() if text}

    @property
    def typed_version(self) -> int:
        """The version that the page was opened with."""
        text = str(self.data.get(self.add_prefix("version"), ""))
        return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0

    @property
    def typed_window(self) -> str:
        """The window that the page was opened in; empty for anything that isn't one."""
        text = str(self.data.get(self.add_prefix("window"), ""))
        return text if WINDOW.fullmatch(text) else ""

    def now_at(self, version: int) -> None:
        """Let the page, shown again with what was sent, save on top of this version."""
        self.data = self.data.copy()  # type: ignore[attr-defined]  # a QueryDict, or a dict
        self.data[self.add_prefix("version")] = str(version)  # type: ignore[index]

    def shown(self) -> list[tuple[str, Any]]:
        """Return what was answered, for people: label and value of each field that has one."""
        return [(str(field.label), self._in_words(field.name)) for field in self if self._in_words(field.name)]

    def _in_words(self, name: str) -> str:
        value = getattr(self, "cleaned_data", {}).get(name)
        if value in (None, "", False) or name in HIDDEN:
            return ""
        field = self.fields[name]
        if isinstance(field, forms.ChoiceField):
            return str(dict(field.choices).get(value, value))  # type: ignore[arg-type]  # flat choices
        if isinstance(field, forms.DateField):
            return day_long(value)
        return "Yes" if value is True else str(value)


class QuestionsForm(TypedForm):
    """The questions of some sets."""

    def __init__(self, *args: Any, sets: Sequence[QuestionSet], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sets = sets
        for question in (question for each in sets for question in each.questions):
            add_question(self, question)

    def clean(self) -> dict[str, Any]:
        """Refuse a yes without its details."""
        cleaned = super().clean() or self.cleaned_data
        for question in (question for each in self.sets for question in each.questions):
            require_details(self, question)
        return cleaned

    @property
    def groups(self) -> list[tuple[str, list[Asked]]]:
        """The fields under the title of their set."""
        return [(each.title, list(fields_of(self, each))) for each in self.sets]

    def answers(self) -> list[dict[str, str]]:
        """Return each answer with its question's words and version, from a valid form."""
        return [answer for each in self.sets for answer in answers_of(self, each)]


def add_question(form: forms.Form, question: Question, *, required: bool = True) -> None:
    """Add the fields of a question to a form."""
    form.fields[question.key] = field_of(question, required=required)
    if question.details:
        form.fields[f"{question.key}_details"] = text_field(question.details, required=False)


def require_details(form: forms.Form, question: Question) -> None:
    """Refuse a yes without its details."""
    name = f"{question.key}_details"
    is_yes = form.cleaned_data.get(question.key) == "yes"
    if question.details and is_yes and not form.cleaned_data.get(name) and name not in form.errors:
        form.add_error(name, "You answered yes: tell us more here.")


def fields_of(form: forms.Form, questions: QuestionSet) -> Iterator[Asked]:
    """Yield the bound fields of each question of a set."""
    for question in questions.questions:
        yield Asked(form[question.key], form[f"{question.key}_details"] if question.details else None)


def answers_of(form: TypedForm, questions: QuestionSet) -> Iterator[dict[str, str]]:
    """Yield the answers to a set, with the words of the questions."""
    for question in questions.questions:
        value = form._in_words(question.key)  # noqa: SLF001  # the same module
        # A number of none is an answer, too.
        if not value and form.cleaned_data.get(question.key) == 0:
            value = "0"
        details = str(form.cleaned_data.get(f"{question.key}_details") or "") if value == "Yes" else ""
        if value:
            yield {
                "set": questions.label,
                "key": question.key,
                "text": question.text,
                "value": value,
                "details": details,
            }


def changed_labels(form: TypedForm, there: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what someone else saved that differs from what was typed: each field's label, and their value."""
    typed = form.typed()
    found = []
    for name, field in form.fields.items():
        theirs = str(there.get(name, ""))
        if name not in HIDDEN and theirs != typed.get(name, ""):
            choices: dict[str, str] = {}
            if isinstance(field, forms.ChoiceField):
                choices = dict(field.choices)  # type: ignore[arg-type]  # flat choices
            shown = {"on": "Yes", "": "Nothing"}.get(theirs) or str(choices.get(theirs, theirs))
            found.append((str(field.label), shown))
    return found
