"""People who ask for an account, and what they type."""

from __future__ import annotations

import re
import uuid
from typing import Any

from django.core import mail as sent
from django.test import Client

from accounts.models import Registration
from accounts.tasks import match_registration
from core.crypto import keyed_hash
from core.mail import deliver
from core.models import Mail
from policies.models import Contact, Insured
from tests.book import FeedRowFactory

REGISTER = "/accounts/register/"
FINISH = "/accounts/register/account/"
BORN, BORN_TYPED = "1975-10-02", "10/02/1975"
PASSWORD = "quiet-otter-parade"


def birth_hash(day: str = BORN) -> str:
    """Return what the feed keeps of a date of birth."""
    return keyed_hash("date_of_birth", day)


class ContactFactory(FeedRowFactory):
    """Someone on file for a policyholder or an agency."""

    class Meta:
        model = Contact

    first_name, last_name = "Rosa", "Quist"
    zip, email = "12207", "rosa@clinic.example"
    date_of_birth_hash = birth_hash()


def on_file(row: Insured | Contact, *, email: str = "", born: str = BORN, **fields: Any) -> Any:
    """Give a row what a registrant is matched by."""
    row.email, row.date_of_birth_hash = email, birth_hash(born)
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()
    return row


def typed(**more: str) -> dict[str, str]:
    """Return the form as Ana fills it in."""
    form = {
        "idempotency_key": str(uuid.uuid4()),
        "policy_number": "mpl 204 118832",
        "full_name": "Ana Nunez",
        "date_of_birth": BORN_TYPED,
        "zip": "12207",
        "email": "ana@home.example",
    }
    return form | more


def ask(client: Client | None = None, **more: str) -> Registration:
    """Send the form, let the worker match it, and return the row."""
    before = set(Registration.objects.values_list("pk", flat=True))
    response = (client or Client()).post(REGISTER, typed(**more))
    assert response.status_code == 302, response.content.decode()
    registration = Registration.objects.exclude(pk__in=before).get()
    match_registration(registration.pk)
    registration.refresh_from_db()
    return registration


def mailed(settings: Any) -> list[Any]:
    """Send the waiting mails, and return all that were sent, oldest first."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    for each in Mail.objects.filter(status="queued").order_by("pk"):
        deliver(each.pk)
    return list(sent.outbox)


def link_in(message: Any) -> str:
    """Return the path of the link in a mail."""
    found = re.search(r"https?://[^/\s]+(/accounts/register/link/\S+)", str(message.body))
    assert found is not None, message.body
    return found.group(1)


def choose(
    client: Client, username: str = "ana.nunez", password: str = PASSWORD, email: str = "ana@home.example"
) -> Any:
    """Send the form of the new account. Only behind a letter's code does it ask for the email."""
    form = {"email": email, "username": username, "new_password1": password, "new_password2": password}
    return client.post(FINISH, form)
