"""The directory of holders: whose they are, adding, changing, removing, and merging one's own (S-38)."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse

from credentialing.holders import book
from credentialing.models import Certificate, Holder, OwnStandingHolder
from tests.cast import Browse, Cast
from tests.credentialing.conftest import make_printable_cast
from tests.credentialing.helpers import a_holder, issued
from tests.credentialing.holders import a_standing_holder
from tests.on_file import CarrierHolderFactory, StandingHolderFactory
from tests.reading import words

NEW = reverse("credentialing:holder-new")
DIRECTORY = reverse("credentialing:holders")


def typed(**fields: Any) -> dict[str, Any]:
    return {
        "name": "Saint Brendan Medical Center",
        "address1": "One Hospital Plaza",
        "city": "Kingston",
        "state": "NY",
        "zip": "12401",
        **fields,
    }


def page(holder: Holder, name: str = "holder") -> str:
    return reverse(f"credentialing:{name}", args=[holder.public_id])


def test_a_holder_is_added_with_what_it_asks_for_and_found_by_name_city_and_zip(cast: Cast, browse: Browse) -> None:
    paula = browse(cast.paula)
    sent = typed(
        email="coi@brendan.example", minimum_per_claim="$1,000,000", minimum_aggregate="3,000,000", days_ahead="45"
    )
    assert paula.post(NEW, sent).status_code == 302
    holder = Holder.objects.get()
    assert (holder.policyholder, holder.email) == (cast.policy.policyholder, "coi@brendan.example")
    assert [holder.minimum_per_claim, holder.minimum_aggregate, holder.days_ahead] == [1_000_000, 3_000_000, 45]
    for text in ("brend", "King", "12401"):
        assert "Saint Brendan" in words(paula.get(DIRECTORY, {"q": text}))
    assert "No holders found" in words(paula.get(DIRECTORY, {"q": "Albany"}))
    shown = words(paula.get(page(holder)))
    assert "At least $1,000,000 each claim" in shown
    assert "As you noted it" in shown


def test_nobody_sees_another_partys_address_book(cast: Cast, browse: Browse) -> None:
    holder = a_holder(cast.ana, cast.anas)
    for other in (cast.paula, cast.ben, cast.adam, cast.olga):
        browser = browse(other)
        assert "Saint Brendan" not in words(browser.get(DIRECTORY))
        for name in ("holder", "holder-edit", "holder-remove", "standing-holder-new"):
            assert browser.get(page(holder, name)).status_code == 404
        for name in ("holder-edit", "holder-remove", "holder-merge", "standing-holder-new"):
            assert browser.post(page(holder, name), typed()).status_code == 404
    holder.refresh_from_db()
    assert holder.removed_at is None


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": ""}, "Enter a name."),
        ({"zip": "1240"}, "Enter a 5-digit ZIP code"),
        ({"email": "nobody"}, "Enter an email address, such as"),
        ({"minimum_per_claim": "a million"}, "Enter an amount, such as 1,000,000."),
        ({"minimum_per_claim": "9e99"}, "Enter an amount"),
        ({"minimum_aggregate": "-1"}, "Enter an amount of 0 or more."),
        ({"minimum_per_claim": "3000000", "minimum_aggregate": "1000000"}, "The aggregate is at least"),
        ({"days_ahead": "soon"}, "Enter a number of days, such as 45."),
        ({"days_ahead": "999"}, "Enter 365 days or fewer."),
        ({"name": "漢字"}, "We can’t print these characters"),
        ({"name": "Saint \0 Brendan"}, "Null characters"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence_and_nothing_typed_is_lost(
    cast: Cast, browse: Browse, wrong: dict[str, str], sentence: str
) -> None:
    answer = browse(cast.paula).post(NEW, typed(city="Kingston upon Hudson", **wrong))
    assert answer.status_code == 422
    assert sentence in words(answer)
    assert "Kingston upon Hudson" in answer.text
    assert not Holder.objects.exists()


def test_the_same_holder_typed_again_is_the_same_entry_and_keeps_what_it_had(cast: Cast, browse: Browse) -> None:
    paula = browse(cast.paula)
    paula.post(NEW, typed(email="coi@brendan.example"))
    answer = paula.post(NEW, typed(name="SAINT BRENDAN, Medical Center", email="x@brendan.example", phone="555-0100"))
    holder = Holder.objects.get()
    assert answer.url == page(holder)
    assert (holder.email, holder.phone) == ("coi@brendan.example", "555-0100")


def test_a_holder_that_looks_the_same_is_asked_about_and_saved_all_the_same_if_it_is_another(
    cast: Cast, browse: Browse
) -> None:
    paula = browse(cast.paula)
    paula.post(NEW, typed())
    again = typed(name="St. Brendan Med. Ctr.", address1="1 Hospital Plz")
    answer = paula.post(NEW, again)
    assert answer.status_code == 422
    assert "Do you mean one of these?" in words(answer)
    assert paula.post(NEW, again | {"anyway": "on"}).status_code == 302
    assert Holder.objects.count() == 2
    assert paula.post(NEW, typed(name="Mercy Clinic", zip="10001")).status_code == 302


def test_similar_holders_come_while_one_types_from_the_own_book_and_on_file_alone(cast: Cast, browse: Browse) -> None:
    a_holder(cast.ana, cast.anas, name="Brendan Annex")
    a_holder(cast.paula, cast.anas)
    StandingHolderFactory.create(
        policy=cast.policy, holder=CarrierHolderFactory.create(name="Brendan Hospital", zip="12401")
    )
    CarrierHolderFactory.create(name="Brendan Elsewhere", zip="12401")
    asked = {"name": "Brendan", "zip": "12401"}
    shown = words(browse(cast.paula).get(reverse("credentialing:holders-similar"), asked))
    assert "Saint Brendan Medical Center" in shown
    assert "Brendan Hospital" in shown
    assert "Annex" not in shown
    assert "Elsewhere" not in shown


def test_the_page_that_issues_suggests_similar_holders_and_leads_to_the_request(cast: Cast, browse: Browse) -> None:
    a_holder(cast.paula, cast.anas)
    page_that_issues = browse(cast.paula).get(reverse("credentialing:issue", args=[cast.anas.public_id])).text
    assert f'hx-get="{reverse("credentialing:holders-similar")}"' in page_that_issues
    assert (
        f"{reverse('credentialing:holder-request-new')}?kind=add&amp;coverage={cast.anas.public_id}" in page_that_issues
    )


def test_a_change_alters_nothing_that_was_issued(cast: Cast, browse: Browse) -> None:
    holder = a_holder(cast.paula, cast.anas)
    certificate = issued(cast.anas, cast.paula, holder)
    assert browse(cast.paula).post(page(holder, "holder-edit"), typed(name="Brendan Health")).status_code == 302
    holder.refresh_from_db()
    assert (holder.name, holder.fingerprint) == ("Brendan Health", holder.fingerprint_now())
    assert Certificate.objects.get(pk=certificate.pk).holder_name == "Saint Brendan Medical Center"
    assert "Brendan Health" in words(browse(cast.paula).get(DIRECTORY, {"q": "brendan health"}))


def test_a_change_to_the_name_and_address_of_another_entry_is_refused(cast: Cast, browse: Browse) -> None:
    a_holder(cast.paula, cast.anas)
    other = a_holder(cast.paula, cast.anas, name="Mercy Clinic", zip="10001")
    answer = browse(cast.paula).post(page(other, "holder-edit"), typed(anyway="on"))
    assert answer.status_code == 422
    assert "Your address book has this holder already." in words(answer)
    other.refresh_from_db()
    assert other.name == "Mercy Clinic"


def test_a_removed_holder_is_gone_from_every_choice_and_comes_back_when_it_is_typed_again(
    cast: Cast, browse: Browse
) -> None:
    paula = browse(cast.paula)
    standing = a_standing_holder(cast.paula, cast.anas)
    holder = standing.holder
    issued(cast.anas, cast.paula, holder)
    assert "1 arrangement ends" in words(paula.get(page(holder, "holder-remove")))
    paula.post(page(holder, "holder-remove"))
    standing.refresh_from_db()
    assert standing.ended_by == cast.paula
    assert paula.get(page(holder)).status_code == 404
    assert "A saved holder" not in words(paula.get(reverse("credentialing:issue", args=[cast.anas.public_id])))
    paula.post(NEW, typed())
    holder.refresh_from_db()
    assert holder.removed_at is None
    assert not OwnStandingHolder.objects.not_ended().exists()


def test_two_entries_are_merged_without_changing_what_was_issued(cast: Cast, browse: Browse) -> None:
    kept = a_holder(cast.paula, cast.anas)
    gone = a_holder(cast.paula, cast.anas, name="St Brendan Med Ctr")
    Holder.objects.filter(pk=gone.pk).update(email="coi@brendan.example")
    certificate = issued(cast.anas, cast.paula, gone)
    a_standing_holder(cast.paula, cast.anas, holder=gone, claims_history=True)
    twin = a_standing_holder(cast.paula, cast.anas, holder=kept, notices=False)
    anas = a_standing_holder(cast.paula, cast.anas, holder=gone, insured=cast.anas.insured)
    paula = browse(cast.paula)
    assert "may have this holder twice" in words(paula.get(page(kept)))
    assert paula.post(page(kept, "holder-merge"), {"duplicate": gone.public_id}).status_code == 302
    kept.refresh_from_db()
    twin.refresh_from_db()
    anas.refresh_from_db()
    assert kept.email == "coi@brendan.example"
    assert (twin.notices, twin.claims_history, anas.holder) == (True, True, kept)
    assert set(OwnStandingHolder.objects.not_ended()) == {twin, anas}
    certificate.refresh_from_db()
    assert (certificate.holder, certificate.holder_name) == (gone, "St Brendan Med Ctr")
    assert certificate.get_absolute_url() in paula.get(page(kept)).text
    # Typed once more, it's the one that took its place.
    assert a_holder(cast.paula, cast.anas, name="St Brendan Med Ctr") == kept


def test_holders_of_two_books_are_never_merged(cast: Cast, browse: Browse) -> None:
    kept = a_holder(cast.paula, cast.anas)
    anas = a_holder(cast.ana, cast.anas)
    assert browse(cast.paula).post(page(kept, "holder-merge"), {"duplicate": anas.public_id}).status_code == 404
    with pytest.raises(ValueError, match="one address book"):
        book.merge(anas, into=kept, by=cast.paula)
    for junk in ("", "x" * 22, kept.public_id, "\0"):
        assert browse(cast.paula).post(page(kept, "holder-merge"), {"duplicate": junk}).status_code == 404


def test_what_is_on_file_goes_before_what_was_noted(cast: Cast, browse: Browse) -> None:
    holder = a_holder(cast.paula, cast.anas)
    Holder.objects.filter(pk=holder.pk).update(minimum_per_claim=5_000_000)
    issue = reverse("credentialing:issue", args=[cast.anas.public_id])
    sent = {"idempotency_key": "8f14e45f-ceea-467f-9fd5-1d8f2c1e3a11", "recipient": "saved", "holder": holder.public_id}
    assert "Asks for at least $5,000,000" in words(browse(cast.paula).post(issue, sent))
    CarrierHolderFactory.create(name=holder.name, fingerprint=holder.fingerprint, minimum_per_claim=7_000_000)
    assert "Asks for at least $7,000,000" in words(browse(cast.paula).post(issue, sent))
    assert "On file with us" in words(browse(cast.paula).get(page(holder)))


def test_a_page_of_many_holders_costs_as_many_queries_as_one_of_few(
    cast: Cast, browse: Browse, django_assert_max_num_queries: Any
) -> None:
    for n in range(30):
        holder = a_holder(cast.paula, cast.anas, name=f"Hospital {n:02}")
        a_standing_holder(cast.paula, cast.anas, holder=holder)
    paula = browse(cast.paula)
    paula.get(DIRECTORY)
    with django_assert_max_num_queries(14):
        assert "Showing 1–25 of 30" in words(paula.get(DIRECTORY))


@pytest.mark.django_db(transaction=True)
def test_two_merges_at_once_leave_one_holder() -> None:
    """Each takes the other's place: one wins, the other finds that it's out of the book."""
    cast = make_printable_cast()
    first, second = a_holder(cast.paula, cast.anas), a_holder(cast.paula, cast.anas, name="St Brendan Med Ctr")
    won: list[bool] = []

    def run(duplicate: Holder, into: Holder) -> None:
        won.append(book.merge(duplicate, into=into, by=cast.paula))
        connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in ((first, second), (second, first))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(won) == [False, True]
    assert Holder.objects.filter(removed_at=None).count() == 1
