"""`manage.py dev`: the demo's data, for developers."""

from demo.develop import Development
from demo.management.commands.demo import Command as DemoCommand


class Command(DemoCommand):
    """The same options and data as the demo's; debug pages, and a reload when a file changes."""

    help = "Runs the portal for developers: debug pages, reload of code, templates, and style sheets."
    runner = Development
