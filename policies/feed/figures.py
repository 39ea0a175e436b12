"""What the load keeps for the pages of large books: each coverage's place in a roster, and the figures of a book."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.dates import carrier_today
from core.feedspec import Hook, Load
from policies.models.figures import BookFigure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# What the figures of an agency's book depend on, in loading order.
BOOK_FILES = ("policies.csv", "agents_of_record.csv", "terms.csv")

# `days` are those on which an agency serves a policy, however many appointments say so.
BOOK_FIGURES = """
    INSERT INTO policies_bookfigure
        (agency_id, status, starts, ends, expires, comes_on, policies, first_terms)
    SELECT agency_id, status, starts, ends, expires, comes_on, count(*),
           (array_agg(term_id ORDER BY number, term_id))[1:%(most)s]
    FROM (
        SELECT served.agency_id, p.status, p.number_normalized AS number, t.id AS term_id, t.expires,
               GREATEST(t.effective, lower(days)) AS starts,
               LEAST(
                   t.expires, upper(days),
                   CASE WHEN p.status = 'cancelled' THEN COALESCE(p.cancellation_effective, p.status_date) END
               ) AS ends,
               CASE WHEN p.status = 'pending_cancellation' THEN COALESCE(p.cancellation_effective, t.expires)
                    ELSE t.expires END AS comes_on
        FROM (
            SELECT agency_id, policy_id, unnest(range_agg(daterange(starts, ends))) AS days
            FROM policies_agentofrecord
            WHERE retired_at IS NULL AND (ends IS NULL OR ends > GREATEST(starts, %(today)s))
            GROUP BY agency_id, policy_id
        ) served
        JOIN policies_policy p ON p.id = served.policy_id
        JOIN policies_term t ON t.policy_id = p.id
        WHERE p.retired_at IS NULL AND p.status <> 'pending'
          AND (p.status <> 'cancelled' OR COALESCE(p.cancellation_effective, p.status_date) IS NOT NULL)
          AND t.retired_at IS NULL AND t.status = 'bound' AND t.expires > %(today)s
    ) term
    WHERE starts < ends AND ends > %(today)s
    GROUP BY agency_id, status, starts, ends, expires, comes_on
"""

# Terms with fewer coverages are counted when somebody asks.
LARGE_TERM = 100
HEADCOUNTS = """
    INSERT INTO policies_headcount (term_id, day, insureds)
    WITH large AS MATERIALIZED (
        SELECT term_id FROM policies_coverage
        WHERE retired_at IS NULL
        GROUP BY term_id HAVING count(*) >= %(large)s
    ), covered AS MATERIALIZED (
        SELECT term_id, insured_id, unnest(range_agg(daterange(effective, expires))) AS days
        FROM policies_coverage WHERE retired_at IS NULL AND term_id IN (SELECT term_id FROM large)
        GROUP BY term_id, insured_id
    ), steps AS (
        SELECT term_id, lower(days) AS day, 1 AS step FROM covered
        UNION ALL
        SELECT term_id, upper(days), -1 FROM covered
    )
    SELECT term_id, day, sum(sum(step)) OVER (PARTITION BY term_id ORDER BY day) FROM steps GROUP BY term_id, day
"""


def keep_book_figures(file: str) -> Hook:
    """Return the hook of one of `BOOK_FILES`: once a load it counts the agencies' books again, if any changed."""

    def keep(load: Load) -> None:
        changes = [table for table in map(load.changes, BOOK_FILES) if table]
        if load.changes(file) == changes[-1] and any(_any_row(load, table) for table in changes):
            count_books(load.execute)

    return keep


def count_books(execute: Callable[[str, Mapping[str, Any]], object]) -> None:
    """Replace the figures of every agency's book."""
    execute("DELETE FROM policies_bookfigure", {})
    execute(BOOK_FIGURES, {"today": carrier_today(), "most": BookFigure.MOST_KEPT})


def keep_sort_keys(load: Load) -> None:
    """Bring the places of renamed insureds up to date in the rosters; new and changed coverages have them already."""
    load.execute(
        f"""
        UPDATE policies_coverage c SET sort_key = i.sort_key
        FROM {load.changes("insureds.csv")} d JOIN policies_insured i ON i.id = d.id
        WHERE d.change IN ('updated', 'unretired') AND c.insured_id = i.id AND c.sort_key <> i.sort_key
        """
    )


def keep_headcounts(load: Load) -> None:
    """Count the insureds of the large terms again, where a coverage has changed."""
    if _any_row(load, load.changes("coverages.csv")):
        count_heads(load.execute)


def count_heads(execute: Callable[[str, Mapping[str, Any]], object]) -> None:
    """Replace the numbers of insureds of every large term."""
    execute("DELETE FROM policies_headcount", {})
    execute(HEADCOUNTS, {"large": LARGE_TERM})


def _any_row(load: Load, table: str | None) -> bool:
    return bool(table and load.rows(f"SELECT 1 FROM {table} LIMIT 1"))
