"""Consents to electronic delivery are evidence: nothing changes or removes one."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import DeliveryConsent, Paperless, User

pytestmark = pytest.mark.django_db

PAST_ORDINARY_TRIGGERS = "SET LOCAL pgtrigger.ignore = '{accounts_deliveryconsent:stays_as_given}'"
ACTS = (
    "UPDATE accounts_deliveryconsent SET is_given = false",
    "DELETE FROM accounts_deliveryconsent",
    "TRUNCATE accounts_deliveryconsent",
)


@pytest.fixture
def consent(ada: User) -> DeliveryConsent:
    return DeliveryConsent.objects.create(
        user=ada,
        category=Paperless.BILLING,
        is_given=True,
        text_version="1",
        text="…",
        username="ada",
        email="a@x.test",
    )


@pytest.mark.parametrize("act", ACTS)
def test_the_database_refuses_to_change_or_delete_a_consent_whatever_the_session_sets(consent, act):
    with transaction.atomic(), connection.cursor() as cursor:
        # What is due at commit would keep TRUNCATE from getting as far as the trigger.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(PAST_ORDINARY_TRIGGERS)
        cursor.execute("SET LOCAL session_replication_role = replica")
        with pytest.raises(DatabaseError, match="Consents stay as they were given"), transaction.atomic():
            cursor.execute(act)
    assert DeliveryConsent.objects.get().is_given


def test_an_account_with_a_consent_can_not_be_deleted(consent, ada):
    with pytest.raises(DatabaseError), transaction.atomic():
        ada.delete()
    assert DeliveryConsent.objects.count() == 1
