"""Factories of users."""

from __future__ import annotations

from typing import Any

import factory
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from accounts.models import User

PASSWORD = "demo-Portal-2026"
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


def users(count: int, **fields: Any) -> list[User]:
    """Several users."""
    return UserFactory.create_batch(count, **fields)
