"""Secrets at rest, their rotation, and keyed hashes."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.core.management import call_command
from django.db import connection
from pytest_django import Settings

from accounts.models import AuthenticatorDevice
from core import crypto
from core.fields import new_public_id
from tests.factories import UserFactory

OLD, NEW = "old:first-secret-of-the-ring-0123456789", "new:second-secret-of-the-ring-987654321"


def test_a_value_comes_back_and_never_looks_the_same_twice() -> None:
    first, second = crypto.encrypt("JBSWY3DP"), crypto.encrypt("JBSWY3DP")
    assert first != second
    assert "JBSWY3DP" not in first
    assert crypto.decrypt(first) == crypto.decrypt(second) == "JBSWY3DP"


def test_the_newest_key_encrypts_and_every_listed_one_decrypts(settings: Settings) -> None:
    settings.FIELD_KEYS = [OLD]
    old = crypto.encrypt("secret")
    settings.FIELD_KEYS = [NEW, OLD]
    new = crypto.encrypt("secret")
    assert (old.split("$")[0], new.split("$")[0]) == ("old", "new")
    assert crypto.decrypt(old) == crypto.decrypt(new) == "secret"
    settings.FIELD_KEYS = [NEW]
    with pytest.raises(crypto.DecryptionError, match="not listed"):
        crypto.decrypt(old)


def test_an_altered_value_is_refused(settings: Settings) -> None:
    stored = crypto.encrypt("secret")
    with pytest.raises(crypto.DecryptionError, match="altered"):
        crypto.decrypt(stored[:-4] + "AAAA")
    with pytest.raises(crypto.DecryptionError):
        crypto.decrypt("plain")


@pytest.mark.parametrize("keys", [[], ["id:"], ["a b:secret"], ["k:one", "k:two"]])
def test_keys_of_another_form_stop_the_portal(settings: Settings, keys: list[str]) -> None:
    settings.FIELD_KEYS = keys
    with pytest.raises(ImproperlyConfigured):
        crypto.encrypt("x")


@pytest.mark.django_db
def test_rotating_moves_every_value_to_the_newest_key(settings: Settings) -> None:
    settings.FIELD_KEYS = [OLD]
    user = UserFactory.create()
    device = AuthenticatorDevice.objects.create(user=user, name="App", seed="JBSWY3DPEHPK3PXP")
    settings.FIELD_KEYS = [NEW, OLD]
    out = StringIO()
    call_command("rotate_keys", stdout=out)
    assert out.getvalue() == "1 values moved to key new.\n"
    with connection.cursor() as cursor:
        cursor.execute("SELECT seed FROM accounts_authenticatordevice")
        assert cursor.fetchone()[0].startswith("new$")
    settings.FIELD_KEYS = [NEW]
    assert AuthenticatorDevice.objects.get(pk=device.pk).seed == "JBSWY3DPEHPK3PXP"
    again = StringIO()
    call_command("rotate_keys", stdout=again)
    assert again.getvalue() == "0 values moved to key new.\n"


@pytest.mark.django_db
def test_an_encrypted_column_can_not_be_searched_by_value() -> None:
    with pytest.raises(FieldError, match="can't be searched"):
        AuthenticatorDevice.objects.filter(seed="x").exists()
    assert not AuthenticatorDevice.objects.filter(seed__isnull=True).exists()


def test_a_keyed_hash_depends_on_value_purpose_and_key(settings: Settings) -> None:
    base = crypto.keyed_hash("phone", "+12025550123")
    assert len(base) == 64
    assert base == crypto.keyed_hash("phone", "+12025550123")
    assert base != crypto.keyed_hash("phone", "+12025550124")
    assert base != crypto.keyed_hash("email", "+12025550123")
    settings.HASH_KEY = "another"
    assert base != crypto.keyed_hash("phone", "+12025550123")


def test_public_ids_are_22_url_safe_characters_and_random() -> None:
    ids = {new_public_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(len(each) == 22 and each.replace("-", "").replace("_", "").isalnum() for each in ids)
