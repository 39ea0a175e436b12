"""App configurations of the portal itself and of its admin."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig

# Made before any task is used: `shared_task` binds to the application that exists then.
from portal.celery import app as celery_app

__all__ = ["PortalAdminConfig", "PortalConfig", "celery_app"]


class PortalConfig(AppConfig):
    """Home, announcements, settings, demo and health."""

    name = "portal"
    verbose_name = "Portal"


class PortalAdminConfig(AdminConfig):
    """Django admin behind the portal's own sign-in (S-04): a real code, never a remembered device."""

    default_site = "accounts.admin_site.PortalAdminSite"
