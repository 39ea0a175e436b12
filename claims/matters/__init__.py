"""My claim: an insured's own matters, as the claims team publishes them (B-21)."""
