"""Whom a registrant is matched with, and what speaks against an account (S-06, S-07)."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import Registration, User
from accounts.models.registrations import Reason
from accounts.registrants import Applicant, Party
from accounts.services import registering
from core.models import Event
from policies.models import Contact, Coverage, Insured, Membership, Policy, Policyholder
from policies.registrants.matching import match_registrant
from tests.book import AgencyFactory, AgentOfRecordFactory, CoverageFactory, InsuredFactory, days
from tests.cast import Browse, Cast
from tests.factories import UserFactory
from tests.policies.registering import BORN, ContactFactory, ask, birth_hash, mailed, on_file
from tests.reading import words

pytestmark = pytest.mark.django_db
Status = Registration.Status


@pytest.fixture
def ana(cast: Cast) -> Any:
    """Is insured, without an account."""
    cast.ana.memberships.all().delete()
    return on_file(cast.anas.insured, email="ana@clinic.example")


def applicant(name: str = "Ana Núñez", number: str = "MPL-204-118832", born: str = BORN, code: str = "12207") -> Any:
    return match_registrant(Applicant(number, name, birth_hash(born), code))


def insured(row: Insured) -> Party:
    return Party(kind="insured", id=row.pk)


def test_an_insured_is_matched_by_number_name_birth_date_and_zip(ana) -> None:
    found = applicant("nunez, ana, md", "mpl204118832", code="12207-1234")
    assert (found.parties, found.reason, found.emails) == ((insured(ana),), None, ("ana@clinic.example",))


def test_a_nine_digit_zip_on_file_is_matched_by_five(ana) -> None:
    on_file(ana, email="ana@clinic.example", zip="12207-9876")
    assert applicant().parties == (insured(ana),)


def test_someone_of_another_policy_is_not_matched(ana) -> None:
    assert applicant(number="MPL-700-000001").parties == ()
    assert applicant(number="").reason == Reason.NO_POLICY


def test_an_insured_without_a_birth_date_on_file_is_left_to_staff(ana) -> None:
    Insured.objects.filter(pk=ana.pk).update(date_of_birth_hash="")
    assert applicant() == match_registrant(Applicant("MPL-204-118832", "Ana Núñez", birth_hash(), "12207"))
    assert applicant().reason == Reason.NO_BIRTH_DATE
    assert applicant().parties == ()


def test_no_birth_date_on_file_never_fits_none_given(ana) -> None:
    Insured.objects.filter(pk=ana.pk).update(date_of_birth_hash="")
    assert match_registrant(Applicant("MPL-204-118832", "Ana Núñez", "", "12207")).parties == ()


def test_the_birth_date_is_compared_whatever_else_fits(ana, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append(one)
        return one == other

    monkeypatch.setattr("policies.registrants.candidates.compare_digest", compare)
    applicant(name="Zed Zulu", code="99999")
    # Ana and Ben are on the policy.
    assert len(compared) == 2


def test_two_people_who_both_fit_are_left_to_staff(ana, cast: Cast) -> None:
    twin = InsuredFactory(first_name="Ana", last_name="Núñez", date_of_birth_hash=birth_hash())
    CoverageFactory(term=cast.term, insured=twin)
    assert (applicant().parties, applicant().reason) == ((), Reason.SEVERAL)


def test_a_pending_policy_and_one_that_ended_are_left_to_staff(ana, cast: Cast, settings: Settings) -> None:
    Policy.objects.filter(pk=cast.policy.pk).update(status=Policy.Status.PENDING)
    assert applicant().reason == Reason.PENDING
    ended = {"status": Policy.Status.CANCELLED, "cancellation_effective": days(-5)}
    Policy.objects.filter(pk=cast.policy.pk).update(**ended)
    registration = ask()
    assert (registration.status, registration.reason) == (Status.REVIEW, Reason.ENDED)
    assert registration.parties == [insured(ana)]
    (message,) = mailed(settings)
    assert (message.to, "/register/link/" in message.body) == (["ana@clinic.example"], False)


def test_a_policy_that_is_cancelled_as_of_a_later_day_still_counts(ana, cast: Cast) -> None:
    ahead = {"status": Policy.Status.CANCELLED, "cancellation_effective": days(30)}
    Policy.objects.filter(pk=cast.policy.pk).update(**ahead)
    assert applicant().reason is None


def test_an_insured_who_left_the_group_is_left_to_staff(ana, cast: Cast) -> None:
    Coverage.objects.filter(pk=cast.anas.pk).update(expires=days(-10))
    assert applicant().reason == Reason.ENDED


def test_an_insured_with_an_account_is_told_so_by_mail_and_gets_no_second_one(cast: Cast, settings: Settings) -> None:
    on_file(cast.anas.insured, email="ana@clinic.example")
    registration = ask()
    assert (registration.status, registration.reason) == (Status.KNOWN, Reason.HAS_ACCOUNT)
    sent = mailed(settings)
    assert {message.to[0] for message in sent} == {"ana@clinic.example", "ana@people.example"}
    assert all("/accounts/sign-in/" in message.body for message in sent)
    assert not any("/register/link/" in message.body for message in sent)


def test_access_that_a_person_ended_is_never_given_back_by_a_match(ana, cast: Cast, settings: Settings) -> None:
    Membership.objects.create(user=cast.ana, role="insured", insured=ana).revoke(by=cast.support, reason="left")
    registration = ask()
    assert (registration.status, registration.reason) == (Status.REVIEW, Reason.ACCESS_ENDED)


def test_access_that_the_feed_ended_may_be_had_again(ana, cast: Cast) -> None:
    ended = Membership.objects.create(user=cast.ana, role="insured", insured=ana)
    Membership.objects.filter(pk=ended.pk).update(revoked_at=ended.created_at, ended_by="feed")
    assert ask().status == Status.LINK


def test_an_email_that_another_account_has_confirmed_is_left_to_staff(ana) -> None:
    manager = UserFactory(email="ANA@clinic.example")
    assert applicant().reason == Reason.EMAIL_TAKEN
    User.objects.filter(pk=manager.pk).update(email_confirmed_at=None)
    assert applicant().reason is None


@pytest.mark.parametrize("whose", ["insured", "contact", "policyholder", "agency"])
def test_an_email_on_file_for_anyone_else_is_nobodys_own(ana, cast: Cast, whose) -> None:
    if whose == "insured":
        on_file(InsuredFactory(first_name="Zed"), email="ANA@clinic.example")
    elif whose == "contact":
        ContactFactory(policyholder=cast.policy.policyholder, email="Ana@clinic.example", date_of_birth_hash="")
    elif whose == "policyholder":
        Policyholder.objects.filter(pk=cast.policy.policyholder.pk).update(email="ana@Clinic.example")
    else:
        AgencyFactory(email="ana@clinic.example")
    assert applicant().own == frozenset()


def test_the_same_person_elsewhere_is_nobody_else(ana) -> None:
    on_file(InsuredFactory(first_name="Ana", last_name="Nunez"), email="ana@clinic.example")
    assert applicant().own == {"ana@clinic.example"}


def test_a_representative_gets_the_contacts_role_and_capabilities(cast: Cast) -> None:
    contact: Any = ContactFactory.create(
        policyholder=cast.policy.policyholder,
        role=Contact.Role.ADMINISTRATOR,
        capabilities=["view_claims_history"],
        # The group's own mailbox may be its administrator's.
        email="rosa@clinic.example",
    )
    Policyholder.objects.filter(pk=cast.policy.policyholder.pk).update(email="rosa@clinic.example")
    membership = _finished(full_name="Rosa Quist").memberships.get()
    assert (membership.role, membership.policyholder) == ("policyholder", cast.policy.policyholder)
    assert (membership.contact, membership.administrator) == (contact, True)
    assert membership.capabilities == ["view_claims_history"]


def test_an_agent_of_record_gets_a_membership_at_the_agency(cast: Cast) -> None:
    contact: Any = ContactFactory.create(agency=cast.agency)
    membership = _finished(full_name="Rosa Quist").memberships.get()
    assert (membership.role, membership.agency, membership.administrator) == ("agent", cast.agency, False)
    assert membership.contact == contact


def test_each_lands_on_the_home_of_their_role(ana, cast: Cast, browse: Browse) -> None:
    ContactFactory(policyholder=cast.policy.policyholder, role=Contact.Role.ADMINISTRATOR)
    clinician = browse(_finished()).get("/")
    assert "Your coverage" in words(clinician)
    assert "Policies you manage" not in words(clinician)
    registration = ask(full_name="Rosa Quist")
    manager = registering.finish(registration=registration, username="rosa.quist", password="quiet-otter-parade")
    home = words(browse(manager).get("/"))
    assert "Riverbend Medical Group" in home
    assert "2 insureds are covered" in home
    assert "Policies you manage" in home


def test_a_contact_of_a_former_agency_of_record_is_not_matched(cast: Cast) -> None:
    former = AgencyFactory()
    AgentOfRecordFactory(policy=cast.policy, agency=former, starts=days(-900), ends=days(-300))
    ContactFactory(agency=former)
    assert applicant("Rosa Quist").parties == ()


def test_a_clinician_who_also_manages_the_groups_policy_gets_both(ana, cast: Cast) -> None:
    ContactFactory(
        policyholder=cast.policy.policyholder, first_name="Ana", last_name="Núñez", email="ana@clinic.example"
    )
    roles = set(_finished().memberships.values_list("role", flat=True))
    assert roles == {"insured", "policyholder"}


def test_someone_who_is_on_file_as_insured_policyholder_and_contact_gets_two_memberships(cast: Cast) -> None:
    cast.mia.memberships.all().delete()
    on_file(cast.mias.insured, email="mia@home.example")
    holder = cast.mias.term.policy.policyholder
    ContactFactory(
        policyholder=holder, first_name="Mia", last_name="Lund", email="mia@home.example", capabilities=["pay"]
    )
    user = _finished(policy_number="MPL-700-000001", full_name="Mia Lund")
    assert set(user.memberships.values_list("role", flat=True)) == {"insured", "policyholder"}
    held = user.memberships.get(policyholder=holder)
    assert (held.administrator, held.capabilities) == (True, ["pay"])


def test_a_contact_who_was_retired_is_not_matched(cast: Cast) -> None:
    contact = ContactFactory(policyholder=cast.policy.policyholder)
    Contact.objects.filter(pk=contact.pk).update(retired_at=cast.policy.created_at)
    assert applicant("Rosa Quist").parties == ()


def test_a_delegate_of_an_individual_policyholder_is_not_an_account_of_the_clinician(cast: Cast) -> None:
    on_file(cast.mias.insured, email="mia@home.example")
    own = cast.mia.memberships.get(role="policyholder")
    delegate = UserFactory.create(username="dana")
    Membership.objects.create(
        user=delegate, role="policyholder", policyholder=own.policyholder, administrator=False, given_under=own
    )
    cast.mia.memberships.filter(role="insured").delete()
    found = applicant("Mia Lund", "MPL-700-000001")
    assert found.accounts == ()


def test_what_was_matched_is_an_event_without_anything_that_was_typed(ana) -> None:
    registration = ask()
    event = Event.objects.get(tag="account:registration:matched")
    assert event.subject_id == str(registration.pk)
    assert event.data == {"status": "link", "reason": "", "parties": [insured(ana)]}


def _finished(**more: str) -> User:
    """Return the account that comes of a registration."""
    registration = ask(**more)
    assert registration.status == Status.LINK, registration.reason
    return registering.finish(registration=registration, username="new.one", password="quiet-otter-parade")
