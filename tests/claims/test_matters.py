"""My claim (B-21): an insured's own matters, published by the claims team, and nobody else's business."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from claims.events import MatterEvent
from claims.models import Claim, Matter
from core.models import Event, Mail
from tests.book import days
from tests.cast import Browse, Cast
from tests.claims.reports import a_matter
from tests.feed.assets import a_pdf
from tests.on_file import ClaimFactory
from tests.portal.test_support_queue import member_of
from tests.reading import words
from tests.uploads import HTML, an_image, uploaded

pytestmark = pytest.mark.django_db
CLAIMS, MATTERS = "/admin/claims/claim/", "/admin/claims/matter/"


@pytest.fixture
def desk(browse: Browse) -> Client:
    return browse(member_of("Claims"))


@pytest.fixture
def matter(cast: Cast) -> Matter:
    cast.ana.email = "ana@example.com"
    cast.ana.save()
    return a_matter(cast.anas, by=cast.support)


def page_of(matter: Matter, act: str = "change") -> str:
    return f"{MATTERS}{matter.pk}/{act}/"


def test_an_insured_sees_where_their_claim_is_who_handles_it_and_what_comes_next(
    cast: Cast, matter: Matter, browse: Browse
) -> None:
    browser = browse(cast.ana)
    page = words(browser.get(matter.get_absolute_url()))
    for fact in ("Discovery", "Deposition", "Hollis Grant", "(860) 555-0171", "Orr LLP", "complaint.pdf"):
        assert fact in page
    for hidden in ("reserve", "paid", "indemnity"):
        assert hidden not in page.casefold()
    assert matter.claim.number in words(browser.get("/claims/"))
    assert "Your claims" in words(browser.get("/"))
    file = browser.get(matter.files.get().get_absolute_url())
    assert b"".join(file.streaming_content) == a_pdf()
    assert file["Content-Disposition"].startswith("attachment")


def test_nobody_else_sees_it_whatever_their_switches(
    cast: Cast, matter: Matter, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    for user in (cast.paula, cast.adam):
        membership = user.memberships.get()
        membership.capabilities = ["view_claims_history"]
        membership.save()
    file = matter.files.get().get_absolute_url()
    for user in (cast.paula, cast.adam, cast.ben, cast.mia, cast.olga):
        browser = browse(user)
        assert browser.get(matter.get_absolute_url()).status_code == 404
        assert browser.get(file).status_code == 404
        assert matter.claim.number not in words(browser.get("/claims/"))
    monkeypatch.setattr("claims.matters.views.look_of", lambda _request: object())
    monkeypatch.setattr("claims.incidents.views.look_of", lambda _request: object())
    assert browse(cast.ana).get(matter.get_absolute_url()).status_code == 403
    assert matter.claim.number not in words(browse(cast.ana).get("/claims/"))


def test_a_claim_that_isnt_published_or_was_taken_back_isnt_shown(cast: Cast, matter: Matter, browse: Browse) -> None:
    claim = ClaimFactory.create(insured=cast.anas.insured, policy=cast.policy)
    browser = browse(cast.ana)
    assert claim.number not in words(browser.get("/claims/"))
    matter.close(by=cast.support)
    assert browser.get(matter.get_absolute_url()).status_code == 404
    assert Matter.publish(matter.claim, by=cast.support)
    assert browser.get(matter.get_absolute_url()).status_code == 200
    assert not Matter.publish(matter.claim, by=cast.support), "once"
    Claim.objects.filter(pk=matter.claim_id).update(retired_at="2026-01-01T00:00Z")
    assert browser.get(matter.get_absolute_url()).status_code == 404


def test_nothing_of_a_matter_is_what_a_third_party_reads(cast: Cast, matter: Matter) -> None:
    (row,) = Claim.objects.filter(insured=cast.anas.insured).for_third_parties()
    text = str(row)
    for hidden in ("Discovery", "Hollis", "Orr", "Deposition", "complaint"):
        assert hidden not in text


def test_the_insured_and_the_claims_team_write_to_each_other(
    cast: Cast, matter: Matter, browse: Browse, desk: Client
) -> None:
    browser, add = browse(cast.ana), reverse("claims:matter-add", args=[matter.public_id])
    sent: dict[str, Any] = {"text": "When is it?", "idempotency_key": uuid.uuid4()}
    for _ in range(2):
        assert browser.post(add, {**sent, "uploads": [uploaded("note.png", an_image())]}).status_code == 302
    matter.refresh_from_db()
    assert (matter.status, matter.user, matter.messages.count(), matter.files.count()) == ("open", cast.ana, 1, 2)
    assert Mail.objects.filter(name="matter_waiting").count() == 1
    refused = browser.post(add, {"idempotency_key": uuid.uuid4(), "text": "Kept", "uploads": [uploaded("a.pdf", HTML)]})
    assert refused.status_code == 422
    assert "Kept" in words(refused)
    assert "“a.pdf” is a web page (HTML)" in words(refused)
    assert "Messages about claims 1 waiting" in words(desk.get("/admin/"))
    news = Mail.objects.filter(name="matter_news").count()
    answer = {"idempotency_key": uuid.uuid4(), "text": "On the 20th."}
    assert desk.post(page_of(matter, "answer"), answer).status_code == 302
    assert "On the 20th." in words(browser.get(matter.get_absolute_url()))
    assert Mail.objects.filter(name="matter_news").count() == news + 1
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT json_agg(t)::text || (SELECT json_agg(m)::text FROM core_mail m) FROM claims_mattermessage t"
        )
        (text,) = cursor.fetchone()
    assert "When is it" not in text
    assert "20th" not in text


def test_the_claims_team_publishes_from_the_list_of_claims(cast: Cast, desk: Client, browse: Browse) -> None:
    claim = ClaimFactory.create(insured=cast.anas.insured, policy=cast.policy)
    chosen = {"action": "publish", "_selected_action": [claim.pk]}
    assert "Published: 1." in words(desk.post(CLAIMS, chosen, follow=True))
    assert claim.number in words(browse(cast.ana).get("/claims/"))
    assert Event.objects.filter(tag=MatterEvent.PUBLISHED).count() == 1
    assert browse(member_of("Risk", "ruth")).get(MATTERS).status_code == 403


def test_the_claims_team_adds_a_note_dates_and_documents_and_takes_them_back(
    cast: Cast, matter: Matter, desk: Client, browse: Browse
) -> None:
    browser = browse(cast.ana)
    assert desk.post(page_of(matter, "note"), {"note": "Waiting for the expert."}).status_code == 302
    assert desk.post(page_of(matter, "date"), {"day": str(days(40)), "what": "Hearing"}).status_code == 302
    assert desk.post(page_of(matter, "date"), {"day": "soon", "what": ""}).status_code == 422
    files = [uploaded("order.pdf", a_pdf(pages=2)), uploaded("bad.pdf", HTML)]
    refused = desk.post(page_of(matter, "documents"), {"uploads": files})
    assert refused.status_code == 422
    assert "“bad.pdf” is a web page (HTML)" in words(refused)
    assert desk.post(page_of(matter, "documents"), {}).status_code == 422
    page = words(browser.get(matter.get_absolute_url()))
    for fact in ("Waiting for the expert.", "Hearing", "order.pdf"):
        assert fact in page
    assert page.index("Deposition") < page.index("Hearing"), "by date"
    date, file = matter.dates.get(), matter.files.latest("pk")
    assert desk.get(page_of(matter, f"file/{file.pk}")).status_code == 200
    for what in (f"date:{date.pk}", f"file:{file.pk}"):
        assert desk.post(page_of(matter, "undo"), {"what": what}).status_code == 302
    page = words(browser.get(matter.get_absolute_url()))
    assert "Hearing" not in page
    assert "order.pdf" not in page
    for junk in ("", "date:x", "claim:1", "file:99999999999999999999"):
        assert desk.post(page_of(matter, "undo"), {"what": junk}).status_code == 404
    assert browse(member_of("Risk", "ruth")).post(page_of(matter, "documents"), {}).status_code == 403
