"""Addresses of holders, below those of credentialing."""

from django.urls import path

import core.converters  # noqa: F401  # makes <public_id:…> known
from credentialing.holders import request_views, standing_views, views

PATTERNS = [
    path("", views.holders, name="holders"),
    path("new/", views.new, name="holder-new"),
    path("similar/", views.similar, name="holders-similar"),
    path("requests/", request_views.requests, name="holder-requests"),
    path("requests/new/", request_views.new, name="holder-request-new"),
    path("requests/<public_id:public_id>/", request_views.request_page, name="holder-request"),
    path("requests/<public_id:public_id>/reply/", request_views.reply, name="holder-request-reply"),
    path("requests/<public_id:public_id>/withdraw/", request_views.withdraw, name="holder-request-withdraw"),
    path("on-file/<public_id:public_id>/", views.on_file, name="holder-on-file"),
    path("standing/<public_id:public_id>/", standing_views.edit, name="standing-holder"),
    path("standing/<public_id:public_id>/end/", standing_views.end, name="standing-holder-end"),
    path("<public_id:public_id>/", views.holder_page, name="holder"),
    path("<public_id:public_id>/edit/", views.edit, name="holder-edit"),
    path("<public_id:public_id>/remove/", views.remove, name="holder-remove"),
    path("<public_id:public_id>/merge/", views.merge, name="holder-merge"),
    path("<public_id:public_id>/standing/", standing_views.new, name="standing-holder-new"),
]
