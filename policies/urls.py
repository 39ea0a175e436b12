"""Addresses of policies (docs/architecture.md#addresses)."""

from django.urls import path

import core.converters  # noqa: F401  # makes <public_id:…> known
from policies import views

app_name = "policies"
urlpatterns = [
    path("", views.policy_list, name="list"),
    path("<public_id:public_id>/", views.policy_page, name="policy"),
]
