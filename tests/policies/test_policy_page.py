"""A policy's page: its status, its terms, and the coverages that the viewer may see."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from core.templatetags.show import day, day_long
from policies.models import AgentOfRecord, Coverage, Insured, Membership, Policy, PolicyStatus, Term
from tests.book import (
    AgencyFactory,
    AgentOfRecordFactory,
    CoverageFactory,
    InsuredFactory,
    TermFactory,
    days,
    holder_of,
)
from tests.reading import links, words

pytestmark = pytest.mark.django_db


def issue(coverage):
    return reverse("credentialing:issue", args=[coverage.public_id])


def test_the_first_lines_say_which_policy_it_is_and_until_when_it_is_in_force(cast, browse):
    page = words(browse(cast.paula).get(cast.policy.get_absolute_url()))
    assert "Policy MPL-204-118832 · Physicians Riverbend Medical Group In force until" in page
    assert f"In force until {day_long(cast.term.expires)}" in page


@pytest.mark.parametrize("who", ["mia", "olga", "support"])
def test_another_customers_policy_is_not_there(cast, browse, who):
    assert browse(getattr(cast, who)).get(cast.policy.get_absolute_url()).status_code == 404


def test_a_made_up_address_is_not_there(cast, browse):
    assert browse(cast.paula).get(reverse("policies:policy", args=["A" * 22])).status_code == 404


def test_a_manager_sees_everyone_with_form_date_limits_and_a_way_to_each_certificate(cast, browse):
    response = browse(cast.paula).get(cast.policy.get_absolute_url())
    page = words(response)
    assert "Ana Núñez, MD" in page
    assert "July 1, 2015 $1,000,000 / $3,000,000 per claim / aggregate Certificate for Ana Núñez, MD" in page
    assert "N/A – occurrence $1,000,000 / $3,000,000 per occurrence / aggregate, shared, deductible $5,000" in page
    for line in ("New York Excess Fund $1,000,000 above the primary limits", "Telemedicine TM-2", "Moonlighting MX-1"):
        assert line in page
    assert {issue(cast.anas), issue(cast.bens)} <= set(links(response))


@pytest.mark.parametrize(
    ("fund", "endorsements", "label"),
    [
        ("New York Excess Fund", "Telemedicine TM-2; Moonlighting MX-1", "Fund and 2 endorsements"),
        ("New York Excess Fund", "", "Fund"),
        ("", "Telemedicine TM-2", "1 endorsement"),
        ("", "", None),
    ],
)
def test_what_a_row_opens_to_is_named_by_what_there_is(cast, browse, fund, endorsements, label):
    Coverage.objects.filter(term=cast.term).update(fund="", fund_limits="", endorsement_text="")
    Coverage.objects.filter(pk=cast.anas.pk).update(fund=fund, endorsement_text=endorsements)
    page = browse(cast.paula).get(cast.policy.get_absolute_url()).content.decode()
    assert re.findall(r'<details class="more small"><summary>([^<]*)<', page) == ([label] if label else [])


def test_what_a_row_says_is_escaped(cast, browse):
    Insured.objects.filter(pk=cast.anas.insured_id).update(last_name="<b>Núñez & Co", credential="")
    Coverage.objects.filter(pk=cast.anas.pk).update(specialty="'Heart' <i>", scope="<u>", ended_reason="A & B")
    page = browse(cast.paula).get(cast.policy.get_absolute_url()).content.decode()
    rows = page.partition("<tbody>")[2].partition("</tbody>")[0]
    assert rows.count("Ana &lt;b&gt;Núñez &amp; Co") == 4, (
        "her name, and whose details, certificate, and facts they are"
    )
    assert "&#x27;Heart&#x27; &lt;i&gt; · Ended: A &amp; B" in rows
    assert "<dd>&lt;u&gt;</dd>" in rows
    assert not any(tag in rows for tag in ("<b>", "<i>", "<u>"))


def test_full_prior_acts_are_named(cast, browse):
    Coverage.objects.filter(pk=cast.anas.pk).update(full_prior_acts=True, retroactive_date=None)
    assert "Full prior acts" in words(browse(cast.paula).get(cast.policy.get_absolute_url()))


def test_an_insured_sees_her_own_coverage_and_no_roster_premium_agent_or_history(cast, browse):
    response = browse(cast.ana).get(cast.policy.get_absolute_url())
    page = words(response)
    assert "Your coverage" in page
    assert "$1,000,000 per claim $3,000,000 annual aggregate" in page
    assert "Retroactive date July 1, 2015" in page
    for hidden in (
        "Okafor",
        "$184,200",
        "Harborlight",
        "Coverage and insureds",
        "Policy history",
        "Status changes",
        "New business",
    ):
        assert hidden not in page
    assert issue(cast.anas) in links(response)
    assert issue(cast.bens) not in links(response)


def test_an_insured_sees_her_coverage_over_the_years_with_a_letter_for_what_is_past(cast, browse):
    before = TermFactory(
        policy=cast.policy, effective=days(-465), expires=cast.term.effective, status=Term.Status.EXPIRED
    )
    past = CoverageFactory(term=before, insured=cast.anas.insured)
    TermFactory(policy=cast.policy, effective=days(-830), expires=days(-465), status=Term.Status.EXPIRED)
    response = browse(cast.ana).get(cast.policy.get_absolute_url())
    page = words(response)
    assert f"{day(before.effective)} – {day(before.expires)} Expired" in page
    assert "Letter for" in page
    assert issue(past) in links(response)
    assert "2 terms from" in response.content.decode(), "a term that she wasn't insured in isn't drawn"


def test_terms_are_listed_and_each_shows_its_own_roster(cast, browse):
    gone = InsuredFactory(first_name="Gus", last_name="Former")
    before = TermFactory(
        policy=cast.policy, effective=days(-465), expires=cast.term.effective, status=Term.Status.EXPIRED
    )
    CoverageFactory(term=before, insured=gone)
    TermFactory(
        policy=cast.policy,
        effective=cast.term.expires,
        expires=days(630),
        status=Term.Status.OFFERED,
        offer_expires=days(250),
        premium=Decimal("191400.00"),
    )
    client = browse(cast.paula)
    page = words(client.get(cast.policy.get_absolute_url()))
    assert "Former" not in page
    for text in ("Current term", "Previous term", "Renewal", "$191,400", f"open until {day(days(250))}"):
        assert text in page
    assert f"Renewal offer open until {day_long(days(250))}" in page
    old = client.get(cast.policy.get_absolute_url(), {"term": before.public_id})
    assert "Gus Former, MD" in words(old)
    assert "Letter for Gus Former, MD" in words(old)
    assert "Núñez" not in words(old)


def test_an_offered_term_has_a_roster_but_no_certificates(cast, browse):
    renewal = TermFactory(
        policy=cast.policy, effective=cast.term.expires, expires=days(630), status=Term.Status.OFFERED
    )
    offered = CoverageFactory(term=renewal, insured=cast.anas.insured)
    response = browse(cast.paula).get(cast.policy.get_absolute_url(), {"term": renewal.public_id})
    assert "Ana Núñez, MD" in words(response)
    assert issue(offered) not in links(response)


def test_a_term_of_another_policy_is_not_there(cast, browse):
    response = browse(cast.paula).get(cast.policy.get_absolute_url(), {"term": cast.olgas.term.public_id})
    assert response.status_code == 404


def test_who_left_in_the_middle_of_a_term_is_listed_with_dates_and_reason(cast, browse):
    Coverage.objects.filter(pk=cast.bens.pk).update(expires=days(-10), ended_reason="Left the group")
    page = words(browse(cast.paula).get(cast.policy.get_absolute_url()))
    assert f"{day(cast.bens.effective)} – {day(days(-10))} · Ended: left the group" in page
    assert "Letter for Ben Okafor, MD" in page


def test_a_large_roster_is_paged_and_searched_by_the_beginning_of_a_name(cast, browse):
    for serial in range(45):
        insured = InsuredFactory(first_name="Kim", last_name=f"Person{serial:02}")
        CoverageFactory(term=cast.term, insured=insured)
    client, address = browse(cast.paula), cast.policy.get_absolute_url()
    names, href, pages = [], "", 0
    while True:
        response = client.get(address + href)
        roster = response.context["page"].roster
        names += [row.name for row in roster.rows]
        pages += 1
        href = roster.page.next_href
        if not href:
            break
    assert pages == 3
    assert len(names) == len(set(names)) == 47
    assert names == sorted(names, key=lambda name: name.removesuffix(", MD").split()[::-1])
    found = client.get(address, {"q": "person0 kim"}).context["page"].roster
    assert [row.name for row in found.rows] == [f"Kim Person{serial:02}, MD" for serial in range(10)]
    assert "No insureds found" in words(client.get(address, {"q": "zzz"}))
    assert "No insureds found" in words(client.get(address, {"q": "---"}))


def test_a_pending_cancellation_shows_day_and_amount_to_a_manager_and_the_day_to_an_insured(cast, browse):
    Policy.objects.filter(pk=cast.policy.pk).update(
        status=Policy.Status.PENDING_CANCELLATION,
        cancellation_effective=days(18),
        cure_amount=Decimal("1240.00"),
        status_reason="Non-payment of premium",
    )
    for user in (cast.paula, cast.adam):
        page = words(browse(user).get(cast.policy.get_absolute_url()))
        assert f"Pending cancellation effective {day_long(days(18))}" in page
        assert f"To keep it in force, pay $1,240 before {day_long(days(18))}." in page
    page = words(browse(cast.ana).get(cast.policy.get_absolute_url()))
    assert f"This policy will be cancelled on {day_long(days(18))}" in page
    assert "$1,240" not in page


def test_a_cancelled_policy_says_when_and_gives_letters(cast, browse):
    Policy.objects.filter(pk=cast.policy.pk).update(
        status=Policy.Status.CANCELLED, cancellation_effective=days(-5), status_date=days(-5)
    )
    page = words(browse(cast.paula).get(cast.policy.get_absolute_url()))
    assert f"Cancelled on {day_long(days(-5))}" in page
    assert "Letter for Ana Núñez, MD" in page
    assert "Certificate for" not in page
    assert "Create letter of past coverage" in words(browse(cast.ana).get(cast.policy.get_absolute_url()))


def test_agents_of_record_and_the_history_of_the_status_are_shown(cast, browse):
    AgentOfRecordFactory(
        policy=cast.policy, agency=AgencyFactory(name="Old Mill Brokers"), starts=days(-900), ends=days(-365)
    )
    PolicyStatus.objects.create(
        policy=cast.policy, status=Policy.Status.CANCELLED, status_date=days(-500), reason="Lapse"
    )
    page = words(browse(cast.paula).get(cast.policy.get_absolute_url()))
    assert "Agent of record Harborlight Insurance Agency (860) 555-0133" in page
    assert f"Old Mill Brokers {AgentOfRecord.objects.get(agency__name='Old Mill Brokers').agency.producer_code}" in page
    assert f"Cancelled {day(days(-500))} Lapse" in page
    assert f"In force {day(days(-465))} New business" in page


def test_a_former_agent_sees_nothing_from_the_day_on_which_another_takes_over(cast, browse):
    client = browse(cast.adam)
    assert client.get(cast.policy.get_absolute_url()).status_code == 200
    AgentOfRecord.objects.filter(policy=cast.policy).update(ends=timezone.localdate())
    assert client.get(cast.policy.get_absolute_url()).status_code == 404


def test_a_revoked_representative_sees_nothing_in_her_open_session(cast, browse):
    client = browse(cast.paula)
    assert client.get(cast.policy.get_absolute_url()).status_code == 200
    Membership.objects.get(user=cast.paula).revoke(by=cast.support, reason="left")
    assert client.get(cast.policy.get_absolute_url()).status_code == 404


def test_who_is_insured_and_represents_the_group_sees_it_whole(cast, browse):
    holder_of(cast.ana, cast.policy.policyholder)
    page = words(browse(cast.ana).get(cast.policy.get_absolute_url()))
    assert "Ben Okafor, MD" in page
    assert "$184,200" in page


def test_the_drawing_of_terms_has_a_name_a_description_and_the_same_as_a_table(cast, browse):
    client = browse(cast.paula)
    alone = client.get(cast.policy.get_absolute_url()).content.decode()
    assert "timeline-title" not in alone, "one bar says nothing"
    assert 'aria-labelledby="terms"' in alone
    before = TermFactory(
        policy=cast.policy, effective=days(-465), expires=cast.term.effective, status=Term.Status.EXPIRED
    )
    body = client.get(cast.policy.get_absolute_url()).content.decode()
    assert '<svg width="100%" height="74" role="img" aria-labelledby="timeline-title timeline-text">' in body
    assert f"2 terms from {day(before.effective)} to {day(cast.term.expires)}" in body
    assert 'aria-labelledby="terms"' in body


def test_a_policy_without_terms_says_so(cast, browse):
    Coverage.objects.filter(term=cast.term).delete()
    cast.term.delete()
    page = words(browse(cast.paula).get(cast.policy.get_absolute_url()))
    assert "No term of this policy is on file" in page


@pytest.mark.parametrize("who", ["ana", "paula", "adam", "mia"])
def test_a_page_costs_at_most_ten_queries_however_long_the_roster(cast, browse, who, django_assert_max_num_queries):
    policy = cast.mias.term.policy if who == "mia" else cast.policy
    for serial in range(30):
        insured = InsuredFactory(first_name="Kim", last_name=f"Person{serial:02}")
        CoverageFactory(term=cast.term, insured=insured)
    client = browse(getattr(cast, who))
    client.get(policy.get_absolute_url())
    with CaptureQueriesContext(connection) as queries:
        assert client.get(policy.get_absolute_url()).status_code == 200
    assert len(queries) <= 10, [query["sql"][:120] for query in queries.captured_queries]


def test_dates_are_those_of_the_named_insureds_place(cast, browse, time_machine):
    """At 6 a.m. UTC it is still the day before in Hawaii: the term that begins on the 1st isn't in force there yet."""
    cast.policy.policyholder.state = "HI"
    cast.policy.policyholder.save()
    year = days(400).year
    start, end = dt.date(year, 1, 1), dt.date(year + 1, 1, 1)
    Term.objects.filter(pk=cast.term.pk).update(effective=start, expires=end)
    Coverage.objects.filter(term=cast.term).update(effective=start, expires=end)
    time_machine.move_to(dt.datetime(year, 1, 1, 6, 0, tzinfo=dt.UTC), tick=False)
    assert f"Upcoming from January 1, {year}" in words(browse(cast.paula).get(cast.policy.get_absolute_url()))
    time_machine.move_to(dt.datetime(year, 1, 1, 11, 0, tzinfo=dt.UTC), tick=False)
    assert f"In force until January 1, {year + 1}" in words(browse(cast.paula).get(cast.policy.get_absolute_url()))


def cancelling(policy, **fields):
    """Set a pending cancellation whose reason only the carrier and the policyholder may know."""
    changed = {
        "status": Policy.Status.PENDING_CANCELLATION,
        "cancellation_effective": days(18),
        "status_date": days(-2),
        "cure_amount": Decimal("1240.00"),
        "status_reason": "Non-payment of premium",
    }
    Policy.objects.filter(pk=policy.pk).update(**(changed | fields))
    PolicyStatus.objects.create(
        policy=policy, status=Policy.Status.PENDING_CANCELLATION, status_date=days(-2), reason="Non-payment of premium"
    )


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"status": "cancelled", "cancellation_effective": days(-5)},
        {"status": "cancelled", "cancellation_effective": days(5)},
        {"status": "nonrenewed", "cancellation_effective": None},
    ],
)
def test_who_left_a_group_sees_her_own_coverage_and_nothing_of_what_came_later(cast, browse, fields):
    Coverage.objects.filter(pk=cast.bens.pk).update(expires=days(-40), ended_reason="Performance")
    cancelling(cast.policy, **fields)
    renewal = TermFactory(policy=cast.policy, effective=cast.term.expires, expires=days(630))
    CoverageFactory(term=renewal, insured=cast.anas.insured)
    response = browse(cast.ben).get(cast.policy.get_absolute_url())
    page = words(response)
    assert f"Your coverage ended on {day_long(days(-40))}" in page
    assert "Create letter of past coverage" in page
    assert f"{day(cast.bens.effective)} – {day(days(-40))}" in page
    assert "Claims-made Expired" in page or "Occurrence Expired" in page
    for hidden in ("ancel", "premium", "$1,240", "renew", "Performance", day(renewal.expires), day_long(days(18))):
        assert hidden not in page.replace("© Larkfield", ""), hidden
    assert browse(cast.ben).get(cast.policy.get_absolute_url(), {"term": renewal.public_id}).status_code == 404


def test_a_current_insured_of_a_group_sees_the_day_but_never_the_reason_nor_what_is_owed(cast, browse):
    cancelling(cast.policy)
    Coverage.objects.filter(pk=cast.anas.pk).update(ended_reason="Premium not paid")
    page = words(browse(cast.ana).get(cast.policy.get_absolute_url()))
    assert f"This policy will be cancelled on {day_long(days(18))}" in page
    for hidden in ("payment", "Premium", "premium", "$1,240", "Reason"):
        assert hidden not in page
    for user in (cast.paula, cast.adam):
        page = words(browse(user).get(cast.policy.get_absolute_url()))
        assert "Reason: Non-payment of premium." in page


def test_the_agent_of_record_of_a_policy_that_is_over_is_not_said_to_go_on(cast, browse):
    client = browse(cast.paula)
    assert "Present" in words(client.get(cast.policy.get_absolute_url()))
    Policy.objects.filter(pk=cast.policy.pk).update(
        status=Policy.Status.CANCELLED, cancellation_effective=days(-5), status_date=days(-5)
    )
    page = words(client.get(cast.policy.get_absolute_url()))
    assert "Present" not in page
    appointment = AgentOfRecord.objects.get(policy=cast.policy)
    assert f"{appointment.agency.producer_code} {day(appointment.starts)} {day(days(-5))}" in page


def test_a_declined_renewal_is_said_with_the_end_of_the_coverage(cast, browse):
    TermFactory(policy=cast.policy, effective=cast.term.expires, expires=days(630), status=Term.Status.DECLINED)
    page = words(browse(cast.adam).get(cast.policy.get_absolute_url()))
    assert f"The renewal offer was declined Coverage ends {day_long(cast.term.expires)}." in page
    assert "no renewal on file" not in page
