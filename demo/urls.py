"""The demo's own addresses, below /demo/; routed in demo mode only."""

from django.urls import path

from demo import views
from portal import style

app_name = "demo"
urlpatterns = [
    path("outbox/", views.outbox, name="outbox"),
    path("outbox.json", views.outbox_json, name="outbox-json"),
    path("style/", style.style, name="style"),
]
