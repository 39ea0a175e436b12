"""Template tags of the look: icons and status marks, cheap enough to stand in every row of a table."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from django import template
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from lucide.templatetags.lucide import lucide

if TYPE_CHECKING:
    from core.panels import Panel

register = template.Library()

# A meaning is never told by colour alone: each has its icon, and the label says it in words.
STATUS_ICONS = {
    "good": "circle-check",
    "attention": "triangle-alert",
    "danger": "octagon-alert",
    "accent": "circle-dot",
    "neutral": "circle-minus",
}


@lru_cache(maxsize=512)
def render_icon(name: str, size: int | None = None, label: str = "") -> SafeString:
    """The lucide icon of that name as inline SVG, kept after its first rendering.

    Without a label the icon is decoration and hidden from screen readers; with one it is an image of that name.
    Raises `lucide.IconDoesNotExist` on an unknown name.
    """
    attributes: dict[str, str] = {"class": "icon"}
    if label:
        attributes |= {"role": "img", "aria-label": label}
    else:
        attributes |= {"aria-hidden": "true", "focusable": "false"}
    return SafeString(lucide(name, size=size or 20, **attributes))


@register.simple_tag
def icon(name: str, size: int | None = None, label: str = "") -> SafeString:
    """`{% icon "search" %}`: an icon in the colour and size of the text beside it; `size` is its own size in px."""
    return render_icon(str(name), size, str(label))


@lru_cache(maxsize=1024)
def render_status(kind: str, label: str, icon_name: str = "") -> SafeString:
    """A status mark: `kind` is good, attention, danger, accent or neutral; the label says the same in words."""
    return format_html(
        '<span class="status status-{}">{}{}</span>',
        kind,
        render_icon(icon_name or STATUS_ICONS[kind], 14),
        mark_safe(escape(label)),  # noqa: S308 - escaped here, once, so that the cache holds plain strings
    )


@register.simple_tag
def status(kind: str, label: str, icon_name: str = "") -> SafeString:
    """`{% status "good" "In force" %}`: a status mark for a page head, a card or a table's cell."""
    return render_status(str(kind), str(label), str(icon_name))


@register.simple_tag(takes_context=True)
def panel_body(context: template.Context, panel: Panel) -> SafeString:
    """The body of a panel that has a template of its own, with its own context and of the page's only the token."""
    engine = context.template.engine if context.template else template.Engine.get_default()
    inside = context.new(dict(panel.context))
    inside["csrf_token"] = context.get("csrf_token")
    return SafeString(engine.get_template(panel.template).render(inside))
