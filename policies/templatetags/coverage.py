"""Template tags for what belongs to a coverage: a roster shows some hundred facts, too many for a template's loops."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from django import template
from django.utils.safestring import SafeString

from core.templatetags.kit import row_details
from core.templatetags.ui import render_icon

if TYPE_CHECKING:
    from collections.abc import Iterable

    from policies.pages.facts import Fact, Facts, Line
    from policies.pages.roster import RosterRow

register = template.Library()

ROSTER_COLUMNS = 6


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


@register.simple_tag
def roster_rows(rows: Iterable[RosterRow]) -> SafeString:
    """`{% roster_rows page.roster.rows %}`: the rows of a roster's table, each followed by one with its facts."""
    return SafeString("".join(map(_roster_row, rows)))


def _roster_row(row: RosterRow) -> str:
    name, part = escape(row.name), escape(row.part)
    now = "".join(
        f'<small class="is-attention">{render_icon("triangle-alert")}{escape(line)}</small>' for line in row.now
    )
    paper = ""
    if row.paper:
        about = f'<span class="visually-hidden"> for {name}, {part}</span>'
        paper = f'<a href="{escape(row.paper.href)}">{row.paper.label}{about}</a>'
    link = f'<a class="row-link" href="{escape(row.href)}">{name}</a>'
    limits = f"{escape(row.limits)}<small>{escape(row.limits_note)}</small>"
    return f"""<tr>
          <th scope="row">{link}<small>{escape(row.about)}</small>{now}</th>
          <td data-label="Coverage">{part}<small>{escape(row.form)}</small></td>
          <td data-label="Retroactive date" class="nowrap on-demand">{escape(row.retroactive)}</td>
          <td data-label="Limits" class="amount on-demand">{limits}</td>
          <td class="row-action">{paper}</td>
          {row_details(row.name)}
        </tr>{row_of_facts(row.facts, ROSTER_COLUMNS, row.more_about)}"""


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
