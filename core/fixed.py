"""`{% fixed %}`: what is the same on every page, rendered once per process (docs/decisions/0164-what-is-fixed.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.signals import setting_changed
from django.template import Context, Node
from django.urls import get_script_prefix, get_urlconf

if TYPE_CHECKING:
    from django.template import NodeList
    from django.template.base import Parser, Token

_rendered: dict[tuple[str, str], dict[Node, str]] = {}


def _forget(**_: Any) -> None:
    """Render again: settings change in tests only."""
    _rendered.clear()


setting_changed.connect(_forget, dispatch_uid="core.fixed")


def rendered_parts() -> dict[Node, str]:
    """Return what is rendered already, by its place in a template: for the addresses and the prefix that are in use."""
    return _rendered.setdefault((get_urlconf() or settings.ROOT_URLCONF, get_script_prefix()), {})


class FixedNode(Node):
    """A part of a page that knows nothing of its request: it sees `site.fixed` as `site`, and no other variable."""

    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist

    def render(self, context: Context) -> str:
        site = context["site"]
        parts: dict[Node, str] = site.rendered_parts
        if self not in parts:
            inside = Context({"site": site.fixed})
            inside.template = context.template
            parts[self] = self.nodelist.render(inside)
        return parts[self]


def fixed(parser: Parser, _token: Token) -> FixedNode:
    """`{% fixed %}…{% endfixed %}` around what comes from settings, addresses, and static files alone."""
    nodelist = parser.parse(("endfixed",))
    parser.delete_first_token()
    return FixedNode(nodelist)
