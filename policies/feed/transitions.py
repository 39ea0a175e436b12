"""Follow-ups of changed policies, terms, and coverages: status history, and messages to other areas.

Only transitions publish messages, not new rows, or the first load would publish everything. Payloads have public ids,
dates, limits, and the run: no names, no reasons. The source's first package with a file publishes nothing from it.
"""

from __future__ import annotations

from core.feedspec import Load
from core.outbox import publish_sql

POLICIES_FILE = "policies.csv"
TERMS_FILE = "terms.csv"
COVERAGES_FILE = "coverages.csv"
SUSPENSIONS_FILE = "suspensions.csv"
OFFERS_FILE = "ere_offers.csv"

# Topics of the outbox; areas announce their handlers.
POLICY_CANCELLED = "policy.cancelled"
POLICY_PENDING_CANCELLATION = "policy.pending_cancellation"
POLICY_REINSTATED = "policy.reinstated"
POLICY_NONRENEWED = "policy.nonrenewed"
POLICY_RENEWED = "policy.renewed"
POLICY_REWRITTEN = "policy.rewritten"
COVERAGE_SUSPENDED = "coverage.suspended"
COVERAGE_LIMITS_CHANGED = "coverage.limits_changed"
COVERAGE_ENDED = "coverage.ended"
COVERAGE_BEGUN = "coverage.begun"
TAIL_OFFERED = "tail.offered"

# One message per row and run, so that a repeated load publishes nothing twice.
KEY = "public_id || ':' || %(run_id)s"
# What existed before this load. `d` is a row of the table of changes.
KNOWN = "d.change IN ('updated', 'unretired')"

# The topic of each change of status: SQL over `d.was_status` and `p.status`. A notice that is withdrawn reinstates,
# too: the person who hears of the one must hear of the other.
STATUS_CHANGES = {
    POLICY_CANCELLED: "d.was_status <> 'cancelled' AND p.status = 'cancelled'",
    POLICY_PENDING_CANCELLATION: "d.was_status <> 'pending_cancellation' AND p.status = 'pending_cancellation'",
    POLICY_REINSTATED: "d.was_status IN ('cancelled', 'pending_cancellation') AND p.status IN ('active', 'nonrenewed')",
    POLICY_NONRENEWED: "d.was_status <> 'nonrenewed' AND p.status = 'nonrenewed'",
}


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


def tell_of_policies(load: Load) -> None:
    """Publish each policy that was cancelled, given notice, reinstated, not renewed, or rewritten as another one."""
    if load.is_first(POLICIES_FILE):
        return
    changes = load.changes(POLICIES_FILE)
    for topic, condition in STATUS_CHANGES.items():
        query = f"""
            SELECT p.{KEY} AS key, jsonb_build_object(
                'policy', p.public_id, 'was', d.was_status, 'status_date', p.status_date,
                'cancellation_effective', p.cancellation_effective, 'run', %(run_id)s::bigint) AS payload
            FROM {changes} d JOIN policies_policy p ON p.id = d.id
            WHERE {KNOWN} AND {condition}
        """
        load.execute(publish_sql(query), {"topic": topic})
    rewritten = f"""
        SELECT p.{KEY} AS key, jsonb_build_object(
            'policy', p.public_id, 'replaced_by', other.public_id, 'run', %(run_id)s::bigint) AS payload
        FROM {changes} d JOIN policies_policy p ON p.id = d.id JOIN policies_policy other ON other.id = p.replaced_by_id
        WHERE {KNOWN} AND d.was_replaced_by IS DISTINCT FROM p.replaced_by_id
    """
    load.execute(publish_sql(rewritten), {"topic": POLICY_REWRITTEN})


def tell_of_terms(load: Load) -> None:
    """Publish each policy of which a later term became bound.

    Later than every term that was taken up before this load: a past term that the carrier sends afterward is none.
    """
    if load.is_first(TERMS_FILE):
        return
    changes = load.changes(TERMS_FILE)
    query = f"""
        SELECT t.{KEY} AS key, jsonb_build_object(
            'policy', p.public_id, 'term', t.public_id, 'effective', t.effective, 'expires', t.expires,
            'run', %(run_id)s::bigint) AS payload
        FROM {changes} d JOIN policies_term t ON t.id = d.id JOIN policies_policy p ON p.id = t.policy_id
        CROSS JOIN LATERAL (
            SELECT max(earlier.effective) AS effective FROM policies_term earlier
            WHERE earlier.policy_id = t.policy_id AND earlier.id <> t.id AND earlier.retired_at IS NULL
              AND earlier.status IN ('bound', 'expired', 'cancelled') AND earlier.created_at < %(now)s
        ) before
        WHERE d.change <> 'retired' AND t.status = 'bound' AND before.effective < t.effective
          AND COALESCE(d.was_status, 'offered') IN ('offered', 'accepted', 'declined')
    """
    load.execute(publish_sql(query), {"topic": POLICY_RENEWED})


def tell_of_coverages(load: Load) -> None:
    """Publish changed limits, ended coverage, and that of someone new on a policy."""
    if load.is_first(COVERAGES_FILE):
        return
    _tell_of_limits(load)
    _tell_of_ends(load)
    _tell_of_joiners(load)


# A coverage as messages name it.
COVERAGE = """
    JOIN policies_coverage c ON c.id = d.id
    JOIN policies_term t ON t.id = c.term_id JOIN policies_policy p ON p.id = t.policy_id
"""


def _limits_query(was: str, join: str, condition: str) -> str:
    """Return the messages of coverages with other limits than before. `was`: whose limits those were, as a prefix."""
    return f"""
        SELECT c.{KEY} AS key, jsonb_build_object(
            'coverage', c.public_id, 'policy', p.public_id,
            'was', jsonb_build_array({was}limit_per_claim::text, {was}limit_aggregate::text),
            'limits', jsonb_build_array(c.limit_per_claim::text, c.limit_aggregate::text),
            'effective', c.effective, 'run', %(run_id)s::bigint) AS payload
        FROM {join} {COVERAGE}
        WHERE {condition}
          AND ({was}limit_per_claim, {was}limit_aggregate, {was}limits_shared)
              IS DISTINCT FROM (c.limit_per_claim, c.limit_aggregate, c.limits_shared)
    """


def _tell_of_limits(load: Load) -> None:
    """Publish a coverage whose limits were changed in place, or are shared now and weren't; and a new segment with
    other limits than the one that it continues, if that one was known before."""
    changes = load.changes(COVERAGES_FILE)
    in_place = _limits_query("d.was_", f"{changes} d", KNOWN)
    load.execute(publish_sql(in_place), {"topic": COVERAGE_LIMITS_CHANGED})
    # The few that continue another one, along their own index.
    continuing = f"""
        policies_coverage n JOIN policies_coverage b ON b.id = n.continues_id AND b.created_at < %(now)s
        JOIN {changes} d ON d.id = n.id AND d.change = 'inserted'
    """
    by_segment = _limits_query("b.", continuing, "n.continues_id IS NOT NULL AND n.source = %(source)s")
    load.execute(publish_sql(by_segment), {"topic": COVERAGE_LIMITS_CHANGED})


def _tell_of_ends(load: Load) -> None:
    """Publish a coverage that was ended, with a reason or before its term, and that no other segment goes on from."""
    changes = load.changes(COVERAGES_FILE)
    query = f"""
        SELECT c.{KEY} AS key, jsonb_build_object(
            'coverage', c.public_id, 'policy', p.public_id, 'expires', c.expires, 'run', %(run_id)s::bigint) AS payload
        FROM {changes} d {COVERAGE}
        WHERE {KNOWN}
          AND (d.was_ended_reason = '' AND c.ended_reason <> '' OR c.expires < LEAST(d.was_expires, t.expires))
          AND NOT EXISTS (
              SELECT 1 FROM policies_coverage n
              WHERE n.insured_id = c.insured_id AND n.part = c.part AND n.retired_at IS NULL
                AND (n.continues_id = c.id
                     OR n.continues_id IS NULL AND n.term_id = c.term_id AND n.effective = c.expires))
    """
    load.execute(publish_sql(query), {"topic": COVERAGE_ENDED})


def _tell_of_joiners(load: Load) -> None:
    """Publish the coverage of someone new on a policy for which an insured was to be added by a change request.

    Of a renewal there would be thousands, and nobody waits for them.
    """
    changes = load.changes(COVERAGES_FILE)
    query = f"""
        SELECT c.{KEY} AS key, jsonb_build_object(
            'coverage', c.public_id, 'policy', p.public_id, 'effective', c.effective,
            'run', %(run_id)s::bigint) AS payload
        FROM {changes} d {COVERAGE}
        WHERE d.change <> 'retired' AND t.status = 'bound'
          AND EXISTS (
              SELECT FROM policies_changerequest r WHERE r.policy_id = p.id AND r.kind = 'add_insured'
                AND r.status NOT IN ('draft', 'declined', 'withdrawn'))
          AND NOT EXISTS (
              SELECT FROM policies_coverage b JOIN policies_term bt ON bt.id = b.term_id
              WHERE bt.policy_id = p.id AND b.insured_id = c.insured_id AND b.created_at < %(now)s)
    """
    load.execute(publish_sql(query), {"topic": COVERAGE_BEGUN})


def tell_of_offers(load: Load) -> None:
    """Publish a tail that is offered, once for each coverage, of someone whose removal was asked for."""
    if load.is_first(OFFERS_FILE):
        return
    changes = load.changes(OFFERS_FILE)
    query = f"""
        SELECT DISTINCT ON (c.id) c.{KEY} AS key, jsonb_build_object(
            'coverage', c.public_id, 'policy', p.public_id, 'decide_by', o.decide_by,
            'run', %(run_id)s::bigint) AS payload
        FROM {changes} d JOIN policies_ereoffer o ON o.id = d.id
        JOIN policies_coverage c ON c.id = o.coverage_id
        JOIN policies_term t ON t.id = c.term_id JOIN policies_policy p ON p.id = t.policy_id
        WHERE d.change <> 'retired' AND o.status = 'offered'
          AND (d.change <> 'updated' OR (d.was_status, d.was_decide_by) IS DISTINCT FROM (o.status, o.decide_by))
          AND EXISTS (
              SELECT FROM policies_changerequest r JOIN policies_changeitem i ON i.request_id = r.id
              WHERE r.policy_id = p.id AND r.kind = 'remove_insured' AND i.insured_id = c.insured_id)
        ORDER BY c.id, o.decide_by
    """
    load.execute(publish_sql(query), {"topic": TAIL_OFFERED})


def tell_of_suspensions(load: Load) -> None:
    """Publish each suspension that is new or has other days, of a policy that was known before."""
    if load.is_first(SUSPENSIONS_FILE):
        return
    changes = load.changes(SUSPENSIONS_FILE)
    query = f"""
        SELECT c.public_id || ':' || s.starts || ':' || %(run_id)s AS key, jsonb_build_object(
            'coverage', c.public_id, 'policy', p.public_id, 'from', s.starts, 'to', s.ends,
            'run', %(run_id)s::bigint) AS payload
        FROM {changes} d JOIN policies_suspension s ON s.id = d.id
        JOIN policies_coverage c ON c.id = s.coverage_id
        JOIN policies_term t ON t.id = c.term_id JOIN policies_policy p ON p.id = t.policy_id
        WHERE d.change <> 'retired' AND p.created_at < %(now)s
          AND (d.change <> 'updated' OR (d.was_starts, d.was_ends) IS DISTINCT FROM (s.starts, s.ends))
    """
    load.execute(publish_sql(query), {"topic": COVERAGE_SUSPENDED})
