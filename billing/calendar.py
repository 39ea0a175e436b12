"""What billing puts into a user's calendar: days on which installments are due (B-12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import F, Q
from django.urls import reverse

from billing.models import Installment
from core.calendars import MOST_ENTRIES, CalendarEntry, policy_words
from core.dates import carrier_today
from policies.models import Term
from policies.rights import reach_with
from policies.roles import Capability

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from accounts.models import User


def entries(user: User, _since: dt.date, until: dt.date) -> Iterator[CalendarEntry]:
    """Yield the installments to come of the policies whose billing the user sees, and that payments don't cover yet; of
    terms that we bill, without amounts."""
    reach = reach_with(user, Capability.VIEW_BILLING)
    if not reach:
        return
    due = Installment.objects.not_retired().filter(
        reach.policies("term__policy__"),
        Q(term__paid_through=None) | Q(due__gt=F("term__paid_through")),
        due__range=(carrier_today(), until),
        account__retired_at=None,
        term__retired_at=None,
        term__billing=Term.Billing.DIRECT,
        term__policy__retired_at=None,
    )
    for installment in due.select_related("term__policy").order_by("due", "id")[:MOST_ENTRIES]:
        policy = installment.term.policy
        yield CalendarEntry(
            f"installment-{installment.term.public_id}-{installment.due:%Y%m%d}",
            f"Payment due: {policy_words(policy.number)}",
            installment.due,
            href=reverse("policies:policy", args=[policy.public_id]),
        )


PROVIDERS = [entries]
