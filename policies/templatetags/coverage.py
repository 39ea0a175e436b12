"""Template tags for what belongs to a coverage: a roster shows some hundred facts, too many for a template's loops."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from django import template
from django.utils.safestring import SafeString

if TYPE_CHECKING:
    from collections.abc import Iterable

    from policies.pages.facts import Fact, Facts, Line

register = template.Library()


@register.simple_tag
def coverage_facts(facts: Facts) -> SafeString:
    """`{% coverage_facts own.facts %}`: headings, each with its lines. Nothing without facts."""
    return SafeString(_list_of(facts.facts) if facts.facts else "")


@register.simple_tag
def more_facts(facts: Facts, about: str) -> SafeString:
    """`{% more_facts own.facts "Professional liability" %}`: the same, opened on demand by a summary that names it.

    `about`: whose facts they are, for screen readers.
    """
    return SafeString(_opened(facts, about) if facts.facts else "")


@register.simple_tag
def row_of_facts(facts: Facts, columns: int, about: str) -> SafeString:
    """`{% row_of_facts row.facts 6 row.name %}`: the same as a row below the coverage's own, as wide as the table."""
    if not facts.facts:
        return SafeString("")
    return SafeString(f'<tr class="row-more"><td colspan="{columns}">{_opened(facts, about, small=True)}</td></tr>')


def _opened(facts: Facts, about: str, *, small: bool = False) -> str:
    of = f'<span class="visually-hidden"> of {escape(about)}</span>'
    css = "more small" if small else "more"
    return f'<details class="{css}"><summary>{escape(facts.summary)}{of}</summary>{_list_of(facts.facts)}</details>'


def _list_of(facts: Iterable[Fact]) -> str:
    found = (f"<div><dt>{escape(fact.heading)}</dt>{''.join(map(_line, fact.lines))}</div>" for fact in facts)
    return f'<dl class="coverage-facts">{"".join(found)}</dl>'


def _line(line: Line) -> str:
    note = f"<small>{escape(line.note)}</small>" if line.note else ""
    return f"<dd>{escape(line.text)}{note}</dd>"
