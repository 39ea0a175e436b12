"""Addresses of claims histories, below those of credentialing."""

from django.urls import path

import core.converters  # noqa: F401  # makes <public_id:…> known
from credentialing.claims_history import authorization_views, loss_run_views, views

PATTERNS = [
    path("", views.home, name="claims-histories"),
    path("new/", views.new, name="claims-history-new"),
    path("papers/", views.issued, name="claims-papers"),
    path("papers/<public_id:public_id>/", views.paper_page, name="claims-paper"),
    path("papers/<public_id:public_id>/progress/", views.progress, name="claims-paper-progress"),
    path("papers/<public_id:public_id>/pdf/", views.download, name="claims-paper-pdf"),
    path("papers/<public_id:public_id>/retry/", views.retry, name="claims-paper-retry"),
    path("loss-runs/", loss_run_views.policies, name="loss-runs"),
    path("loss-runs/<public_id:public_id>/", loss_run_views.loss_run, name="loss-run"),
    path("authorizations/", authorization_views.authorizations, name="authorizations"),
    path("authorizations/new/", authorization_views.new, name="authorization-new"),
    path("authorizations/sign/", authorization_views.sign, name="authorization-sign"),
    path("authorizations/<public_id:public_id>/", authorization_views.authorization, name="authorization"),
    path("authorizations/<public_id:public_id>/revoke/", authorization_views.revoke, name="authorization-revoke"),
]
