"""Where a state wants an approved form and the company has none, nothing goes out, and staff hear of it once."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from core.models import Event, Mail
from credentialing.certificates import issuing
from credentialing.events import CertificateEvent
from credentialing.models import Certificate, CertificateForm, PaperRequest
from policies.eligibility import Paper, judge_now
from policies.models import Coverage, Insured, Policyholder
from tests.book import days
from tests.cast import Cast
from tests.credentialing.helpers import issued, made, pdf_of, to_whom, words_of
from tests.helpers import sign_in
from tests.on_file import CertificateFormFactory
from tests.reading import links, words

Browse = Callable[[User], Client]
COI, LETTER = CertificateForm.Kind.CERTIFICATE, CertificateForm.Kind.LETTER
LEGEND = "Nothing in this document amends, extends, or alters coverage under the policy it names."


@pytest.fixture
def texan(cast: Cast) -> Cast:
    """Return the cast with Ana in Texas, where her company has no form."""
    Insured.objects.filter(pk=cast.anas.insured_id).update(state="TX")
    return cast


def a_form(cast: Cast, state: str = "TX", kind: str = COI, **fields: object) -> CertificateForm:
    form: CertificateForm = CertificateFormFactory.create(
        company=cast.policy.company, state=state, kind=kind, legend=LEGEND, **fields
    )
    return form


def issue_page(coverage: Coverage) -> str:
    return reverse("credentialing:issue", args=[coverage.public_id])


def judged(coverage: Coverage) -> str:
    return judge_now(Coverage.objects.with_policy().get(pk=coverage.pk)).kind


def test_number_edition_and_legend_are_at_the_foot_of_each_page(cast: Cast) -> None:
    a_form(cast, "NY", form_number="LM-COI-10-NY", edition="06-26")
    Coverage.objects.filter(pk=cast.anas.pk).update(
        endorsement_text=";".join(f"Endorsement {n:02}: {'amendment of definitions, ' * 6}" for n in range(30))
    )
    certificate = made(cast.anas, cast.ana)
    pages = [page.extract_text() for page in pdf_of(certificate).pages]
    assert len(pages) > 1
    assert all("Form LM-COI-10-NY (06-26) · Certificate of Insurance" in page for page in pages)
    assert LEGEND in words_of(certificate)


def test_a_letter_bears_the_form_of_letters(cast: Cast) -> None:
    a_form(cast, "", form_number="LM-COI-10")
    a_form(cast, "", LETTER, form_number="LM-VOC-20")
    Coverage.objects.filter(pk=cast.anas.pk).update(expires=days(-1))
    text = words_of(made(cast.anas, cast.ana))
    assert "Form LM-VOC-20 (06-26) · Letter of Past Coverage" in text
    assert "LM-COI-10" not in text


def test_without_a_form_where_none_is_wanted_no_number_is_printed(cast: Cast) -> None:
    certificate = made(cast.anas, cast.ana)
    assert certificate.snapshot["form"] is None
    assert "Form " not in words_of(certificate)


@pytest.mark.parametrize("length", [120, 600, 1500])
def test_a_legend_of_any_length_hides_nothing(cast: Cast, length: int) -> None:
    a_form(cast, "NY", form_number="LM-COI-10-NY")
    CertificateForm.objects.update(legend=(LEGEND + " ") * (length // len(LEGEND) + 1))
    certificate = made(cast.anas, cast.ana)
    text = words_of(certificate)
    assert text.count(LEGEND) == length // len(LEGEND) + 1
    assert len(pdf_of(certificate).pages) == 1
    for line in ("Extended reporting endorsement", "This certificate is issued", "Imogen Vale"):
        assert line in text


def test_with_the_states_form_it_goes_out_and_without_it_nothing_does(texan: Cast) -> None:
    a_form(texan, "")
    assert judged(texan.anas) == ""
    with pytest.raises(issuing.NotIssuableError, match="Texas accepts certificates only on a form that was approved"):
        issued(texan.anas, texan.ana)
    a_form(texan, form_number="LM-COI-10-TX")
    assert judged(texan.anas) == Paper.COI
    assert "Form LM-COI-10-TX" in words_of(made(texan.anas, texan.ana))


def test_letters_need_a_form_of_their_own(texan: Cast) -> None:
    a_form(texan)
    Coverage.objects.filter(pk=texan.anas.pk).update(expires=days(-1))
    assert judged(texan.anas) == ""
    a_form(texan, kind=LETTER)
    assert judged(texan.anas) == Paper.LETTER


def test_the_named_insureds_state_counts_where_the_insureds_is_empty(cast: Cast) -> None:
    Policyholder.objects.filter(pk=cast.policy.policyholder_id).update(state="GA")
    assert judged(cast.anas) == Paper.COI
    Insured.objects.filter(pk=cast.anas.insured_id).update(state="")
    assert judged(cast.anas) == ""


def test_staff_are_told_once_however_many_ask(texan: Cast, browse: Browse, settings: Settings) -> None:
    settings.STAFF_ALERT_EMAILS = ["desk@portal.example"]
    for user in (texan.ana, texan.paula, texan.ana):
        page = words(browse(user).get(issue_page(texan.anas)))
        assert "Texas accepts certificates only on a form that was approved there" in page
        assert "We’ve told our staff. They’ll see to it by " in page
    assert browse(texan.ana).post(issue_page(texan.anas), to_whom()).status_code == 422
    request = PaperRequest.objects.get()
    assert (request.company, request.state, request.kind, request.obstacle) == (
        texan.policy.company, "TX", COI, "no_form",
    )  # fmt: skip
    assert (request.asked_by, request.coverage) == (texan.ana, texan.anas)
    assert request.due_at - request.opened_at == pytest.approx(settings.SUPPORT_ANSWER_WITHIN, abs=dt.timedelta(1))
    assert Mail.objects.filter(to__contains="desk@portal.example").count() == 1
    assert Event.objects.filter(tag=CertificateEvent.PAPER_REQUESTED).count() == 1
    assert not Certificate.objects.exists()


def test_the_page_leads_to_a_request_of_the_customers_own(texan: Cast, browse: Browse) -> None:
    found = links(browse(texan.ana).get(issue_page(texan.anas)))
    assert reverse("credentialing:holder-request-new") + f"?kind=document&coverage={texan.anas.public_id}" in found
    listed = browse(texan.ana).get(reverse("credentialing:home"))
    assert "Request certificate for Ana María Núñez-Đặng, MD" in words(listed)
    assert issue_page(texan.anas) in links(listed)


def test_looking_at_lists_asks_for_nothing(texan: Cast, browse: Browse) -> None:
    for address in (reverse("credentialing:home"), texan.policy.get_absolute_url(), "/"):
        assert browse(texan.ana).get(address).status_code == 200
    assert not PaperRequest.objects.exists()


def test_many_at_once_tell_staff_once_and_the_others_go_out(texan: Cast) -> None:
    Insured.objects.filter(pk=texan.bens.insured_id).update(state="TX")
    coverages = Coverage.objects.with_policy().filter(pk__in=[texan.anas.pk, texan.bens.pk, texan.mias.pk])
    parts = issuing.parts_of(coverages)
    wanted = [
        issuing.Wanted(of_pair, None, user.memberships.first())
        for of_pair, user in zip(parts.values(), (texan.ana, texan.ben, texan.mia), strict=True)
    ]
    prepared = issuing.prepare_many(wanted, by=texan.mia)
    assert sorted(bool(one.certificate) for one in prepared) == [False, False, True]
    assert PaperRequest.objects.count() == 1


def test_staff_settle_it_and_the_next_to_ask_opens_another(texan: Cast, browse: Browse) -> None:
    browse(texan.ana).get(issue_page(texan.anas))
    texan.support.user_permissions.set(
        Permission.objects.filter(codename__in=("view_paperrequest", "settle_paperrequest"))
    )
    staff = Client()
    sign_in(staff, texan.support)
    listed = reverse("admin:credentialing_paperrequest_changelist")
    shown = words(staff.get(listed, {"clock": "waiting"}))
    assert "Certificate of insurance, Texas" in shown
    request = PaperRequest.objects.get()
    staff.post(listed, {"action": "settle", "_selected_action": [request.pk]})
    request.refresh_from_db()
    assert request.settled_by == texan.support
    assert Event.objects.filter(tag=CertificateEvent.PAPER_REQUEST_SETTLED).count() == 1
    assert "Certificate of insurance, Texas" not in words(staff.get(listed, {"clock": "waiting"}))
    browse(texan.paula).get(issue_page(texan.anas))
    assert PaperRequest.objects.waiting().get().asked_by == texan.paula


def test_staff_without_the_right_settle_nothing(texan: Cast, browse: Browse) -> None:
    browse(texan.ana).get(issue_page(texan.anas))
    texan.support.user_permissions.set(Permission.objects.filter(codename="view_paperrequest"))
    staff = Client()
    sign_in(staff, texan.support)
    listed = reverse("admin:credentialing_paperrequest_changelist")
    staff.post(listed, {"action": "settle", "_selected_action": [PaperRequest.objects.get().pk]})
    assert PaperRequest.objects.waiting().exists()


def test_the_clock_runs_out_where_nobody_settles_it(texan: Cast, browse: Browse) -> None:
    browse(texan.ana).get(issue_page(texan.anas))
    request = PaperRequest.objects.get()
    assert not request.is_overdue
    request.due_at = timezone.now() - dt.timedelta(minutes=1)
    assert request.is_overdue


def test_the_database_lets_one_wait_and_wants_to_know_who_settled_it(texan: Cast) -> None:
    fields = {"company": texan.policy.company, "state": "TX", "kind": COI, "obstacle": "no_form"}
    fields |= {"coverage": texan.anas, "asked_by": texan.ana}
    PaperRequest.objects.create(**fields)
    with pytest.raises(IntegrityError, match="one_waits"), transaction.atomic():
        PaperRequest.objects.create(**fields)
    with pytest.raises(IntegrityError, match="paperrequest_settled"), transaction.atomic():
        PaperRequest.objects.update(settled_at=timezone.now())


@pytest.mark.django_db(transaction=True)
def test_two_who_ask_at_once_open_one(texan: Cast) -> None:
    coverage = Coverage.objects.with_policy().get(pk=texan.anas.pk)
    start, found = threading.Barrier(2), []

    def ask() -> None:
        start.wait()
        found.append(
            PaperRequest.objects.ask(
                obstacle=PaperRequest.Obstacle.NO_FORM, coverage=coverage, state="TX", kind=COI, by=texan.ana
            ).pk
        )
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert PaperRequest.objects.count() == 1


def test_a_form_that_is_filed_later_serves_from_its_day(texan: Cast) -> None:
    a_form(texan, effective=days(1))
    assert judged(texan.anas) == ""
    CertificateForm.objects.update(effective=days(0))
    certificate = issued(texan.anas, texan.ana)
    assert certificate.snapshot["form"]["edition"] == "06-26"
    assert issuing.store(
        issuing.prepare_many([wanted_again(texan)], by=texan.ana)[0].certificate, key=uuid.uuid4()  # type: ignore[arg-type]
    ) == certificate  # fmt: skip


def wanted_again(cast: Cast) -> issuing.Wanted:
    (parts,) = issuing.parts_of(Coverage.objects.with_policy().filter(pk=cast.anas.pk)).values()
    return issuing.Wanted(parts, None, issuing.acting_membership(cast.ana, parts[0].coverage))
