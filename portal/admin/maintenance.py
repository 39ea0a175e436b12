"""Maintenance in admin: announce it, close the portal or an area, and open it again (S-17)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.contrib import admin, messages
from django.urls import reverse
from django.utils import timezone

from accounts.guards import user_of
from core.admin import StaffAdmin
from core.desk import DeskItem
from portal.maintenance.closing import area_titles
from portal.models import MaintenanceWindow

if TYPE_CHECKING:
    from django.db.models import Model, QuerySet
    from django.http import HttpRequest


class MaintenanceWindowForm(forms.ModelForm[MaintenanceWindow]):
    """A window, with the areas that can be closed alone."""

    area = forms.ChoiceField(required=False, label="What")

    class Meta:
        model = MaintenanceWindow
        fields = ("area", "starts_at", "expected_end", "closes", "notice_from", "message")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # as they come
        choices = [("", "The whole portal"), *area_titles().items()]
        self.fields["area"].choices = choices  # type: ignore[attr-defined]


@admin.register(MaintenanceWindow)
class MaintenanceWindowAdmin(StaffAdmin[MaintenanceWindow]):
    """Windows, the latest first. Saving one that begins now closes the portal within seconds; the action ends it."""

    form = MaintenanceWindowForm
    valued = ("area", "starts_at", "expected_end", "closes", "notice_from", "message")
    list_display = ("what", "state", "starts_at", "expected_end", "closes", "notice_from", "ended_at")
    list_filter = ("closes", "starts_at")
    actions = ("end_now",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse it: when something was closed is kept."""
        return False

    @admin.display(description="what")
    def what(self, window: MaintenanceWindow) -> str:
        return area_titles().get(window.area, window.area) or "The whole portal"

    @admin.display(description="state")
    def state(self, window: MaintenanceWindow) -> str:
        now = timezone.now()
        if window.ended_at is not None:
            return "Ended"
        if window.is_in_effect(now):
            return "Closed, past its expected end" if window.is_overrun(now) else "Closed now"
        if now < window.starts_at:
            return "Announced" if window.is_announced(now) else "Ahead"
        return "Under way" if window.is_announced(now) else "Past"

    @admin.action(description="End the selected maintenance: open again", permissions=["change"])
    def end_now(self, request: HttpRequest, queryset: QuerySet[MaintenanceWindow]) -> None:
        """Open what the selected windows close."""
        ended = sum(window.end(by=user_of(request)) for window in queryset)
        text = f"{ended} ended. Every page knows within seconds." if ended else "The selected ones had ended already."
        messages.success(request, text)

    def desk(self, request: HttpRequest) -> list[DeskItem]:
        """Return what is closed now."""
        now = timezone.now()
        closed = [window for window in MaintenanceWindow.objects.not_over(now) if window.is_in_effect(now)]
        if not closed:
            return [DeskItem("Maintenance", "Nothing is closed")]
        late = any(window.is_overrun(now) for window in closed)
        state = "Closed, past its expected end" if late else "Closed"
        lines = tuple(
            (self.what(window), reverse("admin:portal_maintenancewindow_change", args=[window.pk])) for window in closed
        )
        href = reverse("admin:portal_maintenancewindow_changelist")
        return [DeskItem("Maintenance", state, href, needs_work=True, lines=lines)]
