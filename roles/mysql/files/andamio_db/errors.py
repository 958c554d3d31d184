"""What goes wrong, told to a person."""

from __future__ import annotations


class DumpError(Exception):
    """Something a person must know: what failed. Nothing was changed."""


class HalfRestoredError(DumpError):
    """A restore failed after it had begun to change a database."""
