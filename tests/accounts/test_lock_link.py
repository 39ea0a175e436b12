"""A change that wasn't the owner's: locked with the link of a mail, unlocked by staff (S-13)."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AccountLink, DetailChange, Purpose, TrustedDevice, User
from accounts.services import changes, email_change, locks
from accounts.services.changes import Change
from accounts.tasks import forget_detail_changes
from core.mail import deliver
from core.models import Event, Mail
from tests.accounts.people import is_in, type_password
from tests.cast import Browse
from tests.factories import PASSWORD, UserFactory
from tests.helpers import at_once, authenticator_for
from tests.reading import words

pytestmark = pytest.mark.django_db

PAGE = "/accounts/lock/"
OLD, NEW = "ada@people.example", "intruder@example.test"


@pytest.fixture(autouse=True)
def _mails(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


def post() -> dict[str, str]:
    """Send what waits, and return the latest body of each address's mails."""
    mail.outbox.clear()
    for each in Mail.objects.filter(status="queued").order_by("pk"):
        deliver(each.pk)
    return {each.to[0]: str(each.body) for each in mail.outbox}


def link_in(body: str) -> str:
    return re.findall(r"https?://[^/]+(/accounts/link/\S+)", body)[0]


def changed(user: User, change: Change = Change.PHONE) -> str:
    """Return the address of the lock link of the mail about a change."""
    changes.announce(change=change, user=user, by=user)
    return link_in(post()[user.email])


def opened(address: str, client: Client | None = None) -> Client:
    client = client or Client()
    assert client.get(address).headers["Location"] == PAGE
    return client


def is_locked(user: User) -> bool:
    return user.locks.filter(lifted_at=None).exists()


def test_the_page_says_what_was_changed_and_opening_it_locks_nothing(ada: User):
    client = opened(changed(ada, Change.ADDRESS))
    page = client.get(PAGE)
    assert page.status_code == 200
    assert "The mailing address of your account was changed." in words(page)
    assert "Lock my account" in words(page)
    assert not is_locked(ada)


def test_the_button_locks_ends_every_session_and_voids_devices_and_links(ada: User, browse: Browse):
    session = browse(ada)
    reset = AccountLink.issue(ada, Purpose.RESET, email=ada.email, by=None)
    device = TrustedDevice.objects.create(
        user=ada,
        token_hash="x",
        label="Chrome",
        expires_at=timezone.now() + dt.timedelta(days=9),
        epoch=ada.security_epoch,
    )
    client = opened(changed(ada))
    response = client.post(PAGE, follow=True)
    assert "Your account is locked" in words(response)
    assert "(860) 555-0140" in words(response)
    assert "websupport@portal.example" in words(response)
    assert is_locked(ada)
    assert not is_in(session)
    assert type_password(Client(), "ada", PASSWORD).status_code == 422
    device.refresh_from_db()
    assert device.revoked_at is not None
    assert not AccountLink.objects.usable().filter(pk=reset.pk).exists()
    event = Event.objects.get(tag="account:lock:set")
    assert (event.subject_id, event.data["link"]) == (str(ada.pk), ada.links.get(purpose=Purpose.LOCK).public_id)


def test_a_second_press_and_every_other_link_of_the_account_answer_the_same(ada: User):
    first, second = changed(ada, Change.PHONE), changed(ada, Change.EMAIL)
    client = opened(first)
    client.post(PAGE)
    again = client.post(PAGE, follow=True)
    other = opened(second)
    for response in (again, other.get(PAGE), other.post(PAGE, follow=True)):
        assert response.status_code == 200
        assert "Your account is locked" in words(response)
    assert ada.locks.count() == 1
    assert Event.objects.filter(tag="account:lock:set").count() == 1


def test_a_link_of_a_kind_that_is_no_longer_known_still_locks(ada: User):
    address = changed(ada)
    AccountLink.objects.filter(purpose=Purpose.LOCK).update(change="from_an_older_version")
    client = opened(address)
    assert "Something about your account was changed." in words(client.get(PAGE))
    client.post(PAGE)
    assert is_locked(ada)


def test_someone_without_a_link_gets_410(client: Client):
    assert client.get(PAGE).status_code == 410
    assert client.post(PAGE).status_code == 410
    client.get("/accounts/link/guess/")
    assert client.post(PAGE).status_code == 410


def test_a_link_of_another_purpose_locks_nothing(ada: User):
    link = AccountLink.issue(ada, Purpose.RESET, email=ada.email, by=None)
    client = Client()
    client.get(f"/accounts/link/{link.draw_token()}/")
    assert client.post(PAGE).status_code == 410
    assert not is_locked(ada)


def test_the_link_survives_a_change_of_password_and_of_email(ada: User):
    address = changed(ada)
    ada.set_password("another long password 93")
    ada.save(update_fields=["password", "password_changed_at"])
    User.objects.filter(pk=ada.pk).update(email=NEW)
    opened(address).post(PAGE)
    assert is_locked(ada)


def test_the_link_works_for_240_hours(ada: User):
    address = changed(ada)
    with time_machine.travel(timezone.now() + dt.timedelta(hours=239), tick=False):
        opened(address)
    with time_machine.travel(timezone.now() + dt.timedelta(hours=241), tick=False):
        client = Client()
        client.get(address)
        assert client.post(PAGE).status_code == 410
    assert not is_locked(ada)


def test_in_the_owners_own_browser_the_page_still_says_whom_to_call(ada: User, browse: Browse):
    client = opened(changed(ada), browse(ada))
    response = client.post(PAGE, follow=True)
    assert response.status_code == 200
    assert "Your account is locked" in words(response)
    assert not is_in(client)


def test_in_a_colleagues_browser_the_colleague_stays_signed_in(ada: User, browse: Browse):
    colleague = browse(UserFactory.create(username="colleague"))
    opened(changed(ada), colleague).post(PAGE)
    assert is_locked(ada)
    assert is_in(colleague)


@pytest.mark.django_db(transaction=True)
def test_two_links_at_once_make_one_lock():
    user = UserFactory.create(email=OLD)
    clients = [opened(changed(user, change)) for change in (Change.PHONE, Change.ADDRESS)]
    assert at_once(*[lambda c=c: c.post(PAGE).status_code for c in clients]) == [302, 302]
    assert user.locks.count() == 1


# The unlock


def take_over(ada: User) -> str:
    """Change Ada's email as an intruder, and return the lock link that her old address got."""
    email_change.ask(user=ada, email=NEW)
    client = Client()
    client.get(link_in(post()[NEW]))
    assert client.post("/accounts/confirm-email/").status_code == 200
    ada.refresh_from_db()
    assert ada.email == NEW
    return link_in(post()[OLD])


def unlock(staff: Client, user: User, **typed: Any) -> Any:
    return staff.post(f"/admin/accounts/user/{user.pk}/unlock/", {"reason": "Called back", **typed})


def test_staff_see_recent_changes_with_what_was_there_and_their_look_is_recorded(ada: User, staff: Client):
    opened(take_over(ada)).post(PAGE)
    page = words(staff.get(f"/admin/accounts/user/{ada.pk}/unlock/"))
    assert "The email of your account was changed." in page
    assert f"Keep {NEW}" in page
    assert f"Restore {OLD}" in page
    assert Event.objects.filter(tag="staff:user:viewed", subject_id=str(ada.pk)).count() == 1


def test_staff_restore_the_former_email_and_the_link_to_choose_a_password_goes_there(ada: User, staff: Client):
    confirmed = User.objects.get(pk=ada.pk).email_confirmed_at
    opened(take_over(ada)).post(PAGE)
    app = authenticator_for(ada)
    response = unlock(staff, ada, email=OLD, **{app.public_id: "keep"})
    assert response.status_code == 302
    ada.refresh_from_db()
    assert (ada.email, ada.email_confirmed_at) == (OLD, confirmed)
    assert not ada.has_usable_password()
    assert not is_locked(ada)
    mails = post()
    assert set(mails) == {OLD}
    assert "Choose your password" in mail.outbox[-1].subject
    assert Event.objects.filter(tag="staff:email:restored", subject_id=str(ada.pk)).count() == 1
    assert [change.former["email"] for change in DetailChange.objects.order_by("pk")] == [OLD, NEW]


def test_staff_keep_an_email_that_was_the_owners_change(ada: User, staff: Client):
    opened(take_over(ada)).post(PAGE)
    app = authenticator_for(ada)
    unlock(staff, ada, email=NEW, **{app.public_id: "keep"})
    ada.refresh_from_db()
    assert ada.email == NEW
    assert ada.email_confirmed_at is not None
    assert not Event.objects.filter(tag="staff:email:restored").exists()


def test_a_lock_is_not_lifted_before_the_email_is_decided(ada: User, stan: User, staff: Client):
    opened(take_over(ada)).post(PAGE)
    app = authenticator_for(ada)
    for typed in ({}, {"email": "other@example.test"}):
        response = unlock(staff, ada, **typed, **{app.public_id: "keep"})
        assert response.status_code == 422
    with pytest.raises(ValueError, match="email"):
        locks.unlock(user=ada, by=stan, reason="x", kept={app.public_id: True})
    assert is_locked(ada)


@pytest.mark.parametrize("days", [29, 31])
def test_only_changes_of_the_last_30_days_are_asked_about(ada: User, staff: Client, days: int):
    take_over(ada)
    DetailChange.objects.update(at=timezone.now() - dt.timedelta(days=days))
    ada.locks.create(reason="test")
    page = words(staff.get(f"/admin/accounts/user/{ada.pk}/unlock/"))
    assert (f"Restore {OLD}" in page) == (days == 29)


def test_lock_links_sent_before_the_unlock_are_void_since_an_intruder_may_read_one(ada: User, stan: User):
    owners, intruders = take_over(ada), changed(ada)
    opened(owners).post(PAGE)
    locks.unlock(user=ada, by=stan, reason="x", kept={}, email=OLD)
    for address in (owners, intruders):
        client = Client()
        client.get(address)
        assert client.post(PAGE).status_code == 410
    assert not is_locked(ada)


def test_a_former_email_that_another_account_has_confirmed_comes_back_unconfirmed(ada: User, stan: User):
    opened(take_over(ada)).post(PAGE)
    UserFactory.create(username="other", email=OLD)
    locks.unlock(user=ada, by=stan, reason="x", kept={}, email=OLD)
    ada.refresh_from_db()
    assert (ada.email, ada.email_confirmed_at) == (OLD, None)


def test_former_details_are_forgotten_after_a_year(ada: User):
    take_over(ada)
    DetailChange.objects.update(at=timezone.now() - dt.timedelta(days=366))
    DetailChange.objects.create(user=ada, change=Change.PHONE, former={"phone": ""})
    forget_detail_changes()
    assert DetailChange.objects.get().change == Change.PHONE
