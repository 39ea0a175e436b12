"""A small book of business for the tests, and factories to grow it. Every person and company in it is synthetic."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import factory
from django.db import connection
from django.utils import timezone

from billing.models import Allocation, BillingAccount, Installment, Invoice, Payment, Transaction
from feed.models import Source
from policies.delegates import giving
from policies.models import (
    Agency,
    AgentOfRecord,
    Company,
    Coverage,
    Insured,
    Invitation,
    License,
    Membership,
    Policy,
    Policyholder,
    Term,
)
from policies.names import fold, normalize_number, sort_key

if TYPE_CHECKING:
    from collections.abc import Callable


def days(count: int) -> dt.date:
    """Return the day that many days from today."""
    return timezone.localdate() + dt.timedelta(days=count)


class FeedRowFactory(factory.django.DjangoModelFactory[Any]):
    """What every row of the feed has."""

    class Meta:
        abstract = True

    source = "core"
    external_id: Any = factory.Sequence(lambda n: f"X{n}")


class CompanyFactory(FeedRowFactory):
    """A writing company that offers every service."""

    class Meta:
        model = Company

    name = "Larkfield Mutual Insurance Company"
    naic_number = "00000"
    address1 = "1 Larkfield Way"
    city, state, zip = "Hartford", "CT", "06103"
    signatory, signatory_title = "Imogen Vale", "President"
    services = factory.LazyFunction(lambda: list(Company.Service.values))


class AgencyFactory(FeedRowFactory):
    class Meta:
        model = Agency

    name = factory.Sequence(lambda n: f"Harborlight Insurance Agency {n}")
    producer_code = factory.Sequence(lambda n: f"P{n:04}")


class InsuredFactory(FeedRowFactory):
    class Meta:
        model = Insured

    kind = Insured.Kind.PERSON
    first_name, last_name, credential = "Ana", "Núñez", "MD"
    specialty_code, specialty = "80420", "Family medicine, no surgery"
    address1, city, state, zip = "12 Clinic Road", "Albany", "NY", "12207"
    search_name = factory.LazyAttribute(lambda o: fold(f"{o.name} {o.first_name} {o.last_name}"))
    sort_key = factory.LazyAttribute(lambda o: sort_key(o.last_name, o.name, o.first_name, ""))

    class Params:
        entity = factory.Trait(kind=Insured.Kind.ENTITY, first_name="", last_name="", credential="")

    name = ""


class LicenseFactory(FeedRowFactory):
    class Meta:
        model = License

    insured = factory.SubFactory(InsuredFactory)
    state, number = "NY", factory.Sequence(lambda n: f"{200000 + n}")


class PolicyholderFactory(FeedRowFactory):
    class Meta:
        model = Policyholder

    kind = Policyholder.Kind.ORGANIZATION
    name = factory.Sequence(lambda n: f"Riverbend Medical Group {n}")
    address1, city, state, zip = "400 River Street", "Albany", "NY", "12207"
    search_name = factory.LazyAttribute(lambda o: fold(o.name))


class PolicyFactory(FeedRowFactory):
    """An active policy."""

    class Meta:
        model = Policy

    number = factory.Sequence(lambda n: f"MPL-{n:06}")
    number_normalized = factory.LazyAttribute(lambda o: normalize_number(o.number))
    external_id = factory.SelfAttribute("number")
    company = factory.SubFactory(CompanyFactory)
    policyholder = factory.SubFactory(PolicyholderFactory)
    program = Policy.Program.PHYSICIANS
    status = Policy.Status.ACTIVE


class TermFactory(FeedRowFactory):
    """The current bound term: began 100 days ago, has 265 to go."""

    class Meta:
        model = Term

    policy = factory.SubFactory(PolicyFactory)
    status = Term.Status.BOUND
    effective = factory.LazyFunction(lambda: days(-100))
    expires = factory.LazyFunction(lambda: days(265))
    premium = Decimal("18250.00")
    payment_plan, billing = Term.PaymentPlan.QUARTERLY, Term.Billing.DIRECT


class CoverageFactory(FeedRowFactory):
    """Claims-made professional liability for the whole term, $1,000,000 / $3,000,000."""

    class Meta:
        model = Coverage

    term = factory.SubFactory(TermFactory)
    insured = factory.SubFactory(InsuredFactory)
    sort_key = factory.SelfAttribute("insured.sort_key")
    part, form = Coverage.Part.PROFESSIONAL, Coverage.Form.CLAIMS_MADE
    retroactive_date = dt.date(2015, 7, 1)
    limit_per_claim, limit_aggregate = Decimal("1000000.00"), Decimal("3000000.00")
    effective = factory.SelfAttribute("term.effective")
    expires = factory.SelfAttribute("term.expires")
    specialty_code = factory.SelfAttribute("insured.specialty_code")
    specialty = factory.SelfAttribute("insured.specialty")


class AgentOfRecordFactory(FeedRowFactory):
    """An appointment that began a year ago and goes on."""

    class Meta:
        model = AgentOfRecord

    policy = factory.SubFactory(PolicyFactory)
    agency = factory.SubFactory(AgencyFactory)
    starts = factory.LazyFunction(lambda: days(-365))


class BillingAccountFactory(FeedRowFactory):
    """A policyholder's account; `PolicyFactory(billing_account_key=account.external_id)` puts a policy on it."""

    class Meta:
        model = BillingAccount

    policyholder = factory.SubFactory(PolicyholderFactory)
    name = factory.SelfAttribute("policyholder.name")


class TransactionFactory(FeedRowFactory):
    """The premium of a term, posted at its start."""

    class Meta:
        model = Transaction

    account = factory.SubFactory(BillingAccountFactory)
    term = factory.SubFactory(TermFactory)
    posted = factory.SelfAttribute("term.effective")
    kind, amount = Transaction.Kind.PREMIUM, Decimal("18250.00")


class InstallmentFactory(FeedRowFactory):
    """A quarter of a term's premium, due at its start."""

    class Meta:
        model = Installment

    account = factory.SubFactory(BillingAccountFactory)
    term = factory.SubFactory(TermFactory)
    due = factory.SelfAttribute("term.effective")
    amount, fee = Decimal("4562.50"), Decimal("5.00")


class InvoiceFactory(FeedRowFactory):
    """An invoice that is due in ten days."""

    class Meta:
        model = Invoice

    account = factory.SubFactory(BillingAccountFactory)
    issued = factory.LazyFunction(lambda: days(-20))
    due = factory.LazyFunction(lambda: days(10))
    amount = Decimal("4567.50")


class PaymentFactory(FeedRowFactory):
    """A check that the carrier applied."""

    class Meta:
        model = Payment

    account = factory.SubFactory(BillingAccountFactory)
    received = factory.LazyFunction(lambda: days(-90))
    amount = Decimal("4567.50")
    method, status = Payment.Method.CHECK, Payment.Status.APPLIED


class AllocationFactory(FeedRowFactory):
    """A payment that is applied to a term as a whole."""

    class Meta:
        model = Allocation

    payment = factory.SubFactory(PaymentFactory)
    term = factory.SubFactory(TermFactory)
    amount = factory.SelfAttribute("payment.amount")


def insured_by(user: Any, insured: Insured, **fields: Any) -> Membership:
    """Make the user this insured."""
    return Membership.objects.create(user=user, role=Membership.Role.INSURED, insured=insured, **fields)


def holder_of(user: Any, policyholder: Policyholder, **fields: Any) -> Membership:
    """Let the user represent this policyholder."""
    return Membership.objects.create(user=user, role=Membership.Role.POLICYHOLDER, policyholder=policyholder, **fields)


def agent_at(user: Any, agency: Agency, **fields: Any) -> Membership:
    """Let the user work at this agency."""
    return Membership.objects.create(user=user, role=Membership.Role.AGENT, agency=agency, **fields)


def delegate_of(place: Membership, user: Any, *capabilities: str) -> Membership:
    """Give the user access under an administrator's membership, with these capabilities."""
    return Membership.objects.create(
        user=user,
        role=place.role,
        policyholder=place.policyholder,
        agency=place.agency,
        administrator=False,
        capabilities=list(capabilities),
        given_under=place,
        granted_by=place.user,
    )


def invite_to(place: Membership, **asked: Any) -> Invitation:
    """Invite Dana under an administrator's membership."""
    who = {"first_name": "Dana", "last_name": "Whitfield", "email": "dana@clinic.example", "capabilities": []}
    return giving.invite(place=place, by=place.user, key=uuid.uuid4(), **(who | asked))


def fresh(source: str | None = None) -> dt.datetime:
    """For `settings.FEED_AS_OF`: the carrier's data is of this moment."""
    return timezone.now()


def data_of(as_of: dt.datetime) -> Source:
    """Date the carrier's data to that moment."""
    return Source.objects.create(name="core", sequence=1, as_of=as_of, applied_at=as_of)


def counted_by_the_load(*counts: Callable[[Any], None]) -> None:
    """Keep the figures of large books as a load does at its end; see `policies.feed.figures`."""
    with connection.cursor() as cursor:
        for count in counts:
            count(cursor.execute)
