"""Addresses of renewals, among those of policies."""

from django.urls import path

import core.converters  # noqa: F401  # makes <public_id:…> known
from policies.renewals import link_views as link
from policies.renewals import page_views, part_views, views

urlpatterns = [
    path("renewals/", views.renewals, name="renewals"),
    path("renewals/submissions/<public_id:public_id>/pdf/", views.pdf, name="renewal-pdf"),
    path("renewals/submissions/<public_id:public_id>/progress/", views.progress, name="renewal-progress"),
    path("renewals/submissions/<public_id:public_id>/retry/", views.retry, name="renewal-retry"),
    path("renewals/parts/<public_id:public_id>/", part_views.own, name="renewal-part"),
    path("renewals/parts/<public_id:public_id>/autosave/", part_views.own_autosave, name="renewal-part-autosave"),
    path("renewals/parts/<public_id:public_id>/sign/", part_views.own_sign, name="renewal-part-sign"),
    path("renewal-part/link/<str:token>/", link.open_link, name="part-link"),
    path("renewal-part/", link.part_open, name="part-open"),
    path("renewal-part/code/", link.code, name="part-code"),
    path("renewal-part/verify/", link.verify, name="part-verify"),
    path("renewal-part/new-link/", link.new_link, name="part-new-link"),
    path("renewal-part/answers/", link.answers, name="part-answers"),
    path("renewal-part/autosave/", link.autosave, name="part-autosave"),
    path("renewal-part/sign/", link.sign, name="part-sign"),
    path("renewal-part/close/", link.close, name="part-close"),
    path("<public_id:public_id>/renewal/", views.renewal, name="renewal"),
    path("<public_id:public_id>/renewal/start/", views.start, name="renewal-start"),
    path("<public_id:public_id>/renewal/review/", views.review, name="renewal-review"),
    path("<public_id:public_id>/renewal/sign/", views.sign, name="renewal-sign"),
    path("<public_id:public_id>/renewal/reopen/", views.reopen, name="renewal-reopen"),
    path("<public_id:public_id>/renewal/message/", views.message, name="renewal-message"),
    path("<public_id:public_id>/renewal/parts/", part_views.board, name="renewal-parts"),
    path("<public_id:public_id>/renewal/parts/ask/", part_views.ask_all, name="renewal-ask-all"),
    path("<public_id:public_id>/renewal/parts/<public_id:part_id>/ask/", part_views.ask, name="renewal-ask"),
    path("<public_id:public_id>/renewal/parts/<public_id:part_id>/email/", part_views.email, name="renewal-email"),
    path(
        "<public_id:public_id>/renewal/parts/<public_id:part_id>/withdraw/",
        part_views.withdraw,
        name="renewal-withdraw",
    ),
    path("<public_id:public_id>/renewal/pages/<slug:name>/", page_views.page, name="renewal-page"),
    path("<public_id:public_id>/renewal/pages/<slug:name>/autosave/", page_views.autosave, name="renewal-autosave"),
    path("<public_id:public_id>/renewal/lines/<public_id:coverage_id>/", page_views.line, name="renewal-line"),
    path(
        "<public_id:public_id>/renewal/lines/<public_id:coverage_id>/autosave/",
        page_views.line_autosave,
        name="renewal-line-autosave",
    ),
]
