"""What fits none of the other kinds."""

from __future__ import annotations

from policies.change_requests.forms import ChangeForm, ForInsured, choice_field, day_field, line_field, text_field
from policies.change_requests.registry import Group, Kind


class MissingForm(ChangeForm):
    """Something that should be on the policy, and isn't."""

    what = choice_field(
        "What is missing?",
        [
            ("insured", "Someone who is insured"),
            ("coverage", "A coverage, limit, or endorsement"),
            ("term", "A term, or the renewal"),
            ("document", "A document"),
            ("other", "Something else"),
        ],
        "Choose what is missing.",
    )
    text = text_field("What should be there?", "Tell us what should be there.")

    def about(self) -> str:
        """Return what is missing."""
        return self.in_words("what", self.cleaned_data["what"])


class OtherForm(ForInsured):
    """Anything else."""

    everyone = "The whole policy"
    asks = "Who or what is it about?"

    subject = line_field("What should change, in a few words", "Say in a few words what should change.", longest=120)
    text = text_field("What exactly?", "Tell us what should change.")
    wanted = day_field("From which day, if that matters", "")

    def about(self) -> str:
        """Return its subject."""
        return str(self.cleaned_data["subject"])


KINDS = (
    Kind(
        "missing", "Something is missing", "Someone, or something, isn’t on the policy and should be.", Group.OTHER,
        form=MissingForm,
    ),
    Kind("other", "Another change", "What fits none of these.", Group.OTHER, form=OtherForm),
)  # fmt: skip
