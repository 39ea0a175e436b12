"""What the tests of packets begin with: claims of Ana's, her release for a hospital, and a packet with everything."""

from __future__ import annotations

import pytest
from django.test import Client

from credentialing.models import Authorization, Holder
from tests.cast import Cast
from tests.credentialing.claims_history.conftest import claims
from tests.credentialing.claims_history.papers import authorized
from tests.credentialing.helpers import a_holder
from tests.credentialing.packets.building import Built, a_packet

__all__ = ["claims"]


@pytest.fixture
def hospital(cast: Cast) -> Holder:
    """Saint Brendan, in Ana's own address book."""
    return a_holder(cast.ana, cast.anas)


@pytest.fixture
def release(cast: Cast, hospital: Holder) -> Authorization:
    """Ana's authorization for Saint Brendan, all years."""
    return authorized(cast.ana, cast.anas.insured, holder=hospital)


@pytest.fixture
def packet(cast: Cast, claims: object, hospital: Holder, release: Authorization) -> Built:
    """Ana's packet for Saint Brendan with everything, its files made."""
    return a_packet(cast.ana, cast.anas, hospital, release)


@pytest.fixture
def facility() -> Client:
    """Return a browser at the facility, where nobody has an account."""
    return Client()
