"""Factories of users."""

from __future__ import annotations

import datetime as dt
from typing import Any

import factory
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from accounts.models import TrustedDevice, User
from accounts.models.sessions import hash_token

PASSWORD = "demo-Portal-2026"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36"
_hashed: dict[str, str] = {}


def hashed_password() -> str:
    """Return the password's hash, made once a run: hashing is slow on purpose."""
    return _hashed.setdefault(PASSWORD, make_password(PASSWORD))


class UserFactory(factory.django.DjangoModelFactory[User]):
    """A user who signs in with `PASSWORD` and has no second factor yet; the email is confirmed."""

    class Meta:
        model = User

    username = factory.Sequence(lambda n: f"user{n}")
    first_name, last_name = "Kim", factory.Sequence(lambda n: f"Person{n}")
    email = factory.LazyAttribute(lambda o: f"{o.username}@people.example")
    email_confirmed_at = factory.LazyAttribute(lambda o: timezone.now() if o.email else None)
    password = factory.LazyFunction(hashed_password)


def remembered_for(user: User, *, days: int = 30, label: str = "Chrome on Windows") -> TrustedDevice:
    """Return a remembered device of this user whose token nobody holds."""
    now = timezone.now()
    return TrustedDevice.objects.create(
        user=user,
        token_hash=hash_token(TrustedDevice.new_token()),
        label=label,
        ip="203.0.113.9",
        agent=CHROME,
        expires_at=now + dt.timedelta(days=days),
        epoch=user.security_epoch,
    )


def users(count: int, **fields: Any) -> list[User]:
    """Several users."""
    return UserFactory.create_batch(count, **fields)
