"""Requests about holders: what customers ask, what staff decide, the clock, and what a decision does (S-38)."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from core.models import Event, Mail
from credentialing.events import HolderEvent
from credentialing.holders import deciding, on_file, requesting
from credentialing.holders.standing import arrangements_of
from credentialing.models import CarrierHolder, Holder, HolderMessage, HolderRequest, OwnStandingHolder, StandingHolder
from policies.models import Membership, Policy
from policies.roles import Capability
from portal.staff import make_staff_groups
from tests.book import delegate_of
from tests.cast import Browse, Cast
from tests.credentialing.conftest import make_printable_cast
from tests.credentialing.holders import a_request
from tests.factories import UserFactory
from tests.on_file import CarrierHolderFactory, StandingHolderFactory
from tests.reading import words

NEW = reverse("credentialing:holder-request-new")
LIST = reverse("credentialing:holder-requests")
ADMIN = "/admin/credentialing/holderrequest/"
KIND, STATUS = HolderRequest.Kind, HolderRequest.Status


def sent(policy: Policy, **fields: Any) -> dict[str, Any]:
    """Return what the form for a new holder sends."""
    return {
        "idempotency_key": str(uuid.uuid4()),
        "policy": policy.public_id,
        "whom": "everyone",
        "name": "Saint Brendan Medical Center",
        "address1": "One Hospital Plaza",
        "city": "Kingston",
        "state": "NY",
        "zip": "12401",
        "email": "coi@brendan.example",
        "renewals": "on",
        "notices": "on",
        **fields,
    }


def ask(browser: Client, kind: str, **fields: Any) -> Any:
    return browser.post(f"{NEW}?kind={kind}", fields)


def decided(asked: HolderRequest, by: User, *, accepts: bool = True, **more: Any) -> bool:
    done = deciding.decide(asked, accepts=accepts, text="Done.", by=by, key=uuid.uuid4(), **more)
    asked.refresh_from_db()
    return done


def page(asked: HolderRequest, name: str = "holder-request") -> str:
    return reverse(f"credentialing:{name}", args=[asked.public_id])


@pytest.fixture
def sue(db: None) -> User:
    """Is in customer service, and decides."""
    make_staff_groups()
    user = UserFactory.create(username="sue", is_staff=True)
    user.groups.add(Group.objects.get(name="Customer service"))
    return user


@pytest.fixture
def mailed(cast: Cast) -> Cast:
    cast.paula.email = "paula@group.example"
    cast.paula.save()
    return cast


def test_a_request_to_add_a_holder_has_a_clock_that_both_sides_see(mailed: Cast, browse: Browse, sue: User) -> None:
    paula = browse(mailed.paula)
    answer = ask(paula, KIND.ADD, **sent(mailed.policy, text="They moved."))
    asked = HolderRequest.objects.get()
    assert answer.url == page(asked)
    assert (asked.policy, asked.insured, asked.switches["renewals"]) == (mailed.policy, None, True)
    assert asked.due_at - asked.opened_at == pytest.approx(settings.SUPPORT_ANSWER_WITHIN, abs=dt.timedelta(1))
    assert set(Mail.objects.values_list("name", "to")) == {
        ("request_received", "paula@group.example"),
        ("request_waiting", settings.SUPPORT["service"]["email"]),
    }
    assert "We’ll answer by" in words(paula.get(page(asked)))
    assert "We’ll answer by" in words(paula.get(LIST))
    desk = browse(sue)
    assert "Requests about holders 1 waiting" in words(desk.get("/admin/"))
    assert "They moved." in words(desk.get(f"{ADMIN}{asked.pk}/change/"))
    HolderRequest.objects.update(due_at=timezone.now() - dt.timedelta(hours=1))
    assert "We’re late, and sorry." in words(paula.get(page(asked)))
    listed = words(desk.get(f"{ADMIN}?clock=overdue"))
    assert "Open, overdue" in listed


def test_home_shows_what_waits_and_asks_for_a_reply(cast: Cast, browse: Browse, sue: User) -> None:
    asked = a_request(cast.paula, cast.policy)
    assert "Add a holder: Saint Brendan Medical Center" in words(browse(cast.paula).get("/"))
    asked.answer(text="Which building?", by=sue, key=uuid.uuid4())
    home = words(browse(cast.paula).get("/"))
    assert "Reply to us" in home
    assert "Saint Brendan" not in words(browse(cast.adam).get("/"))
    requesting.withdraw(asked, by=cast.paula)
    assert "Saint Brendan" not in words(browse(cast.paula).get("/"))


def test_the_same_form_and_the_same_matter_are_one_request(cast: Cast, browse: Browse) -> None:
    paula = browse(cast.paula)
    form = sent(cast.policy)
    first = ask(paula, KIND.ADD, **form)
    assert ask(paula, KIND.ADD, **form).url == first.url
    again = sent(cast.policy, name="SAINT BRENDAN, Medical Center")
    assert ask(paula, KIND.ADD, **again).url == first.url
    assert HolderRequest.objects.count() == 1
    paula.post(page(HolderRequest.objects.get(), "holder-request-withdraw"))
    assert ask(paula, KIND.ADD, **sent(cast.policy)).url != first.url


def test_what_is_accepted_makes_the_holder_a_standing_one(mailed: Cast, sue: User, browse: Browse) -> None:
    asked = a_request(mailed.paula, mailed.policy, email="coi@brendan.example", notices=True)
    form = {"idempotency_key": str(uuid.uuid4()), "outcome": "accept", "renewals": "on", "text": "Welcome."}
    assert browse(sue).post(f"{ADMIN}{asked.pk}/decide/", form).status_code == 302
    asked.refresh_from_db()
    standing = OwnStandingHolder.objects.get()
    assert (asked.status, asked.decided_by, asked.made) == (STATUS.DONE, sue, standing)
    # Staff took a switch away.
    assert (standing.renewals, standing.notices, standing.insured) == (True, False, None)
    assert standing.holder.policyholder == mailed.policy.policyholder
    assert standing.holder.email == "coi@brendan.example"
    assert [one.name for one in arrangements_of([mailed.policy.pk])] == ["Saint Brendan Medical Center"]
    assert Mail.objects.filter(name="holder_request_decided", to="paula@group.example").count() == 1
    assert "Welcome." in words(browse(mailed.paula).get(page(asked)))
    event = Event.objects.get(tag=HolderEvent.REQUEST_DONE)
    assert (event.on_behalf_of_id, event.data["overdue"]) == (mailed.paula.pk, False)


def test_what_is_declined_changes_nothing_and_tells_the_customer(mailed: Cast, sue: User) -> None:
    asked = a_request(mailed.paula, mailed.policy)
    assert decided(asked, sue, accepts=False)
    assert asked.status == STATUS.DECLINED
    assert not Holder.objects.exists()
    assert not decided(asked, sue)
    assert Mail.objects.filter(name="holder_request_decided").count() == 1


def test_an_insured_asks_for_herself_alone(cast: Cast, browse: Browse, sue: User) -> None:
    ask(browse(cast.ana), KIND.ADD, **sent(cast.policy))
    asked = HolderRequest.objects.get()
    assert asked.insured == cast.anas.insured
    decided(asked, sue)
    assert OwnStandingHolder.objects.get().holder.insured == cast.anas.insured
    for other in (cast.paula, cast.ben, cast.adam, cast.olga):
        browser = browse(other)
        assert browser.get(page(asked)).status_code == 404
        for name in ("holder-request-reply", "holder-request-withdraw"):
            assert browser.post(page(asked, name), {"text": "x"}).status_code == 404
        assert "Saint Brendan" not in words(browser.get(LIST))


def test_a_change_of_what_is_on_file_ends_the_feeds_row_and_starts_an_own_one(
    cast: Cast, browse: Browse, sue: User
) -> None:
    row = StandingHolderFactory.create(policy=cast.policy, insured=cast.anas.insured, notices=True)
    fields = sent(cast.policy, standing=row.public_id, notices="")
    ask(browse(cast.paula), KIND.CHANGE, **fields)
    decided(HolderRequest.objects.get(), sue)
    row.refresh_from_db()
    assert row.ended_by == sue
    (one,) = arrangements_of([cast.policy.pk])
    assert (one.name, one.insured_id, one.notices) == ("Saint Brendan Medical Center", cast.anas.insured_id, False)
    assert row.holder not in CarrierHolder.objects.visible_to(cast.paula)


def test_what_is_removed_gets_nothing_and_no_load_brings_it_back(cast: Cast, browse: Browse, sue: User) -> None:
    row = StandingHolderFactory.create(policy=cast.policy)
    key = str(uuid.uuid4())
    ask(browse(cast.adam), KIND.REMOVE, idempotency_key=key, standing=row.public_id)
    asked = HolderRequest.objects.get()
    assert decided(asked, sue)
    assert arrangements_of([cast.policy.pk]) == []
    # As a load does with a row that it has again.
    StandingHolder.objects.filter(pk=row.pk).update(retired_at=None, renewals=True, notices=True)
    assert arrangements_of([cast.policy.pk]) == []
    other = a_request(cast.paula, cast.policy, KIND.REMOVE, standing=row)
    with pytest.raises(deciding.NotPossibleError, match="ended meanwhile"):
        decided(other, sue)
    other.refresh_from_db()
    assert other.is_waiting


def test_an_insured_doesnt_ask_about_what_everyone_has(cast: Cast, browse: Browse) -> None:
    everyones = StandingHolderFactory.create(policy=cast.policy)
    bens = StandingHolderFactory.create(policy=cast.policy, insured=cast.bens.insured)
    ana = browse(cast.ana)
    assert "Nothing on file to change" in words(ana.get(f"{NEW}?kind=remove"))
    anas = StandingHolderFactory.create(policy=cast.policy, insured=cast.anas.insured)
    for row, status in ((everyones, 422), (bens, 422), (anas, 302)):
        fields = {"idempotency_key": str(uuid.uuid4()), "standing": row.public_id}
        assert ask(ana, KIND.REMOVE, **fields).status_code == status


def test_access_to_claims_histories_is_granted_and_the_authorization_is_still_needed(
    cast: Cast, browse: Browse, sue: User
) -> None:
    from credentialing.claims_history.access import subjects_of

    fields = {"idempotency_key": str(uuid.uuid4()), "policy": cast.policy.public_id, "text": "For privileges."}
    assert ask(browse(cast.paula), KIND.CLAIMS_ACCESS, **fields).status_code == 302
    asked = HolderRequest.objects.get()
    decided(asked, sue)
    membership = cast.paula.memberships.get()
    assert membership.capabilities == [Capability.VIEW_CLAIMS_HISTORY]
    (subject,) = subjects_of(cast.paula, [cast.anas.insured_id])
    assert "hasn’t authorized this" in subject.ground(None, None).refusal
    again = ask(browse(cast.paula), KIND.CLAIMS_ACCESS, **fields | {"idempotency_key": str(uuid.uuid4())})
    assert "You have access to claims histories already." in words(again)
    own = ask(browse(cast.ana), KIND.CLAIMS_ACCESS, **fields | {"idempotency_key": str(uuid.uuid4())})
    assert own.status_code == 422


def test_a_delegate_gets_access_from_an_administrator_and_not_from_staff(cast: Cast, sue: User) -> None:
    place = cast.paula.memberships.get()
    colleague = delegate_of(place, UserFactory.create(), Capability.REQUEST_HOLDER)
    assert not requesting.lacks_claims_access(colleague)
    asked = a_request(colleague.user, cast.policy, KIND.CLAIMS_ACCESS)
    with pytest.raises(deciding.NotPossibleError, match="delegate"):
        decided(asked, sue)
    colleague.refresh_from_db()
    assert Capability.VIEW_CLAIMS_HISTORY not in colleague.capabilities


def test_nothing_takes_effect_for_someone_whose_access_has_ended(cast: Cast, sue: User) -> None:
    asked = a_request(cast.paula, cast.policy)
    Membership.objects.filter(user=cast.paula).update(revoked_at=timezone.now(), ended_by="person")
    asked.refresh_from_db()
    with pytest.raises(deciding.NotPossibleError, match="access has ended"):
        decided(HolderRequest.objects.get(), sue)
    assert not Holder.objects.exists()


def test_messages_go_both_ways_and_a_reply_starts_the_clock_again(mailed: Cast, sue: User, browse: Browse) -> None:
    asked = a_request(mailed.paula, mailed.policy)
    form = {"idempotency_key": str(uuid.uuid4()), "text": "Which building?"}
    browse(sue).post(f"{ADMIN}{asked.pk}/answer/", form)
    asked.refresh_from_db()
    assert (asked.status, asked.assigned_to) == (STATUS.ANSWERED, sue)
    paula = browse(mailed.paula)
    assert "Which building?" in words(paula.get(page(asked)))
    key = {"idempotency_key": str(uuid.uuid4())}
    assert paula.post(page(asked, "holder-request-reply"), key).status_code == 422
    HolderRequest.objects.update(due_at=timezone.now() - dt.timedelta(days=3))
    for _ in range(2):
        assert paula.post(page(asked, "holder-request-reply"), key | {"text": "The west one."}).status_code == 302
    asked.refresh_from_db()
    assert (asked.status, asked.is_overdue) == (STATUS.IN_PROGRESS, False)
    assert HolderMessage.objects.filter(from_staff=False, text="The west one.").count() == 1
    decided(asked, sue)
    assert (
        paula.post(
            page(asked, "holder-request-reply"), {**key, "text": "x", "idempotency_key": str(uuid.uuid4())}
        ).status_code
        == 409
    )


def test_a_request_is_withdrawn_once_and_then_nothing_is_decided(cast: Cast, sue: User, browse: Browse) -> None:
    asked = a_request(cast.paula, cast.policy)
    paula = browse(cast.paula)
    assert paula.post(page(asked, "holder-request-withdraw")).status_code == 302
    assert not decided(asked, sue)
    assert asked.status == STATUS.WITHDRAWN
    assert not OwnStandingHolder.objects.exists()
    assert "come to its end" in words(paula.get(page(asked)))


def test_staff_merge_two_requests_of_one_customer_and_of_no_other(cast: Cast, sue: User, browse: Browse) -> None:
    first = a_request(cast.paula, cast.policy)
    second = a_request(cast.paula, cast.policy, name="St. Brendan")
    anas = a_request(cast.ana, cast.policy, insured=cast.anas.insured)
    desk = browse(sue)
    desk.post(f"{ADMIN}{second.pk}/merge/", {"into": anas.pk})
    second.refresh_from_db()
    assert second.is_waiting
    desk.post(f"{ADMIN}{second.pk}/merge/", {"into": first.pk})
    second.refresh_from_db()
    assert (second.status, second.same_as) == (STATUS.CLOSED, first)
    assert "Your other request" in words(browse(cast.paula).get(page(second)))


@pytest.mark.parametrize(
    ("kind", "wrong", "sentence"),
    [
        (KIND.ADD, {"name": ""}, "Enter a name."),
        (KIND.ADD, {"zip": "1"}, "Enter a 5-digit ZIP code"),
        (KIND.ADD, {"email": "x"}, "Enter an email address"),
        (KIND.ADD, {"policy": "\0"}, "Choose a policy from the list."),
        (KIND.ADD, {"whom": "one", "insured": "Elsewhere"}, "Nobody of this name"),
        (KIND.ADD, {"renewals": "", "notices": ""}, "Choose at least one"),
        (KIND.ADD, {"text": "x" * 5000}, "Enter up to 4,000 characters."),
        (KIND.REMOVE, {"standing": "x" * 22}, "Choose one from the list."),
        (KIND.DOCUMENT, {"text": ""}, "Tell us which document you need."),
        (KIND.CLAIMS_ACCESS, {"text": " "}, "Tell us what you need it for."),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(
    cast: Cast, browse: Browse, kind: str, wrong: dict[str, str], sentence: str
) -> None:
    StandingHolderFactory.create(policy=cast.policy)
    answer = ask(browse(cast.paula), kind, **(sent(cast.policy) | wrong))
    assert (answer.status_code, sentence in words(answer)) == (422, True)
    assert not HolderRequest.objects.exists()


def test_a_page_that_leads_here_fills_in_what_it_knows_of_the_users_own(cast: Cast, browse: Browse) -> None:
    shown = browse(cast.paula).get(NEW, {"kind": "add", "coverage": cast.bens.public_id}).text
    assert "Şahin" in shown
    for stranger in (cast.olgas.public_id, "\0", "junk"):
        assert "Elsewhere" not in browse(cast.paula).get(NEW, {"kind": "add", "coverage": stranger}).text
    assert browse(cast.support).get(NEW).status_code == 403


def test_a_user_sends_no_more_than_the_limit(cast: Cast, browse: Browse, settings: Any) -> None:
    settings.SUPPORT_REQUESTS_PER_USER = 1
    ask(browse(cast.paula), KIND.ADD, **sent(cast.policy))
    answer = ask(browse(cast.paula), KIND.ADD, **sent(cast.policy, name="Mercy Clinic"))
    assert (answer.status_code, "Mercy Clinic" in answer.text) == (429, True)


def test_only_those_who_may_decide_do(cast: Cast, browse: Browse) -> None:
    make_staff_groups()
    web = UserFactory.create(username="web", is_staff=True)
    web.groups.add(Group.objects.get(name="Web support"))
    asked = a_request(cast.paula, cast.policy)
    desk = browse(web)
    assert "Saint Brendan" in words(desk.get(f"{ADMIN}{asked.pk}/change/"))
    for act in ("decide", "answer", "assign", "merge"):
        assert desk.post(f"{ADMIN}{asked.pk}/{act}/", {"outcome": "accept", "text": "x"}).status_code == 403
    asked.refresh_from_db()
    assert asked.status == STATUS.OPEN


def test_staff_need_a_decision_and_words(cast: Cast, sue: User, browse: Browse) -> None:
    asked = a_request(cast.paula, cast.policy)
    answer = browse(sue).post(f"{ADMIN}{asked.pk}/decide/", {"idempotency_key": str(uuid.uuid4()), "text": "Kept?"})
    assert (answer.status_code, "Choose what you decide." in words(answer), "Kept?" in answer.text) == (422, True, True)


def test_staff_merge_holders_on_file_and_part_them_again(cast: Cast, sue: User) -> None:
    first = CarrierHolderFactory.create(name="Saint Brendan", zip="12401")
    second = CarrierHolderFactory.create(name="St. Brendan Med Ctr", zip="12401", minimum_per_claim=1_000_000)
    StandingHolderFactory.create(policy=cast.policy, holder=first)
    StandingHolderFactory.create(policy=cast.policy, holder=second)
    kept, merged = on_file.merge([first, second], by=sue)
    assert (kept, merged) == (second, 1)
    assert set(CarrierHolder.objects.visible_to(cast.paula)) == {second}
    assert {one.name for one in arrangements_of([cast.policy.pk])} == {"St. Brendan Med Ctr"}
    with pytest.raises(on_file.NotTheSameError):
        on_file.merge([second], by=sue)
    assert on_file.part([first], by=sue) == 1
    assert set(CarrierHolder.objects.visible_to(cast.paula)) == {first, second}


@pytest.mark.django_db(transaction=True)
def test_of_two_decisions_at_once_one_counts() -> None:
    cast = make_printable_cast()
    staff = UserFactory.create(username="sue", is_staff=True)
    asked = a_request(cast.paula, cast.policy)
    barrier, outcomes = threading.Barrier(2), []

    def run(accepts: bool) -> None:
        barrier.wait(30)
        outcomes.append(
            deciding.decide(
                HolderRequest.objects.get(pk=asked.pk), accepts=accepts, text="So.", by=staff, key=uuid.uuid4()
            )
        )
        connection.close()

    threads = [threading.Thread(target=run, args=(accepts,)) for accepts in (True, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    asked.refresh_from_db()
    assert sorted(outcomes) == [False, True]
    assert OwnStandingHolder.objects.exists() == (asked.status == STATUS.DONE)
    assert HolderMessage.objects.filter(from_staff=True).count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_matter_sent_twice_at_once_is_one_request() -> None:
    cast = make_printable_cast()
    barrier, found = threading.Barrier(2), []

    def run() -> None:
        barrier.wait(30)
        found.append(a_request(cast.paula, cast.policy).pk)
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [HolderRequest.objects.get().pk] * 2
