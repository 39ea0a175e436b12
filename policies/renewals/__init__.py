"""The renewal application, and each clinician's own part of it."""
