"""Will it pass? What a holder asks of a certificate, against what the coverage has (B-19).

A holder's requirements are on file with the carrier. A holder in an address book finds them by name and address
(docs/decisions/0120-holders-on-file.md); where nothing is on file, what its party noted counts. Nothing here forbids a
certificate: it says what this holder will reject.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from core.money import whole_dollars
from core.templatetags.show import day_long
from credentialing.models import CarrierHolder
from policies.models import Coverage, EreOffer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from credentialing.models import Holder
    from credentialing.models.on_file import Asks
    from policies.eligibility import Eligibility


class Requirements:
    """What holders ask for, and what lies beside their coverages: excess layers and tails. Three queries."""

    def __init__(self, holders: Iterable[Holder | None], coverages: Sequence[Coverage]) -> None:
        known = [holder for holder in holders if holder is not None]
        prints = {holder.fingerprint for holder in known}
        self._asked: defaultdict[str, list[Asks]] = defaultdict(list)
        if prints:
            for found in CarrierHolder.objects.not_retired().filter(fingerprint__in=prints).select_related("same_as"):
                if found.kept.asks_for_something:
                    self._asked[found.fingerprint].append(found.kept)
        for holder in known:
            if holder.asks_for_something and holder.fingerprint not in self._asked:
                self._asked[holder.fingerprint].append(holder)
        # Excess and tails are asked for only where somebody asks for something.
        relevant = list(coverages) if self._asked else []
        self._excess = _excess_of(relevant)
        self._with_tail = set(
            EreOffer.objects.not_retired()
            .filter(coverage__in=relevant, status__in=list(EreOffer.ON_RECORD))
            .values_list("coverage_id", flat=True)
        )

    def complaints(
        self,
        holder: Holder | None,
        coverage: Coverage,
        gives: Eligibility,
        *,
        beside: Sequence[Coverage] | None = None,
    ) -> list[str]:
        """Return what this holder will reject, a sentence for each; nothing where it asks for nothing.

        `beside`: the coverages on the same certificate; without it, all of the insured's in the term.
        """
        if holder is None or not gives.allows:
            return []
        found: list[str] = []
        for asked in self._asked.get(holder.fingerprint, ()):
            found += self._against(asked, coverage, gives, beside)
        return list(dict.fromkeys(found))

    def _against(
        self, asked: Asks, coverage: Coverage, gives: Eligibility, beside: Sequence[Coverage] | None
    ) -> list[str]:
        per_claim, aggregate = self._limits(coverage, gives, beside)
        return [
            *_too_low(asked.minimum_per_claim, per_claim, coverage.per_claim_label),
            *_too_low(asked.minimum_aggregate, aggregate, "aggregate"),
            *_shared(asked, coverage),
            *self._without_tail(asked, coverage, gives),
            *_too_late(asked, coverage, gives),
        ]

    def _limits(
        self, coverage: Coverage, gives: Eligibility, beside: Sequence[Coverage] | None
    ) -> tuple[Decimal, Decimal]:
        """Return the limits, excess layers of the same days included: holders count the tower."""
        per_claim, aggregate = coverage.limit_per_claim, coverage.limit_aggregate
        if coverage.part == Coverage.Part.EXCESS:
            return per_claim, aggregate
        day = gives.begins or coverage.term.policy.today()
        layers = self._excess.get((coverage.insured_id, coverage.term_id), [])
        if beside is not None:
            layers = [each for each in beside if each.part == Coverage.Part.EXCESS]
        for layer in layers:
            if layer.effective <= day < layer.expires:
                per_claim += layer.limit_per_claim
                aggregate += layer.limit_aggregate
        return per_claim, aggregate

    def _without_tail(self, asked: Asks, coverage: Coverage, gives: Eligibility) -> list[str]:
        claims_made = coverage.form == Coverage.Form.CLAIMS_MADE
        if not (asked.tail_required and gives.is_letter and claims_made) or coverage.pk in self._with_tail:
            return []
        return ["Asks for a tail after claims-made coverage. None is on record."]


def _excess_of(coverages: Sequence[Coverage]) -> dict[tuple[int, int], list[Coverage]]:
    found: defaultdict[tuple[int, int], list[Coverage]] = defaultdict(list)
    if not coverages:
        return found
    layers = Coverage.objects.not_retired().filter(
        part=Coverage.Part.EXCESS,
        insured_id__any=list({coverage.insured_id for coverage in coverages}),
        term_id__any=list({coverage.term_id for coverage in coverages}),
    )
    for layer in layers:
        found[layer.insured_id, layer.term_id].append(layer)
    return found


def _too_low(asked: Decimal | None, has: Decimal, what: str) -> list[str]:
    if asked is None or has >= asked:
        return []
    return [f"Asks for at least {whole_dollars(asked)} {what}. This coverage has {whole_dollars(has)}."]


def _shared(asked: Asks, coverage: Coverage) -> list[str]:
    if not asked.separate_limits or not (coverage.limits_shared or coverage.limits_shared_with):
        return []
    return ["Asks for separate limits. These are shared."]


def _too_late(asked: Asks, coverage: Coverage, gives: Eligibility) -> list[str]:
    """Return a sentence for one that ends within the days ahead by which the holder wants the next one."""
    if asked.days_ahead is None or gives.is_letter or gives.ends is None:
        return []
    left = (gives.ends - coverage.term.policy.today()).days
    if left >= asked.days_ahead:
        return []
    in_days = f"in {left} day{'' if left == 1 else 's'}"
    sentence = f"Asks for the next certificate {asked.days_ahead} days before coverage ends. This one ends on "
    return [f"{sentence}{day_long(gives.ends)}, {in_days}."]
