"""What an applicant reads about fraud, by state (docs/spec.md#fraud-warnings)."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from core.models import Event
from policies.models import FraudWarning, fraud_warning
from policies.models.fraud_warnings import GENERAL

pytestmark = pytest.mark.django_db


def test_a_state_has_its_own_words_and_every_other_the_general_ones() -> None:
    assert "five thousand dollars" in fraud_warning("NY")
    assert fraud_warning("ny ") == fraud_warning("NY")
    assert fraud_warning("CT") == fraud_warning("") == GENERAL


def test_staff_change_the_words_of_a_state_and_the_change_is_recorded(staff: Client) -> None:
    added = {"state": "CT", "text": "It is a crime in Connecticut.", "source": "Conn. Gen. Stat."}
    assert staff.post(reverse("admin:policies_fraudwarning_add"), added).status_code == 302
    assert fraud_warning("CT") == "It is a crime in Connecticut."
    event = Event.objects.get(tag="staff:row:added", subject_type="policies.fraudwarning")
    assert event.subject_id == str(FraudWarning.objects.get(state="CT").pk)
