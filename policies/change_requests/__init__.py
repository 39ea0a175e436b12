"""Change requests (S-32): what policyholders and agents ask us to change on a policy, and practice changes (B-18)."""
