"""The forms of a standing holder: for which policy and whom, and what it gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from credentialing.holders import arranging
from credentialing.holders.book import SWITCHES
from policies.rights import holds
from policies.roles import Capability

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from accounts.models import User
    from credentialing.models import Holder, OwnStandingHolder
    from policies.models import Insured, Membership, Policy

EVERYONE, ONE = "everyone", "one"


class UserForm(forms.Form):
    """The base of forms that know who fills them in."""

    use_required_attribute = False

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user


class SwitchesForm(UserForm):
    """What a standing holder gets."""

    renewals = forms.BooleanField(
        label="The certificate of each renewal, once it’s bound", required=False, initial=True
    )
    notices = forms.BooleanField(
        label="Notices of cancellation, reinstatement, and changed limits", required=False, initial=True
    )
    claims_history = forms.BooleanField(
        label="Claims histories", required=False, help_text="Only on the insured’s own authorization to this holder."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A switch that opens claims histories is for those who may have them.
        if not holds(self._user, Capability.VIEW_CLAIMS_HISTORY):
            del self.fields["claims_history"]

    def clean(self) -> dict[str, Any]:
        """Ask for at least one: without any it would get nothing."""
        cleaned = super().clean() or self.cleaned_data
        if not any(cleaned.get(name) for name in SWITCHES):
            self.add_error("renewals", "Choose at least one, or end the arrangement instead.")
        return cleaned

    @property
    def switches(self) -> dict[str, bool]:
        """What was chosen, by the names of the row's fields; one that isn't offered stays as it is."""
        return {name: self.cleaned_data[name] for name in SWITCHES if name in self.fields}

    def switch(self, standing: OwnStandingHolder) -> bool:
        """Set what the standing holder gets; see `arranging.switch`."""
        return arranging.switch(standing, switches=self.switches, by=self._user)


class WhoseForm(forms.Form):
    """A policy, and one insured on it or everyone. Few policies are a list; of a large book, the number is typed.

    A subclass says which policies are offered, and who is asked about on each.
    """

    policy = forms.CharField(
        label="Policy number", max_length=60, error_messages={"required": "Enter the policy number."}
    )
    whom = forms.ChoiceField(
        label="Whose certificates?",
        choices=[(EVERYONE, "Everyone on the policy"), (ONE, "One insured")],
        widget=forms.RadioSelect,
        initial=EVERYONE,
        error_messages={"required": "Choose one.", "invalid_choice": "Choose from the list."},
    )
    insured = forms.CharField(label="Name of the insured", required=False, max_length=100)
    chosen = forms.CharField(label="Which one?", required=False, widget=forms.RadioSelect)

    def __init__(self, *args: Any, policies: QuerySet[Policy], asks_whom: bool, **kwargs: Any) -> None:
        """`policies`: those that may be chosen. `asks_whom`: False for an insured, who asks for themselves."""
        super().__init__(*args, **kwargs)
        self._policies = policies
        self._policy: Policy | None = None
        self._insured: Insured | None = None
        self.candidates: list[Insured] = []
        if not asks_whom:
            del self.fields["whom"], self.fields["insured"], self.fields["chosen"]
        self._offer_policies()

    def refuses(self, policy: Policy) -> str:
        """Return why the user may not choose this policy; empty where they may."""
        raise NotImplementedError

    def _offer_policies(self) -> None:
        offered = list(self._policies[: arranging.MOST_POLICIES + 1])
        self.has_policies = bool(offered)
        if not offered or len(offered) > arranging.MOST_POLICIES:
            return
        order = list(self.fields)
        choices = [(each.public_id, f"{each.number}, {each.policyholder.name}") for each in offered]
        self.fields["policy"] = forms.ChoiceField(
            label="Policy",
            choices=choices if len(choices) == 1 else [("", "Choose"), *choices],
            error_messages={"required": "Choose a policy.", "invalid_choice": "Choose a policy from the list."},
        )
        self.order_fields(order)

    def clean_policy(self) -> str:
        """Find the policy, and refuse one that the user may not choose."""
        typed = str(self.cleaned_data["policy"])
        if isinstance(self.fields["policy"], forms.ChoiceField):
            self._policy = self._policies.filter(public_id=typed).first()
        else:
            self._policy = arranging.policy_numbered(self._policies, typed)
        if self._policy is None:
            raise forms.ValidationError("None of your policies in force has this number.")
        if refusal := self.refuses(self._policy):
            raise forms.ValidationError(refusal)
        return typed

    def clean(self) -> dict[str, Any]:
        """Find the insured by name."""
        cleaned = super().clean() or self.cleaned_data
        if self._policy is not None and cleaned.get("whom") == ONE:
            self._find_insured(self._policy, cleaned)
        return cleaned

    def _find_insured(self, policy: Policy, cleaned: dict[str, Any]) -> None:
        if not cleaned.get("insured"):
            self.add_error("insured", "Enter a name.")
            return
        found = arranging.insureds_named(policy, cleaned["insured"])
        if not found:
            self.add_error("insured", f"Nobody of this name is covered on {policy.number}.")
            return
        self._insured = next((each for each in found if each.public_id == cleaned.get("chosen")), None)
        if self._insured is None and len(found) == 1:
            self._insured = found[0]
        if self._insured is None:
            self.candidates = found
            self.fields["chosen"].widget = forms.RadioSelect(
                choices=[(each.public_id, each.display_name) for each in found]
            )
            self.add_error("chosen", "Several people have this name. Choose one.")


class StandingForm(SwitchesForm, WhoseForm):
    """A new standing holder: a policy, one insured or everyone on it, and what the holder gets."""

    field_order = ("policy", "whom", "insured", "chosen", "renewals", "notices", "claims_history")

    def __init__(self, *args: Any, holder: Holder, membership: Membership, **kwargs: Any) -> None:
        """`holder` is in the book of the membership's party."""
        policies = arranging.policies_of(holder)
        super().__init__(*args, policies=policies, asks_whom=not holder.insured_id, **kwargs)
        self._holder, self._membership = holder, membership
        self._insured = holder.insured

    def refuses(self, policy: Policy) -> str:
        """Return why the user may not choose standing holders for this policy."""
        if arranging.may_manage(self._user, policy):
            return ""
        return "You can’t choose standing holders for this policy."

    def arrange(self) -> tuple[OwnStandingHolder, bool]:
        """Make the arrangement; see `arranging.arrange`."""
        assert self._policy is not None  # noqa: S101  # the form is valid
        return arranging.arrange(
            holder=self._holder,
            policy=self._policy,
            insured=self._insured,
            switches=self.switches,
            by=self._user,
            membership=self._membership,
        )
