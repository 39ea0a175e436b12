"""Signing an authorization, what it keeps, and revoking it (docs/security.md#authorizations)."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import AbstractBaseUser
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.models import Event, Mail
from credentialing.claims_history import authorizing
from credentialing.claims_history.authorizing import Recipient, revoke
from credentialing.events import ClaimsPaperEvent
from credentialing.models import Authorization, AuthorizationRevocation, Holder
from tests.cast import Cast
from tests.credentialing.claims_history.conftest import switch_on
from tests.credentialing.claims_history.papers import authorized, issued, subject_of
from tests.helpers import at_once, sign_in
from tests.on_file import StandingHolderFactory
from tests.reading import words

pytestmark = pytest.mark.django_db

Browse = Callable[[AbstractBaseUser], Client]
NEW = "credentialing:authorization-new"


def signing(cast: Cast, *, years: str = "10", to: str = "") -> str:
    query = {
        "insured": cast.anas.insured.public_id,
        "to": to or f"policyholder.{cast.policy.policyholder.public_id}",
        "years": years,
    }
    return f"{reverse('credentialing:authorization-sign')}?{urlencode(query)}"


def signature(**fields: str) -> dict[str, str]:
    return {
        "idempotency_key": str(uuid.uuid4()), "signed_name": "Ana María Núñez-Đặng", "agrees": "on", **fields,
    }  # fmt: skip


def test_an_insured_chooses_reads_and_signs(cast: Cast, browse: Browse) -> None:
    client = browse(cast.ana)
    choices = words(client.get(reverse(NEW)))
    for choice in ("Riverbend Medical Group, your policyholder", "Harborlight Insurance Agency, the agent of record"):
        assert choice in choices
    chosen = client.post(
        reverse(NEW),
        {
            "idempotency_key": str(uuid.uuid4()),
            "recipient": f"policyholder.{cast.policy.policyholder.public_id}",
            "years": "10",
        },
    )
    assert chosen["Location"] == signing(cast)
    text = words(client.get(signing(cast)))
    assert "release my claims history to Riverbend Medical Group" in text
    assert "within 10 years before it is issued" in text
    sent = client.post(signing(cast), signature())
    given = Authorization.objects.get()
    assert sent["Location"] == given.get_absolute_url()
    assert (given.years, given.policyholder, given.insured) == (10, cast.policy.policyholder, cast.anas.insured)
    assert "This authorization holds" in words(client.get(given.get_absolute_url()))
    assert "Riverbend Medical Group" in words(client.get(reverse("credentialing:authorizations")))


def test_an_authorization_keeps_what_proves_it(cast: Cast, browse: Browse) -> None:
    client = browse(cast.ana)
    client.post(signing(cast), signature(), headers={"user-agent": "Browser 1.0"})
    given = Authorization.objects.get()
    told = authorizing.text_of(
        insured=cast.anas.insured, recipient=Recipient(policyholder=cast.policy.policyholder), years=10,
        today=given.given_on,
    )  # fmt: skip
    assert given.text == "\n\n".join(told)
    assert (given.text_version, given.signed_name) == (authorizing.VERSION, "Ana María Núñez-Đặng")
    assert (given.username, given.email, given.given_by) == ("ana", cast.ana.email, cast.ana)
    assert (given.ip, given.agent) == ("127.0.0.1", "Browser 1.0")
    assert given.session_id
    assert given.request_id
    assert given.code_at <= given.given_at
    event = Event.objects.get(tag=ClaimsPaperEvent.AUTHORIZED)
    assert (event.actor_name, event.data["authorization"]) == ("ana", given.public_id)
    assert "Núñez" not in str(event.data)
    assert Mail.objects.filter(name="authorization_changed", to=cast.ana.email).count() == 1


def test_signing_asks_for_a_fresh_code_and_for_the_insureds_own_name(cast: Cast) -> None:
    client = Client()
    sign_in(client, cast.ana, verified_at=timezone.now() - dt.timedelta(minutes=21))
    for method in (client.get, client.post):
        assert method(signing(cast), signature())["Location"].startswith(reverse("accounts:verify"))
    assert not Authorization.objects.exists()
    sign_in(client, cast.ana)
    for wrong, sentence in (
        ({"signed_name": "Ben Okafor"}, "Type your name as we have it: Ana María Núñez-Đặng."),
        ({"signed_name": ""}, "Type your full name to sign."),
        ({"agrees": ""}, "Check the box to sign."),
    ):
        answer = client.post(signing(cast), signature(**wrong))
        assert answer.status_code == 422
        assert sentence in words(answer)
    assert not Authorization.objects.exists()
    assert client.post(signing(cast), signature(signed_name="ana maria nunez dang")).status_code == 302


def test_only_the_insured_signs(cast: Cast, browse: Browse) -> None:
    for user, status in ((cast.paula, 403), (cast.adam, 403), (cast.ben, 404), (cast.olga, 404)):
        assert browse(user).post(signing(cast), signature()).status_code == status, user
    assert not Authorization.objects.exists()


@pytest.mark.parametrize("to", ["", "policyholder.nobody", "agency.nobody", "holder.nobody", "on-file.nobody"])
def test_only_whom_the_insured_has_to_do_with_can_be_named(cast: Cast, browse: Browse, to: str) -> None:
    stranger = cast.mias.term.policy.policyholder
    address = signing(cast, to=to or f"policyholder.{stranger.public_id}")
    assert browse(cast.ana).post(address, signature()).status_code == 404
    assert not Authorization.objects.exists()


def test_a_hospital_on_file_or_a_new_one_can_be_named(cast: Cast, browse: Browse) -> None:
    client = browse(cast.ana)
    standing = StandingHolderFactory.create(policy=cast.policy)
    assert standing.holder.name in words(client.get(reverse(NEW)))
    assert client.post(signing(cast, to=f"on-file.{standing.holder.public_id}"), signature()).status_code == 302
    typed = {
        "idempotency_key": str(uuid.uuid4()), "recipient": "new", "years": "all", "name": "Two Rivers Hospital",
        "address1": "85 Two Rivers Boulevard", "city": "Saratoga Springs", "state": "NY", "zip": "12866",
    }  # fmt: skip
    wrong = client.post(reverse(NEW), typed | {"zip": "1"})
    assert wrong.status_code == 422
    assert "Enter a 5-digit ZIP code" in words(wrong)
    step = client.post(reverse(NEW), typed)
    assert client.post(step["Location"], signature()).status_code == 302
    given = Authorization.objects.get(holder_name="Two Rivers Hospital")
    assert given.years is None
    assert given.holder_fingerprint == Holder.objects.get().fingerprint
    assert "85 Two Rivers Boulevard" in given.text


def test_the_same_form_twice_signs_once(cast: Cast, browse: Browse) -> None:
    client, sending = browse(cast.ana), signature()
    assert client.post(signing(cast), sending)["Location"] == client.post(signing(cast), sending)["Location"]
    assert Authorization.objects.count() == 1


def test_revoking_is_one_press_and_twice_changes_nothing(cast: Cast, browse: Browse) -> None:
    given = authorized(cast.ana, cast.anas.insured, policyholder=cast.policy.policyholder)
    client = Client()
    # It only closes, so it asks for no fresh code.
    sign_in(client, cast.ana, verified_at=timezone.now() - dt.timedelta(hours=1))
    address = reverse("credentialing:authorization-revoke", args=[given.public_id])
    for _ in range(2):
        assert client.post(address).status_code == 302
    revocation = AuthorizationRevocation.objects.get()
    assert (revocation.by, revocation.side, revocation.ip) == (cast.ana, "insured", "127.0.0.1")
    assert Event.objects.filter(tag=ClaimsPaperEvent.REVOKED).count() == 1
    assert not Authorization.objects.in_effect().exists()
    assert "Revoked" in words(client.get(given.get_absolute_url()))
    assert Mail.objects.filter(name="authorization_changed").count() == 2
    assert browse(cast.ben).post(address).status_code == 404


def test_the_insured_sees_who_used_it_and_when(cast: Cast, browse: Browse) -> None:
    switch_on(cast.paula)
    given = authorized(cast.ana, cast.anas.insured, policyholder=cast.policy.policyholder)
    page = browse(cast.ana).get(given.get_absolute_url())
    assert "Nobody yet." in words(page)
    code = subject_of(cast.paula, cast.anas.insured).code
    assert browse(cast.paula).get(reverse("credentialing:claims-history-new"), {"who": code}).status_code == 200
    (paper,) = issued(cast.paula, cast.anas.insured).papers
    told = words(browse(cast.ana).get(given.get_absolute_url()))
    assert "Paula" in told
    assert "Read it here" in told
    assert f"Created {paper.serial}, 10 years To whom it may concern" in told


@pytest.mark.parametrize("table", ["credentialing_authorization", "credentialing_authorizationrevocation"])
@pytest.mark.parametrize("act", ["UPDATE {} SET id = 0", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_nothing_changes_or_removes_what_was_signed(cast: Cast, table: str, act: str) -> None:
    given = authorized(cast.ana, cast.anas.insured, policyholder=cast.policy.policyholder)
    revoke(given, by=cast.ana, side=AuthorizationRevocation.By.INSURED)
    asked = f"SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL session_replication_role = replica; {act.format(table)}"
    with pytest.raises(DatabaseError, match="Authorizations stay as signed"), transaction.atomic():
        connection.cursor().execute(asked)
    assert AuthorizationRevocation.objects.count() == Authorization.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_revocations_at_once_are_one() -> None:
    from tests.credentialing.conftest import make_printable_cast

    cast = make_printable_cast()
    given = authorized(cast.ana, cast.anas.insured, policyholder=cast.policy.policyholder)
    side = AuthorizationRevocation.By.INSURED
    assert sorted(at_once(*[lambda: revoke(given, by=cast.ana, side=side)] * 3)) == [False, False, True]
