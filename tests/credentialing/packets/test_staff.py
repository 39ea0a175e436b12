"""Packets in admin: staff see them, each look recorded, and revoke them; never a link or a password."""

from __future__ import annotations

import pytest
from django.urls import reverse

from core.models import Event
from credentialing.events import CertificateEvent
from tests.credentialing.packets.building import open_packet

pytestmark = pytest.mark.django_db
LIST = "admin:credentialing_packet_changelist"


def test_staff_see_a_packet_and_who_opened_it_and_the_look_is_recorded(staff, packet, facility):
    open_packet(facility, packet)
    response = staff.get(reverse("admin:credentialing_packet_change", args=[packet.packet.pk]))
    html = response.content.decode()
    assert "Opened the packet" in html
    assert "127.0.0.1" in html
    row = packet.now()
    assert row.token_hash not in html
    assert row.password_hash not in html
    look = Event.objects.get(tag=CertificateEvent.LOOKED_AT, subject_type="credentialing.packet")
    assert look.on_behalf_of_id == row.built_by_id


def test_staff_revoke_a_packet(staff, packet, facility):
    response = staff.post(reverse(LIST), {"action": "revoke", "_selected_action": [packet.packet.pk]}, follow=True)
    assert "Revoked: 1." in response.content.decode()
    assert packet.now().revoked_by is not None
    assert open_packet(facility, packet).status_code == 422
