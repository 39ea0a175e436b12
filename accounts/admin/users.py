"""Web support's desk: find a user, see why and until when the account is locked, unlock it with a reason (S-14)."""

from __future__ import annotations

import datetime as dt
import unicodedata
from http import HTTPStatus
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import admin as _django_auth_admin  # noqa: F401  # registers groups
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from accounts.events import AccountEvent
from accounts.guards import user_of
from accounts.methods import devices_of, method_of
from accounts.models import Challenge, CodeDevice, User
from accounts.models.challenges import Delivery
from accounts.models.users import fold_username
from accounts.services import links, locks
from accounts.services.remembering import describe_agent
from core.admin import StaffAdmin
from core.desk import DeskItem, counted
from core.events import StaffEvent, record_event
from core.models import Event

EVENTS_SHOWN = 200
# The desk names so many locked accounts; the list has all.
DESK_SHOWN = 5

# The rights of a group are in the code, and `manage.py staff_groups` sets them. Django registered groups on import.
admin.site.unregister(Group)


def _line(event: Event) -> dict[str, Any]:
    """Return a line of the log as staff read it. Tags of other areas are shown as they are."""
    told = {key: ", ".join(map(str, value)) if isinstance(value, list) else value for key, value in event.data.items()}
    what = AccountEvent(event.tag).label if event.tag in AccountEvent.values else event.tag
    return {"event": event, "what": what, "browser": describe_agent(event.agent) if event.agent else "", "told": told}


class ReasonForm(forms.Form):
    """Why staff lock or unlock an account. Kept in the event log."""

    reason = forms.CharField(
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text="How you verified the caller, and what happened. Kept in the event log.",
        error_messages={"required": "Enter a reason. It’s kept in the event log."},
    )


class UnlockForm(ReasonForm):
    """Why staff lift a lock, and whether each factor stays: an intruder may have added one, or hold one."""

    def __init__(self, *args: Any, devices: list[CodeDevice], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._devices = devices
        for device in devices:
            added = timezone.localtime(device.created_at)
            self.fields[device.public_id] = forms.ChoiceField(
                label=f"{device.name}, set up {added:%b} {added.day}, {added.year}",
                choices=[("keep", "Keep: the owner has it"), ("remove", "Remove")],
                widget=forms.RadioSelect,
                error_messages={"required": "Keep it or remove it?"},
            )

    def factors(self) -> list[forms.BoundField]:
        """Return the questions about factors."""
        return [self[device.public_id] for device in self._devices]

    def kept(self) -> dict[str, bool]:
        """Whether each factor stays, by its public id."""
        return {device.public_id: self.cleaned_data[device.public_id] == "keep" for device in self._devices}


class NewUserForm(forms.ModelForm[User]):
    """A new account created by staff. It has no password; the owner chooses one with the link we email."""

    class Meta:
        model = User
        fields = ("username", "first_name", "last_name", "email")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].required = True
        self.fields["email"].help_text = "We send a link to choose a password there. It must be the owner’s own."

    def clean_username(self) -> str:
        """Raise ValidationError where somebody has a username that reads the same."""
        username = " ".join(unicodedata.normalize("NFKC", self.cleaned_data["username"]).split())
        if User.objects.filter(username_key=fold_username(username)).exists():
            raise forms.ValidationError("A user with this username already exists.", code="unique")
        return username

    def save(self, commit: bool = True) -> User:
        self.instance.set_unusable_password()
        return super().save(commit)


class SignInFilter(admin.SimpleListFilter):
    """Who is locked out now."""

    title = "sign-in"
    parameter_name = "sign_in"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("locked", "Locked now")]

    def queryset(self, request: HttpRequest, users: models.QuerySet[User]) -> models.QuerySet[User]:
        if self.value() != "locked":
            return users
        return users.filter(pk__in=locks.locked_now().values("pk"))


@admin.register(User)
class UserAdmin(StaffAdmin[User]):
    """Accounts. Every look at one is recorded; what a person may do in the portal depends on memberships, and only
    superusers change who is staff."""

    list_display = ("username", "full_name", "email", "is_staff", "is_active", "last_login")
    list_filter = (SignInFilter, "is_staff", "is_active")
    list_per_page = 50
    search_fields = ("username", "first_name", "last_name", "email")
    search_help_text = "Username, name, or email."
    ordering = ("username_key",)
    add_form = NewUserForm
    inlines = ()
    look, added, changed = AccountEvent.VIEWED, AccountEvent.CREATED, AccountEvent.CHANGED
    valued = ("is_active", "is_staff", "is_superuser", "groups")
    change_form_template = "admin/accounts/user/change_form.html"

    PERSON = ("username", "first_name", "last_name", "email", "phone", "time_zone", "language")
    ADDRESS = ("address1", "address2", "city", "state", "zip")
    RIGHTS = ("is_active", "is_staff", "is_superuser", "groups")
    HISTORY = ("date_joined", "last_login", "password_changed_at", "security_epoch")
    fieldsets = (
        (None, {"fields": PERSON}),
        ("Mailing address", {"fields": ADDRESS}),
        ("Staff rights", {"fields": RIGHTS}),
        ("History", {"fields": HISTORY}),
    )
    filter_horizontal = ("groups",)

    @admin.display(description="name")
    def full_name(self, user: User) -> str:
        return user.get_full_name()

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Accounts are deactivated or locked, never deleted: their history stays."""
        return False

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is None:
            return ((None, {"fields": NewUserForm.Meta.fields}),)
        return self.fieldsets

    def get_form(self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = self.add_form
        return super().get_form(request, obj, change=change, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Return what can't be edited here: owners edit their data, superusers change rights, and nobody their own."""
        if obj is None:
            return ()
        own = self.PERSON + self.ADDRESS + self.HISTORY
        grants = request.user.is_superuser and obj.pk != request.user.pk
        return own if grants else own + self.RIGHTS

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            links.send_activation(user=obj, by=user_of(request))
            messages.info(request, f"We sent a link to choose a password to {obj.email}.")

    def customer(self, row: User) -> User:
        return row

    def desk(self, request: HttpRequest) -> list[DeskItem]:
        """Return who is locked out now, by name and recorded, and how many codes didn't arrive."""
        locked = list(locks.locked_now().order_by("username_key"))
        if locked:
            record_event(StaffEvent.LIST_VIEWED, model=self.opts.label_lower, asked=["desk"], found=len(locked))
        lines = [(str(user), reverse("admin:accounts_user_change", args=[user.pk])) for user in locked[:DESK_SHOWN]]
        href = reverse("admin:accounts_user_changelist") + "?sign_in=locked"
        return [counted("Locked accounts", len(locked), href, lines=tuple(lines)), self._failed_texts(request)]

    def _failed_texts(self, request: HttpRequest) -> DeskItem:
        day_ago = timezone.now() - dt.timedelta(days=1)
        lost = (Delivery.UNDELIVERED, Delivery.FAILED, Delivery.UNKNOWN)
        failed = Challenge.objects.filter(created_at__gt=day_ago, delivery__in=lost).count()
        log = reverse("admin:core_event_changelist") + f"?q={AccountEvent.CODE_NOT_SENT}"
        href = log if request.user.has_perm("core.view_event") else ""
        return counted("Texts that failed in 24 hours", failed, href)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:user_id>/lock/", wrap(self.lock_view), name="accounts_user_lock"),
            path("<int:user_id>/unlock/", wrap(self.unlock_view), name="accounts_user_unlock"),
            path("<int:user_id>/activation/", wrap(self.activation_view), name="accounts_user_activation"),
            path("<int:user_id>/events/", wrap(self.events_view), name="accounts_user_events"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        user = self.get_object(request, object_id)
        if user is not None and self.has_view_permission(request, user):
            extra_context = (extra_context or {}) | self._state(request, user)
        return super().change_view(request, object_id, form_url, extra_context)

    def _state(self, request: HttpRequest, user: User) -> dict[str, Any]:
        """Return why the account can't sign in, its methods, and what this staff member may do about it."""
        return {
            "obstacles": locks.obstacles_of(user),
            "hard_locked": user.locks.filter(lifted_at=None).exists(),
            "methods": [(method_of(device).verbose_name, device) for device in devices_of(user)],
            "may_unlock": request.user.has_perm("accounts.unlock_user") and user.is_served_by(user_of(request)),
            "may_activate": self._may_activate(user),
            "may_read_events": request.user.has_perm("accounts.view_user_events"),
        }

    def _user(self, request: HttpRequest, user_id: int, permission: str) -> User:
        """Return the account of an action. Raises PermissionDenied without the right, Http404 if there's no account."""
        if not request.user.has_perm(permission):
            raise PermissionDenied
        user = self.get_object(request, str(user_id))
        if user is None:
            raise Http404
        return user

    def _served(self, request: HttpRequest, user_id: int) -> User:
        """Return the account of an action on its sign-in. Raises PermissionDenied without the right, for the staff
        member's own account, and for a staff account unless a superuser asks."""
        user = self._user(request, user_id, "accounts.unlock_user")
        if not user.is_served_by(user_of(request)):
            raise PermissionDenied
        return user

    def unlock_view(self, request: HttpRequest, user_id: int) -> HttpResponse:
        """End the lock and every cool-off, with a reason. After a lock, each factor is kept or removed, and the owner
        chooses a new password."""
        user = self._served(request, user_id)
        locked = user.locks.filter(lifted_at=None).exists()
        form = UnlockForm(
            request.POST if request.method == "POST" else None, devices=devices_of(user) if locked else []
        )
        if form.is_valid():
            reason = form.cleaned_data["reason"]
            locks.unlock(user=user, by=user_of(request), reason=reason, kept=form.kept())
            messages.success(request, f"{user} is unlocked.{self._password_words(user) if locked else ''}")
            return self._back_to(user)
        return self._ask_reason(request, user, form, title=f"Unlock {user}", action="Unlock this account")

    def lock_view(self, request: HttpRequest, user_id: int) -> HttpResponse:
        """Lock the account until staff unlock it, with a reason. Its sessions end at once."""
        user = self._served(request, user_id)
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            locks.lock(user=user, by=user_of(request), reason=form.cleaned_data["reason"])
            messages.success(request, f"{user} is locked. All sessions have ended.")
            return self._back_to(user)
        return self._ask_reason(request, user, form, title=f"Lock {user}", action="Lock this account")

    def activation_view(self, request: HttpRequest, user_id: int) -> HttpResponse:
        """Email a new link to choose a password, with a reason, to an account without one."""
        user = self._served(request, user_id)
        if not self._may_activate(user):
            raise PermissionDenied
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            link = links.send_activation(user=user, by=user_of(request))
            reason = form.cleaned_data["reason"]
            record_event(AccountEvent.LINK_ASKED, subject=user, on_behalf_of=user, reason=reason, link=link.public_id)
            messages.success(request, f"We sent a link to choose a password to {user.email}.")
            return self._back_to(user)
        return self._ask_reason(request, user, form, title=f"Activate {user}", action="Send the link")

    @staticmethod
    def _may_activate(user: User) -> bool:
        """Whether the account only lacks a password."""
        open_account = user.is_active and not user.locks.filter(lifted_at=None).exists()
        return open_account and bool(user.email) and not user.has_usable_password()

    @staticmethod
    def _password_words(user: User) -> str:
        if user.email:
            return f" The old password is void. We sent a link to choose a new one to {user.email}."
        return " The old password is void. Without an email, ask an operator for a link (manage.py activation_link)."

    def events_view(self, request: HttpRequest, user_id: int) -> HttpResponse:
        """Show the account's newest events; older ones page by page."""
        user = self._user(request, user_id, "accounts.view_user_events")
        record_event(AccountEvent.EVENTS_VIEWED, subject=user, on_behalf_of=user)
        before = request.GET.get("before", "")
        log = Event.objects.about_user(user.pk)
        if before.isdecimal():
            log = log.filter(id__lt=int(before))
        events = list(log[: EVENTS_SHOWN + 1])
        context = self._context(request, user, title=f"Event log of {user}")
        context |= {
            "lines": [_line(event) for event in events[:EVENTS_SHOWN]],
            "older": events[EVENTS_SHOWN - 1].pk if len(events) > EVENTS_SHOWN else None,
        }
        return TemplateResponse(request, "admin/accounts/user/events.html", context)

    def _ask_reason(
        self, request: HttpRequest, user: User, form: ReasonForm, *, title: str, action: str
    ) -> HttpResponse:
        context = self._context(request, user, title=title)
        context |= {"form": form, "action": action, "obstacles": locks.obstacles_of(user)}
        status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
        context["factors"] = form.factors() if isinstance(form, UnlockForm) else []
        return TemplateResponse(request, "admin/accounts/user/reason.html", context, status=status)

    def _context(self, request: HttpRequest, user: User, *, title: str) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "title": title, "original": user, "opts": self.opts}

    def _back_to(self, user: User) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:accounts_user_change", args=[user.pk]))
