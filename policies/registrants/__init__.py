"""Who asks for an account, matched against insureds, policyholders, and contacts (S-06, S-07)."""
