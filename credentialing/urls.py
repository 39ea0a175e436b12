"""Addresses of credentialing (docs/architecture.md#addresses)."""

from django.urls import include, path

import core.converters  # noqa: F401  # makes <public_id:…> known
from credentialing import views
from credentialing.batches import views as batch_views
from credentialing.caqh.urls import PATTERNS as CAQH
from credentialing.claims_history.urls import PATTERNS as CLAIMS_HISTORY
from credentialing.holders.urls import PATTERNS as HOLDERS
from credentialing.joining.views import joiner
from credentialing.packets.urls import PATTERNS as PACKETS
from credentialing.renewal_run.urls import PATTERNS as RENEWAL_RUN
from credentialing.sending import views as sending_views
from credentialing.sending import webhooks

app_name = "credentialing"
urlpatterns = [
    path("", views.home, name="home"),
    path("joiners/<public_id:public_id>/", joiner, name="joiner"),
    path("issue/<public_id:public_id>/", views.issue, name="issue"),
    path("certificates/", views.certificates, name="certificates"),
    path("certificates/<public_id:public_id>/", views.certificate_page, name="certificate"),
    path("certificates/<public_id:public_id>/progress/", views.progress, name="progress"),
    path("certificates/<public_id:public_id>/pdf/", views.download, name="pdf"),
    path("certificates/<public_id:public_id>/retry/", views.retry, name="retry"),
    path("certificates/<public_id:public_id>/send/", sending_views.send, name="send"),
    path(
        "certificates/<public_id:public_id>/deliveries/<public_id:delivery_id>/retry/",
        sending_views.retry,
        name="delivery-retry",
    ),
    path("mail-reports/", webhooks.mail_reports, name="mail-reports"),
    path("claims-history/", include(CLAIMS_HISTORY)),
    path("holders/", include(HOLDERS)),
    path("packets/", include(PACKETS)),
    path("renewal-run/", include(RENEWAL_RUN)),
    path("caqh/", include(CAQH)),
    path("batches/", batch_views.batches, name="batches"),
    path("batches/choose/", batch_views.choose, name="batch-choose"),
    path("batches/<public_id:public_id>/", batch_views.batch_page, name="batch"),
    path("batches/<public_id:public_id>/holders/", batch_views.settle, name="batch-settle"),
    path("batches/<public_id:public_id>/items/", batch_views.items, name="batch-items"),
    path("batches/<public_id:public_id>/start/", batch_views.start, name="batch-start"),
    path("batches/<public_id:public_id>/progress/", batch_views.progress, name="batch-progress"),
    path("batches/<public_id:public_id>/cancel/", batch_views.cancel, name="batch-cancel"),
    path("batches/<public_id:public_id>/retry/", batch_views.retry, name="batch-retry"),
    path("batches/<public_id:public_id>/file/", batch_views.download, name="batch-file"),
]
