"""Services of sign-in: passwords, codes, setup of a method, remembered devices, locks, and links."""
