"""What a party doesn't need for a renewal, and needs after all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.events import record_event
from credentialing.events import RenewalRunEvent
from credentialing.models import RenewalSkip
from credentialing.models.holders import of_own_party
from policies.models import Reach

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accounts.models import User
    from credentialing.renewal_run.pairs import Pair
    from policies.models import Membership, Term


def skip(*, term: Term, pairs: Sequence[Pair], membership: Membership, by: User) -> int:
    """Mark pairs of a renewal as not needed, and return how many. Twice is as once."""
    rows = [
        RenewalSkip(membership=membership, term=term, insured_id=pair.insured_id, fingerprint=pair.fingerprint)
        for pair in pairs
        if not pair.skipped
    ]
    if rows:
        RenewalSkip.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)
        record_event(RenewalRunEvent.SKIPPED, subject=term, by=by, certificates=len(rows), membership=membership.pk)
    return len(rows)


def need(*, term: Term, pairs: Sequence[Pair], membership: Membership, by: User) -> int:
    """Take the marks of pairs back, also those that colleagues set, and return how many pairs had one."""
    wanted = {(pair.insured_id, pair.fingerprint) for pair in pairs if pair.skipped}
    own = RenewalSkip.objects.filter(of_own_party(Reach((membership,)).scope, "membership__"), term=term)
    marks = [pk for pk, *pair in own.values_list("pk", "insured_id", "fingerprint") if tuple(pair) in wanted]
    if not marks:
        return 0
    RenewalSkip.objects.filter(pk__in=marks).delete()
    record_event(RenewalRunEvent.NEEDED, subject=term, by=by, certificates=len(wanted), membership=membership.pk)
    return len(wanted)
