"""Changes of the policy itself: cancel, reinstate, payment plan, agent of record, additional insured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from core.templatetags.show import day_long
from policies.change_requests.forms import (
    ChangeForm,
    Dated,
    ForInsured,
    choice_field,
    day_field,
    line_field,
    text_field,
    yes_no,
)
from policies.change_requests.kinds.people import needs
from policies.change_requests.registry import HOLDERS, Group, Kind, Rule
from policies.models import Membership, Policy, Term

if TYPE_CHECKING:
    import datetime as dt

# Where staff have settled nothing else (docs/staff.md#rules-on-changes).
CANCEL_BACK = 30


class CancelForm(Dated):
    """To end the policy before its term does."""

    lead = (
        "This asks us to cancel the whole policy. To remove one person, choose “Remove an insured”. The policy stays "
        "in force until we confirm the cancellation."
    )

    effective = day_field(
        "Cancel from which day?",
        "Enter the day.",
        help_text="Coverage ends at 12:01 a.m. on this day, at the named insured’s address.",
    )
    reason = choice_field(
        "Why?",
        [
            ("carrier", "Insured with another carrier"),
            ("retired", "Retiring, or closing the practice"),
            ("joined", "Joining a group that insures us"),
            ("moved", "Moving to another state"),
            ("cost", "Cost"),
            ("other", "Another reason"),
        ],
        "Choose a reason.",
    )
    new_carrier = line_field("New carrier", longest=120, help_text="Where you’re insured elsewhere.")
    prior_acts = yes_no("Does the new coverage include work that was done while this policy was in force?", "")
    tail = choice_field(
        "Offers of a tail (extended reporting endorsement)",
        [("yes", "Send offers"), ("no", "Not needed")],
        "Choose whether you want offers.",
    )
    text = text_field("Anything else we should know?")

    def clean(self) -> dict[str, Any]:
        """Ask for the new carrier."""
        cleaned = super().clean()
        needs(self, "reason", "new_carrier", "Enter the name of the new carrier.", answer="carrier")
        needs(self, "reason", "prior_acts", "Choose yes or no.", answer="carrier")
        return cleaned

    def warnings(self) -> list[str]:
        """Add what a cancellation means."""
        found = super().warnings()
        found.append(
            "Coverage ends for everyone on the policy. Where it’s claims-made, claims that are made later aren’t "
            "covered without a tail or prior acts coverage."
        )
        return found


class ReinstateForm(ChangeForm):
    """To put a cancelled policy back in force."""

    lead = (
        "We decide whether the policy can be reinstated, and from which day. Until we confirm it, there’s no coverage "
        "after the cancellation. Paying what is due doesn’t reinstate the policy by itself."
    )

    reason = text_field("What led to the cancellation, and what has changed?", "Tell us what has changed.")
    paid = choice_field(
        "What was due",
        [("paid", "Is paid"), ("will", "Will be paid today"), ("other", "Wasn’t the reason")],
        "Choose one.",
    )
    lapse = yes_no(
        "If there must be days without coverage, should we reinstate all the same?",
        help_text="Events on such days aren’t covered, and certificates state them.",
    )

    def about(self) -> str:
        """Return which cancellation is to be undone."""
        ends = self.policy.cancellation_effective or self.policy.status_date
        return f"Cancellation of {day_long(ends)}" if ends else "Cancellation"


class PaymentPlanForm(ChangeForm):
    """Other installments."""

    plan = choice_field("New payment plan", list(Term.PaymentPlan.choices), "Choose a payment plan.")
    when = choice_field(
        "From when?",
        [("next", "From the next installment, where that’s possible"), ("renewal", "From the renewal")],
        "Choose from when.",
    )
    text = text_field("Anything else we should know?")

    def clean_plan(self) -> str:
        """Refuse the plan that there is."""
        plan = str(self.cleaned_data["plan"])
        if self.term is not None and self.term.payment_plan == plan:
            raise forms.ValidationError("The policy has this plan already. Choose another one.")
        return plan

    def about(self) -> str:
        """Return the new plan."""
        return self.in_words("plan", self.cleaned_data["plan"])


class AgentForm(Dated):
    """Another agent of record."""

    agency = line_field("New agency", "Enter the name of the agency.")
    producer = line_field("Producer’s name or code", longest=120)
    phone = line_field("Agency’s phone", "Enter a phone number.", longest=40)
    effective = day_field("From which day?", "Enter the day.")
    text = text_field("Anything else we should know?")

    def about(self) -> str:
        """Return the agency."""
        return f"{self.cleaned_data['agency']}, {super().about()}"[:200]


class AdditionalInsuredForm(ForInsured):
    """Somebody who is to be named on the policy, or wording that a contract asks for."""

    everyone = "The whole policy"
    asks = "For which coverage?"
    lead = (
        "A certificate informs its holder and gives them no rights. Someone becomes an additional insured only by an "
        "endorsement, which an underwriter has to agree to."
    )

    what = choice_field(
        "What is asked for?",
        [
            ("insured", "An additional insured"),
            ("wording", "Special wording on certificates"),
            ("waiver", "A waiver of subrogation"),
            ("notice", "Notice of cancellation to someone else"),
            ("other", "Something else"),
        ],
        "Choose what is asked for.",
    )
    party = line_field("Who asks for it?", "Enter the name.", help_text="The name as it should be printed.")
    party_address = text_field("Their address", "Enter the address.", rows=3, help_text="")
    relation = line_field("What do they have to do with the practice?", "Tell us.", help_text="Landlord, hospital, …")
    wording = text_field("Wording of the contract", help_text="Copy it here, or attach the contract.")
    needed_by = day_field("Needed by", "")

    def clean_needed_by(self) -> dt.date | None:
        """Refuse a day in the past."""
        day: dt.date | None = self.cleaned_data["needed_by"]
        if day is not None and day < self.today:
            raise forms.ValidationError("This day has passed. Enter today or a later day.")
        return day

    def clean(self) -> dict[str, Any]:
        """Ask for the wording where there is some."""
        cleaned = super().clean()
        needs(self, "what", "wording", "Copy the wording here.", answer="wording")
        return cleaned

    def about(self) -> str:
        """Return what, and for whom."""
        return f"{self.in_words('what', self.cleaned_data['what'])}: {self.cleaned_data['party']}"[:200]


def _is_in_force(policy: Policy) -> str:
    day = policy.today()
    if any(term.runs_past(day) for term in policy.terms_on_file):
        return ""
    return "The policy has no term in force or ahead."


def _can_be_reinstated(policy: Policy) -> str:
    if policy.status not in (Policy.Status.PENDING_CANCELLATION, Policy.Status.CANCELLED):
        return "The policy isn’t cancelled."
    if policy.replaced_by_id is not None:
        return "Another policy continues this one."
    if policy.reinstate_by is not None and policy.reinstate_by < policy.today():
        return f"It could be reinstated until {day_long(policy.reinstate_by)}. Call us about a new policy."
    return ""


def _is_billed_by_us(policy: Policy) -> str:
    if refusal := _is_in_force(policy):
        return refusal
    latest = next((term for term in policy.terms_on_file if term.runs_past(policy.today())), None)
    if latest is not None and latest.billing == Term.Billing.DIRECT:
        return ""
    return "Your agency or premium finance company bills this policy. Ask them."


def _cancel_statement(form: ChangeForm) -> str:
    assert form.day is not None  # noqa: S101  # the form is valid
    number, day = form.policy.number, day_long(form.day)
    if form.membership.role == Membership.Role.AGENT:
        asks = f"The named insured has asked me in writing to have policy {number} cancelled as of 12:01 a.m. on {day}."
    else:
        asks = f"I ask you to cancel policy {number} as of 12:01 a.m. on {day}. I’m authorized to do so."
    return (
        f"{asks} No claim will be made under the policy for events after that time. Where coverage is claims-made, I "
        "understand that claims made after that time aren’t covered without an extended reporting endorsement."
    )


def _no_loss_statement(form: ChangeForm) -> str:
    policy = form.policy
    since = policy.cancellation_effective or policy.status_date
    span = (
        f"between {day_long(since)} and now"
        if since and since <= policy.today()
        else "since the notice of cancellation"
    )
    return (
        f"I ask you to reinstate policy {policy.number}. I state for {policy.policyholder.name}, and for everyone "
        f"insured on the policy, that {span} no claim, suit, or demand was made, and that I know of no incident or "
        "circumstance that could lead to one. I have asked everyone insured on the policy. I understand that you rely "
        "on this statement, and that coverage can be denied or the reinstatement undone if it isn’t true."
    )


def _agent_statement(form: ChangeForm) -> str:
    assert form.day is not None  # noqa: S101  # the form is valid
    return (
        f"I appoint {form.cleaned_data['agency']} as agent of record for policy {form.policy.number}, from "
        f"{day_long(form.day)}. This ends the appointment of any other agency. The new agency may have all "
        "information about the policy. I’m authorized to do so."
    )


KINDS = (
    Kind(
        "payment_plan", "Payment plan", "Pay in more or fewer installments.", Group.POLICY,
        form=PaymentPlanForm, fits=_is_billed_by_us,
    ),
    Kind(
        "additional_insured", "Additional insured or special wording", "A contract asks for more than a certificate.",
        Group.POLICY, form=AdditionalInsuredForm, fits=_is_in_force,
    ),
    Kind(
        "agent_of_record", "Agent of record", "Another agency is to serve the policy.", Group.POLICY,
        form=AgentForm, roles=HOLDERS, statement=_agent_statement, rule=Rule(days_back=0),
    ),
    Kind(
        "cancel", "Cancel the policy", "End the whole policy before its term does.", Group.POLICY,
        form=CancelForm, fits=_is_in_force, statement=_cancel_statement, rule=Rule(days_back=CANCEL_BACK),
        premium=True,
    ),
    Kind(
        "reinstate", "Reinstate the policy", "The policy was cancelled, or we gave notice of it.", Group.POLICY,
        form=ReinstateForm, fits=_can_be_reinstated, statement=_no_loss_statement, roles=HOLDERS, after_end=True,
        warns_of_fraud=True,
    ),
)  # fmt: skip
