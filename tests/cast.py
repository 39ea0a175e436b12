"""The cast of the tests. Everyone in it is synthetic.

Ana and Ben are insured by the Riverbend group's policy, Paula represents the group, and Adam is its agent. Mia is a
clinician who holds a policy of her own. Olga is insured elsewhere.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from django.contrib.auth.models import AbstractBaseUser
from django.test import Client
from django.utils import timezone

from accounts.models import User
from policies.models import Agency, Coverage, Insured, Policy, Policyholder, PolicyStatus, Term
from tests.book import (
    AgencyFactory,
    AgentOfRecordFactory,
    CoverageFactory,
    InsuredFactory,
    PolicyFactory,
    PolicyholderFactory,
    TermFactory,
    agent_at,
    data_of,
    days,
    holder_of,
    insured_by,
)
from tests.factories import UserFactory
from tests.helpers import sign_in
from tests.made_once import made_once

Name = tuple[str, str]
ANA, BEN = ("Ana", "Núñez"), ("Ben", "Okafor")
Browse = Callable[[AbstractBaseUser], Client]


@dataclass
class Cast:
    """Who and what the tests speak of."""

    ana: User
    ben: User
    paula: User
    adam: User
    mia: User
    olga: User
    support: User
    agency: Agency
    policy: Policy
    term: Term
    anas: Coverage
    bens: Coverage
    mias: Coverage
    olgas: Coverage

    @property
    def coverage(self) -> Coverage:
        """Ana's, which most tests are about."""
        return self.anas


def make_cast(*, ana: Name = ANA, ben: Name = BEN) -> Cast:
    """Make the people, the group's policy with two insureds, Mia's own policy, and a stranger's."""
    return _usual() if (ana, ben) == (ANA, BEN) else _made(ana, ben)


@made_once
def _usual() -> Cast:
    return _made(ANA, BEN)


def _made(ana: Name, ben: Name) -> Cast:
    data_of(timezone.now() - dt.timedelta(hours=2))
    group = PolicyholderFactory.create(name="Riverbend Medical Group")
    policy = PolicyFactory.create(number="MPL-204-118832", policyholder=group)
    PolicyStatus.objects.create(
        policy=policy, status=Policy.Status.ACTIVE, status_date=days(-465), reason="New business"
    )
    term = TermFactory.create(policy=policy, premium=Decimal("184200.00"))
    agency = AgencyFactory.create(name="Harborlight Insurance Agency", phone="(860) 555-0133")
    AgentOfRecordFactory.create(policy=policy, agency=agency)

    def clinician(first: str, last: str) -> Insured:
        return InsuredFactory.create(first_name=first, last_name=last)

    anas = CoverageFactory.create(term=term, insured=clinician(*ana), retroactive_date=dt.date(2015, 7, 1))
    bens = CoverageFactory.create(
        term=term,
        insured=clinician(*ben),
        form=Coverage.Form.OCCURRENCE,
        retroactive_date=None,
        limits_shared=True,
        deductible=Decimal(5000),
        fund="New York Excess Fund",
        fund_limits="$1,000,000 above the primary limits",
        endorsement_text="Telemedicine TM-2; Moonlighting MX-1",
    )
    mia = clinician("Mia", "Lund")
    own = PolicyholderFactory.create(name="Mia Lund, MD", kind=Policyholder.Kind.INDIVIDUAL, insured=mia)
    mias = CoverageFactory.create(term__policy__policyholder=own, insured=mia, term__policy__number="MPL-700-000001")
    olgas = CoverageFactory.create(insured=clinician("Olga", "Elsewhere"), term__policy__number="ZZZ-900-000009")
    users = {name: UserFactory.create(username=name, first_name=name.title()) for name in ("ana", "ben", "paula")}
    users |= {name: UserFactory.create(username=name, first_name=name.title()) for name in ("adam", "mia", "olga")}
    insured_by(users["ana"], anas.insured)
    insured_by(users["ben"], bens.insured)
    holder_of(users["paula"], group)
    agent_at(users["adam"], agency)
    insured_by(users["mia"], mia)
    holder_of(users["mia"], own)
    insured_by(users["olga"], olgas.insured)
    support = UserFactory.create(username="support", is_staff=True)
    return Cast(
        **users, support=support, agency=agency, policy=policy, term=term, anas=anas, bens=bens, mias=mias, olgas=olgas
    )


def browser_of(user: AbstractBaseUser) -> Client:
    """Return a test client that is signed in as the user."""
    client = Client()
    sign_in(client, user)
    return client
