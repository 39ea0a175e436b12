"""Frequently asked questions (S-16): what is published, searching it, and what a release ships."""
