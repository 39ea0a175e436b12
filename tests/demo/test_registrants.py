"""Someone to register as, on the demo's page for a new account."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from accounts.models import Registration, User
from accounts.services import registering
from demo.data import load_example
from demo.registrants import someone_to_register
from demo.users import make_users
from policies.models import Insured
from tests.policies.registering import ask

pytestmark = pytest.mark.django_db


@pytest.fixture
def _started(tmp_path: Path, settings: Settings) -> None:
    settings.DATA_DIR = tmp_path
    load_example(12)
    make_users()


def entered() -> dict[str, str]:
    """Return the form as the page's note says."""
    someone = someone_to_register()
    assert someone is not None
    names = ("policy_number", "full_name", "date_of_birth", "zip", "email")
    return {name: getattr(someone, name) for name in names}


@pytest.mark.usefixtures("_started")
def test_what_the_page_offers_gets_a_link_and_the_next_visitor_gets_someone_else() -> None:
    form = entered()
    registration = ask(**form)
    assert registration.status == Registration.Status.LINK
    assert registration.sent_to == form["email"]
    user = registering.finish(registration=registration, username="visitor", password="quiet-otter-parade")
    assert user.memberships.get().insured == Insured.objects.get(email=form["email"])
    assert entered()["full_name"] != form["full_name"]
    assert User.objects.filter(username="visitor").exists()


def test_without_a_book_nobody_is_offered(tmp_path: Path, settings: Settings) -> None:
    settings.DATA_DIR = tmp_path
    assert someone_to_register() is None
