"""What belongs to a coverage, on the policy's page: segments as one coverage, leave, endorsements, funds, and tails."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import count

import pytest

from core.templatetags.show import day
from policies.models import (
    Company,
    Coverage,
    Endorsement,
    EreOffer,
    Extra,
    FundEnrollment,
    Membership,
    Policy,
    PolicyStatus,
    PriorLimit,
    Suspension,
)
from tests.book import CoverageFactory, InsuredFactory, PolicyFactory, TermFactory, days, delegate_of, holder_of
from tests.reading import links, words

pytestmark = pytest.mark.django_db
_number = count()


def add(model, coverage, **fields):
    return model.objects.create(source="core", external_id=f"D{next(_number)}", coverage=coverage, **fields)


def page_of(browse, user, policy, **query):
    return words(browse(user).get(policy.get_absolute_url(), query))


def change(coverage, on, **fields):
    """Let a coverage change in mid-term: its row ends, and another goes on."""
    Coverage.objects.filter(pk=coverage.pk).update(expires=on)
    return CoverageFactory(term=coverage.term, insured=coverage.insured, effective=on, continues=coverage, **fields)


def test_a_change_in_mid_term_is_one_coverage_that_says_what_changed(cast, browse):
    later = change(cast.anas, days(-10), limit_per_claim=2000000, limit_aggregate=4000000, specialty="Obstetrics")
    response = browse(cast.paula).get(cast.policy.get_absolute_url())
    page = words(response)
    changed = f"Limits and specialty changed on {day(days(-10))}"
    from_to = "from $1,000,000 / $3,000,000 to $2,000,000 / $4,000,000"
    assert f"{changed} {from_to}; from Family medicine, no surgery to Obstetrics" in page
    assert [row.name for row in response.context["page"].roster.rows] == ["Ana Núñez, MD", "Ben Okafor, MD"]
    addresses = links(response)
    assert any(later.public_id in href for href in addresses)
    assert not any(cast.anas.public_id in href for href in addresses)
    own = browse(cast.ana).get(cast.policy.get_absolute_url())
    assert [one.coverage.pk for one in own.context["page"].own] == [later.pk]
    assert changed in words(own)
    assert "$2,000,000 per claim $4,000,000 annual aggregate" in words(own)
    assert f"{day(cast.term.effective)} – {day(cast.term.expires)}" in words(own), "the period is the whole chain's"


def test_a_change_ahead_is_announced_and_what_is_in_force_leads(cast, browse):
    change(cast.anas, days(10), limit_per_claim=2000000, limit_aggregate=4000000)
    for user in (cast.paula, cast.ana):
        page = page_of(browse, user, cast.policy)
        assert f"Limits will change on {day(days(10))}" in page
    assert "$1,000,000 per claim $3,000,000 annual aggregate" in page


def test_a_change_after_the_policy_was_cancelled_never_took_effect(cast, browse):
    change(cast.anas, days(-10), limit_per_claim=2000000, limit_aggregate=4000000)
    Policy.objects.filter(pk=cast.policy.pk).update(status="cancelled", cancellation_effective=days(-20))
    response = browse(cast.paula).get(cast.policy.get_absolute_url())
    assert any(cast.anas.public_id in href for href in links(response)), "the segment that was cancelled has the letter"
    own = browse(cast.ana).get(cast.policy.get_absolute_url())
    assert [one.coverage.pk for one in own.context["page"].own] == [cast.anas.pk]
    for page in (words(response), words(own)):
        assert "$2,000,000" not in page
        assert "Limits changed" not in page


def test_a_lapse_is_a_gap_between_two_coverages(cast, browse):
    Coverage.objects.filter(pk=cast.anas.pk).update(expires=days(-40), ended_reason="Cancelled for nonpayment")
    again = CoverageFactory(term=cast.term, insured=cast.anas.insured, effective=days(-20))
    gap = f"Not covered {day(days(-40))} – {day(days(-20))}"
    response = browse(cast.paula).get(cast.policy.get_absolute_url())
    assert words(response).count(gap) == 1
    assert "Gap in coverage" in words(response)
    assert [row.name for row in response.context["page"].roster.rows].count("Ana Núñez, MD") == 2
    own = browse(cast.ana).get(cast.policy.get_absolute_url())
    assert {one.coverage.pk for one in own.context["page"].own} == {cast.anas.pk, again.pk}
    assert gap in words(own)
    assert "nonpayment" not in words(own)
    assert len(own.context["page"].timeline.bars) == 2, "the drawing has the gap, too"


def test_a_coverage_that_goes_on_in_another_form_has_no_gap(cast, browse):
    Coverage.objects.filter(pk=cast.anas.pk).update(expires=days(-20))
    CoverageFactory(
        term=cast.term,
        insured=cast.anas.insured,
        effective=days(-20),
        form=Coverage.Form.OCCURRENCE,
        retroactive_date=None,
    )
    assert "Not covered" not in page_of(browse, cast.paula, cast.policy)


def test_the_database_chooses_the_segment_that_leads_as_the_rule_does(cast):
    term = TermFactory()

    def segments(*spans, **fields):
        insured = InsuredFactory()
        return [CoverageFactory(term=term, insured=insured, effective=a, expires=b, **fields) for a, b in spans]

    begin, end = term.effective, term.expires
    segments((begin, end))
    segments((begin, days(-10)), (days(-10), days(10)), (days(10), end))
    segments((days(10), days(20)), (days(20), end))
    segments((begin, days(-20)), (days(-10), end))
    parallel = segments((begin, days(-10)), (begin, days(-10)), (days(-10), end), (days(-10), days(30)))
    Coverage.objects.filter(pk=parallel[2].pk).update(continues=parallel[1])
    Coverage.objects.filter(pk=parallel[3].pk).update(continues=parallel[0])
    unnamed = segments((begin, days(-10)), (days(-10), end), (days(-10), days(5)))
    Coverage.objects.filter(pk=unnamed[2].pk).update(continues=unnamed[0])
    elsewhere = segments((begin, days(-10)), (days(-10), end))
    Coverage.objects.filter(pk=elsewhere[1].pk).update(continues=cast.anas)
    retired = segments((begin, days(-10)), (days(-10), end))
    Coverage.objects.filter(pk=retired[1].pk).update(retired_at=dt.datetime.now(dt.UTC))
    coverages = Coverage.objects.not_retired().filter(term=term)
    for on in (days(-60), days(-10), days(0), days(10), days(20), days(400)):
        by_rule = {one.pk for one in coverages if one.leads_on(on)}
        assert set(coverages.leading_on(on).values_list("pk", flat=True)) == by_rule
    assert coverages.leading_on(days(0)).count() == 11


def test_a_leave_says_the_days_without_cover_and_why(cast, browse):
    add(Suspension, cast.anas, starts=days(-5), ends=days(40), reason_code="leave")
    gone = add(Suspension, cast.anas, starts=days(100), ends=days(120), reason_code="leave")
    Suspension.objects.filter(pk=gone.pk).update(retired_at=dt.datetime.now(dt.UTC))
    for user in (cast.paula, cast.adam, cast.ana):
        page = page_of(browse, user, cast.policy)
        assert f"On leave, not covered until {day(days(40))}" in page
        assert f"Days not covered {day(days(-5))} – {day(days(40))} Leave of absence" in page
        assert day(days(100)) not in page
    assert "leave" not in page_of(browse, cast.ben, cast.policy), "a colleague's leave is nobody else's affair"


def test_a_leave_that_began_before_a_change_goes_on_after_it(cast, browse):
    add(Suspension, cast.anas, starts=days(-20), reason_code="other")
    change(cast.anas, days(-10), limit_per_claim=2000000, limit_aggregate=4000000)
    page = page_of(browse, cast.ana, cast.policy)
    assert "Suspended, not covered for now" in page
    assert f"From {day(days(-20))} until further notice Suspended" in page


def test_endorsements_are_the_rows_with_form_and_edition_and_the_old_text_only_without_any(cast, browse):
    add(Endorsement, cast.bens, form_number="LM-E-214", edition="01-26", title="Telemedicine", on_certificate=True)
    add(Endorsement, cast.bens, form_number="LM-E-280", title="Exclusion, bariatric surgery", effective=days(-30))
    for user in (cast.paula, cast.ben):
        page = page_of(browse, user, cast.policy)
        assert "LM-E-214 (01-26) Telemedicine Printed on certificates" in page
        assert f"LM-E-280 Exclusion, bariatric surgery Since {day(days(-30))}" in page
        assert "TM-2" not in page, "rows supersede the text"
    Endorsement.objects.update(retired_at=dt.datetime.now(dt.UTC))
    assert "Telemedicine TM-2" in page_of(browse, cast.paula, cast.policy)


def test_funds_prior_limits_and_extras_are_as_the_carrier_sends_them(cast, browse):
    add(FundEnrollment, cast.bens, fund="Medical Care Fund", form="claims_made", limits="$500,000", effective=days(-90))
    add(
        PriorLimit,
        cast.bens,
        incidents_before=dt.date(2024, 1, 1),
        limit_per_claim=Decimal(500000),
        limit_aggregate=Decimal("1500000.50"),
    )
    add(Extra, cast.bens, label="Cyber liability", limit="$100,000")
    for user in (cast.paula, cast.ben):
        page = page_of(browse, user, cast.policy)
        assert f"Medical Care Fund $500,000, claims-made, since {day(days(-90))}" in page
        assert "New York Excess Fund" not in page
        assert "$500,000 / $1,500,000.50 for incidents before Jan 1, 2024" in page
        assert "Additional benefits Cyber liability $100,000" in page


def test_the_cost_center_is_for_those_who_manage_the_policy(cast, browse):
    Coverage.objects.filter(pk=cast.anas.pk).update(
        cost_center="4471-OB", site="North campus", defense="inside", limits_shared_with="Riverbend Surgery, PC"
    )
    for user in (cast.paula, cast.adam, cast.ana):
        page = page_of(browse, user, cast.policy)
        assert "Practice site North campus" in page
        assert "Defense costs Inside the limits" in page
        assert "Limits shared with Riverbend Surgery, PC" in page
        assert ("4471-OB" in page) == (user != cast.ana)


@pytest.mark.parametrize(
    ("fields", "expires", "line"),
    [
        ({}, -5, "None on record"),
        ({"status": "offered", "decide_by": 20}, -5, "Offered 3 years; decide by {decide_by}"),
        ({"status": "offered", "decide_by": -2}, -5, "None on record"),
        ({"status": "elected"}, -5, "3 years Elected, payment pending"),
        ({"status": "paid", "starts": -5, "ends": 1000}, -5, "3 years Purchased, {starts} – {ends}"),
        ({"status": "declined"}, -5, "None on record"),
        ({"status": "declined"}, 90, None),
    ],
)
def test_the_tail_is_what_is_on_record(cast, browse, fields, expires, line):
    Coverage.objects.filter(pk=cast.anas.pk).update(expires=days(expires))
    dates = {name: days(value) for name, value in fields.items() if isinstance(value, int)}
    if fields:
        add(EreOffer, cast.anas, option="3y", **(fields | dates))
    expected = line and line.format(**{name: day(value) for name, value in dates.items()})
    for user in (cast.paula, cast.ana):
        page = page_of(browse, user, cast.policy)
        assert (f"Tail (extended reporting) {expected}" in page) if expected else ("Tail" not in page)
    Company.objects.update(services=["pay"])
    assert "Tail" not in page_of(browse, cast.paula, cast.policy), "the company's switch is off"


def test_a_term_that_was_renewed_needs_no_word_on_a_tail(cast, browse):
    before = TermFactory(policy=cast.policy, effective=days(-465), expires=cast.term.effective, status="expired")
    CoverageFactory(term=before, insured=cast.anas.insured)
    assert "Tail" not in page_of(browse, cast.ana, cast.policy)
    assert "Tail" not in page_of(browse, cast.paula, cast.policy, term=before.public_id)
    Policy.objects.filter(pk=cast.policy.pk).update(status="cancelled", cancellation_effective=days(-3))
    assert "None on record" in page_of(browse, cast.ana, cast.policy)
    Policy.objects.filter(pk=cast.policy.pk).update(replaced_by=PolicyFactory())
    assert "Tail" not in page_of(browse, cast.ana, cast.policy), "another policy continues it"


def test_an_occurrence_form_needs_no_tail(cast, browse):
    Coverage.objects.filter(pk=cast.bens.pk).update(expires=days(-5))
    assert "Tail (extended reporting) Not needed: occurrence form" in page_of(browse, cast.ben, cast.policy)


def test_a_reason_without_words_is_named_by_its_code(cast, browse):
    Policy.objects.filter(pk=cast.policy.pk).update(
        status="pending_cancellation", cancellation_effective=days(9), status_reason_code="nonpayment"
    )
    PolicyStatus.objects.create(policy=cast.policy, status="pending_cancellation", reason_code="insured_request")
    page = page_of(browse, cast.paula, cast.policy)
    assert "Reason: Nonpayment." in page
    assert "Insured’s request" in page
    assert "request" not in page_of(browse, cast.ana, cast.policy)


def test_an_ended_policy_leads_to_the_one_that_continues_it(cast, browse):
    after = PolicyFactory(number="MPL-900-1", policyholder=cast.policy.policyholder)
    Policy.objects.filter(pk=cast.policy.pk).update(replaced_by=after)
    assert "Continues under" not in page_of(browse, cast.paula, cast.policy), "it hasn't ended yet"
    Policy.objects.filter(pk=cast.policy.pk).update(status="cancelled", cancellation_effective=days(-3))
    response = browse(cast.paula).get(cast.policy.get_absolute_url())
    assert "Continues under Policy MPL-900-1" in words(response)
    assert after.get_absolute_url() in links(response)
    assert "MPL-900-1" not in page_of(browse, cast.ana, cast.policy), "she isn't insured on it"
    CoverageFactory(term=TermFactory(policy=after), insured=cast.anas.insured)
    assert "Continues under Policy MPL-900-1" in page_of(browse, cast.ana, cast.policy)
    Policy.objects.filter(pk=after.pk).update(policyholder=PolicyFactory().policyholder)
    response = browse(cast.paula).get(cast.policy.get_absolute_url())
    assert "Continues under Policy MPL-900-1" in words(response)
    assert after.get_absolute_url() not in links(response), "another's policy isn't linked"


def test_an_individual_who_holds_the_policy_sees_it_whole_with_the_facts(cast, browse):
    policy = cast.mias.term.policy
    holder_of(cast.olga, policy.policyholder)
    add(Endorsement, cast.mias, form_number="LM-E-236", edition="07-25", title="Part-time practice")
    for user in (cast.mia, cast.olga):
        page = page_of(browse, user, policy)
        assert "LM-E-236 (07-25) Part-time practice" in page
        assert "Create certificate for Mia Lund, MD" in page, "one person's coverage is a card, not a table"
    delegate_of(Membership.objects.get(user=cast.mia, role="policyholder"), cast.ben, "view_ere")
    assert "Create certificate" not in page_of(browse, cast.ben, policy), "a delegate does only what was given"
