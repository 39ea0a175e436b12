"""What follows when contact details change (S-33)."""
