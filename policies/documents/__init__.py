"""Documents of policies and billing accounts, for those who hold or serve them (S-30)."""
