"""The portal's own pages are read by the cast of policies."""

from tests.policies.conftest import browse, cast

__all__ = ["browse", "cast"]
