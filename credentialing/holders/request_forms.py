"""What customers write in a request about holders: the matter, and replies (S-38)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from core.idempotency import IdempotentForm
from core.requests import LONGEST_TEXT
from credentialing.forms import NewHolderForm
from credentialing.holders import requesting
from credentialing.holders.standing_forms import SwitchesForm, UserForm, WhoseForm
from credentialing.models import HolderRequest
from policies.models import Membership, reach_of
from policies.rights import capabilities
from policies.roles import Capability

if TYPE_CHECKING:
    from accounts.models import User
    from credentialing.models import StandingHolder
    from policies.models import Insured, Policy

KIND = HolderRequest.Kind
ROLE = Membership.Role
MOST_STANDING = 300
REQUEST = Capability.REQUEST_HOLDER


def text_field(label: str, required: str = "") -> forms.CharField:
    """Return a field for a message; `required`: the sentence without one, empty where none is needed."""
    return forms.CharField(
        label=label,
        max_length=LONGEST_TEXT,
        required=bool(required),
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages={"required": required, "max_length": f"Enter up to {LONGEST_TEXT:,} characters."},
        help_text="Don’t include patients’ names, passwords, or codes.",
    )


class AskedHolderForm(NewHolderForm):
    """The holder as it is to be."""

    email = forms.EmailField(
        required=False,
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        error_messages={"invalid": "Enter an email address, such as office@hospital.org."},
    )


class MatterForm(UserForm, IdempotentForm):
    """The base of the forms of a request: its kind comes from the address."""

    kind: str
    text = text_field("Anything else we should know?")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.holder: AskedHolderForm | None = None
        if self.kind in HolderRequest.WITH_HOLDER:
            self.holder = AskedHolderForm(self.data if self.is_bound else None, initial=self.initial)

    def is_valid(self) -> bool:
        """Whether both the matter and its holder are valid; both are checked, so that all errors show at once."""
        return all([super().is_valid(), self.holder is None or self.holder.is_valid()])

    def may_ask(self, policy: Policy) -> bool:
        """Whether the user may send requests about a policy."""
        return REQUEST in capabilities(self._user, policy, among=[REQUEST])

    def send(self) -> tuple[HolderRequest, bool]:
        """Open the request; see `requesting.open_request`."""
        raise NotImplementedError

    def _open(
        self,
        *,
        policy: Policy,
        membership: Membership,
        insured: Insured | None,
        standing: StandingHolder | None = None,
        switches: dict[str, bool] | None = None,
    ) -> tuple[HolderRequest, bool]:
        asked = HolderRequest(
            user=self._user,
            membership=membership,
            kind=self.kind,
            policy=policy,
            insured=insured,
            standing=standing,
            idempotency_key=self.cleaned_data["idempotency_key"],
            **(self.holder.cleaned_data if self.holder else {}),
            **(switches or {}),
        )
        return requesting.open_request(asked, text=self.cleaned_data.get("text", ""))


class OnPolicyForm(MatterForm, WhoseForm):
    """A matter of a policy: access to claims histories, or a document."""

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        managing = reach_of(user).roles & {ROLE.POLICYHOLDER, ROLE.AGENT}
        asks_whom = bool(managing) and self.kind != KIND.CLAIMS_ACCESS
        super().__init__(*args, user=user, policies=requesting.policies_for(user), asks_whom=asks_whom, **kwargs)
        self._membership: Membership | None = None

    def refuses(self, policy: Policy) -> str:
        """Return why the user may not ask about this policy."""
        self._membership = requesting.membership_for(self._user, policy)
        if self._membership is None or not self.may_ask(policy):
            return "You can’t send requests about this policy."
        if self.kind == KIND.CLAIMS_ACCESS and not requesting.lacks_claims_access(self._membership):
            if self._membership.given_under_id is not None:
                return "An administrator of your office gives you access to claims histories."
            return "You have access to claims histories already."
        return ""

    def send(self) -> tuple[HolderRequest, bool]:
        """Open it; an insured asks for themselves."""
        assert self._policy is not None  # noqa: S101  # the form is valid
        assert self._membership is not None  # noqa: S101
        insured = self._membership.insured if self._membership.role == ROLE.INSURED else self._insured
        switches = self.switches if isinstance(self, SwitchesForm) else None
        return self._open(policy=self._policy, membership=self._membership, insured=insured, switches=switches)


class AddForm(OnPolicyForm, SwitchesForm):
    """A holder to add."""

    kind = KIND.ADD


class ClaimsAccessForm(OnPolicyForm):
    """Access to claims histories."""

    kind = KIND.CLAIMS_ACCESS
    text = text_field("What do you need it for?", "Tell us what you need it for.")


class DocumentForm(OnPolicyForm):
    """A document that can't be made online."""

    kind = KIND.DOCUMENT
    text = text_field("Which document, for whom, and by when?", "Tell us which document you need.")


class RemoveForm(MatterForm):
    """A standing holder of the feed that is to end."""

    kind = KIND.REMOVE
    standing = forms.ChoiceField(
        label="Which standing holder?",
        error_messages={"required": "Choose one.", "invalid_choice": "Choose one from the list."},
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, user=user, **kwargs)
        insured_ids = set(reach_of(user).insured_ids)
        managing = bool(reach_of(user).roles & {ROLE.POLICYHOLDER, ROLE.AGENT})
        rows = requesting.changeable(user)
        found = [row for row in rows[:MOST_STANDING] if managing or row.insured_id in insured_ids]
        self._standing = {row.public_id: row for row in found}
        choices = [(row.public_id, _in_words(row)) for row in found]
        self.fields["standing"].choices = choices if len(choices) == 1 else [("", "Choose"), *choices]  # type: ignore[attr-defined]
        self._membership: Membership | None = None

    @property
    def has_policies(self) -> bool:
        """Whether there is anything to choose."""
        return bool(self._standing)

    def clean_standing(self) -> str:
        """Refuse one that the user may not ask about."""
        public_id = str(self.cleaned_data["standing"])
        row = self._standing[public_id]
        self._membership = requesting.membership_for(self._user, row.policy)
        as_insured = self._membership is not None and self._membership.role == ROLE.INSURED
        if self._membership is None or not self.may_ask(row.policy):
            raise forms.ValidationError("You can’t send requests about this policy.")
        if as_insured and row.insured_id != self._membership.insured_id:
            raise forms.ValidationError("It gets everyone’s certificates. Your group or its agent asks for that.")
        return public_id

    def send(self) -> tuple[HolderRequest, bool]:
        """Open it."""
        row = self._standing[self.cleaned_data["standing"]]
        assert self._membership is not None  # noqa: S101  # the form is valid
        switches = self.switches if isinstance(self, SwitchesForm) else None
        return self._open(
            policy=row.policy, membership=self._membership, insured=row.insured, standing=row, switches=switches
        )


class ChangeForm(RemoveForm, SwitchesForm):
    """A standing holder of the feed that is to be another, or to get something else."""

    kind = KIND.CHANGE


FORMS: dict[str, type[MatterForm]] = {
    KIND.ADD: AddForm,
    KIND.CHANGE: ChangeForm,
    KIND.REMOVE: RemoveForm,
    KIND.CLAIMS_ACCESS: ClaimsAccessForm,
    KIND.DOCUMENT: DocumentForm,
}


def _in_words(row: StandingHolder) -> str:
    whom = row.insured.display_name if row.insured else "everyone"
    return f"{row.holder.name}, for {whom} on {row.policy.number}"


class ReplyForm(IdempotentForm):
    """The customer's next words in a request."""

    use_required_attribute = False

    text = text_field("Reply", "Write your reply.")

    def send(self, asked: HolderRequest, *, by: User) -> Any:
        """Add the reply; None where the request has come to its end. Raises `requesting.TooManyError`."""
        key = self.cleaned_data["idempotency_key"]
        if not asked.messages.filter(idempotency_key=key).exists():
            requesting.count_reply(by)
        return asked.reply(text=self.cleaned_data["text"], key=key, by=by)
