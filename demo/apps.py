"""App configuration of the demo."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """The demo's command, its outbox, and its own pages; never installed in production."""

    name = "demo"
    verbose_name = "Demo"
