"""The demo: an invented carrier with made-up people, and what would have been sent to them.

Exists in demo mode only: its addresses are not routed elsewhere, and its senders refuse to work in production.
"""
