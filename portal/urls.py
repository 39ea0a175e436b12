"""Every address of the portal (docs/architecture.md#addresses)."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from portal import health, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("accounts/", include("accounts.urls")),
    path("policies/", include("policies.urls")),
    path("credentialing/", include("credentialing.urls")),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
]
handler400 = "portal.views.bad_request"
handler500 = "portal.views.server_error"
if settings.DEMO:
    urlpatterns.append(path("demo/", include("demo.urls")))
