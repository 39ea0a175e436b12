"""Registrations that end at the same moment: real threads on real PostgreSQL."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import Registration, User
from accounts.services import registering
from policies.models import Membership
from tests.cast import make_cast
from tests.helpers import at_once
from tests.policies.registering import REGISTER, ask, choose, link_in, mailed, on_file, typed

pytestmark = pytest.mark.django_db(transaction=True)
Status = Registration.Status


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Nothing is enqueued: the tests do the workers' part."""
    monkeypatch.setattr("celery.Celery.send_task", lambda *_args, **_more: None)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture
def ana() -> int:
    """Return the key of Ana's row: she is insured, without an account."""
    cast = make_cast()
    cast.ana.memberships.all().delete()
    on_file(cast.anas.insured, email="ana@clinic.example")
    return cast.anas.insured.pk


def opened(message) -> Client:
    client = Client()
    assert client.get(link_in(message), follow=True).status_code == 200
    return client


def test_one_link_finished_twice_at_once_makes_one_account(ana: int, settings: Settings) -> None:
    ask()
    (message,) = mailed(settings)
    clients = [opened(message), opened(message)]
    before = User.objects.count()
    statuses = at_once(*[lambda c=c, n=n: choose(c, f"ana.{n}").status_code for n, c in enumerate(clients)])
    assert sorted(statuses) == [302, 410]
    assert User.objects.count() == before + 1
    assert Membership.objects.filter(insured=ana, revoked_at=None).count() == 1
    assert Registration.objects.get().status == Status.DONE


def test_two_registrations_of_one_insured_finished_at_once_make_one_account(ana: int, settings: Settings) -> None:
    ask()
    ask(email="ana.n@home.example")
    clients = [opened(message) for message in mailed(settings)]
    before = User.objects.count()
    statuses = at_once(*[lambda c=c, n=n: choose(c, f"ana.{n}").status_code for n, c in enumerate(clients)])
    assert sorted(statuses) == [302, 410]
    assert User.objects.count() == before + 1
    assert Membership.objects.filter(insured=ana, revoked_at=None).count() == 1
    assert sorted(Registration.objects.values_list("status", flat=True)) == [Status.DONE, Status.KNOWN]


def test_a_double_click_on_a_link_signs_in_once_and_loses_nobody(ana: int, settings: Settings) -> None:
    ask()
    first = opened(mailed(settings)[0])
    second = Client()
    second.cookies["session"] = first.cookies["session"].value
    statuses = at_once(*[lambda c=c: choose(c).status_code for c in (first, second)])
    assert statuses.count(302) >= 1
    assert User.objects.filter(username="ana.nunez").count() == 1


def test_the_same_form_sent_8_times_at_once_is_one_request(ana: int) -> None:
    form = typed()
    assert set(at_once(*[lambda: Client().post(REGISTER, form).status_code] * 8)) <= {302, 429}
    assert Registration.objects.count() == 1


def test_two_workers_with_the_same_request_send_one_mail(ana: int, settings: Settings) -> None:
    Client().post(REGISTER, typed())
    pk = Registration.objects.get().pk
    at_once(*[lambda: registering.match(pk)] * 3)
    assert len(mailed(settings)) == 1


def test_of_8_requests_at_once_from_one_network_5_are_taken(ana: int) -> None:
    calls = [
        lambda n=n: (
            Client().post(REGISTER, typed(policy_number=f"X-{n}", full_name=f"Zed {'abcdefgh'[n]}x")).status_code
        )
        for n in range(8)
    ]
    assert sorted(at_once(*calls)) == [302] * 5 + [429] * 3
    assert Registration.objects.count() == 5
