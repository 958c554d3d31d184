"""Which requests came, for those who count them."""

from __future__ import annotations

import threading
from pathlib import Path

from sandbox.aws.call import Call


class RequestLog:
    """Writes a line for each request to the API, "service.Operation", in the order in which they came.

    A retry is a request, and so is one that is refused. The operation of a request that botocore has no name
    for is "unknown".
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file.open("a") if file else None
        self._lock = threading.Lock()

    def note(self, call: Call) -> None:
        if self._file is None:
            return
        with self._lock:
            self._file.write(f"{call.service}.{call.operation or 'unknown'}\n")
            # Whoever counts reads the file while we go on.
            self._file.flush()
