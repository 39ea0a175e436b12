"""Reporting incidents and claims: drafts, files, the receipt, what is added later, and the queue of staff (S-45)."""
