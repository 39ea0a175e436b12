"""The pages of claims histories: choosing, what a paper will hold, issuing, and the register."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.contrib.auth.models import AbstractBaseUser
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from claims.models import Claim
from core.models import Event
from core.storage import private_storage
from credentialing.claims_history import pages
from credentialing.events import ClaimsPaperEvent
from credentialing.models import ClaimsPaper, ClaimsRequest, Holder
from tests.book import CoverageFactory, InsuredFactory, insured_by
from tests.cast import Cast
from tests.credentialing.claims_history.conftest import switch_on
from tests.credentialing.claims_history.papers import authorized, issued, made, subject_of
from tests.credentialing.helpers import new_holder_form, to_whom
from tests.reading import links, words

pytestmark = pytest.mark.django_db

Browse = Callable[[AbstractBaseUser], Client]
HOME = "credentialing:claims-histories"
NEW = "credentialing:claims-history-new"


def test_an_insured_sees_all_own_claims_incidents_too_and_no_reserve(
    cast: Cast, claims: dict[str, Claim], browse: Browse
) -> None:
    page = words(browse(cast.ana).get(reverse(HOME)))
    for number in ("LC-SUIT", "LC-SETTLED", "LC-INCIDENT", "LC-FORMER"):
        assert number in page
    for never in ("LC-BEN", "77,777", "Rosalind", "Insureds on your policies", "Loss runs"):
        assert never not in page, never
    assert "We have no claims of yours on record" in words(browse(cast.olga).get(reverse(HOME)))


def test_an_insured_reads_what_it_will_say_and_gets_it(cast: Cast, claims: dict[str, Claim], browse: Browse) -> None:
    client = browse(cast.ana)
    page = words(client.get(reverse(NEW)))
    assert "2 claims with this company from " in page
    assert "LC-SETTLED" in page
    assert "LC-INCIDENT" not in page
    assert "LC-FORMER" in words(client.get(reverse(NEW), {"years": "all"}))
    sent = client.post(reverse(NEW) + "?years=all", new_holder_form(purpose="privileges"))
    paper = ClaimsPaper.objects.get()
    assert sent["Location"] == paper.get_absolute_url() + "?download"
    assert (paper.years, paper.purpose, paper.holder) == (None, "privileges", Holder.objects.get())
    assert paper.authorization is None
    made(paper)
    file = client.get(reverse("credentialing:claims-paper-pdf", args=[paper.public_id]))
    assert file["Content-Disposition"].startswith("attachment; ")
    assert "Claims%20history%20N%C3%BA%C3%B1ez" in file["Content-Disposition"]
    assert Event.objects.filter(tag=ClaimsPaperEvent.DOWNLOADED, subject_id=str(paper.pk)).count() == 1


def test_what_is_wrong_is_said_next_to_its_field(cast: Cast, browse: Browse) -> None:
    client = browse(cast.ana)
    wrong = client.post(reverse(NEW), new_holder_form(purpose="", zip="12"))
    assert wrong.status_code == 422
    page = words(wrong)
    assert "Choose what it’s for." in page
    assert "Enter a 5-digit ZIP code" in page
    assert client.post(reverse(NEW), to_whom()).status_code == 422
    assert client.post(reverse(NEW), to_whom() | {"purpose": "bingo"}).status_code == 422
    assert not ClaimsPaper.objects.exists()


def test_without_the_switch_a_manager_reads_how_to_get_it(cast: Cast, browse: Browse) -> None:
    page = words(browse(cast.paula).get(reverse(HOME)))
    assert "Your access doesn’t include the claims histories" in page
    assert "Insureds on your policies" not in page
    assert browse(cast.paula).get(reverse(NEW)).status_code == 403


def test_a_manager_chooses_only_those_who_authorized(cast: Cast, claims: dict[str, Claim], browse: Browse) -> None:
    switch_on(cast.paula)
    authorized(cast.ana, cast.anas.insured, years=5, policyholder=cast.policy.policyholder)
    client = browse(cast.paula)
    page = client.get(reverse(HOME))
    assert subject_of(cast.paula, cast.anas.insured).code in page.content.decode()
    assert subject_of(cast.paula, cast.bens.insured).code not in page.content.decode()
    assert "Authorized until" in words(page)
    assert "(5 years)" in words(page)
    chosen = [subject_of(cast.paula, one.insured).code for one in (cast.anas, cast.bens)]
    shown = words(client.get(reverse(NEW), {"who": chosen, "years": "5"}))
    assert "1 claim with this company under policies of Riverbend Medical Group" in shown
    assert "Łukasz Şahin, MD hasn’t authorized this." in shown
    assert "LC-BEN" not in shown
    # What she may not have isn't issued, and she's told; the other one is.
    address = reverse(NEW) + "?years=5&" + "&".join(f"who={code}" for code in chosen)
    answer = client.post(address, to_whom() | {"purpose": "enrollment"}, follow=True)
    assert "Łukasz Şahin, MD hasn’t authorized this." in words(answer)
    assert ClaimsPaper.objects.get().insured == cast.anas.insured


def test_where_none_may_be_had_nothing_is_issued(cast: Cast, browse: Browse) -> None:
    switch_on(cast.paula)
    code = subject_of(cast.paula, cast.bens.insured).code
    answer = browse(cast.paula).post(f"{reverse(NEW)}?who={code}", to_whom() | {"purpose": "enrollment"})
    assert answer.status_code == 422
    assert not ClaimsPaper.objects.exists()
    assert not ClaimsRequest.objects.exists()


@pytest.mark.parametrize("who", ["x", "x.y.z", "%00", "é.è"])
def test_an_address_that_names_nobody_of_the_users_is_not_found(cast: Cast, browse: Browse, who: str) -> None:
    strangers = subject_of(cast.olga, cast.olgas.insured).code
    client = browse(cast.ana)
    assert client.get(reverse(NEW), {"who": who}).status_code == 404
    assert client.get(reverse(NEW), {"who": strangers}).status_code == 404
    assert client.get(reverse(NEW), {"who": [f"{n}.x" for n in range(26)]}).status_code == 404


def test_several_at_once_lead_to_the_register(cast: Cast, browse: Browse) -> None:
    switch_on(cast.paula)
    for user, coverage in ((cast.ana, cast.anas), (cast.ben, cast.bens)):
        authorized(user, coverage.insured, policyholder=cast.policy.policyholder)
    codes = [subject_of(cast.paula, one.insured).code for one in (cast.anas, cast.bens)]
    address = f"{reverse(NEW)}?who={codes[0]}&who={codes[1]}"
    answer = browse(cast.paula).post(address, new_holder_form(purpose="privileges"), follow=True)
    assert answer.redirect_chain[0][0] == reverse("credentialing:claims-papers")
    assert "We’re creating 2 claims histories." in words(answer)
    assert {paper.holder for paper in ClaimsPaper.objects.all()} == {Holder.objects.get()}


def test_the_register_is_searched_by_serial_name_and_policy(cast: Cast, browse: Browse) -> None:
    (paper,) = issued(cast.ana, cast.anas.insured).papers
    client = browse(cast.ana)
    address = reverse("credentialing:claims-papers")
    for q, found in ((paper.serial[:8].lower(), True), ("núñez", True), ("Okafor", False), ("", True), ("%_", False)):
        assert (paper.get_absolute_url() in links(client.get(address, {"q": q}))) is found, q


def test_insureds_are_found_by_name_and_listed_at_the_same_cost_for_many(
    cast: Cast, browse: Browse, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    switch_on(cast.paula)
    client = browse(cast.paula)
    found = words(client.get(reverse(HOME), {"q": "sahin"}))
    assert "Łukasz Şahin" in found
    assert "Núñez" not in found
    assert "No insureds found" in words(client.get(reverse(HOME), {"q": "zzz"}))

    def cost() -> int:
        with django_assert_max_num_queries(40) as counted:
            assert client.get(reverse(HOME)).status_code == 200
        return len(counted)

    before = cost()
    for _ in range(30):
        CoverageFactory.create(term=cast.term, insured=InsuredFactory.create())
    assert cost() == before
    rows = client.get(reverse(HOME)).context["rows"]
    assert len(rows) == pages.MOST_AT_ONCE


def test_a_failed_paper_is_retried_by_whom_it_is_given_to(cast: Cast, browse: Browse) -> None:
    (paper,) = issued(cast.ana, cast.anas.insured).papers
    ClaimsPaper.objects.filter(pk=paper.pk).update(status="failed", attempts=3)
    client = browse(cast.ana)
    address = reverse("credentialing:claims-paper-retry", args=[paper.public_id])
    assert "We couldn’t create the PDF" in words(client.get(paper.get_absolute_url()))
    assert browse(cast.ben).post(address).status_code == 404
    assert client.post(address).status_code == 302
    paper.refresh_from_db()
    assert paper.status == "queued"
    assert Event.objects.filter(tag=ClaimsPaperEvent.RETRIED).count() == 1


def test_a_file_that_was_changed_is_not_given_out(cast: Cast, browse: Browse) -> None:
    paper = made(issued(cast.ana, cast.anas.insured).papers[0])
    with private_storage().open(paper.file, "rb") as stored:
        content = stored.read()
    path = private_storage().path(paper.file)
    with open(path, "wb") as changed:  # noqa: PTH123  # as someone at the disk would
        changed.write(content + b"x")
    client = browse(cast.ana)
    answer = client.get(reverse("credentialing:claims-paper-pdf", args=[paper.public_id]), follow=True)
    assert "We can’t give you this file right now." in words(answer)
    assert Event.objects.filter(tag=ClaimsPaperEvent.FILE_CHANGED).count() == 1
    assert not Event.objects.filter(tag=ClaimsPaperEvent.DOWNLOADED).exists()


def test_what_one_reads_on_an_authorization_is_recorded_and_ones_own_is_not(
    cast: Cast, claims: dict[str, Claim], browse: Browse
) -> None:
    browse(cast.ana).get(reverse(NEW))
    assert not Event.objects.filter(tag=ClaimsPaperEvent.READ).exists()
    switch_on(cast.paula)
    given = authorized(cast.ana, cast.anas.insured, policyholder=cast.policy.policyholder)
    browse(cast.paula).get(reverse(NEW), {"who": subject_of(cast.paula, cast.anas.insured).code})
    event = Event.objects.get(tag=ClaimsPaperEvent.READ)
    assert (event.actor_name, event.on_behalf_of_name, event.subject_id) == ("paula", "ana", str(given.pk))


def test_a_user_of_several_roles_has_the_union(cast: Cast, browse: Browse) -> None:
    switch_on(cast.paula)
    insured_by(cast.paula, cast.bens.insured)
    assert subject_of(cast.paula, cast.bens.insured).is_own
    assert not subject_of(cast.paula, cast.anas.insured).is_own
    page = words(browse(cast.paula).get(reverse(HOME)))
    assert "Your claims" in page
    assert "Insureds on your policies" in page


def test_a_policys_page_leads_those_who_manage_it_to_its_loss_run(cast: Cast, browse: Browse) -> None:
    run = reverse("credentialing:loss-run", args=[cast.policy.public_id])
    for user, leads in ((cast.paula, True), (cast.adam, True), (cast.ana, False)):
        assert (run in links(browse(user).get(cast.policy.get_absolute_url()))) is leads, user


def test_the_menu_has_one_entry_that_is_current(cast: Cast, browse: Browse) -> None:
    text = browse(cast.ana).get(reverse(HOME)).content.decode()
    assert text.count('aria-current="page"') >= 1
    assert 'aria-current="true"' not in text


def test_staff_find_papers_and_revoke_for_an_insured(cast: Cast, staff: Client) -> None:
    (paper,) = issued(cast.ana, cast.anas.insured).papers
    given = authorized(cast.ana, cast.anas.insured, policyholder=cast.policy.policyholder)
    register = reverse("admin:credentialing_claimspaper_changelist")
    assert paper.serial in staff.get(register, {"q": "Ana Mar"}).content.decode()
    assert paper.serial not in staff.get(register, {"q": "Ben"}).content.decode()
    held = reverse("admin:credentialing_authorization_changelist")
    staff.post(held, {"action": "revoke", "_selected_action": str(given.pk)})
    given.refresh_from_db()
    assert given.revocation.side == "staff"
    assert not given.holds
    event = Event.objects.get(tag=ClaimsPaperEvent.REVOKED)
    assert event.on_behalf_of_name == "ana"


def test_one_form_keeps_one_key(cast: Cast, browse: Browse) -> None:
    client, key = browse(cast.ana), str(uuid.uuid4())
    sending = to_whom() | {"purpose": "records", "idempotency_key": key}
    assert client.post(reverse(NEW), sending)["Location"] == client.post(reverse(NEW), sending)["Location"]
    assert ClaimsPaper.objects.count() == 1
