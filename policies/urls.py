"""Addresses of policies (DESIGN: addresses)."""

from django.urls import path

from policies import views

app_name = "policies"
urlpatterns = [
    path("", views.policy_list, name="list"),
    path("<str:public_id>/", views.policy_page, name="policy"),
]
