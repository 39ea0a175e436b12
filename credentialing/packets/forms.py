"""The forms of packets: building one, another link, and the facility's password."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from credentialing.certificates import issuing
from credentialing.certificates import limits as certificate_limits
from credentialing.claims_history.access import subjects_of
from credentialing.claims_history.forms import YEARS, WithHolder
from credentialing.forms import NEW, SAVED
from credentialing.models import Authorization, Certificate, ClaimsPaper, PacketItem
from credentialing.models.authorizations import covers_window, window_name
from credentialing.models.holders import of_own_party
from credentialing.packets import building, limits
from credentialing.packets.timeline import NoTimelineError, snapshot_of
from policies.models import reach_of
from policies.pages.insured import page_of_insured

if TYPE_CHECKING:
    from accounts.models import User
    from credentialing.claims_history.access import Subject
    from credentialing.models import Holder, Packet
    from credentialing.pages.issue import Choice
    from policies.models import Membership

Kind = PacketItem.Kind
DAYS = (7, 14, 30, 60, 90)
NEW_ONE = "new"
MOST_CERTIFICATES = 10
HOLDER_FIELDS = ("name", "address1", "address2", "city", "state", "zip")


def days_offered() -> list[int]:
    """Return how many days a packet may be open: the usual choices up to the setting, and the setting itself."""
    most = settings.PACKET_MOST_DAYS
    return sorted({days for days in DAYS if days < most} | {most})


class DeliveryForm(forms.Form):
    """Where link and password go: each to an email address, or to who asks, on the next page."""

    use_required_attribute = False

    link_to = forms.EmailField(
        label="Email the link to",
        required=False,
        max_length=254,
        help_text="Leave it empty to see the link on the next page and send it yourself.",
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"invalid": "Enter an email address, such as credentialing@hospital.org."},
    )
    password_to = forms.EmailField(
        label="Email the password to",
        required=False,
        max_length=254,
        help_text="Not where the link goes. Leave it empty to see it on the next page and tell it by phone.",
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"invalid": "Enter an email address, such as credentialing@hospital.org."},
    )

    def clean(self) -> dict[str, Any]:
        """Refuse to send both to one mailbox: who reads it would have all there is."""
        cleaned = super().clean() or self.cleaned_data
        link_to, password_to = cleaned.get("link_to"), cleaned.get("password_to")
        if link_to and password_to and link_to.casefold() == password_to.casefold():
            self.add_error("password_to", "Enter another address than the link goes to, or tell the password by phone.")
        return cleaned

    @property
    def delivery(self) -> building.Delivery:
        """Where link and password go, once the form is valid."""
        return building.Delivery(self.cleaned_data["link_to"], self.cleaned_data["password_to"])


class PacketForm(WithHolder, DeliveryForm):
    """What goes into a packet, for which facility, and until when."""

    certificate = forms.ChoiceField(
        label="Certificate",
        required=False,
        error_messages={"invalid_choice": "Choose a certificate from the list."},
    )
    history = forms.BooleanField(label="Claims history", required=False)
    years = forms.ChoiceField(
        label="How far back?",
        choices=[(name, window_name(years)) for name, years in YEARS.items()],
        initial="10",
        required=False,
        error_messages={"invalid_choice": "Choose one of the three."},
    )
    purpose = forms.ChoiceField(
        label="What is it for?",
        choices=ClaimsPaper.Purpose.choices,
        required=False,
        error_messages={"invalid_choice": "Choose one from the list."},
    )
    release = forms.BooleanField(label="Signed release", required=False)
    timeline = forms.BooleanField(label="Coverage timeline", required=False)
    days = forms.ChoiceField(
        label="Open for",
        error_messages={"required": "Choose for how long.", "invalid_choice": "Choose from the list."},
    )

    def __init__(self, *args: Any, user: User, choice: Choice, **kwargs: Any) -> None:
        """`choice` comes from coverages fetched through `visible_to(user)`, as they are judged now."""
        self._user, self._choice = user, choice
        self._acting = issuing.acting_memberships(user, choice.own.coverage)
        super().__init__(*args, memberships=self._acting, **kwargs)
        self._offer_facility()
        self._offer_certificates()
        days = self.fields["days"]
        days.choices = [(str(n), f"{n} days") for n in days_offered()]  # type: ignore[attr-defined]
        days.initial = "14" if 14 in days_offered() else str(days_offered()[-1])
        self.release_href = ""
        self.snapshot: dict[str, Any] | None = None
        self.subjects: list[Subject] = []
        self.authorization: Authorization | None = None

    def _offer_facility(self) -> None:
        choices = [(NEW, "A new facility")]
        if self.saved.has_holders:
            choices.insert(0, (SAVED, "A saved facility"))
        recipient, holder = self.fields["recipient"], self.saved.fields["holder"]
        recipient.choices = choices  # type: ignore[attr-defined]
        recipient.initial = choices[0][0]
        recipient.label = "Which facility is it for?"
        recipient.error_messages["required"] = "Choose which facility it’s for."
        holder.label = "Facility"
        holder.empty_label = "Choose a facility"  # type: ignore[attr-defined]

    def _offer_certificates(self) -> None:
        own = self._choice.own
        word = "letter of past coverage" if self._choice.is_letter else "certificate"
        offered = [(NEW_ONE, f"A new {word}, made out to the facility")] if own.gives.allows else []
        issued = Certificate.objects.visible_to(self._user).filter(
            of_own_party(reach_of(self._user), "membership__"),
            coverage__insured=own.coverage.insured_id,
            coverage__term=own.coverage.term_id,
        )
        self._issued = {one.public_id: one for one in issued.order_by("-issued_at", "-id")[:MOST_CERTIFICATES]}
        offered += [(key, f"{one.serial}, {one.holder_name}") for key, one in self._issued.items()]
        self.fields["certificate"].choices = [*offered, ("", "None")]  # type: ignore[attr-defined]
        self.fields["certificate"].initial = offered[0][0] if offered else ""

    def clean(self) -> dict[str, Any]:
        """Refuse an empty packet, and see that there is a timeline."""
        cleaned = super().clean()
        chosen = [cleaned.get("certificate"), *(cleaned.get(name) for name in ("history", "release", "timeline"))]
        if not any(chosen) and not self.errors:
            self.add_error(None, "Choose at least one paper.")
        if cleaned.get("timeline"):
            insured = self._choice.own.coverage.insured
            try:
                self.snapshot = snapshot_of(page_of_insured(self._user, insured.public_id))
            except NoTimelineError as refusal:
                self.add_error("timeline", str(refusal))
        return cleaned

    def build(self) -> tuple[Packet, building.Secrets] | None:
        """Build it; None where an error is beside its field now.

        Raises `building.NotBuildableError` or `TooManyError` with the sentence for the user.
        """
        limits.count_build(self._user)
        membership = self._acting[0]
        holder: Holder
        if self.saved.is_bound:
            # The party whose address book the facility is in builds: no other party may see it.
            holder = self.saved.cleaned_data["holder"]
            membership = next(each for each in self._acting if holder.is_in_book_of(each))
        else:
            holder = issuing.keep_holder(by=self._user, membership=membership, **self.new.cleaned_data)
        certificate = self._certificate_for(holder)
        self._ground_for(holder, membership)
        if self.snapshot is not None and self._is_of_more_than(membership):
            self.add_error("timeline", "A timeline of your own isn’t for your group. Choose a facility of your own.")
        if self.errors:
            return None
        new_one = self.cleaned_data["certificate"] == NEW_ONE
        if new_one:
            certificate_limits.count_issue(self._user)
        wanted = building.Wanted(
            coverage=self._choice.own.coverage,
            holder=holder,
            parts=self._choice.parts if new_one else (),
            certificate=certificate,
            subjects=self.subjects if self.cleaned_data["history"] else (),
            years=self._years,
            purpose=self.cleaned_data["purpose"] or ClaimsPaper.Purpose.PRIVILEGES,
            authorization=self.authorization,
            with_release=self.cleaned_data["release"],
            timeline=self.snapshot,
        )
        return building.build(
            wanted,
            expires_at=timezone.now() + dt.timedelta(days=int(self.cleaned_data["days"])),
            delivery=self.delivery,
            by=self._user,
            membership=membership,
            key=self.cleaned_data["idempotency_key"],
        )

    @property
    def _years(self) -> int | None:
        return YEARS[self.cleaned_data["years"] or "10"]

    def _is_of_more_than(self, membership: Membership) -> bool:
        """Whether the timeline is the insured's own, with policies that the party that builds doesn't see."""
        is_own = self._choice.own.coverage.insured_id in reach_of(self._user).insured_ids
        return is_own and not self._is_for_oneself(membership)

    def _certificate_for(self, holder: Holder) -> Certificate | None:
        """Return the certificate that was chosen; another facility's isn't given to this one."""
        found = self._issued.get(self.cleaned_data["certificate"])
        if found is not None and found.holder is not None and found.holder.fingerprint != holder.fingerprint:
            self.add_error("certificate", f"This one is made out to {found.holder_name}. Choose a new one.")
        return found

    def _ground_for(self, holder: Holder, membership: Membership) -> None:
        """Find whose history it is and the authorization that it rests on, or say beside the field what is missing."""
        wants_history, wants_release = self.cleaned_data["history"], self.cleaned_data["release"]
        if not (wants_history or wants_release):
            return
        insured = self._choice.own.coverage.insured
        self.subjects = [one for one in subjects_of(self._user, [insured.pk]) if self._is_asked(one, membership)]
        self.authorization = _authorization_for(insured.pk, holder, membership, self._years)
        if wants_history and not self.subjects:
            self.add_error("history", "You have no access to this claims history.")
            return
        covered_by_rule = wants_history and not wants_release and all(one.covered_by_rule for one in self.subjects)
        if self.authorization is None and not (covered_by_rule and not self._is_for_oneself(membership)):
            field = "history" if wants_history else "release"
            self.add_error(field, self._what_is_missing(holder, membership))

    def _is_asked(self, subject: Subject, membership: Membership) -> bool:
        """Whether a history is of the party that builds: all of the insured's own, or that of the policy's company."""
        if self._is_for_oneself(membership):
            return subject.is_own
        policy = self._choice.own.coverage.term.policy
        return (
            not subject.is_own
            and subject.company.pk == policy.company_id
            and subject.policyholder is not None
            and subject.policyholder.pk == policy.policyholder_id
        )

    def _is_for_oneself(self, membership: Membership) -> bool:
        """Whether the insured builds it, as such or as the policyholder of a practice of their own."""
        insured_id = self._choice.own.coverage.insured_id
        own_practice = membership.policyholder is not None and membership.policyholder.insured_id == insured_id
        return membership.insured_id == insured_id or (own_practice and insured_id in reach_of(self._user).insured_ids)

    def _what_is_missing(self, holder: Holder, membership: Membership) -> str:
        """Return the sentence, and for the insured the way to sign a release for this facility (`release_href`)."""
        insured = self._choice.own.coverage.insured
        if not self._is_for_oneself(membership):
            return f"{insured.display_name} hasn’t signed a release that covers this. Ask them for one."
        years = self.cleaned_data["years"] or "10"
        own = next(each for each in reach_of(self._user).memberships if each.insured_id == insured.pk)
        if not holder.is_in_book_of(own):
            # A release names a facility of the insured's own address book.
            typed = {name: getattr(holder, name) for name in HOLDER_FIELDS}
            holder = issuing.keep_holder(by=self._user, membership=own, **typed)
        query = {"insured": insured.public_id, "to": f"holder.{holder.public_id}", "years": years}
        self.release_href = f"{reverse('credentialing:authorization-sign')}?{urlencode(query)}"
        return f"Sign a release for {holder.name} first."


def _authorization_for(
    insured_id: int, holder: Holder, membership: Membership, years: int | None
) -> Authorization | None:
    """Return the authorization in effect that a packet for this facility may rest on: one that names the facility, or
    for a policyholder's or agency's packet one that names that party; the one that holds longest of several."""
    party = (membership.policyholder_id, membership.agency_id)
    given = Authorization.objects.in_effect().filter(insured=insured_id)
    covering = [
        one
        for one in given.select_related("insured", "policyholder", "agency")
        if covers_window(one.years, years)
        and (
            one.holder_fingerprint == holder.fingerprint
            if one.holder_fingerprint
            else membership.insured_id is None and (one.policyholder_id, one.agency_id) == party
        )
    ]
    return max(covering, key=lambda one: (one.expires_on, one.pk), default=None)


class PasswordForm(forms.Form):
    """What opens a packet beside its link."""

    use_required_attribute = False

    # The hash of the link's token, signed (`public_views.open_link`).
    link = forms.CharField(required=False, max_length=300, widget=forms.HiddenInput)
    password = forms.CharField(
        label="Password",
        max_length=60,
        strip=True,
        help_text="12 letters and digits. Spaces, dashes, and case don’t matter.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false", "data-sensitive": ""}
        ),
        error_messages={"required": "Enter the password.", "max_length": "The password has 12 letters and digits."},
    )
