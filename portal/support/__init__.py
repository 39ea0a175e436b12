"""Support (S-46): whom to call and when, and requests to staff."""
