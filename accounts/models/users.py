"""Users: one account per person, whatever their roles."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

import pgtrigger
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import F
from django.db.models.functions import Upper
from django.utils import timezone

from accounts.events import AccountEvent
from core.crypto import keyed_hash
from core.events import record_event
from core.fields import PublicIdField

if TYPE_CHECKING:
    from accounts.models.devices import CodeDevice
    from accounts.models.sessions import TrustedDevice


LONGEST_USERNAME = 150
LONGEST_HASH = 255


class Notice(models.TextChoices):
    """Mails that the owner may switch on and off (S-13, S-33). Those about security always come."""

    RENEWAL = "renewal", "Renewal reminders"
    PAYMENT = "payment", "Payment reminders"
    NEWS = "news", "News and risk management updates"
    ACTIVITY_REVIEW = "activity_review", "A reminder each quarter to review my account’s activity"


def usual_notices() -> list[str]:
    """Return the notices that a new account gets."""
    return [Notice.RENEWAL, Notice.PAYMENT]


def fold_username(username: str) -> str:
    """Return what two spellings of a username share: case, width, and spaces don't count (docs/security.md#sign-in)."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", username)).strip().casefold()


def validate_folded_length(username: str) -> None:
    """Raise ValidationError where the folded username is longer than a username may be: one character such as
    U+FDFA folds to 18."""
    if len(fold_username(username)) > LONGEST_USERNAME:
        raise ValidationError(f"Use at most {LONGEST_USERNAME} plain characters.", code="folded_too_long")


class FoldedUsernameField(models.CharField):  # type: ignore[type-arg]
    """The folded username, computed by save and bulk_create alike."""

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        folded = fold_username(getattr(model_instance, "username", ""))
        setattr(model_instance, self.attname, folded)
        return folded


class UserManager(BaseUserManager["User"]):
    """Creates users and finds them by their folded username."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(username_key=fold_username(username or ""))

    def known_as(self, typed: str) -> list[User]:
        """Return whom a typed username or email may mean: the user with this username, else everyone who has confirmed
        this email. One statement, whether anybody has it or not (docs/security.md#enumeration)."""
        key = fold_username(typed)
        by_email = models.Q(email__iexact=key, email_confirmed_at__isnull=False)
        found = list(self.filter(models.Q(username_key=key) | by_email).order_by("pk"))
        return [user for user in found if user.username_key == key] or found

    def meant_by(self, typed: str) -> User | None:
        """Return the one user that a typed username or confirmed email means; None where it means nobody, or several
        people who share an email."""
        found = self.known_as(typed)
        return found[0] if len(found) == 1 else None

    def create_user(self, username: str, email: str = "", password: str | None = None, **fields: Any) -> User:
        """Create a user with a hashed password. Without one, no password opens the account."""
        user = self.model(
            username=unicodedata.normalize("NFKC", username).strip(), email=self.normalize_email(email), **fields
        )
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, email: str = "", password: str | None = None, **fields: Any) -> User:
        """Create a staff member with every right in admin (`manage.py createsuperuser`)."""
        rights = {"is_staff": True, "is_superuser": True}
        user = self.create_user(username, email, password, **{**rights, **fields})
        record_event(AccountEvent.CREATED, subject=user, on_behalf_of=user, values=rights, reason="command line")
        return user


class User(AbstractBaseUser, PermissionsMixin):  # type: ignore[django-manager-missing]  # of django-otp's untyped devices
    """An account. `security_epoch` grows with every change that remembered devices must not survive: password, email,
    phone, factor, lock, 'sign out everywhere' (docs/security.md#devices)."""

    public_id = PublicIdField()
    username = models.CharField(
        max_length=LONGEST_USERNAME,
        unique=True,
        validators=[validate_folded_length],
        error_messages={"unique": "A user with this username already exists."},
    )
    username_key = FoldedUsernameField(max_length=200, unique=True, editable=False)
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    email = models.EmailField(max_length=254, blank=True)
    # Wider than Django's: hashes of former systems can be longer than our own.
    password = models.CharField(max_length=LONGEST_HASH)
    # When a link sent to this email was used. The database clears it when the email changes.
    email_confirmed_at = models.DateTimeField(null=True, blank=True, editable=False)
    phone = models.CharField(max_length=32, blank=True)
    address1 = models.CharField("address line 1", max_length=120, blank=True)
    address2 = models.CharField("address line 2", max_length=120, blank=True)
    city = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=2, blank=True)
    zip = models.CharField("ZIP", max_length=10, blank=True)
    time_zone = models.CharField(max_length=64, default="America/New_York")
    language = models.CharField(max_length=8, choices=[("en", "English"), ("es", "Español")], default="en")
    notices = ArrayField(
        models.CharField(max_length=30, choices=Notice), default=usual_notices, db_default=usual_notices(), blank=True
    )
    is_staff = models.BooleanField("staff", default=False, help_text="Can open admin.")
    is_active = models.BooleanField("active", default=True, help_text="Can sign in. Clear this instead of deleting.")
    date_joined = models.DateTimeField(default=timezone.now, editable=False)
    password_changed_at = models.DateTimeField(null=True, blank=True, editable=False)
    # When the feed brought the password's hash from a former system. It counts as taken over until the owner, or we,
    # set another, which `password_changed_at` says (docs/decisions/0084-passwords-taken-over.md).
    password_taken_over_at = models.DateTimeField(null=True, blank=True, editable=False)
    # When the last second factor was removed. A new one clears it.
    factorless_since = models.DateTimeField(null=True, blank=True, editable=False)
    security_epoch = models.PositiveIntegerField(default=1, editable=False)
    # The public id of the method that sign-in asks for first; empty: the one used last.
    default_method = models.CharField(max_length=22, blank=True, default="", db_default="", editable=False)

    objects: UserManager = UserManager()

    # A new password was set and is not saved yet.
    _epoch_is_due = False

    # Of a signed-in user, by `accounts.middleware`: the device whose code verified this very session, and the browser
    # that is remembered and spared the code. Never both.
    otp_device: CodeDevice | None = None
    remembered_device: TrustedDevice | None = None

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "username"
    REQUIRED_FIELDS = ["email"]

    class Meta:
        ordering = ("username_key",)
        permissions = [
            ("unlock_user", "Can see why an account is locked, lock it and unlock it"),
            ("view_user_events", "Can read an account's event log"),
            ("view_as_user", "Can look at the portal as a customer sees it, read-only and for a reason"),
            ("end_user_sessions", "Can end an account's sessions and forget its remembered devices"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(email_confirmed_at=None) | ~models.Q(email=""), name="only_an_email_is_confirmed"
            ),
        ]
        # Sign-in and password resets find an account by its confirmed email (`email__iexact`).
        indexes = [
            models.Index(
                Upper("email"), condition=models.Q(email_confirmed_at__isnull=False), name="user_confirmed_email"
            ),
            models.Index(
                fields=["password_taken_over_at"],
                condition=models.Q(password_taken_over_at__isnull=False, password_changed_at=None),
                name="unused_passwords",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="a_new_email_is_not_confirmed",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__email__df=pgtrigger.F("new__email"))
                & pgtrigger.Q(old__email_confirmed_at__ndf=pgtrigger.F("new__email_confirmed_at")),
                func="NEW.email_confirmed_at = NULL; RETURN NEW;",
            ),
            pgtrigger.Trigger(
                name="a_former_username_is_taken",
                when=pgtrigger.Before,
                # django-pgtrigger has no types for this one.
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("username_key"),  # type: ignore[no-untyped-call]
                func="""
                    IF EXISTS (
                        SELECT 1 FROM accounts_formerusername f
                        WHERE f.username_key = NEW.username_key AND f.user_id <> NEW.id
                    ) THEN
                        RAISE unique_violation USING MESSAGE = 'Another account had this username.';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return self.username

    def is_verified(self) -> bool:
        """Return whether a code was given in this session (django-otp's name). A remembered device doesn't count."""
        return self.otp_device is not None

    def confirm_email(self) -> None:
        """Record that a link sent to the present email was used."""
        self.email_confirmed_at = timezone.now()
        self.save(update_fields=["email_confirmed_at"])

    def wants(self, notice: Notice) -> bool:
        """Whether the owner wants these mails."""
        return notice in self.notices

    def get_full_name(self) -> str:
        """Return first and last name, or the username if there's neither."""
        return f"{self.first_name} {self.last_name}".strip() or self.username

    def get_short_name(self) -> str:
        return self.first_name or self.username

    def set_password(self, raw_password: str | None) -> None:
        """Hash a new password; remembered devices of the old one don't survive it. Save after it."""
        super().set_password(raw_password)
        self.password_changed_at = timezone.now()
        self._epoch_is_due = True

    def set_unusable_password(self) -> None:
        """Let no password open the account until a new one is set. Save after it."""
        super().set_unusable_password()
        self.password_changed_at = timezone.now()
        self._epoch_is_due = True

    def check_password(self, raw_password: str | None) -> bool:
        """Whether this is the password. An outdated hash is renewed, which doesn't change the password."""

        def renew(password: str) -> None:
            self.password = make_password(password)
            self.save(update_fields=["password"])

        right = check_password(raw_password, self.password, renew)
        if right and self.has_unused_password:
            # From its first use on, it's a password of ours: without a second factor, it is void after 7 days.
            self.password_changed_at = timezone.now()
            self.save(update_fields=["password_changed_at"])
        return right

    @property
    def has_unused_password(self) -> bool:
        """Whether the password was taken over from a former system, and nobody has used it here."""
        return self.password_taken_over_at is not None and self.password_changed_at is None

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, but never write `security_epoch` back: an object that was read before a lock or a change of password
        would let forgotten devices in again. A new password adds one to it."""
        if self._state.adding:
            super().save(*args, **kwargs)
            self._epoch_is_due = False
            return
        fields = kwargs.pop("update_fields", None)
        if fields is None:
            written = {field.name for field in self._meta.concrete_fields if not field.primary_key}
            fields = written - self.get_deferred_fields()
        due = self._epoch_is_due and "password" in fields
        with transaction.atomic():
            super().save(*args, update_fields=set(fields) - {"security_epoch"}, **kwargs)
            if due:
                self.bump_epoch()

    def bump_epoch(self) -> None:
        """Revoke every remembered device and link of this account."""
        with transaction.atomic():
            type(self).objects.filter(pk=self.pk).update(security_epoch=F("security_epoch") + 1)
            self.trusted_devices.filter(revoked_at=None).update(revoked_at=timezone.now())
        self.refresh_from_db(fields=["security_epoch"])
        self._epoch_is_due = False

    @property
    def is_of_staff(self) -> bool:
        """Whether admin is open to it. Such an account is never a customer's."""
        return self.is_staff or self.is_superuser

    def is_served_by(self, staff: User) -> bool:
        """Whether this member of staff may lock, unlock or restore the account (docs/security.md#lockout): nobody their
        own, and an account of staff only a superuser."""
        if self.pk == staff.pk:
            return False
        return staff.is_superuser or not self.is_of_staff

    def has_phone(self, number: str, channel: str) -> bool:
        """Whether a number (E.164) is one of the phones confirmed for this channel."""
        confirmed = self.phonedevice_set.filter(confirmed=True, channel=channel)
        return confirmed.filter(phone_hash=keyed_hash("phone", number)).exists()
