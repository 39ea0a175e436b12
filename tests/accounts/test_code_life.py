"""The life of a code, whatever people do in whatever order: ask, type right and wrong codes, wait, use two browsers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import pytest
import time_machine
from django.db import transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.models import Attempt, Challenge, Channel, Outcome, PhoneDevice, Session
from core.models import Throttle
from tests.accounts.gateways import RecordingGateway, Text
from tests.accounts.people import phone_for
from tests.factories import UserFactory
from tests.helpers import give_password_only

# What happens: who does it is one of two sessions of the same owner.
ASK, RIGHT, OLD, WRONG = "ask", "right", "old", "wrong"
acts = st.lists(
    st.tuples(
        st.sampled_from((ASK, RIGHT, OLD, WRONG, RIGHT, WRONG)),
        st.sampled_from((0, 0, 0, 1)),
        st.sampled_from((0, 1, 59, 61, 299, 300, 599, 600, 16 * 60)),
    ),
    max_size=14,
)


@dataclass
class Model:
    """What must hold: the newest code opens, in the session that asked, until it is used, void, or too old."""

    life: dt.timedelta
    tries: int | None
    off_after: int
    code: str = ""
    owner: int = -1
    until: dt.datetime | None = None
    wrong: int = 0
    old: list[str] = field(default_factory=list)
    failures: int = 0
    in_a_row: int = 0
    total: int = 0
    cool_off: dt.datetime | None = None

    def may_judge(self, now: dt.datetime) -> bool:
        return self.in_a_row < self.off_after and (self.cool_off is None or self.cool_off <= now)

    def issue(self, code: str, owner: int, now: dt.datetime) -> None:
        if self.code:
            self.old.append(self.code)
        self.code, self.owner, self.until, self.wrong = code, owner, now + self.life, 0

    def judge(self, code: str, session: int, now: dt.datetime) -> bool:
        """Return whether it opens, and count."""
        if not self.may_judge(now):
            return False
        mine = bool(self.code) and session == self.owner and self.until is not None and now < self.until
        if mine and code == self.code:
            self.old.append(self.code)
            self.code, self.failures, self.in_a_row, self.cool_off = "", 0, 0, None
            return True
        if mine:
            self.wrong += 1
            if self.tries is not None and self.wrong >= self.tries:
                self.old.append(self.code)
                self.code = ""
        self.failures, self.in_a_row = self.failures + 1, self.in_a_row + 1
        if self.failures == 5:
            self.failures, self.cool_off = 0, now + dt.timedelta(minutes=15)
        return False


def judge(device: PhoneDevice, code: str, session: Session) -> Outcome | None:
    """Judge a code as sign-in does: under the device's row lock."""
    attempt = Attempt(code=code, session=session)
    with transaction.atomic():
        PhoneDevice.objects.select_for_update().get(pk=device.pk).verify_token(attempt)
    return attempt.outcome


@pytest.mark.django_db
@pytest.mark.parametrize("channel", list(Channel))
@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(acts=acts)
def test_only_the_newest_code_opens_once_in_its_session_within_its_life(
    channel: Channel, acts: list[tuple[str, int, int]], texts: list[Text]
) -> None:
    RecordingGateway.sent.clear()
    Throttle.objects.all().delete()
    with time_machine.travel("2026-03-02 12:00:00+00:00", tick=False) as clock, transaction.atomic():
        owner = UserFactory.create()
        device = phone_for(owner, channel=channel)
        sessions = [give_password_only(Client(), owner) for _ in range(2)]
        voice = channel is Channel.VOICE
        model = Model(
            life=dt.timedelta(minutes=5 if voice else 10), tries=3 if voice else None, off_after=20 if voice else 100
        )
        for act, who, seconds in acts:
            clock.shift(dt.timedelta(seconds=seconds))
            now = timezone.now()
            if act == ASK:
                challenge = Challenge.issue(device, sessions[who])
                code = challenge.make_code()
                challenge.save(update_fields=["code_hash"])
                assert len(code) == (5 if voice else 6)
                model.issue(code, who, now)
                assert Challenge.objects.filter(device=device).open().count() == 1
                continue
            typed = {RIGHT: model.code, OLD: model.old[-1] if model.old else "", WRONG: ""}[act]
            typed = typed or ("0" * device.digits if model.code != "0" * device.digits else "1" * device.digits)
            expected = model.judge(typed, who, now)
            outcome = judge(device, typed, sessions[who])
            assert (outcome is Outcome.ACCEPTED) is expected, (act, outcome)
            device.refresh_from_db()
            assert (device.consecutive_failures, device.failures) == (model.in_a_row, model.failures)
            assert device.is_cooling_off() is (model.cool_off is not None and model.cool_off > now)
        transaction.set_rollback(True)


@given(number=st.integers(0, 99_999))
def test_every_code_by_call_keeps_its_five_digits(number: int) -> None:
    from accounts.spoken import spoken_code

    code = f"{number:05d}"
    words = spoken_code(code, language="es")
    assert "".join(words.code) == code
    assert words.transcript.count(", ".join(code)) == 2
