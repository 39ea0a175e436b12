"""Changing a username: nobody can take another's, or get around a cool-off."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import DetailChange, FormerUsername, User
from accounts.models.users import fold_username
from accounts.services import joining
from accounts.services.signing_in import PASSWORDS
from core.models import Event, Mail
from policies.feed.accounts import _accounts_of
from policies.models import Contact
from tests.accounts.people import type_password
from tests.book import PolicyholderFactory
from tests.cast import Browse
from tests.factories import PASSWORD, UserFactory
from tests.helpers import at_once
from tests.reading import words

pytestmark = pytest.mark.django_db

PAGE = "/accounts/preferences/username/"
UNAVAILABLE = "This username isn’t available."


@pytest.fixture
def hers(ada: User, browse: Browse) -> Client:
    return browse(ada)


def rename(client: Client, username: str) -> Any:
    return client.post(PAGE, {"username": username})


def contact_with(username: str, **more: Any) -> Contact:
    party = PolicyholderFactory.create()
    return Contact.objects.create(
        external_id=f"C-{username}", source=party.source, policyholder=party, username=username, **more
    )


def test_the_new_username_opens_the_account_and_the_former_one_does_not(hers: Client, ada: User):
    assert rename(hers, "Countess.King").status_code == 302
    assert type_password(Client(), "countess.king", PASSWORD).status_code == 302
    assert type_password(Client(), "ada", PASSWORD).status_code == 422
    assert DetailChange.objects.get().former == {"username": "ada"}
    assert Event.objects.get(tag="account:username:changed").data == {"former": "ada"}
    assert Mail.objects.get(name="account_changed").context["change"] == "username"


@pytest.mark.parametrize("username", ["mary.jane", "Mary.Jane", "  MARY.jane "])
def test_a_username_that_reads_the_same_as_another_is_refused(hers, ada, username):
    UserFactory.create(username="mary.jane")
    response = rename(hers, username)
    assert response.status_code == 422
    assert UNAVAILABLE in words(response)
    ada.refresh_from_db()
    assert ada.username == "ada"


@pytest.mark.parametrize(
    ("username", "sentence"),
    [
        ("abc", "Use at least 4 characters."),
        ("mary jane", "Use letters A to Z, digits, periods, hyphens, and underscores."),
        ("mаry.jane", "Use letters A to Z, digits, periods, hyphens, and underscores."),
        ("boss@example.test", "An email as username must be the confirmed email of this account."),
        ("", "Enter a new username."),
    ],
)
def test_a_username_of_another_form_is_refused_with_the_reason(hers, ada, username, sentence):
    response = rename(hers, username)
    assert response.status_code == 422
    assert sentence in words(response)


def test_only_ones_own_confirmed_email_is_a_username(hers, ada):
    User.objects.filter(pk=ada.pk).update(email_confirmed_at=None)
    assert rename(hers, ada.email).status_code == 422
    ada.confirm_email()
    assert rename(hers, ada.email).status_code == 302


def test_a_former_username_is_nobody_elses_for_good(hers, ada, browse: Browse):
    rename(hers, "countess")
    rename(hers, "lovelace")
    other = browse(UserFactory.create(username="eve.1"))
    assert UNAVAILABLE in words(rename(other, "COUNTESS"))
    assert joining.is_taken("ada")
    with pytest.raises(IntegrityError), transaction.atomic():
        UserFactory.create(username="ADA")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(username="eve.1").update(username="ada", username_key="ada")


def test_an_owner_can_go_back_to_a_former_username(hers, ada):
    User.objects.filter(pk=ada.pk).update(username="lovelace", username_key="lovelace")
    rename(hers, "countess")
    assert rename(hers, "lovelace").status_code == 302
    ada.refresh_from_db()
    assert ada.username == "lovelace"
    assert list(FormerUsername.objects.values_list("username_key", flat=True)) == ["countess"]


def test_a_change_of_case_alone_leaves_no_former_username(hers, ada):
    User.objects.filter(pk=ada.pk).update(username="lovelace", username_key="lovelace")
    rename(hers, "Lovelace")
    ada.refresh_from_db()
    assert ada.username == "Lovelace"
    assert not FormerUsername.objects.exists()


@pytest.mark.parametrize("named", ["pat.lee", "Pat.Lee", " PAT.LEE ", "ｐａｔ.lee"])
def test_a_username_that_the_feed_names_for_a_contact_is_not_available(hers, ada, named):
    contact_with(named)
    assert UNAVAILABLE in words(rename(hers, "pat.lee"))


def test_a_retired_contact_names_nobody(hers, ada):
    contact_with("pat.lee", retired_at=timezone.now())
    assert rename(hers, "pat.lee").status_code == 302


def test_the_feed_finds_a_renamed_account_by_its_former_username(hers, ada):
    rename(hers, "countess")
    assert _accounts_of({"ada"}) == {"ada": ada}
    assert set(_accounts_of({"ada", "countess"}).values()) == {ada}


# Guessing


def test_failures_and_the_cool_off_are_carried_to_the_new_username(hers, ada):
    stranger = Client()
    for _ in range(3):
        type_password(stranger, "ada", "wrong password 1")
    rename(hers, "countess")
    assert type_password(stranger, "countess", "wrong password 1").status_code == 422
    response = type_password(stranger, "countess", "wrong password 1")
    assert response.status_code == 429
    assert PASSWORDS.closed_until("countess") is not None
    rename(hers, "lovelace")
    assert type_password(stranger, "lovelace", PASSWORD).status_code == 429


def test_what_was_counted_for_the_new_name_before_counts_as_well(ada):
    for key, times in (("old", 2), ("new", 2)):
        for _ in range(times):
            at = PASSWORDS.of(key).claim()
            PASSWORDS.of(key).fail(at)
    PASSWORDS.carry("old", "new")
    at = PASSWORDS.of("new").claim()
    assert PASSWORDS.of("new").fail(at).closed_until is not None
    assert PASSWORDS.closed_until("old") is None


def test_an_attempt_that_is_being_judged_while_its_username_changes_is_still_counted(ada):
    at = PASSWORDS.of("old").claim()
    PASSWORDS.carry("old", "new")
    assert PASSWORDS.of("old").fail(at).count == 1


def test_taken_is_answered_10_times_an_hour(hers, ada):
    UserFactory.create(username="mary.jane")
    for _ in range(10):
        assert rename(hers, "mary.jane").status_code == 422
    for username in ("mary.jane", "free.name"):
        response = rename(hers, username)
        assert response.status_code == 429
        assert "You’ve tried too many usernames." in words(response)


def test_a_username_changes_3_times_a_day_at_most(hers, ada):
    for username in ("first.name", "second.name", "third.name"):
        assert rename(hers, username).status_code == 302
    response = rename(hers, "fourth.name")
    assert response.status_code == 429
    ada.refresh_from_db()
    assert ada.username == "third.name"


@pytest.mark.django_db(transaction=True)
def test_of_two_owners_who_choose_one_username_at_once_one_gets_it(browse: Browse):
    clients = [browse(UserFactory.create(username=name)) for name in ("first", "second")]
    statuses = at_once(*[lambda c=c: rename(c, "wanted.name").status_code for c in clients])
    assert sorted(statuses) == [302, 422]
    assert User.objects.filter(username_key=fold_username("wanted.name")).count() == 1
