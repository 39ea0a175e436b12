"""Certificates show their holder only to the party that issued them: lists, searches, panels, pages, and files."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import pytest
from django.contrib.auth.models import AbstractBaseUser
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from core.models import Event
from credentialing.events import CertificateEvent
from credentialing.models import Certificate
from policies.models import AgentOfRecord, Policyholder
from tests.book import AgencyFactory, AgentOfRecordFactory, agent_at, holder_of, insured_by
from tests.cast import Cast
from tests.credentialing.helpers import a_holder, issued, made, new_holder_form
from tests.factories import UserFactory

Browse = Callable[[AbstractBaseUser], Client]

ISSUERS = {"ana": "the insured", "paula": "the policyholder", "adam": "an agent"}
PAIRS = list(permutations(ISSUERS, 2))
HOLDER = "Mercy Hospital"
STREET = "77 Secret Street"


def to_mercy(cast: Cast, user: User) -> Certificate:
    """Return a certificate that the user has issued to Mercy Hospital, with its file."""
    return made(cast.coverage, user, a_holder(user, cast.coverage, name=HOLDER, address1=STREET))


def address(name: str, certificate: Certificate) -> str:
    return reverse(f"credentialing:{name}", args=[certificate.public_id])


def everywhere(client: Client, certificate: Certificate) -> str:
    """All that the user reads of certificates: home, the lists, the policy, the coverage, the certificate's page."""
    pages = [
        reverse("home"),
        reverse("credentialing:home"),
        reverse("credentialing:certificates"),
        reverse("credentialing:issue", args=[certificate.coverage.public_id]),
        certificate.coverage.term.policy.get_absolute_url(),
        certificate.get_absolute_url() + "?download",
    ]
    return "".join(client.get(page).content.decode() for page in pages)


@pytest.mark.parametrize(("issuer", "viewer"), PAIRS)
def test_another_party_sees_that_it_was_issued_with_number_and_date_and_never_the_holder(
    cast: Cast, browse: Browse, issuer: str, viewer: str
) -> None:
    certificate = to_mercy(cast, getattr(cast, issuer))
    client = browse(getattr(cast, viewer))
    read = everywhere(client, certificate)
    assert HOLDER not in read
    assert STREET not in read
    assert certificate.verification_code not in read
    assert address("pdf", certificate) not in read, "what is refused is not offered"
    assert f"Issued by {ISSUERS[issuer]}" in read
    page = client.get(certificate.get_absolute_url()).content.decode()
    assert certificate.serial in page
    assert f"Issued by {ISSUERS[issuer]}" in page


@pytest.mark.parametrize(("issuer", "viewer"), PAIRS)
def test_another_party_may_not_download_retry_or_watch_it(cast: Cast, browse: Browse, issuer: str, viewer: str) -> None:
    certificate = to_mercy(cast, getattr(cast, issuer))
    client = browse(getattr(cast, viewer))
    for name in ("pdf", "progress"):
        refused = client.get(address(name, certificate))
        assert refused.status_code == 403
        assert HOLDER not in refused.content.decode()
    assert client.post(address("retry", certificate)).status_code == 403
    assert not Event.objects.filter(tag=CertificateEvent.DOWNLOADED).exists()


@pytest.mark.parametrize(("issuer", "viewer"), PAIRS)
def test_a_search_for_the_holder_tells_another_party_nothing(
    cast: Cast, browse: Browse, issuer: str, viewer: str
) -> None:
    certificate = to_mercy(cast, getattr(cast, issuer))
    client = browse(getattr(cast, viewer))

    def found(q: str) -> bool:
        return (
            f"<small>{certificate.serial}</small>"
            in client.get(reverse("credentialing:certificates"), {"q": q}).content.decode()
        )

    assert not found("mercy")
    assert not found("secret street")
    assert found(certificate.serial)
    assert found("núñez")


@pytest.mark.parametrize("who", ISSUERS)
def test_the_party_that_issued_it_sees_everything_colleagues_included(cast: Cast, browse: Browse, who: str) -> None:
    certificate = to_mercy(cast, getattr(cast, who))
    colleague = UserFactory.create(username="colleague")
    {
        "ana": lambda: insured_by(colleague, cast.coverage.insured),
        "paula": lambda: holder_of(colleague, cast.policy.policyholder),
        "adam": lambda: agent_at(colleague, cast.agency),
    }[who]()
    for user in (getattr(cast, who), colleague):
        client = browse(user)
        read = everywhere(client, certificate)
        assert HOLDER in read
        assert "Issued by" not in read
        found = client.get(reverse("credentialing:certificates"), {"q": "mercy"}).content.decode()
        assert certificate.serial in found
        pdf = client.get(address("pdf", certificate))
        assert pdf.status_code == 200
        assert pdf.getvalue().startswith(b"%PDF-")


def test_a_new_agent_of_record_does_not_learn_the_former_ones_holders(cast: Cast, browse: Browse) -> None:
    certificate = to_mercy(cast, cast.adam)
    AgentOfRecord.objects.filter(agency=cast.agency).update(ends=timezone.localdate())
    agency = AgencyFactory.create(name="Northgate Agency")
    AgentOfRecordFactory.create(policy=cast.policy, agency=agency)
    nora = UserFactory.create(username="nora")
    agent_at(nora, agency)
    client = browse(nora)
    read = everywhere(client, certificate)
    assert "Issued by an agent" in read
    assert HOLDER not in read
    assert client.get(address("pdf", certificate)).status_code == 403


def test_the_same_certificate_to_the_same_holder_by_two_parties_is_two_certificates(cast: Cast, browse: Browse) -> None:
    hers = to_mercy(cast, cast.ana)
    client = browse(cast.paula)
    form = new_holder_form(name=HOLDER, address1=STREET)
    response = client.post(reverse("credentialing:issue", args=[cast.coverage.public_id]), form)
    theirs = Certificate.objects.exclude(pk=hers.pk).get()
    assert response["Location"].startswith(theirs.get_absolute_url()), "nothing tells that she was there before"
    assert not Event.objects.filter(tag=CertificateEvent.ISSUED_AGAIN).exists()


def test_who_manages_the_group_and_is_insured_there_issues_her_own_as_herself(cast: Cast) -> None:
    holder_of(cast.ana, cast.policy.policyholder)
    assert issued(cast.coverage, cast.ana).membership.role == "insured"
    assert issued(cast.bens, cast.ana).membership.role == "policyholder"


def test_an_individual_policyholder_issues_as_policyholder_so_that_her_office_sees_it(
    cast: Cast, browse: Browse
) -> None:
    Policyholder.objects.filter(pk=cast.policy.policyholder_id).update(kind="individual", insured=cast.coverage.insured)
    holder_of(cast.ana, cast.policy.policyholder)
    certificate = to_mercy(cast, cast.ana)
    assert certificate.membership.role == "policyholder"
    assert HOLDER in everywhere(browse(cast.paula), certificate)


def test_the_party_whose_book_has_a_saved_holder_issues(cast: Cast, browse: Browse) -> None:
    holder_of(cast.ana, cast.policy.policyholder)
    groups = a_holder(cast.paula, cast.coverage, name=HOLDER)
    elsewhere = a_holder(cast.olga, cast.olgas, name="Elsewhere Clinic")
    holder_of(cast.ana, cast.olgas.term.policy.policyholder)
    client = browse(cast.ana)
    page = client.get(reverse("credentialing:issue", args=[cast.coverage.public_id])).content.decode()
    assert str(groups.public_id) in page
    assert str(elsewhere.public_id) not in page, "a book of a party that has nothing to do with this policy"
    form = new_holder_form(recipient="saved", holder=str(groups.public_id))
    client.post(reverse("credentialing:issue", args=[cast.coverage.public_id]), form)
    assert Certificate.objects.get().membership.role == "policyholder"
