"""Contact details of a policyholder or an insured: asked for, told to both emails, and at once by setting."""

from __future__ import annotations

import pytest

from core.models import Event, Mail, OutboxMessage
from policies.contacts import changing
from policies.models import ChangeRequest, Insured, Policyholder
from tests.policies.changes import begin, send
from tests.reading import words

pytestmark = pytest.mark.django_db

ADDRESS = {"address1": "9 Elm Road", "city": "Hudson", "state": "NY", "zip": "12534"}
EMAIL = {"email": "new@example.com"}


def asked_by(browser, cast, **typed) -> ChangeRequest:
    """Send a request, and let the worker hand its message over."""
    assert begin(browser, cast.policy, "contact", **typed).status_code == 302
    draft = ChangeRequest.objects.get()
    assert send(browser, draft).status_code == 302
    handle("submitted", changing.submitted)
    draft.refresh_from_db()
    return draft


def handle(happening: str, handler) -> None:
    """Hand over the message, twice: a handler may be called again."""
    for message in OutboxMessage.objects.filter(topic=f"change_request.{happening}"):
        for _ in range(2):
            handler(message.payload, key=message.key)


def published() -> list[tuple[list[str], str]]:
    return [(m.payload["fields"], m.payload["party"]) for m in OutboxMessage.objects.filter(topic="contact.changed")]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({}, "Enter what changes: an address, a phone number, or an email."),
        ({"address1": "9 Elm Road"}, "Enter the ZIP code, too."),
        (ADDRESS | {"zip": "1253"}, "Enter 5 digits"),
        ({"phone": "555"}, "Enter a phone number with its area code"),
        ({"email": "nobody"}, "Enter an email address"),
        ({"email": "held@example.com"}, "That’s what we have on file already."),
    ],
)
def test_what_cannot_be_meant_gets_its_sentence_and_stays_typed(cast, browse, typed, sentence):
    Policyholder.objects.update(email="held@example.com")
    response = begin(browse(cast.paula), cast.policy, "contact", **typed)
    assert (response.status_code, sentence in words(response)) == (422, True)
    for value in typed.values():
        assert value in response.text


def test_the_form_says_what_is_on_file(cast, browse):
    Policyholder.objects.update(phone="(518) 555-0101", email="held@example.com")
    from tests.policies.changes import new_page

    text = words(browse(cast.paula).get(new_page(cast.policy, "contact")))
    assert "On file for the policyholder: 400 River Street, Albany, NY 12207" in text
    assert "On file for the policyholder: held@example.com" in text


def test_a_new_email_is_told_to_both_and_waits_for_staff_whatever_the_setting(cast, browse, settings):
    settings.CONTACT_CHANGES_AT_ONCE = ["*"]
    Policyholder.objects.update(email="held@example.com")
    asked = asked_by(browse(cast.paula), cast, **EMAIL)
    told = {mail.to: mail for mail in Mail.objects.filter(name="contact_email")}
    assert set(told) == {"held@example.com", "new@example.com"}
    assert [told[to].context["is_new"] for to in sorted(told)] == [False, True]
    assert (asked.status, cast.policy.policyholder.email) == ("open", "")
    assert Policyholder.objects.get(pk=cast.policy.policyholder_id).email == "held@example.com"
    assert published() == []
    asked.decide(done=True, text="Done.", by=cast.support, key=asked.idempotency_key)
    handle("done", changing.done)
    assert published() == [(["email"], "policyholder")]


def test_without_the_setting_staff_do_it_and_the_feed_brings_it(cast, browse):
    asked = asked_by(browse(cast.paula), cast, insured=cast.anas.insured.public_id, **ADDRESS)
    assert (asked.status, asked.insured) == ("open", cast.anas.insured)
    assert Insured.objects.get(pk=cast.anas.insured_id).address1 == "12 Clinic Road"
    assert published() == []
    asked.decide(done=True, text="Done.", by=cast.support, key=asked.idempotency_key)
    handle("done", changing.done)
    assert published() == [(["address1", "address2", "city", "state", "zip"], "insured")]
    assert Event.objects.filter(tag="policies:contact:changed").exists()


@pytest.mark.parametrize("named", ["*", "own", "other"])
def test_with_the_setting_address_and_phone_count_at_once_for_that_companys_policies(cast, browse, settings, named):
    company = cast.policy.company.external_id
    settings.CONTACT_CHANGES_AT_ONCE = [{"*": "*", "own": company, "other": "C-other"}[named]]
    Insured.objects.filter(pk=cast.anas.insured_id).update(address2="Suite 3")
    typed = ADDRESS | {"phone": "518-555-0142", "insured": cast.anas.insured.public_id}
    asked = asked_by(browse(cast.paula), cast, **typed)
    row = Insured.objects.get(pk=cast.anas.insured_id)
    if named == "other":
        assert (asked.status, row.address1) == ("open", "12 Clinic Road")
        return
    assert (row.address1, row.address2, row.city, row.phone) == ("9 Elm Road", "", "Hudson", "(518) 555-0142")
    assert asked.status == "done"
    handle("done", changing.done)
    assert published() == [(["address1", "address2", "city", "phone", "state", "zip"], "insured")]
    assert Event.objects.filter(tag="policies:contact:changed", subject_id=str(row.pk)).count() == 1
    assert Mail.objects.filter(name="change_request_ended", to=cast.paula.email).count() == 1


def test_other_kinds_are_none_of_it(cast):
    changing.submitted({"kind": "leave", "request": "x"}, key="x")
    changing.done({"kind": "leave", "request": "x"}, key="x")
    assert not OutboxMessage.objects.exists()
