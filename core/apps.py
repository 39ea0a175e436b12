"""App configuration of the ground floor."""

from celery.schedules import crontab

from core.areas import AreaConfig


class CoreConfig(AreaConfig):
    """Event log, outbox, throttle, encryption, dates, money, panels, files, and documents."""

    name = "core"
    verbose_name = "Core"
    beat = {
        "drain-outbox": {"task": "core.tasks.drain_outbox", "schedule": 5.0},
        "keep-house": {"task": "core.tasks.keep_house", "schedule": crontab(hour="3", minute="15")},
        "close-refusals": {"task": "core.tasks.close_refusals", "schedule": 60.0},
    }
