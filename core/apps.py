"""App configuration of the ground floor."""

from celery.schedules import crontab

from core.areas import AreaConfig, StaffGroup


class CoreConfig(AreaConfig):
    """Work, mails, event log, outbox, throttle, encryption, dates, money, panels, files, and documents."""

    name = "core"
    verbose_name = "Core"
    sentences = "core.events.SENTENCES"
    beat = {
        "requeue-lost-work": {"task": "core.tasks.requeue_lost", "schedule": 5.0},
        "keep-house": {"task": "core.tasks.keep_house", "schedule": crontab(hour="3", minute="15")},
        "close-refusals": {"task": "core.tasks.close_refusals", "schedule": 60.0},
    }
    staff_groups = (
        StaffGroup(
            "Web support",
            views=("core.mail", "core.upload"),
            permissions=("core.retry_mail", "core.retry_upload"),
        ),
    )
