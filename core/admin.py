"""The base of every admin page, and the ground floor's own: the event log to read, the outbox's messages to retry."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.contrib import admin, messages
from django.contrib.admin.filters import ListFilter
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import get_fields_from_path
from django.contrib.admin.widgets import AutocompleteMixin, AutocompleteSelect, AutocompleteSelectMultiple
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from core.events import record_event
from core.models import Event, OutboxMessage

if TYPE_CHECKING:
    from django.forms import ModelChoiceField, ModelMultipleChoiceField

COUNTED_AT_MOST = 5_000
Row = TypeVar("Row", bound=models.Model)


class CappedPaginator(Paginator[Any]):
    """Counts no further than somebody would page: counting a log of years takes longer than reading it."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows[:COUNTED_AT_MOST].count())


def _is_key(field: models.Field[Any, Any], text: object) -> bool:
    """Whether a text that a browser sent can be a value of this key at all."""
    try:
        field.to_python(text)
    except ValidationError:
        return False
    return True


class _KeysOnly(AutocompleteMixin):
    """Asks the database only about what can be a key. Django's own widget asks about any text that was sent, and ends
    in a server error."""

    def optgroups(self, name: str, value: Sequence[str], attr: dict[str, Any] | None = None) -> Any:
        """The chosen options."""
        keys = [each for each in value if _is_key(self.field.target_field, each)]
        return super().optgroups(name, keys, attr)


class KeySelect(_KeysOnly, AutocompleteSelect):
    """A row to search for and choose."""


class KeySelectMultiple(_KeysOnly, AutocompleteSelectMultiple):
    """Rows to search for and choose."""


def _parameters(model: type[models.Model], list_filter: Any) -> set[str]:
    """What the links of one filter of a list put into its address."""
    if isinstance(list_filter, type) and issubclass(list_filter, ListFilter):
        return {str(getattr(list_filter, "parameter_name", ""))}
    path = list_filter[0] if isinstance(list_filter, list | tuple) else list_filter
    field: Any = get_fields_from_path(model, path)[-1]
    if isinstance(field, models.DateField):
        ends = ["gte", "lt", "isnull"]
    elif field.is_relation:
        ends = [f"{field.target_field.name}__exact", "isnull"]
    else:
        ends = ["exact", "isnull"]
    return {path, *(f"{path}__{end}" for end in ends)}


class StaffAdmin(admin.ModelAdmin[Row]):
    """The base of every admin page of the portal (SECURITY: staff)."""

    # Parameters beside the list's own filters that pages of ours link to it with.
    linked_by: ClassVar[frozenset[str]] = frozenset()

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Whether the address of a list may ask for this: its key, its own filters, and nothing else.

        Django lets an address ask for any column of the row, `?password__startswith=…`; who may only look at the list
        could read secrets from it a character at a time.
        """
        key = str(self.opts.pk.name)
        allowed = {"pk", "pk__exact", key, f"{key}__exact"} | self.linked_by
        for each in self.list_filter if request is None else self.get_list_filter(request):
            allowed |= _parameters(self.model, each)
        if self.date_hierarchy:
            allowed |= {f"{self.date_hierarchy}__{part}" for part in ("year", "month", "day")}
        return lookup in allowed

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A form to add a row begins empty: no link fills in beforehand what staff grant."""
        return {}

    def formfield_for_foreignkey(
        self, db_field: models.ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        """Answer a text where a key belongs with an error of the form."""
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", KeySelect(db_field, self.admin_site))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(
        self, db_field: models.ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelMultipleChoiceField[Any] | None:
        """Answer a text where a key belongs with an error of the form."""
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", KeySelectMultiple(db_field, self.admin_site))
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def response_action(  # type: ignore[override]  # the stubs are of a later Django
        self, request: HttpRequest, queryset: models.QuerySet[Row]
    ) -> HttpResponse | None:
        """Run the chosen action on the rows that were picked, if these can be rows."""
        if not all(_is_key(self.opts.pk, each) for each in request.POST.getlist(ACTION_CHECKBOX_NAME)):
            self.message_user(request, "Pick the rows from the list.", messages.WARNING)
            return None
        return super().response_action(request, queryset)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Row | None = None,
    ) -> HttpResponse:
        """Offer to save only where there is a field to edit."""
        inlines = context["inline_admin_formsets"]
        editable = bool(context["adminform"].form.fields) or any(
            each.has_add_permission or each.has_change_permission or each.has_delete_permission for each in inlines
        )
        if not editable:
            context |= {"show_save": False, "show_save_and_continue": False, "show_save_and_add_another": False}
        return super().render_change_form(request, context, add, change, form_url, obj)


class ReadOnlyAdmin(StaffAdmin[Row]):
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
