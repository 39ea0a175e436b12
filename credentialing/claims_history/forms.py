"""The forms of claims histories, loss runs, and authorizations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from core.idempotency import IdempotentForm
from credentialing.certificates import limits
from credentialing.certificates.issuing import keep_holder
from credentialing.claims_history import authorizing, issuing, loss_runs
from credentialing.claims_history.authorizing import Recipient
from credentialing.forms import CONCERN, NEW, SAVED, NewHolderForm, SavedHolderForm
from credentialing.models import ClaimsPaper
from credentialing.models.authorizations import WINDOWS, window_name

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from accounts.models import User
    from credentialing.claims_history.access import Subject
    from credentialing.claims_history.pages import Choices
    from credentialing.models import Authorization, ClaimsRequest, Holder
    from policies.models import Insured, Membership

YEARS = {str(years or "all"): years for years in WINDOWS}


def years_of(query: Mapping[str, str], *, default: str = "10") -> str:
    """Return the window that an address asks for by its name: '5', '10', or 'all'."""
    asked = query.get("years", default)
    return asked if asked in YEARS else default


class WithHolder(IdempotentForm):
    """A saved holder, a new one, or none. Only the form of the choice is validated."""

    recipient = forms.ChoiceField(widget=forms.RadioSelect)
    use_required_attribute = False

    def __init__(self, *args: Any, memberships: Sequence[Membership], **kwargs: Any) -> None:
        """`memberships`: whose address books the saved holders are from, the one that a new one gets into first."""
        super().__init__(*args, **kwargs)
        self._memberships = memberships
        self.saved = SavedHolderForm(**self._typed_for(SAVED), memberships=memberships)
        self.new = NewHolderForm(**self._typed_for(NEW))

    def _typed_for(self, choice: str) -> dict[str, Any]:
        """Return what the form of a choice takes. It stays unbound where another is chosen, and keeps what was
        typed."""
        if not self.is_bound:
            return {}
        return {"data" if self.data.get("recipient") == choice else "initial": self.data}

    @property
    def chosen(self) -> SavedHolderForm | NewHolderForm | None:
        """The form of the choice that was sent; none without a holder."""
        return next((form for form in (self.saved, self.new) if form.is_bound), None)

    def is_valid(self) -> bool:
        """Whether both the choice and its form are valid; both are checked, so that all errors show at once."""
        return all([super().is_valid(), self.chosen is None or self.chosen.is_valid()])

    def holder(self, by: User) -> Holder | None:
        """Return the holder that was chosen; a new one is kept. Raises `limits.TooManyError`."""
        if self.saved.is_bound:
            found: Holder = self.saved.cleaned_data["holder"]
            return found
        if self.new.is_bound:
            return keep_holder(by=by, membership=self._memberships[0], **self.new.cleaned_data)
        return None


class HistoryForm(WithHolder):
    """What some histories are for, and whom they are made out to. Insureds and window come from the address."""

    purpose = forms.ChoiceField(
        label="What is it for?",
        choices=[("", "Choose"), *ClaimsPaper.Purpose.choices],
        error_messages={
            "required": "Choose what it’s for.",
            "invalid_choice": "Choose what it’s for from the list.",
        },
    )

    field_order = ("idempotency_key", "purpose", "recipient")

    def __init__(self, *args: Any, user: User, subjects: Sequence[Subject], years: int | None, **kwargs: Any) -> None:
        """`subjects`: those chosen, of which the user reaches all."""
        memberships = list({subject.membership.pk: subject.membership for subject in subjects}.values())
        super().__init__(*args, memberships=memberships, **kwargs)
        self._user, self._subjects, self._years = user, subjects, years
        choices = [(NEW, "A new recipient"), (CONCERN, "To whom it may concern")]
        if self.saved.has_holders:
            choices.insert(0, (SAVED, "A saved recipient"))
        recipient, holder = self.fields["recipient"], self.saved.fields["holder"]
        recipient.choices = choices  # type: ignore[attr-defined]
        recipient.initial = choices[0][0]
        recipient.label = "Who is it for?"
        recipient.error_messages["required"] = "Choose who it’s for."
        holder.label = "Recipient"
        holder.empty_label = "Choose a recipient"  # type: ignore[attr-defined]

    def issue(self) -> issuing.Issued:
        """Issue the histories. Raises `limits.TooManyError` with the sentence for the user."""
        for _ in self._subjects:
            limits.count_issue(self._user)
        return issuing.issue_histories(
            subjects=self._subjects,
            years=self._years,
            purpose=self.cleaned_data["purpose"],
            holder=self.holder(self._user),
            by=self._user,
            key=self.cleaned_data["idempotency_key"],
        )


class LossRunForm(IdempotentForm):
    """A loss run of a policy or its account. Policy, scope, and window come from the address."""

    def __init__(self, *args: Any, user: User, scope: loss_runs.Scope, years: int | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user, self._scope, self._years = user, scope, years

    def ask(self) -> ClaimsRequest:
        """Ask for it. Raises `limits.TooManyError` with the sentence for the user."""
        limits.count_issue(self._user)
        return loss_runs.ask(
            scope=self._scope, years=self._years, by=self._user, key=self.cleaned_data["idempotency_key"]
        )


class RecipientForm(WithHolder):
    """Whom an authorization names, and for which window: the step before the text."""

    years = forms.ChoiceField(
        label="How far back?",
        choices=[(name, window_name(years)) for name, years in YEARS.items()],
        initial="10",
        widget=forms.RadioSelect,
        help_text="Most hospitals ask for 10 years. Claims that are still open are always included.",
        error_messages={"required": "Choose how far back.", "invalid_choice": "Choose one of the three."},
    )
    field_order = ("idempotency_key", "recipient", "years")

    def __init__(self, *args: Any, choices: Choices, membership: Membership, **kwargs: Any) -> None:
        """`choices`: the parties and holders that the insured may name."""
        super().__init__(*args, memberships=[membership], **kwargs)
        recipient, holder = self.fields["recipient"], self.saved.fields["holder"]
        offered = [(code, label) for code, label, _ in choices.parties]
        if self.saved.has_holders:
            offered.append((SAVED, "A saved recipient"))
        offered.append((NEW, "Another hospital, health plan, or person"))
        recipient.choices = offered  # type: ignore[attr-defined]
        recipient.label = "Who may receive your claims history?"
        recipient.error_messages["required"] = "Choose who may receive it."
        holder.label = "Recipient"
        holder.empty_label = "Choose a recipient"  # type: ignore[attr-defined]

    def code(self, by: User) -> str:
        """Return the recipient's code for the next step (`Choices`). Raises `limits.TooManyError`."""
        if (holder := self.holder(by)) is not None:
            return f"holder.{holder.public_id}"
        return str(self.cleaned_data["recipient"])


class SignForm(IdempotentForm):
    """The insured's electronic signature: the name, typed, and the box."""

    signed_name = forms.CharField(
        label="Your full name",
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "name", "spellcheck": "false"}),
        error_messages={"required": "Type your full name to sign."},
    )
    agrees = forms.BooleanField(
        label="I’ve read this authorization, and I sign it electronically.",
        error_messages={"required": "Check the box to sign."},
    )
    use_required_attribute = False

    def __init__(self, *args: Any, insured: Insured, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._insured = insured

    def clean_signed_name(self) -> str:
        typed = str(self.cleaned_data["signed_name"])
        if not authorizing.is_name_of(typed, self._insured):
            if self._insured.kind == self._insured.Kind.ENTITY:
                raise forms.ValidationError("Type your own first and last name.")
            names = f"{self._insured.first_name} {self._insured.last_name}"
            raise forms.ValidationError(f"Type your name as we have it: {names}.")
        return typed

    def sign(
        self, *, membership: Membership, recipient: Recipient, years: int | None, by: User, code_at: dt.datetime
    ) -> Authorization:
        """Store the authorization; the same form twice gives the same one."""
        return authorizing.authorize(
            insured=self._insured,
            membership=membership,
            recipient=recipient,
            years=years,
            signed_name=self.cleaned_data["signed_name"],
            by=by,
            code_at=code_at,
            key=self.cleaned_data["idempotency_key"],
        )
