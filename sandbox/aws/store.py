"""What the overlay remembers, gone with a reset as moto's own state is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_stores: list[Store[Any]] = []


class Store[State]:
    """One state of a kind for each account and region (or ``global``)."""

    def __init__(self, make: Callable[[], State]) -> None:
        self._make = make
        self._states: dict[tuple[str, str], State] = {}
        _stores.append(self)

    def of(self, account: str, region: str = "global") -> State:
        return self._states.setdefault((account, region), self._make())

    def clear(self) -> None:
        self._states.clear()


def clear_all() -> None:
    for store in _stores:
        store.clear()
