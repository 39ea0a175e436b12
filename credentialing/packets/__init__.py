"""Packets: what a facility's credentialing office needs of one insured, behind one link and a password (B-04).

In order:

1. `forms` and `building`: what goes in, whom it's for, and until when; link and password are drawn, told once, and kept
   as hashes. `views` are the pages of those who build.
2. `timeline` and `release` lay out what is made for the packet; `preparing` is the worker's task that stores it.
3. `opening` judges each opening and each download at that moment, and records it; `public_views` are the facility's.
"""
