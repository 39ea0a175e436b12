"""The queue of requests to support: who asks what, until when, who answers, and the messages (S-46)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.contrib import admin

from core.request_admin import AssignedFilter, ClockFilter, RequestAdmin
from portal.events import PortalEvent
from portal.models import SupportRequest
from portal.support.places import PLACES

if TYPE_CHECKING:
    from django.db import models
    from django.http import HttpRequest


class DeskFilter(admin.SimpleListFilter):
    """Whose topics."""

    title = "desk"
    parameter_name = "desk"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(key, desk["title"]) for key, desk in settings.SUPPORT.items()]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        if self.value() not in settings.SUPPORT:
            return queryset
        return queryset.filter(
            topic__in=[t for t, (desk, _) in settings.SUPPORT_TOPICS.items() if desk == self.value()]
        )


@admin.register(SupportRequest)
class SupportRequestAdmin(RequestAdmin[SupportRequest]):
    """Requests to support."""

    look = PortalEvent.REQUEST_VIEWED
    permission = "portal.answer_supportrequest"
    title = "Requests to support"
    list_display = ("topic_label", "kind", "progress", "due_at", "assigned_to", "user", "opened_at")
    list_display_links = ("topic_label",)
    list_filter: ClassVar[Any] = (ClockFilter, DeskFilter, AssignedFilter, "status", "kind")
    fields = ("user", "policy", "kind", "topic_label", "page", "status", "due_at", "assigned_to", "opened_at")
    readonly_fields = ("topic_label", "page")

    @admin.display(description="topic", ordering="topic")
    def topic_label(self, asked: SupportRequest) -> str:
        return asked.topic_label

    @admin.display(description="page")
    def page(self, asked: SupportRequest) -> str:
        place = PLACES.get(asked.place)
        return place.title if place else "–"

    def in_short(self, asked: SupportRequest) -> str:
        return asked.topic_label
