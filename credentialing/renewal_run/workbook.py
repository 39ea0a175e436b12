"""The board of a renewal as an Excel file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.workbooks import Column
from credentialing.renewal_run.pages import MAILS
from credentialing.renewal_run.pairs import STATES
from policies.models import Insured

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from core.workbooks import Cell
    from credentialing.renewal_run.pairs import Pair
    from policies.models import Term

COLUMNS = (
    Column("Insured", 32),
    Column("NPI", 12),
    Column("Policy", 18),
    Column("Renewal begins", 14),
    Column("Holder", 36),
    Column("Standing", 10),
    Column("Email", 30),
    Column("Status", 18),
    Column("Certificate", 20),
    Column("Email status", 16),
)
# Insureds that are read at once.
TOGETHER = 500


def rows_of(term: Term, pairs: Sequence[Pair]) -> Iterator[Sequence[Cell]]:
    """Yield a row for each pair. One query for each 500."""
    for start in range(0, len(pairs), TOGETHER):
        some = pairs[start : start + TOGETHER]
        insureds = Insured.objects.in_bulk({pair.insured_id for pair in some})
        for pair in some:
            insured = insureds[pair.insured_id]
            yield (
                insured.display_name,
                insured.npi,
                term.policy.number,
                term.effective,
                pair.name,
                "yes" if pair.standing else "no",
                pair.email,
                STATES[pair.state],
                pair.serial,
                MAILS.get(pair.mail, ""),
            )
