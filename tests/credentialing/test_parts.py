"""One certificate for an insured's coverage in a term: a row for each part and layer, as far as they give the same."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from credentialing.certificates import issuing
from credentialing.certificates.sheet import Sheet
from credentialing.models import Certificate
from credentialing.pages.coverages import in_order
from credentialing.pages.issue import Choice, choice_of
from feed.models import Source
from policies.eligibility import Paper
from policies.models import Coverage, Endorsement, EreOffer, FundEnrollment, Insured, Policy, Suspension, Term
from tests.book import CoverageFactory, InsuredFactory
from tests.cast import Cast
from tests.credentialing.helpers import a_holder, flat, new_holder_form, pdf_of, to_whom, words_of
from tests.reading import links, words

NOON = dt.datetime(2026, 11, 21, 17, 0, tzinfo=dt.UTC)
pytestmark = pytest.mark.time_machine(NOON, tick=False)
STARTS, ENDS = dt.date(2026, 3, 1), dt.date(2027, 3, 1)
Browse = Callable[[User], Client]


@pytest.fixture
def book(cast: Cast) -> Cast:
    """Return the cast with a term from March 1, 2026, in which Ana has an excess layer and general liability, too."""
    Term.objects.update(effective=STARTS, expires=ENDS)
    Coverage.objects.update(effective=STARTS, expires=ENDS)
    Source.objects.update(as_of=dt.datetime(2026, 11, 21, 7, 0, tzinfo=dt.UTC))
    for coverage in (cast.anas, cast.bens):
        coverage.refresh_from_db()
    a_part(cast, "excess", limits_shared_with="Riverbend Medical Group", limit_per_claim=2_000_000)
    a_part(cast, "general", form="occurrence", retroactive_date=None, limit_basis="occurrence", deductible=Decimal(500))
    return cast


def a_part(cast: Cast, part: str, **fields: Any) -> Coverage:
    """Ana's coverage of another part in the same term."""
    dates = {"effective": STARTS, "expires": ENDS}
    return CoverageFactory.create(term=cast.anas.term, insured=cast.anas.insured, part=part, **dates | fields)


def part_of(cast: Cast, part: str) -> Coverage:
    return Coverage.objects.get(insured=cast.anas.insured, part=part)


def choice(coverage: Coverage, user: User) -> Choice:
    return choice_of(in_order(Coverage.objects.all()).get(pk=coverage.pk), user=user)


def issued_for(coverage: Coverage, user: User, **chosen: Any) -> Certificate:
    """Return the certificate of all parts that are chosen beforehand, made."""
    found = choice(coverage, user)
    certificate = issuing.issue(
        parts=found.parts, holder=chosen.get("holder"), by=user, key=uuid.uuid4(),
        membership=issuing.acting_membership(user, found.own.coverage),
    )  # fmt: skip
    issuing.render(certificate.pk)
    certificate.refresh_from_db()
    return certificate


def parts_in(certificate: Certificate) -> list[str]:
    return [part["part"].split()[0] for part in certificate.snapshot["parts"]]


def issue_page(coverage: Coverage) -> str:
    return reverse("credentialing:issue", args=[coverage.public_id])


def test_all_parts_are_on_one_page_a_row_each_with_their_own_facts(book: Cast) -> None:
    excess = part_of(book, "excess")
    FundEnrollment.objects.create(
        source="core", external_id="F", coverage=book.anas, fund="Excess Fund", form="occurrence",
        limits="$500,000 each occurrence", effective=STARTS, expires=dt.date(2026, 12, 31),
    )  # fmt: skip
    for coverage in (book.anas, excess):
        Endorsement.objects.create(
            source="core", external_id=f"E{coverage.pk}", coverage=coverage, form_number="LM-E-305", edition="01-26",
            title="Unlimited extended reporting", on_certificate=True,
        )  # fmt: skip
    certificate = issued_for(excess, book.ana, holder=a_holder(book.ana, book.anas))
    assert certificate.coverage == book.anas, "professional liability speaks first, whichever row led here"
    text = words_of(certificate)
    for line in (
        "Professional liability, claims-made Retroactive date: July 1, 2015 $1,000,000 per claim $3,000,000 Separate",
        "General liability, occurrence Retroactive date: N/A – occurrence $1,000,000 each occurrence $3,000,000",
        "Excess liability, claims-made Retroactive date: July 1, 2015 $2,000,000 per claim $3,000,000 Shared with",
        "fund, as reported to this company: Excess Fund, occurrence, layer: $500,000 each occurrence, enrolled from",
        "to December 31, 2026",
        "Extended reporting endorsement (tail): None on record",
        "LM-E-305 (01-26) Unlimited extended reporting (professional liability and excess liability)",
    ):
        assert line in text, text
    assert text.index("Professional liability,") < text.index("General liability,") < text.index("Excess liability,")
    assert len(pdf_of(certificate).pages) == 1


def test_the_tail_of_each_part_is_told_apart_where_they_differ(book: Cast) -> None:
    EreOffer.objects.create(
        source="core", external_id="1", coverage=book.anas, option="3y", status="granted", starts=ENDS
    )
    text = words_of(issued_for(book.anas, book.ana))
    assert "Professional liability: 3 years from March 1, 2027, granted" in text
    assert "Excess liability: None on record" in text
    assert "General liability: Not needed" not in text


def test_a_leave_from_one_part_says_from_which(book: Cast) -> None:
    Suspension.objects.create(
        source="core", external_id="S", coverage=book.anas, starts=dt.date(2026, 6, 1), ends=dt.date(2026, 7, 1)
    )
    text = words_of(issued_for(book.anas, book.ana))
    assert "from June 1, 2026, to July 1, 2026, 12:01 a.m. standard time" in text
    assert "aren’t covered under professional liability." in text


def test_parts_with_periods_of_their_own_state_them(book: Cast) -> None:
    Coverage.objects.filter(part="excess").update(effective=dt.date(2026, 9, 1))
    text = words_of(issued_for(book.anas, book.ana))
    assert "Coverage of this insured: September 1, 2026 to March 1, 2027" in text
    assert "Coverage of this insured: March 1, 2026 to March 1, 2027" in text


def test_the_page_chooses_all_parts_beforehand_and_issues_those_that_stay_chosen(book: Cast, browse: Browse) -> None:
    client, excess = browse(book.ana), part_of(book, "excess")
    page = client.get(issue_page(excess))
    assert page.content.decode().count('name="parts"') == 3
    assert page.content.decode().count(" checked") >= 3
    assert "General liability, occurrence: $1,000,000 / $3,000,000" in words(page)
    form = new_holder_form(parts=[book.anas.public_id, excess.public_id])
    assert client.post(issue_page(excess), form).status_code == 302
    assert parts_in(Certificate.objects.get()) == ["Professional", "Excess"]


def test_the_same_form_with_other_parts_is_another_certificate_and_sent_twice_the_same(
    book: Cast, browse: Browse
) -> None:
    client, form = browse(book.ana), to_whom()
    both = [book.anas.public_id, part_of(book, "excess").public_id]
    for chosen in (both, both[:1], both, both[::-1]):
        client.post(issue_page(book.anas), form | {"parts": chosen})
    assert sorted(len(parts_in(one)) for one in Certificate.objects.all()) == [1, 2]


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [([], "Choose at least one part."), (["A" * 22], "Choose from the parts that are listed.")],
)
def test_no_part_or_a_strange_one_is_refused_beside_the_field(
    book: Cast, browse: Browse, parts: list[str], sentence: str
) -> None:
    page = browse(book.ana).post(issue_page(book.anas), to_whom() | {"parts": parts})
    assert page.status_code == 422
    assert sentence in words(page)
    assert not Certificate.objects.exists()


def test_another_insureds_part_cant_be_smuggled_in(book: Cast, browse: Browse) -> None:
    form = to_whom() | {"parts": [book.anas.public_id, book.bens.public_id]}
    assert browse(book.paula).post(issue_page(book.anas), form).status_code == 422
    assert not Certificate.objects.exists()


def test_a_part_that_gives_something_else_isnt_on_it_and_the_page_says_why(book: Cast, browse: Browse) -> None:
    Coverage.objects.filter(part="excess").update(expires=dt.date(2026, 9, 1))
    Coverage.objects.filter(part="general").update(effective=dt.date(2027, 1, 1))
    client, excess, general = browse(book.ana), part_of(book, "excess"), part_of(book, "general")
    page = client.get(issue_page(book.anas))
    assert 'name="parts"' not in page.content.decode(), "one alone isn't asked about"
    assert "Excess liability, claims-made: ended on Sep 1, 2026. Create letter" in words(page)
    assert "General liability, occurrence: begins on Jan 1, 2027. Create certificate" in words(page)
    assert {issue_page(excess), issue_page(general)} <= set(links(page))
    client.post(issue_page(book.anas), to_whom())
    assert parts_in(Certificate.objects.get()) == ["Professional"]


def test_the_letter_of_a_part_that_ended_says_so_while_the_others_go_on(book: Cast) -> None:
    Coverage.objects.filter(part="excess").update(expires=dt.date(2026, 9, 1))
    certificate = issued_for(part_of(book, "excess"), book.ana)
    text = words_of(certificate)
    assert certificate.kind == Paper.LETTER
    assert "Status: Excess liability ended on September 1, 2026" in text
    assert "Excess liability coverage of this insured under policy MPL-204-118832 ended on September 1, 2026." in text
    assert "General liability" not in text


def test_parts_that_give_different_papers_arent_issued_together(book: Cast) -> None:
    Coverage.objects.filter(part="general").update(effective=dt.date(2027, 1, 1))
    found = choice(book.anas, book.ana)
    ahead = choice(part_of(book, "general"), book.ana).own
    with pytest.raises(issuing.NotIssuableError, match="can’t be on one certificate"):
        issuing.issue(
            parts=[*found.parts, ahead], holder=None, by=book.ana, key=uuid.uuid4(),
            membership=issuing.acting_membership(book.ana, found.own.coverage),
        )  # fmt: skip


def test_a_change_in_mid_term_is_one_row_of_the_page_whichever_segment_led_there(book: Cast, browse: Browse) -> None:
    before = book.anas
    Coverage.objects.filter(pk=before.pk).update(expires=dt.date(2026, 9, 1))
    after = a_part(book, "professional", effective=dt.date(2026, 9, 1), continues=before, limit_per_claim=2_000_000)
    page = browse(book.ana).get(issue_page(before))
    assert "Professional liability, claims-made: $2,000,000 / $3,000,000, Mar 1, 2026 – Mar 1, 2027" in words(page)
    assert choice(before, book.ana).own.coverage == after


def test_the_pages_earlier_certificates_are_those_of_every_part(book: Cast, browse: Browse) -> None:
    certificate = issued_for(book.anas, book.ana, holder=a_holder(book.ana, book.anas, name="Mercy Hospital"))
    assert "Mercy Hospital" in words(browse(book.ana).get(issue_page(part_of(book, "excess"))))
    assert certificate.get_absolute_url() in links(browse(book.paula).get(issue_page(part_of(book, "general"))))


def wanted_of(cast: Cast, insureds: Sequence[Insured]) -> list[issuing.Wanted]:
    coverages = Coverage.objects.visible_to(cast.paula).with_policy().filter(insured__in=insureds)
    at = {insured.pk: number for number, insured in enumerate(insureds)}
    parts = issuing.parts_of(sorted(coverages, key=lambda coverage: at[coverage.insured_id]))
    return [
        issuing.Wanted(of_pair, None, issuing.acting_membership(cast.paula, of_pair[0].coverage))
        for of_pair in parts.values()
    ]


def test_many_are_prepared_in_as_many_queries_as_few(
    book: Cast, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    many = []
    for number in range(12):
        insured = InsuredFactory.create(last_name=f"Name{number:02}")
        for part in ("professional", "excess"):
            CoverageFactory.create(term=book.anas.term, insured=insured, part=part, effective=STARTS, expires=ENDS)
        many.append(insured)
    Coverage.objects.filter(insured__in=many[:4]).update(expires=dt.date(2026, 9, 1))
    wanted = wanted_of(book, many)
    with django_assert_max_num_queries(11):
        prepared = issuing.prepare_many(wanted, by=book.paula)
    kinds = [str(one.certificate.kind) for one in prepared if one.certificate]
    assert sorted(set(kinds)) == [Paper.COI, Paper.LETTER]
    assert kinds.count(Paper.COI) == 8
    first = next(one.certificate for one in prepared if one.certificate and one.certificate.kind == Paper.COI)
    assert parts_in(first) == ["Professional", "Excess"]
    stored = issuing.store(first, key=uuid.uuid4())
    again = issuing.prepare_many(wanted[kinds.index(Paper.COI) :][:1], by=book.paula)[0].certificate
    assert again is not None
    assert issuing.store(again, key=uuid.uuid4()) == stored


def test_one_that_cant_be_prepared_says_why_and_the_others_are(book: Cast) -> None:
    Insured.objects.filter(pk=book.bens.insured_id).update(kind="entity", name="聖路加 Clinic")
    Policy.objects.filter(pk=book.policy.pk).update(status="active")
    wanted = wanted_of(book, [book.anas.insured, book.bens.insured])
    prepared = issuing.prepare_many(wanted, by=book.paula)
    assert [bool(one.certificate) for one in prepared] == [True, False]
    assert "聖 路 加" in prepared[1].refusal


@pytest.mark.parametrize("version", [3, 4])
def test_certificates_of_the_versions_before_are_laid_out_in_the_same_words(book: Cast, version: int) -> None:
    part_of(book, "excess").delete()
    part_of(book, "general").delete()
    certificate = issued_for(book.anas, book.ana)
    facts = dict(certificate.snapshot)
    (part,) = facts.pop("parts")
    del facts["about"], facts["form"], part["coverage"]
    old, new = Sheet(facts | {"version": version, "coverage": part}), Sheet(certificate.snapshot)
    for words_of_both in ("status", "statements", "tails", "endorsements", "own_period", "particulars", "form_name"):
        assert getattr(old, words_of_both) == getattr(new, words_of_both)
    assert old.coverage.per_claim == new.coverage.per_claim


LONG = "Maximiliana Featherstonehaugh-Cholmondeley von und zu Hohenlohe-Waldenburg-Schillingsfürst de la Concepción "


def test_three_parts_long_names_and_12_endorsements_keep_the_signature_on_the_first_page(book: Cast) -> None:
    Insured.objects.filter(pk=book.anas.insured_id).update(kind="entity", name=(LONG * 2)[:200])
    Coverage.objects.filter(pk=book.anas.pk).update(
        scope="Professional services within the scope of employment by Riverbend Medical Group only",
        locum="A locum tenens in the insured’s place, for up to 60 days in a policy period",
    )
    for number in range(12):
        Endorsement.objects.create(
            source="core", external_id=f"E{number}", coverage=book.anas, form_number=f"LM-E-2{number:02}",
            edition="01-26", title="Additional named insured, professional corporation", on_certificate=True,
        )  # fmt: skip
    holder = a_holder(book.ana, book.anas, name=(LONG * 2)[:200], address2="Office of Medical Staff Affairs")
    certificate = issued_for(book.anas, book.ana, holder=holder)
    first, *others = [flat(page.extract_text()) for page in pdf_of(certificate).pages]
    assert "Imogen Vale" in first
    assert len(others) <= 1
    whole = " ".join([first, *others])
    assert all(f"LM-E-2{number:02}" in whole for number in range(12))
    for line in ("Scope of coverage: Professional services", "Locum tenens: A locum", "General liability, occurrence"):
        assert line in whole
