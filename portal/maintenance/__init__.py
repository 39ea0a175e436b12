"""Maintenance (S-17): what is closed now, the page that says so, and the notice ahead."""
