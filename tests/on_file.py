"""Factories of what the feed brings beside the book: holders on file, certificate forms, claims, and seminars."""

from __future__ import annotations

import datetime as dt

import factory

from claims.models import Claim
from credentialing.models import CarrierHolder, CertificateForm, StandingHolder
from credentialing.models.on_file import fingerprint_of
from policies.names import fold
from seminars.models import Attendance, PremiumCredit, Seminar
from tests.book import CompanyFactory, FeedRowFactory, InsuredFactory, PolicyFactory, TermFactory, days


class CarrierHolderFactory(FeedRowFactory):
    class Meta:
        model = CarrierHolder

    name = factory.Sequence(lambda n: f"Saint Aldhelm Medical Center {n}")
    address1, city, state, zip = "1 Abbey Road", "Albany", "NY", "12208"
    search_name = factory.LazyAttribute(lambda o: fold(o.name))
    fingerprint = factory.LazyAttribute(lambda o: fingerprint_of(o.name, o.address1, "", o.city, o.state, o.zip))


class StandingHolderFactory(FeedRowFactory):
    """For everyone on the policy, unless an insured is given."""

    class Meta:
        model = StandingHolder

    holder = factory.SubFactory(CarrierHolderFactory)
    policy = factory.SubFactory(PolicyFactory)
    renewals = True


class CertificateFormFactory(FeedRowFactory):
    """A form of certificates of insurance for all states that have none of their own, since long ago."""

    class Meta:
        model = CertificateForm

    company = factory.SubFactory(CompanyFactory)
    kind = CertificateForm.Kind.CERTIFICATE
    form_number, edition = "LM-COI-10", "06-26"
    effective = dt.date(2020, 1, 1)


class ClaimFactory(FeedRowFactory):
    """An open claim, reported a year ago."""

    class Meta:
        model = Claim

    number = factory.Sequence(lambda n: f"CL-{n:05}")
    policy = factory.SubFactory(PolicyFactory)
    insured = factory.SubFactory(InsuredFactory)
    kind, status = Claim.Kind.CLAIM, Claim.Status.OPEN
    report_date = factory.LazyFunction(lambda: days(-365))


class SeminarFactory(FeedRowFactory):
    class Meta:
        model = Seminar

    title, kind = "Informed Refusal", Seminar.Kind.ONLINE


class AttendanceFactory(FeedRowFactory):
    """An insured who completed a seminar ten days ago."""

    class Meta:
        model = Attendance

    seminar = factory.SubFactory(SeminarFactory)
    insured = factory.SubFactory(InsuredFactory)
    policy = factory.SubFactory(PolicyFactory)
    completed = factory.LazyFunction(lambda: days(-10))


class PremiumCreditFactory(FeedRowFactory):
    class Meta:
        model = PremiumCredit

    insured = factory.SubFactory(InsuredFactory)
    term = factory.SubFactory(TermFactory)
    percent = 3
