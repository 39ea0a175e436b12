"""The published entries, kept by each process for a few seconds, and finding in them.

A few dozen texts that are the same for everyone: a page or a search of them asks no database, so there is nothing that
visitors could exhaust (docs/decisions/0092-faq-in-memory.md).
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString

from core import markup, memo
from core.dates import carrier_today
from policies.models import Membership
from policies.names import fold
from portal.models import FaqEntry

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

PUBLISHED = "portal.faq.published"
FAQ = "faq:"
PLACE = re.compile(r"\{([a-z_]+)\}")
# Words that every question has.
SMALL = frozenset(
    "a an and are can do does for from how i if in is it my of on or the to we what when why with you".split()
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A published entry as pages show it. `words`: what search looks at."""

    slug: str
    topic: str
    question: str
    html: SafeString
    summary: str
    roles: frozenset[str]
    companies: tuple[str, ...]
    related: tuple[str, ...]
    published_on: dt.date
    words: frozenset[str]
    title_words: frozenset[str]

    @property
    def address(self) -> str:
        """Its own page."""
        return reverse("faq-entry", args=[self.slug])

    @property
    def audience(self) -> str:
        """Whom it is for, where that isn't everyone: "For policyholders and agents · Larkfield Mutual"."""
        roles = [f"{Membership.Role(role).label.lower()}s" for role in Membership.Role.values if role in self.roles]
        parts = [f"For {' and '.join(roles)}"] if roles else []
        return " · ".join([*parts, *self.companies])

    def is_for(self, roles: Collection[str], companies: Collection[str] | None) -> bool:
        """Whether it is for one of these roles and companies; None: of any company."""
        by_role = not self.roles or bool(self.roles & set(roles))
        return by_role and (companies is None or not self.companies or bool(set(self.companies) & set(companies)))


def values() -> dict[str, str]:
    """Return what an entry may write in braces: figures and contacts, from the settings."""

    def minutes(length: dt.timedelta) -> str:
        return str(int(length.total_seconds() // 60))

    def contact(key: str) -> dict[str, str]:
        return {f"{key}_{name}": settings.SUPPORT[key][name] for name in ("phone", "email", "hours")}

    return {
        "portal": settings.BRAND["portal_name"],
        "carrier": settings.BRAND["name"],
        "remember_days": str(settings.REMEMBER_DEVICE.days),
        "idle_minutes": minutes(settings.SESSION_IDLE),
        "session_hours": str(int(settings.SESSION_ABSOLUTE.total_seconds() // 3600)),
        "failures": str(settings.SIGN_IN_FAILURES),
        "cool_off_minutes": minutes(settings.SIGN_IN_COOL_OFF),
        "text_minutes": minutes(settings.TEXT_CODE_LIFE),
        "activation_hours": str(int(settings.ACTIVATION_LINK_LIFE.total_seconds() // 3600)),
        "answer_hours": str(int(settings.SUPPORT_ANSWER_WITHIN.total_seconds() // 3600)),
        **contact("web"),
        **contact("service"),
        **contact("risk"),
    }


def filled(text: str) -> str:
    """Return the text with its values in place; an unknown one stays as it is."""
    known = values()
    return PLACE.sub(lambda match: known.get(match[1], match[0]), text)


def problems(text: str, *, slugs: Collection[str]) -> list[str]:
    """Return what an answer can't have: unknown values, links to no entry, and addresses that aren't safe."""
    found = [f"{{{name}}} isn’t a value of the settings." for name in PLACE.findall(text) if name not in values()]
    for address in markup.addresses(text):
        if address.startswith(FAQ):
            slug = address.removeprefix(FAQ)
            found += [] if slug in slugs else [f"No entry is called ‘{slug}’."]
        elif not markup.is_safe(address):
            found.append(f"‘{address}’ must begin with a slash or with https://.")
    return found


def _resolve(address: str) -> str:
    return reverse("faq-entry", args=[address.removeprefix(FAQ)]) if re.fullmatch(r"faq:[-\w]+", address) else address


@lru_cache(maxsize=512)
def _words(text: str) -> frozenset[str]:
    return frozenset(fold(text).split())


def published() -> dict[str, Answer]:
    """Return the entries that customers read, in their order, by slug; as of a few seconds ago."""
    return memo.once_in(settings.PUBLISHED_SECONDS, PUBLISHED, _read)


def _read() -> dict[str, Answer]:
    topics = FaqEntry.Topic.values
    entries = FaqEntry.objects.published(carrier_today()).prefetch_related("companies", "related")
    ordered = sorted(entries, key=lambda one: (topics.index(one.topic), one.order, one.slug))
    return {entry.slug: _answer(entry) for entry in ordered}


def _answer(entry: FaqEntry) -> Answer:
    question, text = filled(entry.question), filled(entry.answer)
    plain = markup.plain(text)
    return Answer(
        slug=entry.slug,
        topic=entry.topic,
        question=question,
        html=markup.render(text, resolve=_resolve),
        summary=plain if len(plain) <= 160 else f"{plain[:157].rsplit(' ', 1)[0]}…",
        roles=frozenset(entry.roles),
        companies=tuple(sorted(company.name for company in entry.companies.all())),
        related=tuple(sorted(other.slug for other in entry.related.all())),
        published_on=entry.published_on,
        words=_words(f"{question} {plain}"),
        title_words=_words(question),
    )


def search(answers: Iterable[Answer], text: str) -> list[Answer]:
    """Return the answers in which every word of the text begins a word, best first: more of them in the question."""
    wanted = _words(text) - SMALL or _words(text)
    if not wanted:
        return []
    found = [answer for answer in answers if all(_has(answer.words, word) for word in wanted)]
    return sorted(found, key=lambda answer: -sum(_has(answer.title_words, word) for word in wanted))


def _has(words: frozenset[str], beginning: str) -> bool:
    return any(word.startswith(beginning) for word in words)
