"""Components with a body: `{% notice "attention" title="…" %}…{% endnotice %}`. The style page shows each.

A component is one template in `templates/components/` that names its parameters at its top, and gets what is between
the tags as `content`. Loaded into every template.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.templatetags.ui import render_icon

if TYPE_CHECKING:
    from core.listing import Column
    from core.templatetags.ui import StatusWord

register = template.Library()

NOTICE_ICONS = {"info": "info", "good": "circle-check", "attention": "triangle-alert", "danger": "octagon-alert"}
# What Django's messages call the kinds of a notice.
MESSAGE_KINDS = {"success": "good", "warning": "attention", "error": "danger"}


def _render(context: template.Context, name: str, content: str, **parameters: Any) -> SafeString:
    engine = context.template.engine if context.template else template.Engine.get_default()
    inside = context.new({"content": SafeString(content.strip()), **parameters})
    return SafeString(engine.get_template(f"components/{name}.html").render(inside))


@register.simple_block_tag(takes_context=True)
def notice(
    context: template.Context,
    content: str,
    kind: str = "info",
    *,
    title: str = "",
    icon: str = "",
    role: str = "",
    element_id: str = "",
    interrupted: bool = False,
) -> SafeString:
    """Something that the reader should know, and in `<div class="actions">` the way to act on it.

    `kind` is info, good, attention, or danger, or the level of one of Django's messages. `interrupted` tells the
    scripts that what was typed is kept.
    """
    kind = MESSAGE_KINDS.get(kind, kind)
    kind = kind if kind in NOTICE_ICONS else "info"
    return _render(
        context,
        "notice",
        content,
        kind=kind,
        icon=icon or NOTICE_ICONS[kind],
        title=title,
        role=role,
        element_id=element_id,
        interrupted=interrupted,
    )


@register.simple_block_tag(takes_context=True)
def page_head(
    context: template.Context,
    content: str,
    title: str,
    *,
    eyebrow: str = "",
    word: StatusWord | None = None,
    dated: str = "",
    matters: str = "",
) -> SafeString:
    """Return the head of a page: the name of the thing, above it its number and kind, its status with the date, and
    between the tags the one primary action."""
    return _render(context, "page_head", content, title=title, eyebrow=eyebrow, word=word, dated=dated, matters=matters)


@register.simple_block_tag(takes_context=True)
def section(
    context: template.Context,
    content: str,
    title: str,
    *,
    element_id: str,
    aside: str = "",
) -> SafeString:
    """Return a part of a page under its heading; `aside` is a note at the heading's right."""
    return _render(context, "section", content, title=title, element_id=element_id, aside=aside)


@register.simple_block_tag(takes_context=True)
def panel(context: template.Context, content: str, title: str = "", *, label: str = "") -> SafeString:
    """Return a framed sheet. `label` names it for screen readers where it has no title."""
    return _render(context, "panel", content, title=title, label=label)


@register.simple_block_tag(takes_context=True)
def card(
    context: template.Context, content: str, title: str, *, href: str = "", note: str = "", level: int = 3
) -> SafeString:
    """Return a card; with `href` the whole of it is the target of its title's link."""
    return _render(context, "card", content, title=title, href=href, note=note, level=level)


@register.simple_block_tag(takes_context=True)
def disclosure(
    context: template.Context, content: str, title: str, *, element_id: str = "", level: int = 2, is_open: bool = False
) -> SafeString:
    """Return a section that opens on demand."""
    return _render(context, "disclosure", content, title=title, element_id=element_id, level=level, is_open=is_open)


@register.simple_tag
def column(of: Column | str, css_class: str = "") -> SafeString:
    """Return the head of a table's column: a plain label, or a link that sorts by it (`core.listing.Column`)."""
    classes = format_html(' class="{}"', css_class) if css_class else ""
    if isinstance(of, str):
        return format_html('<th scope="col"{}>{}</th>', classes, of)
    mark = {"ascending": "arrow-up", "descending": "arrow-down"}.get(of.direction)
    return format_html(
        '<th scope="col"{}{}><a href="{}">{}{}</a></th>',
        classes,
        format_html(' aria-sort="{}"', of.direction) if of.direction else "",
        of.href,
        of.label,
        render_icon(mark, 14) if mark else "",
    )


@register.simple_tag
def column_of_details() -> SafeString:
    """Return the head of the column that `row_details` fills."""
    return SafeString('<th scope="col" class="row-details"><span class="visually-hidden">Details</span></th>')


@register.simple_tag
def row_details(about: str) -> SafeString:
    """Return the last cell of a row whose `on-demand` cells a narrow frame shows after a press on Details."""
    return format_html(
        '<td class="row-details"><details><summary>Details<span class="visually-hidden"> of {}</span></summary>'
        "</details></td>",
        about,
    )


@register.simple_tag(takes_context=True)
def next_field(context: template.Context) -> SafeString:
    """`next` as a hidden field, where the page has one: the address that the user was on the way to."""
    wanted = context.get("next")
    return format_html('<input type="hidden" name="next" value="{}">', wanted) if wanted else SafeString("")


@register.simple_tag(takes_context=True)
def next_query(context: template.Context) -> str:
    """`?next=…` behind a link's address, where the page has a `next`."""
    wanted = context.get("next")
    return f"?{urlencode({'next': wanted})}" if wanted else ""
