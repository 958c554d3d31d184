# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Modules, as Ansible sends them or by their names, run with what the server has in memory."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from typing import Any, NoReturn

from . import payload
from .preload import LOADER, MODULES, Preloaded, module_file
from .task import Request, ended, forget_own, fresh

# The first word of a request for a module of the collection; its name and Ansible's version follow.
BY_NAME = "--module"


class Modules(Preloaded):
    """boto3 and module_utils, for modules."""

    def suits(self, request: Request) -> bool:
        """Whether the client's own Python would have started alike, and a module named has this version."""
        if request.arguments[:1] == [BY_NAME]:
            _word, module, version = request.arguments
            own = module.rpartition(".")[0] == MODULES and module_file(module).is_file()
            if version != sys.modules["ansible"].__version__ or not own:
                return False
        return self.started_alike(request.environment)

    def ready(self) -> list[int]:
        """There is nothing that tasks tell one another."""
        return []

    def warm_up(self) -> None:
        """Go through a call that is sent to nobody: what it writes to is this process's own then."""
        self.client("s3", rehearse)

    def execute(self, request: Request) -> int:
        """Run a program or, where that is asked for, a module of the collection whose arguments are stdin."""
        if request.arguments[:1] == [BY_NAME]:
            return execute_module(request, request.arguments[1], self)
        source, name = program(request)
        if source is None or not payload.is_preloaded(source, self):
            become_plain(request, source)
        return execute(source, name, request, self)


def rehearse(client: Any) -> None:
    """Make a request and read an answer, without sending anything."""
    answer = sys.modules["botocore.awsrequest"].AWSResponse

    class Body:
        def stream(self, *_words: object, **_named: object) -> list[bytes]:
            return [b"<ListAllMyBucketsResult/>"]

    client.meta.events.register(
        "before-send.s3", lambda request, **_more: answer(request.url, 200, {}, Body())
    )
    client.list_buckets()


def program(request: Request) -> tuple[bytes | None, str]:
    """Return the program and its name; None where plain Python has to see for itself."""
    if not request.arguments:
        with open(0, "rb", closefd=False) as file:
            return file.read(), "<stdin>"
    try:
        with open(request.arguments[0], "rb") as file:
            return file.read(), os.path.abspath(request.arguments[0])
    except OSError:
        return None, ""


def become_plain(request: Request, source: bytes | None) -> NoReturn:
    """Become plain Python, with the program that was read from stdin there again."""
    if source is not None and not request.arguments:
        file = os.memfd_create("stdin", 0)
        with open(file, "wb", closefd=False) as out:
            out.write(source)
        os.lseek(file, 0, os.SEEK_SET)
        os.dup2(file, 0)
        os.close(file)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    os.execv(request.python, [request.python, *request.arguments])


def execute(source: bytes, name: str, request: Request, modules: Modules) -> int:
    """Run the program as a fresh interpreter would, and return its exit status."""
    main = fresh(name, request, modules)
    payload.forget(LOADER)
    forget_own()
    sys.meta_path.insert(0, payload.Finder())
    return ended(lambda: exec(compile(source, name, "exec", dont_inherit=True), main.__dict__))  # noqa: S102


def execute_module(request: Request, module: str, modules: Modules) -> int:
    """Run a module of the collection as its payload would, and return its exit status.

    Nothing is unpacked: what the server has in memory was current when the task came.
    """
    with open(0, "rb", closefd=False) as file:
        parameters = file.read()
    code = modules.module(module)
    fresh("<stdin>", replace(request, arguments=[]), modules)
    sys.path.remove("")  # as a payload does
    forget_own()
    sys.meta_path.insert(0, payload.ModuleFinder(module, code))
    run = sys.modules[LOADER].run_module
    return ended(
        lambda: run(
            json_params=parameters,
            profile="legacy",
            module_fqn=module,
            modlib_path=code.co_filename.partition("ansible_collections")[0],
            extensions={},
        )
    )
