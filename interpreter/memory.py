# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Remembers what botocore works out anew for each session and client, though it is always the same."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from typing import Any


def shared_loader() -> tuple[Any, set[str]]:
    """Give all of botocore's sessions one loader, which keeps what it parses; return it and what it reads."""
    files: set[str] = set()
    if "botocore.session" not in sys.modules:
        return None, files
    session = sys.modules["botocore.session"]
    make = session.create_loader
    shared = make()
    load = shared.file_loader.load_file
    files.update(shared.search_paths)

    def load_file(path: str) -> Any:
        data = load(path)
        if data is not None:
            files.update({f"{path}.json", f"{path}.json.gz"})
        return data

    def create_loader(search_path_string: str | None = None) -> Any:
        return make(search_path_string) if search_path_string else shared

    # botocore has no setting for it; a module's attribute is unknown to mypy.
    shared.file_loader.load_file = load_file
    session.create_loader = create_loader  # type: ignore[attr-defined]
    return shared, files


def remember_methods() -> None:
    """Have botocore make a client's methods, and look at a handler's signature, once for each there is.

    Both follow from what they are given alone. A service's description is the shared loader's, one for all.
    """
    if "botocore.client" not in sys.modules:
        return
    creator = sys.modules["botocore.client"].ClientCreator
    for name in ("_create_methods", "_create_name_mapping"):
        if hasattr(creator, name):
            setattr(creator, name, remembered(getattr(creator, name)))
    hooks = sys.modules["botocore.hooks"]
    # A module's attribute is unknown to mypy.
    hooks.accepts_kwargs = functools.cache(hooks.accepts_kwargs)  # type: ignore[attr-defined]
    aliaser = hooks.EventAliaser
    aliaser._alias_event_name = alias_once(aliaser._alias_event_name, hooks.EVENT_ALIASES)


def alias_once(alias: Callable[[Any, str], str], aliases: Mapping[str, str]) -> Any:
    """Return a method of botocore's that says an event's present name, from what it said before if it has.

    botocore remembers them for each client; here it does for all that have its own aliases, of which each
    client has a copy. Most names have no part that an alias begins with, and are right as they are.
    """
    names: dict[str, str] = {}
    begin = {old.partition(".")[0] for old in aliases}

    def once(aliaser: Any, name: str) -> str:
        if aliaser._event_aliases != aliases:
            return alias(aliaser, name)
        if name not in names:
            names[name] = name if begin.isdisjoint(name.split(".")) else alias(aliaser, name)
        return names[name]

    return once


def remembered(make: Callable[[Any, Any], dict[str, Any]]) -> Callable[[Any, Any], dict[str, Any]]:
    """Return a method of botocore's creator of clients that makes a description's only once."""
    made: dict[int, tuple[object, dict[str, Any]]] = {}

    def once(creator: Any, model: Any) -> dict[str, Any]:
        description = model._service_description
        if id(description) not in made:
            made[id(description)] = description, make(creator, model)  # kept, so that its id stays its own
        return dict(made[id(description)][1])

    return once
