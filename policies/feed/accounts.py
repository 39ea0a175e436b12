"""Contacts with a username: accounts that existed elsewhere and are taken over (S-08).

A contact's account has no password until its owner sets one by mail. Its membership is with the contact's party and
ends the moment the contact is retired, names another user or moves to another party. A username that somebody chose
here before the feed named it is not handed over: only an account with the contact's own email is, and never one of
staff.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.contrib.auth.hashers import make_password

from accounts.models import User
from accounts.models.users import fold_username
from core.events import subject_label
from core.feedspec import Load
from core.models import Event
from policies.events import PolicyEvent
from policies.models import Contact, Membership

FILE = "contacts.csv"
CHUNK = 1_000

EVENTS = """
    INSERT INTO core_event (at, tag, actor_name, on_behalf_of_id, on_behalf_of_name, subject_type, subject_id, agent,
                            request_id, session_id, data)
    SELECT %(now)s, %(tag)s, '', touched.user_id, u.username, 'policies.membership', touched.id::text, '', '', '',
           jsonb_build_object('role', touched.role, 'reason', 'carrier feed', 'run', %(run_id)s::bigint)
    FROM touched JOIN accounts_user u ON u.id = touched.user_id
"""


def keep_memberships(load: Load) -> None:
    """End, adjust and grant the memberships of contacts that changed."""
    changes = load.changes(FILE)
    assert changes  # noqa: S101  # the hook belongs to the file
    _end(load, changes)
    _adjust(load, changes)
    _Grants(load, changes).grant()


def _end(load: Load, changes: str) -> None:
    """Revoke what a retired contact had, or one that names another user or has moved to another party."""
    load.execute(
        f"""
        WITH touched AS (
            UPDATE policies_membership m SET revoked_at = %(now)s
            FROM {changes} d JOIN policies_contact c ON c.id = d.id
            WHERE m.contact_id = c.id AND m.revoked_at IS NULL AND (
                c.retired_at IS NOT NULL OR lower(d.was_username) <> lower(c.username)
                OR (m.policyholder_id, m.agency_id) IS DISTINCT FROM (c.policyholder_id, c.agency_id)
            )
            RETURNING m.id, m.user_id, m.role
        ) {EVENTS}""",
        {"tag": PolicyEvent.MEMBERSHIP_REVOKED.value},
    )


def _adjust(load: Load, changes: str) -> None:
    """Follow the contact's role and capabilities where the membership stands."""
    load.execute(
        f"""
        WITH touched AS (
            UPDATE policies_membership m
            SET administrator = (c.role = 'administrator'), capabilities = c.capabilities
            FROM {changes} d JOIN policies_contact c ON c.id = d.id
            WHERE m.contact_id = c.id AND m.revoked_at IS NULL
              AND (m.administrator, m.capabilities) IS DISTINCT FROM (c.role = 'administrator', c.capabilities)
            RETURNING m.id, m.user_id, m.role
        ) {EVENTS}""",
        {"tag": PolicyEvent.MEMBERSHIP_CHANGED.value},
    )


@dataclass
class _Chunk:
    """Accounts by folded username, and the parties at which each is a member already."""

    users: dict[str, User]
    members: set[tuple[int, int | None, int | None]] = field(default_factory=set)


class _Grants:
    """Accounts and memberships of the contacts that name a user and have no membership yet."""

    def __init__(self, load: Load, changes: str) -> None:
        self._load = load
        self._lines: dict[int, int] = dict(
            load.rows(
                f"""
                SELECT c.id, d.line FROM {changes} d JOIN policies_contact c ON c.id = d.id
                WHERE c.username <> '' AND c.retired_at IS NULL AND NOT EXISTS (
                    SELECT 1 FROM policies_membership m WHERE m.contact_id = c.id AND m.revoked_at IS NULL
                ) ORDER BY d.line
                """
            )
        )

    def grant(self) -> None:
        """Work through them, some at a time."""
        ids = list(self._lines)
        for start in range(0, len(ids), CHUNK):
            contacts = Contact.objects.filter(pk__in=ids[start : start + CHUNK])
            # Of two that name one user the first in the file makes the account.
            self._grant(sorted(contacts, key=lambda contact: self._lines[contact.pk]))

    def _grant(self, contacts: list[Contact]) -> None:
        chunk = _Chunk(self._accounts(contacts))
        taken = [contact for contact in contacts if self._may_take_over(contact, chunk.users)]
        users = [chunk.users[fold_username(contact.username)] for contact in taken]
        chunk.members = set(
            Membership.objects.filter(user__in=users, revoked_at=None).values_list(
                "user_id", "policyholder_id", "agency_id"
            )
        )
        self._record(Membership.objects.bulk_create(self._memberships(taken, chunk)), {user.pk: user for user in users})

    def _accounts(self, contacts: list[Contact]) -> dict[str, User]:
        """Accounts by folded username; those that don't exist are made, without a password."""
        keys = {fold_username(contact.username) for contact in contacts}
        users = {user.username_key: user for user in User.objects.filter(username_key__in=keys)}
        new: dict[str, User] = {}
        for contact in contacts:
            key = fold_username(contact.username)
            if key not in users and key not in new and contact.email:
                new[key] = User(
                    username=" ".join(contact.username.split()),
                    first_name=contact.first_name,
                    last_name=contact.last_name,
                    email=contact.email,
                    phone=contact.phone[:32],
                    password=make_password(None),
                )
        User.objects.bulk_create(new.values())
        return users | new

    def _may_take_over(self, contact: Contact, users: dict[str, User]) -> bool:
        """Whether the account is the contact's; a warning says why not."""
        user = users.get(fold_username(contact.username))
        if user is None:
            self._warn(
                contact, "no-email", "The account can't be taken over: its owner has no email to set a password by."
            )
        elif user.is_staff:
            self._warn(
                contact, "username-taken", "The username belongs to a member of staff; nobody was made a member."
            )
        elif user.email.casefold() != contact.email.casefold():
            self._warn(
                contact,
                "username-taken",
                "The username belongs to an account with another email; nobody was made a member.",
            )
        else:
            return True
        return False

    def _warn(self, contact: Contact, code: str, sentence: str) -> None:
        self._load.warn(FILE, self._lines[contact.pk], "username", code, sentence)

    def _memberships(self, contacts: Iterable[Contact], chunk: _Chunk) -> list[Membership]:
        """One for each contact whose account isn't a member at the party already."""
        found: list[Membership] = []
        for contact in contacts:
            user = chunk.users[fold_username(contact.username)]
            place = (user.pk, contact.policyholder_id, contact.agency_id)
            if place in chunk.members:
                continue
            chunk.members.add(place)
            found.append(
                Membership(
                    user=user,
                    role=Membership.Role.POLICYHOLDER if contact.policyholder_id else Membership.Role.AGENT,
                    policyholder_id=contact.policyholder_id,
                    agency_id=contact.agency_id,
                    contact=contact,
                    administrator=contact.role == Contact.Role.ADMINISTRATOR,
                    capabilities=contact.capabilities,
                )
            )
        return found

    def _record(self, memberships: list[Membership], users: dict[int, User]) -> None:
        Event.objects.bulk_create(
            Event(
                tag=PolicyEvent.MEMBERSHIP_GRANTED.value,
                on_behalf_of_id=membership.user_id,
                on_behalf_of_name=users[membership.user_id].username,
                subject_type=subject_label(membership),
                subject_id=str(membership.pk),
                data={"role": membership.role, "reason": "carrier feed", "run": self._load.run_id},
            )
            for membership in memberships
        )
