"""PostgreSQL and Redis as supervised child processes, for the demo and the tests.

Used where `DATABASE_URL` or `REDIS_URL` is unset, never in production. Nothing here imports Django, which keeps the
keeper process small. `docs/developers/embedded-services.md` explains how the parts work together.
"""
