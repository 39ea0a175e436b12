"""Notices to standing holders: what becomes of a policy that a holder has asked to hear of (B-03).

The carrier's feed publishes what changed as messages of the outbox; each message tells every standing holder with
`notices` whom it concerns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    topics = ", ".join(f"'{topic}'" for topic in TOPICS)
    return f"""
        SELECT h.external_id || ' about ' || p.external_id AS notice
        FROM ({published_sql()}) m
        JOIN policies_policy p ON p.public_id = m.payload->>'policy'
        LEFT JOIN policies_coverage c ON c.public_id = m.payload->>'coverage'
        JOIN credentialing_standingholder s ON s.policy_id = p.id AND s.notices AND s.retired_at IS NULL
            AND (c.id IS NULL OR s.insured_id IS NULL OR s.insured_id = c.insured_id)
        JOIN credentialing_carrierholder h ON h.id = s.holder_id AND h.retired_at IS NULL
        WHERE m.topic IN ({topics})
    """
