"""Public addresses of packets: for the facility, with link and password (docs/architecture.md#addresses)."""

from django.urls import path

import core.converters  # noqa: F401  # makes <public_id:…> known
from credentialing.packets import public_views as views

app_name = "packet"
urlpatterns = [
    path("", views.unlock, name="unlock"),
    path("link/<str:token>/", views.open_link, name="link"),
    path("contents/", views.contents, name="contents"),
    path("contents/all/", views.download_all, name="all"),
    path("contents/close/", views.close, name="close"),
    path("contents/<public_id:public_id>/", views.download, name="item"),
]
