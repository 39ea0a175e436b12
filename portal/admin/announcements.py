"""News and dated notices in admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin

from core.admin import StaffAdmin
from policies.models import Membership
from portal.models import Announcement


class AnnouncementForm(forms.ModelForm[Announcement]):
    """An announcement, with its audience as checkboxes."""

    audience = forms.MultipleChoiceField(
        choices=Membership.Role.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="The roles that see it. If none is selected, everyone does.",
    )

    class Meta:
        model = Announcement
        fields = ("title", "body", "link", "level", "audience", "for_visitors", "published_from", "published_until")

    def clean(self) -> dict[str, Any]:
        """Refuse a role together with visitors, who have none."""
        cleaned = super().clean() or {}
        if cleaned.get("for_visitors") and cleaned.get("audience"):
            self.add_error("for_visitors", "Visitors have no role. Clear the audience or this box.")
        return cleaned


@admin.register(Announcement)
class AnnouncementAdmin(StaffAdmin[Announcement]):
    """News on the home page: current, upcoming, and past."""

    form = AnnouncementForm
    valued = ("title", "body", "link", "level", "audience", "for_visitors", "published_from", "published_until")
    list_display = ("title", "level", "published_from", "published_until", "audience_text", "for_visitors", "shown_now")
    list_filter = ("level", "for_visitors", "published_from")
    search_fields = ("title", "body")
    date_hierarchy = "published_from"

    def view_on_site(self, obj: Announcement) -> str:
        """Its place on home."""
        return obj.get_absolute_url()

    @admin.display(description="for")
    def audience_text(self, announcement: Announcement) -> str:
        return ", ".join(Membership.Role(role).label for role in announcement.audience) or "Everybody"

    @admin.display(description="on home now", boolean=True)
    def shown_now(self, announcement: Announcement) -> bool:
        """Whether it's on the home page now."""
        return announcement.is_published()
