"""What an account's page in admin says about electronic delivery: who agreed to what, when, and to which text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.staff_sections import StaffSection

if TYPE_CHECKING:
    from django.http import HttpRequest

    from accounts.models import User


def section(request: HttpRequest, user: User) -> StaffSection:
    """Return every consent and withdrawal, newest first."""
    acts = user.delivery_consents.defer("text")
    return StaffSection(
        "Electronic delivery",
        "electronic-delivery",
        order=55,
        columns=("Documents", "Choice", "When", "Email", "From", "Text"),
        rows=[
            (
                act.get_category_display(),
                "Electronic" if act.is_given else "By mail",
                act.at,
                act.email or "None",
                act.ip or "Unknown",
                f"Version {act.text_version}",
            )
            for act in acts
        ],
        empty="Everything goes by mail: nothing was agreed to.",
    )
