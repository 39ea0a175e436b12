"""Someone leaves a group (B-17): told that their coverage is to end, and of the tail that is offered."""
