"""Parts of addresses that every area uses; importing this module makes `<public_id:…>` known."""

from __future__ import annotations

from django.urls import register_converter

from core.fields import PUBLIC_ID_LENGTH

# Stands for the id where a page makes the addresses of many rows from one.
PUBLIC_ID_PLACE = "_" * PUBLIC_ID_LENGTH


class PublicIdConverter:
    """22 url-safe characters; an address with anything else in that place is the address of nothing."""

    regex = f"[A-Za-z0-9_-]{{{PUBLIC_ID_LENGTH}}}"

    def to_python(self, value: str) -> str:
        """As it stands in the address."""
        return value

    def to_url(self, value: str) -> str:
        """As it stands in the row."""
        return value


register_converter(PublicIdConverter, "public_id")
