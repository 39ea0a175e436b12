"""Clinicians' own parts: who is asked, how a link opens, what is signed, and who sees what (B-16)."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models.challenges import Delivery
from core import mail
from core.models import Event, Mail
from policies.models import Insured, RenewalApplication, RenewalAsking, RenewalCode, RenewalPart, RenewalSignature
from policies.renewals import asking, opening
from tests.book import CoverageFactory, InsuredFactory
from tests.policies.renewals.book import (
    CLINICIAN,
    address,
    application_of,
    ends_in,
    fresh,
    part_of,
    renewing,
    signed_by,
    submitted,
)
from tests.reading import words

if TYPE_CHECKING:
    from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

    from tests.cast import Browse, Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(db: None) -> Cast:
    cast = renewing()
    application_of(cast)
    return cast


def part(cast: Cast, name: str = "ana") -> RenewalPart:
    return part_of(fresh(cast), getattr(cast, f"{name}s").insured)


def link_of(found: RenewalPart) -> str:
    """Return the address that the newest mail has, as the worker makes it."""
    stored = Mail.objects.filter(name="renewal_part", to=found.email).latest("pk")
    context = mail.complete(stored)
    assert context is not None
    return str(context["address"].partition("/policies/")[2])


def opened_by(client: Client, found: RenewalPart, *, channel: str = "text") -> str:
    """Open the link, and return the code that was sent by the channel."""
    assert client.get(f"/policies/{link_of(found)}").status_code == 302
    assert client.post(address("part-code"), {"channel": channel}).status_code == 302
    code = RenewalCode.objects.filter(part=found).first()
    assert code is not None
    digits = code.draw()
    code.delivery = Delivery.SENT
    code.save()
    return digits


@pytest.fixture
def asked(cast: Cast) -> RenewalPart:
    """Ana's part, after Paula asked her."""
    return asking.ask(part(cast), by=cast.paula)


# By her own sign-in.


def test_a_clinician_answers_and_signs_behind_her_own_sign_in(cast: Cast, browse: Browse) -> None:
    ana, here = browse(cast.ana), part(cast).get_absolute_url()
    assert "Answer and sign your part" in words(ana.get("/"))
    wrong = ana.post(here, {"hours": "many", "version": "0"})
    assert wrong.status_code == 422
    assert "Enter a whole number" in words(wrong)
    assert ana.get(address("renewal-part-sign", part(cast).public_id)).status_code == 302
    assert ana.post(here, CLINICIAN | {"version": "1", "work": "yes"}).status_code == 422
    answers = CLINICIAN | {"version": "2", "work": "yes", "work_details": "Half time from May"}
    assert ana.post(here, answers).status_code == 302
    sign = address("renewal-part-sign", part(cast).public_id)
    assert "Half time from May" in words(ana.get(sign))
    assert ana.post(sign, {"signed_name": "Ben Okafor", "agrees": "on"}).status_code == 422
    assert ana.post(sign, {"signed_name": "Ana Nunez"}).status_code == 422
    assert ana.post(sign, {"signed_name": "ana núñez", "agrees": "on"}).status_code == 302
    signature = RenewalSignature.objects.get()
    assert (signature.user, signature.way, signature.signed_name) == (cast.ana, "sign_in", "ana núñez")
    assert signature.ip
    assert signature.code_at
    assert "five thousand dollars" in signature.fraud_warning
    work = next(each for each in signature.answers if each["key"] == "work")
    assert (work["value"], work["details"], work["set"]) == ("Yes", "Half time from May", "clinician 2026-11")
    assert fresh(cast).signed_count == 1
    assert "You’ve signed your part" in words(ana.get(here))
    assert "Answer and sign your part" not in words(ana.get("/"))


def test_nobody_else_sees_what_she_answers(cast: Cast, browse: Browse) -> None:
    signed_by(cast, "ana")
    here = part(cast).get_absolute_url()
    for user in (cast.paula, cast.ben, cast.adam, cast.olga):
        assert browse(user).get(here).status_code == 404
    shown = words(browse(cast.paula).get(address("renewal-parts", cast.policy.public_id), {"status": "all"}))
    assert "Signed" in shown
    assert "hours a week" not in shown


def test_she_can_sign_after_the_group_submitted_and_not_after_the_term(cast: Cast, browse: Browse) -> None:
    submitted(cast)
    signed_by(cast, "ana")
    ends_in(cast, 0)
    response = browse(cast.ben).post(part(cast, "ben").get_absolute_url(), CLINICIAN)
    assert response.status_code == 409
    assert "can’t be signed anymore" in words(response)


# Asking.


def test_one_is_asked_in_one_click_and_reminded_a_day_later(cast: Cast, browse: Browse, settings: Settings) -> None:
    paula, here = browse(cast.paula), address("renewal-ask", cast.policy.public_id, part(cast).public_id)
    assert paula.post(here).status_code == 302
    assert Mail.objects.get(name="renewal_part").to == "ana@clinic.example"
    again = paula.post(here, follow=True)
    assert "You can remind them again after" in words(again)
    assert Mail.objects.filter(name="renewal_part").count() == 1
    RenewalPart.objects.update(asked_at=timezone.now() - dt.timedelta(hours=25))
    paula.post(here)
    assert part(cast).mailings == 2
    assert Event.objects.filter(tag="policies:renewal_part:asked").count() == 2


def test_all_who_are_missing_are_asked_by_a_worker_piece_by_piece(
    cast: Cast, browse: Browse, settings: Settings, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    settings.RENEWAL_PIECE = 2
    signed_by(cast, "ben")
    for number in range(4):
        CoverageFactory.create(
            term=cast.term, insured=InsuredFactory.create(last_name=f"P{number}", email=f"p{number}@clinic.example")
        )
    CoverageFactory.create(term=cast.term, insured=InsuredFactory.create(last_name="Unreachable"))
    form = {"idempotency_key": str(uuid.uuid4())}
    for _ in range(2):
        browse(cast.paula).post(address("renewal-ask-all", cast.policy.public_id), form)
    pieces = list(RenewalAsking.objects.order_by("pk"))
    assert len(pieces) == 3
    assert not Mail.objects.filter(name="renewal_part").exists()
    for piece in (*pieces, pieces[0]):
        asking.run(piece.pk)
    sent = Mail.objects.filter(name="renewal_part")
    assert sorted(sent.values_list("to", flat=True)) == [
        "ana@clinic.example",
        *(f"p{number}@clinic.example" for number in range(4)),
    ]
    # A mail that someone waits for isn't behind thousands of them.
    assert not sent.filter(is_enqueued=True).exists()
    assert sum(piece.unreachable for piece in RenewalAsking.objects.all()) == 1


def test_everyone_is_asked_three_times_a_day_at_most(cast: Cast, browse: Browse) -> None:
    paula, here = browse(cast.paula), address("renewal-ask-all", cast.policy.public_id)
    said = [words(paula.post(here, {"idempotency_key": str(uuid.uuid4())}, follow=True)) for _ in range(4)]
    assert ["Everyone was asked 3 times within a day." in each for each in said] == [False, False, False, True]


def test_another_address_ends_the_link_that_was_sent(cast: Cast, browse: Browse, asked: RenewalPart) -> None:
    link = link_of(asked)
    paula, here = browse(cast.paula), address("renewal-email", cast.policy.public_id, asked.public_id)
    assert paula.post(here, {"email": "nothing"}).status_code == 422
    assert paula.post(here, {"email": "ana@elsewhere.example"}).status_code == 302
    assert part(cast).email == "ana@elsewhere.example"
    stranger = Client()
    stranger.get(f"/policies/{link}")
    assert stranger.get(address("part-open")).status_code == 410
    assert "elsewhere" not in str(Event.objects.get(tag="policies:renewal_part:address").data)
    # A new one can be sent at once.
    paula.post(address("renewal-ask", cast.policy.public_id, asked.public_id))
    assert Mail.objects.filter(name="renewal_part", to="ana@elsewhere.example").exists()


def test_the_mail_keeps_no_token_and_the_row_only_its_hash(asked: RenewalPart) -> None:
    stored = Mail.objects.get(name="renewal_part")
    assert stored.context == {"part": asked.public_id, "mailing": 1}
    token = link_of(asked).split("/")[2]
    row = RenewalPart.objects.get(pk=asked.pk)
    assert row.token_hash == asking.hash_of(token)
    assert token not in str(row.__dict__)


# By link and code.


@pytest.mark.parametrize(("channel", "way"), [("text", "text"), ("call", "call")])
def test_link_and_code_open_the_part_which_is_signed_without_an_account(
    cast: Cast, asked: RenewalPart, channel: str, way: str
) -> None:
    browser = Client()
    code = opened_by(browser, asked, channel=channel)
    assert browser.get(address("part-answers")).status_code == 410
    assert browser.post(address("part-verify"), {"code": code}).status_code == 302
    saved = browser.post(address("part-autosave"), {"hours": "12", "version": "0"})
    assert "Saved at" in words(saved)
    assert browser.post(address("part-answers"), CLINICIAN | {"version": "1"}).status_code == 302
    signed = {"signed_name": "Ana Núñez", "agrees": "on"}
    assert browser.post(address("part-sign"), signed).status_code == 302
    signature = RenewalSignature.objects.get()
    assert (signature.way, signature.user, signature.email) == (way, None, "ana@clinic.example")
    assert "You’ve signed your part" in words(browser.get(address("part-answers")))
    assert fresh(cast).signed_count == 1


def test_a_get_changes_nothing_and_the_address_goes_to_no_other_site(asked: RenewalPart) -> None:
    link, browser = link_of(asked), Client()
    before = RenewalPart.objects.values().get(pk=asked.pk)
    for _ in range(2):
        response = browser.get(f"/policies/{link}")
        assert response["Referrer-Policy"] == "no-referrer"
        assert response["Cache-Control"] == "no-store"
        assert "noindex" in browser.get(address("part-open"))["X-Robots-Tag"]
    assert RenewalPart.objects.values().get(pk=asked.pk) == before
    assert not RenewalCode.objects.exists()


def test_a_link_works_once_and_its_old_address_gets_a_new_one(cast: Cast, asked: RenewalPart) -> None:
    first, second = Client(), Client()
    link = link_of(asked)
    for browser in (first, second):
        browser.get(f"/policies/{link}")
    first.post(address("part-code"), {"channel": "text"})
    code = RenewalCode.objects.get()
    digits = code.draw()
    code.save()
    assert first.post(address("part-verify"), {"code": digits}).status_code == 302
    assert second.post(address("part-verify"), {"code": digits}).status_code == 410
    third = Client()
    third.get(f"/policies/{link}")
    gone = third.get(address("part-open"))
    assert gone.status_code == 410
    assert "Email me a new link" in words(gone)
    assert "Check your email" in words(third.post(address("part-new-link")))
    assert part(cast).mailings == 2
    # What the first browser had open is closed by the new link.
    assert first.get(address("part-answers")).status_code == 410


@pytest.mark.parametrize(
    "change",
    [
        {"token_expires_at": timezone.now() - dt.timedelta(seconds=1)},
        {"token_withdrawn_at": timezone.now()},
        {"token_used_at": timezone.now()},
    ],
)
def test_an_expired_withdrawn_or_used_link_opens_nothing(asked: RenewalPart, change: dict[str, Any]) -> None:
    browser = Client()
    code = opened_by(browser, asked)
    RenewalPart.objects.filter(pk=asked.pk).update(**change)
    assert browser.post(address("part-verify"), {"code": code}).status_code == 410
    assert browser.post(address("part-code"), {"channel": "text"}).status_code == 410
    assert browser.get(address("part-answers")).status_code == 410


def test_the_group_withdraws_a_link_and_what_it_opened_closes_at_once(
    cast: Cast, browse: Browse, asked: RenewalPart
) -> None:
    browser = Client()
    code = opened_by(browser, asked)
    browser.post(address("part-verify"), {"code": code})
    assert browser.get(address("part-answers")).status_code == 200
    browse(cast.paula).post(address("renewal-withdraw", cast.policy.public_id, asked.public_id))
    assert browser.get(address("part-answers")).status_code == 410
    assert browser.post(address("part-sign"), {"signed_name": "Ana Núñez", "agrees": "on"}).status_code == 410
    # And she can't send herself another.
    assert part(cast).mailings == 1


def test_wrong_codes_are_counted_and_then_the_right_one_isnt_judged(asked: RenewalPart) -> None:
    browser = Client()
    code = opened_by(browser, asked)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    statuses = [browser.post(address("part-verify"), {"code": wrong}).status_code for _ in range(6)]
    assert statuses == [422] * 5 + [429]
    assert browser.post(address("part-verify"), {"code": code}).status_code == 429
    assert RenewalCode.objects.get().voided_at is not None
    assert Event.objects.filter(tag="policies:renewal_part:wrong_code").count() == 5
    assert Event.objects.filter(tag="policies:renewal_part:limited").count() == 1


def test_a_code_expires_and_is_worth_nothing_with_another_link(cast: Cast, asked: RenewalPart) -> None:
    browser = Client()
    code = opened_by(browser, asked)
    RenewalCode.objects.update(expires_at=timezone.now())
    assert browser.post(address("part-verify"), {"code": code}).status_code == 422


def test_without_a_phone_the_code_comes_by_email_and_the_page_says_so(cast: Cast) -> None:
    bens = asking.ask(part(cast, "ben"), by=cast.paula)
    browser = Client()
    browser.get(f"/policies/{link_of(bens)}")
    page = words(browser.get(address("part-open")))
    assert "we have no phone on file for you, which would be safer" in page
    assert "Text it" not in page
    assert browser.post(address("part-code"), {"channel": "text"}).status_code == 422
    assert browser.post(address("part-code"), {"channel": "email"}).status_code == 302
    stored = Mail.objects.get(name="renewal_code")
    context = mail.complete(stored)
    assert context is not None
    assert context["code"] not in str(stored.context)
    assert browser.post(address("part-verify"), {"code": context["code"]}).status_code == 302
    assert browser.get(address("part-answers")).status_code == 200


def test_a_code_is_texted_at_most_once(asked: RenewalPart, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, str]] = []

    class Gateway:
        def send_text(self, to: str, body: str, reference: str) -> str:
            sent.append((to, body))
            return "1"

    monkeypatch.setattr(opening, "gateway", Gateway)
    browser = Client()
    browser.get(f"/policies/{link_of(asked)}")
    browser.post(address("part-code"), {"channel": "text"})
    code = RenewalCode.objects.get()
    RenewalCode.objects.update(delivery=Delivery.QUEUED)
    for _ in range(2):
        opening.send_code(code.pk)
    ((to, body),) = sent
    assert to == "+15185550142"
    code.refresh_from_db()
    digits = next(word.strip(".") for word in body.split() if word.strip(".").isdigit() and len(word.strip(".")) == 6)
    assert code.code_hash == code.hash_of(digits)
    assert code.delivery == Delivery.SENT
    # A second one only after a minute.
    assert browser.post(address("part-code"), {"channel": "text"}).status_code == 409


def test_a_guess_keeps_nothing(db: None) -> None:
    browser = Client()
    assert browser.get(address("part-link", "x" * 43)).status_code == 302
    assert browser.get(address("part-open")).status_code == 410
    assert opening.HELD not in browser.session


@pytest.mark.django_db(transaction=True)
def test_signed_twice_at_once_there_is_one_signature(transactional_db: None) -> None:
    from policies.renewals import signing

    cast = renewing()
    application_of(cast)
    form = signing.part_form(part(cast), CLINICIAN | {"version": "0"})
    form.is_valid()
    signing.save_part(part(cast), form, by=cast.ana)
    ready, failed = threading.Barrier(4), []

    def sign() -> None:
        try:
            found = part(cast)
            answers = signing.part_form(found, dict(found.values))
            answers.is_valid()
            ready.wait()
            signing.sign_part(
                found, answers, signed_name="Ana Núñez", way="sign_in", by=cast.ana, code_at=timezone.now()
            )
        except Exception as error:  # noqa: BLE001  # told by the assertion
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=sign) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert RenewalSignature.objects.count() == 1
    assert RenewalApplication.objects.get().signed_count == 1


def test_the_board_pages_and_asks_the_same_few_questions_for_any_size(
    cast: Cast, browse: Browse, django_assert_max_num_queries: Any
) -> None:
    people = [InsuredFactory.create(last_name=f"Many{number:03}") for number in range(60)]
    RenewalPart.objects.bulk_create(
        RenewalPart(application=fresh(cast), insured=one, sort_key=one.sort_key) for one in people
    )
    RenewalApplication.objects.update(parts_count=62)
    paula, here = browse(cast.paula), address("renewal-parts", cast.policy.public_id)
    with django_assert_max_num_queries(14):
        page = words(paula.get(here))
    assert "0 of 62" in page
    assert page.count("Not asked yet") == 25
    assert words(paula.get(here, {"q": "Many007"})).count("Not asked yet") == 1
    assert Insured.objects.count() > 60
