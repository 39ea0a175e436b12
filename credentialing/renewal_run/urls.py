"""Addresses of the renewal run, below those of credentialing."""

from django.urls import path

import core.converters  # noqa: F401  # makes <public_id:…> known
from credentialing.renewal_run import views

PATTERNS = [
    path("", views.renewals, name="renewal-run"),
    path("<public_id:public_id>/", views.board, name="renewal-board"),
    path("<public_id:public_id>/mark/", views.mark, name="renewal-mark"),
    path("<public_id:public_id>/excel/", views.excel, name="renewal-excel"),
]
