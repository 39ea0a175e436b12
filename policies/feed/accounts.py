"""Contacts with a username: accounts taken over from another portal (S-08).

A contact's account has the password of the former system if the feed gives its hash in a form that we read; otherwise
none until its owner sets one by email. A password set here is never replaced. The membership belongs to the contact's
party, and ends when the contact is retired, gets another username, or moves to another party. If someone already uses
the username here, the contact gets that account only if it has the contact's email, and never if it belongs to staff.
The email counts if its owner confirmed it, or if the feed created or took over the account with that email.

People's decisions take priority over the feed: it never grants access again that staff or an administrator revoked, and
it only narrows what they changed by hand.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX, make_password
from django.db.models import F, Q

from accounts.events import AccountEvent
from accounts.models import FormerUsername, User
from accounts.models.users import fold_username
from core.events import record_many, record_many_sql
from core.feedspec import Load
from policies.events import PolicyEvent
from policies.models import Contact, Membership
from policies.roles import Capability

FILE = "contacts.csv"
CHUNK = 1_000
# The most characters `User.username_key` can have.
LONGEST_KEY = User._meta.get_field("username_key").max_length or 0
LONGEST_NAME = User._meta.get_field("last_name").max_length or 0

TOUCHED = """
    SELECT touched.id AS subject_id, touched.user_id AS on_behalf_of_id, u.username AS on_behalf_of_name,
           jsonb_build_object(
               'role', touched.role,
               'party', CASE WHEN touched.policyholder_id IS NULL THEN 'policies.agency:' || touched.agency_id
                        ELSE 'policies.policyholder:' || touched.policyholder_id END,
               'administrator', touched.administrator, 'capabilities', touched.capabilities,
               'named_only', touched.named_only,
               'starts', touched.starts, 'ends', touched.ends,
               'reason', 'carrier feed', 'run', %(run_id)s::bigint
           ) AS data
    FROM touched JOIN accounts_user u ON u.id = touched.user_id
"""
EVENTS = record_many_sql(TOUCHED, subject=Membership)
PASSWORDS = """
    SELECT touched.id AS subject_id, touched.id AS on_behalf_of_id, touched.username AS on_behalf_of_name,
           jsonb_build_object('reason', 'carrier feed', 'run', %(run_id)s::bigint) AS data
    FROM touched
"""
PASSWORD_EVENTS = record_many_sql(PASSWORDS, subject=User)


def username_fault(username: str) -> str:
    """Return why a username can't be stored or typed, or an empty string: one letter can fold to eighteen."""
    if any(not (char.isprintable() or char.isspace()) for char in username):
        return "The username has an invisible character, so nobody could type it."
    if len(fold_username(username)) > LONGEST_KEY:
        return f"The username is longer than {LONGEST_KEY} characters when written in plain letters."
    return ""


def keep_memberships(load: Load) -> None:
    """End, adjust, and grant the memberships of changed contacts."""
    changes = load.changes(FILE)
    assert changes  # noqa: S101  # the hook belongs to the file
    _end(load, changes)
    _end_given(load)
    _adjust(load, changes)
    _Grants(load, changes).grant()
    _take_over_passwords(load)


def _end(load: Load, changes: str) -> None:
    """Revoke memberships of contacts that were retired, got another username, or moved to another party. A first
    username ends nothing: who registered as the contact chose their own."""
    load.execute(
        f"""
        WITH touched AS (
            UPDATE policies_membership m SET revoked_at = %(now)s, ended_by = 'feed'
            FROM {changes} d JOIN policies_contact c ON c.id = d.id
            WHERE m.contact_id = c.id AND m.revoked_at IS NULL AND (
                c.retired_at IS NOT NULL
                OR d.was_username <> '' AND lower(d.was_username) <> lower(c.username)
                OR (m.policyholder_id, m.agency_id) IS DISTINCT FROM (c.policyholder_id, c.agency_id)
            )
            RETURNING m.*
        ) {EVENTS}""",
        {"tag": PolicyEvent.MEMBERSHIP_REVOKED.value},
    )


def _end_given(load: Load) -> None:
    """Revoke what administrators gave whose own membership is revoked now (docs/security.md#delegates)."""
    load.execute(
        f"""
        WITH touched AS (
            UPDATE policies_membership m SET revoked_at = %(now)s, ended_by = 'feed'
            FROM policies_membership giver
            WHERE m.given_under_id = giver.id AND m.revoked_at IS NULL AND giver.revoked_at IS NOT NULL
            RETURNING m.*
        ) {EVENTS}""",
        {"tag": PolicyEvent.MEMBERSHIP_REVOKED.value},
    )


def _has(capability: str, capabilities: str) -> str:
    """Return SQL for whether a contact's capabilities hold one: none named are all but `view_claims_history`."""
    return f"({capability} = ANY ({capabilities}) OR {capabilities} = '{{}}' AND {capability} <> %(switch)s)"


def _adjust(load: Load, changes: str) -> None:
    """Copy contacts' roles and capabilities; from memberships changed by hand, only remove what the contact lost."""
    # What a membership opened by its role is named from now on, if the contact's are.
    opened = """
        CASE WHEN m.named_only OR c.capabilities = '{}' THEN m.capabilities ELSE m.capabilities || %(rest)s::varchar[]
        END
    """
    keeps = f"{_has('kept', 'c.capabilities')} OR NOT {_has('kept', 'd.was_capabilities')}"
    load.execute(
        f"""
        WITH wanted AS (
            SELECT m.id, c.role = 'administrator' AS administrator, c.capabilities,
                   c.capabilities <> '{{}}' AS named_only
            FROM {changes} d JOIN policies_contact c ON c.id = d.id
            JOIN policies_membership m ON m.contact_id = c.id
            WHERE m.revoked_at IS NULL AND NOT m.kept_by_hand
            UNION ALL
            SELECT m.id, m.administrator AND NOT (d.was_role = 'administrator' AND c.role <> 'administrator'),
                   ARRAY(
                       SELECT kept FROM unnest({opened}) WITH ORDINALITY AS had (kept, place)
                       WHERE {keeps} GROUP BY kept ORDER BY min(place)
                   ),
                   m.named_only OR c.capabilities <> '{{}}'
            FROM {changes} d JOIN policies_contact c ON c.id = d.id
            JOIN policies_membership m ON m.contact_id = c.id
            WHERE m.revoked_at IS NULL AND m.kept_by_hand AND d.change = 'updated'
        ), touched AS (
            UPDATE policies_membership m
            SET administrator = wanted.administrator, capabilities = wanted.capabilities,
                named_only = wanted.named_only
            FROM wanted
            WHERE m.id = wanted.id
              AND (m.administrator, m.capabilities, m.named_only)
                  IS DISTINCT FROM (wanted.administrator, wanted.capabilities, wanted.named_only)
            RETURNING m.*
        ) {EVENTS}""",
        {
            "tag": PolicyEvent.MEMBERSHIP_CHANGED.value,
            "switch": Capability.VIEW_CLAIMS_HISTORY.value,
            "rest": [each.value for each in Capability if each is not Capability.VIEW_CLAIMS_HISTORY],
        },
    )


def _take_over_passwords(load: Load) -> None:
    """Set the former system's hash for accounts that the feed created and that never had a password here.

    No account of staff, none that staff locked, and none whose email is no longer the contact's.
    """
    load.execute(
        f"""
        -- Read first: a staging table has no index, and a book's contacts are many.
        WITH hashes AS MATERIALIZED (
            SELECT key, line, password_hash FROM {load.staged(FILE)} WHERE password_hash <> '' AND NOT deleted
        ), given AS (
            SELECT DISTINCT ON (m.user_id) m.user_id, s.password_hash
            FROM hashes s
            JOIN policies_contact c ON c.source = %(source)s AND c.external_id = s.key AND c.retired_at IS NULL
            JOIN policies_membership m ON m.contact_id = c.id AND m.revoked_at IS NULL
            JOIN accounts_user u ON u.id = m.user_id AND lower(u.email) = lower(c.email)
            WHERE c.username <> ''
            ORDER BY m.user_id, s.line
        ), touched AS (
            UPDATE accounts_user u SET password = given.password_hash, password_taken_over_at = %(now)s
            FROM given
            WHERE u.id = given.user_id AND u.password LIKE %(unusable)s AND u.password_changed_at IS NULL
              AND u.password_taken_over_at IS NULL AND NOT u.is_staff AND NOT u.is_superuser AND u.is_active
              AND NOT EXISTS (SELECT 1 FROM accounts_accountlock k WHERE k.user_id = u.id AND k.lifted_at IS NULL)
            RETURNING u.id, u.username
        ) {PASSWORD_EVENTS}""",
        {"tag": AccountEvent.PASSWORD_TAKEN_OVER.value, "unusable": f"{UNUSABLE_PASSWORD_PREFIX}%"},
    )


# A user and a policyholder or an agency.
Place = tuple[int, int | None, int | None]


def _place(user: User, contact: Contact) -> Place:
    return (user.pk, contact.policyholder_id, contact.agency_id)


class _History:
    """The latest membership of each contact, and of each account at each party."""

    def __init__(self, contacts: Iterable[Contact], users: Iterable[User]) -> None:
        self.by_contact: dict[int, Membership] = {}
        self.by_place: dict[Place, Membership] = {}
        related = Membership.objects.filter(Q(contact__in=contacts) | Q(user__in=users))
        for membership in related.order_by("pk"):
            if membership.contact_id is not None:
                self.by_contact[membership.contact_id] = membership
            self.by_place[(membership.user_id, membership.policyholder_id, membership.agency_id)] = membership

    @property
    def live_places(self) -> set[Place]:
        """The parties at which an account is a member now."""
        return {place for place, membership in self.by_place.items() if membership.revoked_at is None}


def _accounts_of(keys: Iterable[str]) -> dict[str, User]:
    """Return accounts by their folded usernames. One that its owner renamed is still found by its former one."""
    former = FormerUsername.objects.filter(username_key__in=keys).select_related("user")
    present = User.objects.filter(username_key__in=keys)
    return {each.username_key: each.user for each in former} | {user.username_key: user for user in present}


class _Grants:
    """Accounts and memberships of the contacts that name a user and have no membership yet."""

    def __init__(self, load: Load, changes: str) -> None:
        self._load = load
        self._changes = changes
        # Accounts whose email the carrier itself gave; it counts even if it hasn't been confirmed yet.
        self._carriers: set[int] = set()
        self._lines: dict[int, int | None] = dict(
            load.rows(
                f"""
                WITH given_up AS (
                    SELECT DISTINCT lower(d.was_username) AS username
                    FROM {changes} d JOIN policies_contact c ON c.id = d.id
                    WHERE d.was_username <> ''
                      AND (c.retired_at IS NOT NULL OR lower(d.was_username) <> lower(c.username))
                ), touched AS (
                    SELECT c.id, d.line FROM {changes} d JOIN policies_contact c ON c.id = d.id
                    UNION ALL
                    SELECT c.id, NULL FROM given_up JOIN policies_contact c ON lower(c.username) = given_up.username
                    WHERE c.source = %(source)s AND c.id NOT IN (SELECT id FROM {changes})
                )
                SELECT c.id, touched.line FROM touched JOIN policies_contact c ON c.id = touched.id
                WHERE c.username <> '' AND c.retired_at IS NULL AND NOT EXISTS (
                    SELECT 1 FROM policies_membership m WHERE m.contact_id = c.id AND m.revoked_at IS NULL
                ) ORDER BY touched.line, c.id
                """
            )
        )
        # Their place in the file; those that the package doesn't hold come last.
        self._places = {contact: place for place, contact in enumerate(self._lines)}

    def grant(self) -> None:
        """Grant all of them, in chunks."""
        ids = list(self._lines)
        for start in range(0, len(ids), CHUNK):
            contacts = Contact.objects.filter(pk__in=ids[start : start + CHUNK])
            # If two contacts have the same username, the first one in the file creates the account.
            self._grant(sorted(contacts, key=lambda contact: self._places[contact.pk]))

    def _grant(self, contacts: list[Contact]) -> None:
        keys = {fold_username(contact.username) for contact in contacts}
        users = _accounts_of(keys)
        history = _History(contacts, users.values())
        self._carriers.update(self._given_by_the_carrier(users.values()))
        wanted = [contact for contact in contacts if self._is_open(contact, users, history)]
        users |= self._made(wanted, users)
        taken = [contact for contact in wanted if self._may_take_over(contact, users)]
        memberships = self._memberships(taken, users, history.live_places)
        self._record(Membership.objects.bulk_create(memberships), {user.pk: user for user in users.values()})

    def _given_by_the_carrier(self, users: Iterable[User]) -> Iterable[int]:
        """Return the accounts whose email is that of their contact, now or until this package."""
        memberships = Membership.objects.filter(user__in=users)
        yield from memberships.filter(contact__email__iexact=F("user__email")).values_list("user_id", flat=True)
        yield from (
            user
            for (user,) in self._load.rows(
                f"""
                SELECT u.id FROM {self._changes} d
                JOIN policies_membership m ON m.contact_id = d.id
                JOIN accounts_user u ON u.id = m.user_id AND lower(u.email) = lower(d.was_email)
                WHERE u.id = ANY(%(users)s)
                """,
                {"users": [user.pk for user in users]},
            )
        )

    def _is_open(self, contact: Contact, users: dict[str, User], history: _History) -> bool:
        """Return whether a person hasn't decided against this access; warn if one has.

        The contact's own latest membership and its account's latest one at the party show the decision. A membership
        that was granted again by hand is a decision, too, and stays as it is.
        """
        user = users.get(fold_username(contact.username))
        with_party = history.by_place.get(_place(user, contact)) if user else None
        if with_party is not None and with_party.revoked_at is None:
            return True
        latest = [one for one in (history.by_contact.get(contact.pk), with_party) if one is not None]
        if any(one.ended_by == Membership.EndedBy.PERSON for one in latest):
            self._warn(contact, "access-revoked", "Staff revoked this access, so it wasn't granted again.")
        elif any(one.kept_by_hand for one in latest):
            self._warn(contact, "access-changed", "Staff changed this access, so it wasn't granted again.")
        else:
            return True
        return False

    def _made(self, contacts: list[Contact], users: dict[str, User]) -> dict[str, User]:
        """Create accounts without a password for unused usernames, and return them by folded username."""
        new: dict[str, User] = {}
        for contact in contacts:
            key = fold_username(contact.username)
            if key not in users and key not in new and contact.email:
                new[key] = User(
                    username=" ".join(contact.username.split()),
                    first_name=contact.first_name[:LONGEST_NAME],
                    last_name=contact.last_name[:LONGEST_NAME],
                    email=contact.email,
                    phone=contact.phone[:32],
                    password=make_password(None),
                )
        User.objects.bulk_create(new.values())
        self._carriers.update(user.pk for user in new.values())
        because = {"reason": "carrier feed", "run": self._load.run_id}
        record_many(AccountEvent.CREATED, ((user, user, because) for user in new.values()))
        return new

    def _may_take_over(self, contact: Contact, users: dict[str, User]) -> bool:
        """Return whether the account is the contact's; warn if it isn't."""
        user = users.get(fold_username(contact.username))
        if user is None:
            self._warn(
                contact, "no-email", "No account was created: without an email, its owner couldn't set a password."
            )
        elif user.is_of_staff:
            self._warn(contact, "username-taken", "The username belongs to a staff member, so no access was granted.")
        elif not contact.email or user.email.casefold() != contact.email.casefold():
            self._warn(
                contact,
                "username-taken",
                "The username belongs to an account with another email, so no access was granted.",
            )
        elif user.email_confirmed_at is None and user.pk not in self._carriers:
            self._warn(
                contact,
                "username-taken",
                "The username belongs to an account with an unconfirmed email, so no access was granted.",
            )
        else:
            return True
        return False

    def _warn(self, contact: Contact, code: str, sentence: str) -> None:
        self._load.warn(FILE, self._lines[contact.pk], "username", code, sentence)

    @staticmethod
    def _memberships(contacts: Iterable[Contact], users: dict[str, User], taken: set[Place]) -> list[Membership]:
        """Return a membership for each contact whose account isn't already a member at the party."""
        found: list[Membership] = []
        for contact in contacts:
            user = users[fold_username(contact.username)]
            place = _place(user, contact)
            if place in taken:
                continue
            taken.add(place)
            found.append(
                Membership(
                    user=user,
                    role=Membership.Role.POLICYHOLDER if contact.policyholder_id else Membership.Role.AGENT,
                    policyholder_id=contact.policyholder_id,
                    agency_id=contact.agency_id,
                    contact=contact,
                    administrator=contact.role == Contact.Role.ADMINISTRATOR,
                    capabilities=contact.capabilities,
                    named_only=bool(contact.capabilities),
                )
            )
        return found

    def _record(self, memberships: list[Membership], users: dict[int, User]) -> None:
        because = {"reason": "carrier feed", "run": self._load.run_id}
        record_many(
            PolicyEvent.MEMBERSHIP_GRANTED,
            ((each, users[each.user_id], each.facts() | because) for each in memberships),
        )
