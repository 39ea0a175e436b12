"""The row of a certificate: what the database keeps as issued, its numbers, and who sees it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AbstractBaseUser
from django.core.files.base import ContentFile
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from core.models import Event
from core.storage import private_storage
from credentialing import papers
from credentialing.certificates import issuing
from credentialing.certificates.numbers import ALPHABET, check_character, new_serial, new_verification_code
from credentialing.events import CertificateEvent
from credentialing.models import Certificate
from credentialing.panels import latest_certificates
from policies.eligibility import Part, judge_now
from policies.models import AgentOfRecord, Membership
from tests.cast import Cast
from tests.credentialing.helpers import a_holder, issued, made
from tests.factories import UserFactory

Browse = Callable[[AbstractBaseUser], Client]


@pytest.mark.parametrize(
    "change",
    [
        {"snapshot": {}},
        {"snapshot_digest": "0" * 64},
        {"serial": "COI-2026-AAAAAAAAA"},
        {"verification_code": "AAAA-AAAA-AAAA-AAAA-AAAA"},
        {"kind": "coi_renewal"},
        {"holder": None, "issued_on": "2020-01-01"},
        {"issued_at": "2020-01-01T00:00:00Z"},
        {"idempotency_key": uuid.uuid4()},
        {"public_id": "x" * 22},
    ],
)
def test_the_database_refuses_to_change_what_was_issued(cast: Cast, change: dict[str, Any]) -> None:
    certificate = issued(cast.coverage, cast.ana)
    with pytest.raises(DatabaseError, match="Certificates stay as issued: UPDATE"), transaction.atomic():
        Certificate.objects.filter(pk=certificate.pk).update(**change)


@pytest.mark.parametrize("change", [{"file": "other.pdf"}, {"sha256": "0" * 64}, {"status": "queued"}, {"attempts": 9}])
def test_the_database_refuses_to_change_anything_once_it_is_ready(cast: Cast, change: dict[str, Any]) -> None:
    certificate = made(cast.coverage, cast.ana)
    with pytest.raises(DatabaseError, match="Certificates stay as issued: UPDATE"), transaction.atomic():
        Certificate.objects.filter(pk=certificate.pk).update(**change)


def test_the_database_refuses_to_delete_a_certificate(cast: Cast) -> None:
    certificate = issued(cast.coverage, cast.ana)
    with pytest.raises(DatabaseError, match="Certificates stay as issued: DELETE"), transaction.atomic():
        certificate.delete()


@pytest.mark.parametrize(
    "setting",
    ["", "SET LOCAL pgtrigger.ignore = '{credentialing_certificate}'", "SET LOCAL session_replication_role = replica"],
    ids=["nothing", "a trigger library's switch", "the role of a replica"],
)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE credentialing_certificate SET serial = 'COI-1'",
        "DELETE FROM credentialing_certificate",
        "TRUNCATE credentialing_certificate CASCADE",
        "TRUNCATE credentialing_holder CASCADE",
    ],
)
def test_no_setting_of_a_session_lets_a_certificate_change_or_go(cast: Cast, setting: str, statement: str) -> None:
    issued(cast.coverage, cast.ana)
    # Checks that wait for the end of the transaction would refuse TRUNCATE by themselves.
    asked = f"SET CONSTRAINTS ALL IMMEDIATE; {setting}; {statement}"
    with pytest.raises(DatabaseError, match="Certificates stay as issued"), transaction.atomic():
        connection.cursor().execute(asked)
    assert Certificate.objects.count() == 1


def test_no_row_is_ready_without_a_file(cast: Cast) -> None:
    certificate = issued(cast.coverage, cast.ana)
    with pytest.raises(IntegrityError, match="ready_has_file"), transaction.atomic():
        Certificate.objects.filter(pk=certificate.pk).update(status=Certificate.Status.READY)


def test_a_certificate_says_who_issued_it_and_for_whom(cast: Cast) -> None:
    for user, role in ((cast.ana, "insured"), (cast.paula, "policyholder"), (cast.adam, "agent")):
        coverage = cast.bens if user != cast.ana else cast.coverage
        certificate = issuing.issue(
            parts=[Part(coverage, judge_now(coverage))],
            holder=None,
            by=user,
            membership=issuing.acting_membership(user, coverage),
            key=uuid.uuid4(),
        )
        event = Event.objects.filter(subject_id=str(certificate.pk)).latest("id")
        assert event.data["role"] == role
        assert event.actor_name == user.username


def test_a_serial_number_tells_nothing_and_finds_slips_of_the_pen() -> None:
    def is_right(body: str) -> bool:
        return check_character(body[:-1]) == body[-1]

    prefix, year, body = new_serial("COI", 2026).split("-")
    assert (prefix, year, len(body)) == ("COI", "2026", 9)
    assert is_right(body)
    for position, right in enumerate(body):
        for wrong in set(ALPHABET) - {right}:
            assert not is_right(f"{body[:position]}{wrong}{body[position + 1 :]}")
    for position in range(len(body) - 2):
        first, second = body[position], body[position + 1]
        if first != second:
            assert not is_right(f"{body[:position]}{second}{first}{body[position + 2 :]}")
    assert len({new_serial("COI", 2026) for _ in range(1000)}) == 1000
    assert check_character("2" * 8) == ALPHABET[0]


def test_a_verification_code_has_99_random_bits_in_groups_that_can_be_read_aloud() -> None:
    code = new_verification_code()
    groups = code.split("-")
    assert [len(group) for group in groups] == [4] * 5
    assert not set("01IOU") & set(code)
    assert len({new_verification_code() for _ in range(1000)}) == 1000


def test_a_serial_number_that_is_taken_is_drawn_again(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = issued(cast.coverage, cast.ana).serial
    drawn = iter([taken, "COI-2026-FREE"])
    monkeypatch.setattr(issuing, "new_serial", lambda prefix, year: next(drawn))
    assert issued(cast.bens, cast.ben).serial == "COI-2026-FREE"


def statuses(client: Client, certificate: Certificate) -> list[int]:
    """Return what its page, its progress and its file answer."""
    found = []
    for address in addresses(certificate):
        response = client.get(address)
        # Read to its end, as a browser does; that closes the file.
        response.getvalue()
        found.append(response.status_code)
    return found


def addresses(certificate: Certificate) -> list[str]:
    return [
        reverse(f"credentialing:{name}", args=[certificate.public_id]) for name in ("certificate", "progress", "pdf")
    ]


def test_another_customers_certificate_is_not_there(cast: Cast, browse: Browse) -> None:
    certificate = made(cast.coverage, cast.ana)
    for stranger in (cast.olga, cast.ben):
        client = browse(stranger)
        assert statuses(client, certificate) == [404, 404, 404]
        retry = client.post(reverse("credentialing:retry", args=[certificate.public_id]))
        assert retry.status_code == 404
    client.logout()
    assert client.get(addresses(certificate)[2]).status_code == 302, "sent to sign in"


def revoke_membership(cast: Cast, user: User) -> None:
    Membership.objects.get(user=user).revoke(by=cast.paula, reason="left")


def end_appointment(cast: Cast, user: User) -> None:
    AgentOfRecord.objects.filter(agency=cast.agency).update(ends=timezone.localdate())


@pytest.mark.parametrize(
    ("who", "end"), [("ana", revoke_membership), ("paula", revoke_membership), ("adam", end_appointment)]
)
def test_who_has_no_access_any_more_has_no_certificate_in_the_same_moment(
    cast: Cast, browse: Browse, who: str, end: Callable[[Cast, User], None]
) -> None:
    user = getattr(cast, who)
    certificate = made(cast.coverage, user)
    client = browse(user)
    assert statuses(client, certificate) == [200, 200, 200]
    end(cast, user)
    assert statuses(client, certificate) == [404, 404, 404]


def test_historic_access_still_reads_what_was_issued_and_has_its_letter(cast: Cast, browse: Browse) -> None:
    certificate = made(cast.coverage, cast.ana)
    type(cast.coverage).objects.filter(pk=cast.coverage.pk).update(
        expires=timezone.localdate() - dt.timedelta(days=1), ended_reason="Left the group"
    )
    client = browse(cast.ana)
    assert statuses(client, certificate) == [200, 200, 200]
    assert made(cast.coverage, cast.ana).is_letter


def test_each_download_is_recorded_and_nothing_personal_with_it(cast: Cast, browse: Browse) -> None:
    certificate = made(cast.coverage, cast.paula)
    client = browse(cast.paula)
    for _ in range(2):
        response = client.get(reverse("credentialing:pdf", args=[certificate.public_id]))
        assert response["Cache-Control"] == "private, no-store"
        assert response.getvalue().startswith(b"%PDF-")
    downloads = Event.objects.filter(tag=CertificateEvent.DOWNLOADED)
    assert [event.actor_name for event in downloads] == ["paula", "paula"]
    for event in Event.objects.filter(tag__startswith="credentialing:"):
        assert set(event.data) <= {"serial", "kind", "role", "membership", "sha256", "attempt", "attempts", "insured"}


@pytest.fixture
def alerts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    told: list[str] = []
    monkeypatch.setattr(papers, "alert_staff", lambda subject, body: told.append(f"{subject}: {body}"))
    return told


def remove(certificate: Certificate) -> None:
    private_storage().delete(certificate.file)


def alter(certificate: Certificate) -> None:
    with private_storage().open(certificate.file) as stored:
        content = stored.read()
    remove(certificate)
    private_storage().save(certificate.file, ContentFile(content.replace(b"%PDF-1.7", b"%PDF-1.4")))


@pytest.mark.parametrize("accelerated", ["", "/private/"], ids=["by us", "by the web server in front"])
@pytest.mark.parametrize(
    ("what", "tag", "says"),
    [(remove, "file_missing", "is missing"), (alter, "file_changed", "isn’t the one that was stored")],
    ids=["gone", "changed"],
)
def test_a_file_that_is_gone_or_changed_is_never_served_and_staff_are_told_once(
    cast: Cast,
    browse: Browse,
    settings: Settings,
    alerts: list[str],
    what: Callable[[Certificate], None],
    tag: str,
    says: str,
    accelerated: str,
) -> None:
    settings.ACCEL_REDIRECT_PREFIX = accelerated
    certificate = made(cast.coverage, cast.ana)
    what(certificate)
    client = browse(cast.ana)
    for _ in range(2):
        response = client.get(reverse("credentialing:pdf", args=[certificate.public_id]))
        assert response["Location"] == certificate.get_absolute_url()
        assert "X-Accel-Redirect" not in response
    page = client.get(certificate.get_absolute_url()).content.decode()
    assert "We can’t give you this file right now. Web support has been told." in page
    assert not Event.objects.filter(tag=CertificateEvent.DOWNLOADED).exists()
    event = Event.objects.get(tag=f"credentialing:certificate:{tag}")
    assert (event.actor_name, event.data) == ("ana", {"serial": certificate.serial})
    assert len(alerts) == 1
    assert says in alerts[0]
    assert certificate.sha256 in alerts[0]
    assert certificate.insured_name not in alerts[0]


def test_only_a_whole_download_counts_as_one(cast: Cast, browse: Browse) -> None:
    certificate = made(cast.coverage, cast.ana)
    client = browse(cast.ana)
    address = reverse("credentialing:pdf", args=[certificate.public_id])
    assert client.head(address).status_code == 200
    assert not Event.objects.filter(tag=CertificateEvent.DOWNLOADED).exists()
    client.get(address).getvalue()
    assert Event.objects.filter(tag=CertificateEvent.DOWNLOADED).count() == 1


@pytest.mark.parametrize(("who", "role"), [("ana", "insured"), ("paula", "policyholder"), ("adam", "agent")])
def test_a_download_says_for_whom(cast: Cast, browse: Browse, who: str, role: str) -> None:
    user = getattr(cast, who)
    certificate = made(cast.coverage, user)
    browse(user).get(reverse("credentialing:pdf", args=[certificate.public_id])).getvalue()
    event = Event.objects.get(tag=CertificateEvent.DOWNLOADED)
    assert event.data == {
        "serial": certificate.serial,
        "role": role,
        "membership": user.memberships.get().pk,
        "insured": cast.coverage.insured_id,
    }


def test_a_downloaded_file_is_named_for_insured_holder_and_day(cast: Cast) -> None:
    holder = a_holder(cast.ana, cast.coverage, name="Saint Aldhelm")
    certificate = issued(cast.coverage, cast.ana, holder)
    day = certificate.issued_on
    seen = Certificate.objects.visible_to(cast.ana).get()
    assert seen.download_name == f"COI Núñez-Đặng – Saint Aldhelm – {day}.pdf"
    to_another_party = Certificate.objects.visible_to(cast.paula).get()
    assert to_another_party.download_name == f"COI Núñez-Đặng – {day}.pdf", "only the issuing party learns the holder"
    certificate.kind = Certificate.Kind.PAST_COVERAGE
    assert certificate.download_name == f"Past coverage letter Núñez-Đặng – {day}.pdf"


def test_a_files_name_leads_to_no_other_folder_and_has_an_end(cast: Cast) -> None:
    certificate = issued(cast.coverage, cast.ana)
    certificate.is_own = True
    certificate.snapshot["insured"] = {"name": '../..\\Clinic A/B:\r\n "East"? ' + "ẍ" * 200}
    certificate.snapshot["holder"] = {"name": "Clinic \u202egpj.exe" + "é" * 200, "address": []}
    name = certificate.download_name
    assert name.startswith("COI Clinic A B East ẍẍ")
    assert name.endswith(f"éé – {certificate.issued_on}.pdf")
    assert len(name.encode()) < 255
    assert not set('/\\:"?\r\n\u202e') & set(name)


def test_the_pdf_of_one_in_preparation_leads_to_its_page(cast: Cast, browse: Browse) -> None:
    certificate = issued(cast.coverage, cast.ana)
    client = browse(cast.ana)
    response = client.get(reverse("credentialing:pdf", args=[certificate.public_id]))
    assert response["Location"] == certificate.get_absolute_url()
    page = client.get(certificate.get_absolute_url()).content.decode()
    assert 'hx-trigger="every 1s"' in page
    assert '<noscript><meta http-equiv="refresh" content="3; url=?by_itself=1"></noscript>' in page


def test_the_download_starts_by_itself_only_right_after_issuing(cast: Cast, browse: Browse) -> None:
    certificate = made(cast.coverage, cast.ana)
    client = browse(cast.ana)
    assert "data-download=" in client.get(certificate.get_absolute_url() + "?download").content.decode()
    assert "data-download=" not in client.get(certificate.get_absolute_url()).content.decode()


def test_staff_read_certificates_each_look_recorded_and_retry_those_that_failed(cast: Cast, browse: Browse) -> None:
    certificate = issued(cast.coverage, cast.ana)
    Certificate.objects.filter(pk=certificate.pk).update(status=Certificate.Status.FAILED, attempts=3)
    stan = UserFactory.create(username="stan", is_staff=True, is_superuser=True)
    client = browse(stan)
    listing = client.get(reverse("admin:credentialing_certificate_changelist"), {"status__exact": "failed"})
    assert certificate.serial in listing.content.decode()
    row = reverse("admin:credentialing_certificate_change", args=[certificate.pk])
    assert client.get(row).status_code == 200
    assert client.post(row, {"status": "ready"}).status_code == 403
    assert Event.objects.filter(
        tag=CertificateEvent.LOOKED_AT, actor_name="stan", subject_id=str(certificate.pk)
    ).exists()
    assert client.get(reverse("admin:credentialing_certificate_add")).status_code == 403
    client.post(
        reverse("admin:credentialing_certificate_changelist"),
        {"action": "retry_failed", "_selected_action": [certificate.pk]},
    )
    certificate.refresh_from_db()
    assert (certificate.status, certificate.attempts) == (Certificate.Status.QUEUED, 0)
    assert Event.objects.filter(tag=CertificateEvent.RETRIED, actor_name="stan").exists()


def test_the_home_panel_shows_the_latest_and_only_ones_own(cast: Cast) -> None:
    made(cast.coverage, cast.ana)
    assert [len(panel.context["certificates"]) for panel in latest_certificates(cast.paula)] == [1]
    assert [len(panel.context["certificates"]) for panel in latest_certificates(cast.olga)] == [0]
    assert list(latest_certificates(UserFactory.create())) == []
    assert [panel.slot for panel in latest_certificates(cast.ana, policy=cast.policy)] == ["policy"]
    assert list(latest_certificates(cast.ben, policy=cast.policy)) == []
