"""URL converters that every area uses; importing this module registers `<public_id:…>`."""

from __future__ import annotations

from django.urls import register_converter

from core.fields import PUBLIC_ID_LENGTH

# Stands for the id where a page makes the addresses of many rows from one.
PUBLIC_ID_PLACE = "_" * PUBLIC_ID_LENGTH


class PublicIdConverter:
    """A public id, 22 URL-safe characters; anything else in its place matches no address."""

    regex = f"[A-Za-z0-9_-]{{{PUBLIC_ID_LENGTH}}}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(PublicIdConverter, "public_id")
