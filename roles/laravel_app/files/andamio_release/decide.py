"""What to do: pure decisions over what is known."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from andamio_release.errors import RequestError
from andamio_release.records import Entry, Record


def release_id(name: str, sha256: str, env_digest: str, records: dict[str, Record]) -> str:
    """The id of an artifact with an .env: the one it has already, or a new one.

    A release keeps the .env it was proven with: with another one, the same code is another release.
    A bad one is made anew under the next id, so that what failed can still be looked at.
    """
    base = "-".join(filter(None, [name, sha256[:12]]))
    candidate, number = base, 1
    while candidate in records:
        record = records[candidate]
        if record.env_digest == env_digest and record.state in ("ready", "good"):
            return candidate
        number += 1
        candidate = f"{base}-e{number}"
    return candidate


def prunable(
    records: dict[str, Record], keep: int, live: str, last_good: str, in_use: Collection[str]
) -> list[str]:
    """The releases to remove, oldest first: all but the newest ``keep`` and those that must stay."""
    newest = sorted(records.values(), key=lambda record: (record.created, record.id), reverse=True)
    # The live one counts among those that are kept, whatever its age.
    kept = {live, last_good}
    for record in newest:
        if len(kept - {""}) >= keep:
            break
        kept.add(record.id)
    return [name for name in records if name not in kept and name not in in_use]


def last_good(records: dict[str, Record], entries: Sequence[Entry], live: str) -> str:
    """The release to go back to: the good one that the live one was deployed over; '' when there is none.

    Where that one is bad or gone, the one before it, and so on. Going back twice goes back two releases.
    """
    seen, name = {live}, live
    while name := deployed_over(entries, name):
        if name in seen:
            break
        seen.add(name)
        if name in records and records[name].state == "good":
            return name
    older = [
        record.id
        for record in records.values()
        if record.state == "good"
        and record.id not in seen
        and (live not in records or record.created < records[live].created)
    ]
    return older[-1] if older else ""


def deployed_over(entries: Sequence[Entry], release: str) -> str:
    """What was live before a release was last deployed; '' when the journal doesn't know."""
    for entry in reversed(entries):
        if entry.action == "deploy" and entry.outcome == "live" and entry.release == release:
            return entry.previous
    return ""


@dataclass(frozen=True)
class Way:
    """A rollback: where it goes, and what the database needs."""

    target: str
    # Migrations that have run and that the target's code doesn't know.
    since: list[str]
    # The dump that was made before the first of them.
    dump: str

    @property
    def sentence(self) -> str:
        """What the rollback is, for a person."""
        if not self.since:
            return f"to {self.target}: code and .env only; no migration has run since."
        ran = ", ".join(self.since)
        start = f"to {self.target}: code and .env only. These migrations have run since and stay: {ran}."
        if not self.dump:
            return f"{start} No dump was made before them."
        return (
            f"{start} The dump from before them: {self.dump}"
            " (database=restore loads it; what was written since is lost)."
        )


def target(wanted: str, records: dict[str, Record], fallback: str, live: str) -> str:
    """The release a rollback goes to. Raises RequestError when it can't go there."""
    if not wanted and not fallback:
        raise RequestError("there is no earlier good release to go back to; deploy one instead")
    name = wanted or fallback
    if name not in records:
        there = ", ".join(
            record.id for record in records.values() if record.state == "good" and record.id != live
        )
        raise RequestError(f"there is no release {name} on this host; to go back to: {there or 'none'}")
    if name == live:
        raise RequestError(f"{name} is live already")
    if records[name].state != "good":
        why = f" ({records[name].why_bad})" if records[name].why_bad else ""
        raise RequestError(
            f"{name} is {records[name].state}{why}, not good: deploy it again instead of going back to it"
        )
    return name


def way(name: str, known: Collection[str], ran: Iterable[str], entries: Sequence[Entry]) -> Way:
    """What going to a release means for the database: ``known`` are its migrations, ``ran`` those run.

    What had run before it was last deployed isn't counted: it was proven with that. A rollback of the code
    alone is no deploy: the schema stays one that the release doesn't know.
    """
    deployed = [
        number
        for number, entry in enumerate(entries)
        if (entry.action, entry.release, entry.outcome) == ("deploy", name, "live")
    ]
    split = deployed[-1] + 1 if deployed else 0
    before, after = entries[:split], entries[split:]
    earlier = {migration for entry in before for migration in entry.ran}
    since = [migration for migration in ran if migration not in known and migration not in earlier]
    dump = ""
    for entry in reversed(after):
        if entry.dump and set(entry.ran) & set(since):
            dump = entry.dump
    return Way(name, since, dump)


def pending(known: Iterable[str], ran: Collection[str]) -> list[str]:
    """The migrations of a release that haven't run."""
    return [migration for migration in known if migration not in ran]
