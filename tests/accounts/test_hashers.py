"""Hashes of former systems: which are read, what their check may cost, and that Argon2 replaces them."""

from __future__ import annotations

import base64
import hashlib
import time

import bcrypt
import pytest
from argon2 import PasswordHasher, Type
from django.contrib.auth import hashers
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from accounts import hashers as former
from accounts.hashers import readable
from accounts.models import User
from tests.accounts.people import type_password

SECRET = "correct horse battery staple"
SALT = bytes(range(240, 256))


def b64(data: bytes, *, crypt: bool = False) -> str:
    """Return base 64 without padding; the modular crypt notation of PBKDF2 writes `.` for `+`."""
    text = base64.b64encode(data).decode().rstrip("=")
    return text.replace("+", ".") if crypt else text


def crypt_pbkdf2(digest: str, name: str, rounds: int = 1000) -> str:
    key = hashlib.pbkdf2_hmac(digest, SECRET.encode(), SALT, rounds)
    return f"${name}${rounds}${b64(SALT, crypt=True)}${b64(key, crypt=True)}"


def crypt_scrypt(exponent: int = 10, length: int = 32) -> str:
    key = hashlib.scrypt(SECRET.encode(), salt=SALT, n=2**exponent, r=8, p=1, dklen=length, maxmem=2**28)
    return f"$scrypt$ln={exponent},r=8,p=1${b64(SALT)}${b64(key)}"


def argon2(kind: Type) -> str:
    return PasswordHasher(time_cost=1, memory_cost=64, parallelism=1, type=kind).hash(SECRET)


def bcrypt_of(prefix: bytes = b"2b") -> str:
    return (
        bcrypt.hashpw(SECRET.encode(), bcrypt.gensalt(4, prefix=b"2b")).decode().replace("$2b$", f"${prefix.decode()}$")
    )


DJANGO_SCRYPT = hashlib.scrypt(SECRET.encode(), salt=b"salty", n=1024, r=8, p=5, dklen=64, maxmem=2**28)
NOTATIONS = {
    "Django PBKDF2": hashers.PBKDF2PasswordHasher().encode(SECRET, "salty", 1000),
    "Django PBKDF2 SHA-1": hashers.PBKDF2SHA1PasswordHasher().encode(SECRET, "salty", 1000),
    "Django bcrypt": f"bcrypt${bcrypt_of()}",
    "Django bcrypt SHA-256": hashers.BCryptSHA256PasswordHasher().encode(SECRET, bcrypt.gensalt(4)),
    "Django scrypt": f"scrypt$1024$salty$8$5${base64.b64encode(DJANGO_SCRYPT).decode()}",
    "Django Argon2": f"argon2{argon2(Type.ID)}",
    "crypt PBKDF2 SHA-1": crypt_pbkdf2("sha1", "pbkdf2"),
    "crypt PBKDF2 SHA-256": crypt_pbkdf2("sha256", "pbkdf2-sha256"),
    "crypt PBKDF2 SHA-512": crypt_pbkdf2("sha512", "pbkdf2-sha512"),
    "crypt bcrypt 2a": bcrypt_of(b"2a"),
    "crypt bcrypt 2b": bcrypt_of(),
    "crypt bcrypt 2y": bcrypt_of(b"2y"),
    "crypt scrypt": crypt_scrypt(),
    "crypt scrypt of 64 bytes": crypt_scrypt(length=64),
    "crypt scrypt of 32 MiB": crypt_scrypt(exponent=15),
    "crypt Argon2id": argon2(Type.ID),
    "crypt Argon2i": argon2(Type.I),
    "crypt Argon2d": argon2(Type.D),
}


def someone_with(text: str) -> User:
    """Return an account taken over with this hash."""
    return User.objects.create(
        username="rae", email="rae@group.example", password=readable(text), password_taken_over_at=timezone.now()
    )


@pytest.mark.parametrize("name", NOTATIONS)
def test_the_former_password_signs_in_and_its_hash_becomes_argon2(name: str, client: Client, db: None) -> None:
    rae = someone_with(NOTATIONS[name])
    assert not rae.check_password(SECRET.upper())
    assert type_password(client, "rae", SECRET)["Location"] == "/accounts/mfa/setup/"
    rae.refresh_from_db()
    assert rae.password.startswith("argon2$argon2id$")
    assert rae.check_password(SECRET)
    assert rae.password_changed_at is not None, "without a second factor, it is void after 7 days"


@pytest.mark.parametrize("name", NOTATIONS)
def test_a_wrong_password_leaves_the_hash_as_it_is(name: str, client: Client, db: None, settings: Settings) -> None:
    settings.EVEN_REFUSAL = settings.EVEN_REFUSAL * 0
    rae = someone_with(NOTATIONS[name])
    before = rae.password
    assert type_password(client, "rae", "wrong-wrong-wrong").status_code == 422
    rae.refresh_from_db()
    assert (rae.password, rae.password_changed_at) == (before, None)


def test_bcrypt_ignores_what_follows_72_bytes_as_the_former_system_did(client: Client, db: None) -> None:
    long = "é" * 40
    someone_with(bcrypt.hashpw(long.encode()[:72], bcrypt.gensalt(4)).decode())
    assert type_password(client, "rae", long).status_code == 302


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "plain password",
        "!unusable",
        "$1$salt$qJH7.N4xYta3aEG/dfqo/0",
        "$5$rounds=5000$salt$" + "a" * 43,
        "{SSHA}" + "a" * 32,
        "md5$salt$" + "a" * 32,
        "pbkdf2_sha256$abc$salt$aaaa",
        "pbkdf2_sha256$1000$salt$YWFhYQ==",
        "$pbkdf2-sha256$1000$c2FsdA$YWFhYQ",
        "$2b$10$tooshort",
        "$2x$10$" + "a" * 53,
        "$argon2id$v=19$m=64,t=1$c2FsdHNhbHQ$" + "a" * 22,
        "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$" + "a" * 22 + "\nargon2",
    ],
)
def test_what_nobody_reads_gives_no_password(text: str) -> None:
    assert readable(text) == ""


COSTLY = {
    "PBKDF2": "pbkdf2_sha256$9999999$salt$" + base64.b64encode(bytes(32)).decode(),
    "no iterations": "pbkdf2_sha256$0$salt$" + base64.b64encode(bytes(32)).decode(),
    "crypt PBKDF2": f"$pbkdf2-sha512$750001$c2FsdA${b64(bytes(64), crypt=True)}",
    "bcrypt": "$2b$31$" + "a" * 53,
    "bcrypt of 14": "$2b$14$" + "a" * 53,
    "scrypt's memory": f"$scrypt$ln=20,r=8,p=1$c2FsdA${b64(bytes(32))}",
    "scrypt's lanes": f"$scrypt$ln=14,r=8,p=99$c2FsdA${b64(bytes(32))}",
    "scrypt's exponent": f"$scrypt$ln=99,r=99,p=99$c2FsdA${b64(bytes(32))}",
    "scrypt's cost isn't a power of two": "scrypt$1000$salt$8$1$" + base64.b64encode(bytes(64)).decode(),
    "Argon2's memory": "$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHQ$" + "a" * 22,
    "Argon2's passes at its memory": "$argon2id$v=19$m=131072,t=3,p=1$c2FsdHNhbHQ$" + "a" * 22,
    "Argon2's passes": "$argon2id$v=19$m=65536,t=999,p=1$c2FsdHNhbHQ$" + "a" * 22,
    "Argon2's lanes": "$argon2id$v=19$m=65536,t=1,p=99$c2FsdHNhbHQ$" + "a" * 22,
}


@pytest.mark.parametrize("name", COSTLY)
def test_a_hash_that_would_keep_the_portal_busy_is_dropped(name: str) -> None:
    assert readable(COSTLY[name]) == ""


def test_what_is_read_fits_the_account_s_column() -> None:
    longest = max(len(readable(text)) for text in NOTATIONS.values())
    assert longest <= (User._meta.get_field("password").max_length or 0) == former.LONGEST


@given(st.text(max_size=300) | st.from_regex(r"\A\$(pbkdf2|scrypt|argon2id|2b)[$a-zA-Z0-9=,./+]{0,200}\Z"))
def test_no_text_at_all_makes_reading_fail(text: str) -> None:
    found = readable(text)
    assert len(found) <= former.LONGEST
    if found:
        assert hashers.identify_hasher(found).algorithm


def test_while_hashes_of_a_former_system_wait_every_refusal_takes_as_long(
    client: Client, db: None, ada: User, settings: Settings
) -> None:
    someone_with(NOTATIONS["crypt PBKDF2 SHA-512"])
    settings.EVEN_REFUSAL = settings.EVEN_REFUSAL / 2
    floor = settings.EVEN_REFUSAL.total_seconds()
    for username in ("rae", "ada", "nobody"):
        started = time.perf_counter()
        assert type_password(client, username, "wrong-wrong-wrong").status_code == 422
        assert time.perf_counter() - started >= floor
    User.objects.filter(username="rae").update(password_changed_at=timezone.now())
    started = time.perf_counter()
    type_password(Client(), "ada", "wrong-wrong-wrong")
    assert time.perf_counter() - started < floor
