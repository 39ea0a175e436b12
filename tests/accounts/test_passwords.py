"""Rules for new passwords."""

from __future__ import annotations

import hashlib
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.models import User
from accounts.passwords import breached
from accounts.passwords.checks import check_breached_passwords
from accounts.passwords.strength import strength_of
from portal import settings as portal_settings


def grace() -> User:
    return User(
        username="grace.hopper",
        first_name="Grace",
        last_name="Hopper",
        email="rear.admiral@navy.test",
        phone="+12025550123",
    )


@pytest.mark.parametrize(
    "password",
    [
        "elevenchars",
        "x1" * 64 + "y",
        "Larkfield-2026",
        "larkfieldmutualportal",
        "L@rkf1eld-p0rtal",
    ],
)
def test_weak_passwords_are_refused(password: str) -> None:
    with pytest.raises(ValidationError):
        validate_password(password, grace())


@pytest.mark.parametrize(
    "password",
    [
        # As listed, at 12 characters and more.
        "justinbieber",
        "1qaz2wsx3edc",
        # Without case, accents, and width.
        "JustinBieber",
        "jüstinbíeber",
        # With look-alikes.
        "ju5t1nb13b3r",
        # With digits and symbols around it.
        "password1234",
        "P@ssw0rd2026!",
        "--Sunshine-77",
        "$unshine12345",
        # Repeated.
        "monkeymonkey",
        "Monkeymonkeymonkey99",
    ],
)
def test_passwords_of_breaches_are_refused_in_every_spelling(password: str) -> None:
    with pytest.raises(ValidationError) as refused:
        validate_password(password, grace())
    assert [each.code for each in refused.value.error_list] == ["password_breached"]


@pytest.mark.parametrize(
    "password",
    [
        "gracehopper1906",
        "GraceHopper!!",
        "gr4ce.h0pper12",
        "rear.admiral1",
        "admiral-rear-1",
        "202555012345",
        "+1 202 555 0123!",
    ],
)
def test_passwords_about_the_owner_are_refused(password: str) -> None:
    with pytest.raises(ValidationError):
        validate_password(password, grace())
    validate_password(f"{password} and three violet trams at the harbor", grace())


@pytest.mark.parametrize(
    "password",
    [
        "violet-harbor-tram",
        "x7" * 64,
        "пароль из слов 12",
        "a larkfield of violet trams",
        "        seven spaces and more",
        # A listed word with as much again that isn't.
        "monkey83649102",
    ],
)
def test_any_character_will_do_from_12_to_128(password: str) -> None:
    validate_password(password, User(username="grace"))


def test_the_bundled_list_is_the_most_common_50000_or_so() -> None:
    assert len(breached.bundled()) > 35_000
    assert {"password", "qwerty", "justinbieber"} <= breached.bundled()


@given(st.text(min_size=0, max_size=140))
def test_no_password_breaks_the_rules_or_the_meter(password: str) -> None:
    found = strength_of(password, grace())
    assert (found is None) == (password == "")
    assert found is None or 0 <= found.score <= 4


def test_the_portal_hashes_with_argon2_first() -> None:
    assert portal_settings.PASSWORD_HASHERS[0].endswith(".Argon2PasswordHasher")


# The large list


def digest(password: str) -> str:
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest()


def large_list(place: Path, passwords: list[str], *, form: str = "{}:7", end: str = "\n") -> str:
    """Write a list as they are published: sorted hashes, maybe with counts."""
    lines = sorted(digest(each).upper() for each in passwords)
    place.write_text("".join(form.format(line) + end for line in lines))
    return str(place)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("form", ["{}:7", "{}", "{}:23597311"])
@pytest.mark.parametrize("count", [1, 2, 3, 1000])
def test_each_password_of_a_large_list_is_found_and_no_other(tmp_path, settings: Settings, count, form, end):
    listed = [f"violet harbor {number}" for number in range(count)]
    settings.BREACHED_PASSWORDS_FILE = large_list(tmp_path / "hashes.txt", listed, form=form, end=end)
    assert all(map(breached.is_in_large_list, listed))
    assert not any(breached.is_in_large_list(f"amber harbor {number}") for number in range(1000))
    with pytest.raises(ValidationError):
        validate_password(listed[0])


def test_a_list_in_small_letters_and_without_a_last_line_break_works_as_well(tmp_path, settings: Settings):
    lines = sorted(digest(f"tram {number}") for number in range(50))
    (tmp_path / "hashes.txt").write_text("\n".join(lines))
    settings.BREACHED_PASSWORDS_FILE = str(tmp_path / "hashes.txt")
    assert all(breached.is_in_large_list(f"tram {number}") for number in range(50))


def test_a_large_list_is_searched_by_halves_and_never_read_as_a_whole(tmp_path, settings: Settings, monkeypatch):
    settings.BREACHED_PASSWORDS_FILE = large_list(tmp_path / "hashes.txt", [str(number) for number in range(20_000)])
    reads = []
    line_from = breached._line_from

    def counted(*where):
        reads.append(where)
        return line_from(*where)

    monkeypatch.setattr(breached, "_line_from", counted)
    assert breached.is_in_large_list("777")
    assert len(reads) < 25


def test_a_large_list_that_went_missing_refuses_nothing(tmp_path, settings: Settings):
    settings.BREACHED_PASSWORDS_FILE = str(tmp_path / "gone")
    assert not breached.is_in_large_list("violet-harbor-tram")
    assert breached.is_bundled("password1234")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "empty"),
        ("password\nletmein\n", "SHA-1"),
        (f"{'B' * 40}:1\n{'A' * 40}:1\n", "order"),
        (f"{'A' * 41}\n", "SHA-1"),
    ],
)
def test_a_file_that_is_not_such_a_list_is_refused_by_the_check_and_the_command(
    tmp_path, settings: Settings, text, fault
):
    settings.BREACHED_PASSWORDS_FILE = str(tmp_path / "hashes.txt")
    (tmp_path / "hashes.txt").write_text(text)
    (found,) = check_breached_passwords()
    assert fault in found.msg
    with pytest.raises(CommandError, match=fault):
        call_command("breached_passwords")


def test_a_good_list_passes_both(tmp_path, settings: Settings):
    settings.BREACHED_PASSWORDS_FILE = large_list(tmp_path / "hashes.txt", ["a", "b", "c"])
    assert check_breached_passwords() == []
    told = StringIO()
    call_command("breached_passwords", stdout=told)
    assert "3 hashes" in told.getvalue()
    settings.BREACHED_PASSWORDS_FILE = ""
    assert check_breached_passwords() == []
    with pytest.raises(CommandError, match="BREACHED_PASSWORDS_FILE"):
        call_command("breached_passwords")


# The meter


@pytest.mark.parametrize(
    ("password", "word", "accepted"),
    [
        ("violet-harbor-tram", "Strong", True),
        ("short", "Too short", False),
        ("password1234", "Not accepted", False),
        ("x7" * 10, "Weak", True),
    ],
)
def test_the_meter_says_how_strong_a_password_is_and_whether_the_form_takes_it(password, word, accepted):
    found = strength_of(password, grace())
    assert found is not None
    assert (found.word, found.is_accepted) == (word, accepted)


def test_the_meter_estimates_no_more_than_30_characters_since_longer_ones_can_take_seconds(monkeypatch):
    estimated: list[str] = []
    monkeypatch.setattr("zxcvbn.zxcvbn", lambda typed, user_inputs: estimated.append(typed) or {"score": 4})
    assert strength_of("4@8({[<3690!1|70$5+%2" * 6, grace()) is not None
    assert [len(each) for each in estimated] == [30]
