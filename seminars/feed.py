"""Files of the carrier feed that fill this area: seminars, attendance, and premium credits (docs/feed-format.md)."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

from core.feedspec import Column, Computed, Kind, Reference, RowCheck, Severity, Stage, Table
from policies.feed.columns import POLICY
from policies.models import Policy
from seminars.models import Seminar
from seminars.moments import MOMENT, MOMENT_WORDS, moment, moment_fault, zone_fault

NOTHING = Decimal(0)
# The most that the model's columns hold.
CREDITS = Decimal(9_999)
SEATS = Decimal(2_147_483_647)
ZONE = re.compile(r"[A-Za-z0-9_+/-]+", re.ASCII)
ZONE_WORDS = "a name of the IANA time zone database, such as ‘America/New_York’"
LINK = re.compile(r"https?://[^\s<>\"']+")


def _no_zone(column: str) -> RowCheck:
    """Return the check that a local time has a time zone."""
    return RowCheck(
        code="no-timezone",
        column="timezone",
        faulty=f"s.{column} IS NOT NULL AND s.computed_{column} IS NULL",
        sentence=f"{column}, {{{column}}}, has no offset, and the seminar has no timezone.",
        stage=Stage.SCHEMA,
    )


SEMINARS = Table(
    file="seminars.csv",
    model="seminars.Seminar",
    columns=(
        Column("seminar_id", Kind.IDENTIFIER, field=None, required=True),
        Column("title", required=True),
        Column("kind", Kind.CHOICE, required=True, choices=tuple(Seminar.Kind.values)),
        # Stored as moments (computed, below), by the row's time zone.
        Column("starts", field=None, fault=moment_fault, pattern=MOMENT, pattern_words=MOMENT_WORDS),
        Column("ends", field=None, fault=moment_fault, pattern=MOMENT, pattern_words=MOMENT_WORDS),
        Column("timezone", fault=zone_fault, pattern=ZONE, pattern_words=ZONE_WORDS),
        Column("location"),
        Column("url", pattern=LINK, pattern_words="a link that begins with `http://` or `https://`"),
        Column("seats", Kind.WHOLE, minimum=NOTHING, maximum=SEATS),
        Column("cme_credits", Kind.NUMBER, minimum=NOTHING, maximum=CREDITS),
        Column("hours", Kind.NUMBER, minimum=NOTHING, maximum=CREDITS),
        Column("programs", Kind.LIST, choices=tuple(Policy.Program.values)),
        Column("credit_eligible", Kind.BOOLEAN),
    ),
    computed=(
        Computed("starts", ("starts", "timezone"), moment),
        Computed("ends", ("ends", "timezone"), moment),
    ),
    checks=(
        _no_zone("starts"),
        _no_zone("ends"),
        RowCheck(
            code="period",
            column="ends",
            faulty="s.computed_ends <= s.computed_starts",
            sentence="The seminar ends {ends}, not after its start {starts}.",
        ),
        RowCheck(
            code="live-start",
            column="starts",
            faulty="s.kind = 'live' AND s.starts IS NULL",
            sentence="The live seminar has no starts.",
            severity=Severity.WARNING,
        ),
    ),
)

ATTENDANCE = Table(
    file="attendance.csv",
    model="seminars.Attendance",
    columns=(
        Column("attendance_id", Kind.IDENTIFIER, field=None, required=True),
        Column("seminar_id", Kind.IDENTIFIER, required=True),
        Column("insured_id", Kind.IDENTIFIER),
        Column("participant"),
        replace(POLICY, required=False),
        Column("completed", Kind.DATE, not_future=True),
        Column("cme_credits", Kind.NUMBER, minimum=NOTHING, maximum=CREDITS),
    ),
    references=(
        Reference("seminar_id", "seminars.csv", "seminar"),
        Reference("insured_id", "insureds.csv", "insured"),
        Reference("policy_number", "policies.csv", "policy"),
    ),
    checks=(
        RowCheck(
            code="nobody",
            column="participant",
            faulty="s.insured_id IS NULL AND s.participant = ''",
            sentence="The row names neither an insured nor a participant.",
            stage=Stage.SCHEMA,
        ),
        RowCheck(
            code="no-policy",
            column="policy_number",
            faulty="s.insured_id IS NULL AND s.policy_number IS NULL",
            sentence="{participant} isn't an insured, and the row has no policy_number, so nobody will see it.",
            severity=Severity.WARNING,
        ),
    ),
)

PREMIUM_CREDITS = Table(
    file="premium_credits.csv",
    model="seminars.PremiumCredit",
    key=("insured_id", "term_id"),
    columns=(
        Column("insured_id", Kind.IDENTIFIER, required=True),
        Column("term_id", Kind.IDENTIFIER, required=True),
        Column("percent", Kind.NUMBER, required=True, minimum=NOTHING, maximum=Decimal(100)),
        Column("granted", Kind.DATE),
    ),
    references=(
        Reference("insured_id", "insureds.csv", "insured"),
        Reference("term_id", "terms.csv", "term"),
    ),
)

TABLES: tuple[Table, ...] = (SEMINARS, ATTENDANCE, PREMIUM_CREDITS)
