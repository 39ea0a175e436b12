"""Holders: the directory, standing arrangements, and what customers ask staff to add or change (S-38, B-03)."""
