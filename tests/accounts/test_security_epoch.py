"""The security epoch only grows: what a lock or a new password has ended never comes back."""

from __future__ import annotations

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client
from pytest_django import Settings

from accounts.models import AuthenticatorDevice, TrustedDevice, User
from tests.accounts.people import app_code, type_code, type_password
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def remembered(client: Client, ada: User, adas_app: AuthenticatorDevice) -> TrustedDevice:
    """Return a browser that Ada has told us to remember."""
    type_password(client)
    type_code(client, adas_app, app_code(adas_app), remember="on")
    return TrustedDevice.objects.get()


def test_saving_an_account_that_was_read_earlier_takes_no_epoch_back(ada: User, remembered: TrustedDevice) -> None:
    read_earlier = User.objects.get(pk=ada.pk)
    ada.bump_epoch()
    read_earlier.city = "Albany"
    read_earlier.save()
    read_earlier.save(update_fields=["city", "security_epoch"])
    ada.refresh_from_db()
    assert (ada.city, ada.security_epoch) == ("Albany", 2)
    assert not TrustedDevice.objects.usable().exists()


def test_forgotten_devices_are_revoked_row_by_row(ada: User, remembered: TrustedDevice) -> None:
    ada.bump_epoch()
    User.objects.filter(pk=ada.pk).update(security_epoch=1)
    remembered.refresh_from_db()
    assert remembered.revoked_at is not None
    assert not TrustedDevice.objects.usable().exists()


def test_two_changes_at_once_count_twice(ada: User) -> None:
    one, other = User.objects.get(pk=ada.pk), User.objects.get(pk=ada.pk)
    for user in (one, other):
        user.set_password("violet-harbor-tram-91")
        user.save()
    ada.refresh_from_db()
    assert ada.security_epoch == 3


def test_a_password_that_was_set_and_not_saved_yet_changes_nothing(ada: User, remembered: TrustedDevice) -> None:
    ada.set_password("violet-harbor-tram-91")
    ada.save(update_fields=["city"])
    assert TrustedDevice.objects.usable().exists()
    ada.save()
    assert not TrustedDevice.objects.usable().exists()


def test_a_voided_password_forgets_the_devices_too(ada: User, remembered: TrustedDevice) -> None:
    ada.set_unusable_password()
    ada.save()
    assert not TrustedDevice.objects.usable().exists()


def test_a_renewed_hash_of_the_same_password_forgets_no_device(
    settings: Settings, ada: User, remembered: TrustedDevice
) -> None:
    settings.PASSWORD_HASHERS = [*settings.PASSWORD_HASHERS, "django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    old_hash = make_password(PASSWORD, hasher="pbkdf2_sha256")
    User.objects.filter(pk=ada.pk).update(password=old_hash, password_changed_at=None)
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)
    ada.refresh_from_db()
    assert ada.password != old_hash
    assert ada.password_changed_at is None
    assert TrustedDevice.objects.usable().exists()
