"""An email counts only after a link that we sent to it was used."""

from __future__ import annotations

import pytest
from django.db import IntegrityError

from accounts.models import User
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def test_an_email_that_nobody_proved_counts_for_nothing() -> None:
    user = UserFactory.create(username="ada", email="ada@clinic.example", email_confirmed_at=None)
    user.confirm_email()
    user.refresh_from_db()
    assert (user.email, user.email_confirmed_at is None) == ("ada@clinic.example", False)


@pytest.mark.parametrize("save", [User.save, lambda user: User.objects.filter(pk=user.pk).update(email=user.email)])
def test_a_changed_email_is_not_confirmed_however_it_is_saved(ada: User, save: object) -> None:
    ada.email = "somebody@else.example"
    save(ada)  # type: ignore[operator]
    ada.refresh_from_db()
    assert (ada.email, ada.email_confirmed_at) == ("somebody@else.example", None)


def test_other_changes_leave_a_confirmed_email_alone(ada: User) -> None:
    ada.city = "Albany"
    ada.save()
    ada.refresh_from_db()
    assert ada.email_confirmed_at is not None


def test_an_empty_email_isnt_a_confirmed_one(ada: User) -> None:
    with pytest.raises(IntegrityError, match="only_an_email_is_confirmed"):
        UserFactory.create(email="", email_confirmed_at=ada.email_confirmed_at)
