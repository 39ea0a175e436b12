"""The base of every admin page, and core's own pages: read the event log, retry messages of the outbox."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from django.contrib import admin, messages
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.filters import ListFilter
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import get_fields_from_path, unquote
from django.contrib.admin.widgets import (
    AdminSplitDateTime,
    AutocompleteMixin,
    AutocompleteSelect,
    AutocompleteSelectMultiple,
)
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from core import work
from core.desk import DeskItem, counted
from core.events import StaffEvent, record_event, subject_label
from core.models import Event, Mail, OutboxMessage, Upload

if TYPE_CHECKING:
    from django.forms import ModelChoiceField, ModelMultipleChoiceField

COUNTED_AT_MOST = 5_000
EVENTS_SHOWN = 200
Row = TypeVar("Row", bound=models.Model)


class CappedPaginator(Paginator[Any]):
    """A paginator that stops counting where no one would page: counting years of events is slow."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows[:COUNTED_AT_MOST].count())


def _is_key(field: models.Field[Any, Any], text: object) -> bool:
    """Whether a text sent by a browser can be a value of this key."""
    try:
        field.to_python(text)
    except ValidationError:
        return False
    return True


class _KeysOnly(AutocompleteMixin):
    """A select that queries the database only for possible keys. Django's own widget queries for any text sent, which
    ends in a server error."""

    def optgroups(self, name: str, value: Sequence[str], attr: dict[str, Any] | None = None) -> Any:
        """Return the chosen options, without texts that can't be keys."""
        keys = [each for each in value if _is_key(self.field.target_field, each)]
        return super().optgroups(name, keys, attr)


class NamedSplitDateTime(AdminSplitDateTime):
    """A date and a time whose fields have names of their own; Django's have none that a screen reader could say."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs)
        for widget, name in zip(self.widgets, ("Date", "Time"), strict=True):
            widget.attrs["aria-label"] = name


class KeySelect(_KeysOnly, AutocompleteSelect):
    """A row to search for and choose."""


class KeySelectMultiple(_KeysOnly, AutocompleteSelectMultiple):
    """Rows to search for and choose."""


def _parameters(model: type[models.Model], list_filter: Any) -> set[str]:
    """Return the query parameters of one list filter's links."""
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


def _plain(value: Any) -> Any:
    """Return a field's value as the log keeps it: a row by kind and key, several (groups) by their names."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, models.Model):
        return f"{subject_label(value)}:{value.pk}"
    if isinstance(value, list | tuple | models.QuerySet):
        return sorted(map(str, value))
    return str(value)


class StaffAdmin(admin.ModelAdmin[Row]):
    """The base of the portal's admin pages: what staff may query, and what is recorded (docs/security.md#staff).

    Every list, row, history, and action that staff see or run is an event. So is every change, in the same
    transaction."""

    formfield_overrides: ClassVar[Any] = {models.DateTimeField: {"widget": NamedSplitDateTime}}

    # An app's own event tags, if it has any.
    look: str = StaffEvent.ROW_VIEWED
    added: str = StaffEvent.ROW_ADDED
    changed: str = StaffEvent.ROW_CHANGED
    deleted: str = StaffEvent.ROW_DELETED
    # Fields whose values the log keeps, before and after. For other changed fields, it keeps the names.
    valued: tuple[str, ...] = ()

    # Staff can't open customers' pages; an admin page whose rows have a public page overrides this.
    view_on_site: Any = False

    # Query parameters that our own pages use in links to the list, in addition to its filters.
    linked_by: frozenset[str] = frozenset()

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Whether a list's URL may filter by this: its key and its own filters, nothing else.

        Django accepts any column of the row, `?password__startswith=…`: anyone who may see the list could read secrets
        one character at a time.
        """
        key = str(self.opts.pk.name)
        allowed = {"pk", "pk__exact", key, f"{key}__exact"} | self.linked_by
        for each in self.list_filter if request is None else self.get_list_filter(request):
            allowed |= _parameters(self.model, each)
        if self.date_hierarchy:
            allowed |= {f"{self.date_hierarchy}__{part}" for part in ("year", "month", "day")}
        return lookup in allowed

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Start the form for a new row empty: no link may prefill what staff grant."""
        return {}

    def formfield_for_foreignkey(
        self, db_field: models.ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        """Use a select that answers a text in place of a key with a form error."""
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", KeySelect(db_field, self.admin_site))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(
        self, db_field: models.ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelMultipleChoiceField[Any] | None:
        """Use a select that answers a text in place of a key with a form error."""
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
        response = super().response_action(request, queryset)
        if response is not None:
            self._record_action(request)
        return response

    def _record_action(self, request: HttpRequest) -> None:
        rows: Any = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if request.POST.get("select_across") == "1":
            rows = "all rows matching the filters"
        actions = sorted(set(request.POST.getlist("action")) & set(self.get_actions(request)))
        data = {"model": self.opts.label_lower, "action": actions, "rows": rows}
        record_event(StaffEvent.ACTION_RUN, **data)

    def desk(self, request: HttpRequest) -> list[DeskItem]:
        """Return what the support desk says of these rows; asked only for staff who may see the list."""
        return []

    # Recording.

    def customer(self, row: Row) -> models.Model | None:
        """Return the customer a row belongs to, for the log's 'on behalf of'."""
        return None

    def facts(self, row: Row) -> dict[str, Any]:
        """Return what the log records about a row with every act on it."""
        return {}

    def record_look(self, request: HttpRequest, row: Row) -> None:
        """Record that staff saw this row."""
        record_event(self.look, subject=row, on_behalf_of=self.customer(row))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list. The log keeps the filters used (not their values: a search holds names) and the row count."""
        try:
            response = super().changelist_view(request, extra_context)
        except DisallowedModelAdminLookup:
            self._record_list(request, StaffEvent.LIST_REFUSED)
            raise
        shown = (getattr(response, "context_data", None) or {}).get("cl")
        if shown is not None:
            self._record_list(request, StaffEvent.LIST_VIEWED, found=shown.result_count)
        return response

    def _record_list(self, request: HttpRequest, tag: str, **more: Any) -> None:
        asked = sorted(key[:100] for key in request.GET)[:20]
        record_event(tag, model=self.opts.label_lower, asked=asked, **more)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the row, to read or to change."""
        return self._recorded(request, super().changeform_view(request, object_id, form_url, extra_context), "original")

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the row and its dependents before it's deleted."""
        return self._recorded(request, super().delete_view(request, object_id, extra_context), "object")

    def _recorded(self, request: HttpRequest, response: HttpResponse, name: str) -> HttpResponse:
        """Return the response after recording a look at the row in its context."""
        row = (getattr(response, "context_data", None) or {}).get(name)
        if row is not None:
            self.record_look(request, row)
        return response

    def construct_change_message(  # type: ignore[override]  # Django wants a list of its own log messages
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> dict[str, Any]:
        """Return what the log keeps of a saved form."""
        valued = [name for name in self.valued if name in form.cleaned_data and (add or name in form.changed_data)]
        after = {name: _plain(form.cleaned_data[name]) for name in valued}
        if add:
            return {"fields": sorted(form.changed_data), "values": after}
        before = {name: _plain(form.initial.get(name)) for name in valued}
        values = {name: {"from": before[name], "to": after[name]} for name in valued if before[name] != after[name]}
        return {"fields": sorted(form.changed_data), "values": values}

    def log_addition(self, request: HttpRequest, obj: Row, message: Any) -> Any:
        """Record it in the event log; admin's own log would be a second, editable one."""
        self._record_act(self.added, request, obj, message)

    def log_change(self, request: HttpRequest, obj: Row, message: Any) -> Any:
        """Record it in the event log; admin's own log would be a second, editable one."""
        self._record_act(self.changed, request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Row]) -> Any:
        """Record each row with its values before it's deleted."""
        for row in queryset:
            values = {name: _plain(getattr(row, name)) for name in self.valued}
            self._record_act(self.deleted, request, row, {"values": values})

    def _record_act(self, tag: str, request: HttpRequest, row: Row, message: dict[str, Any]) -> None:
        data = {**self.facts(row), **message}
        record_event(tag, subject=row, on_behalf_of=self.customer(row), **data)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the row's newest events to staff who may read the log."""
        if not request.user.has_perm("core.view_event"):
            raise PermissionDenied
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        record_event(StaffEvent.HISTORY_VIEWED, subject=row, on_behalf_of=self.customer(row))
        context = {
            **self.admin_site.each_context(request),
            "title": f"History of {row}",
            "original": row,
            "opts": self.opts,
            "events": Event.objects.filter(subject_type=self.opts.label_lower, subject_id=str(row.pk))[:EVENTS_SHOWN],
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/history.html", context)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Row | None = None,
    ) -> HttpResponse:
        """Show the save buttons only if there's a field to edit."""
        inlines = context["inline_admin_formsets"]
        editable = bool(context["adminform"].form.fields) or any(
            each.has_add_permission or each.has_change_permission or each.has_delete_permission for each in inlines
        )
        if not editable:
            context |= {"show_save": False, "show_save_and_continue": False, "show_save_and_add_another": False}
        return super().render_change_form(request, context, add, change, form_url, obj)


class ReadOnlyAdmin(StaffAdmin[Row]):
    """Read-only rows: no adding, changing, or deleting here."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


class RecordedLooks(ReadOnlyAdmin[Row]):
    """Read-only customer rows. `look` is the app's own tag."""

    show_full_result_count = False
    paginator = CappedPaginator
    list_per_page = 50


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin[Event]):
    """The whole event log, newest first (docs/security.md#audit)."""

    list_display = ("at", "tag", "actor_name", "subject_type", "subject_id", "on_behalf_of_name", "ip")
    search_fields = ("=tag", "=actor_name", "=on_behalf_of_name", "=request_id", "=session_id")
    search_help_text = "Search by complete tag, username, request id, or session id."
    show_full_result_count = False
    paginator = CappedPaginator


class WorkAdmin(ReadOnlyAdmin[Any]):
    """Rows that workers must finish (`core.work`): filters that start with "status", and an action that tries again."""

    show_full_result_count = False
    paginator = CappedPaginator
    actions: tuple[str, ...] = ("try_again",)

    def desk(self, request: HttpRequest) -> list[DeskItem]:
        """Return how many rows were given up."""
        failed = self.get_queryset(request).filter(status=work.Work.FAILED)[:COUNTED_AT_MOST].count()
        href = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        return [counted(f"Failed {self.opts.verbose_name_plural}", failed, f"{href}?status__exact={work.Work.FAILED}")]

    @admin.action(description="Try the selected rows again", permissions=["retry"])
    def try_again(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        """Hand failed rows to their queue again; others stay as they are."""
        again = [
            row for row in queryset.filter(status=work.Work.FAILED) if work.retry(row, by=cast("Any", request.user))
        ]
        for row in again:
            values = {"status": {"from": work.Work.FAILED, "to": work.Work.QUEUED}}
            self._record_act(self.changed, request, row, {"values": values})
        self.message_user(request, f"{len(again)} of the selected will be tried again.")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(f"{self.opts.app_label}.retry_{self.opts.model_name}"))


@admin.register(OutboxMessage)
class OutboxAdmin(WorkAdmin):
    list_display = ("topic", "key", "status", "attempts", "created_at", "delivered_at")
    list_filter = ("status", "topic")

    def facts(self, row: OutboxMessage) -> dict[str, Any]:
        return {"topic": row.topic}

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("core.change_outboxmessage"))


@admin.register(Mail)
class MailAdmin(WorkAdmin):
    """Mails: to whom, what has become of them, and those that failed."""

    list_display = ("name", "to", "status", "attempts", "last_error", "created_at", "sent_at")
    list_filter = ("status", "name")
    search_fields = ("=to",)
    search_help_text = "Search by complete email address."

    def facts(self, row: Mail) -> dict[str, Any]:
        return {"mail": row.name}


@admin.register(Upload)
class UploadAdmin(WorkAdmin):
    """Uploaded files and their scans; never a name, which may be a patient's, and never the content."""

    list_display = ("id", "kind", "size", "status", "attempts", "last_error", "uploaded_at")
    list_filter = ("status", "kind")
    fields = ("kind", "size", "status", "attempts", "last_error", "uploaded_at", "sha256")

    def customer(self, row: Upload) -> models.Model:
        customer: models.Model = row.uploaded_by
        return customer
