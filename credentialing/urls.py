"""Addresses of credentialing (DESIGN: addresses)."""

from django.urls import path

from credentialing import views

app_name = "credentialing"
urlpatterns = [
    path("", views.home, name="home"),
    path("issue/<str:public_id>/", views.issue, name="issue"),
    path("certificates/", views.certificates, name="certificates"),
    path("certificates/<str:public_id>/", views.certificate_page, name="certificate"),
    path("certificates/<str:public_id>/progress/", views.progress, name="progress"),
    path("certificates/<str:public_id>/pdf/", views.download, name="pdf"),
    path("certificates/<str:public_id>/retry/", views.retry, name="retry"),
]
