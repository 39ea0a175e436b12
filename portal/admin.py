"""Staff's side of the portal itself: announcements."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin

from core.admin import StaffAdmin
from policies.models import Membership
from portal.models import Announcement


class AnnouncementForm(forms.ModelForm[Announcement]):
    """An announcement, with its audience as boxes to tick."""

    audience = forms.MultipleChoiceField(
        choices=Membership.Role.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="The roles that it is for; none ticked: everybody.",
    )

    class Meta:
        model = Announcement
        fields = ("title", "body", "link", "audience", "for_visitors", "published_from", "published_until")

    def clean(self) -> dict[str, Any]:
        """Visitors have no role: what is for one role only is not for them."""
        cleaned = super().clean() or {}
        if cleaned.get("for_visitors") and cleaned.get("audience"):
            self.add_error("for_visitors", "Visitors have no role. Untick the audience, or this.")
        return cleaned


@admin.register(Announcement)
class AnnouncementAdmin(StaffAdmin[Announcement]):
    """News: what is on home now, what is to come, and what was."""

    form = AnnouncementForm
    valued = ("title", "body", "link", "audience", "for_visitors", "published_from", "published_until")
    list_display = ("title", "published_from", "published_until", "audience_text", "for_visitors", "shown_now")
    list_filter = ("for_visitors", "published_from")
    search_fields = ("title", "body")
    date_hierarchy = "published_from"

    def view_on_site(self, obj: Announcement) -> str:
        """Its place on home."""
        return obj.get_absolute_url()

    @admin.display(description="for")
    def audience_text(self, announcement: Announcement) -> str:
        """The roles in words."""
        return ", ".join(Membership.Role(role).label for role in announcement.audience) or "Everybody"

    @admin.display(description="on home now", boolean=True)
    def shown_now(self, announcement: Announcement) -> bool:
        """Whether its time has come and isn't over."""
        return announcement.is_published()
