"""What the pages of an account show."""
