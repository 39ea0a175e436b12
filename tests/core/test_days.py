"""Whose day it is: access goes by the named insured's day or the carrier's, never by the zone a user has chosen."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
import time_machine
from django.utils import timezone

from core.dates import carrier_today
from policies.models import AgentOfRecord, Coverage, Policy
from policies.models.reach import reach_of
from policies.rights import capabilities
from policies.roles import Capability
from tests.book import AgencyFactory, AgentOfRecordFactory, CoverageFactory, agent_at, holder_of, insured_by
from tests.factories import UserFactory

ROOT = Path(__file__).resolve().parent.parent.parent
APPS = (
    "accounts",
    "bench",
    "billing",
    "claims",
    "core",
    "credentialing",
    "demo",
    "feed",
    "policies",
    "portal",
    "seminars",
)
# Where a day is taken from the clock, and why it may be.
ALLOWED = {
    "core/dates.py": "the functions that everything else asks",
    "feed/management/commands/make_example_feed.py": "the day of an example, by hand",
    "bench/feed.py": "the day of a benchmark's data",
    "demo/data.py": "the day of the demo's data",
}
A_DAY_FROM_THE_CLOCK = re.compile(r"localdate|date\.today\(|now\(\)\.date\(|utcnow")


def test_no_code_takes_a_day_from_the_clock_but_through_core_dates() -> None:
    found = {
        str(path.relative_to(ROOT))
        for app in APPS
        for path in (ROOT / app).rglob("*.py")
        if "migrations" not in path.parts and A_DAY_FROM_THE_CLOCK.search(path.read_text())
    }
    assert found == set(ALLOWED), "use core.dates.carrier_today, or Policy.today where a policy is known"


SAMOA, KIRIBATI = "Pacific/Pago_Pago", "Pacific/Kiritimati"
DAY = dt.date(2031, 12, 1)
# Midnight at the carrier's and at the named insured's, in New York.
MIDNIGHT = dt.datetime(2031, 12, 1, 5, 0, tzinfo=dt.UTC)
BEFORE, AFTER = MIDNIGHT - dt.timedelta(hours=1), MIDNIGHT + dt.timedelta(hours=1)


@pytest.fixture(params=[SAMOA, KIRIBATI, "America/New_York"])
def zone(request: pytest.FixtureRequest) -> str:
    """Return the zone that the user has chosen for what they are shown."""
    return str(request.param)


def at(moment: dt.datetime) -> time_machine.travel:
    return time_machine.travel(moment, tick=False)


def test_the_carriers_day_is_the_same_whatever_zone_is_active(zone: str) -> None:
    with timezone.override(zone):
        with at(BEFORE):
            assert carrier_today() == DAY - dt.timedelta(days=1)
        with at(AFTER):
            assert carrier_today() == DAY


@pytest.mark.django_db
def test_an_agency_of_record_is_replaced_at_the_same_moment_in_every_zone(zone: str) -> None:
    policy = CoverageFactory.create().term.policy
    leaving, following = UserFactory.create(), UserFactory.create()
    for user, dates in ((leaving, {"ends": DAY}), (following, {"starts": DAY})):
        agency = AgencyFactory.create()
        AgentOfRecordFactory.create(policy=policy, agency=agency, **({"starts": dt.date(2020, 1, 1)} | dates))
        agent_at(user, agency, starts=dt.date(2020, 1, 1))
    for moment, serving, other in ((BEFORE, leaving, following), (AFTER, following, leaving)):
        with at(moment), timezone.override(zone):
            seen = Policy.objects.get(pk=policy.pk)
            assert Policy.objects.visible_to(serving).exists()
            assert not Policy.objects.visible_to(other).exists()
            assert Coverage.objects.visible_to(serving).exists()
            assert not Coverage.objects.visible_to(other).exists()
            assert Capability.VIEW_POLICY in capabilities(serving, seen)
            assert not capabilities(other, seen)
            (appointment,) = AgentOfRecord.objects.today()
            assert appointment.agency_id == serving.memberships.get().agency_id, "the producer on paper too"


@pytest.mark.django_db
def test_a_membership_begins_and_ends_at_the_same_moment_in_every_zone(zone: str) -> None:
    policy = CoverageFactory.create().term.policy
    leaving, joining = UserFactory.create(), UserFactory.create()
    holder_of(leaving, policy.policyholder, starts=dt.date(2020, 1, 1), ends=DAY)
    holder_of(joining, policy.policyholder, starts=DAY)
    for moment, inside, outside in ((BEFORE, leaving, joining), (AFTER, joining, leaving)):
        with at(moment), timezone.override(zone):
            assert Policy.objects.visible_to(inside).exists()
            assert not Policy.objects.visible_to(outside).exists()
            assert reach_of(inside)
            assert not reach_of(outside)


@pytest.mark.django_db
def test_current_access_becomes_historic_on_the_named_insureds_day(zone: str) -> None:
    coverage = CoverageFactory.create(term__effective=dt.date(2031, 1, 1), term__expires=DAY)
    policy = coverage.term.policy
    Policy.objects.filter(pk=policy.pk).update(status=Policy.Status.NONRENEWED)
    policy.policyholder.state = "HI"
    policy.policyholder.save()
    user = UserFactory.create()
    insured_by(user, coverage.insured, starts=dt.date(2020, 1, 1))
    honolulu = dt.timedelta(hours=5)
    for moment, current in ((BEFORE + honolulu, True), (AFTER + honolulu, False)):
        with at(moment), timezone.override(zone):
            found = capabilities(user, Policy.objects.get(pk=policy.pk))
            assert (Capability.REQUEST_HOLDER in found) is current
            assert Capability.CREATE_PACKET in found
