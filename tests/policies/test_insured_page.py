"""An insured's page: coverage over the years with us and with others, gaps, leave, and licenses."""

from __future__ import annotations

import datetime as dt
from itertools import count

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.templatetags.show import day, day_long
from policies.models import AgentOfRecord, Coverage, PriorCoverage, Suspension
from tests.book import CoverageFactory, InsuredFactory, LicenseFactory, PolicyFactory, TermFactory, days, insured_by
from tests.reading import links, words

pytestmark = pytest.mark.django_db
_number = count()


@pytest.fixture
def ana(cast):
    """Ana's coverage: years with another carrier, two months with none, a year with us, and the term in force."""
    insured = cast.anas.insured
    PriorCoverage.objects.create(
        source="core",
        external_id=f"P{next(_number)}",
        insured=insured,
        carrier="Old Harbor Mutual",
        policy_number="OH-77",
        form="claims_made",
        effective=days(-1625),
        expires=days(-530),
        retroactive_date=dt.date(2011, 5, 1),
    )
    before = TermFactory(policy=cast.policy, effective=days(-470), expires=cast.term.effective, status="expired")
    CoverageFactory(term=before, insured=insured)
    LicenseFactory(insured=insured, state="NY", number="210777", expires=days(0))
    LicenseFactory(insured=insured, state="CT", number="51515", expires=days(-1))
    return insured


def page_of(browse, user, insured):
    return words(browse(user).get(insured.get_absolute_url()))


def test_coverage_over_the_years_has_prior_carriers_and_flags_the_gap(cast, browse, ana):
    response = browse(cast.ana).get(ana.get_absolute_url())
    page = words(response)
    assert f"Ana Núñez, MD In force until {day_long(cast.term.expires)}" in page
    assert (
        f"{day(days(-1625))} – {day(days(-530))} Other carrier Claims-made Old Harbor Mutual OH-77 May 1, 2011" in page
    )
    assert f"{day(days(-530))} – {day(days(-470))} No coverage on record 60 days" in page
    kinds = [bar.kind for bar in response.context["page"].timeline.bars]
    assert kinds == ["prior", "gap", "past", "current"]
    assert response.context["page"].timeline.retroactive_label == "Retroactive dates May 1, 2011; Jul 1, 2015"
    assert "Coverage with other carriers is as it was reported to us." in page
    assert 'role="img"' in response.content.decode()
    assert "Coverage over the years" in response.content.decode()


@pytest.mark.parametrize(
    ("fields", "is_gap"),
    [
        ({}, False),
        ({"part": "entity"}, False),
        ({"part": "general"}, True),
        ({"effective": -529}, True),
        ({"term": "declined"}, True),
    ],
)
def test_a_gap_is_days_without_professional_or_entity_coverage_on_any_policy(cast, browse, ana, fields, is_gap):
    starts = days(fields.get("effective", -530))
    term = TermFactory(effective=starts, expires=days(-470), status=fields.get("term", "expired"))
    CoverageFactory(term=term, insured=ana, part=fields.get("part", "professional"))
    assert ("No coverage on record" in [bar.title.split(":")[0] for bar in _bars(browse, cast.ana, ana)]) == is_gap


def _bars(browse, user, insured):
    return browse(user).get(insured.get_absolute_url()).context["page"].timeline.bars


def test_leave_isnt_a_gap_and_is_listed_apart(cast, browse, ana):
    leave = {"starts": days(-90), "ends": days(-60), "reason_code": "leave"}
    Suspension.objects.create(source="core", external_id="S1", coverage=cast.anas, **leave)
    page = page_of(browse, cast.ana, ana)
    listed = f"{day(days(-90))} – {day(days(-60))} · Leave of absence"
    assert listed in page.split("Days not covered Professional services")[1]
    assert page.count("No coverage on record 60 days") == 1
    assert "On leave, not covered" not in page, "it is over"
    assert "30 days" not in page
    Suspension.objects.update(ends=days(1))
    until = f"In force until {day_long(cast.term.expires)} On leave, not covered until {day(days(1))}."
    assert until in page_of(browse, cast.ana, ana)
    assert [bar.kind for bar in _bars(browse, cast.ana, ana)][-1] == "leave"


def test_licenses_are_listed_and_one_that_has_expired_says_so(cast, browse, ana):
    page = page_of(browse, cast.ana, ana)
    assert f"CT 51515 {day(days(-1))} Expired" in page
    assert f"NY 210777 {day(days(0))}" in page
    assert f"NY 210777 {day(days(0))} Expired" not in page, "good through its last day"
    entity = InsuredFactory(entity=True, name="Núñez Practice, PC")
    CoverageFactory(term=cast.term, insured=entity, part=Coverage.Part.ENTITY)
    assert "Licenses" not in page_of(browse, cast.paula, entity)


def test_a_group_and_its_agent_see_only_what_is_on_their_policies_and_no_gaps(cast, browse, ana):
    elsewhere = CoverageFactory(term=TermFactory(policy=PolicyFactory(number="MPL-555")), insured=ana)
    assert "MPL-555" in page_of(browse, cast.ana, ana)
    for user in (cast.paula, cast.adam):
        response = browse(user).get(ana.get_absolute_url())
        page = words(response)
        assert "Old Harbor Mutual" in page
        assert "NY 210777" in page
        assert "MPL-555" not in page
        assert elsewhere.term.policy.get_absolute_url() not in links(response)
        assert "No coverage on record" not in page, "they don't see whether she was covered elsewhere"
    roster = browse(cast.paula).get(cast.policy.get_absolute_url())
    assert ana.get_absolute_url() in links(roster)


@pytest.mark.parametrize("who", ["ben", "mia", "olga", "support"])
def test_nobody_elses_page_is_there(cast, browse, ana, who):
    assert browse(getattr(cast, who)).get(ana.get_absolute_url()).status_code == 404


def test_a_former_agent_sees_nothing(cast, browse, ana):
    AgentOfRecord.objects.filter(policy=cast.policy).update(ends=days(0))
    assert browse(cast.adam).get(ana.get_absolute_url()).status_code == 404


def test_who_left_learns_no_reason_and_nothing_of_what_came_later(cast, browse, ana):
    Coverage.objects.filter(pk=cast.anas.pk).update(
        expires=days(-40), ended_reason="Performance", cost_center="4471-OB"
    )
    later = TermFactory(policy=cast.policy, effective=cast.term.expires, expires=days(630))
    CoverageFactory(term=later, insured=cast.bens.insured)
    page = page_of(browse, cast.ana, ana)
    assert f"{day(cast.term.effective)} – {day(days(-40))} Expired" in page
    for hidden in ("Performance", "4471-OB", day(later.expires)):
        assert hidden not in page


def test_the_page_asks_as_much_for_many_policies_as_for_one(cast, browse, ana):
    def asked():
        client = browse(cast.ana)
        client.get(ana.get_absolute_url())
        with CaptureQueriesContext(connection) as queries:
            assert client.get(ana.get_absolute_url()).status_code == 200
        return len(queries)

    few = asked()
    for serial in range(4):
        CoverageFactory(term=TermFactory(policy=PolicyFactory(number=f"MANY-{serial}")), insured=ana)
    assert asked() == few <= 9


def test_one_who_is_insured_twice_over_has_a_page_for_each(cast, browse, ana):
    insured_by(cast.ana, cast.bens.insured)
    for insured in (ana, cast.bens.insured):
        assert browse(cast.ana).get(insured.get_absolute_url()).status_code == 200
