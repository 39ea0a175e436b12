"""The bases of the forms of change requests: whom it is about, from when, and what the rules say to that.

A kind's form inherits `ChangeForm` and what it needs of `ForInsured`, `Dated`, and `ForATime`, in this order, and adds
its questions. Its labels are what the customer and staff read later, too.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.core.serializers.json import DjangoJSONEncoder

from core.money import whole_dollars
from core.requests import LONGEST_TEXT
from core.templatetags.show import day_long
from policies.change_requests import people
from policies.change_requests.rules import fund_in_the_way, rule_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.change_requests.registry import Kind, Rule
    from policies.models import Insured, Membership, Policy, Term

# Fields that aren't answers of their own: the form shows them, an item keeps them elsewhere.
APART = ("insured", "chosen")
NO_PATIENTS = "Don’t include patients’ names, passwords, or codes."


@dataclass(frozen=True, slots=True)
class Item:
    """One change, to be stored as a `ChangeItem`. `sealed`: what is to be encrypted: answers and lines."""

    answers: dict[str, Any] = field(default_factory=dict)
    shown: list[list[str]] = field(default_factory=list)
    sealed: dict[str, Any] = field(default_factory=dict)
    action: str = ""
    insured: Insured | None = None
    label: str = ""

    @property
    def lines(self) -> list[list[str]]:
        """Everything as people read it, as `ChangeItem.lines`."""
        return [*self.shown, *self.sealed.get("shown", [])]


def text_field(label: str, required: str = "", *, rows: int = 4, help_text: str = NO_PATIENTS) -> forms.CharField:
    """Return a field for several lines; `required`: the sentence without one, empty where none is needed."""
    return forms.CharField(
        label=label,
        required=bool(required),
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": rows}),
        help_text=help_text,
        error_messages={"required": required, "max_length": f"Enter up to {LONGEST_TEXT:,} characters."},
    )


def line_field(label: str, required: str = "", *, longest: int = 200, **options: Any) -> forms.CharField:
    """Return a field for one line; `required` as for `text_field`."""
    return forms.CharField(
        label=label,
        required=bool(required),
        max_length=longest,
        error_messages={"required": required, "max_length": f"Enter up to {longest} characters."},
        **options,
    )


def choice_field(
    label: str, choices: list[tuple[str, str]], required: str = "Choose one.", *, radio: bool = True, **options: Any
) -> forms.ChoiceField:
    """Return a choice; an empty `required` is a choice that may be left open."""
    return forms.ChoiceField(
        label=label,
        choices=choices if radio else [("", "Choose"), *choices],
        required=bool(required),
        widget=forms.RadioSelect if radio else forms.Select,
        error_messages={"required": required, "invalid_choice": "Choose one of the list."},
        **options,
    )


def yes_no(label: str, required: str = "Choose yes or no.", **options: Any) -> forms.ChoiceField:
    """Return a question that is answered by yes or no."""
    return choice_field(label, [("yes", "Yes"), ("no", "No")], required, **options)


def day_field(label: str, required: str = "Enter a date.", **options: Any) -> forms.DateField:
    """Return a date; an empty `required` is one that may be left open."""
    return forms.DateField(
        label=label,
        required=bool(required),
        widget=forms.DateInput(attrs={"type": "date", "autocomplete": "off"}, format="%Y-%m-%d"),
        error_messages={"required": required, "invalid": "Enter a date that exists, such as 2026-07-01."},
        **options,
    )


class AnswersForm(forms.Form):
    """A form whose answers are kept with their questions, as they were asked."""

    use_required_attribute = False
    # Answers that are encrypted.
    private: ClassVar[frozenset[str]] = frozenset()

    def answered(self) -> Iterator[tuple[str, str, Any]]:
        """Yield name, question, and answer of what was answered, in the order of the form."""
        for bound in self.visible_fields():
            value = self.cleaned_data.get(bound.name)
            if bound.name not in APART and value not in (None, "", [], False):
                yield bound.name, str(bound.label), value

    def in_words(self, name: str, value: Any) -> str:
        """Return an answer as people read it."""
        choices = dict(getattr(self.fields[name], "choices", None) or ())
        if isinstance(value, list):
            return ", ".join(str(choices.get(one, one)) for one in value)
        if value is True:
            return "Yes"
        if isinstance(value, dt.date):
            return day_long(value)
        if isinstance(value, Decimal):
            return whole_dollars(value)
        return str(choices.get(value, value))

    def as_item(self, **more: Any) -> Item:
        """Return the answers as an item. The form is valid."""
        open_: dict[str, Any] = {}
        private: dict[str, Any] = {}
        shown: list[list[str]] = []
        hidden: list[list[str]] = []
        for name, label, value in self.answered():
            closed = name in self.private
            (private if closed else open_)[name] = json.loads(json.dumps(value, cls=DjangoJSONEncoder))
            (hidden if closed else shown).append([label, self.in_words(name, value)])
        sealed = {"answers": private, "shown": hidden} if private else {}
        return Item(answers=open_, shown=shown, sealed=sealed, **more)


class ChangeForm(AnswersForm):
    """The questions of a kind. A draft is one that isn't valid yet.

    `policy` was fetched for its user, who asks by `membership`; `today` is its named insured's day.
    """

    field_order: tuple[str, ...] = ("insured", "chosen", "effective", "until")
    # Shown above the questions.
    lead = ""

    def __init__(self, *args: Any, kind: Kind, policy: Policy, membership: Membership, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind, self.policy, self.membership, self.today = kind, policy, membership, policy.today()
        self.person: Insured | None = None
        self.term: Term | None = self.terms[0] if self.terms else None
        self.candidates: list[Insured] = []
        self._rules: dict[int | None, Rule] = {}
        self.prepare()

    def prepare(self) -> None:
        """Fill in what depends on the policy."""

    @property
    def terms(self) -> list[Term]:
        """The terms that a change can be for, the first one first: those that run, or will."""
        return [term for term in reversed(self.policy.terms_on_file) if term.runs_past(self.today)]

    @property
    def rule(self) -> Rule:
        """The rule that holds for what was chosen. One query for each insured."""
        key = self.person.pk if self.person is not None else None
        if key not in self._rules:
            self._rules[key] = rule_of(self.kind, self.policy, self.person)
        return self._rules[key]

    @property
    def day(self) -> dt.date | None:
        """From when it is to hold."""
        return self.cleaned_data.get("effective")

    @property
    def end(self) -> dt.date | None:
        """The first day on which it no longer holds."""
        return self.cleaned_data.get("until")

    def clean(self) -> dict[str, Any]:
        """Ask the rules. A subclass with checks of its own calls this first."""
        cleaned = super().clean() or self.cleaned_data
        if self.kind.form is not None and not self.rule.offered:
            raise forms.ValidationError(self.rule.reason)
        return cleaned

    def about(self) -> str:
        """Return what it is about, in a few words: 'Ana Núñez, MD, from July 1, 2026'."""
        parts = [self.person.display_name if self.person else ""]
        if self.day and self.end:
            parts.append(f"{day_long(self.day)} to {day_long(self.end)}")
        elif self.day:
            parts.append(f"from {day_long(self.day)}")
        return ", ".join(filter(None, parts))[:200]

    def warnings(self) -> list[str]:
        """Return what the customer should know before they send it. The form is valid."""
        found = []
        if self.day and self.day < self.today:
            found.append(
                f"It would take effect on {day_long(self.day)}, before today. We may ask you to confirm that no "
                "claims or incidents have happened since."
            )
        if self.kind.premium:
            found.append("The premium may change. We tell you by how much in this request, before it’s final.")
        return found

    def items(self) -> list[Item]:
        """Return what is asked for. The form is valid."""
        return [self.as_item(insured=self.person, label=self.person.display_name if self.person else "")]


class ForInsured(ChangeForm):
    """A change of one insured: chosen from a short list, or found by name among many."""

    # Whether it may be about everyone on the policy, and what that choice is called.
    everyone = ""
    asks = "Which insured?"

    insured = forms.CharField(max_length=100, required=False)
    chosen = forms.CharField(label="Which one?", required=False, widget=forms.RadioSelect)

    def prepare(self) -> None:
        """Offer those on the policy."""
        super().prepare()
        self.roster = people.few_on(self.policy)
        if self.roster is None:
            help_text = "Enter first and last name." + (
                f" Leave it empty for: {self.everyone}." if self.everyone else ""
            )
            self.fields["insured"].label = self.asks
            self.fields["insured"].help_text = help_text
            return
        first = [("", self.everyone or "Choose")]
        choices = [(one.public_id, one.display_name) for one in self.roster]
        alone = len(choices) == 1 and not self.everyone
        self.fields["insured"] = forms.ChoiceField(
            label=self.asks,
            choices=choices if alone else [*first, *choices],
            required=not self.everyone,
            error_messages={"required": "Choose an insured.", "invalid_choice": "Choose one of the list."},
        )
        del self.fields["chosen"]

    def clean(self) -> dict[str, Any]:
        """Find the insured."""
        typed = str(self.cleaned_data.get("insured") or "")
        if self.roster is not None:
            self.person = next((one for one in self.roster if one.public_id == typed), None)
        elif typed:
            self._find(typed)
        elif not self.everyone and "insured" not in self.errors:
            self.add_error("insured", "Enter the name of the insured.")
        return super().clean()

    def _find(self, typed: str) -> None:
        found = people.named_on(self.policy, typed)
        self.person = next((one for one in found if one.public_id == self.cleaned_data.get("chosen")), None)
        if self.person is None and len(found) == 1:
            self.person = found[0]
        if not found:
            self.add_error("insured", f"Nobody of this name is covered on {self.policy.number}.")
        elif self.person is None:
            self.candidates = found
            choices = [(one.public_id, one.display_name) for one in found]
            self.fields["chosen"].widget = forms.RadioSelect(choices=choices)
            self.add_error("chosen", "Several people have this name. Choose one.")


class Dated(ChangeForm):
    """A change from a day on: within a term, and as the rule says."""

    effective = day_field("From which day?", "Enter the day from which it should hold.")

    def clean(self) -> dict[str, Any]:
        """Check the day against the terms and the rule, and the insured's fund against the rule."""
        cleaned = super().clean()
        if (day := self.day) is not None:
            for sentence in self.faults(day):
                self.add_error("effective", sentence)
            if self.person is not None and (fund := fund_in_the_way(self.rule, self.policy, self.person, day)):
                self.add_error(
                    "insured",
                    f"{self.person.display_name} takes part in the {fund}, which doesn’t allow this. Call us, and "
                    "we’ll see what is possible.",
                )
        return cleaned

    def faults(self, day: dt.date) -> Iterator[str]:
        """Yield what is wrong with the day. Sets the term that it is in."""
        terms = self.terms
        if not terms:
            yield "The policy has no term in force or ahead."
            return
        self.term = next((term for term in terms if term.effective <= day < term.ends), None)
        if self.term is None:
            yield outside(day, terms)
            return
        yield from within_rule(self.rule, day, self.today)


class ForATime(Dated):
    """A change from a day to another one."""

    until = day_field("Until which day?", "Enter the day.")

    def clean(self) -> dict[str, Any]:
        """Check that it ends after it begins, and how long it is."""
        # What is wrong with one of them is said beside what is wrong with the other.
        starts, ends = self.day, self.end
        cleaned = super().clean()
        if starts is None or ends is None:
            return cleaned
        if ends <= starts:
            self.add_error("until", f"It begins on {day_long(starts)}. Enter a later day.")
            return cleaned
        days, rule = (ends - starts).days, self.rule
        if rule.shortest is not None and days < rule.shortest:
            first = day_long(starts + dt.timedelta(days=rule.shortest))
            self.add_error("until", f"That’s {count(days)}. It must be at least {rule.shortest}: {first} or later.")
        if rule.longest is not None and days > rule.longest:
            last = day_long(starts + dt.timedelta(days=rule.longest))
            self.add_error("until", f"That’s {count(days)}. It can be at most {rule.longest}: {last} or earlier.")
        return cleaned

    def warnings(self) -> list[str]:
        """Add that it goes on in another term."""
        found = super().warnings()
        if self.end and self.term and self.end > self.term.ends:
            ends = day_long(self.term.ends)
            found.append(f"It goes on after the term’s end, {ends}. Tell us again in the renewal application.")
        return found


class SupplementForm(AnswersForm):
    """A supplemental application: what underwriting must know before it decides."""

    title = "Supplemental application"
    lead = "Our underwriters need these answers before they can decide."


def outside(day: dt.date, terms: list[Term]) -> str:
    """Return why a day in none of the terms can't be chosen."""
    first, last = terms[0], terms[-1]
    if day < first.effective:
        return f"The term began on {day_long(first.effective)}. Enter that day or a later one."
    if day >= last.ends:
        return f"The term ends on {day_long(last.ends)}. Enter an earlier day, or ask again once the renewal is bound."
    return "The policy has no term on this day. Enter another one."


def within_rule(rule: Rule, day: dt.date, today: dt.date) -> Iterator[str]:
    """Yield what a rule has against a day."""
    if rule.days_back is not None and day < today - dt.timedelta(days=rule.days_back):
        if rule.days_back == 0:
            yield "It can’t take effect before today. Enter today or a later day."
        else:
            earliest = day_long(today - dt.timedelta(days=rule.days_back))
            yield f"It can take effect at most {count(rule.days_back)} back. Enter {earliest} or a later day."
    if rule.days_ahead is not None and day < today + dt.timedelta(days=rule.days_ahead):
        earliest = day_long(today + dt.timedelta(days=rule.days_ahead))
        yield f"We need to know {count(rule.days_ahead)} ahead. Enter {earliest} or a later day."


def count(days: int) -> str:
    """Return so many days in words."""
    return "1 day" if days == 1 else f"{days} days"
