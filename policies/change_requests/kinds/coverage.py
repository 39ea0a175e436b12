"""Changes of what is covered: specialty, limits, address or site, name, and dates."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import QuerySet

from core.money import whole_dollars
from core.states import STATES
from core.templatetags.show import day_long
from policies.change_requests.forms import (
    ChangeForm,
    Dated,
    ForInsured,
    SupplementForm,
    choice_field,
    day_field,
    line_field,
    text_field,
    yes_no,
)
from policies.change_requests.kinds.people import STATE_CHOICES, needs
from policies.change_requests.registry import Group, Kind
from policies.models import Coverage

WHOLE_POLICY = "Everyone, or the whole policy"
# Dollars per claim and aggregate that are offered; others can be typed.
LIMITS = [
    (100_000, 300_000),
    (200_000, 600_000),
    (250_000, 750_000),
    (500_000, 1_500_000),
    (1_000_000, 3_000_000),
    (1_300_000, 3_900_000),
    (2_000_000, 4_000_000),
    (2_000_000, 6_000_000),
]
OTHER = "other"


def coverages_of(form: ChangeForm) -> QuerySet[Coverage]:
    """Return the professional coverages that a change is about, on the day from which it holds."""
    rows = Coverage.objects.not_retired().filter(term=form.term, part=Coverage.Part.PROFESSIONAL)
    if form.day:
        rows = rows.filter(effective__lte=form.day, expires__gt=form.day)
    return rows.filter(insured=form.person) if form.person else rows


class SpecialtyForm(ForInsured, Dated):
    """Another specialty, or other procedures."""

    specialty = line_field("New specialty", "Enter the new specialty.", longest=120)
    changes = choice_field(
        "What changes?",
        [
            ("adds", "Adds procedures or a specialty"),
            ("drops", "Stops procedures or a specialty"),
            ("moves", "Moves from one specialty to another"),
        ],
        "Choose what changes.",
    )
    text = text_field("What exactly changes?", "Tell us what changes: procedures that begin or stop.")
    field_order = ("insured", "chosen", "specialty", "changes", "text", "effective")


class SpecialtySupplement(SupplementForm):
    """What underwriting asks about a new specialty."""

    training = text_field("Residency, fellowship, or other training in it", "Name the training, with years.", rows=3)
    board = choice_field(
        "Board certification in it",
        [("certified", "Certified"), ("eligible", "Eligible"), ("neither", "Neither")],
    )
    surgery = yes_no("Does it include surgery or invasive procedures?")
    procedures = text_field("Which procedures, and how many a year?", rows=3)
    obstetrics = yes_no("Does it include obstetrics?")
    privileges = line_field("Hospital with privileges for it", help_text="Leave it empty if there is none.")
    share = choice_field("Share of the practice", [("25", "Up to 25%"), ("50", "Up to 50%"), ("100", "More than 50%")])
    supervises = yes_no("Supervises others who do this work?")
    circumstances = yes_no("Any incident, claim, or complaint from this kind of work?")
    details = text_field("Details of an incident, claim, or complaint")

    def clean(self) -> dict[str, Any]:
        """Ask for what belongs to a yes."""
        cleaned = super().clean() or self.cleaned_data
        needs(self, "surgery", "procedures", "Name the procedures, and how many a year.")
        needs(self, "circumstances", "details", "Give the dates and what became of it, without patients’ names.")
        return cleaned


class LimitsForm(ForInsured, Dated):
    """Other limits, higher or lower."""

    everyone = "Everyone on the policy"

    limits = choice_field(
        "New limits, per claim and aggregate",
        [
            *(
                (f"{one}/{all_}", f"{whole_dollars(Decimal(one))} / {whole_dollars(Decimal(all_))}")
                for one, all_ in LIMITS
            ),
            (OTHER, "Other limits"),
        ],
        "Choose the limits.",
    )
    other_limits = line_field("Which other limits?", longest=60, help_text="Such as $750,000 / $2,250,000.")
    reason = choice_field(
        "Why?",
        [
            ("hospital", "A hospital or plan asks for them"),
            ("law", "A law or a fund asks for them"),
            ("own", "We want them"),
            ("cost", "To lower the premium"),
            (OTHER, "Another reason"),
        ],
        "Choose a reason.",
    )
    text = text_field("Who asks for them, and by when?", rows=3, help_text="Where someone asks for them.")
    field_order = ("insured", "chosen", "limits", "other_limits", "effective", "reason", "text")

    def clean(self) -> dict[str, Any]:
        """Ask for other limits where they were chosen; refuse those that are there already."""
        cleaned = super().clean()
        needs(self, "limits", "other_limits", "Enter the limits per claim and aggregate.", answer=OTHER)
        wanted = self.wanted
        if wanted and self.person and not self.errors:
            rows = list(coverages_of(self))
            if rows and all((row.limit_per_claim, row.limit_aggregate) == wanted for row in rows):
                self.add_error("limits", f"{self.person.display_name} has these limits on that day. Choose others.")
        return cleaned

    @property
    def wanted(self) -> tuple[Decimal, Decimal] | None:
        """The limits that were chosen; None for those that were typed."""
        chosen = str(self.cleaned_data.get("limits") or "")
        if "/" not in chosen:
            return None
        per_claim, aggregate = chosen.split("/")
        return Decimal(per_claim), Decimal(aggregate)

    def warnings(self) -> list[str]:
        """Add what lower limits mean."""
        found = super().warnings()
        if not is_higher(self):
            found.append(
                "Lower limits may be less than a hospital or plan requires. Certificates sent earlier state the old "
                "ones."
            )
        return found


class LimitsSupplement(SupplementForm):
    """What underwriting asks before it raises limits."""

    circumstances = yes_no("Any incident known that may lead to a claim, not reported to us yet?")
    claims = yes_no("Any claim or suit that is open, or closed in the last 5 years?")
    board_actions = yes_no("Any license or privilege limited, suspended, or given up in the last 5 years?")
    procedures = yes_no("Any new procedures since the last application?")
    since = choice_field(
        "Should the higher limits cover work before the change?",
        [("no", "No, only work from that day on"), ("yes", "Yes, work since the retroactive date")],
    )
    details = text_field("Details of every yes")

    def clean(self) -> dict[str, Any]:
        """Ask for details of a yes."""
        cleaned = super().clean() or self.cleaned_data
        answers = [cleaned.get(name) for name in ("circumstances", "claims", "board_actions", "procedures")]
        if "yes" in answers and not cleaned.get("details"):
            self.add_error("details", "Give the dates and what became of it, without patients’ names.")
        return cleaned


class AddressForm(ForInsured, Dated):
    """Where the practice is."""

    everyone = WHOLE_POLICY
    asks = "Who practices there?"

    what = choice_field(
        "What changes?",
        [
            ("moves", "The practice moves"),
            ("adds", "A site is added"),
            ("closes", "A site is closed"),
        ],
        "Choose what changes.",
    )
    address1 = line_field("Street address of the site", "Enter the street address.", longest=120)
    address2 = line_field("Suite or floor", longest=120)
    city = line_field("City", "Enter the city.", longest=80)
    state = choice_field("State", STATE_CHOICES, "Choose a state.", radio=False)
    zip = forms.RegexField(
        label="ZIP",
        regex=r"^[0-9]{5}(-[0-9]{4})?$",
        error_messages={"required": "Enter the ZIP.", "invalid": "Enter a ZIP such as 12207."},
    )
    share = choice_field(
        "Share of the work at this site",
        [("25", "Up to 25%"), ("50", "Up to 50%"), ("100", "More than 50%")],
        "Choose a share.",
    )
    surgery = yes_no("Is there surgery or anesthesia at this site?")
    text = text_field("Anything else we should know?")
    field_order = (
        "insured",
        "chosen",
        "what",
        "address1",
        "address2",
        "city",
        "state",
        "zip",
        "effective",
    )

    def warnings(self) -> list[str]:
        """Add that rates and funds are a state's."""
        found = super().warnings()
        state = self.cleaned_data["state"]
        usual = (self.person.state if self.person else "") or self.policy.policyholder.state
        if state != usual and self.cleaned_data["what"] != "closes":
            found.append(
                f"Rates, forms, and patient compensation funds in {STATES[state]} may differ from those of today."
            )
        return found


class NameForm(ForInsured, Dated):
    """A name that changed, or was written wrong."""

    everyone = "The named insured"
    asks = "Whose name?"

    new_name = line_field("New name, as on the license or registration", "Enter the new name.")
    reason = choice_field(
        "Why?",
        [
            ("personal", "Marriage, divorce, or another personal reason"),
            ("business", "The business has another name, and the same owners"),
            ("ownership", "The business has other owners"),
            ("correction", "It was written wrong"),
        ],
        "Choose a reason.",
    )
    text = text_field("Anything else we should know?", help_text="Attach the license or registration, if you have it.")
    effective = day_field("Since, or from, which day?", "Enter the day.")

    def about(self) -> str:
        """Return whose name, and the new one."""
        whose = self.person.display_name if self.person else self.policy.policyholder.name
        return f"{whose} to {self.cleaned_data['new_name']}"[:200]


class DatesForm(ForInsured):
    """Another beginning, end, or retroactive date of a coverage."""

    START, END, RETROACTIVE = "start", "end", "retroactive"

    which = choice_field(
        "Which date?",
        [(START, "First day of coverage"), (END, "Day on which coverage ends"), (RETROACTIVE, "Retroactive date")],
        "Choose which date.",
    )
    new_date = day_field("New date", "Enter the new date.")
    text = text_field("Why?", "Tell us why the date should change.")

    def clean(self) -> dict[str, Any]:
        """Check the new date against the terms."""
        cleaned = super().clean()
        day, which, terms = cleaned.get("new_date"), cleaned.get("which"), self.terms
        if not day or not which:
            return cleaned
        if not terms:
            raise forms.ValidationError("The policy has no term in force or ahead.")
        if sentence := self._fault(which, day):
            self.add_error("new_date", sentence)
        return cleaned

    def _fault(self, which: str, day: dt.date) -> str:
        first, last = self.terms[0], self.terms[-1]
        if which == self.RETROACTIVE:
            if day > last.effective:
                return f"It can’t be after the term begins, {day_long(last.effective)}. Enter an earlier day."
            return ""
        if day < first.effective:
            return f"The term began on {day_long(first.effective)}. Enter that day or a later one."
        if day > last.ends or (which == self.START and day == last.ends):
            return f"The term ends on {day_long(last.ends)}. Enter an earlier day."
        return ""

    def about(self) -> str:
        """Return whose, which date, and the new one."""
        which = self.in_words("which", self.cleaned_data["which"])
        return ", ".join(filter(None, (super().about(), f"{which}: {day_long(self.cleaned_data['new_date'])}")))[:200]

    def warnings(self) -> list[str]:
        """Add what an earlier beginning means."""
        found = super().warnings()
        if self.cleaned_data["new_date"] < self.today:
            found.append("The date is before today. We may ask for a statement that no claims or incidents are known.")
        return found


def is_higher(form: ChangeForm) -> bool:
    """Whether the limits that were chosen are higher than someone's now. Typed ones count as higher."""
    assert isinstance(form, LimitsForm)  # noqa: S101  # the kind's own form
    if form.wanted is None:
        return True
    per_claim, aggregate = form.wanted
    rows = coverages_of(form)
    return rows.filter(limit_per_claim__lt=per_claim).exists() or rows.filter(limit_aggregate__lt=aggregate).exists()


def _limits_supplement(form: ChangeForm) -> type[SupplementForm] | None:
    return LimitsSupplement if is_higher(form) else None


def _specialty_supplement(form: ChangeForm) -> type[SupplementForm] | None:
    return None if form.cleaned_data["changes"] == "drops" else SpecialtySupplement


KINDS = (
    Kind(
        "specialty", "Specialty or procedures", "Someone’s specialty changes, or procedures begin or stop.",
        Group.COVERAGE, form=SpecialtyForm, supplement=_specialty_supplement, premium=True,
    ),
    Kind(
        "limits", "Limits", "Higher or lower limits of coverage.", Group.COVERAGE,
        form=LimitsForm, supplement=_limits_supplement, premium=True,
    ),
    Kind(
        "dates", "Dates of coverage", "The beginning, the end, or the retroactive date of someone’s coverage.",
        Group.COVERAGE, form=DatesForm, premium=True,
    ),
    Kind(
        "address", "Practice address or site", "The practice moves, or a site opens or closes.", Group.PRACTICE,
        form=AddressForm, premium=True,
    ),
    Kind(
        "name", "Name", "A person or the business has another name.", Group.PEOPLE, form=NameForm,
    ),
)  # fmt: skip
