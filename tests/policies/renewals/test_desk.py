"""What staff and the carrier's data do with renewal applications, and what home says of them (S-28)."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.models import Event, Mail
from policies.feed.answers import REQUESTS
from policies.models import RenewalApplication, RenewalPart, RequestAnswer, Term
from policies.renewals import answers, rendering
from policies.renewals.access import renewal_for
from policies.renewals.stages import Stage
from portal.staff import make_staff_groups
from tests.book import TermFactory, days
from tests.factories import UserFactory
from tests.helpers import sign_in
from tests.policies.renewals.book import address, application_of, ends_in, fresh, renewing, signed_by, submitted
from tests.reading import words

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cast import Browse, Cast

pytestmark = pytest.mark.django_db
STATUS = RequestAnswer.Status


@pytest.fixture
def cast(db: None) -> Cast:
    return renewing()


@pytest.fixture
def uma(db: None) -> Client:
    """Return the browser of an underwriter, with no more rights than the group has."""
    make_staff_groups()
    user = UserFactory.create(username="uma", is_staff=True)
    user.groups.add(Group.objects.get(name="Underwriting"))
    client = Client()
    sign_in(client, user)
    return client


def answered(application: RenewalApplication, status: str, message: str = "", **fields: Any) -> None:
    """Let the carrier's system answer, as the feed brings it."""
    row, _ = RequestAnswer.objects.update_or_create(
        source="core",
        external_id=application.public_id,
        defaults={
            "portal_request_id": application.public_id,
            "status": status,
            "message": message,
            "updated": timezone.now() + dt.timedelta(seconds=1),
        }
        | fields,
    )
    for _ in range(2):
        answers.take_answer({"answer": row.public_id, "request": application.public_id}, key="1")


@pytest.mark.parametrize(
    ("status", "stage", "said"),
    [
        (STATUS.RECEIVED, Stage.SUBMITTED, ""),
        (STATUS.IN_REVIEW, Stage.IN_REVIEW, ""),
        (STATUS.NEEDS_INFORMATION, Stage.QUESTION, "We need more information from you."),
        (STATUS.DONE, Stage.DONE, "We’ve finished our review."),
        (STATUS.DECLINED, Stage.DECLINED, "We can’t renew as the application asks."),
    ],
)
def test_the_carriers_answer_is_on_the_page(cast: Cast, browse: Browse, status: str, stage: Stage, said: str) -> None:
    submitted(cast)
    answered(fresh(cast), status, "Which site is the new one?" if said else "")
    assert renewal_for(cast.paula, cast.policy.public_id).stage is stage
    page = words(browse(cast.paula).get(address("renewal", cast.policy.public_id)))
    assert said in page
    assert page.count("Which site is the new one?") == bool(said)
    assert str(REQUESTS.file) == "requests.csv"


def test_an_older_answer_changes_nothing_and_a_reopened_one_stays_open(cast: Cast) -> None:
    submitted(cast)
    answered(fresh(cast), STATUS.DONE, updated=timezone.now() - dt.timedelta(days=2))
    assert fresh(cast).status == "open"
    assert fresh(cast).reopen(by=cast.paula)
    answered(fresh(cast), STATUS.IN_REVIEW)
    assert fresh(cast).is_draft


def test_a_bound_renewal_ends_the_application(cast: Cast) -> None:
    submitted(cast)
    term = TermFactory.create(policy=cast.policy, effective=cast.term.expires, expires=days(425))
    for _ in range(2):
        answers.renewed({"term": term.public_id}, key="1")
    assert fresh(cast).status == "done"
    assert Event.objects.filter(tag="policies:renewal:settled").count() == 1
    assert renewal_for(cast.paula, cast.policy.public_id).stage is Stage.BOUND


def test_an_underwriter_takes_it_asks_and_reopens_it(cast: Cast, uma: Client, browse: Browse) -> None:
    submitted(cast)
    application = fresh(cast)
    page = reverse("admin:policies_renewalapplication_change", args=[application.pk])
    assert "1 waiting" in words(uma.get(reverse("admin:index")))
    uma.post(f"{page.removesuffix('change/')}assign/", {"assigned_to": ""})
    uma_user = Event.objects.filter(tag="policies:renewal:viewed").count()
    assert uma.get(page).status_code == 200
    assert Event.objects.filter(tag="policies:renewal:viewed").count() == uma_user + 1
    base = page.removesuffix("change/")
    said = {"text": "Which site is new?", "idempotency_key": str(uuid.uuid4())}
    assert uma.post(f"{base}answer/", said).status_code == 302
    assert renewal_for(cast.paula, cast.policy.public_id).stage is Stage.QUESTION
    reply = {"text": "Troy", "idempotency_key": str(uuid.uuid4())}
    assert browse(cast.paula).post(address("renewal-message", cast.policy.public_id), reply).status_code == 302
    assert fresh(cast).status == "in_progress"
    assert uma.post(f"{base}reopen/").status_code == 302
    assert fresh(cast).is_draft
    # Nothing of staff's reaches one that the customer is filling in.
    assert uma.post(f"{base}answer/", said | {"idempotency_key": str(uuid.uuid4())}).status_code == 302
    assert fresh(cast).is_draft
    assert Mail.objects.filter(name="renewal_news", to=cast.paula.email).count() == 3


def test_an_underwriter_reads_what_a_clinician_answered_and_the_file(cast: Cast, uma: Client) -> None:
    application_of(cast)
    signed_by(cast, "ana")
    submission = submitted(cast)
    rendering.render(submission.pk)
    part = RenewalPart.objects.exclude(signed_at=None).get()
    shown = words(uma.get(reverse("admin:policies_renewalpart_change", args=[part.pk])))
    assert "About how many hours a week" in shown
    file = uma.get(reverse("admin:policies_renewal_file", args=[submission.application_id, 1]))
    assert file["Content-Type"] == "application/pdf"
    stranger = Client()
    sign_in(stranger, UserFactory.create(is_staff=True))
    assert stranger.get(reverse("admin:policies_renewal_file", args=[submission.application_id, 1])).status_code == 403


def test_home_and_the_policys_page_say_what_is_due_to_whom_it_concerns(cast: Cast, browse: Browse) -> None:
    due = "the renewal application is due by"
    assert due in words(browse(cast.paula).get("/"))
    page = cast.policy.get_absolute_url()
    assert "Complete the renewal application" in words(browse(cast.paula).get(page))
    for user in (cast.ana, cast.adam):
        assert "renewal application is" not in words(browse(user).get("/"))
    application_of(cast)
    assert "2 of 2 clinicians’ parts are missing" in words(browse(cast.paula).get("/"))
    assert "Answer and sign your part" in words(browse(cast.ana).get("/"))
    submitted(cast)
    assert "the renewal application: submitted." in words(browse(cast.paula).get("/"))
    Term.objects.filter(pk=cast.term.pk).update(expires=days(265))
    ends_in(cast, 265)
    assert "renewal application" not in words(browse(cast.paula).get(page)).replace("Renewal applications", "")


def test_the_list_has_submitted_ones_for_the_agent_and_all_for_the_policyholder(cast: Cast, browse: Browse) -> None:
    application_of(cast)
    assert "Riverbend" in words(browse(cast.paula).get(address("renewals")))
    assert "No renewal applications yet" in words(browse(cast.adam).get(address("renewals")))
    submitted(cast)
    assert "Download the application of MPL-204-118832" in words(browse(cast.adam).get(address("renewals")))
    assert "No renewal applications yet" in words(browse(cast.ana).get(address("renewals")))
    earlier = browse(cast.paula).get(address("renewal", cast.policy.public_id), {"term": cast.term.public_id})
    assert earlier.status_code == 200
    assert browse(cast.paula).get(address("renewal", cast.policy.public_id), {"term": "x"}).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_reopened_and_answered_at_once_it_is_one_or_the_other(transactional_db: None) -> None:
    cast = renewing()
    submitted(cast)
    stan = UserFactory.create(is_staff=True)
    for _ in range(5):
        RenewalApplication.objects.update(status="open", assigned_to=None)
        ready = threading.Barrier(2)
        done: dict[str, Any] = {}

        def do(name: str, act: Callable[[RenewalApplication], Any], ready: Any = ready, done: Any = done) -> None:
            application = fresh(cast)
            ready.wait()
            done[name] = act(application)
            connection.close()

        threads = [
            threading.Thread(target=do, args=("reopened", lambda one: one.reopen(by=cast.paula))),
            threading.Thread(
                target=do, args=("answered", lambda one: one.answer(text="Which?", by=stan, key=uuid.uuid4()))
            ),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert fresh(cast).status == ("draft" if done["reopened"] else "answered")
        assert bool(done["answered"]) is not done["reopened"]
