"""Creating an account behind a link that proved the mailbox: registration and invitations share it."""

from __future__ import annotations

import pytest

from accounts.forms import JoinForm
from accounts.models import User
from accounts.services import joining
from core.models import Event
from tests.factories import PASSWORD, UserFactory
from tests.helpers import at_once

GOOD = {"username": "kim.reyes", "new_password1": "quiet-otter-parade", "new_password2": "quiet-otter-parade"}


def form(**typed: str) -> JoinForm:
    return JoinForm({**GOOD, **typed}, email="kim@clinic.example", first_name="Kim", last_name="Reyes")


@pytest.mark.django_db
def test_a_new_account_has_a_confirmed_email_and_its_creation_is_recorded():
    user = joining.create_account(**filled(form()), reason="invitation")
    user.refresh_from_db()
    assert user.check_password("quiet-otter-parade")
    assert user.email == "kim@clinic.example"
    assert user.email_confirmed_at is not None
    assert not user.is_of_staff
    event = Event.objects.get(tag="account:user:created")
    assert (event.subject_id, event.data) == (str(user.pk), {"reason": "invitation"})


@pytest.mark.django_db
def test_a_username_that_reads_like_another_is_refused_at_its_field():
    UserFactory(username="Kim.Reyes")
    found = form(username="ｋim.REYES")
    assert not found.is_valid()
    assert found.errors["username"] == ["Someone already has this username. Choose another one."]


@pytest.mark.django_db
@pytest.mark.parametrize("username", ["kim", "kim reyes", "k\u0456m.reyes", "-kim.reyes", "kim.reyés"])
def test_a_new_accounts_username_has_the_form_of_a_changed_one(username):
    """Letters of one alphabet only: no two names that read the same."""
    assert "username" in form(username=username).errors


@pytest.mark.django_db
def test_behind_one_link_20_usernames_are_tried_in_an_hour():
    assert all(form(username=f"name{each}").is_valid() for each in range(20))
    one_more = form(username="name21")
    assert "You’ve tried too many usernames. Try again after" in one_more.errors["username"][0]
    assert JoinForm(GOOD, email="pat@clinic.example").is_valid()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("username", "fine"), [("kim@clinic.example", True), ("KIM@clinic.example", True), ("pat@clinic.example", False)]
)
def test_an_email_is_a_username_only_of_the_person_who_proved_it(username, fine):
    assert form(username=username).is_valid() is fine


@pytest.mark.django_db
def test_a_password_built_around_the_person_or_typed_differently_is_refused():
    assert "new_password2" in form(new_password1="kim.reyes1234", new_password2="kim.reyes1234").errors
    assert "new_password2" in form(new_password2="quiet-otter-parades").errors


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_choose_one_username_at_once_one_gets_it():
    def create() -> bool:
        try:
            joining.create_account(username="kim.reyes", password=PASSWORD, email="kim@clinic.example", reason="test")
        except joining.UsernameTakenError:
            return False
        return True

    assert sorted(at_once(create, create)) == [False, True]
    assert User.objects.count() == 1


def filled(found: JoinForm) -> dict[str, str]:
    assert found.is_valid(), found.errors
    return found.account()
