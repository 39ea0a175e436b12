"""The people on a policy who may register: clinicians insured on it, and contacts of its policyholder and agencies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hmac import compare_digest

from accounts.registrants import Applicant, Party
from policies.models import AgentOfRecord, Contact, Coverage, Insured, Policy, Policyholder
from policies.registrants.people import FiledName, is_same_person

INSURED, POLICYHOLDER, CONTACT = "insured", "policyholder", "contact"
_ZIP = re.compile(r"\d{5}")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Someone on a policy: what is on file to compare with. `place`: whose they are; two people of one place are never
    the same person. `has_ended`: whether their coverage on the policy is over."""

    party: Party
    place: str
    name: FiledName
    birth: str
    zips: frozenset[str]
    has_ended: bool = False

    def compare(self, applicant: Applicant) -> Comparison:
        """Return what fits. Each is always compared, whatever the others say; what isn't on file fits nothing."""
        birth = compare_digest(self.birth.encode(), applicant.date_of_birth_hash.encode())
        return Comparison(
            self,
            name=is_same_person(applicant.full_name, self.name),
            birth=birth and bool(self.birth),
            zip=five_digits(applicant.zip) in self.zips,
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """What of an applicant's words fits a candidate."""

    candidate: Candidate
    name: bool
    birth: bool
    zip: bool

    @property
    def fits(self) -> bool:
        return self.name and self.birth and self.zip


def five_digits(zip_code: str) -> str:
    """Return a ZIP without its four further digits; empty for what isn't one."""
    found = _ZIP.match(zip_code.strip())
    return found.group() if found else ""


def candidates_on(policy: Policy) -> Iterator[Candidate]:
    """Yield everyone on a policy who may register. The policyholder comes with `policy`."""
    day, holder = policy.today(), policy.policyholder
    coverages = Coverage.objects.not_retired().filter(term__policy=policy, term__retired_at=None)
    running = {coverage.insured_id for coverage in coverages.select_related("term__policy") if coverage.ends > day}
    insured_ids = set(coverages.order_by().values_list("insured_id", flat=True))
    alone = holder.kind == Policyholder.Kind.INDIVIDUAL
    if alone and holder.insured_id:
        insured_ids.add(holder.insured_id)
        running.add(holder.insured_id)
    people = Insured.objects.not_retired().filter(kind=Insured.Kind.PERSON, pk__in=insured_ids)
    for insured in people.order_by("pk"):
        # The mailing address of someone who holds the policy alone is the policy's.
        codes = [insured.zip] if insured.zip else [holder.zip]
        if holder.insured_id == insured.pk:
            codes.append(holder.zip)
        yield Candidate(
            Party(kind=INSURED, id=insured.pk),
            place=INSURED,
            name=FiledName(insured.first_name, insured.middle_name, insured.last_name, insured.suffix),
            birth=insured.date_of_birth_hash,
            zips=_zips(codes),
            has_ended=insured.pk not in running,
        )
    of_record = AgentOfRecord.objects.on(day).filter(policy=policy).values("agency_id")
    contacts = Contact.objects.not_retired().select_related("policyholder", "agency").order_by("pk")
    for contact in (*contacts.filter(policyholder=holder), *contacts.filter(agency__in=of_record)):
        party = contact.policyholder or contact.agency
        yield Candidate(
            Party(kind=CONTACT, id=contact.pk),
            place=f"{party._meta.label_lower}:{party.pk}" if party else "",
            name=FiledName(contact.first_name, "", contact.last_name),
            birth=contact.date_of_birth_hash,
            zips=_zips([contact.zip or (party.zip if party else "")]),
        )


def _zips(codes: Iterable[str]) -> frozenset[str]:
    return frozenset(found for found in map(five_digits, codes) if found)
