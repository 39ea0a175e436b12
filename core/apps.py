"""App configuration of the ground floor."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Event log, outbox, throttle, encryption, dates, money, panels, files and documents."""

    name = "core"
    verbose_name = "Core"
