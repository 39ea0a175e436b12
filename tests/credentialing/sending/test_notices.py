"""Standing holders hear what became of a policy, in the company's words, and only of what is theirs (B-03)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import AbstractBaseUser
from django.core import mail
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from core import outbox
from core.models import Event, Mail, OutboxMessage
from core.templatetags.show import day_long
from credentialing.events import DeliveryEvent
from credentialing.models import Certificate, CertificateForm, Delivery, Notice, NoticeRun, StandingIssue
from credentialing.sending import mailing, standing
from policies.feed import transitions
from policies.models import Company, Policy
from tests.book import CoverageFactory, days
from tests.cast import Cast
from tests.credentialing.conftest import make_printable_cast
from tests.credentialing.helpers import a_holder
from tests.credentialing.holders import a_standing_holder
from tests.factories import UserFactory
from tests.helpers import at_once
from tests.on_file import CarrierHolderFactory, CertificateFormFactory, StandingHolderFactory
from tests.reading import words

pytestmark = pytest.mark.django_db
Browse = Callable[[AbstractBaseUser], Client]
State, Kind = Delivery.Status, Notice.Kind
HOSPITAL = "office@aldhelm.example"


class Feed:
    """Loads of the feed, as the outbox has them."""

    def __init__(self) -> None:
        self.run = 0
        self.messages: list[int] = []

    def tells(self, topic: str, subject: Any, *, run: int | None = None, **payload: Any) -> OutboxMessage:
        """Publish a message and let a worker deliver it."""
        if run is None:
            self.run += 1
            run = self.run
        return self.deliver(self.publishes(topic, subject, run=run, **payload))

    def publishes(self, topic: str, subject: Any, *, run: int, **payload: Any) -> OutboxMessage:
        return OutboxMessage.objects.create(
            topic=topic, key=f"{subject.public_id}:{run}", payload={**payload, "run": run}
        )

    def deliver(self, message: OutboxMessage) -> OutboxMessage:
        outbox.deliver(message.pk)
        message.refresh_from_db()
        assert message.status == OutboxMessage.Status.DELIVERED
        return message

    def cancels(self, policy: Policy, day: dt.date, **more: Any) -> OutboxMessage:
        Policy.objects.filter(pk=policy.pk).update(
            status=Policy.Status.CANCELLED, cancellation_effective=day, status_date=day, status_reason="Fraud"
        )
        return self.tells(
            transitions.POLICY_CANCELLED, policy, policy=policy.public_id, cancellation_effective=str(day), **more
        )

    def gives_notice(self, policy: Policy, day: dt.date, **more: Any) -> OutboxMessage:
        Policy.objects.filter(pk=policy.pk).update(
            status=Policy.Status.PENDING_CANCELLATION, cancellation_effective=day, status_reason="Nonpayment"
        )
        return self.tells(
            transitions.POLICY_PENDING_CANCELLATION,
            policy,
            policy=policy.public_id,
            cancellation_effective=str(day),
            **more,
        )

    def reinstates(self, policy: Policy, **more: Any) -> OutboxMessage:
        Policy.objects.filter(pk=policy.pk).update(status=Policy.Status.ACTIVE, cancellation_effective=None)
        return self.tells(transitions.POLICY_REINSTATED, policy, policy=policy.public_id, **more)


@pytest.fixture
def feed() -> Feed:
    return Feed()


@pytest.fixture
def hospital(cast: Cast) -> Any:
    """Return a holder on file that hears of everything on the group's policy."""
    holder = CarrierHolderFactory.create(name="Saint Aldhelm Medical Center", email=HOSPITAL)
    return StandingHolderFactory.create(policy=cast.policy, holder=holder, notices=True, renewals=False)


def send_all() -> list[str]:
    """Let a worker send what waits; return the texts of the new mails."""
    before = len(mail.outbox)
    for delivery in Delivery.objects.filter(status=State.QUEUED).order_by("pk"):
        mailing.deliver(delivery.pk)
    return [str(message.body) for message in mail.outbox[before:]]


@pytest.mark.usefixtures("hospital")
def test_a_cancellation_is_told_without_its_reason_and_without_the_word(cast: Cast, feed: Feed) -> None:
    feed.cancels(cast.policy, days(-1))
    (body,) = send_all()
    assert f"Policy MPL-204-118832 of Riverbend Medical Group\nCoverage ended on {day_long(days(-1))}." in body
    assert "Fraud" not in body
    assert "cancel" not in body.lower()
    assert "It gives you no rights" in body
    assert mail.outbox[0].to == [HOSPITAL]
    assert mail.outbox[0].reply_to == ["service@portal.example"]
    assert "Fraud" not in str(list(Event.objects.values_list("data", flat=True)))


@pytest.mark.usefixtures("hospital")
def test_a_company_that_says_cancelled_says_so(cast: Cast, feed: Feed) -> None:
    Company.objects.update(says_cancelled=True)
    feed.cancels(cast.policy, days(-1))
    (body,) = send_all()
    assert f"The policy was cancelled as of {day_long(days(-1))}." in body


@pytest.mark.usefixtures("hospital")
@pytest.mark.parametrize(("setting", "mails", "alerts"), [("state", 1, 0), ("staff", 0, 1), ("nothing", 0, 0)])
def test_a_cancellation_ahead_is_told_as_the_company_wants_it(
    cast: Cast, feed: Feed, setting: str, mails: int, alerts: int
) -> None:
    Company.objects.update(pending_cancellation=setting)
    feed.gives_notice(cast.policy, days(20))
    bodies = send_all()
    assert len(bodies) == mails
    assert all(f"Cancellation is pending for {day_long(days(20))}." in body for body in bodies)
    assert all("Nonpayment" not in body for body in bodies)
    assert Mail.objects.filter(name="staff_alert").count() == alerts


@pytest.mark.usefixtures("hospital")
def test_a_message_that_is_delivered_twice_tells_once(cast: Cast, feed: Feed) -> None:
    message = feed.gives_notice(cast.policy, days(20))
    OutboxMessage.objects.filter(pk=message.pk).update(status=OutboxMessage.QUEUED, attempts=0)
    feed.deliver(message)
    assert Notice.objects.count() == 1
    assert len(send_all()) == 1
    assert send_all() == []


@pytest.mark.usefixtures("hospital")
def test_a_cure_that_comes_before_the_mail_takes_the_notice_back(cast: Cast, feed: Feed) -> None:
    feed.gives_notice(cast.policy, days(20))
    feed.reinstates(cast.policy)
    assert send_all() == []
    assert list(Delivery.objects.values_list("status", flat=True)) == [State.DROPPED]
    assert Event.objects.filter(tag=DeliveryEvent.NOT_NEEDED).count() == 1
    # Nobody heard of the one, so nobody hears of the other, and no certificate is made.
    assert not Certificate.objects.exists()


@pytest.mark.usefixtures("hospital")
def test_who_heard_of_a_cancellation_hears_of_the_cure_and_gets_fresh_certificates(cast: Cast, feed: Feed) -> None:
    late = CarrierHolderFactory.create(name="Came later", email="later@x.example")
    feed.gives_notice(cast.policy, days(20))
    send_all()
    StandingHolderFactory.create(policy=cast.policy, holder=late, notices=True)
    feed.reinstates(cast.policy)
    (row,) = StandingIssue.objects.all()
    standing.issue(row.pk)
    row.refresh_from_db()
    assert (row.status, row.issued) == (StandingIssue.Status.DONE, 2)
    bodies = send_all()
    assert sorted(len(message.attachments) for message in mail.outbox[1:]) == [0, 2]
    assert any("What we told you about a cancellation no longer applies" in body for body in bodies)
    assert {message.to[0] for message in mail.outbox} == {HOSPITAL}
    assert set(Certificate.objects.values_list("kind", flat=True)) == {Certificate.Kind.COI}
    standing.issue(row.pk)
    assert Delivery.objects.filter(purpose=Delivery.Purpose.FRESH).count() == 2
    # The portal did it, on the policyholder's behalf.
    assert set(Event.objects.filter(tag="credentialing:certificate:issued").values_list("actor_id", flat=True)) == {
        None
    }


@pytest.mark.usefixtures("hospital")
def test_changed_limits_are_told_with_the_insured_they_are_of(cast: Cast, feed: Feed) -> None:
    cast.anas.limit_per_claim, cast.anas.limit_aggregate = Decimal(2_000_000), Decimal(4_000_000)
    cast.anas.save()
    for_ben = CarrierHolderFactory.create(email="ben@x.example")
    StandingHolderFactory.create(policy=cast.policy, holder=for_ben, insured=cast.bens.insured, notices=True)
    payload = {"policy": cast.policy.public_id, "coverage": cast.anas.public_id, "effective": str(cast.anas.effective)}
    feed.tells(transitions.COVERAGE_LIMITS_CHANGED, cast.anas, **payload)
    (body,) = send_all()
    assert "Ana María Núñez-Đặng, MD, policy MPL-204-118832 of Riverbend Medical Group" in body
    assert "The limits of professional liability changed" in body
    assert "$2,000,000 / $4,000,000" in body
    assert mail.outbox[0].to == [HOSPITAL]


def test_of_an_insured_who_left_only_what_was_theirs_is_told(cast: Cast, feed: Feed) -> None:
    for name, coverage in (("ana", cast.anas), ("ben", cast.bens)):
        holder = CarrierHolderFactory.create(email=f"{name}@x.example")
        StandingHolderFactory.create(policy=cast.policy, holder=holder, insured=coverage.insured, notices=True)
    cast.anas.expires = days(-30)
    cast.anas.save()
    feed.cancels(cast.policy, days(-1))
    (body,) = send_all()
    assert mail.outbox[0].to == ["ben@x.example"]
    assert body.startswith("You’re on file to hear of changes.\n\nŁukasz Şahin, MD, policy MPL-204-118832")


def test_switches_are_off_for_a_holder_and_for_a_company(cast: Cast, feed: Feed, settings: Settings) -> None:
    quiet = CarrierHolderFactory.create(email="quiet@x.example")
    StandingHolderFactory.create(policy=cast.policy, holder=quiet, notices=False, renewals=True)
    feed.cancels(cast.policy, days(-1))
    assert not Delivery.objects.exists()
    StandingHolderFactory.create(policy=cast.policy, holder=CarrierHolderFactory.create(email=HOSPITAL), notices=True)
    for off in ([cast.policy.company.external_id], ["*"]):
        settings.HOLDER_NOTICES_OFF = off
        feed.cancels(cast.policy, days(-1))
        assert not Notice.objects.filter(run__run=feed.run).exists()
    settings.HOLDER_NOTICES_OFF = ["another"]
    feed.cancels(cast.policy, days(-1))
    assert len(send_all()) == 1


def test_holders_that_customers_chose_hear_of_it_once(cast: Cast, feed: Feed, hospital: Any) -> None:
    own = a_holder(cast.paula, cast.coverage, name="Saint Brendan Medical Center")
    own.email = "records@brendan.example"
    own.save()
    a_standing_holder(cast.paula, cast.coverage, holder=own, notices=True)
    a_standing_holder(cast.paula, cast.coverage, insured=cast.anas.insured, holder=own, notices=True)
    feed.cancels(cast.policy, days(-1))
    send_all()
    assert sorted(message.to[0] for message in mail.outbox) == [HOSPITAL, "records@brendan.example"]


def test_a_holder_without_an_address_stays_in_sight(cast: Cast, feed: Feed) -> None:
    StandingHolderFactory.create(policy=cast.policy, notices=True)
    feed.cancels(cast.policy, days(-1))
    assert send_all() == []
    row = Delivery.objects.undelivered().get()
    assert row.bounce == Delivery.Bounce.NO_ADDRESS


@pytest.mark.usefixtures("hospital")
def test_where_the_state_wants_a_form_the_notice_bears_it_or_says_nothing_of_coverage(
    cast: Cast, feed: Feed, settings: Settings
) -> None:
    settings.CERTIFICATE_FORM_STATES = ["NY"]
    feed.cancels(cast.policy, days(-1))
    (plain,) = send_all()
    assert "Something has changed. Please call or email us" in plain
    assert day_long(days(-1)) not in plain
    CertificateFormFactory.create(
        company=cast.policy.company, state="NY", kind=CertificateForm.Kind.VERIFICATION, legend="Approved in NY."
    )
    feed.cancels(cast.policy, days(-1))
    (formal,) = send_all()
    assert f"Coverage ended on {day_long(days(-1))}.\nLM-COI-10 (06-26) Approved in NY." in formal


@pytest.fixture
def held(cast: Cast, feed: Feed, hospital: Any, settings: Settings) -> NoticeRun:
    """Return the notices of a load that leads to more than may go by themselves."""
    settings.HOLDER_NOTICES_AT_ONCE = 1
    other = CoverageFactory.create(term__policy__company=cast.policy.company).term.policy
    StandingHolderFactory.create(policy=other, holder=hospital.holder, notices=True)
    for policy in (cast.policy, other):
        Policy.objects.filter(pk=policy.pk).update(status=Policy.Status.CANCELLED, cancellation_effective=days(-1))
    messages = [
        feed.publishes(
            transitions.POLICY_CANCELLED, policy, run=7, policy=policy.public_id, cancellation_effective=str(days(-1))
        )
        for policy in (cast.policy, other)
    ]
    for message in messages:
        feed.deliver(message)
    return NoticeRun.objects.get(run=7)


def test_many_notices_of_one_load_wait_for_a_person(held: NoticeRun, cast: Cast, browse: Browse) -> None:
    assert (held.status, held.notices) == (NoticeRun.Status.HELD, 2)
    assert send_all() == []
    assert set(Delivery.objects.values_list("status", flat=True)) == {State.HELD}
    assert Mail.objects.filter(name="staff_alert").count() == 1
    staff = UserFactory.create(is_staff=True, is_superuser=True)
    page = browse(staff).get(reverse("admin:credentialing_noticerun_changelist"))
    assert "Held for review" in words(page)


def test_released_notices_go_out_as_one_mail_for_each_address(held: NoticeRun, browse: Browse) -> None:
    staff = UserFactory.create(is_staff=True, is_superuser=True)
    address = reverse("admin:credentialing_noticerun_changelist")
    browse(staff).post(address, {"action": "release", "_selected_action": [held.pk]})
    held.refresh_from_db()
    assert (held.status, held.decided_by) == (NoticeRun.Status.RELEASED, staff)
    (body,) = send_all()
    assert body.count("Coverage ended on") == 2
    assert not held.release(by=staff)
    assert not held.drop(by=staff)
    assert Event.objects.filter(tag=DeliveryEvent.RUN_RELEASED, actor_id=staff.pk).count() == 1


def test_dropped_notices_never_go_out_and_what_comes_later_of_that_load_neither(
    held: NoticeRun, cast: Cast, feed: Feed
) -> None:
    staff = UserFactory.create(is_staff=True)
    assert held.drop(by=staff)
    Policy.objects.filter(pk=cast.mias.term.policy_id).update(
        status=Policy.Status.CANCELLED, cancellation_effective=days(-1)
    )
    policy = cast.mias.term.policy
    StandingHolderFactory.create(policy=policy, holder=CarrierHolderFactory.create(email="m@x.example"), notices=True)
    feed.tells(
        transitions.POLICY_CANCELLED, policy, run=7, policy=policy.public_id, cancellation_effective=str(days(-1))
    )
    assert send_all() == []
    assert set(Delivery.objects.values_list("status", flat=True)) == {State.DROPPED}
    assert Mail.objects.filter(name="staff_alert").count() == 2


def test_only_staff_with_the_right_decide(held: NoticeRun, browse: Browse) -> None:
    staff = UserFactory.create(is_staff=True)
    address = reverse("admin:credentialing_noticerun_changelist")
    assert browse(staff).post(address, {"action": "release", "_selected_action": [held.pk]}).status_code == 403
    held.refresh_from_db()
    assert held.is_held


@pytest.mark.usefixtures("hospital")
def test_a_held_reinstatement_makes_certificates_when_it_is_released(
    cast: Cast, feed: Feed, settings: Settings
) -> None:
    feed.gives_notice(cast.policy, days(20))
    send_all()
    settings.HOLDER_NOTICES_AT_ONCE = 0
    feed.reinstates(cast.policy)
    assert not StandingIssue.objects.exists()
    assert NoticeRun.objects.get(run=feed.run).release(by=UserFactory.create(is_staff=True))
    standing.issue(StandingIssue.objects.get().pk)
    send_all()
    assert Delivery.objects.filter(purpose=Delivery.Purpose.FRESH, status=State.HANDED_OVER).count() == 2


@pytest.mark.django_db(transaction=True)
def test_messages_of_one_load_at_once_and_twice_give_each_notice_once(transactional_db: None) -> None:
    cast, feed = make_printable_cast(), Feed()
    holder = CarrierHolderFactory.create(email=HOSPITAL)
    policies = [cast.policy, cast.mias.term.policy]
    messages = []
    for policy in policies:
        StandingHolderFactory.create(policy=policy, holder=holder, notices=True)
        Policy.objects.filter(pk=policy.pk).update(status=Policy.Status.CANCELLED, cancellation_effective=days(-1))
        payload = {"policy": policy.public_id, "cancellation_effective": str(days(-1))}
        messages.append(feed.publishes(transitions.POLICY_CANCELLED, policy, run=9, **payload))
    at_once(*[lambda pk=each.pk: outbox.deliver(pk) for each in messages * 2])
    for each in messages:
        OutboxMessage.objects.filter(pk=each.pk).update(status=OutboxMessage.QUEUED, attempts=0)
        outbox.deliver(each.pk)
    assert NoticeRun.objects.get().notices == 2
    assert Notice.objects.count() == Delivery.objects.count() == 2
    deliveries = list(Delivery.objects.values_list("pk", flat=True))
    Delivery.objects.update(is_enqueued=True)
    at_once(*[lambda pk=pk: mailing.deliver(pk) for pk in deliveries * 2])
    assert sum(str(message.body).count("Coverage ended on") for message in mail.outbox) == 2
