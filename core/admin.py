"""The ground floor in admin: the event log to read, and the outbox's messages to try again."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar, TypeVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from core.events import record_event
from core.models import Event, OutboxMessage

COUNTED_AT_MOST = 5_000
Row = TypeVar("Row", bound=models.Model)


class CappedPaginator(Paginator[Any]):
    """Counts no further than somebody would page: counting a log of years takes longer than reading it."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows[:COUNTED_AT_MOST].count())


class ReadOnlyAdmin(admin.ModelAdmin[Row]):
    """Rows to look at; nobody adds, changes or deletes them here."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


class RecordedLooks(ReadOnlyAdmin[Row]):
    """Customers' rows to look at; who looked at which is recorded (SECURITY: audit). `look` is the app's own tag."""

    look: ClassVar[str]
    show_full_result_count = False
    paginator = CappedPaginator
    list_per_page = 50

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the row, and record who looked."""
        response = super().changeform_view(request, object_id, form_url, extra_context)
        row = self.get_object(request, object_id) if object_id else None
        if row is not None and response.status_code == 200:
            record_event(self.look, subject=row, request=request)
        return response


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin[Event]):
    """The whole log, newest first (SECURITY: audit)."""

    list_display = ("at", "tag", "actor_name", "subject_type", "subject_id", "on_behalf_of_name", "ip")
    search_fields = ("=tag", "=actor_name", "=on_behalf_of_name", "=request_id", "=session_id")
    search_help_text = "A whole tag, username, request id or session id."
    show_full_result_count = False
    paginator = CappedPaginator


@admin.register(OutboxMessage)
class OutboxAdmin(ReadOnlyAdmin[OutboxMessage]):
    """What one part of the portal told another; a message that failed for good is tried again from here."""

    list_display = ("topic", "key", "status", "attempts", "created_at", "delivered_at")
    list_filter = ("status", "topic")
    show_full_result_count = False
    paginator = CappedPaginator
    actions = ("try_again",)

    @admin.action(description="Try the selected messages again", permissions=["retry"])
    def try_again(self, request: HttpRequest, queryset: models.QuerySet[OutboxMessage]) -> None:
        """Give failed messages another ten attempts; the next round of the outbox takes them."""
        count = queryset.filter(status=OutboxMessage.Status.FAILED).update(
            status=OutboxMessage.Status.WAITING, attempts=0, next_attempt_at=timezone.now()
        )
        self.message_user(request, f"{count} messages will be tried again.")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("core.change_outboxmessage"))
