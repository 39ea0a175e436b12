"""Verification of certificates and letters by anyone who holds one (B-01).

`marks` is what the paper bears: the code, the address, and both as a QR code.
"""
