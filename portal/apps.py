"""App configurations of the portal itself and of its admin."""

from django.contrib.admin.apps import AdminConfig

# Made before any task is used: `shared_task` binds to the application that exists then.
from core import areas
from core.areas import AreaConfig, StaffGroup
from portal.celery import app as celery_app

__all__ = ["PortalAdminConfig", "PortalConfig", "celery_app"]


class PortalConfig(AreaConfig):
    """Home, announcements, settings, and health; tells Celery what the areas announce."""

    name = "portal"
    verbose_name = "Portal"
    sentences = "portal.events.SENTENCES"
    staff_groups = (
        StaffGroup(
            "Publishing",
            "News on the home page.",
            views=("portal.announcement",),
            permissions=("portal.add_announcement", "portal.change_announcement", "portal.delete_announcement"),
        ),
    )

    def ready(self) -> None:
        """Give Celery the areas' schedule and queues."""
        celery_app.conf.beat_schedule = areas.beat_schedule()
        celery_app.conf.task_routes = areas.task_routes()


class PortalAdminConfig(AdminConfig):
    """Django admin behind the portal's own sign-in (S-04): a real code, never a remembered device."""

    default_site = "accounts.admin_site.PortalAdminSite"
