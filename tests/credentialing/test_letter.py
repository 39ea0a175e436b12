"""A letter lists every term with the company, as far as who issues it sees, on as many pages as it takes."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from credentialing.certificates.sheet import Sheet
from credentialing.models import Certificate
from policies.models import Coverage, EreOffer, Policy, Policyholder, Term
from tests.book import (
    CompanyFactory,
    CoverageFactory,
    InsuredFactory,
    PolicyFactory,
    PolicyholderFactory,
    TermFactory,
    days,
    holder_of,
)
from tests.cast import Cast
from tests.credentialing.helpers import flat, issued, made, pdf_of, words_of


def a_past_term(cast: Cast, year: int, policy: Policy | None = None, **fields: Any) -> Coverage:
    """Ana's coverage in a term of that year, from March 1."""
    starts, ends = dt.date(year, 3, 1), dt.date(year + 1, 3, 1)
    term = TermFactory.create(policy=policy or cast.policy, effective=starts, expires=ends, status="expired")
    dates = {"effective": starts, "expires": ends, "retroactive_date": dt.date(year, 3, 1)}
    return CoverageFactory.create(term=term, insured=cast.coverage.insured, **dates | fields)


def elsewhere(cast: Cast, **fields: Any) -> Policy:
    """Return a policy of the same company for another group that Ana worked for."""
    group = PolicyholderFactory.create(name="Northgate Surgical Partners")
    return PolicyFactory.create(policyholder=group, company=cast.policy.company, **fields)


def periods(certificate: Certificate) -> list[tuple[str, str]]:
    """Policy and first year of each line."""
    return [(entry["policy"], entry["starts"][:4]) for entry in certificate.snapshot["history"]]


def test_every_term_is_on_it_the_latest_first_with_dates_form_and_limits(cast: Cast) -> None:
    a_past_term(cast, 2001, form="occurrence", retroactive_date=None, limits_shared=True)
    a_past_term(cast, 2003, limit_per_claim=500_000, limit_aggregate=1_500_000)
    asked = a_past_term(cast, 2002)
    certificate = made(asked, cast.ana)
    assert [year for _, year in periods(certificate)] == ["2003", "2002", "2001"]
    text = words_of(certificate)
    assert "Past coverage on record with Larkfield Mutual Insurance Company" in text
    for line in (
        "March 1, 2003 to March 1, 2004 Policy MPL-204-118832 Professional liability, claims-made",
        "Retroactive date: March 1, 2003 $500,000 / $1,500,000 per claim / annual aggregate, separate",
        "March 1, 2002 to March 1, 2003",
        "Professional liability, occurrence Retroactive date: N/A – occurrence",
        "$1,000,000 / $3,000,000 per occurrence / annual aggregate, shared",
    ):
        assert line in text
    assert len(pdf_of(certificate).pages) == 1


def test_a_past_term_of_a_policy_that_goes_on_doesnt_read_as_if_coverage_had_ended(cast: Cast) -> None:
    text = words_of(made(a_past_term(cast, 2001), cast.ana))
    assert "The period of policy MPL-204-118832 that began on March 1, 2001 ended on March 1, 2002." in text
    assert "Coverage under policy" not in text
    assert f"{days(0).year + 1}" not in text.replace("LPC-", ""), "nothing of the coverage in force"


def test_coverage_in_force_and_to_come_is_not_on_it(cast: Cast) -> None:
    certificate = issued(a_past_term(cast, 2001), cast.ana)
    assert periods(certificate) == [("MPL-204-118832", "2001")]


def test_the_tail_of_each_policy_and_part_is_stated(cast: Cast) -> None:
    bought = a_past_term(cast, 2001)
    EreOffer.objects.create(
        source="core", external_id="1", coverage=bought, option="3y", status="paid", starts=bought.expires
    )
    other = elsewhere(cast, number="MPL-1")
    a_past_term(cast, 2003, other)
    a_past_term(cast, 2003, other, part="general", form="occurrence", retroactive_date=None)
    text = words_of(made(bought, cast.ana))
    assert "Professional liability, policy MPL-204-118832: 3 years from March 1, 2002, purchased" in text
    assert "Professional liability, policy MPL-1: None on record" in text
    assert "General liability, policy MPL-1: Not needed: occurrence form" in text


def test_twenty_terms_are_listed_in_a_schedule_with_the_signature_on_the_first_page(cast: Cast) -> None:
    for year in range(2000, 2020):
        asked = a_past_term(cast, year)
    certificate = made(asked, cast.ana)
    first, *others = [flat(page.extract_text()) for page in pdf_of(certificate).pages]
    assert "20 periods of coverage, listed in the schedule that begins on page 2" in first
    assert "Extended reporting endorsement (tail) None on record" in first
    assert "Imogen Vale" in first
    assert certificate.serial in others[0]
    listed = " ".join(others)
    for year in range(2000, 2020):
        assert f"March 1, {year} to March 1, {year + 1}" in listed
    assert f"Page 2 of {len(others) + 1}" in others[0]


def test_sixty_terms_repeat_their_heading_on_each_page(cast: Cast) -> None:
    policies = [elsewhere(cast, number=f"MPL-{number}") for number in range(6)]
    for number in range(60):
        asked = a_past_term(cast, 1960 + number, policies[number // 10])
    _first, *others = [flat(page.extract_text()) for page in pdf_of(made(asked, cast.ana)).pages]
    assert len(others) > 1
    for page in others[:2]:
        assert "Period Coverage part and form Limits of liability" in page
    listed = " ".join(others)
    assert all(f"March 1, {1960 + number} to" in listed for number in range(60))
    assert listed.count("None on record") == 6


def test_the_insured_lists_other_groups_too_and_each_line_names_whose_policy_it_was(cast: Cast) -> None:
    a_past_term(cast, 2001, elsewhere(cast, number="MPL-1"))
    certificate = made(a_past_term(cast, 2003), cast.ana)
    assert periods(certificate) == [("MPL-204-118832", "2003"), ("MPL-1", "2001")]
    text = words_of(certificate)
    assert "Policy MPL-1, Northgate Surgical Partners" in text
    assert "Policy MPL-204-118832, Riverbend Medical Group" in text


@pytest.mark.parametrize("who", ["paula", "adam"])
def test_a_group_and_its_agent_list_that_groups_policies_and_nothing_from_elsewhere(cast: Cast, who: str) -> None:
    a_past_term(cast, 2001, elsewhere(cast, number="MPL-1"))
    certificate = made(a_past_term(cast, 2003), getattr(cast, who))
    assert periods(certificate) == [("MPL-204-118832", "2003")]
    text = words_of(certificate)
    assert "Past coverage on record under policies of Riverbend Medical Group" in text
    assert "Northgate" not in text
    assert "MPL-1," not in text


def test_who_represents_two_groups_mixes_neither_into_the_others_letter(cast: Cast) -> None:
    other = elsewhere(cast, number="MPL-1")
    a_past_term(cast, 2001, other)
    holder_of(cast.paula, other.policyholder)
    assert periods(issued(a_past_term(cast, 2003), cast.paula)) == [("MPL-204-118832", "2003")]


def test_an_individual_policyholder_who_is_the_insured_lists_all_her_office_only_her_policies(cast: Cast) -> None:
    Policyholder.objects.filter(pk=cast.policy.policyholder_id).update(kind="individual", insured=cast.coverage.insured)
    holder_of(cast.ana, cast.policy.policyholder)
    a_past_term(cast, 2001, elsewhere(cast, number="MPL-1"))
    asked = a_past_term(cast, 2003)
    assert len(periods(issued(asked, cast.ana))) == 2
    assert len(periods(issued(asked, cast.paula))) == 1


def test_another_insureds_another_companys_and_unbound_terms_are_not_on_it(cast: Cast) -> None:
    asked = a_past_term(cast, 2003)
    CoverageFactory.create(
        term=asked.term, insured=InsuredFactory.create(), effective=asked.effective, expires=asked.expires,
        retroactive_date=asked.effective,
    )  # fmt: skip
    a_past_term(cast, 2001, PolicyFactory.create(company=CompanyFactory.create(name="Other Company")))
    declined = a_past_term(cast, 2005)
    Term.objects.filter(pk=declined.term_id).update(status="declined")
    retired = a_past_term(cast, 2006)
    Coverage.objects.filter(pk=retired.pk).update(retired_at="2020-01-01T00:00:00Z")
    assert periods(issued(asked, cast.ana)) == [("MPL-204-118832", "2003")]


def test_a_change_in_mid_term_is_two_lines_of_one_coverage(cast: Cast) -> None:
    change = dt.date(2003, 9, 1)
    before = a_past_term(cast, 2003, expires=change, limit_per_claim=500_000, limit_aggregate=1_500_000)
    after = CoverageFactory.create(
        term=before.term, insured=before.insured, effective=change, expires=dt.date(2004, 3, 1),
        retroactive_date=before.effective,
    )  # fmt: skip
    text = words_of(made(after, cast.ana))
    assert "March 1, 2003 to September 1, 2003" in text
    assert "$500,000 / $1,500,000" in text
    assert "September 1, 2003 to March 1, 2004" in text


def test_a_letter_names_the_policy_that_continues_the_coverage_without_a_gap(cast: Cast) -> None:
    last = a_past_term(cast, 2001)
    old = last.term.policy
    Term.objects.filter(policy=old).exclude(pk=last.term_id).update(retired_at=dt.datetime.now(dt.UTC))
    after = elsewhere(cast, number="MPL-900-1")
    Policy.objects.filter(pk=old.pk).update(status="expired", replaced_by=after)
    line = "Coverage under policy MPL-204-118832 ended on March 1, 2002. Coverage continued under policy MPL-900-1"

    def letter(by: Any) -> str:
        last.refresh_from_db()
        return words_of(made(Coverage.objects.with_policy().get(pk=last.pk), by))

    assert "MPL-900-1" not in letter(cast.ana), "she isn't insured on it"
    gap = a_past_term(cast, 2003, after)
    assert "continued" not in letter(cast.ana), "it began later"
    Coverage.objects.filter(pk=gap.pk).update(effective=dt.date(2002, 3, 1), retroactive_date=dt.date(2001, 3, 1))
    Term.objects.filter(pk=gap.term_id).update(effective=dt.date(2002, 3, 1))
    assert f"{line}, effective March 1, 2002." in letter(cast.ana)
    assert "MPL-900-1" not in letter(cast.paula), "another group's policy is for Ana to speak of"
    Policy.objects.filter(pk=after.pk).update(policyholder=old.policyholder)
    assert f"{line}, effective March 1, 2002." in letter(cast.paula)


def test_a_letter_of_the_version_before_is_still_laid_out(cast: Cast) -> None:
    certificate = issued(a_past_term(cast, 2001), cast.ana)
    facts = certificate.snapshot | {"version": 3}
    facts["standing"] = {name: value for name, value in facts["standing"].items() if name != "continued"}
    assert Sheet(facts).continuation == ""
    with pytest.raises(ValueError, match="version 2"):
        Sheet(facts | {"version": 2})
