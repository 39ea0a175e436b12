"""Web support's desk: find a user, see why and until when the account is locked, unlock it with a reason (S-14)."""

from __future__ import annotations

import datetime as dt
import unicodedata
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import admin as _django_auth_admin  # noqa: F401  # registers groups
from django.contrib.auth.models import Group
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from accounts.admin.taken_over import PasswordFilter, email_links
from accounts.admin.user_acts import UserActs
from accounts.events import AccountEvent
from accounts.guards import user_of
from accounts.models import Challenge, Channel, User
from accounts.models.challenges import Delivery
from accounts.models.users import fold_username
from accounts.services import codes, links, locks, renaming
from core.desk import DeskItem, counted
from core.events import StaffEvent, record_event
from core.staff_sections import sections_of

# The desk names so many locked accounts; the list has all.
DESK_SHOWN = 5

# The rights of a group are in the code, and `manage.py staff_groups` sets them. Django registered groups on import.
admin.site.unregister(Group)


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
        if renaming.is_taken(username=username):
            raise forms.ValidationError("A user with this username already exists.", code="unique")
        return username

    def clean(self) -> dict[str, Any]:
        """Raise ValidationError for an email as username that isn't the owner's, or that someone signs in with: the new
        account would be meant in place of theirs."""
        cleaned = super().clean() or self.cleaned_data
        username = cleaned.get("username", "")
        if "@" in username:
            if fold_username(username) != fold_username(cleaned.get("email", "")):
                self.add_error("username", "An email as username must be the owner’s own.")
            elif User.objects.known_as(username):
                self.add_error("username", "Someone signs in with this email already. Choose another username.")
        return cleaned

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
class UserAdmin(UserActs):
    """Accounts. Every look at one is recorded; what a person may do in the portal depends on memberships, and only
    superusers change who is staff."""

    list_display = ("username", "full_name", "email", "is_staff", "is_active", "last_login")
    list_filter = (SignInFilter, PasswordFilter, "is_staff", "is_active")
    actions = (email_links,)
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
        ("Mailing address", {"fields": ADDRESS, "classes": ["collapse"]}),
        ("Staff rights", {"fields": RIGHTS}),
        ("History", {"fields": HISTORY, "classes": ["collapse"]}),
    )

    def formfield_for_manytomany(
        self, db_field: models.ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> forms.ModelMultipleChoiceField[Any] | None:
        """Show the few groups as boxes to tick."""
        kwargs.setdefault("widget", forms.CheckboxSelectMultiple)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @admin.display(description="name")
    def full_name(self, user: User) -> str:
        return user.get_full_name()

    def has_activate_permission(self, request: HttpRequest) -> bool:
        """Whether this member of staff may mail links to choose a password."""
        return request.user.has_perm("accounts.unlock_user")

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
        return [
            counted("Locked accounts", len(locked), href, lines=tuple(lines)),
            self._failed_codes(request),
            self._ceilings(),
        ]

    def _ceilings(self) -> DeskItem:
        """Report how many texts and calls went out, and whether a ceiling stops more of them."""
        texts, most_texts = codes.usage(Channel.TEXT)
        calls, most_calls = codes.usage(Channel.VOICE)
        state = f"{texts:,} of {most_texts:,} texts, {calls:,} of {most_calls:,} calls"
        reached = texts >= most_texts or calls >= most_calls
        return DeskItem("Codes sent in an hour", f"Ceiling reached: {state}" if reached else state, needs_work=reached)

    def _failed_codes(self, request: HttpRequest) -> DeskItem:
        day_ago = timezone.now() - dt.timedelta(days=1)
        lost = (Delivery.UNDELIVERED, Delivery.FAILED, Delivery.UNKNOWN)
        failed = Challenge.objects.filter(created_at__gt=day_ago, delivery__in=lost).count()
        log = reverse("admin:core_event_changelist") + f"?q={AccountEvent.CODE_NOT_SENT}"
        href = log if request.user.has_perm("core.view_event") else ""
        return counted("Texts and calls that failed in 24 hours", failed, href)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the account with a section for each thing that staff look after (`core.staff_sections`)."""
        user = self.get_object(request, object_id)
        if user is not None and self.has_view_permission(request, user):
            extra_context = (extra_context or {}) | {"sections": sections_of(request, user)}
        return super().change_view(request, object_id, form_url, extra_context)
