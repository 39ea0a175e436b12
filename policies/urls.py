"""Addresses of policies (docs/architecture.md#addresses)."""

from django.urls import path

import core.converters  # noqa: F401  # makes <public_id:…> known
from policies import views
from policies.change_requests import draft_views as drafts
from policies.change_requests import files as change_files
from policies.change_requests import views as changes
from policies.delegates import invitation_views as invited
from policies.delegates import views as access
from policies.documents import file_views as files
from policies.documents import views as documents
from policies.renewals.urls import urlpatterns as renewals
from policies.rosters import urls as rosters

app_name = "policies"
urlpatterns = [
    path("", views.policy_list, name="list"),
    path("access/", access.access, name="access"),
    path("access/link/<str:token>/", invited.open_link, name="invitation-link"),
    path("access/invitation/", invited.invitation, name="invitation"),
    path("access/invitation/accept/", invited.accept, name="invitation-accept"),
    path("access/invitation/join/", invited.join, name="invitation-join"),
    path("access/<public_id:public_id>/", access.party, name="access-party"),
    path("access/<public_id:public_id>/invite/", access.invite, name="access-invite"),
    path("access/<public_id:public_id>/people/<public_id:member_id>/", access.member, name="access-member"),
    path("access/<public_id:public_id>/people/<public_id:member_id>/end/", access.end, name="access-end"),
    path(
        "access/<public_id:public_id>/invitations/<public_id:invitation_id>/send/",
        access.send_again,
        name="access-send-again",
    ),
    path(
        "access/<public_id:public_id>/invitations/<public_id:invitation_id>/withdraw/",
        access.withdraw,
        name="access-withdraw",
    ),
    path("changes/", changes.change_list, name="changes"),
    path("changes/<public_id:public_id>/", changes.change_page, name="change"),
    path("changes/<public_id:public_id>/edit/", drafts.edit, name="change-edit"),
    path("changes/<public_id:public_id>/supplement/", drafts.supplement, name="change-supplement"),
    path("changes/<public_id:public_id>/review/", drafts.review, name="change-review"),
    path("changes/<public_id:public_id>/discard/", drafts.discard, name="change-discard"),
    path("changes/<public_id:public_id>/reply/", changes.reply, name="change-reply"),
    path("changes/<public_id:public_id>/withdraw/", changes.withdraw, name="change-withdraw"),
    path("changes/<public_id:public_id>/files/<public_id:file_id>/", change_files.download, name="change-file"),
    path("<public_id:public_id>/changes/", changes.policy_changes, name="policy-changes"),
    path("<public_id:public_id>/changes/new/", drafts.new, name="change-new"),
    path("documents/", documents.documents, name="documents"),
    path("documents/<public_id:public_id>/", documents.document, name="document"),
    path("documents/files/<public_id:public_id>/", files.page, name="document-file"),
    path("documents/files/<public_id:public_id>/progress/", files.progress, name="document-file-progress"),
    path("documents/files/<public_id:public_id>/retry/", files.retry, name="document-file-retry"),
    path("documents/files/<public_id:public_id>/file/", files.download, name="document-file-download"),
    path("insureds/<public_id:public_id>/", views.insured_page, name="insured"),
    path("<public_id:public_id>/documents/", documents.policy_documents, name="policy-documents"),
    path("<public_id:public_id>/documents/combine/", documents.combine, name="documents-combine"),
    path("<public_id:public_id>/documents/read/", documents.mark_read, name="documents-read"),
    *rosters.urlpatterns,
    path("<public_id:public_id>/", views.policy_page, name="policy"),
    *renewals,
]
