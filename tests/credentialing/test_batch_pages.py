"""The way to a batch: search and choose, see what will come, start, watch, download."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse

from core.models import Event
from credentialing.batches import running
from credentialing.batches.choosing import Selection, issuing_memberships, targets_of
from credentialing.events import BatchEvent
from credentialing.models import Batch, Certificate, Holder
from policies.models import Coverage
from policies.roles import Capability
from tests.book import CoverageFactory, InsuredFactory, TermFactory, days, delegate_of, holder_of
from tests.cast import Browse, Cast
from tests.credentialing.batches_helpers import a_batch, run_all, started
from tests.credentialing.helpers import a_holder, issued, new_holder_form, to_whom
from tests.factories import UserFactory
from tests.on_file import CarrierHolderFactory, StandingHolderFactory
from tests.reading import words

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries, Settings

    from accounts.models import User
    from credentialing.models import CarrierHolder

HOME = reverse("credentialing:home")
CHOOSE = reverse("credentialing:batch-choose")


def choice(**fields: Any) -> dict[str, Any]:
    """Return what the form under the list sends."""
    return {"idempotency_key": str(uuid.uuid4()), "status": "active", **fields}


def found(user: User, **search: str) -> list[Coverage]:
    """Return what "all of this search" means."""
    selection = Selection(search=search, whole=True)
    targets = targets_of(selection, user=user, membership=issuing_memberships(user)[0])
    return [target.coverage for target in targets]


def the_draft() -> Batch:
    return Batch.objects.get(status=Batch.Status.DRAFT)


def settled(**fields: Any) -> dict[str, Any]:
    return {"recipients": ["concern"], "delivery": "single", **fields}


def test_from_a_search_to_one_pdf(cast: Cast, browse: Browse) -> None:
    client = browse(cast.paula)
    assert "All 2 of this search" in words(client.get(HOME))
    response = client.post(CHOOSE, choice(all="1"), follow=True)
    assert "You selected 2 insureds: everything that the search found." in words(response)
    draft = the_draft()
    response = client.post(reverse("credentialing:batch-settle", args=[draft.public_id]), settled(), follow=True)
    page = words(response)
    assert "Create 2" in page
    assert "To whom it may concern" in page
    assert not Certificate.objects.exists()
    client.post(reverse("credentialing:batch-start", args=[draft.public_id]))
    assert "Creating your certificates" in words(client.get(draft.get_absolute_url()))
    run_all(draft)
    assert "2 certificates are ready." in words(client.get(draft.get_absolute_url()))
    file = client.get(reverse("credentialing:batch-file", args=[draft.public_id]))
    assert b"".join(file).startswith(b"%PDF-")  # type: ignore[call-overload]
    assert file["Content-Disposition"].startswith("attachment")
    assert Event.objects.get(tag=BatchEvent.DOWNLOADED).actor_id == cast.paula.pk
    assert "2 of 2" in words(client.get(reverse("credentialing:batches")))


def test_all_of_a_search_holds_those_on_later_pages(cast: Cast) -> None:
    for number in range(30):
        CoverageFactory.create(term=cast.term, insured=InsuredFactory.create(last_name=f"Zz{number:02}"))
    assert len(found(cast.paula)) == 32
    assert len(found(cast.paula, q="zz07")) == 1


def test_a_search_is_settled_when_the_holders_are_chosen_not_before(cast: Cast, browse: Browse) -> None:
    client = browse(cast.paula)
    client.post(CHOOSE, choice(all="1"))
    CoverageFactory.create(term=cast.term, insured=InsuredFactory.create(last_name="Late"))
    settle = reverse("credentialing:batch-settle", args=[the_draft().public_id])
    client.post(settle, settled())
    assert the_draft().total == 3


def test_the_same_form_twice_is_one_draft(cast: Cast, browse: Browse) -> None:
    client, form = browse(cast.paula), choice(coverage=[cast.anas.public_id])
    assert client.post(CHOOSE, form)["Location"] == client.post(CHOOSE, form)["Location"]
    assert Batch.objects.count() == 1


def test_what_postgresql_has_no_place_for_is_left_out_of_a_choice(cast: Cast, browse: Browse) -> None:
    sent = choice(
        coverage=[f"{cast.anas.public_id}\0"], pair=["a\0~b"], of_holder=["c\0"], q="\0Ana", status="active\0"
    )
    assert browse(cast.paula).post(CHOOSE, sent).status_code == 302
    selection = Selection.of(the_draft().selection)
    assert selection.coverages == (cast.anas.public_id,)
    assert selection.search == {"q": "Ana", "status": "active"}


def test_nothing_chosen_leads_back_to_the_search(cast: Cast, browse: Browse) -> None:
    response = browse(cast.paula).post(CHOOSE, choice(q="ana"), follow=True)
    assert response.redirect_chain[0][0] == f"{HOME}?q=ana&status=active"
    assert "Select at least one coverage" in words(response)


def test_one_batch_holds_only_what_its_party_sees(cast: Cast, browse: Browse) -> None:
    browse(cast.ana).post(CHOOSE, choice(coverage=[cast.anas.public_id, cast.bens.public_id, cast.olgas.public_id]))
    draft = the_draft()
    client = browse(cast.ana)
    client.post(reverse("credentialing:batch-settle", args=[draft.public_id]), settled())
    assert [item.coverage_id for item in draft.items.all()] == [cast.anas.pk]


def test_a_user_of_two_parties_says_for_which(cast: Cast, browse: Browse) -> None:
    client = browse(cast.mia)
    client.post(CHOOSE, choice(coverage=[cast.mias.public_id]))
    draft = the_draft()
    settle = reverse("credentialing:batch-settle", args=[draft.public_id])
    assert "On whose behalf?" in words(client.get(settle))
    own = cast.mia.memberships.get(role="insured")
    client.post(settle, settled(party=own.public_id))
    draft.refresh_from_db()
    assert draft.membership == own
    strange = cast.paula.memberships.get()
    assert client.post(settle, settled(party=strange.public_id)).status_code == 422


def test_a_certificate_and_an_excess_layer_of_one_term_are_one_item(cast: Cast) -> None:
    CoverageFactory.create(term=cast.term, insured=cast.anas.insured, part=Coverage.Part.EXCESS)
    assert found(cast.paula, q="nunez") == [cast.anas]
    batch = started(cast.paula, [cast.anas])
    run_all(batch)
    parts = batch.items.get().certificate
    assert parts is not None
    assert len(parts.snapshot["parts"]) == 2


def test_terms_that_have_begun_and_terms_to_come(cast: Cast, browse: Browse) -> None:
    renewal = TermFactory.create(policy=cast.policy, effective=cast.term.expires, expires=days(630))
    coming = CoverageFactory.create(term=renewal, insured=cast.anas.insured)
    assert found(cast.paula, term="renewal") == [coming]
    assert found(cast.paula, term="current") == [cast.anas, cast.bens]
    page = words(browse(cast.paula).get(HOME, {"term": "renewal"}))
    assert "All 1 of this search" not in page
    assert "Núñez" in page
    assert "Şahin" not in page
    assert browse(cast.paula).get(HOME, {"term": "tomorrow"}).status_code == 422


def on_file(**asks: Any) -> CarrierHolder:
    made: CarrierHolder = CarrierHolderFactory.create(name="Saint Aldhelm Medical Center", **asks)
    return made


def test_a_search_finds_by_holder_standing_or_issued_to(cast: Cast, browse: Browse) -> None:
    StandingHolderFactory.create(holder=on_file(), policy=cast.policy, insured=cast.bens.insured)
    issued(cast.anas, cast.paula, a_holder(cast.paula, cast.anas, name="Brindle Clinic"))
    assert found(cast.paula, q="aldhelm") == [cast.bens]
    assert found(cast.paula, q="brindle") == [cast.anas]
    assert "Núñez" in words(browse(cast.paula).get(HOME, {"q": "brindle"}))
    assert found(cast.ana, q="brindle") == [], "another party's holder finds nothing"
    assert found(cast.ana, q="aldhelm") == [], "it names a colleague"


def test_grouped_by_insured_each_has_its_holders_beneath_to_choose(cast: Cast, browse: Browse) -> None:
    holder = a_holder(cast.paula, cast.anas, name="Brindle Clinic")
    issued(cast.anas, cast.paula, holder)
    StandingHolderFactory.create(holder=on_file(), policy=cast.policy)
    client = browse(cast.paula)
    page = client.get(HOME, {"group": "insured"})
    assert words(page).count("Saint Aldhelm Medical Center (standing)") == 2
    assert page.content.decode().count(f"~own:{holder.public_id}") == 1
    client.post(CHOOSE, choice(pair=[f"{cast.anas.public_id}~own:{holder.public_id}"]))
    draft = the_draft()
    settle = reverse("credentialing:batch-settle", args=[draft.public_id])
    assert "You selected the holders already." in words(client.get(settle))
    client.post(settle, {"delivery": "single"})
    assert [(item.coverage_id, item.holder_id) for item in draft.items.all()] == [(cast.anas.pk, holder.pk)]


def test_grouped_by_holder_one_box_is_everyone_that_it_gets_certificates_of(cast: Cast, browse: Browse) -> None:
    hospital = on_file()
    StandingHolderFactory.create(holder=hospital, policy=cast.policy)
    client = browse(cast.paula)
    assert "Saint Aldhelm Medical Center" in words(client.get(HOME, {"group": "holder"}))
    assert "No holders found" in words(client.get(HOME, {"group": "holder", "q": "nowhere"}))
    assert "No holders found" in words(browse(cast.olga).get(HOME, {"group": "holder"}))
    client.post(CHOOSE, choice(of_holder=[f"file:{hospital.public_id}"]))
    draft = the_draft()
    client.post(reverse("credentialing:batch-settle", args=[draft.public_id]), {"delivery": "separate"})
    kept = Holder.objects.get()
    assert (kept.name, kept.fingerprint) == (hospital.name, hospital.fingerprint)
    assert [(item.coverage_id, item.holder_id) for item in draft.items.all()] == [
        (cast.anas.pk, kept.pk),
        (cast.bens.pk, kept.pk),
    ]


def test_pages_of_holders_have_numbers_and_each_holder_once(
    cast: Cast, browse: Browse, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    hospital = on_file()
    StandingHolderFactory.create(holder=hospital, policy=cast.policy)
    typed = {name: getattr(hospital, name) for name in ("name", "address1", "address2", "city", "state", "zip")}
    a_holder(cast.paula, cast.anas, **typed)
    for number in range(27):
        Holder.objects.bulk_create(
            [
                Holder(
                    policyholder=cast.policy.policyholder,
                    name=f"Zz {number:02}",
                    search_name=f"zz {number:02}",
                    fingerprint=str(number),
                    created_by=cast.paula,
                )
            ]
        )
    client = browse(cast.paula)
    first = words(client.get(HOME, {"group": "holder"}))
    assert "28 holders" in first
    assert "Page 1 of 2" in first
    assert first.count("Saint Aldhelm Medical Center 1 Abbey Road") == 1
    with django_assert_max_num_queries(14):
        second = words(client.get(HOME, {"group": "holder", "page": "2"}))
    assert "Page 2 of 2" in second
    assert "Zz 26" in second
    assert "Zz 01" not in second
    assert client.get(HOME, {"group": "holder", "page": "99999"}).status_code == 200


def test_the_insureds_of_one_holder_are_a_list_of_their_own(cast: Cast, browse: Browse) -> None:
    hospital = on_file()
    StandingHolderFactory.create(holder=hospital, policy=cast.policy, insured=cast.bens.insured)
    page = words(browse(cast.paula).get(HOME, {"holder": f"file:{hospital.public_id}"}))
    assert "Şahin" in page
    assert "Núñez" not in page
    assert found(cast.paula, holder=f"file:{hospital.public_id}") == [cast.bens]
    assert found(cast.ana, holder=f"file:{hospital.public_id}") == []


def test_standing_and_earlier_holders_come_each_for_those_they_are_of(cast: Cast, browse: Browse) -> None:
    issued(cast.anas, cast.paula, a_holder(cast.paula, cast.anas, name="Brindle Clinic"))
    StandingHolderFactory.create(holder=on_file(), policy=cast.policy, insured=cast.bens.insured)
    client = browse(cast.paula)
    client.post(CHOOSE, choice(all="1"))
    draft = the_draft()
    settle = reverse("credentialing:batch-settle", args=[draft.public_id])
    client.post(settle, settled(recipients=["standing", "issued"]))
    pairs = [(item.coverage_id, item.holder.name if item.holder else "") for item in draft.items.all()]
    assert pairs == [(cast.anas.pk, "Brindle Clinic"), (cast.bens.pk, "Saint Aldhelm Medical Center")]


def test_holders_that_nobody_has_are_said_beside_the_form(cast: Cast, browse: Browse) -> None:
    client = browse(cast.paula)
    client.post(CHOOSE, choice(all="1"))
    settle = reverse("credentialing:batch-settle", args=[the_draft().public_id])
    response = client.post(settle, settled(recipients=["standing"]))
    assert response.status_code == 422
    assert "That’s nobody" in words(response)
    for wrong, sentence in (
        ({"recipients": []}, "Choose who the certificates are for."),
        ({"recipients": ["saved"]}, "Choose from the list."),
        ({"recipients": ["new"]}, "Enter a name."),
        ({"delivery": ""}, "Choose one."),
    ):
        refused = client.post(settle, settled(**wrong))
        assert (refused.status_code, sentence in words(refused)) == (422, True), wrong


def test_a_new_holder_is_kept_and_gets_one_of_each(cast: Cast, browse: Browse) -> None:
    client = browse(cast.paula)
    client.post(CHOOSE, choice(all="1"))
    draft = the_draft()
    form = new_holder_form() | settled(recipients=["new"])
    client.post(reverse("credentialing:batch-settle", args=[draft.public_id]), form)
    assert {item.holder.name for item in draft.items.all() if item.holder} == {"Saint Brendan Medical Center"}
    assert draft.items.count() == 2


def test_more_than_a_batch_may_hold_is_refused(cast: Cast, browse: Browse, settings: Settings) -> None:
    settings.CERTIFICATES_PER_BATCH = 1
    client = browse(cast.paula)
    client.post(CHOOSE, choice(all="1"))
    settle = reverse("credentialing:batch-settle", args=[the_draft().public_id])
    response = client.post(settle, settled())
    assert response.status_code == 422
    assert "A batch can hold 1 certificates, and this would be 2." in words(response)


def test_before_the_start_the_page_says_what_gives_nothing_and_why(cast: Cast, browse: Browse) -> None:
    offered = CoverageFactory.create(term__policy=cast.policy, term__status="offered", insured=cast.bens.insured)
    batch = a_batch(cast.paula, [cast.anas, offered])
    page = words(browse(cast.paula).get(batch.get_absolute_url()))
    assert "An offer isn’t coverage." in page
    assert "Create 1" in page
    lines = words(
        browse(cast.paula).get(reverse("credentialing:batch-items", args=[batch.public_id]) + "?show=nothing")
    )
    assert "An offer isn’t coverage." in lines


@pytest.mark.parametrize(
    ("asks", "sentence"),
    [
        (
            {"minimum_per_claim": Decimal(2_000_000)},
            "Asks for at least $2,000,000 per occurrence. This coverage has $1,000,000.",
        ),
        (
            {"minimum_aggregate": Decimal(5_000_000)},
            "Asks for at least $5,000,000 aggregate. This coverage has $3,000,000.",
        ),
        ({"separate_limits": True}, "Asks for separate limits. These are shared."),
        ({"days_ahead": 300}, "Asks for the next certificate 300 days before coverage ends."),
        ({"minimum_per_claim": Decimal(1_000_000), "days_ahead": 30, "tail_required": True}, ""),
    ],
)
def test_will_it_pass_is_said_before_a_batch_and_before_a_single_one(
    cast: Cast, browse: Browse, asks: dict[str, Any], sentence: str
) -> None:
    hospital = on_file(**asks)
    typed = {"name": hospital.name, "address1": hospital.address1, "city": hospital.city, "zip": hospital.zip}
    client = browse(cast.paula)
    client.post(CHOOSE, choice(coverage=[cast.bens.public_id]))
    draft = the_draft()
    form = new_holder_form(**typed) | settled(recipients=["new"])
    page = words(client.post(reverse("credentialing:batch-settle", args=[draft.public_id]), form, follow=True))
    assert (sentence in page) if sentence else ("may reject" not in page)

    issue = reverse("credentialing:issue", args=[cast.bens.public_id])
    single = new_holder_form(**typed)
    response = client.post(issue, single)
    if not sentence:
        assert response.status_code == 302
        return
    assert response.status_code == 422
    assert sentence in words(response)
    assert not Certificate.objects.exists()
    assert client.post(issue, single | {"anyway": "on"}).status_code == 302
    assert Certificate.objects.count() == 1


def test_an_excess_layer_counts_toward_what_a_holder_asks_for(cast: Cast) -> None:
    hospital = on_file(minimum_per_claim=Decimal(2_000_000))
    CoverageFactory.create(term=cast.term, insured=cast.anas.insured, part=Coverage.Part.EXCESS)
    StandingHolderFactory.create(holder=hospital, policy=cast.policy)
    from credentialing.batches.freezing import HolderChoice

    batch = a_batch(cast.paula, [cast.anas, cast.bens], HolderChoice(standing=True))
    assert [bool(item.complaints) for item in batch.items.all()] == [False, True]


def test_a_holder_that_wants_a_tail_rejects_a_letter_without_one(cast: Cast) -> None:
    from credentialing.batches.freezing import HolderChoice

    ended = CoverageFactory.create(
        term__policy=cast.policy, term__effective=days(-465), term__expires=days(-100), insured=cast.anas.insured
    )
    StandingHolderFactory.create(holder=on_file(tail_required=True), policy=cast.policy)
    batch = a_batch(cast.paula, [ended], HolderChoice(standing=True))
    assert batch.items.get().complaints == ["Asks for a tail after claims-made coverage. None is on record."]


def test_a_colleague_of_the_party_sees_a_batch_and_no_draft_and_others_see_neither(cast: Cast, browse: Browse) -> None:
    colleague = UserFactory.create()
    holder_of(colleague, cast.policy.policyholder)
    draft, batch = a_batch(cast.paula, [cast.anas]), started(cast.paula, [cast.anas])
    assert browse(colleague).get(batch.get_absolute_url()).status_code == 200
    assert browse(colleague).get(draft.get_absolute_url()).status_code == 404
    for other in (cast.ana, cast.adam, cast.mia):
        assert browse(other).get(batch.get_absolute_url()).status_code == 404
        assert batch.public_id not in browse(other).get(reverse("credentialing:batches")).content.decode()


def test_a_delegate_without_the_right_to_issue_gets_403_and_one_with_it_may(cast: Cast, browse: Browse) -> None:
    place = cast.paula.memberships.get()
    batch = started(cast.paula, [cast.anas])
    may, may_not = UserFactory.create(), UserFactory.create()
    delegate_of(place, may, Capability.ISSUE_CERTIFICATE)
    delegate_of(place, may_not)
    assert browse(may).get(batch.get_absolute_url()).status_code == 200
    assert browse(may_not).get(batch.get_absolute_url()).status_code == 403
    assert browse(may_not).post(CHOOSE, choice(coverage=[cast.anas.public_id])).status_code == 403
    assert "Create several" not in words(browse(may_not).get(HOME))
    assert browse(may).post(reverse("credentialing:batch-cancel", args=[batch.public_id])).status_code == 302
    batch.refresh_from_db()
    assert batch.status == Batch.Status.CANCELLED


def test_past_the_ceiling_of_a_day_the_page_says_so(cast: Cast, browse: Browse, settings: Settings) -> None:
    settings.BATCH_CERTIFICATES_A_DAY = 1
    started(cast.paula, [cast.anas])
    draft = a_batch(cast.paula, [cast.bens])
    response = browse(cast.paula).post(reverse("credentialing:batch-start", args=[draft.public_id]))
    assert response.status_code == 429
    assert "Batches of one day can hold 1 certificates." in words(response)


def test_a_file_that_is_gone_is_said_and_the_certificates_are_still_there(cast: Cast, browse: Browse) -> None:
    batch = started(cast.paula, [cast.anas])
    run_all(batch)
    Batch.objects.update(file="", file_until=None)
    client = browse(cast.paula)
    assert "The file is gone" in words(client.get(batch.get_absolute_url()))
    assert client.get(reverse("credentialing:batch-file", args=[batch.public_id])).status_code == 302
    assert cast.anas.insured.last_name in words(client.get(reverse("credentialing:certificates")))


def test_a_certificate_of_a_batch_gets_its_own_file_when_asked_for(cast: Cast, browse: Browse) -> None:
    from credentialing.certificates import issuing

    batch = started(cast.paula, [cast.anas])
    run_all(batch)
    certificate = Certificate.objects.get()
    client = browse(cast.paula)
    assert "Create its own PDF" in words(client.get(certificate.get_absolute_url()))
    pdf = reverse("credentialing:pdf", args=[certificate.public_id])
    assert client.get(pdf).status_code == 302
    certificate.refresh_from_db()
    assert certificate.status == Certificate.Status.QUEUED
    issuing.render(certificate.pk)
    assert client.get(pdf).status_code == 200


def test_issued_alone_is_the_same_as_issued_in_a_batch(cast: Cast) -> None:
    alone = issued(cast.anas, cast.paula)
    batch = started(cast.paula, [cast.anas])
    run_all(batch)
    assert batch.items.get().certificate == alone


def test_cancelling_from_the_page(cast: Cast, browse: Browse) -> None:
    batch = started(cast.paula, [cast.anas])
    client = browse(cast.paula)
    response = client.post(reverse("credentialing:batch-cancel", args=[batch.public_id]), follow=True)
    assert "You cancelled this batch" in words(response)
    assert not running.cancel(batch, by=cast.paula)


def test_without_javascript_the_single_way_still_issues(cast: Cast, browse: Browse) -> None:
    issue = reverse("credentialing:issue", args=[cast.anas.public_id])
    assert browse(cast.paula).post(issue, to_whom()).status_code == 302
