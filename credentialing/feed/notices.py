"""Notices to standing holders: what becomes of a policy that a holder has asked to hear of (B-03).

The carrier's feed publishes what changed as messages of the outbox; each message tells every standing holder with
`notices` whom it concerns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.models import OutboxMessage
from core.outbox import published_sql
from policies.feed import transitions

if TYPE_CHECKING:
    from core.feedspec import Load

# Topics of the outbox that a standing holder hears of. Those of a coverage concern its insured only.
TOPICS = (
    transitions.POLICY_CANCELLED,
    transitions.POLICY_PENDING_CANCELLATION,
    transitions.POLICY_REINSTATED,
    transitions.COVERAGE_LIMITS_CHANGED,
)


def notices_sql(load: Load) -> str:
    """Return SQL of the notices that would follow from a load: one row each, with the carrier's ids of holder and
    policy. Run it after the load's hooks, which publish the messages.

    A message counts once for each standing holder: those for everyone on the policy, and those that name an insured, of
    a message about one coverage only those that name its insured.
    """
    if not any(load.changes(file) for file in (transitions.POLICIES_FILE, transitions.COVERAGES_FILE)):
        return ""
    return _notices_sql(published_sql())


def count_of_run_sql() -> str:
    """Return SQL of how many notices the messages of a load lead to; `%(run)s` is its number as text."""
    messages = f"SELECT topic, payload FROM {OutboxMessage._meta.db_table} WHERE payload->>'run' = %(run)s"
    return f"SELECT count(*) FROM ({_notices_sql(messages)}) notices"


def _notices_sql(messages: str) -> str:
    """Return SQL of the notices that a query of messages leads to: to the feed's standing holders, and to those that
    customers chose."""
    topics = ", ".join(f"'{topic}'" for topic in TOPICS)

    def of(standing: str, holder: str, label: str) -> str:
        return f"""
            SELECT {label} || ' about ' || p.external_id AS notice
            FROM ({messages}) m
            JOIN policies_policy p ON p.public_id = m.payload->>'policy'
            LEFT JOIN policies_coverage c ON c.public_id = m.payload->>'coverage'
            JOIN {standing} AND s.notices AND (c.id IS NULL OR s.insured_id IS NULL OR s.insured_id = c.insured_id)
            JOIN {holder}
            WHERE m.topic IN ({topics})
        """

    by_feed = of(
        "credentialing_standingholder s ON s.policy_id = p.id AND s.retired_at IS NULL AND s.ended_at IS NULL",
        "credentialing_carrierholder h ON h.id = s.holder_id AND h.retired_at IS NULL",
        "h.external_id",
    )
    by_customers = of(
        "credentialing_ownstandingholder s ON s.policy_id = p.id AND s.ended_at IS NULL",
        "credentialing_holder h ON h.id = s.holder_id AND h.removed_at IS NULL",
        "'a customer''s holder ' || h.public_id",
    )
    return f"{by_feed} UNION ALL {by_customers}"
