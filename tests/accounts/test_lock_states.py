"""Lock state, however locks, unlocks, cool-offs, and passwords follow each other (a state machine)."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import time_machine
from django.test import Client
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import AccountLink, Purpose, User
from accounts.services import changes, locks
from accounts.services.changes import Change
from tests.factories import UserFactory
from tests.helpers import sign_in

RIGHT, WRONG = "demo-Portal-2026", "not-the-password-9"
FAILURES, COOL_OFF = 5, dt.timedelta(minutes=15)
NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)


ADDRESSES = itertools.count()


def stranger() -> Client:
    """Return a browser in a network of its own: this is about the account's own counters."""
    number = next(ADDRESSES)
    return Client(REMOTE_ADDR=f"{20 + number // 60000}.{number // 250 % 240}.{number % 250}.7")


class LockStates(RuleBasedStateMachine):
    """What the model expects of one account: a lock, failures within 15 minutes, a cool-off, and whether a password
    opens it."""

    clock: Any = None

    @initialize()
    def open_account(self) -> None:
        """Begin with an account that has a password, and a member of staff."""
        self.now = NOON
        self.clock = time_machine.travel(self.now, tick=False)
        self.traveler = self.clock.start()
        number = User.objects.count()
        self.user = UserFactory.create(username=f"owner{number}")
        self.staff = UserFactory.create(username=f"staff{number}", is_staff=True, is_superuser=True)
        self.browser = Client()
        self.locked = False
        self.has_password = True
        self.failures: list[dt.datetime] = []
        self.cool_off_until: dt.datetime | None = None
        self.links: list[str] = []

    def teardown(self) -> None:
        """Give the time back."""
        if self.clock is not None:
            self.clock.stop()

    # What the model says.

    def cools_off(self) -> bool:
        return self.cool_off_until is not None and self.cool_off_until > self.now

    def _try(self, password: str) -> Any:
        return stranger().post("/accounts/sign-in/", {"username": self.user.username, "password": password})

    def _fails(self, status: int) -> None:
        """Count a password that was judged and refused."""
        self.failures = [each for each in self.failures if each > self.now - COOL_OFF] + [self.now]
        if len(self.failures) >= FAILURES:
            self.failures, self.cool_off_until = [], self.now + COOL_OFF
            assert status == 429
        else:
            assert status == 422

    # What happens.

    @rule()
    def right_password(self) -> None:
        """Open the account unless it's locked, in a cool-off, or has no password."""
        status = self._try(RIGHT).status_code
        if self.cools_off():
            assert status == 429
        elif self.locked or not self.has_password:
            self._fails(status)
        else:
            assert status == 302
            self.failures = []

    @rule(times=st.integers(1, 4))
    def wrong_password(self, times: int) -> None:
        """Never opens it, and counts."""
        for _ in range(times):
            status = self._try(WRONG).status_code
            if self.cools_off():
                assert status == 429
            else:
                self._fails(status)

    @rule(minutes=st.sampled_from([1, 7, 14, 15, 16, 40]))
    def time_passes(self, minutes: int) -> None:
        """Let a cool-off end by itself, which a lock doesn't."""
        self.now += dt.timedelta(minutes=minutes)
        self.traveler.move_to(self.now)

    @rule()
    def the_owner_signs_in_elsewhere(self) -> None:
        """Begin a session that a lock must end."""
        if not self.locked:
            sign_in(self.browser, User.objects.get(pk=self.user.pk))

    @rule()
    def something_is_changed(self) -> None:
        """Mail the owner a lock link."""
        changes.announce(change=Change.PHONE, user=self.user, by=self.user)
        link = AccountLink.objects.filter(user=self.user, purpose=Purpose.LOCK).latest("pk")
        self.links.append(link.draw_token())

    @precondition(lambda self: self.links)
    @rule(data=st.data())
    def a_lock_link_is_used(self, data: Any) -> None:
        """Any link since the last unlock locks, once or again."""
        client = stranger()
        client.get(f"/accounts/link/{data.draw(st.sampled_from(self.links))}/")
        assert client.post("/accounts/lock/").status_code == 302
        self.locked = True

    @rule()
    def staff_lock(self) -> None:
        """Staff lock it, once or again."""
        locks.lock(user=self.user, by=self.staff, reason="model")
        self.locked = True

    @rule()
    def staff_unlock(self) -> None:
        """Lifts the lock and the cool-off; behind a lock the password and lock links are void."""
        former = self.links
        kept = {device.public_id: True for device in self.user.authenticatordevice_set.all()}
        locks.unlock(user=self.user, by=self.staff, reason="model", kept=kept)
        if self.locked:
            self.has_password, self.links = False, []
            for token in former:
                client = stranger()
                client.get(f"/accounts/link/{token}/")
                assert client.post("/accounts/lock/").status_code == 410
        self.locked, self.failures, self.cool_off_until = False, [], None

    @precondition(lambda self: not self.has_password and not self.locked)
    @rule()
    def the_owner_chooses_a_password(self) -> None:
        """As with the link that the unlock sends."""
        user = User.objects.get(pk=self.user.pk)
        user.set_password(RIGHT)
        user.save(update_fields=["password", "password_changed_at"])
        self.has_password = True

    # What always holds.

    @invariant()
    def the_account_is_as_locked_as_the_model(self) -> None:
        """One lock at most; a locked account has no open session; staff see what keeps the owner out."""
        if self.clock is None:
            return
        standing = self.user.locks.filter(lifted_at=None).count()
        assert standing == (1 if self.locked else 0)
        if self.locked:
            assert not self.user.sessions.open().exists()
            assert not self.user.trusted_devices.usable().exists()
        seen = {obstacle.what for obstacle in locks.obstacles_of(self.user)}
        assert ("The account" in seen) == self.locked
        assert ("Password" in seen) == self.cools_off()
        assert locks.locked_now().filter(pk=self.user.pk).exists() == bool(seen)
        assert User.objects.get(pk=self.user.pk).has_usable_password() == self.has_password


class TestLockStates(TestCase):
    """Runs it, each example in a transaction of its own."""

    def test_a_lock_holds_until_staff_lift_it_whatever_else_happens(self) -> None:
        run_state_machine_as_test(
            LockStates,
            settings=settings(
                max_examples=7,
                stateful_step_count=20,
                deadline=None,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
            ),
        )
