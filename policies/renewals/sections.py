"""The pages of an application: their forms, and what is still missing on them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms

from core.money import whole_dollars
from core.states import STATES
from policies.renewals.question_forms import (
    Asked,
    QuestionsForm,
    TypedForm,
    add_question,
    answers_of,
    fields_of,
    require_details,
    text_field,
)
from policies.renewals.questions import LIMITS_UP, SPECIALTY, practice_sets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policies.models import Coverage, Policy, RenewalApplication, RenewalSection

COVERAGE, ADDRESS, PRACTICE, LINE = "coverage", "address", "practice", "line"
TITLES = {COVERAGE: "Coverage", ADDRESS: "Address and contact", PRACTICE: "Practice"}
KEEP, OTHER = "keep", "other"
# Each claim and aggregate, in thousands of dollars, as they are usually written.
USUAL_LIMITS = ((100, 300), (200, 600), (250, 750), (500, 1500), (1000, 3000), (1300, 3900), (2000, 4000), (2000, 6000))
ZIP = re.compile(r"\d{5}(-\d{4})?")
CHOOSE = {"required": "Choose one.", "invalid_choice": "Choose one."}


class CoverageForm(TypedForm):
    """Whether the coverage on file is right, and who joins or leaves."""

    roster = forms.ChoiceField(
        label="Does everyone on the policy renew?",
        choices=[
            ("same", "Yes, everyone who is on the policy now, and nobody else"),
            ("changes", "No, someone joins or leaves"),
        ],
        widget=forms.RadioSelect,
        error_messages=CHOOSE,
    )
    roster_details = text_field("Who joins or leaves, and from when?", required=False)
    reviewed = forms.BooleanField(
        label="I’ve reviewed the coverage on this page, and asked for the changes that we need.",
        error_messages={"required": "Review the coverage, and tick this box."},
    )

    def __init__(self, *args: Any, policy: Policy, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        """Refuse a change without its details."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("roster") == "changes" and not cleaned.get("roster_details"):
            self.add_error("roster_details", "Tell us who joins or leaves, and from when.")
        return cleaned


class AddressForm(TypedForm):
    """The mailing address and contact of the policyholder, as they are to be."""

    moves = forms.ChoiceField(
        label="Is the address right?",
        choices=[("no", "Yes, it stays"), ("yes", "No, it changes")],
        widget=forms.RadioSelect,
        error_messages=CHOOSE,
    )
    address1 = forms.CharField(label="Address", max_length=120, required=False)
    address2 = forms.CharField(label="Suite or floor", max_length=120, required=False)
    city = forms.CharField(max_length=80, required=False)
    state = forms.ChoiceField(
        choices=[("", "Choose"), *STATES.items()],
        required=False,
        error_messages={"invalid_choice": "Choose a state."},
    )
    zip = forms.CharField(label="ZIP code", max_length=10, required=False)
    phone = forms.CharField(label="Phone for questions about this application", max_length=40, required=False)
    email = forms.EmailField(
        label="Email for questions about this application",
        max_length=254,
        required=False,
        error_messages={"invalid": "Enter an email address, such as office@clinic.org."},
    )

    def __init__(self, *args: Any, policy: Policy, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        """Refuse a new address that isn't whole."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("moves") == "yes":
            missing = {
                "address1": "Enter the street address or PO box.",
                "city": "Enter the city.",
                "state": "Choose a state.",
                "zip": "Enter the ZIP code.",
            }
            for name, sentence in missing.items():
                if not cleaned.get(name) and name not in self.errors:
                    self.add_error(name, sentence)
        if cleaned.get("zip") and not ZIP.fullmatch(cleaned["zip"]):
            self.add_error("zip", "Enter 5 digits, or 9 as 12345-6789.")
        return cleaned


class PracticeForm(QuestionsForm):
    """The questions of the policy's program."""

    def __init__(self, *args: Any, policy: Policy, **kwargs: Any) -> None:
        super().__init__(*args, sets=practice_sets(policy.program), **kwargs)


class LineForm(TypedForm):
    """What is to change in one coverage: limits, specialty, or that it isn't renewed."""

    limits = forms.ChoiceField(label="Limits", error_messages=CHOOSE)
    limits_other = forms.CharField(
        label="Which limits?",
        max_length=60,
        required=False,
        help_text="Each claim / aggregate, for example $1,500,000 / $4,500,000.",
    )
    specialty_changes = forms.ChoiceField(
        label="Does the specialty change?", choices=[("no", "No"), ("yes", "Yes")], widget=forms.RadioSelect
    )
    specialty = forms.CharField(label="New specialty", max_length=120, required=False)
    leaves = forms.BooleanField(label="Don’t renew this coverage", required=False)
    leaves_details = text_field("Why, and from when?", required=False, rows=2)

    def __init__(self, *args: Any, coverage: Coverage, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.coverage = coverage
        self.fields["limits"].choices = limit_choices(coverage)  # type: ignore[attr-defined]
        for question in (*LIMITS_UP.questions, *SPECIALTY.questions):
            add_question(self, question, required=False)
        self.initial = {"limits": KEEP, "specialty_changes": "no"} | dict(self.initial)

    def clean(self) -> dict[str, Any]:
        """Ask the supplemental questions of what changes."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("leaves"):
            if not cleaned.get("leaves_details"):
                self.add_error("leaves_details", "Tell us why, and from when.")
            return cleaned
        if cleaned.get("limits") == OTHER and not cleaned.get("limits_other"):
            self.add_error("limits_other", "Enter the limits that you need.")
        if self.raises_limits:
            self._require(LIMITS_UP, "Answer this, because you ask for other limits.")
        if cleaned.get("specialty_changes") == "yes":
            if not cleaned.get("specialty"):
                self.add_error("specialty", "Enter the new specialty.")
            self._require(SPECIALTY, "Answer this, because the specialty changes.")
        return cleaned

    def _require(self, questions: Any, sentence: str) -> None:
        for question in questions.questions:
            if not self.cleaned_data.get(question.key) and question.key not in self.errors:
                self.add_error(question.key, sentence)
            require_details(self, question)

    @property
    def raises_limits(self) -> bool:
        """Whether higher limits are asked for, or ones that we can't compare."""
        chosen = self.cleaned_data.get("limits", KEEP)
        if chosen in (KEEP, ""):
            return False
        if chosen == OTHER:
            return True
        claim, aggregate = (Decimal(part) for part in chosen.split("/"))
        return claim > self.coverage.limit_per_claim or aggregate > self.coverage.limit_aggregate

    @property
    def changes(self) -> list[str]:
        """What is asked for, in a few words; of a valid form."""
        cleaned = self.cleaned_data
        if cleaned["leaves"]:
            return ["Not renewed"]
        found = []
        if cleaned["limits"] == OTHER:
            found.append(f"Limits {cleaned['limits_other']}")
        elif cleaned["limits"] != KEEP:
            found.append(f"Limits {dict(limit_choices(self.coverage))[cleaned['limits']]}")
        if cleaned["specialty_changes"] == "yes":
            found.append(f"Specialty {cleaned['specialty']}")
        return found

    def answers(self) -> list[dict[str, str]]:
        """Return the answers to the questions that the changes ask."""
        if self.cleaned_data["leaves"]:
            return [
                {
                    "set": "",
                    "key": "leaves",
                    "text": str(self.fields["leaves_details"].label),
                    "value": self.cleaned_data["leaves_details"],
                    "details": "",
                }
            ]
        found = list(answers_of(self, LIMITS_UP)) if self.raises_limits else []
        if self.cleaned_data["specialty_changes"] == "yes":
            found += answers_of(self, SPECIALTY)
        return found

    @property
    def of_limits(self) -> list[Asked]:
        """The questions about higher limits."""
        return list(fields_of(self, LIMITS_UP))

    @property
    def of_specialty(self) -> list[Asked]:
        """The questions about another specialty."""
        return list(fields_of(self, SPECIALTY))


FORMS: dict[str, type[Any]] = {COVERAGE: CoverageForm, ADDRESS: AddressForm, PRACTICE: PracticeForm}


def limit_choices(coverage: Coverage) -> list[tuple[str, str]]:
    """Return the limits to choose from: those of now, the usual ones, and others."""
    now = (coverage.limit_per_claim, coverage.limit_aggregate)
    usual = [(Decimal(claim * 1000), Decimal(aggregate * 1000)) for claim, aggregate in USUAL_LIMITS]
    others = [
        (f"{claim}/{aggregate}", f"{whole_dollars(claim)} / {whole_dollars(aggregate)}")
        for claim, aggregate in usual
        if (claim, aggregate) != now
    ]
    kept = f"Keep {whole_dollars(now[0])} / {whole_dollars(now[1])}"
    return [(KEEP, kept), *others, (OTHER, "Other limits")]


@dataclass(frozen=True)
class Problem:
    """Something that keeps an application from being submitted. `name`, `coverage_id`: the page where it is."""

    name: str
    sentence: str
    coverage_id: str = ""


def saved_form(name: str, policy: Policy, section: RenewalSection | None) -> Any:
    """Return a page's form bound to what is saved, to be judged."""
    return FORMS[name](dict(section.values) if section else {}, policy=policy)


def rows_of(application: RenewalApplication) -> tuple[dict[str, RenewalSection], list[RenewalSection]]:
    """Return the saved pages by name, and the changes to coverages that ask for anything. One query."""
    rows = application.sections.select_related("coverage__insured", "saved_by").order_by("pk")
    pages, lines = {}, []
    for row in rows:
        if row.coverage is None:
            pages[row.name] = row
        elif asks_for_something(row.values):
            lines.append(row)
    return pages, lines


def asks_for_something(values: Mapping[str, Any]) -> bool:
    """Whether what is saved for a coverage changes anything."""
    changes = values.get("limits", KEEP) not in ("", KEEP) or values.get("specialty_changes") == "yes"
    return changes or bool(values.get("leaves"))


def problems_of(policy: Policy, pages: Mapping[str, RenewalSection], lines: list[RenewalSection]) -> list[Problem]:
    """Return what keeps the application from being submitted, page by page."""
    found = []
    for name, title in TITLES.items():
        if name not in pages:
            found.append(Problem(name, f"{title}: fill in this page."))
            continue
        form = saved_form(name, policy, pages[name])
        if not form.is_valid():
            count = sum(len(errors) for errors in form.errors.values())
            things = "1 answer needs" if count == 1 else f"{count} answers need"
            found.append(Problem(name, f"{title}: {things} your attention."))
    for line in lines:
        if line.coverage is not None and not LineForm(dict(line.values), coverage=line.coverage).is_valid():
            who = line.coverage.insured.display_name
            found.append(Problem(LINE, f"{who}: complete the change.", line.coverage.public_id))
    return found
