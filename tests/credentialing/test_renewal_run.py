"""The renewal run: every insured of a bound renewal with every holder, and who still lacks a certificate (B-20)."""

from __future__ import annotations

import io
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse

from core.models import Event
from credentialing.batches import running
from credentialing.events import RenewalRunEvent
from credentialing.models import Batch, Delivery, RenewalSkip
from credentialing.renewal_run.pairs import Pairs, Search, board_of
from policies.models import Coverage, Reach, Term, reach_of
from tests.book import CoverageFactory, InsuredFactory, PolicyFactory, TermFactory, days
from tests.cast import Browse, Cast
from tests.credentialing.batches_helpers import run_all
from tests.credentialing.conftest import make_printable_cast
from tests.credentialing.helpers import a_holder, issued
from tests.helpers import at_once
from tests.on_file import CarrierHolderFactory, StandingHolderFactory
from tests.reading import words

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries

    from accounts.models import User
    from credentialing.renewal_run.pairs import Pair

RUN = reverse("credentialing:renewal-run")


def renewed(cast: Cast) -> Term:
    """Return the bound renewal of the group's policy, with Ana and Ben on it."""
    renewal: Term = TermFactory.create(policy=cast.policy, effective=cast.term.expires, expires=days(630))
    for coverage in (cast.anas, cast.bens):
        CoverageFactory.create(term=renewal, insured=coverage.insured)
    return renewal


@pytest.fixture
def renewal(cast: Cast) -> Term:
    return renewed(cast)


def pairs_of(user: User, term: Term, **search: str) -> list[Pair]:
    return board_of(term, user.memberships.get(), user=user).found(Search.of(search))


def told(user: User, term: Term, **search: str) -> list[tuple[str, str, str]]:
    """Return the last name, the holder, and the state of each line."""
    names = dict(Coverage.objects.values_list("pk", "insured__last_name"))
    return [(names[pair.coverage_id], pair.name, pair.state) for pair in pairs_of(user, term, **search)]


def board(term: Term) -> str:
    return reverse("credentialing:renewal-board", args=[term.public_id])


def mark(term: Term) -> str:
    return reverse("credentialing:renewal-mark", args=[term.public_id])


def chosen(term: Term, **fields: Any) -> dict[str, Any]:
    """Return what the form of a board sends."""
    return {"idempotency_key": str(uuid.uuid4()), "run": term.public_id, "show": "", "q": "", **fields}


def of_renewal(term: Term, coverage: Coverage) -> Coverage:
    return Coverage.objects.get(term=term, insured=coverage.insured)


def test_the_board_has_standing_holders_of_both_kinds_and_those_issued_to_in_the_current_term(
    cast: Cast, renewal: Term
) -> None:
    from tests.credentialing.holders import a_standing_holder

    StandingHolderFactory.create(holder__name="Saint Aldhelm", policy=cast.policy)
    a_standing_holder(
        cast.paula, cast.anas, insured=cast.anas.insured, holder=a_holder(cast.paula, cast.anas, name="Brindle Clinic")
    )
    issued(cast.bens, cast.paula, a_holder(cast.paula, cast.bens, name="Clover Plan"))
    assert told(cast.paula, renewal) == [
        ("Núñez-Đặng", "Brindle Clinic", "lacking"),
        ("Núñez-Đặng", "Saint Aldhelm", "lacking"),
        ("Şahin", "Clover Plan", "lacking"),
        ("Şahin", "Saint Aldhelm", "lacking"),
    ]


def test_the_same_name_and_address_is_one_holder(cast: Cast, renewal: Term) -> None:
    hospital = CarrierHolderFactory.create(name="Saint Aldhelm")
    StandingHolderFactory.create(holder=hospital, policy=cast.policy)
    typed = {name: getattr(hospital, name) for name in ("name", "address1", "address2", "city", "state", "zip")}
    issued(cast.anas, cast.paula, a_holder(cast.paula, cast.anas, **typed))
    (anas,) = pairs_of(cast.paula, renewal, q="nunez")
    assert (anas.name, anas.standing) == ("Saint Aldhelm", True)


def test_what_is_issued_sent_and_not_needed_is_told_apart(cast: Cast, renewal: Term) -> None:
    StandingHolderFactory.create(holder__name="Saint Aldhelm", policy=cast.policy)
    StandingHolderFactory.create(
        holder__name="Switched Off", policy=cast.policy, insured=cast.bens.insured, renewals=False
    )
    holder = a_holder(cast.paula, cast.anas, name="Brindle Clinic")
    issued(cast.anas, cast.paula, holder)
    made = issued(of_renewal(renewal, cast.anas), cast.paula, holder)
    states = {(who, name): state for who, name, state in told(cast.paula, renewal)}
    assert states["Núñez-Đặng", "Brindle Clinic"] == "issued"
    assert states["Şahin", "Switched Off"] == "not-needed"
    mail = Delivery.objects.create(certificate=made, to="office@brindle.example", key="k", sent_by=cast.paula)
    assert told(cast.paula, renewal, show="sent") == [("Núñez-Đặng", "Brindle Clinic", "sent")]
    Delivery.objects.filter(pk=mail.pk).update(status=Delivery.Status.BOUNCED)
    (back,) = pairs_of(cast.paula, renewal, show="issued")
    assert (back.mail, back.serial) == ("bounced", made.serial)


def test_another_party_sees_neither_holders_nor_certificates_of_this_one(cast: Cast, renewal: Term) -> None:
    issued(cast.anas, cast.paula, a_holder(cast.paula, cast.anas, name="Brindle Clinic"))
    StandingHolderFactory.create(holder__name="Of Ben", policy=cast.policy, insured=cast.bens.insured)
    assert told(cast.ana, renewal) == []
    assert told(cast.adam, renewal) == [("Şahin", "Of Ben", "lacking")]
    assert told(cast.ben, renewal) == [("Şahin", "Of Ben", "lacking")]


def test_a_board_is_a_404_for_outsiders_and_a_term_that_is_not_a_bound_renewal(
    cast: Cast, renewal: Term, browse: Browse
) -> None:
    assert browse(cast.olga).get(board(renewal)).status_code == 404
    assert browse(cast.paula).get(board(cast.term)).status_code == 404
    Term.objects.filter(pk=renewal.pk).update(status=Term.Status.OFFERED)
    assert browse(cast.paula).get(board(renewal)).status_code == 404
    for address in (mark(renewal), reverse("credentialing:renewal-excel", args=[renewal.public_id])):
        assert browse(cast.olga).post(address).status_code in (404, 405)


def test_the_list_has_each_renewal_with_its_numbers_and_its_days(cast: Cast, renewal: Term, browse: Browse) -> None:
    StandingHolderFactory.create(holder__name="Saint Aldhelm", policy=cast.policy)
    page = words(browse(cast.adam).get(RUN))
    assert cast.policy.number in page
    left = (renewal.effective - days(0)).days
    assert f"Begins in {left} days" in page
    assert cast.policy.number in words(browse(cast.adam).get(RUN, {"q": "riverbend"}))
    assert "No renewals found" in words(browse(cast.adam).get(RUN, {"q": "nowhere"}))
    assert "No renewal is bound yet" in words(browse(cast.olga).get(RUN))
    assert browse(cast.adam).get(RUN, {"q": "%", "after": "junk"}).status_code == 200


def test_what_a_holder_will_reject_is_said_on_the_line(cast: Cast, renewal: Term, browse: Browse) -> None:
    hospital = CarrierHolderFactory.create(name="Saint Aldhelm", minimum_per_claim=Decimal(2_000_000))
    StandingHolderFactory.create(holder=hospital, policy=cast.policy)
    assert "Asks for at least $2,000,000" in words(browse(cast.paula).get(board(renewal)))


def test_all_of_a_search_becomes_one_batch_and_then_lacks_nothing(cast: Cast, renewal: Term, browse: Browse) -> None:
    StandingHolderFactory.create(holder__name="Saint Aldhelm", policy=cast.policy)
    client = browse(cast.paula)
    client.post(reverse("credentialing:batch-choose"), chosen(renewal, all="1", show="lacking"))
    draft = Batch.objects.get()
    settle = reverse("credentialing:batch-settle", args=[draft.public_id])
    assert "You selected the holders already." in words(client.get(settle))
    client.post(settle, {"delivery": "single"})
    draft.refresh_from_db()
    assert draft.total == 2
    assert running.start(draft, by=cast.paula)
    run_all(draft)
    assert draft.issued == 2
    assert {state for _, _, state in told(cast.paula, renewal)} == {"issued"}
    assert "2 of 2 are done." in words(client.get(board(renewal)))


def test_chosen_lines_are_emailed_once_each(cast: Cast, renewal: Term, browse: Browse) -> None:
    hospital = CarrierHolderFactory.create(name="Saint Aldhelm", email="office@aldhelm.example")
    StandingHolderFactory.create(holder=hospital, policy=cast.policy)
    StandingHolderFactory.create(holder__name="Without Address", policy=cast.policy, insured=cast.bens.insured)
    client = browse(cast.paula)
    client.post(reverse("credentialing:batch-choose"), chosen(renewal, all="1"))
    draft = Batch.objects.get()
    client.post(reverse("credentialing:batch-settle", args=[draft.public_id]), {"delivery": "email"})
    draft.refresh_from_db()
    review = words(client.get(draft.get_absolute_url()))
    assert "office@aldhelm.example" in review
    assert "No email address: its certificates are created, but not sent." in review
    assert running.start(draft, by=cast.paula)
    run_all(draft)
    assert (draft.issued, draft.mailed, draft.file) == (3, 2, "")
    assert draft.steps_done == draft.steps_all
    assert "2 emails are on the way" in words(client.get(draft.get_absolute_url()))
    mails = Delivery.objects.order_by("pk")
    assert {mail.to for mail in mails} == {"office@aldhelm.example"}
    anas = mails[0]
    assert anas.key == f"renewal:{hospital.fingerprint[:32]}:{cast.anas.insured.public_id}:{renewal.public_id}"
    assert sorted(state for _, _, state in told(cast.paula, renewal)) == ["issued", "sent", "sent"]
    assert "not sent: we have no email address" in draft.items.get(holder__name="Without Address").reason


def test_nothing_chosen_leads_back_to_the_board(cast: Cast, renewal: Term, browse: Browse) -> None:
    client = browse(cast.paula)
    response = client.post(reverse("credentialing:batch-choose"), chosen(renewal, show="lacking"), follow=True)
    assert response.redirect_chain[0][0] == f"{board(renewal)}?show=lacking"
    assert "Select at least one line" in words(response)
    assert "Select at least one line" in words(client.post(mark(renewal), chosen(renewal, to="skip"), follow=True))
    junk = client.post(reverse("credentialing:batch-choose"), chosen(renewal) | {"run": "../junk"})
    assert junk["Location"] == RUN


def test_lines_are_marked_as_not_needed_and_as_needed_after_all(cast: Cast, renewal: Term, browse: Browse) -> None:
    StandingHolderFactory.create(holder__name="Saint Aldhelm", policy=cast.policy)
    client = browse(cast.paula)
    (anas, _) = pairs_of(cast.paula, renewal)
    client.post(mark(renewal), chosen(renewal, to="skip", pair=[anas.code]))
    assert [state for _, _, state in told(cast.paula, renewal)] == ["not-needed", "lacking"]
    assert Event.objects.get(tag=RenewalRunEvent.SKIPPED).actor_id == cast.paula.pk
    assert {state for _, _, state in told(cast.adam, renewal)} == {"lacking"}, "it is this party's mark"
    client.post(mark(renewal), chosen(renewal, to="need", all="1", show="not-needed"))
    assert {state for _, _, state in told(cast.paula, renewal)} == {"lacking"}
    assert not RenewalSkip.objects.exists()
    client.post(mark(renewal), chosen(renewal, to="skip", pair=["junk", "junk~own:junk", f"{anas.coverage}~file:x"]))
    assert not RenewalSkip.objects.exists()


def test_marking_the_same_line_twice_at_once_marks_it_once(transactional_db: None, browse: Browse) -> None:
    cast = make_printable_cast()
    renewal = renewed(cast)
    StandingHolderFactory.create(holder__name="Saint Aldhelm", policy=cast.policy)
    clients = [browse(cast.paula) for _ in range(3)]
    at_once(
        *[lambda client=client: client.post(mark(renewal), chosen(renewal, to="skip", all="1")) for client in clients]
    )
    assert RenewalSkip.objects.count() == 2


def test_the_board_as_an_excel_file(cast: Cast, renewal: Term, browse: Browse) -> None:
    import zipfile

    StandingHolderFactory.create(holder__name="=cmd|' /C calc'!A0", policy=cast.policy)
    response = browse(cast.paula).get(reverse("credentialing:renewal-excel", args=[renewal.public_id]))
    assert response["Content-Disposition"].startswith("attachment")
    with zipfile.ZipFile(io.BytesIO(response.content)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "Núñez" in sheet
    assert "=cmd|" in sheet
    assert "<f>" not in sheet, "a name is a text, never a formula"
    assert Event.objects.get(tag=RenewalRunEvent.EXPORTED).data["certificates"] == 2


def test_pages_go_on_by_key_in_both_directions(cast: Cast, renewal: Term, browse: Browse) -> None:
    for number in range(20):
        CoverageFactory.create(term=renewal, insured=InsuredFactory.create(last_name=f"Zz{number:02}"))
    for name in ("Abbey", "Brindle", "Clover"):
        StandingHolderFactory.create(holder__name=name, policy=cast.policy)
    client = browse(cast.paula)
    first = client.get(board(renewal))
    seen = [line.pair for line in first.context["lines"]]
    page = first.context["page"]
    while page.next_href:
        last = client.get(board(renewal) + page.next_href)
        page = last.context["page"]
        seen += [line.pair for line in last.context["lines"]]
    assert len(seen) == len({pair.code for pair in seen}) == 66
    assert "Showing 51–66 of 66" in words(last)
    back = client.get(board(renewal) + page.previous_href)
    assert [line.pair.code for line in back.context["lines"]] == [pair.code for pair in seen[25:50]]
    assert client.get(board(renewal), {"after": "junk", "show": "junk", "q": "%"}).status_code == 200


def test_a_board_asks_as_often_for_many_as_for_few(
    cast: Cast, renewal: Term, browse: Browse, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = browse(cast.paula)
    for number in range(30):
        CoverageFactory.create(term=renewal, insured=InsuredFactory.create(last_name=f"Zz{number:02}"))
        StandingHolderFactory.create(
            holder=CarrierHolderFactory.create(name=f"Hospital {number}", days_ahead=30), policy=cast.policy
        )
        if number in (1, 29):
            with django_assert_max_num_queries(22):
                client.get(board(renewal))
    with django_assert_max_num_queries(16):
        client.get(RUN)


def test_several_renewals_are_counted_by_one_statement(
    cast: Cast, renewal: Term, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    other = PolicyFactory.create(policyholder=cast.policy.policyholder)
    TermFactory.create(policy=other)
    second = TermFactory.create(policy=other, effective=days(265), expires=days(630))
    CoverageFactory.create(term=second, insured=cast.anas.insured)
    StandingHolderFactory.create(holder__name="Saint Aldhelm", policy=cast.policy)
    StandingHolderFactory.create(holder__name="Brindle", policy=other)
    reach = reach_of(cast.paula)
    counter = Pairs([renewal.pk, second.pk], Reach(reach.memberships), user=cast.paula)
    with django_assert_max_num_queries(1):
        counts = counter.counts()
    assert (counts[renewal.pk]["lacking"], counts[second.pk]["lacking"]) == (2, 1)
