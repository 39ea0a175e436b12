"""Consent to electronic delivery, by category, and its withdrawal (S-13)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts import paperless
from accounts.models import DeliveryConsent, Paperless, User
from accounts.services import consents
from core.models import Event, OutboxMessage
from tests.cast import Browse
from tests.helpers import at_once
from tests.reading import words

pytestmark = pytest.mark.django_db

PAGE = "/accounts/preferences/paperless/"


@pytest.fixture
def hers(ada: User, browse: Browse) -> Client:
    return browse(ada)


def choose(client: Client, *categories: str, agrees: bool = True) -> Any:
    return client.post(PAGE, {"categories": categories, **({"agrees": "on"} if agrees else {})})


def test_a_consent_says_who_when_to_what_and_keeps_the_very_text(hers: Client, ada: User):
    choose(hers, Paperless.BILLING)
    consent = DeliveryConsent.objects.get()
    assert (consent.user, consent.username, consent.name, consent.email) == (ada, "ada", "Ada Byron", ada.email)
    assert (consent.category, consent.is_given, consent.text_version) == ("billing", True, paperless.VERSION)
    assert consent.ip == "127.0.0.1"
    assert consent.session_id
    page = words(hers.get(PAGE))
    assert all(paragraph in page for paragraph in consent.text.split("\n\n"))
    assert "Larkfield Mutual Insurance Company may send me the documents" in consent.text


def test_only_what_changes_is_an_act_with_an_event_and_a_message(hers, ada):
    choose(hers, Paperless.BILLING)
    choose(hers, Paperless.BILLING, Paperless.POLICY)
    choose(hers, Paperless.BILLING, Paperless.POLICY)
    acts = DeliveryConsent.objects.order_by("pk")
    assert [(act.category, act.is_given) for act in acts] == [("billing", True), ("policy", True)]
    assert Event.objects.filter(tag="account:consent:given").count() == 2
    assert [message.payload["category"] for message in OutboxMessage.objects.order_by("pk")] == ["billing", "policy"]


def test_a_consent_is_withdrawn_without_a_box_and_both_acts_stay(hers, ada):
    choose(hers, Paperless.BILLING, Paperless.POLICY)
    choose(hers, Paperless.POLICY, agrees=False)
    assert consents.given_by(ada) == ["policy"]
    assert [act.is_given for act in DeliveryConsent.objects.filter(category="billing").order_by("pk")] == [True, False]
    assert Event.objects.filter(tag="account:consent:withdrawn").count() == 1
    assert "By mail" in words(hers.get(PAGE))


def test_a_new_consent_needs_the_box(hers, ada):
    response = choose(hers, Paperless.BILLING, agrees=False)
    assert response.status_code == 422
    assert "Select this box to agree to electronic delivery." in words(response)
    assert not DeliveryConsent.objects.exists()


def test_what_was_withdrawn_while_the_form_was_sent_needs_the_box_again(hers, ada, monkeypatch):
    read = iter([["policy"], []])
    monkeypatch.setattr(consents, "given_by", lambda _user: next(read))
    answer = hers.post(PAGE, {"categories": ["policy"]})
    assert answer.status_code == 422
    assert "Select this box to agree" in words(answer)
    assert not DeliveryConsent.objects.exists()


def test_a_consent_needs_a_confirmed_email_and_a_withdrawal_does_not(hers, ada):
    choose(hers, Paperless.POLICY)
    User.objects.filter(pk=ada.pk).update(email_confirmed_at=None)
    response = choose(hers, Paperless.POLICY, Paperless.BILLING)
    assert response.status_code == 422
    assert "Confirm your email first" in words(response)
    assert DeliveryConsent.objects.count() == 1
    choose(hers, agrees=False)
    assert consents.given_by(ada) == []


def test_an_unknown_category_is_refused(hers, ada):
    assert choose(hers, "everything").status_code == 422


def test_the_text_has_a_version_that_changes_with_it():
    """Change the text and its version together, and then this number."""
    import hashlib

    digest = hashlib.sha256(paperless.TEXT.encode()).hexdigest()[:12]
    assert (paperless.VERSION, digest) == ("2026-11", "9fca63c3df27")


@pytest.mark.django_db(transaction=True)
def test_a_double_submit_is_one_act(browse: Browse):
    from tests.factories import UserFactory

    client = browse(UserFactory.create())
    statuses = at_once(*[lambda: choose(client, Paperless.BILLING).status_code for _ in range(2)])
    assert statuses == [302, 302]
    assert DeliveryConsent.objects.count() == 1


def test_staff_see_every_act_on_the_accounts_page(hers, ada, staff: Client):
    choose(hers, Paperless.BILLING)
    choose(hers, agrees=False)
    page = words(staff.get(f"/admin/accounts/user/{ada.pk}/change/"))
    assert "Electronic delivery" in page
    assert page.index("By mail") < page.index("Invoices and billing notices Electronic")
