"""Certificates that standing holders are due without being asked: of a bound renewal, and after a reinstatement (B-03).

Set by set: what is due is one list, issued by one membership after the other, and sent by one INSERT.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from core import work
from core.dates import carrier_today
from credentialing.batches.certifying import Asked as AskedCertificate
from credentialing.batches.certifying import certify
from credentialing.certificates import issuing
from credentialing.holders.standing import arrangements_for, holders_for, issuers_of
from credentialing.joining.holders import arrangements_in
from credentialing.models import Certificate, Delivery, Notice, StandingIssue
from credentialing.sending import services
from policies.models import Coverage, Reach, Term

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from credentialing.holders.standing import Arrangement
    from policies.eligibility import Part
    from policies.models import Membership

Purpose = Delivery.Purpose
# Certificates that are made at once, and by one attempt: a minute's work at most.
SLICE = 100
MOST_AT_ONCE = 1000
# So many days earlier than asked for, so that a mail server that is down, or a feed that is late, costs no deadline.
MARGIN = 3
ISSUABLE = (Certificate.Kind.COI, Certificate.Kind.RENEWAL)
KEYS = uuid.UUID("6f1d3c52-5a55-4b8e-9a0e-2f6f2c1d7b11")


@dataclass(frozen=True)
class Due:
    """A certificate that a standing holder is due: of one insured in one term. `key` is that of its delivery."""

    coverage: Coverage
    arrangement: Arrangement
    key: str


def is_off(company_id: str, off: Sequence[str]) -> bool:
    """Whether a writing company (its id in the feed) has a service of this kind switched off; `*` is all of them."""
    return company_id in off or "*" in off


def due_of_terms(terms: Sequence[Term]) -> list[Due]:
    """Return the certificates of bound renewals that are due today and weren't sent. Five queries, however many."""
    today = carrier_today()
    coverages = _coverages(Q(term_id__any=[term.pk for term in terms]))

    def key(one: Arrangement, coverage: Coverage) -> str:
        if not one.renewals or today < first_day(coverage.term, one):
            return ""
        return services.renewal_key(one.fingerprint, coverage.insured.public_id, coverage.term.public_id)

    return _due(coverages, key)


def due_of_joiners(term: Term) -> list[Due]:
    """Return the certificates that are due to holders chosen ahead for those who joined in a term (B-17), and weren't
    sent. They count as those of the term: a renewal's run sends none again."""
    chosen = arrangements_in(term.pk)

    def key(one: Arrangement, coverage: Coverage) -> str:
        if not {one.key, *one.also} & chosen.get(coverage.insured_id, set()):
            return ""
        return services.renewal_key(one.fingerprint, coverage.insured.public_id, coverage.term.public_id)

    return _due(_coverages(Q(term_id=term.pk, insured_id__any=sorted(chosen))) if chosen else [], key)


def first_day(term: Term, arrangement: Arrangement) -> dt.date:
    """Return the day from which the certificate of a renewal goes to a holder: the setting's days before the former
    term ends, or the holder's own where those are more."""
    ahead = max(settings.RENEWAL_CERTIFICATES_DAYS, arrangement.asks.days_ahead or 0)
    return term.effective - dt.timedelta(days=ahead + MARGIN)


def due_after(notice: Notice) -> list[Due]:
    """Return the certificates that are due after a reinstatement: to those who heard of the cancellation."""
    heard = who_heard(notice)
    today = carrier_today()
    of_policy = Q(term__policy=notice.policy_id, term__status=Term.Status.BOUND, expires__gt=today)

    def key(one: Arrangement, coverage: Coverage) -> str:
        if not one.notices or one.fingerprint not in heard:
            return ""
        return f"fresh:{notice.pk}:{one.fingerprint[:32]}:{coverage.insured.public_id}:{coverage.term.public_id}"

    return _due(_coverages(of_policy) if heard else [], key)


def who_heard(notice: Notice) -> set[str]:
    """Return the fingerprints of the holders that heard about the cancellation that this notice takes back."""
    before = Notice.objects.filter(policy=notice.policy_id, pk__lt=notice.pk)
    last = before.filter(kind=Notice.Kind.REINSTATED).order_by("-pk").values_list("pk", flat=True).first() or 0
    told = before.filter(kind__in=(Notice.Kind.PENDING, Notice.Kind.CANCELLED), pk__gt=last)
    arrived = Delivery.objects.filter(notice__in=told, handed_over_at__isnull=False)
    return set(arrived.exclude(status=Delivery.Status.BOUNCED).values_list("fingerprint", flat=True))


def _coverages(condition: Q) -> list[Coverage]:
    """Return one coverage of each insured in each term that bound coverage exists of."""
    rows = Coverage.objects.not_retired().filter(condition, term__retired_at=None, term__policy__retired_at=None)
    rows = rows.select_related("term__policy__company", "insured").order_by("term_id", "insured_id", "pk")
    return list(rows.distinct("term_id", "insured_id"))


def _due(coverages: Sequence[Coverage], key: Callable[[Arrangement, Coverage], str]) -> list[Due]:
    if not coverages:
        return []
    by_coverage = arrangements_for(coverages)
    found = [
        Due(coverage, one, its_key)
        for coverage in coverages
        for one in by_coverage[coverage.pk]
        # Without an address there is nothing to send; the board of renewals names those.
        if one.email and (its_key := key(one, coverage))
    ]
    there = set(Delivery.objects.filter(key__in=[each.key for each in found]).values_list("key", flat=True))
    return [each for each in found if each.key not in there]


def issue(row_id: int) -> None:
    """Issue and send what the standing holders of a policy are due. Runs in a worker, and can run twice."""
    with work.attempt(StandingIssue, row_id) as row:
        if row is None:
            return
        due = _due_of(row)
        issued = refused = 0
        for slice_ in _slices(due):
            made = _issue(slice_, row)
            issued, refused = issued + made, refused + len(slice_) - made
            if issued >= MOST_AT_ONCE:
                break
        more = issued + refused < len(due)
        rows = StandingIssue.objects.filter(pk=row.pk)
        rows.update(issued=row.issued + issued, refused=refused)
        if more:
            rows.update(attempts=0, enqueued_at=timezone.now(), is_enqueued=True)
            work.hand_over(row)
        else:
            rows.update(status=StandingIssue.Status.DONE, last_error="")


def _due_of(row: StandingIssue) -> list[Due]:
    if row.term is not None and row.reason == StandingIssue.Reason.JOINER:
        return due_of_joiners(row.term)
    if row.term is not None:
        return due_of_terms([row.term])
    return due_after(row.notice) if row.notice is not None else []


def _slices(due: Sequence[Due]) -> Iterator[Sequence[Due]]:
    for first in range(0, len(due), SLICE):
        yield due[first : first + SLICE]


def _issue(due: Sequence[Due], row: StandingIssue) -> int:
    """Issue certificates by the memberships that have a say, and send them; return how many there are.

    Where nobody can issue, or nothing can be certified today, nothing is sent: it is due again tomorrow.
    """
    members = issuers_of([each.arrangement for each in due])
    can = [each for each in due if each.arrangement.key in members]
    entries = holders_for([(each.arrangement, members[each.arrangement.key]) for each in can])
    by_member: defaultdict[Membership, list[Due]] = defaultdict(list)
    for each in can:
        by_member[members[each.arrangement.key]].append(each)
    sent: list[services.Asked] = []
    for membership, of_member in by_member.items():
        parts = _parts(of_member, membership)
        ready = [(each, parts[each.coverage.pk]) for each in of_member if each.coverage.pk in parts]
        asked = [
            AskedCertificate(its, entries[each.arrangement.key, membership.pk], uuid.uuid5(KEYS, each.key))
            for each, its in ready
        ]
        answers = certify(asked, by=membership.user, membership=membership, by_itself=True)
        sent += [
            _sent(each, answer, row)
            for (each, _), answer in zip(ready, answers, strict=True)
            if isinstance(answer, Certificate)
        ]
    return services.send_many(asked=sent)


def _parts(due: Iterable[Due], membership: Membership) -> dict[int, list[Part]]:
    """Return what the certificate of each coverage is to hold: the parts of the insured in the term that are, or will
    be, in force. A letter, and a certificate that states a cancellation, goes to nobody unasked."""
    wanted = {each.coverage.pk: each.coverage for each in due}
    rows = Coverage.objects.open_to(Reach((membership,)).scope).with_policy()
    rows = rows.filter(
        insured_id__any=sorted({each.insured_id for each in wanted.values()}),
        term_id__any=sorted({each.term_id for each in wanted.values()}),
    )
    by_pair = issuing.parts_of(rows)
    found = {}
    for pk, coverage in wanted.items():
        parts = [each for each in by_pair.get((coverage.insured_id, coverage.term_id), []) if each.gives.allows]
        kind = next((each.gives.kind for each in parts if each.gives.kind in ISSUABLE), "")
        if together := [each for each in parts if kind and each.gives.kind == kind]:
            found[pk] = together
    return found


def _sent(due: Due, certificate: Certificate, row: StandingIssue) -> services.Asked:
    purpose = Purpose.RENEWAL if row.term_id else Purpose.FRESH
    return services.Asked(
        certificate,
        due.arrangement.email,
        due.arrangement.name,
        key=due.key,
        purpose=purpose,
        bundle=f"{purpose}:{row.policy_id}:{row.key}"[:100],
        fingerprint=due.arrangement.fingerprint,
    )


def issue_fresh(notices: Iterable[Notice]) -> None:
    """Have certificates issued to those who heard of the cancellations that these notices take back."""
    for notice in notices:
        row, is_new = StandingIssue.objects.get_or_create(
            key=f"fresh:{notice.pk}",
            defaults={"reason": StandingIssue.Reason.FRESH, "policy_id": notice.policy_id, "notice": notice},
        )
        if is_new:
            work.hand_over(row)
