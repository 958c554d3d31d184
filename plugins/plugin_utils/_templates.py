# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Templates, compiled once in a run.

Each task is a fork of Ansible, and compiles for itself the templates that all tasks use, such as a region or
a resource's tags. Here a fork writes what it has compiled into memory that all of them share, and the
process that starts the next one reads it first. What Jinja makes of a text follows from the text, the
settings of its environment and how its filters want to be called; it is the same in each fork of a run. Where
runs are forks of a process that has Ansible in memory (interpreter/playbook.py), it is in all of them.
"""

from __future__ import annotations

import contextlib
import fcntl
import marshal
import os
import types
from collections.abc import Callable
from typing import Any

Key = tuple[Any, ...]
LIMIT = 1 << 26  # bytes of shared memory; then no more is told
SIZE = 4  # bytes of a record's length


class Shared:
    """What was compiled in this run, by key. This process learns what its forks tell."""

    def __init__(self) -> None:
        self.file = os.memfd_create("templates")
        # Each record is one write at the end: forks may run side by side.
        fcntl.fcntl(self.file, fcntl.F_SETFL, fcntl.fcntl(self.file, fcntl.F_GETFL) | os.O_APPEND)
        self._learned = 0
        self._made: dict[Key, types.CodeType] = {}

    def get(self, key: Key, make: Callable[[], types.CodeType]) -> types.CodeType:
        """Return what is known, or make it and tell it."""
        code = self._made.get(key)
        if code is None:
            self._made[key] = code = make()
            with contextlib.suppress(ValueError):  # what can't be written, each makes for itself
                self._tell(marshal.dumps((key, code)))
        return code

    def learn(self) -> None:
        """Take up what was told since the last time."""
        data = os.pread(self.file, self._told() - self._learned, self._learned)
        at = 0
        while at + SIZE < len(data):
            end = at + SIZE + int.from_bytes(data[at : at + SIZE], "big")
            key, code = marshal.loads(data[at + SIZE : end])  # noqa: S302 - by this process's own forks
            self._made.setdefault(key, code)
            at = end
        self._learned += at

    def _tell(self, record: bytes) -> None:
        if self._told() < LIMIT:
            os.write(self.file, len(record).to_bytes(SIZE, "big") + record)

    def _told(self) -> int:
        return os.fstat(self.file).st_size


shared: Shared | None = None  # once there is one, a fork's is its parent's


def share() -> Shared | None:
    """Have Ansible's templates compiled once in this run; None where this Ansible has them otherwise."""
    global shared  # noqa: PLW0603 - the method that is replaced is one, too
    if shared is not None:
        shared.learn()
        return shared
    try:
        from ansible._internal._templating import _jinja_bits as bits  # noqa: PLC0415 - nobody's promise

        environment = bits.AnsibleEnvironment
        context = bits._TemplateCompileContext
        settings = bits._TEMPLATE_OVERRIDE_FIELD_NAMES
        plain = environment.compile
    except (ImportError, AttributeError):
        return None
    from ansible.plugins.loader import filter_loader, test_loader  # noqa: PLC0415 - with the others

    shared = made = Shared()

    def compile_once(self: Any, source: Any, *words: Any, **named: Any) -> Any:
        # A parsed tree, a named file and a template under a debugger are compiled as ever.
        if not isinstance(source, str) or words or named or self._debuggable_template_source:
            return plain(self, source, *words, **named)
        now = context.current(optional=True)
        key = (
            untagged(source),
            bool(now and now.escape_backslashes),
            # How filters are called is compiled in, and a playbook may have its own.
            *filter_loader._extra_dirs,
            *test_loader._extra_dirs,
            *(untagged(getattr(self, name)) for name in settings),
        )
        return made.get(key, lambda: plain(self, source))

    environment.compile = compile_once
    return made


def untagged(value: Any) -> Any:
    """Return a text without Ansible's tags; what isn't a text as it is."""
    return str.__str__(value) if isinstance(value, str) else value
