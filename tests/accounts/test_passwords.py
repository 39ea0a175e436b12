"""Rules for new passwords."""

from __future__ import annotations

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.models import User
from portal import settings as portal_settings


@pytest.mark.parametrize(
    "password",
    [
        "elevenchars",
        "x1" * 64 + "y",
        "password1234",
        "Larkfield-2026",
        "larkfieldmutualportal",
        "grace.hopper12",
    ],
)
def test_weak_passwords_are_refused(password: str) -> None:
    user = User(username="grace.hopper", first_name="Grace", last_name="Hopper")
    with pytest.raises(ValidationError):
        validate_password(password, user)


@pytest.mark.parametrize(
    "password",
    [
        "violet-harbor-tram",
        "x7" * 64,
        "пароль из слов 12",
        "a larkfield of violet trams",
        "        seven spaces and more",
    ],
)
def test_any_character_will_do_from_12_to_128(password: str) -> None:
    validate_password(password, User(username="grace"))


def test_the_portal_hashes_with_argon2_first() -> None:
    assert portal_settings.PASSWORD_HASHERS[0].endswith(".Argon2PasswordHasher")
