"""Places and companies of the example book. All of them are invented, and nothing here can be reached.

Email addresses end in `.example`, phone numbers are 555-01xx, NPIs begin with 0, which no real one does, and the
companies' NAIC numbers begin with 00.
"""

from __future__ import annotations

from typing import NamedTuple

# What a few accounts had as their password at the former portal, as three systems would have kept it.
FORMER_PASSWORD = "former-Portal-2025"  # noqa: S105  # of invented people
FORMER_HASHES = (
    "$2b$10$Q6vTzLw1nRk0sXyDgHbJceZmqEXxJqUxKVXKjmTKbms34zlS9FkaG",
    "$pbkdf2-sha256$29000$AAECAwQFBgcICQoLDA0ODw$GIEdPxm1gd60HgTY6WOzEL6TB1eMdwflRBRcGCNFNEc",
    "pbkdf2_sha256$260000$qRz81LmK0pVt$oPR/V/wl+BBGn+4EvIxVmplZBWRXFO6UC78TXALAzDY=",
    # One that no hasher reads: its owner chooses a password by mail.
    "$1$Q6vTzLw1$nRk0sXyDgHbJceZmqEXxJ.",
)

STREETS = (
    "Clinic Road", "Larkspur Lane", "Old Mill Street", "Harborview Avenue", "Juniper Court", "Cathedral Parkway",
    "Meadowbrook Drive", "Quarry Hill Road", "St. Brigid’s Terrace", "Two Rivers Boulevard",
)  # fmt: skip
SUITES = ("", "", "", "Suite 4", "Suite 210", "Floor 3", "Building C, Suite 1180")
# Groups take them in turn, so that those near each other in the book never share a place.
GROUP_PLACES = (
    "Cedar Hollow", "Northgate", "Three Lakes", "Harbor Point", "Stonebridge", "Silver Birch", "Prairie View",
    "Bluestem", "Copper Canyon", "Lantern Hill", "Saint Aldhelm", "Marigold Valley", "Quarry Ridge", "Old Orchard",
    "Ferry Landing", "Heronwood", "Tallgrass", "Millrace", "Juniper Bend", "Foxglove", "Granite Pass", "Plum Creek",
    "Larkspur", "Windmill Hill", "Sandbar", "Elderberry", "North Shoals", "Whitethorn", "Kingfisher", "Bell Meadow",
    "Red Maple", "Hollowbrook", "Aspen Fork", "Lighthouse Road", "Goldfinch", "Mill Pond", "Hawthorn", "Sweetwater",
    "Covered Bridge", "Timberline", "Osprey Cove",
)  # fmt: skip
LONG_GROUP = (
    "The Interfaith Multispecialty Physicians’ and Advanced Practice Clinicians’ Cooperative of the Upper Valley, "
    "A Professional Corporation"
)
FIRST_AGENCY = "Harborlight Insurance Agency"
AGENCY_PLACES = (
    "Stonemark", "Bellwether", "Oakhurst", "Keystone Ridge", "Fairlawn", "Grandview", "Pilot Rock",
    "Wren & Daughters", "Cobblestone",
)  # fmt: skip
AGENCY_KINDS = ("Insurance Agency", "Professional Liability Brokers, Inc.", "Risk Partners", "Insurance Services")
PRIOR_CARRIERS = (
    "Meridian Physicians Exchange", "Old Colony Medical Mutual", "Tri-Counties Reciprocal", "Halcyon Indemnity",
    "Bayou Doctors’ Trust",
)  # fmt: skip
# Name, phone, and email; empty for policies whose underwriter the carrier doesn't name.
UNDERWRITERS = (
    ("Nadine Okonjo", "(860) 555-0171", "n.okonjo@larkfield.example"),
    ("Walter Brandt", "(860) 555-0172", "w.brandt@larkfield.example"),
    ("Priya Raghunathan", "(860) 555-0173", "p.raghunathan@larkfield.example"),
    ("", "", ""),
)


class Address(NamedTuple):
    """An address with the fields of the feed's columns."""

    address1: str
    address2: str
    city: str
    state: str
    zip: str
