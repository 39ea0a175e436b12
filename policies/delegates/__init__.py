"""Delegates: who has access to a policyholder or an agency, and what its administrators give and end
(docs/security.md#delegates)."""
