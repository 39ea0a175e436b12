"""A policy's documents: by term, found by their titles, unread until opened, one by one."""

from __future__ import annotations

import datetime as dt

import pytest
from django.urls import reverse

from core.models import Event, Mail
from core.storage import private_storage
from policies.models import Document, DocumentRead, Membership, Policy
from policies.roles import Capability
from tests.book import PolicyFactory, TermFactory, days, delegate_of
from tests.cast import Cast
from tests.factories import UserFactory
from tests.policies.documents.shelf import a_document, with_fault
from tests.reading import words

pytestmark = pytest.mark.django_db

DOWNLOADED = "policies:document:downloaded"


def shelf(policy: Policy, query: str = "") -> str:
    return reverse("policies:policy-documents", args=[policy.public_id]) + query


def titles(response) -> list[str]:
    return [document.title for document in response.context["shelf"].page.rows]


@pytest.fixture
def years(cast: Cast) -> dict[str, Document]:
    """Make a document of each of three terms, one that only its day gives to a term, and one of the account."""
    policy, now = cast.policy, cast.term
    before = TermFactory.create(policy=policy, effective=days(-465), expires=now.effective, status="expired")
    ahead = TermFactory.create(policy=policy, effective=now.expires, expires=now.expires + dt.timedelta(365))
    Policy.objects.filter(pk=policy.pk).update(billing_account_key="B1")
    policy.refresh_from_db()
    return {
        "now": a_document(policy, "Declarations now", term=now, issued=now.effective),
        "by day": a_document(policy, "Notice of today", kind="notice", issued=days(0)),
        "before": a_document(policy, "Declarations before", term=before, issued=before.effective),
        "ahead": a_document(policy, "Renewal declarations", term=ahead, issued=days(-1)),
        "account": a_document(None, "Invoice 12", billing_account_key="B1", kind="invoice", issued=days(-2)),
    }


def test_the_page_opens_with_the_current_term_and_offers_the_others(cast, browse, years):
    paula = browse(cast.paula)
    response = paula.get(shelf(cast.policy))
    assert titles(response) == ["Notice of today", "Declarations now"]
    tabs = {tab.label.split(",")[0]: tab.href for tab in response.context["shelf"].tabs}
    assert list(tabs) == ["Current term", "Renewal", "Previous term", "Billing account", "Unread (5)", "All"]
    found = {label: titles(paula.get(shelf(cast.policy, href))) for label, href in tabs.items()}
    assert found["Renewal"] == ["Renewal declarations"]
    assert found["Previous term"] == ["Declarations before"]
    assert found["Billing account"] == ["Invoice 12"]
    assert len(found["All"]) == len(found["Unread (5)"]) == 5
    assert "Something missing?" in words(response)
    assert reverse("support-new") + f"?place=documents&amp;policy={cast.policy.public_id}" in response.text
    assert paula.get(shelf(cast.policy, "?term=nobody")).status_code == 404


def test_a_row_says_kind_date_and_size_and_whether_it_can_be_opened(cast, browse):
    a_document(cast.policy, "Policy form", kind="policy", issued=days(0), size=204_800, pages=12)
    with_fault(cast.policy, "encrypted", "Locked endorsement")
    page = browse(cast.paula).get(shelf(cast.policy))
    text = words(page)
    assert "Policy form Unread Policy" in text
    assert "200.0 KB" in text.replace("\xa0", " ")
    assert "12 pages" in text
    assert "Locked endorsement Unread We can’t open this file. Ask us for it" in text


def test_titles_are_searched_by_the_beginnings_of_their_words_and_kinds_narrow(cast, browse, years):
    paula = browse(cast.paula)
    assert titles(paula.get(shelf(cast.policy, "?term=all&q=decl+ren"))) == ["Renewal declarations"]
    assert titles(paula.get(shelf(cast.policy, "?term=all&kind=notice"))) == ["Notice of today"]
    nothing = paula.get(shelf(cast.policy, "?term=all&q=zebra"))
    assert "No documents found" in words(nothing)
    for odd in ("%27%29+%26+%21", "a+%7C+b"):
        assert paula.get(shelf(cast.policy, f"?term=all&q={odd}")).status_code == 200
    long = paula.get(shelf(cast.policy, f"?q={'x' * 101}"))
    assert (long.status_code, "Enter up to 100 characters." in words(long)) == (422, True)


def test_one_policy_is_opened_at_once_and_of_several_one_is_chosen_or_all_are_searched(cast, browse):
    a_document(cast.policy, "Declarations of Riverbend")
    paula = browse(cast.paula)
    assert paula.get(reverse("policies:documents"))["Location"] == shelf(cast.policy)
    other = PolicyFactory.create(policyholder=cast.policy.policyholder)
    a_document(other, "Declarations of the other")
    a_document(PolicyFactory.create(), "Declarations of a stranger")
    listed = paula.get(reverse("policies:documents"))
    assert {policy.pk for policy in listed.context["page"].rows} == {cast.policy.pk, other.pk}
    found = words(paula.get(reverse("policies:documents") + "?q=declarations"))
    assert "Declarations of Riverbend" in found
    assert "Declarations of the other" in found
    assert "stranger" not in found
    assert "No documents are open to you" in words(browse(cast.ana).get(reverse("policies:documents")))


def test_a_document_is_unread_until_its_reader_opens_it_and_each_download_is_an_event(cast, browse):
    document = a_document(cast.policy)
    paula = browse(cast.paula)
    looked = paula.head(document.get_absolute_url())
    assert looked.status_code == 200
    assert b"".join(looked) == b""
    assert not Event.objects.filter(tag=DOWNLOADED).exists(), "a look at its size isn’t a download"
    for _ in range(2):
        response = paula.get(document.get_absolute_url())
        assert b"".join(response).startswith(b"%PDF")
        assert response["Content-Disposition"] == 'attachment; filename="Declarations MPL-204-118832.pdf"'
        assert (response["Content-Type"], response["Cache-Control"]) == ("application/pdf", "private, no-store")
    events = Event.objects.filter(tag=DOWNLOADED)
    assert [(event.actor_id, event.subject_id) for event in events] == [(cast.paula.pk, str(document.pk))] * 2
    assert "Unread" not in words(paula.get(shelf(cast.policy)))
    assert "Unread" in words(browse(cast.adam).get(shelf(cast.policy))), "each reader for themselves"


def test_all_are_marked_as_read_at_once(cast, browse, years):
    paula = browse(cast.paula)
    done = paula.post(reverse("policies:documents-read", args=[cast.policy.public_id]), follow=True)
    assert "All documents of this policy are marked as read." in words(done)
    assert DocumentRead.objects.filter(user=cast.paula).count() == 5
    assert "Unread" not in words(paula.get(shelf(cast.policy, "?term=all")))


def test_a_colleague_gets_documents_only_if_that_was_given(cast, browse):
    document = a_document(cast.policy)
    place = Membership.objects.get(user=cast.paula)
    without = browse(delegate_of(place, UserFactory.create()).user)
    assert without.get(shelf(cast.policy)).status_code == 403
    assert without.get(document.get_absolute_url()).status_code == 403
    assert without.get(reverse("policies:documents")).context["page"].rows == []
    given = browse(delegate_of(place, UserFactory.create(), Capability.VIEW_DOCUMENTS).user)
    assert given.get(shelf(cast.policy)).status_code == 200
    assert b"".join(given.get(document.get_absolute_url())).startswith(b"%PDF")


def test_a_missing_or_changed_file_is_told_to_staff_and_the_reader(cast, browse):
    document = a_document(cast.policy)
    Document.objects.filter(pk=document.pk).update(size=3)
    paula = browse(cast.paula)
    for _ in range(2):
        answer = paula.get(document.get_absolute_url(), follow=True)
        assert "We can’t give you this document right now. Web support has been told." in words(answer)
        private_storage().delete(document.file)
    assert Event.objects.filter(tag="policies:document:broken").count() == 2
    assert Mail.objects.count() >= 1
    assert not Event.objects.filter(tag=DOWNLOADED).exists()


def test_a_document_without_a_file_has_no_address(cast, browse):
    document = with_fault(cast.policy, "broken", "Torn")
    assert browse(cast.paula).get(document.get_absolute_url()).status_code == 404


@pytest.mark.parametrize("count", [1, 60])
def test_the_page_costs_the_same_for_many(cast, browse, count, django_assert_max_num_queries):
    paula = browse(cast.paula)
    for number in range(count):
        a_document(cast.policy, f"Notice {number}", content=b"%PDF- one")
    with django_assert_max_num_queries(10):
        assert paula.get(shelf(cast.policy)).status_code == 200
