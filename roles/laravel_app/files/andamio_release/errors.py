"""What goes wrong, told to a person."""

from __future__ import annotations


class ReleaseError(Exception):
    """One message for a person: what failed, and what to do."""


class RequestError(ReleaseError):
    """The request, the settings or the artifact is wrong: nothing was done."""
