"""Addresses of rosters, included by `policies.urls`."""

from django.urls import path

from policies.rosters import views

urlpatterns = [
    path("<public_id:public_id>/roster/", views.start, name="roster"),
    path("<public_id:public_id>/roster/template/", views.template, name="roster-template"),
    path("rosters/<public_id:public_id>/", views.comparison, name="roster-upload"),
    path("rosters/<public_id:public_id>/columns/", views.columns, name="roster-columns"),
    path("rosters/<public_id:public_id>/replace/", views.replace, name="roster-replace"),
    path("rosters/<public_id:public_id>/rows/<int:row>/", views.row, name="roster-row"),
    path("rosters/<public_id:public_id>/decide/", views.decide, name="roster-decide"),
    path("rosters/<public_id:public_id>/leave-out/", views.leave_out, name="roster-leave-out"),
    path("rosters/<public_id:public_id>/send/", views.send, name="roster-send"),
    path("rosters/<public_id:public_id>/download/", views.download, name="roster-download"),
    path("rosters/<public_id:public_id>/discard/", views.discard, name="roster-discard"),
]
