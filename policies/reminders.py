"""Reminders of renewal by mail (S-33): 90, 60, 30, and 14 days (a setting) before a term ends, while its renewal isn't
bound and its application isn't submitted.

To the policyholder's users and to those of the agent of record, if they want them and have confirmed their email. One
mail a day to each, however many policies it's about. A run that was missed is made up for: within 60 days of the end,
for example, the reminder of 60 days is sent if it hasn't been.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from accounts.models import Notice, User
from policies import emails
from policies.models import Term
from policies.roles import Capability

# What a delegate, or a membership that opens only what is named, must have been given to hear of renewals.
DELEGATES = [Capability.VIEW_RENEWAL.value, Capability.FILL_IN_RENEWAL.value]
# Inserts the reminders that are due and were never sent, each for the nearest step; so two runs at once send one each.
_DUE = """
WITH ending AS (
    SELECT t.id, t.policy_id, p.policyholder_id, step.days
    FROM policies_term t
    JOIN policies_policy p ON p.id = t.policy_id AND p.retired_at IS NULL AND p.status = 'active'
    CROSS JOIN LATERAL (SELECT min(s) AS days FROM unnest(%(steps)s::int[]) s WHERE t.expires - %(today)s <= s) step
    WHERE t.retired_at IS NULL AND t.status = 'bound' AND t.effective <= %(today)s
      AND t.expires > %(today)s AND t.expires <= %(today)s + %(furthest)s
      AND NOT EXISTS (
          SELECT 1 FROM policies_term next
          WHERE next.policy_id = t.policy_id AND next.retired_at IS NULL AND next.effective >= t.expires
            AND next.status IN ('bound', 'declined')
      )
      AND NOT EXISTS (
          -- With us: submitted, and not reopened.
          SELECT 1 FROM policies_renewalapplication sent WHERE sent.term_id = t.id AND sent.status <> 'draft'
      )
), in_effect AS (
    SELECT m.* FROM policies_membership m LEFT JOIN policies_membership giver ON giver.id = m.given_under_id
    WHERE m.revoked_at IS NULL AND m.starts <= %(today)s AND (m.ends IS NULL OR m.ends > %(today)s)
      AND NOT m.awaits_approval
      AND (NOT m.named_only OR m.capabilities && %(delegates)s::varchar[])
      AND (giver.id IS NULL OR (
          (NOT giver.named_only OR giver.capabilities && %(delegates)s::varchar[]) AND
          m.capabilities && %(delegates)s::varchar[] AND giver.revoked_at IS NULL AND giver.starts <= %(today)s
          AND (giver.ends IS NULL OR giver.ends > %(today)s)
      ))
), concerned AS (
    SELECT e.id, e.days, m.user_id FROM ending e
    JOIN in_effect m ON m.role = 'policyholder' AND m.policyholder_id = e.policyholder_id
    UNION
    SELECT e.id, e.days, m.user_id FROM ending e
    JOIN policies_agentofrecord a ON a.policy_id = e.policy_id AND a.retired_at IS NULL
      AND a.starts <= %(today)s AND (a.ends IS NULL OR a.ends > %(today)s)
    JOIN in_effect m ON m.role = 'agent' AND m.agency_id = a.agency_id
)
INSERT INTO policies_renewalreminder (term_id, user_id, days)
SELECT c.id, u.id, c.days FROM concerned c JOIN accounts_user u ON u.id = c.user_id
WHERE u.is_active AND NOT u.is_staff AND NOT u.is_superuser AND u.email_confirmed_at IS NOT NULL
  AND %(notice)s = ANY (u.notices)
ON CONFLICT DO NOTHING
RETURNING user_id, term_id
"""


def send_due(*, today: dt.date) -> int:
    """Send the reminders that are due on a day of the carrier's, and return the number of mails."""
    steps = sorted(settings.RENEWAL_REMINDER_DAYS)
    if not steps:
        return 0
    values: dict[str, Any] = {
        "today": today,
        "steps": steps,
        "furthest": steps[-1],
        "delegates": DELEGATES,
        "notice": Notice.RENEWAL.value,
    }
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_DUE, values)
            terms_of: defaultdict[int, list[int]] = defaultdict(list)
            for user_id, term_id in cursor.fetchall():
                terms_of[user_id].append(term_id)
        for user in User.objects.filter(pk__in=terms_of).iterator():
            terms = Term.objects.filter(pk__in=terms_of[user.pk]).order_by("expires", "policy__number")
            emails.renewal_reminder(user, list(terms.values_list("policy__number", "expires")))
    return len(terms_of)
