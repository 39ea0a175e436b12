"""Addresses of incidents and claims (docs/architecture.md#addresses)."""

from django.urls import path

import core.converters  # noqa: F401  # makes <public_id:…> known
from claims.incidents import draft_views, views
from claims.matters import views as matter_views

app_name = "claims"
urlpatterns = [
    path("", views.home, name="home"),
    path("incidents/new/", draft_views.new, name="incident-new"),
    path("incidents/<public_id:public_id>/", views.incident, name="incident"),
    path("incidents/<public_id:public_id>/edit/", draft_views.edit, name="incident-edit"),
    path("incidents/<public_id:public_id>/autosave/", draft_views.autosave, name="incident-autosave"),
    path("incidents/<public_id:public_id>/review/", draft_views.review, name="incident-review"),
    path("incidents/<public_id:public_id>/submit/", draft_views.submit, name="incident-submit"),
    path("incidents/<public_id:public_id>/discard/", draft_views.discard, name="incident-discard"),
    path("incidents/<public_id:public_id>/add/", views.add, name="incident-add"),
    path("incidents/<public_id:public_id>/receipt/", views.receipt, name="incident-receipt"),
    path("incidents/<public_id:public_id>/files/<public_id:file_id>/", views.file, name="incident-file"),
    path("mine/<public_id:public_id>/", matter_views.matter, name="matter"),
    path("mine/<public_id:public_id>/add/", matter_views.add, name="matter-add"),
    path("mine/<public_id:public_id>/files/<public_id:file_id>/", matter_views.file, name="matter-file"),
]
