"""PostgreSQL and Redis as supervised child processes, for the demo and the tests.

Used where `DATABASE_URL` or `REDIS_URL` is unset, never in production. Nothing here imports Django, so that the
keeper process stays small. `docs/developers/embedded-services.md` tells how the parts play together.
"""
