"""What the engine remembers: a record for each release, the journal, and the run under way."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

# building: its folder may be half made. ready: it has passed its gate. good: it has been live and was
# proven in public. bad: it has failed, and no rollback goes to it.
STATES = ("building", "ready", "good", "bad")


@dataclass(frozen=True)
class Record:
    """One release."""

    id: str
    state: str
    created: str
    name: str = ""
    commit: str = ""
    owner: str = ""
    sha256: str = ""
    # Names and versions of the parameters its .env was made of; no value.
    env: dict[str, int] = field(default_factory=dict)
    # SHA-256 of its .env, to see that another one is wanted.
    env_digest: str = ""
    previous: str = ""
    why_bad: str = ""


@dataclass(frozen=True)
class Entry:
    """One line of the journal: one run, as it ended. ``outcome`` is one of the answer's, or ``cut off``."""

    run: str
    time: str
    action: str
    owner: str
    reason: str
    release: str
    previous: str
    commit: str
    outcome: str
    seconds: float
    failed_step: str = ""
    message: str = ""
    steps: dict[str, float] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    dump: str = ""


@dataclass(frozen=True)
class Under:
    """The run under way: if its process is gone, it was cut off here."""

    run: str
    time: str
    action: str
    owner: str
    reason: str
    release: str = ""
    previous: str = ""
    commit: str = ""
    step: str = ""
    ran: list[str] = field(default_factory=list)
    dump: str = ""
    # Set from just before the switch until the release has been proven in public.
    switching: bool = False


class Records:
    """The state folder. Every file in it is replaced whole, so a killed run leaves the old or the new one."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.folder = state / "records"
        self.logs = state / "logs"
        self.staging = state / "staging"
        self.journal = state / "journal.jsonl"
        self.under_file = state / "run.json"

    def prepare(self) -> None:
        """Make the folders, for root's eyes alone."""
        for path in (self.state, self.folder, self.logs, self.staging):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def all(self) -> dict[str, Record]:
        """Every release's record, oldest first."""
        found = [read(Record, path) for path in self.folder.glob("*.json")]
        return {record.id: record for record in sorted(found, key=lambda record: (record.created, record.id))}

    def get(self, release: str) -> Record | None:
        path = self.folder / f"{release}.json"
        return read(Record, path) if path.exists() else None

    def put(self, record: Record) -> Record:
        write(self.folder / f"{record.id}.json", asdict(record))
        return record

    def mark(self, release: str, state: str, why: str = "") -> None:
        """Change a release's state; one that has no record gets one."""
        record = self.get(release) or Record(release, state, "")
        self.put(replace(record, state=state, why_bad=why))

    def forget(self, release: str) -> None:
        (self.folder / f"{release}.json").unlink(missing_ok=True)

    def under(self) -> Under | None:
        """The run that is, or was, under way."""
        return read(Under, self.under_file) if self.under_file.exists() else None

    def set_under(self, under: Under) -> None:
        write(self.under_file, asdict(under))

    def clear_under(self) -> None:
        self.under_file.unlink(missing_ok=True)

    def add(self, entry: Entry) -> None:
        """Add a line to the journal. A line that a crash has cut off doesn't spoil the next."""
        with self.journal.open("a+b") as file:
            size = file.seek(0, os.SEEK_END)
            if size:
                file.seek(size - 1)
                if file.read(1) != b"\n":
                    file.write(b"\n")
            file.write(json.dumps(asdict(entry)).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def entries(self) -> list[Entry]:
        """The journal, oldest first; lines that a crash has cut off are left out."""
        if not self.journal.exists():
            return []
        found = []
        for line in self.journal.read_text(errors="replace").splitlines():
            try:
                found.append(Entry(**known(Entry, json.loads(line))))
            except (ValueError, TypeError):
                continue
        return found


def read(kind: Any, path: Path) -> Any:
    """A record out of its file; keys of another version are left out."""
    return kind(**known(kind, json.loads(path.read_text())))


def known(kind: Any, given: dict[str, Any]) -> dict[str, Any]:
    names = {entry.name for entry in fields(kind)}
    return {name: value for name, value in given.items() if name in names}


def write(path: Path, content: Any) -> None:
    """Replace a JSON file whole, on the disk before it is in place."""
    partial = path.with_name(f".{path.name}.new")
    with partial.open("w") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
