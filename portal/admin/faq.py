"""The FAQ in admin: staff write, date, publish, and take down entries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin

from core import memo
from core.admin import StaffAdmin
from policies.models import Membership
from portal.faq.answers import PUBLISHED, problems
from portal.models import FaqEntry

if TYPE_CHECKING:
    from django.db import models
    from django.http import HttpRequest


class FaqEntryForm(forms.ModelForm[FaqEntry]):
    """An entry, with its audience as checkboxes; its links and values are checked."""

    roles = forms.MultipleChoiceField(
        choices=Membership.Role.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="The roles that it is for. If none is selected, it’s for everyone.",
    )

    class Meta:
        model = FaqEntry
        fields = (
            "topic",
            "order",
            "question",
            "slug",
            "answer",
            "roles",
            "companies",
            "related",
            "is_published",
            "published_on",
        )
        widgets = {"companies": forms.CheckboxSelectMultiple, "related": forms.CheckboxSelectMultiple}

    def clean(self) -> dict[str, Any]:
        """Refuse links that lead nowhere and values that the settings don't have."""
        cleaned = super().clean() or {}
        slugs = {*FaqEntry.objects.values_list("slug", flat=True), cleaned.get("slug", "")}
        for name in ("question", "answer"):
            for problem in problems(cleaned.get(name, ""), slugs=slugs):
                self.add_error(name, problem)
        return cleaned


@admin.register(FaqEntry)
class FaqEntryAdmin(StaffAdmin[FaqEntry]):
    """Entries by topic. One that isn't wanted any more is unpublished, so that links to it can be given back."""

    form = FaqEntryForm
    valued = ("slug", "question", "answer", "roles", "is_published", "published_on")
    list_display = ("question", "topic", "order", "audience", "is_published", "published_on")
    list_filter = ("topic", "is_published")
    search_fields = ("question", "answer")
    prepopulated_fields = {"slug": ("question",)}

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def view_on_site(self, obj: FaqEntry) -> str:
        """Its own page."""
        return obj.get_absolute_url()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        memo.forget(PUBLISHED)

    @admin.display(description="for")
    def audience(self, entry: FaqEntry) -> str:
        return ", ".join(Membership.Role(role).label for role in entry.roles) or "Everybody"
