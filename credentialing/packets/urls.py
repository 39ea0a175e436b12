"""Addresses of packets for those who build them, below those of credentialing."""

from django.urls import path

import core.converters  # noqa: F401  # makes <public_id:…> known
from credentialing.packets import views

PATTERNS = [
    path("", views.packets, name="packets"),
    path("new/<public_id:public_id>/", views.new, name="packet-new"),
    path("<public_id:public_id>/", views.packet_page, name="packet"),
    path("<public_id:public_id>/link/", views.link, name="packet-link"),
    path("<public_id:public_id>/revoke/", views.revoke, name="packet-revoke"),
    path("<public_id:public_id>/retry/", views.retry, name="packet-retry"),
]
