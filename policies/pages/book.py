"""An agent's book on home: its clients, counted, and what comes next with them.

The load keeps the figures of each agency's book (`policies.models.figures`), so that 20,000 clients cost no more than
twenty. Where there are none, or a user works at several agencies, whose clients may be the same, the terms are counted
one by one; both ways give the same.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    DateField,
    F,
    Func,
    OuterRef,
    Q,
    Subquery,
    Sum,
    TextField,
    Value,
    When,
    Window,
)
from django.db.models.functions import Cast, Coalesce, JSONObject

from core.money import whole_dollars
from core.statements import prepared, written_once
from core.templatetags.show import day
from core.urls import address_for
from policies.models import SCOPE, Agency, BookFigure, Policy, Scope, Term
from policies.pages.notices import RENEWAL_WINDOW_DAYS

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import QuerySet

MOST_UPCOMING = BookFigure.MOST_KEPT
# The day of the cancellation where one is pending, else the end of the term.
COMES_ON = Case(
    When(
        policy__status=Policy.Status.PENDING_CANCELLATION,
        then=Coalesce("policy__cancellation_effective", "expires"),
    ),
    default=F("expires"),
)
EVENT_FIELDS = (
    "policy_id",
    "expires",
    "policy__public_id",
    "policy__number",
    "policy__status",
    "policy__cure_amount",
    "policy__policyholder__name",
)
# What comes next with a client, in the order of home.
CANCELLATION, END, NO_EVENT = range(3)
# With a cancellation ahead: pending, or cancelled as of a later date.
CANCELLING = (Policy.Status.PENDING_CANCELLATION, Policy.Status.CANCELLED)


@dataclass(frozen=True, slots=True)
class Event:
    """The next thing in an agent's book, a cancellation or the end of a term, in words, so that the template has
    nothing left to look up.

    `due`: what keeps the policy in force, where the carrier says so.
    """

    on: dt.date
    number: str
    href: str
    policyholder: str
    is_cancellation: bool
    due: str
    renewal: str

    @property
    def iso_day(self) -> str:
        """The day for `<time datetime=…>`."""
        return self.on.isoformat()

    @property
    def day(self) -> str:
        """The day as it is read."""
        return day(self.on)

    @property
    def note(self) -> str:
        """What follows the word of the event."""
        if self.is_cancellation:
            return "Due to keep in force" if self.due else ""
        return self.renewal


@dataclass(frozen=True, slots=True)
class Book:
    """An agent's clients, counted, and what comes next with them: cancellations first."""

    in_force: int
    pending_cancellation: int
    ending: int
    upcoming: list[Event]


def book_of(agent: Scope) -> Book:
    """Return an agent's clients: how many are in force, and what comes next. One query."""
    return kept_book(agent) or counted_book(agent)


def kept_book(agent: Scope) -> Book | None:
    """Return the book from the figures of the user's one agency; None where there are none."""
    if len(agent.agency_ids) != 1:
        return None
    kept = _kept(agency_id=agent.agency_ids[0], today=agent.today, window=_window(agent))
    if not kept or not kept[0].counted:
        return None
    counted: dict[str, int] = kept[0].counted
    address = address_for("policies:policy")
    return Book(
        **counted,
        upcoming=[
            _event(
                address,
                on=dt.date.fromisoformat(event["on"]),
                number=event["number"],
                public_id=event["public_id"],
                policyholder=event["holder"],
                status=event["status"],
                due=None if event["cure"] is None else Decimal(event["cure"]),
                following=event["following"],
            )
            for event in kept[0].upcoming
        ],
    )


def _event(
    address: Callable[[str], str],
    *,
    on: dt.date,
    number: str,
    public_id: str,
    policyholder: str,
    status: str,
    due: Decimal | None,
    following: list[str],
) -> Event:
    """Return an event from what the database gives of it."""
    is_cancellation = status == Policy.Status.PENDING_CANCELLATION
    amount = whole_dollars(due) if is_cancellation and due else ""
    return Event(on, number, address(public_id), policyholder, is_cancellation, amount, _renewal_word(following))


def counted_book(agent: Scope) -> Book:
    """Return the book from each term of the clients."""
    rows = _running(window=_window(agent), **agent.values())
    if not rows:
        return Book(in_force=0, pending_cancellation=0, ending=0, upcoming=[])
    counted = rows[0]
    address = address_for("policies:policy")
    return Book(
        in_force=counted.in_force,
        pending_cancellation=counted.cancelling,
        ending=counted.ending,
        upcoming=[
            _event(
                address,
                on=term.on,
                number=term.policy.number,
                public_id=term.policy.public_id,
                policyholder=term.policy.policyholder.name,
                status=term.policy.status,
                due=term.policy.cure_amount,
                following=term.following,
            )
            for term in rows
            if term.kind != NO_EVENT
        ],
    )


def _window(agent: Scope) -> dt.date:
    until: dt.date = agent.today + dt.timedelta(days=RENEWAL_WINDOW_DAYS)
    return until


@prepared(agency_id=BigIntegerField(), today=DateField(), window=DateField())
def _kept(*, agency_id: int, today: dt.date, window: dt.date) -> QuerySet[Any]:
    """Return the agency with its book: the counts, null where the load has kept no figures, and what comes next."""
    figures = BookFigure.objects.filter(agency_id=agency_id).on(today)
    counts = JSONObject(
        in_force=Sum("policies"),
        pending_cancellation=Coalesce(Sum("policies", filter=Q(status__in=CANCELLING)), 0),
        ending=Coalesce(Sum("policies", filter=Q(expires__lte=window)), 0),
    )
    counted = figures.order_by().values("agency_id").annotate(counts=counts).values("counts")
    # The first figures by what comes, until they hold enough terms; of each the first terms: the first of all are
    # among them. Figures of one day are taken together, since their terms' numbers may alternate.
    kind = Case(When(status=Policy.Status.ACTIVE, then=END), default=CANCELLATION)
    coming = figures.filter(
        Q(status=Policy.Status.PENDING_CANCELLATION) | Q(status=Policy.Status.ACTIVE, expires__lte=window)
    ).annotate(
        up_to_here=Window(Sum("policies"), order_by=[kind, F("comes_on")]),
        on_this_day=Window(Sum("policies"), partition_by=[kind, F("comes_on")]),
    )
    first = coming.filter(up_to_here__lt=F("on_this_day") + MOST_UPCOMING)
    ids = first.values(term=Func("first_terms", function="unnest", output_field=BigIntegerField()))
    events = _events(Term.objects.filter(pk__in=ids), window)
    as_json = JSONObject(
        number="policy__number",
        public_id="policy__public_id",
        status="policy__status",
        cure=Cast("policy__cure_amount", TextField()),
        holder="policy__policyholder__name",
        on="on",
        following="following",
    )
    return (
        Agency.objects.filter(pk=agency_id)
        .only("id")
        .annotate(counted=Subquery(counted), upcoming=ArraySubquery(events.values_list(as_json)))
    )


def _events(terms: QuerySet[Term], window: Any) -> QuerySet[Any]:
    """Return the first of these terms by what comes next with them, each with the day as `on`."""
    following = Term.objects.not_retired().filter(policy=OuterRef("policy"), effective__gte=OuterRef("expires"))
    events = terms.annotate(
        # What can be lost comes before what only ends.
        kind=Case(
            When(policy__status=Policy.Status.PENDING_CANCELLATION, then=Value(CANCELLATION)),
            When(policy__status=Policy.Status.ACTIVE, expires__lte=window, then=Value(END)),
            default=Value(NO_EVENT),
        ),
        on=COMES_ON,
        following=ArraySubquery(following.order_by().values("status")),
    )
    return events.order_by("kind", "on", "policy__number_normalized", "id")[:MOST_UPCOMING]


@written_once(**SCOPE, window=DateField())
def _running(*, window: dt.date, **scope: Any) -> QuerySet[Any]:
    """Return the clients' running terms that end or are cancelled next, each with the day as `on`.

    Each also has the number of all of them, whose policies are in force: the database counts before it takes the first.
    """
    agent = Scope(**scope)
    running = Term.objects.not_retired().filter(
        agent.policies("policy__"),
        _by_the_date(agent.today),
        policy__retired_at=None,
        status=Term.Status.BOUND,
        effective__lte=agent.today,
        expires__gt=agent.today,
    )
    counted = running.annotate(
        in_force=Window(Count("pk")),
        cancelling=Window(Count("pk", filter=Q(policy__status__in=CANCELLING))),
        ending=Window(Count("pk", filter=Q(expires__lte=window))),
    )
    return _events(counted, window).select_related("policy__policyholder").only(*EVENT_FIELDS)


def _by_the_date(today: dt.date) -> Q:
    """Return the condition on a running term that its policy is in force, whatever notice was given."""
    cancelled = Q(policy__status=Policy.Status.CANCELLED)
    ahead = Q(policy__cancellation_effective__gt=today)
    ahead |= Q(policy__cancellation_effective=None, policy__status_date__gt=today)
    return ~Q(policy__status=Policy.Status.PENDING) & (~cancelled | ahead)


def _renewal_word(following: list[str]) -> str:
    """Return what is known of a term's renewal, from the statuses of the terms that follow it."""
    if Term.Status.BOUND in following:
        return "Renewal bound"
    return "Renewal offered" if {Term.Status.OFFERED, Term.Status.ACCEPTED} & set(following) else "No renewal yet"
