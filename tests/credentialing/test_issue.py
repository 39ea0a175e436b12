"""The page that issues a certificate, and the list that leads to it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
import time_machine
from django.contrib.auth.models import AbstractBaseUser
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.models import Event
from credentialing.certificates import issuing, limits
from credentialing.events import CertificateEvent
from credentialing.models import Certificate, Holder
from feed import freshness
from policies import eligibility
from policies.eligibility import Paper
from policies.models import Coverage, Policy, Term
from policies.roles import RULES, Capability, Rule
from tests.book import days, holder_of
from tests.cast import Cast
from tests.credentialing.helpers import a_holder, issued, new_holder_form, to_whom
from tests.factories import UserFactory

Browse = Callable[[AbstractBaseUser], Client]


def issue_page(coverage: Coverage) -> str:
    return reverse("credentialing:issue", args=[coverage.public_id])


@pytest.mark.parametrize("who", ["ana", "paula", "adam"])
def test_an_insured_a_policyholder_and_an_agent_each_issue_and_have_the_pdf(
    cast: Cast, browse: Browse, who: str
) -> None:
    client = browse(getattr(cast, who))
    assert client.get(issue_page(cast.coverage)).status_code == 200
    response = client.post(issue_page(cast.coverage), new_holder_form())
    certificate = Certificate.objects.get()
    assert response["Location"] == certificate.get_absolute_url() + "?download"
    assert certificate.issued_by == getattr(cast, who)
    issuing.render(certificate.pk)
    page = client.get(certificate.get_absolute_url() + "?download")
    assert f'data-download="{certificate.serial}"' in page.content.decode()
    pdf = client.get(reverse("credentialing:pdf", args=[certificate.public_id]))
    assert pdf["Content-Type"] == "application/pdf"
    name = f"COI Núñez-Đặng – Saint Brendan Medical Center – {certificate.issued_on}.pdf"
    plain = f"COI Nunez-ang - Saint Brendan Medical Center - {certificate.issued_on}.pdf"
    assert pdf["Content-Disposition"] == f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
    assert b"".join(pdf.streaming_content).startswith(b"%PDF-")  # type: ignore[attr-defined]


@pytest.mark.parametrize("ended", [False, True])
def test_a_coverage_on_its_way_to_a_certificate_is_judged_once_and_so_is_the_age_of_the_data(
    cast: Cast, browse: Browse, monkeypatch: pytest.MonkeyPatch, ended: bool
) -> None:
    if ended:
        Term.objects.update(expires=days(-1))
        Coverage.objects.update(expires=days(-1))
    asked: Counter[str] = Counter()
    judge, as_of = eligibility.judge, freshness.as_of

    def counted_judge(*args: Any, **kwargs: Any) -> eligibility.Eligibility:
        asked["eligibility"] += 1
        return judge(*args, **kwargs)

    def counted_as_of(**kwargs: Any) -> dt.datetime | None:
        asked["age"] += 1
        return as_of(**kwargs)

    monkeypatch.setattr(eligibility, "judge", counted_judge)
    monkeypatch.setattr(freshness, "as_of", counted_as_of)
    assert browse(cast.ana).post(issue_page(cast.coverage), new_holder_form()).status_code == 302
    assert Certificate.objects.get().kind == (Paper.LETTER if ended else Paper.COI)
    assert asked == {"eligibility": 1, "age": 1}


def test_an_insured_issues_for_herself_only_a_policyholder_for_any_insured(cast: Cast, browse: Browse) -> None:
    assert browse(cast.ana).get(issue_page(cast.bens)).status_code == 404
    assert browse(cast.ana).post(issue_page(cast.bens), to_whom()).status_code == 404
    assert browse(cast.paula).post(issue_page(cast.bens), to_whom()).status_code == 302
    assert browse(cast.olga).post(issue_page(cast.coverage), to_whom()).status_code == 404
    assert Certificate.objects.get().coverage == cast.bens


def test_who_sees_the_coverage_without_the_right_is_refused(
    cast: Cast, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = issued(cast.coverage, cast.ana)
    monkeypatch.setitem(RULES, Capability.ISSUE_CERTIFICATE, Rule("Nobody may.", roles=frozenset()))
    client = browse(cast.ana)
    assert client.get(issue_page(cast.coverage)).status_code == 403
    assert client.post(issue_page(cast.coverage), to_whom()).status_code == 403
    for name in ("pdf", "retry"):
        address = reverse(f"credentialing:{name}", args=[certificate.public_id])
        assert (client.get if name == "pdf" else client.post)(address).status_code == 403
    assert Certificate.objects.count() == 1


def test_a_new_holder_is_kept_once_for_the_party_that_issued(cast: Cast, browse: Browse) -> None:
    client = browse(cast.paula)
    client.post(issue_page(cast.coverage), new_holder_form())
    client.post(
        issue_page(cast.bens), new_holder_form(name="SAINT BRENDAN  medical center", address1="One hospital plaza.")
    )
    holder = Holder.objects.get()
    assert holder.policyholder == cast.policy.policyholder
    assert Holder.objects.visible_to(cast.paula).exists()
    assert not Holder.objects.visible_to(cast.ana).exists()
    assert not Holder.objects.visible_to(cast.adam).exists()
    assert Event.objects.filter(tag=CertificateEvent.HOLDER_ADDED).count() == 1


def test_a_holder_of_the_list_is_chosen_by_its_public_id_and_only_from_ones_own_list(
    cast: Cast, browse: Browse
) -> None:
    mine, theirs = a_holder(cast.ana, cast.coverage), a_holder(cast.olga, cast.olgas)
    client = browse(cast.ana)
    assert str(mine.public_id) in client.get(issue_page(cast.coverage)).content.decode()
    form = {"idempotency_key": str(uuid.uuid4()), "recipient": "saved"}
    refused = client.post(issue_page(cast.coverage), form | {"holder": theirs.public_id})
    assert refused.status_code == 422
    assert "Choose one from the list." in refused.content.decode()
    assert client.post(issue_page(cast.coverage), form | {"holder": mine.public_id}).status_code == 302
    assert Certificate.objects.get().holder == mine


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": ""}, "Enter a name."),
        ({"address1": ""}, "Enter an address."),
        ({"city": ""}, "Enter a city."),
        ({"state": ""}, "Choose a state."),
        ({"state": "ZZ"}, "Choose a state from the list."),
        ({"zip": ""}, "Enter a ZIP code."),
        ({"zip": "1240"}, "Enter a 5-digit ZIP code or ZIP+4 (12345-6789)."),
        ({"name": "聖路加 Hospital"}, "We can’t print these characters: 聖 路 加. Use Latin letters."),
        ({"name": "x" * 201}, "Ensure this value has at most 200 characters"),
        ({"recipient": ""}, "Choose who the certificate is for."),
    ],
)
def test_a_holder_that_is_not_whole_is_refused_beside_the_field_and_nothing_typed_is_lost(
    cast: Cast, browse: Browse, change: dict[str, str], sentence: str
) -> None:
    form = new_holder_form(**change)
    response = browse(cast.ana).post(issue_page(cast.coverage), form)
    page = response.content.decode()
    assert response.status_code == 422
    assert page.count(sentence) == 2, "once in the summary, once at the field"
    assert "One Hospital Plaza" in page or change.get("address1") == ""
    assert form["idempotency_key"] in page
    assert not Certificate.objects.exists()
    assert not Holder.objects.exists()


def test_what_was_typed_for_another_choice_is_ignored(cast: Cast, browse: Browse) -> None:
    form = new_holder_form(recipient="concern", zip="nonsense", state="ZZ")
    assert browse(cast.ana).post(issue_page(cast.coverage), form).status_code == 302
    assert Certificate.objects.get().holder is None
    assert not Holder.objects.exists()


def test_a_zip_of_nine_digits_is_printed_with_its_dash(cast: Cast, browse: Browse) -> None:
    browse(cast.ana).post(issue_page(cast.coverage), new_holder_form(zip="124011234"))
    assert Certificate.objects.get().snapshot["holder"]["address"][-1] == "Kingston, NY 12401-1234"


def test_the_same_form_twice_gives_the_same_certificate(cast: Cast, browse: Browse) -> None:
    client, form = browse(cast.ana), new_holder_form()
    first = client.post(issue_page(cast.coverage), form)
    second = client.post(issue_page(cast.coverage), form)
    assert first["Location"] == second["Location"]
    assert Certificate.objects.count() == 1


def test_the_back_button_and_another_holder_give_another_certificate(cast: Cast, browse: Browse) -> None:
    client, form = browse(cast.ana), new_holder_form()
    client.post(issue_page(cast.coverage), form)
    client.post(issue_page(cast.coverage), form | {"name": "Mercy Hospital"})
    assert {certificate.holder_name for certificate in Certificate.objects.all()} == {
        "Saint Brendan Medical Center",
        "Mercy Hospital",
    }


def test_the_same_content_asked_for_again_the_same_day_gives_the_same_certificate(cast: Cast) -> None:
    colleague = UserFactory.create()
    holder_of(colleague, cast.policy.policyholder)
    first = issued(cast.coverage, cast.paula)
    again = issued(cast.coverage, colleague)
    assert again == first
    assert again.issued_by == cast.paula
    tags = Event.objects.filter(subject_id=str(first.pk)).order_by("id").values_list("tag", flat=True)
    assert list(tags) == [CertificateEvent.ISSUED, CertificateEvent.ISSUED_AGAIN]


def test_another_limit_gives_another_certificate_the_same_day(cast: Cast) -> None:
    first = issued(cast.coverage, cast.ana)
    Coverage.objects.filter(pk=cast.coverage.pk).update(limit_aggregate=4_000_000)
    assert issued(cast.coverage, cast.ana) != first


def test_a_coverage_that_gives_nothing_says_why_and_issues_nothing(cast: Cast, browse: Browse) -> None:
    Policy.objects.filter(pk=cast.policy.pk).update(status=Policy.Status.PENDING)
    client = browse(cast.ana)
    page = client.get(issue_page(cast.coverage))
    assert "This policy is pending. It isn’t in force yet." in page.content.decode()
    assert "Create and download" not in page.content.decode()
    refused = client.post(issue_page(cast.coverage), to_whom())
    assert refused.status_code == 422
    assert "This policy is pending" in refused.content.decode()
    assert not Certificate.objects.exists()


def test_the_list_shows_what_each_coverage_gives_in_a_fixed_number_of_queries(
    cast: Cast, browse: Browse, django_assert_max_num_queries: Callable[..., object]
) -> None:
    from tests.book import CoverageFactory, InsuredFactory

    client = browse(cast.paula)
    client.get(reverse("credentialing:home"))
    for number in range(12):
        CoverageFactory.create(term=cast.coverage.term, insured=InsuredFactory.create(last_name=f"Name{number:02}"))
        issued(cast.coverage, cast.paula, a_holder(cast.paula, cast.coverage, name=f"Hospital {number}"))
    with django_assert_max_num_queries(10):
        page = client.get(reverse("credentialing:home")).content.decode()
    assert page.count("Create certificate") == 14
    assert "Hospital 11" in page


def test_the_list_is_searched_by_number_policyholder_and_insured_and_paged(cast: Cast, browse: Browse) -> None:
    client = browse(cast.adam)
    home = reverse("credentialing:home")

    def found(**query: str) -> set[str]:
        page = client.get(home, query).content.decode()
        return {name for name in ("Núñez", "Şahin") if name in page}

    assert found(q="mpl 204118") == {"Núñez", "Şahin"}
    assert found(q="riverbend") == {"Núñez", "Şahin"}
    assert found(q="lukasz sah") == {"Şahin"}
    assert found(q="nobody") == set()
    assert found(q="elsewhere") == set()
    assert found(status="cancelled") == set()
    assert found(status="all") == {"Núñez", "Şahin"}
    Policy.objects.filter(pk=cast.policy.pk).update(status=Policy.Status.CANCELLED)
    assert found() == set()
    assert found(status="cancelled") == {"Núñez", "Şahin"}


def test_a_search_that_makes_no_sense_is_refused_with_a_sentence(cast: Cast, browse: Browse) -> None:
    client = browse(cast.ana)
    response = client.get(reverse("credentialing:home"), {"status": "nonsense"})
    assert response.status_code == 422
    assert "Choose one of the statuses above." in response.content.decode()
    assert client.get(reverse("credentialing:home"), {"q": "!!! &|:*"}).status_code == 200


def test_every_certificate_is_found_again_by_number_holder_and_insured_and_only_ones_own(
    cast: Cast, browse: Browse, django_assert_max_num_queries: Callable[..., object]
) -> None:
    first = issued(cast.coverage, cast.paula, a_holder(cast.paula, cast.coverage, name="Mercy Hospital"))
    second = issued(cast.bens, cast.ben)
    strangers = issued(cast.olgas, cast.olga)
    client = browse(cast.paula)
    address = reverse("credentialing:certificates")

    def found(q: str) -> set[Certificate]:
        page = client.get(address, {"q": q}).content.decode()
        return {
            certificate for certificate in (first, second, strangers) if f"<small>{certificate.serial}</small>" in page
        }

    assert found("") == {first, second}
    assert found(second.serial.lower()) == {second}
    assert found("mercy") == {first}
    assert found("sahin") == found("Şahin") == {second}
    assert found("mpl 204 118832") == {first, second}
    assert found(strangers.serial) == set()
    assert "Mercy Hospital" in client.get(issue_page(cast.coverage)).content.decode(), (
        "already issued for this coverage"
    )
    for number in range(30):
        issued(cast.coverage, cast.paula, a_holder(cast.paula, cast.coverage, name=f"Hospital {number:02}"))
    with django_assert_max_num_queries(8):
        page = client.get(address)
    assert "Hospital 29" in page.content.decode()
    assert "Hospital 01" not in page.content.decode(), "that one is on the next page"


def test_a_letter_asks_for_its_recipient(cast: Cast, browse: Browse) -> None:
    client = browse(cast.ana)
    a_holder(cast.ana, cast.coverage)
    page = client.get(issue_page(cast.coverage)).content.decode()
    assert "Who is the certificate for?" in page
    assert "A new holder" in page
    ended = timezone.localdate() - dt.timedelta(days=1)
    Coverage.objects.filter(pk=cast.coverage.pk).update(expires=ended)
    page = client.get(issue_page(cast.coverage)).content.decode()
    assert "Who is the letter for?" in page
    assert "A new recipient" in page
    assert "A saved recipient" in page
    assert ">Recipient</label>" in page
    assert "Certificate holder" not in page
    assert "We’ll save this recipient for next time." in page


def test_the_same_certificate_again_the_same_day_says_that_it_was_there(cast: Cast, browse: Browse) -> None:
    client = browse(cast.paula)
    first = client.post(issue_page(cast.coverage), to_whom(), follow=True).content.decode()
    assert "already issued" not in first
    again = client.post(issue_page(cast.coverage), to_whom(), follow=True).content.decode()
    assert "You already issued this certificate today. Here it is." in again
    colleague = UserFactory.create()
    holder_of(colleague, cast.policy.policyholder)
    theirs = browse(colleague).post(issue_page(cast.coverage), to_whom(), follow=True).content.decode()
    assert "Someone you work with already issued this certificate today. Here it is." in theirs
    assert Certificate.objects.count() == 1


def test_the_same_form_sent_twice_says_nothing_of_the_kind(cast: Cast, browse: Browse) -> None:
    client, form = browse(cast.paula), to_whom()
    for _ in range(2):
        page = client.post(issue_page(cast.coverage), form, follow=True).content.decode()
        assert "already issued" not in page


def test_more_certificates_than_a_person_issues_are_refused_for_a_while_and_nothing_typed_is_lost(
    cast: Cast, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ISSUE", replace(limits.ISSUE, times=2))
    client = browse(cast.ana)
    for number in range(2):
        response = client.post(issue_page(cast.coverage), new_holder_form(name=f"Hospital {number}"))
        assert response.status_code == 302
    form = new_holder_form(name="Third Hospital")
    refused = client.post(issue_page(cast.coverage), form)
    page = refused.content.decode()
    assert refused.status_code == 429
    assert "You’ve created 2 certificates in a short time. Try again at " in page
    assert "What you entered is still here." in page
    assert "Third Hospital" in page
    assert form["idempotency_key"] in page
    assert Certificate.objects.count() == Holder.objects.count() == 2
    assert browse(cast.paula).post(issue_page(cast.coverage), to_whom()).status_code == 302, "others go on"
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=10, seconds=1)):
        assert browse(cast.ana).post(issue_page(cast.coverage), form).status_code == 302


def test_more_new_holders_than_a_person_adds_are_refused_saved_ones_go_on(
    cast: Cast, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "NEW_HOLDER", replace(limits.NEW_HOLDER, times=1))
    client = browse(cast.ana)
    assert client.post(issue_page(cast.coverage), new_holder_form()).status_code == 302
    refused = client.post(issue_page(cast.coverage), new_holder_form(name="Mercy Hospital"))
    assert refused.status_code == 429
    assert "You’ve added 1 holders in a short time." in refused.content.decode()
    assert Holder.objects.count() == Certificate.objects.count() == 1
    saved = to_whom() | {"recipient": "saved", "holder": str(Holder.objects.get().public_id)}
    assert client.post(issue_page(cast.coverage), saved).status_code == 302


def test_the_limits_are_those_that_the_rules_name() -> None:
    assert (limits.ISSUE.times, limits.ISSUE.window) == (60, dt.timedelta(minutes=10))
    assert (limits.RETRY.times, limits.RETRY.window) == (3, dt.timedelta(hours=1))
