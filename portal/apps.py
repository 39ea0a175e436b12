"""App configurations of the portal itself and of its admin."""

from django.contrib.admin.apps import AdminConfig

# Made before any task is used: `shared_task` binds to the application that exists then.
from core import areas
from core.areas import AreaConfig, StaffGroup
from portal.celery import app as celery_app

REQUESTS = ("portal.supportrequest",)
ANSWER = ("portal.answer_supportrequest",)

__all__ = ["PortalAdminConfig", "PortalConfig", "celery_app"]


class PortalConfig(AreaConfig):
    """Home, announcements, settings, and health; tells Celery what the areas announce."""

    name = "portal"
    verbose_name = "Portal"
    sentences = "portal.events.SENTENCES"
    answered = ("portal.SupportRequest",)
    outbox = {"request.answered": ("portal.support.answers.take_answer",)}
    hooks = {"missing_address": "portal.support.places.missing_address"}
    beat = {"watch-maintenance": {"task": "portal.tasks.watch_maintenance", "schedule": 300.0}}
    staff_groups = (
        StaffGroup(
            "Publishing",
            "News and notices, the FAQ, and forms.",
            views=("portal.announcement", "portal.faqentry", "portal.publishedform"),
            permissions=(
                "portal.add_announcement",
                "portal.change_announcement",
                "portal.delete_announcement",
                "portal.add_faqentry",
                "portal.change_faqentry",
                "portal.add_publishedform",
                "portal.change_publishedform",
            ),
        ),
        StaffGroup(
            "Maintenance",
            "Closes the portal for maintenance, and opens it again.",
            views=("portal.maintenancewindow",),
            permissions=("portal.add_maintenancewindow", "portal.change_maintenancewindow"),
        ),
        *(StaffGroup(name, views=REQUESTS, permissions=ANSWER) for name in ("Web support", "Customer service", "Risk")),
    )

    def ready(self) -> None:
        """Give Celery the areas' schedule and queues."""
        celery_app.conf.beat_schedule = areas.beat_schedule()
        celery_app.conf.task_routes = areas.task_routes()


class PortalAdminConfig(AdminConfig):
    """Django admin behind the portal's own sign-in (S-04): a real code, never a remembered device."""

    default_site = "accounts.admin_site.PortalAdminSite"
