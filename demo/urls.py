"""The demo's own addresses, below /demo/; routed in demo mode only."""

from django.urls import path

import core.converters  # noqa: F401  # makes <public_id:…> known
from demo import style, views

app_name = "demo"
urlpatterns = [
    path("explore/<slug:key>/", views.explore, name="explore"),
    path("code/<public_id:public_id>/", views.code, name="code"),
    path("outbox/", views.outbox, name="outbox"),
    path("outbox/files/<int:pk>/", views.attachment, name="attachment"),
    path("outbox/<int:pk>/report/", views.report, name="report"),
    path("outbox.json", views.outbox_json, name="outbox-json"),
    path("style/", style.style, name="style"),
]
