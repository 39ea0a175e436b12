"""Every address of the portal (docs/architecture.md#addresses)."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from portal import health, views
from portal.faq import views as faq
from portal.manifest import manifest
from portal.published_forms import views as forms
from portal.support import views as support

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("accounts/", include("accounts.urls")),
    path("policies/", include("policies.urls")),
    path("claims/", include("claims.urls")),
    path("credentialing/", include("credentialing.urls")),
    path("verify/", include("credentialing.verification.urls")),
    path("packet/", include("credentialing.packets.public_urls")),
    path("support/", support.contacts, name="support"),
    path("support/requests/", support.requests, name="support-requests"),
    path("support/requests/new/", support.new_request, name="support-new"),
    path("support/requests/<public_id:public_id>/", support.request_page, name="support-request"),
    path("support/requests/<public_id:public_id>/reply/", support.reply, name="support-reply"),
    path("support/requests/<public_id:public_id>/close/", support.close, name="support-close"),
    path("faq/", faq.index, name="faq"),
    path("faq/<slug:slug>/", faq.entry, name="faq-entry"),
    path("forms/", forms.forms, name="forms"),
    path("forms/<public_id:public_id>/", forms.form, name="form"),
    path("admin/", admin.site.urls),
    path("manifest.webmanifest", manifest, name="manifest"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
]
handler400 = "portal.faults.bad_request"
handler500 = "portal.faults.server_error"
if settings.DEMO:
    urlpatterns.append(path("demo/", include("demo.urls")))
