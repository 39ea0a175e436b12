from django.apps import AppConfig


class BenchConfig(AppConfig):
    """The command that measures; never installed in production."""

    name = "bench"
    verbose_name = "Measurements"
