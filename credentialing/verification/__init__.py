"""Verification of certificates and letters by anyone who holds one (B-01).

In order:

1. `marks` is what the paper bears: the code, the address, and both as a QR code.
2. `reading` understands what people type or scan: a code, a serial number, or a file's fingerprint.
3. `limits` bounds how often one network, and everyone together, may ask.
4. `facts` is what the paper certified, from its snapshot; `standing` is what holds today, by the rule in
   `policies.eligibility`. `answers` puts the two together, stores that they were given, and records it.
5. `receipts` makes the one-page PDF for the file of the person who asked.
"""
