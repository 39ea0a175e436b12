"""The web app manifest, by which a phone or computer installs the portal (S-19; docs/decisions/0087-installable.md)."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.templatetags.static import static
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

# The paper of light pages (static/css/kit/tokens.css), which a phone shows while the portal starts.
PAPER = "#f6f5f0"
HEADER = "#fffefb"
ICONS = (
    ("img/icon-192.png", "192x192", "any"),
    ("img/icon-512.png", "512x512", "any"),
    ("img/icon-maskable-512.png", "512x512", "maskable"),
)


@require_safe
@cache_control(public=True, max_age=3600)
def manifest(request: HttpRequest) -> JsonResponse:
    """Return the same to everyone, from settings alone: it asks neither who is there nor the database."""
    return JsonResponse(
        {
            "id": "/",
            "name": settings.BRAND["portal_name"],
            "short_name": settings.BRAND["name"],
            "description": "Policies, coverage, and certificates of insurance.",
            "lang": "en-US",
            "start_url": "/",
            "scope": "/",
            "display": "standalone",
            "theme_color": HEADER,
            "background_color": PAPER,
            "icons": [
                {"src": static(path), "sizes": sizes, "type": "image/png", "purpose": purpose}
                for path, sizes, purpose in ICONS
            ],
        },
        content_type="application/manifest+json",
    )
