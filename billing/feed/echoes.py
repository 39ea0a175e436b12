"""Payments made here that the feed echoes: the portal's row becomes the carrier's payment, so it never counts twice.

The echo says which payment a row is, not the carrier's id: if a payment gets another id at the carrier, it stays the
same row here. A payment of another source's account is never taken.
"""

from __future__ import annotations

from core.feedspec import Load

FILE = "payments.csv"


def adopt_echoed_payments(load: Load) -> None:
    """Give each payment made here that the package echoes the carrier's id, so that the row is found by it."""
    load.execute(
        f"""
        CREATE TEMPORARY TABLE billing_echoed ON COMMIT DROP AS
        SELECT DISTINCT ON (p.id) p.id, s.key
        FROM {load.staged(FILE)} s JOIN billing_payment p ON p.public_id = s.portal_payment_id
        WHERE NOT s.deleted AND s.portal_payment_id <> '' AND p.source = %(source)s AND p.made_at IS NOT NULL
          AND p.external_id IS DISTINCT FROM s.key
        ORDER BY p.id, s.line
        """
    )
    if load.rows("SELECT 1 FROM billing_echoed LIMIT 1"):
        _give_up_ids(load)
        load.execute(
            "UPDATE billing_payment p SET external_id = e.key, updated_at = %(now)s "
            "FROM billing_echoed e WHERE p.id = e.id"
        )
    load.execute("DROP TABLE billing_echoed")


def _give_up_ids(load: Load) -> None:
    """Take these ids of the carrier's from the rows that have them.

    A payment made here then counts as not seen until the feed echoes it again. The carrier's own row, which came before
    without an echo, was the same payment all along: it is retired, and what was allocated of it is the echoed one's.
    """
    load.execute(
        """
        UPDATE billing_allocation a SET payment_id = e.id
        FROM billing_echoed e JOIN billing_payment p ON p.source = %(source)s AND p.external_id = e.key
        WHERE a.payment_id = p.id
        """
    )
    load.execute(
        """
        UPDATE billing_payment p SET external_id = NULL, updated_at = %(now)s,
               retired_at = CASE WHEN p.made_at IS NULL THEN COALESCE(p.retired_at, %(now)s) ELSE p.retired_at END
        FROM billing_echoed e WHERE p.source = %(source)s AND p.external_id = e.key
        """
    )
