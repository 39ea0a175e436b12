"""How staff complete a registration: who the person is, and how they get their link or code."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet

from accounts.admin.forms import ReasonForm
from accounts.models import Registration, User
from accounts.models.registrations import Reason
from accounts.registrants import Match, Party
from accounts.services.deciding import Way
from core.admin import KeySelect
from policies.models import Contact, Insured, Membership, Policyholder
from policies.registrants.candidates import CONTACT, INSURED, POLICYHOLDER
from policies.registrants.filing import judge_parties


def _chooser(rows: QuerySet[Any], field: str, label: str, help_text: str) -> forms.ModelChoiceField[Any]:
    """Return a field that finds a row of the feed by its name, as the form of a membership does."""
    widget = KeySelect(Membership._meta.get_field(field), admin.site)
    return forms.ModelChoiceField(rows, required=False, label=label, help_text=help_text, widget=widget)


class CompleteForm(ReasonForm):
    """Who a registrant is, the way to the link or code, and why staff are sure."""

    insured = _chooser(Insured.objects.none(), INSURED, "Insured", "A clinician, by last name.")
    policyholder = _chooser(
        Policyholder.objects.none(),
        POLICYHOLDER,
        "Individual policyholder",
        "Where this clinician holds the policy.",
    )
    contact = _chooser(
        Contact.objects.none(), CONTACT, "Contact", "Who represents a policyholder or works at an agency, by last name."
    )
    way = forms.ChoiceField(
        label="Way",
        choices=Way.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose how the person gets the link or the code."},
    )
    field_order = ("insured", "policyholder", "contact", "way", "reason")

    def __init__(self, *args: Any, registration: Registration, **kwargs: Any) -> None:
        initial = {party["kind"]: party["id"] for party in registration.parties}
        super().__init__(*args, **{**kwargs, "initial": initial})
        self.match: Match | None = None
        alone = Policyholder.objects.not_retired().filter(kind=Policyholder.Kind.INDIVIDUAL)
        persons = Insured.objects.not_retired().filter(kind=Insured.Kind.PERSON)
        for name, rows in ((INSURED, persons), (POLICYHOLDER, alone), (CONTACT, Contact.objects.not_retired())):
            self.fields[name].queryset = rows  # type: ignore[attr-defined]
            self.fields[name].error_messages["invalid_choice"] = "Choose one from the list that is still on file."

    def parties(self) -> list[Party]:
        """Return whom staff chose."""
        chosen = ((kind, self.cleaned_data.get(kind)) for kind in (INSURED, POLICYHOLDER, CONTACT))
        return [Party(kind=kind, id=row.pk) for kind, row in chosen if row is not None]

    def is_of_agency(self) -> bool:
        """Whether the account would act for an agency."""
        contact: Contact | None = self.cleaned_data.get(CONTACT)
        return contact is not None and contact.agency_id is not None

    def clean(self) -> dict[str, Any]:
        """Say what keeps the chosen person from an account, or the chosen way from being open."""
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        if not self.parties():
            self.add_error(INSURED, "Choose who the person is: an insured, a policyholder, a contact, or several.")
            return cleaned
        holder, insured = cleaned[POLICYHOLDER], cleaned[INSURED]
        if holder is not None and holder.insured_id and (insured is None or insured.pk != holder.insured_id):
            self.add_error(POLICYHOLDER, "This policyholder is another insured. Choose that insured, too.")
            return cleaned
        self.match = judge_parties(self.parties())
        self._refuse(self.match, cleaned["way"])
        return cleaned

    def _refuse(self, match: Match, way: str) -> None:
        if match.reason is Reason.HAS_ACCOUNT:
            names = ", ".join(User.objects.filter(pk__in=match.accounts).values_list("username", flat=True))
            self.add_error(
                None, f"This person has an account: {names}. Help them to sign in there; a second one isn’t made."
            )
        elif way == Way.ON_FILE and not match.own:
            self.add_error("way", "No email is on file that is this person’s alone. Choose another way.")
        elif way == Way.LETTER and not match.posted:
            self.add_error("way", "No mailing address is on file. Choose another way.")
