"""What the pages of holders show: a row of the directory, what a holder asks for, and what went to it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db.models import Max, Q
from django.db.models.functions import Coalesce

from core.listing import tabs_of
from core.money import whole_dollars
from core.search import name_query
from credentialing.holders.standing import Arrangement, arrangements_of, on_file_by_print
from credentialing.models import CarrierHolder, Certificate, Holder, OwnStandingHolder, StandingHolder
from credentialing.models.holders import of_own_party
from credentialing.sending.pages import know_last_deliveries
from policies.models import Insured, Policy, reach_of
from policies.names import fold

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from django.db.models import QuerySet

    from accounts.models import User
    from core.listing import Tab
    from credentialing.models.on_file import Asks

OWN, ON_FILE = "own", "on_file"
TABS = [(OWN, "Your address book"), (ON_FILE, "On file with us")]
ORDER = ("search_name", "id")
MOST_SENT = 8
MOST_STANDING = 100


@dataclass(frozen=True)
class Row:
    """A holder in the directory. `asks`: what it asks for, in one line; `last`: when a certificate went to it last."""

    holder: Holder | CarrierHolder
    asks: str
    standing: bool
    last: dt.date | None

    @property
    def address(self) -> str:
        return ", ".join(self.holder.address_lines)


@dataclass(frozen=True)
class Shown:
    """A standing arrangement as the page shows it. `gets`: what it gets, in words; `holder_id`: of one on file."""

    public_id: str
    holder_id: str
    whom: str
    gets: str
    is_own: bool


@dataclass(frozen=True)
class Page:
    """One holder: what it asks for and who says so, its standing arrangements, and what went to it last."""

    holder: Holder | CarrierHolder
    asks: list[str]
    asks_of_carrier: bool
    arrangements: list[Shown] = field(default_factory=list)
    sent: list[Certificate] = field(default_factory=list)


def tabs(query: Mapping[str, str]) -> list[Tab]:
    """Return the two views of the directory."""
    return tabs_of(TABS, query, default=OWN)


def found(user: User, text: str, show: str) -> QuerySet[Any]:
    """Return the holders of a view of the directory, whose name, city, or ZIP code a text finds."""
    rows: QuerySet[Any] = CarrierHolder.objects.visible_to(user) if show == ON_FILE else Holder.objects.visible_to(user)
    if not text.strip():
        return rows
    of_text = Q(city__istartswith=text.strip())
    if text.strip().isdigit():
        of_text |= Q(zip__startswith=text.strip())
    if (query := name_query(fold(text).split())) is not None:
        of_text |= Q(search=query)
    return rows.filter(of_text)


def rows_of(holders: Sequence[Holder | CarrierHolder], user: User) -> list[Row]:
    """Return the rows of one page of the directory. Four queries, however many."""
    on_file = on_file_by_print(holder.fingerprint for holder in holders if isinstance(holder, Holder))
    standing, last = _standing(holders, user), _last(holders, user)
    return [
        Row(
            holder,
            "; ".join(asks_in_words(asks_of(holder, on_file.get(holder.fingerprint))[0])),
            holder.fingerprint in standing,
            last.get(holder.fingerprint),
        )
        for holder in holders
    ]


def page_of(holder: Holder | CarrierHolder, user: User) -> Page:
    """Return the page of a holder that the user sees."""
    on_file = on_file_by_print([holder.fingerprint]).get(holder.fingerprint)
    asks, of_carrier = asks_of(holder, on_file)
    arrangements = _shown(standing_of(holder, user))
    sent = list(_sent_to(holder, user)[:MOST_SENT])
    know_last_deliveries(sent)
    return Page(holder, asks_in_words(asks), of_carrier, arrangements, sent)


def asks_of(holder: Holder | CarrierHolder, on_file: CarrierHolder | None) -> tuple[Asks, bool]:
    """Return what a holder asks for, and whether it is on file with the carrier, which goes before what was noted."""
    if on_file is not None and on_file.asks_for_something:
        return on_file, True
    return holder, isinstance(holder, CarrierHolder)


def asks_in_words(asks: Asks) -> list[str]:
    """Return each thing that a holder asks of a certificate, in a few words."""
    sentences = []
    if asks.minimum_per_claim:
        sentences.append(f"at least {whole_dollars(asks.minimum_per_claim)} each claim")
    if asks.minimum_aggregate:
        sentences.append(f"at least {whole_dollars(asks.minimum_aggregate)} aggregate")
    if asks.separate_limits:
        sentences.append("separate limits, not shared ones")
    if asks.tail_required:
        sentences.append("a tail after claims-made coverage")
    if asks.days_ahead is not None:
        sentences.append(f"the next certificate {asks.days_ahead} days before coverage ends")
    return sentences


def standing_of(holder: Holder | CarrierHolder, user: User) -> list[Arrangement]:
    """Return the arrangements of a holder that the user sees, the same holder's in any book of theirs and on file. Five
    queries at most."""
    same = Q(holder__fingerprint=holder.fingerprint)
    merged = Q(holder__same_as__fingerprint=holder.fingerprint)
    own = OwnStandingHolder.objects.visible_to(user).filter(same).order_by()
    brought = StandingHolder.objects.visible_to(user).filter(same | merged).order_by()
    policies = {
        *own.values_list("policy_id", flat=True)[:MOST_STANDING],
        *brought.values_list("policy_id", flat=True)[:MOST_STANDING],
    }
    found = [one for one in arrangements_of(policies, user=user) if one.fingerprint == holder.fingerprint]
    return found[:MOST_STANDING]


def _shown(arrangements: Sequence[Arrangement]) -> list[Shown]:
    """Return them as the page shows them. Two queries."""
    policies = Policy.objects.in_bulk({one.policy_id for one in arrangements}) if arrangements else {}
    insureds = Insured.objects.in_bulk({one.insured_id for one in arrangements if one.insured_id})
    return [
        Shown(
            public_id=one.key.partition(":")[2],
            holder_id=one.holder.public_id,
            whom=f"{insureds[one.insured_id].display_name if one.insured_id else 'Everyone'} on "
            f"{policies[one.policy_id].number}",
            gets=switches_in_words({name: getattr(one, name) for name in SWITCHES}),
            is_own=one.is_own,
        )
        for one in arrangements
    ]


SWITCHES = {"renewals": "renewals", "notices": "notices", "claims_history": "claims histories"}


def switches_in_words(switches: Mapping[str, bool]) -> str:
    """Return what switches give: 'Renewals, notices'."""
    given = [word for name, word in SWITCHES.items() if switches.get(name)]
    return ", ".join(given).capitalize() or "Certificates when someone creates them"


def _sent_to(holder: Holder | CarrierHolder, user: User) -> QuerySet[Certificate]:
    """Return the certificates of the user's own parties that were made out to it, also while it had another entry."""
    own = Certificate.objects.visible_to(user).filter(of_own_party(reach_of(user), "membership__"))
    if isinstance(holder, CarrierHolder):
        return own.filter(holder__fingerprint=holder.fingerprint)
    return own.filter(Q(holder=holder) | Q(holder__merged_into=holder))


def _standing(holders: Sequence[Holder | CarrierHolder], user: User) -> set[str]:
    """Return the fingerprints of those that get something by themselves. Two queries."""
    prints = [holder.fingerprint for holder in holders]
    own = OwnStandingHolder.objects.visible_to(user).filter(holder__fingerprint__in=prints).order_by()
    brought = StandingHolder.objects.visible_to(user).order_by()
    kept = brought.annotate(print=Coalesce("holder__same_as__fingerprint", "holder__fingerprint"))
    found = set(own.values_list("holder__fingerprint", flat=True).distinct())
    return found | set(kept.filter(print__in=prints).values_list("print", flat=True).distinct())


def _last(holders: Sequence[Holder | CarrierHolder], user: User) -> dict[str, dt.date]:
    prints = [holder.fingerprint for holder in holders]
    own = Certificate.objects.visible_to(user).filter(
        Q(holder__fingerprint__in=prints) | Q(holder__merged_into__fingerprint__in=prints),
        of_own_party(reach_of(user), "membership__"),
    )
    rows = own.order_by().values_list("holder__fingerprint", "holder__merged_into__fingerprint")
    last: defaultdict[str, list[dt.date]] = defaultdict(list)
    for print_, kept, day in rows.annotate(Max("issued_on")):
        last[kept or print_].append(day)
    return {print_: max(days) for print_, days in last.items()}
