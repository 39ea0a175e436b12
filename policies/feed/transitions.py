"""Follow-ups of changed policies and coverages: status history, and messages to other areas.

Only transitions publish messages, not new rows, or the first load would publish everything. Payloads have public ids
and the run, nothing personal.
"""

from __future__ import annotations

from core.feedspec import Load
from core.outbox import publish_sql

POLICIES_FILE = "policies.csv"
COVERAGES_FILE = "coverages.csv"

# Topics of the outbox; areas announce their handlers.
POLICY_CANCELLED = "policy.cancelled"
COVERAGE_LIMITS_CHANGED = "coverage.limits_changed"
COVERAGE_ENDED = "coverage.ended"

# One message per row and run, so that a repeated load publishes nothing twice.
KEY = "public_id || ':' || %(run_id)s"


def keep_status_history(load: Load) -> None:
    """Add to the history of each policy with a new or changed status or status date."""
    changes = load.changes(POLICIES_FILE)
    load.execute(
        f"""
        INSERT INTO policies_policystatus (policy_id, status, status_date, reason, reason_code, recorded_at)
        SELECT p.id, p.status, p.status_date, p.status_reason, p.status_reason_code, %(now)s
        FROM {changes} d JOIN policies_policy p ON p.id = d.id
        WHERE d.change <> 'retired'
          AND (d.was_status, d.was_status_date) IS DISTINCT FROM (p.status, p.status_date)
        """
    )


def tell_of_cancellations(load: Load) -> None:
    """Publish `policy.cancelled` for each policy that wasn't cancelled before."""
    changes = load.changes(POLICIES_FILE)
    query = f"""
        SELECT p.{KEY} AS key, jsonb_build_object(
            'policy', p.public_id, 'was', d.was_status, 'status_date', p.status_date,
            'cancellation_effective', p.cancellation_effective, 'run', %(run_id)s::bigint) AS payload
        FROM {changes} d JOIN policies_policy p ON p.id = d.id
        WHERE d.change IN ('updated', 'unretired') AND p.status = 'cancelled' AND d.was_status <> 'cancelled'
    """
    load.execute(publish_sql(query), {"topic": POLICY_CANCELLED})


def tell_of_coverages(load: Load) -> None:
    """Publish `coverage.limits_changed` and `coverage.ended` for coverages that existed before."""
    changes = load.changes(COVERAGES_FILE)
    limits = f"""
        SELECT c.{KEY} AS key, jsonb_build_object(
            'coverage', c.public_id, 'policy', p.public_id,
            'was', jsonb_build_array(d.was_limit_per_claim::text, d.was_limit_aggregate::text),
            'limits', jsonb_build_array(c.limit_per_claim::text, c.limit_aggregate::text),
            'run', %(run_id)s::bigint) AS payload
        FROM {changes} d JOIN policies_coverage c ON c.id = d.id
        JOIN policies_term t ON t.id = c.term_id JOIN policies_policy p ON p.id = t.policy_id
        WHERE d.change IN ('updated', 'unretired')
          AND (d.was_limit_per_claim, d.was_limit_aggregate) IS DISTINCT FROM (c.limit_per_claim, c.limit_aggregate)
    """
    load.execute(publish_sql(limits), {"topic": COVERAGE_LIMITS_CHANGED})
    ended = f"""
        SELECT c.{KEY} AS key, jsonb_build_object(
            'coverage', c.public_id, 'policy', p.public_id, 'expires', c.expires, 'run', %(run_id)s::bigint) AS payload
        FROM {changes} d JOIN policies_coverage c ON c.id = d.id
        JOIN policies_term t ON t.id = c.term_id JOIN policies_policy p ON p.id = t.policy_id
        WHERE d.change IN ('updated', 'unretired') AND d.was_ended_reason = '' AND c.ended_reason <> ''
    """
    load.execute(publish_sql(ended), {"topic": COVERAGE_ENDED})
