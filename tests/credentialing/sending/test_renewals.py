"""Each standing holder gets the certificate of a bound renewal in time, once (B-03)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django import Settings

from core import outbox
from core.areas import beat_schedule
from core.models import Event, OutboxMessage
from core.tasks import requeue_lost
from credentialing.models import CarrierHolder, Certificate, Delivery, StandingIssue
from credentialing.sending import mailing, renewals, standing
from credentialing.tasks import find_due_renewals
from policies.feed import transitions
from policies.models import Coverage, Term
from tests.book import CoverageFactory, TermFactory, days
from tests.cast import Cast
from tests.credentialing.conftest import make_printable_cast
from tests.credentialing.helpers import a_holder
from tests.credentialing.holders import a_standing_holder
from tests.helpers import at_once
from tests.on_file import CarrierHolderFactory, StandingHolderFactory

pytestmark = pytest.mark.django_db
State = Delivery.Status
HOSPITAL = "office@aldhelm.example"


def renewed(cast: Cast, *, begins: int = 40) -> Term:
    """Return the group's next term, bound, with Ana and Ben."""
    Term.objects.filter(pk=cast.term.pk).update(effective=days(begins - 365), expires=days(begins))
    Coverage.objects.filter(term=cast.term).update(effective=days(begins - 365), expires=days(begins))
    term: Term = TermFactory.create(policy=cast.policy, effective=days(begins), expires=days(begins + 365))
    for coverage in (cast.anas, cast.bens):
        CoverageFactory.create(term=term, insured=coverage.insured, continues=None)
    return term


@pytest.fixture
def hospital(cast: Cast) -> CarrierHolder:
    """Return a holder on file that gets the certificates of everyone on the group's policy."""
    holder: CarrierHolder = CarrierHolderFactory.create(name="Saint Aldhelm Medical Center", email=HOSPITAL)
    StandingHolderFactory.create(policy=cast.policy, holder=holder)
    return holder


def work_off() -> None:
    """Let workers do what waits."""
    for row in StandingIssue.objects.filter(status=StandingIssue.Status.QUEUED).order_by("pk"):
        StandingIssue.objects.filter(pk=row.pk).update(is_enqueued=True)
        standing.issue(row.pk)
    for delivery in Delivery.objects.filter(status=State.QUEUED).order_by("pk"):
        Delivery.objects.filter(pk=delivery.pk).update(is_enqueued=True)
        mailing.deliver(delivery.pk)


def tomorrow() -> None:
    """Let a day go by for what was looked for today."""
    for row in StandingIssue.objects.all():
        StandingIssue.objects.filter(pk=row.pk).update(key=f"{row.key}, the day before")


def test_each_standing_holder_gets_each_new_certificate_once(cast: Cast, hospital: CarrierHolder) -> None:
    term = renewed(cast)
    assert renewals.find_due() == 1
    assert renewals.find_due() == 0
    work_off()
    (message,) = mail.outbox
    assert message.to == [HOSPITAL]
    assert len(message.attachments) == 2
    assert message.subject == "2 certificates of insurance"
    assert "You’re on file to get the certificate of each renewal." in str(message.body)
    assert message.reply_to == ["service@portal.example"]
    certificates = list(Certificate.objects.all())
    assert {each.kind for each in certificates} == {Certificate.Kind.RENEWAL}
    assert {each.coverage.term for each in certificates} == {term}
    assert {each.holder.fingerprint for each in certificates} == {hospital.fingerprint}
    assert set(Delivery.objects.values_list("purpose", "status")) == {("renewal", State.HANDED_OVER)}
    assert not Delivery.objects.exclude(sent_by=None).exists()
    issued = Event.objects.filter(tag="credentialing:certificate:issued")
    assert set(issued.values_list("actor_id", "on_behalf_of_id")) == {(None, cast.paula.pk)}
    tomorrow()
    assert renewals.find_due() == 0
    work_off()
    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    ("begins", "asks", "due"),
    [(48, None, True), (49, None, False), (100, 97, True), (101, 97, False), (48, 10, True), (1, None, True)],
)
def test_it_goes_45_days_ahead_or_as_many_as_the_holder_asks_for_where_those_are_more(
    cast: Cast, hospital: CarrierHolder, begins: int, asks: int | None, due: bool
) -> None:
    CarrierHolder.objects.update(days_ahead=asks)
    renewed(cast, begins=begins)
    assert renewals.find_due() == int(due)


def test_the_days_are_a_setting(cast: Cast, hospital: CarrierHolder, settings: Settings) -> None:
    settings.RENEWAL_CERTIFICATES_DAYS = 60
    renewed(cast, begins=63)
    assert renewals.find_due() == 1


@pytest.mark.parametrize("begins", [40, -5])
def test_what_is_bound_late_goes_at_once(cast: Cast, hospital: CarrierHolder, begins: int) -> None:
    term = renewed(cast, begins=begins)
    payload = {"policy": cast.policy.public_id, "term": term.public_id, "run": 1}
    for key in ("a", "b"):
        message = OutboxMessage.objects.create(topic=transitions.POLICY_RENEWED, key=key, payload=payload)
        outbox.deliver(message.pk)
    work_off()
    assert StandingIssue.objects.count() == 1
    assert len(mail.outbox) == 1
    assert Certificate.objects.count() == 2


def test_what_was_in_force_when_the_portal_came_is_not_sent(cast: Cast, hospital: CarrierHolder) -> None:
    renewed(cast, begins=-5)
    assert renewals.find_due() == 0


@pytest.mark.parametrize("status", [Term.Status.OFFERED, Term.Status.ACCEPTED, Term.Status.DECLINED])
def test_an_offer_isnt_coverage_to_certify(cast: Cast, hospital: CarrierHolder, status: str) -> None:
    term = renewed(cast)
    Term.objects.filter(pk=term.pk).update(status=status)
    assert renewals.find_due() == 0


def test_new_business_isnt_a_renewal(cast: Cast) -> None:
    coverage = CoverageFactory.create(term__effective=days(20), term__expires=days(385))
    StandingHolderFactory.create(policy=coverage.term.policy, holder=CarrierHolderFactory.create(email=HOSPITAL))
    assert renewals.find_due() == 0


def test_switches_are_off_for_a_holder_and_for_a_company(
    cast: Cast, hospital: CarrierHolder, settings: Settings
) -> None:
    renewed(cast)
    settings.RENEWAL_CERTIFICATES_OFF = [cast.policy.company.external_id]
    assert renewals.find_due() == 0
    settings.RENEWAL_CERTIFICATES_OFF = []
    hospital.standing.update(renewals=False)
    assert renewals.find_due() == 0
    hospital.standing.update(renewals=True)
    assert renewals.find_due() == 1


def test_a_holder_of_one_insured_gets_that_one_and_a_party_s_own_holder_too(cast: Cast) -> None:
    holder = a_holder(cast.ana, cast.coverage)
    holder.email = "records@brendan.example"
    holder.save()
    a_standing_holder(cast.ana, cast.coverage, insured=cast.anas.insured, holder=holder)
    renewed(cast)
    renewals.find_due()
    work_off()
    (message,) = mail.outbox
    assert message.to == ["records@brendan.example"]
    certificate = Certificate.objects.get()
    assert certificate.coverage.insured == cast.anas.insured
    # Ana's own: her group doesn't see to whom it went.
    assert certificate.membership.user == cast.ana
    assert list(Delivery.objects.visible_to(cast.ana)) == list(Delivery.objects.all())
    assert not Delivery.objects.visible_to(cast.paula).exists()


def test_what_cannot_be_certified_today_is_tried_again_tomorrow(
    cast: Cast, hospital: CarrierHolder, settings: Settings
) -> None:
    settings.FEED_STALE_AFTER = dt.timedelta(hours=1)
    settings.STALE_FEED_BLOCKS_CERTIFICATES = True
    renewed(cast)
    renewals.find_due()
    work_off()
    row = StandingIssue.objects.get()
    assert (row.status, row.issued, row.refused) == (StandingIssue.Status.DONE, 0, 2)
    assert mail.outbox == []
    settings.FEED_STALE_AFTER = dt.timedelta(hours=84)
    tomorrow()
    assert renewals.find_due() == 1
    work_off()
    assert Certificate.objects.count() == 2


def test_where_a_cancellation_is_pending_nothing_goes_out_unasked(cast: Cast, hospital: CarrierHolder) -> None:
    renewed(cast)
    cast.policy.status, cast.policy.cancellation_effective = "pending_cancellation", days(60)
    cast.policy.save()
    renewals.find_due()
    work_off()
    assert not Certificate.objects.exists()


def test_where_nobody_can_issue_nothing_is_sent(cast: Cast, hospital: CarrierHolder) -> None:
    for who in (cast.paula, cast.ana, cast.ben, cast.adam):
        who.memberships.get().revoke(by=cast.support, reason="left")
    renewed(cast)
    renewals.find_due()
    work_off()
    assert not Delivery.objects.exists()


def test_many_are_made_some_at_a_time(
    cast: Cast, hospital: CarrierHolder, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    term = renewed(cast)
    for _ in range(6):
        CoverageFactory.create(term=term)
    monkeypatch.setattr(standing, "SLICE", 2)
    monkeypatch.setattr(standing, "MOST_AT_ONCE", 3)
    renewals.find_due()
    (row,) = StandingIssue.objects.all()
    for made, status in ((4, "queued"), (8, "done")):
        StandingIssue.objects.update(is_enqueued=True)
        standing.issue(row.pk)
        row.refresh_from_db()
        assert (row.issued, row.status) == (made, status)
    assert Delivery.objects.count() == 8
    monkeypatch.setattr(standing, "SLICE", 100)
    monkeypatch.setattr(standing, "MOST_AT_ONCE", 100)
    Delivery.objects.all().delete()
    StandingIssue.objects.update(status="queued", attempts=0, is_enqueued=True)
    # However many there are.
    with django_assert_max_num_queries(60):
        standing.issue(row.pk)
    assert Delivery.objects.count() == 8


def test_the_look_is_daily_and_beat_hands_over_what_it_found(cast: Cast, hospital: CarrierHolder) -> None:
    assert beat_schedule()["find-due-renewals"]["task"] == find_due_renewals.name
    renewed(cast)
    find_due_renewals()
    StandingIssue.objects.update(enqueued_at=timezone.now() - dt.timedelta(minutes=1))
    assert requeue_lost() == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_and_two_looks_at_once_send_each_certificate_once(transactional_db: None) -> None:
    cast = make_printable_cast()
    StandingHolderFactory.create(policy=cast.policy, holder=CarrierHolderFactory.create(email=HOSPITAL))
    term = renewed(cast)
    message = OutboxMessage.objects.create(
        topic=transitions.POLICY_RENEWED,
        key="k",
        payload={"policy": cast.policy.public_id, "term": term.public_id, "run": 1},
    )
    at_once(renewals.find_due, renewals.find_due, lambda: outbox.deliver(message.pk))
    row = StandingIssue.objects.get()
    StandingIssue.objects.update(is_enqueued=True)
    at_once(*[lambda: standing.issue(row.pk)] * 3)
    assert Certificate.objects.count() == 2
    deliveries = list(Delivery.objects.order_by("pk"))
    assert len(deliveries) == 2
    Delivery.objects.update(is_enqueued=True)
    at_once(*[lambda pk=each.pk: mailing.deliver(pk) for each in deliveries])
    Delivery.objects.update(is_enqueued=True)
    for each in deliveries:
        mailing.deliver(each.pk)
    assert sum(len(sent.attachments) for sent in mail.outbox) == 2
