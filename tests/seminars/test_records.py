"""Seminars, attendance, and premium credits: who sees them, and what counts (docs/feed-format.md#seminars)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction
from django.utils import timezone

from policies.models import Policy
from policies.roles import Capability
from seminars.models import Attendance, PremiumCredit, Seminar
from seminars.moments import moment, moment_fault, zone_fault
from tests.book import TermFactory, days, delegate_of
from tests.cast import Cast, make_cast
from tests.factories import UserFactory
from tests.on_file import AttendanceFactory, PremiumCreditFactory, SeminarFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def seen(cast: Cast) -> Callable[[Any], set[str]]:
    """Whose attendance a user sees: Ana's, Ben's, a participant's, one of Ana's and one of Olga's without a policy."""
    ana, policy = cast.anas.insured, cast.policy
    rows = {
        "ana": AttendanceFactory.create(insured=ana, policy=policy),
        "ben": AttendanceFactory.create(insured=cast.bens.insured, policy=policy),
        "nurse": AttendanceFactory.create(insured=None, participant="Noor Aziz", policy=policy),
        "anas without policy": AttendanceFactory.create(insured=ana, policy=None),
        "olga": AttendanceFactory.create(insured=cast.olgas.insured, policy=None),
    }

    def whose(user: Any) -> set[str]:
        found = set(Attendance.objects.visible_to(user))
        return {name for name, row in rows.items() if row in found}

    return whose


def test_activity_is_ones_own_or_of_ones_policies(cast: Cast, seen: Callable[[Any], set[str]]) -> None:
    everyone = {"ana", "ben", "nurse", "anas without policy"}
    assert seen(cast.ana) == {"ana", "anas without policy"}
    assert seen(cast.ben) == {"ben"}
    assert (seen(cast.paula), seen(cast.adam)) == (everyone, everyone)
    assert seen(cast.olga) == {"olga"}
    assert (seen(cast.mia), seen(cast.support), seen(AnonymousUser())) == (set(), set(), set())


def test_activity_without_a_policy_is_the_groups_only_while_it_covers_the_person(
    cast: Cast, seen: Callable[[Any], set[str]]
) -> None:
    cast.anas.expires = days(0)
    cast.anas.save()
    assert seen(cast.paula) == {"ana", "ben", "nurse"}
    assert seen(cast.ana) == {"ana", "anas without policy"}


def test_a_delegate_sees_activity_if_given_the_right(cast: Cast, seen: Callable[[Any], set[str]]) -> None:
    place = cast.paula.memberships.get()
    dana, noor = UserFactory.create(), UserFactory.create()
    delegate_of(place, dana, Capability.VIEW_SEMINAR_ACTIVITY)
    delegate_of(place, noor)
    assert "ben" in seen(dana)
    assert seen(noor) == set()


def test_premium_credits_are_ones_own_or_of_ones_policies(cast: Cast) -> None:
    anas = PremiumCreditFactory.create(insured=cast.anas.insured, term=cast.term)
    bens = PremiumCreditFactory.create(insured=cast.bens.insured, term=cast.term)
    PremiumCreditFactory.create(insured=cast.anas.insured, term=TermFactory(), retired_at=timezone.now())
    found = {who: set(PremiumCredit.objects.visible_to(getattr(cast, who))) for who in ("ana", "paula", "adam", "olga")}
    assert found == {"ana": {anas}, "paula": {anas, bens}, "adam": {anas, bens}, "olga": set()}


def test_the_catalog_is_for_customers(cast: Cast) -> None:
    course = SeminarFactory.create()
    SeminarFactory.create(retired_at=timezone.now())
    assert list(Seminar.objects.visible_to(cast.ana)) == [course]
    assert not Seminar.objects.visible_to(cast.support).exists()
    assert not Seminar.objects.visible_to(AnonymousUser()).exists()  # type: ignore[arg-type]


def test_a_course_without_programs_is_for_all() -> None:
    everyones = SeminarFactory.create()
    dental = SeminarFactory.create(programs=[Policy.Program.DENTAL, Policy.Program.ALLIED])
    assert set(Seminar.objects.for_program(Policy.Program.DENTAL)) == {everyones, dental}
    assert set(Seminar.objects.for_program(Policy.Program.PHYSICIANS)) == {everyones}


def test_only_completed_rows_count_and_the_others_hold_seats() -> None:
    done = AttendanceFactory.create()
    seat = AttendanceFactory.create(seminar=done.seminar, completed=None)
    AttendanceFactory.create(seminar=done.seminar, completed=None, retired_at=timezone.now())
    assert (list(Attendance.objects.completed()), done.seminar.seats_taken) == ([done], 1)
    assert seat in Attendance.objects.seats()


def test_someone_attended() -> None:
    assert AttendanceFactory.create(insured=None, participant="Noor Aziz").name == "Noor Aziz"
    with pytest.raises(IntegrityError), transaction.atomic():
        AttendanceFactory.create(insured=None)
    assert Attendance.objects.count() == 1


@pytest.mark.parametrize(
    ("text", "zone", "utc"),
    [
        ("2026-03-12T18:00", "America/New_York", "2026-03-12T22:00:00+00:00"),
        ("2026-01-12T18:00:30", "America/New_York", "2026-01-12T23:00:30+00:00"),
        ("2026-03-12", "America/Chicago", "2026-03-12T05:00:00+00:00"),
        # An offset counts, whatever the zone.
        ("2026-03-12T18:00:00Z", "America/New_York", "2026-03-12T18:00:00+00:00"),
        ("2026-03-12T18:00-07:00", "", "2026-03-13T01:00:00+00:00"),
        ("2026-03-12T18:00", "", ""),
        ("2026-03-12T18:00", "America/Gotham", ""),
        ("", "America/New_York", ""),
        ("2026-02-30", "America/New_York", ""),
        ("0026-03-12", "America/New_York", ""),
        ("2026-03-12 18:00", "America/New_York", ""),
    ],
)
def test_a_local_time_and_its_zone_are_a_moment(text: str, zone: str, utc: str) -> None:
    assert moment(text, zone) == utc


def test_what_is_wrong_with_a_time_or_a_zone_is_said() -> None:
    assert moment_fault("2026-03-12T18:00") == zone_fault("America/New_York") == ""
    assert moment_fault("2026-02-30") == (
        "‘2026-02-30’ isn't a date, or a date and time such as ‘2026-11-20T18:00’, from 1950 to 2299."
    )
    assert zone_fault("America/Gotham") == "timezone ‘America/Gotham’ isn't in the IANA time zone database."
