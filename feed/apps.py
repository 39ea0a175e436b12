"""The app of the carrier's feed."""

from django.apps import AppConfig


class FeedConfig(AppConfig):
    """Packages of the carrier's core systems: checked, applied, and told about."""

    name = "feed"
    verbose_name = "Carrier feed"
