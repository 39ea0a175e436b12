"""What is on file about the parties that someone is: emails and addresses, accounts, and access that was ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import User
from accounts.models.registrations import Reason
from accounts.registrants import Match, Party, Person
from core.dates import zone_for_state
from policies.models import Agency, Contact, Insured, Membership, Policyholder
from policies.names import fold
from policies.registrants.candidates import CONTACT, INSURED, POLICYHOLDER


@dataclass(slots=True)
class Filed:
    """The carrier's rows that one person is."""

    insureds: list[Insured] = field(default_factory=list)
    policyholders: list[Policyholder] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)

    @classmethod
    def of(cls, parties: Iterable[Party], *, lock: bool = False) -> Filed | None:
        """Read the rows, locked if asked; None where one of them is no longer on file."""
        wanted = list(parties)
        found = cls(
            _read(Insured, INSURED, wanted, lock), _read(Policyholder, POLICYHOLDER, wanted, lock),
            _read(Contact, CONTACT, wanted, lock),
        )  # fmt: skip
        count = len(found.insureds) + len(found.policyholders) + len(found.contacts)
        return found if wanted and count == len(wanted) else None

    @property
    def emails(self) -> list[str]:
        """The addresses on file, each once, the person's own first."""
        rows: list[Any] = [*self.insureds, *self.contacts, *self.policyholders]
        return list({row.email.casefold(): row.email for row in rows if row.email}.values())

    @property
    def address(self) -> list[str]:
        """The lines of an envelope below the name; empty without a street and a town. A contact's mail goes to the
        policyholder or agency, which it names."""
        homes: list[Any] = [*self.policyholders, *self.insureds]
        offices: list[Any] = [contact.policyholder or contact.agency for contact in self.contacts]
        lines = [(home, home.address_lines) for home in homes]
        lines += [(office, [office.name, *office.address_lines]) for office in offices]
        return next((found for at, found in lines if at.address1 and at.city and at.zip), [])

    def is_own(self, email: str) -> bool:
        """Whether nobody else has this email on file. The same person elsewhere, known by date of birth and name, is
        nobody else; nor is the policyholder or agency that a contact acts for."""
        for model, mine in ((Insured, self.insureds), (Contact, self.contacts)):
            others = _with_email(model, email).exclude(pk__in=[row.pk for row in mine])
            # A mailbox of so many is a shared one, no matter who they are.
            first: list[Any] = list(others[:5])
            if len(first) == 5 or not all(self._is_same(other) for other in first):
                return False
        holders = {row.pk for row in self.policyholders} | {row.policyholder_id for row in self.contacts}
        insureds = [row.pk for row in self.insureds]
        other_holders = _with_email(Policyholder, email).exclude(
            Q(pk__in=holders - {None}) | Q(kind=Policyholder.Kind.INDIVIDUAL, insured__in=insureds)
        )
        agencies = {row.agency_id for row in self.contacts} - {None}
        other_agencies = _with_email(Agency, email).exclude(pk__in=agencies)
        return not other_holders.exists() and not other_agencies.exists()

    def _is_same(self, other: Any) -> bool:
        known: list[Any] = [*self.insureds, *self.contacts]
        return any(
            other.date_of_birth_hash
            and other.date_of_birth_hash == row.date_of_birth_hash
            and fold(f"{other.first_name} {other.last_name}") == fold(f"{row.first_name} {row.last_name}")
            for row in known
        )

    def memberships(self) -> QuerySet[Membership]:
        """Return the memberships that this person has or had as these parties, the latest first.

        Delegates of an individual policyholder are other people: its memberships count only for its insured's own
        account. A contact's account is the one taken over or registered as that contact, or the one with its email.
        """
        found = Q(insured__in=self.insureds, role=Membership.Role.INSURED) | Q(contact__in=self.contacts)
        for contact in self.contacts:
            if contact.email:
                party = {"policyholder": contact.policyholder_id, "agency": contact.agency_id}
                found |= Q(**party, user__email__iexact=contact.email)
        if self.policyholders and not self.insureds:
            found |= Q(policyholder__in=self.policyholders)
        return Membership.objects.filter(found, given_under=None).order_by("-pk")


def judge_parties(parties: Iterable[Party]) -> Match:
    """Return what is on file about someone who is these parties, and what speaks against an account."""
    wanted = tuple(parties)
    filed = Filed.of(wanted)
    if filed is None:
        return Match(reason=Reason.NO_PERSON)
    emails = tuple(filed.emails)
    memberships = list(filed.memberships())
    accounts = tuple({each.user_id for each in memberships if each.revoked_at is None})
    own = frozenset(email for email in emails if filed.is_own(email))
    # An email that its owner never confirmed is a text that anyone may have typed.
    confirmed = User.objects.exclude(email_confirmed_at=None).exclude(pk__in=accounts)
    taken = any(confirmed.filter(email__iexact=email).exists() for email in emails)
    return Match(
        parties=wanted,
        reason=_against(memberships, taken=taken),
        emails=emails,
        own=own,
        accounts=accounts,
        posted=bool(filed.address),
    )


def _against(memberships: list[Membership], *, taken: bool) -> Reason | None:
    if any(each.revoked_at is None for each in memberships):
        return Reason.HAS_ACCOUNT
    # The latest one shows the decision, as for the feed (`policies.feed.accounts`).
    if memberships and memberships[0].ended_by == Membership.EndedBy.PERSON:
        return Reason.ACCESS_ENDED
    return Reason.EMAIL_TAKEN if taken else None


def person_on_file(parties: Iterable[Party]) -> Person | None:
    """Return who the parties are. The hook `accounts.person_on_file`."""
    filed = Filed.of(parties)
    if filed is None:
        return None
    row: Any = next(iter([*filed.insureds, *filed.contacts, *filed.policyholders]))
    first, last = getattr(row, "first_name", ""), getattr(row, "last_name", "")
    home: Any = next(iter([*filed.policyholders, *filed.insureds]), None)
    fields = {name: getattr(home, name) for name in ("address1", "address2", "city", "state", "zip")} if home else {}
    party: Any = next((each.agency or each.policyholder for each in filed.contacts), row)
    return Person(
        first_name=first,
        last_name=last,
        name=row.display_name if isinstance(row, Insured) else f"{first} {last}".strip() or str(row),
        address=tuple(filed.address),
        labels=tuple(_labels(filed)),
        fields=fields | {"time_zone": zone_for_state(fields.get("state") or party.state).key, "phone": row.phone[:32]},
    )


def _labels(filed: Filed) -> Iterable[str]:
    yield from (f"insured: {row.display_name}" for row in filed.insureds)
    yield from (f"policyholder: {row.name}" for row in filed.policyholders)
    for contact in filed.contacts:
        party = "policyholder" if contact.policyholder else "agency"
        yield f"contact of the {party} {contact.policyholder or contact.agency}: {contact}"


def _with_email(model: type[Any], email: str) -> Any:
    """Return the rows with an email on file; empty ones aren't in the index."""
    return model.objects.not_retired().exclude(email="").filter(email__iexact=email)


def _read(model: type[Any], kind: str, parties: list[Party], lock: bool) -> list[Any]:
    ids = [party["id"] for party in parties if party["kind"] == kind]
    if not ids:
        return []
    rows = model.objects.not_retired().filter(pk__in=ids).order_by("pk")
    return list(rows.select_for_update() if lock else rows)
