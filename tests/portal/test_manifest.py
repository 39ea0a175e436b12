"""The portal can be installed on a phone or a computer (S-19)."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.contrib.staticfiles import finders
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings


def png_size(path: str) -> tuple[int, int]:
    """Return width and height as the file's header has them."""
    found = finders.find(path)
    assert isinstance(found, str)
    head = Path(found).read_bytes()[:24]
    assert head.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", head[16:24])
    return width, height


@pytest.mark.django_db
def test_what_a_browser_needs_to_install_the_portal_is_there(
    client: Client, settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.BRAND = {**settings.BRAND, "portal_name": "Fern Portal", "name": "Fern Mutual"}
    with django_assert_num_queries(0):
        answer = client.get("/manifest.webmanifest")
    assert answer["Content-Type"] == "application/manifest+json"
    told = answer.json()
    assert (told["name"], told["short_name"]) == ("Fern Portal", "Fern Mutual")
    assert (told["start_url"], told["scope"], told["display"]) == ("/", "/", "standalone")
    assert {(icon["sizes"], icon["purpose"]) for icon in told["icons"]} == {
        ("192x192", "any"),
        ("512x512", "any"),
        ("512x512", "maskable"),
    }
    for icon in told["icons"]:
        width, height = png_size(icon["src"].removeprefix(django_settings.STATIC_URL))
        assert f"{width}x{height}" == icon["sizes"]


@pytest.mark.django_db
def test_every_page_names_the_manifest_and_the_icon_of_apples_phones(client: Client) -> None:
    page = client.get("/").content.decode()
    assert '<link rel="manifest" href="/manifest.webmanifest">' in page
    assert '<link rel="apple-touch-icon" href="/static/img/icon-apple-180.png">' in page
    assert png_size("img/icon-apple-180.png") == (180, 180)
