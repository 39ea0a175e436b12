"""Template tags of the look: icons and status marks, cheap enough for every row of a table."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from django import template
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from lucide.templatetags.lucide import lucide

from core.areas import hook
from core.fixed import fixed
from core.urls import address_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.panels import Panel

register = template.Library()
register.tag(fixed)

# Color alone never tells a meaning: each has its icon, and the label says it in words.
STATUS_ICONS = {
    "good": "circle-check",
    "attention": "triangle-alert",
    "danger": "octagon-alert",
    "info": "circle-dot",
    "neutral": "circle-minus",
}
# In a list only these are colored; all others are a word with a dot.
EXCEPTIONAL = frozenset({"attention", "danger"})


class MenuLink(Protocol):
    """An entry of a menu. `current`: the value of aria-current, empty elsewhere. It can be a key of what is kept."""

    @property
    def label(self) -> str: ...
    @property
    def href(self) -> str: ...
    @property
    def icon(self) -> str: ...
    @property
    def current(self) -> str: ...


class StatusWord(Protocol):
    """A word of an area's status vocabulary: a `StrEnum` whose table gives each word its kind and its icon."""

    @property
    def kind(self) -> str:
        """Return good, attention, danger, info, or neutral."""

    @property
    def icon(self) -> str:
        """Return the name of its icon."""


@lru_cache(maxsize=512)
def render_icon(name: str, size: int | None = None, label: str = "") -> SafeString:
    """Return the lucide icon of that name as inline SVG, kept after its first rendering.

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
def address(name: str) -> str:
    """`{% address "home" %}`: `{% url %}` for what every page shows, reversed once per process."""
    return address_of(name)


@register.simple_tag
def menu_links(items: Iterable[MenuLink]) -> SafeString:
    """`{% menu_links site.menu %}`: the entries of a menu as items of a list, in words."""
    return _links(tuple(items), in_list=True, icons=False)


@register.simple_tag
def menu_links_with_icons(items: Iterable[MenuLink], in_list: bool = True) -> SafeString:
    """`{% menu_links_with_icons site.menu %}`: the same, each with its icon; one after the other where they aren't
    `in_list`."""
    return _links(tuple(items), in_list=in_list, icons=True)


@lru_cache(maxsize=512)
def _links(items: tuple[MenuLink, ...], *, in_list: bool, icons: bool) -> SafeString:
    """Return the links. Menus are few: they differ by role and by the area that is open."""
    return format_html_join(
        "",
        '<li><a href="{}"{}>{}{}</a></li>' if in_list else '<a href="{}"{}>{}{}</a>',
        (
            (
                item.href,
                format_html(' aria-current="{}"', item.current) if item.current else "",
                render_icon(item.icon) if icons else "",
                item.label,
            )
            for item in items
        ),
    )


@register.simple_tag
def icon(name: str, size: int | None = None, label: str = "") -> SafeString:
    """`{% icon "search" %}`: an icon in the color and size of the text beside it; `size` is its own size in px."""
    return render_icon(str(name), size, str(label))


@lru_cache(maxsize=1024)
def render_status(kind: str, label: str, icon_name: str = "") -> SafeString:
    """Return a pill: `kind` is good, attention, danger, info, or neutral; the label says the same in words."""
    return format_html(
        '<span class="status status-{}">{}{}</span>',
        kind,
        render_icon(icon_name or STATUS_ICONS[kind], 14),
        mark_safe(escape(label)),  # noqa: S308 - escaped here, once, so that the cache holds plain strings
    )


@lru_cache(maxsize=1024)
def render_quiet_status(kind: str, label: str, icon_name: str = "") -> SafeString:
    """Return a word with a dot, or a pill where the status is exceptional."""
    if kind in EXCEPTIONAL:
        return render_status(kind, label, icon_name)
    return format_html('<span class="status-quiet is-{}">{}</span>', kind, label)


@register.simple_tag
def status(kind: str, label: str, icon_name: str = "") -> SafeString:
    """`{% status "good" "In force" %}`: a pill for a page's or a card's head."""
    return render_status(str(kind), str(label), str(icon_name))


@register.simple_tag
def quiet_status(kind: str, label: str) -> SafeString:
    """`{% quiet_status "good" "In force" %}`: for rows of a list, where only exceptions have a color."""
    return render_quiet_status(str(kind), str(label))


@register.simple_tag
def status_of(word: StatusWord, dated: str = "") -> SafeString:
    """`{% status_of page.word dated="until August 1, 2027" %}`: the pill of a head, with the date of its status."""
    return render_status(word.kind, f"{word} {dated}".strip(), word.icon)


@register.simple_tag
def quiet_status_of(word: StatusWord) -> SafeString:
    """`{% quiet_status_of row.word %}`: the same word in a row of a list."""
    return render_quiet_status(word.kind, str(word), word.icon)


@register.simple_tag(takes_context=True)
def something_missing(context: template.Context, place: str, policy_id: str = "") -> SafeString:
    """`{% something_missing "policy" policy.public_id %}`: the way to tell us what a page lacks, filled in with its
    facts. Nothing where no area above offers it (the hook `missing_address`)."""
    address = hook("missing_address")
    if address is None:
        return SafeString("")
    engine = context.template.engine if context.template else template.Engine.get_default()
    inside = context.new({"href": address(place, policy_id)})
    return SafeString(engine.get_template("components/missing.html").render(inside))


@register.simple_tag
def missing_href(place: str, policy_id: str = "") -> str:
    """`{% missing_href "certificate" policy.public_id as href %}`: the address of that request, for a button of the
    page's own; empty where no area above offers it."""
    address = hook("missing_address")
    return str(address(place, policy_id)) if address is not None else ""


@register.simple_tag(takes_context=True)
def panels(context: template.Context, panels: Iterable[Panel]) -> SafeString:
    """`{% panels page.panels %}`: what the areas add to a page, a section each. Put together here, since a page has
    up to ten of them."""
    return SafeString("".join(_panel(context, number, panel) for number, panel in enumerate(panels, start=1)))


def _panel(context: template.Context, number: int, panel: Panel) -> str:
    links = "".join(f'<a href="{escape(link.url)}">{escape(link.label)}</a>' for link in panel.links)
    actions = f'<p class="actions">{links}</p>' if links else ""
    if panel.template:
        body: str = _panel_body(context, panel)
    else:
        lines = "".join(f"<p>{escape(line)}</p>" for line in panel.lines)
        body = f'<div class="panel"><div class="panel-body">{lines}</div></div>'
    return f"""<section class="section" aria-labelledby="panel-{number}">
  <div class="section-head"><h2 id="panel-{number}">{escape(panel.title)}</h2>{actions}</div>
  {body}
</section>
"""


def _panel_body(context: template.Context, panel: Panel) -> str:
    """Return the body of a panel with a template of its own, which gets its own context and the page's token only."""
    engine = context.template.engine if context.template else template.Engine.get_default()
    inside = context.new(dict(panel.context))
    inside["csrf_token"] = context.get("csrf_token")
    return engine.get_template(panel.template).render(inside)
