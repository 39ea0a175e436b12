"""Every insured of a bound renewal with every holder, and what became of each: one statement, however many there are.

An insured's holders are the standing ones, the carrier's and the party's own, and those that the party issued a
certificate of the term before to. The same name and address is the same holder. What the party issued of the renewal,
and the latest email of it, decide the state.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Case, Exists, F, IntegerField, OuterRef, Value, When

from core.dates import carrier_today
from core.keyset import PAGE_SIZE, KeysetPage, read_key, write_key
from credentialing.models import Certificate, Delivery, OwnStandingHolder, RenewalSkip, StandingHolder
from credentialing.models.holders import of_own_party
from policies.models import Coverage, Policy, Reach, Term
from policies.names import fold

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from django.db.models import QuerySet
    from django.http import QueryDict

    from accounts.models import User
    from policies.models import Membership, Scope

LACKING, ISSUED, SENT, NOT_NEEDED = "lacking", "issued", "sent", "not-needed"
STATES = {LACKING: "Lacking", ISSUED: "Issued, not sent", SENT: "Sent", NOT_NEEDED: "Not needed"}
# A renewal stays on the board for so many days after it has begun.
DAYS_AFTER = 60
GONE_OUT = [str(each) for each in Delivery.Status if each not in (*Delivery.UNDELIVERED, Delivery.Status.DROPPED)]
PARTS = [When(part=part, then=Value(place)) for place, part in enumerate(Coverage.Part.values)]
# Rows that the export reads at once.
TOGETHER = 1000
# The order of a board, and the types of its key.
ORDER = ("sort_key", "insured_id", "search_name", "fingerprint")
TYPES = (str, int, str, str)


def renewals_of(scope: Scope) -> QuerySet[Term]:
    """Return the bound renewals that a scope opens: to begin, or begun within the last 60 days; the next one first."""
    days = carrier_today().toordinal() - DAYS_AFTER
    before = Term.objects.not_retired().filter(
        policy=OuterRef("policy"), status__in=Term.TAKEN_UP, effective__lt=OuterRef("effective")
    )
    covered = Coverage.objects.open_to(scope).filter(term=OuterRef("pk"))
    return (
        Term.objects.not_retired()
        .filter(
            scope.policies("policy__"),
            Exists(before),
            Exists(covered),
            status=Term.Status.BOUND,
            effective__gte=type(carrier_today()).fromordinal(days),
            policy__retired_at=None,
        )
        .exclude(policy__status=Policy.Status.CANCELLED)
        .annotate(policy_number=F("policy__number_normalized"))
    )


@dataclass(frozen=True, slots=True)
class Pair:
    """An insured and a holder. `ref`: what names the holder (`choosing.ref_of`); `mail`: a `Delivery.Status`, or empty;
    `serial` and `certificate`: of what was issued last; `standing`: the holder gets them without being asked."""

    term_id: int
    insured_id: int
    coverage_id: int
    coverage: str
    sort_key: str
    fingerprint: str
    ref: str
    name: str
    search_name: str
    email: str
    standing: bool
    skipped: bool
    state: str
    serial: str
    certificate: str
    mail: str
    place: int = 0
    total: int = 0

    @property
    def code(self) -> str:
        """What a form sends for it."""
        return f"{self.coverage}~{self.ref}"


FIELDS = (
    "term_id, insured_id, coverage_id, coverage, sort_key, fingerprint, ref, name, search_name, email, standing, "
    "skipped, state, serial, certificate, mail"
)
# Everything that is written into it below is SQL of our own querysets, with its values as parameters.
PAIRS = """
WITH roster (term_id, insured_id, coverage_id, coverage, sort_key, policy_id) AS MATERIALIZED ({roster}),
before AS (
    SELECT DISTINCT ON (renewal.id) renewal.id AS term_id, earlier.id AS former_id
    FROM policies_term renewal
    JOIN policies_term earlier ON earlier.policy_id = renewal.policy_id AND earlier.retired_at IS NULL
        AND earlier.status = ANY(%s) AND earlier.effective < renewal.effective
    WHERE renewal.id = ANY(%s)
    ORDER BY renewal.id, earlier.effective DESC, earlier.id DESC
),
certificates AS MATERIALIZED (
    SELECT made.id, made.serial, made.public_id, covered.insured_id, covered.term_id,
        COALESCE(holder.merged_into_id, holder.id) AS holder_id
    FROM credentialing_certificate made
    JOIN policies_coverage covered ON covered.id = made.coverage_id
    JOIN credentialing_holder holder ON holder.id = made.holder_id
    WHERE made.id IN ({own})
),
standing AS (
    SELECT kept.policy_id, kept.insured_id, holder.fingerprint, kept.renewals, 'file:' || holder.public_id AS ref,
        holder.name, holder.search_name, holder.email, 3 AS rank
    FROM credentialing_standingholder kept JOIN credentialing_carrierholder holder ON holder.id = kept.holder_id
    WHERE kept.id IN ({sent}) AND kept.policy_id IN (SELECT policy_id FROM roster)
    UNION ALL
    SELECT kept.policy_id, kept.insured_id, holder.fingerprint, kept.renewals, 'own:' || holder.public_id,
        holder.name, holder.search_name, holder.email, 2
    FROM credentialing_ownstandingholder kept JOIN credentialing_holder holder ON holder.id = kept.holder_id
    WHERE kept.id IN ({chosen}) AND kept.policy_id IN (SELECT policy_id FROM roster)
),
wanted AS (
    SELECT roster.*, standing.fingerprint, standing.ref, standing.name, standing.search_name, standing.email,
        standing.renewals, standing.rank
    FROM roster JOIN standing ON standing.policy_id = roster.policy_id
        AND (standing.insured_id IS NULL OR standing.insured_id = roster.insured_id)
    UNION ALL
    SELECT roster.*, holder.fingerprint, 'own:' || holder.public_id, holder.name, holder.search_name, holder.email,
        TRUE, 1
    FROM roster
    JOIN before ON before.term_id = roster.term_id
    JOIN certificates ON certificates.term_id = before.former_id AND certificates.insured_id = roster.insured_id
    JOIN credentialing_holder holder ON holder.id = certificates.holder_id AND holder.removed_at IS NULL
),
pairs AS (
    SELECT DISTINCT ON (term_id, insured_id, fingerprint) *,
        bool_or(renewals) OVER same AS renewed, bool_or(rank > 1) OVER same AS standing,
        COALESCE(max(NULLIF(email, '')) FILTER (WHERE rank = 3) OVER same, max(email) OVER same) AS known_email
    FROM wanted
    WINDOW same AS (PARTITION BY term_id, insured_id, fingerprint)
    ORDER BY term_id, insured_id, fingerprint, rank
),
made AS (
    SELECT DISTINCT ON (certificates.term_id, certificates.insured_id, holder.fingerprint)
        certificates.term_id, certificates.insured_id, holder.fingerprint, certificates.serial, certificates.public_id
    FROM certificates JOIN credentialing_holder holder ON holder.id = certificates.holder_id
    WHERE certificates.term_id = ANY(%s)
    ORDER BY certificates.term_id, certificates.insured_id, holder.fingerprint, certificates.id DESC
),
mailed AS (
    SELECT DISTINCT ON (certificates.term_id, certificates.insured_id, holder.fingerprint)
        certificates.term_id, certificates.insured_id, holder.fingerprint, mail.status
    FROM certificates JOIN credentialing_holder holder ON holder.id = certificates.holder_id
    JOIN credentialing_delivery mail ON mail.certificate_id = certificates.id
    WHERE certificates.term_id = ANY(%s)
    ORDER BY certificates.term_id, certificates.insured_id, holder.fingerprint, mail.id DESC
),
skips AS (
    SELECT DISTINCT term_id, insured_id, fingerprint FROM credentialing_renewalskip WHERE id IN ({skipped})
),
judged AS (
    SELECT pairs.term_id, pairs.insured_id, pairs.coverage_id, pairs.coverage, pairs.sort_key, pairs.fingerprint,
        pairs.ref, pairs.name, pairs.search_name, COALESCE(pairs.known_email, '') AS email, pairs.standing,
        skips.term_id IS NOT NULL AS skipped,
        CASE WHEN mailed.status = ANY(%s) THEN 'sent' WHEN made.term_id IS NOT NULL THEN 'issued'
            WHEN skips.term_id IS NOT NULL OR NOT pairs.renewed THEN 'not-needed' ELSE 'lacking' END AS state,
        COALESCE(made.serial, '') AS serial, COALESCE(made.public_id, '') AS certificate,
        COALESCE(mailed.status, '') AS mail
    FROM pairs
    LEFT JOIN made USING (term_id, insured_id, fingerprint)
    LEFT JOIN mailed USING (term_id, insured_id, fingerprint)
    LEFT JOIN skips USING (term_id, insured_id, fingerprint)
)
"""
NOTHING = "SELECT NULL::bigint WHERE FALSE"
COUNTS = "SELECT term_id, state, count(*) FROM judged GROUP BY term_id, state"
INSUREDS = "SELECT term_id, count(*) FROM roster GROUP BY term_id"


@dataclass(frozen=True)
class Search:
    """What a board is narrowed to: a state, empty for all, and words in the name of the insured or the holder."""

    show: str = ""
    q: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Search:
        """Return what an address or a form asks for. Junk asks for everything."""
        show = str(query.get("show", ""))
        return cls(show if show in STATES else "", str(query.get("q", ""))[:200].replace("\0", "").strip())

    @property
    def condition(self) -> tuple[str, list[Any]]:
        conditions, values = ["TRUE"], []
        if self.show:
            conditions.append("state = %s")
            values.append(self.show)
        if self.q:
            words = fold(self.q).split()
            for word in words:
                conditions.append(
                    "(strpos(search_name, %s) > 0 OR insured_id IN "
                    "(SELECT id FROM policies_insured WHERE strpos(search_name, %s) > 0))"
                )
                values += [word, word]
            if not words:
                conditions.append("FALSE")
        return " AND ".join(conditions), values


class Pairs:
    """The pairs of some renewals, as far as a reach opens them. Each method is one statement."""

    def __init__(self, term_ids: Sequence[int], reach: Reach, *, user: User) -> None:
        self._ids = list(term_ids)
        scope = reach.scope
        roster = (
            Coverage.objects.open_to(scope)
            .filter(term_id__any=self._ids)
            .order_by("term_id", "insured_id", Case(*PARTS, output_field=IntegerField()), "-effective", "pk")
            .distinct("term_id", "insured_id")
            .values_list("term_id", "insured_id", "pk", "public_id", "sort_key", "term__policy_id")
        )
        own = Certificate.objects.filter(of_own_party(scope, "membership__"), holder__isnull=False).order_by()
        # Of the insureds of these renewals alone: an agency has issued hundreds of thousands.
        own = own.filter(coverage__term__policy__in=Term.objects.filter(pk__any=self._ids).values("policy_id"))
        skipped = RenewalSkip.objects.filter(of_own_party(scope, "membership__"), term_id__any=self._ids).order_by()
        parts = {
            "roster": roster,
            "own": own.values_list("pk"),
            "sent": StandingHolder.objects.visible_to(user).order_by().values_list("pk"),
            "chosen": OwnStandingHolder.objects.visible_to(user)
            .filter(of_own_party(scope, "holder__"))
            .order_by()
            .values_list("pk"),
            "skipped": skipped.values_list("pk"),
        }
        sql = {name: _sql(queryset) for name, queryset in parts.items()}
        self._sql = PAIRS.format(**{name: text for name, (text, _) in sql.items()})
        values = {name: each for name, (_, each) in sql.items()}
        self._values = [
            *values["roster"],
            [str(each) for each in Term.TAKEN_UP],
            self._ids,
            *values["own"],
            *values["sent"],
            *values["chosen"],
            self._ids,
            self._ids,
            *values["skipped"],
            GONE_OUT,
        ]

    def _ask(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        if not self._ids:
            return []
        with connection.cursor() as cursor:
            cursor.execute(self._sql + sql, [*self._values, *values])
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

    def counts(self) -> dict[int, dict[str, int]]:
        """Return how many pairs of each renewal are in each state."""
        found: defaultdict[int, dict[str, int]] = defaultdict(lambda: dict.fromkeys(STATES, 0))
        for term, state, number in self._ask(COUNTS):
            found[term][state] = number
        return found

    def page(self, search: Search, query: QueryDict) -> KeysetPage[Any]:
        """Return a page of pairs by name of the insured, then of the holder; `query` is the address's."""
        after = read_key(query.get("after", ""), TYPES)
        before = None if after else read_key(query.get("before", ""), TYPES)
        backward = before is not None
        condition, values = search.condition
        key = f"({', '.join(ORDER)})"
        beyond, place = "", []
        if after or before:
            beyond = f"WHERE {key} {'<' if backward else '>'} (%s, %s, %s, %s)"
            place = list(after or before or ())
        direction = " DESC" if backward else ""
        rows = self._ask(
            f"SELECT * FROM (SELECT {FIELDS}, row_number() OVER (ORDER BY {', '.join(ORDER)}) AS place, "  # noqa: S608  # our own words
            f"count(*) OVER () AS total FROM judged WHERE {condition}) AS found {beyond} "
            f"ORDER BY {', '.join(f'{name}{direction}' for name in ORDER)} LIMIT {PAGE_SIZE + 1}",
            [*values, *place],
        )
        more, shown = len(rows) > PAGE_SIZE, [Pair(*row) for row in rows[:PAGE_SIZE]]
        if backward:
            shown.reverse()
        has_previous = more if backward else after is not None
        has_next = True if backward else more
        return KeysetPage(
            shown,
            _href(query, "before", shown[0]) if shown and has_previous else "",
            _href(query, "after", shown[-1]) if shown and has_next else "",
            shown[0].total if shown else 0,
            shown[0].place if shown else 1,
        )

    def found(self, search: Search, *, codes: Sequence[tuple[str, str]] | None = None) -> list[Pair]:
        """Return every pair of a search in the order of the board; `codes`: only these (coverage, ref)."""
        condition, values = search.condition
        if codes is not None:
            condition += " AND (coverage || '~' || ref) = ANY(%s)"
            values = [*values, [f"{coverage}~{ref}" for coverage, ref in codes]]
        rows = self._ask(
            f"SELECT {FIELDS} FROM judged WHERE {condition} ORDER BY {', '.join(ORDER)}",  # noqa: S608  # our own words
            values,
        )
        return [Pair(*row) for row in rows]


def board_of(term: Term, membership: Membership, *, user: User) -> Pairs:
    """Return the pairs of one renewal for the party of a membership."""
    return Pairs([term.pk], Reach((membership,)), user=user)


def days_left(term: Term, today: dt.date) -> int:
    """Return in how many days the renewal begins; negative where it has begun."""
    return (term.effective - today).days


def _sql(queryset: Any) -> tuple[str, tuple[Any, ...]]:
    try:
        sql, values = queryset.query.sql_with_params()
    except EmptyResultSet:
        return NOTHING, ()
    return sql, values


def _href(query: QueryDict, side: str, pair: Pair) -> str:
    changed = query.copy()
    for gone in ("after", "before"):
        changed.pop(gone, None)
    changed[side] = write_key([getattr(pair, name) for name in ORDER])
    return f"?{changed.urlencode()}"
