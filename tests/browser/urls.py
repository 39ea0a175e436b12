"""The portal's addresses with the demo's style page, which is otherwise routed in demo mode only."""

from django.urls import path

from demo.style import style
from portal.urls import handler400, handler500
from portal.urls import urlpatterns as portal_urls

urlpatterns = [*portal_urls, path("style/", style, name="style")]
__all__ = ["handler400", "handler500", "urlpatterns"]
