"""What Laravel has logged: why a release doesn't answer as it should. The application writes it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from andamio_release import walk
from andamio_release.settings import Settings

# From the end of a log, at most.
MOST = 256 * 1024
TOLD = 500
ENTRY = re.compile(r"^\[\d{4}-\d\d-\d\d[^\]\n]{0,30}\] [\w.-]{1,60}\.(\w{1,12}): ", re.MULTILINE)
WRONG = ("ERROR", "CRITICAL", "ALERT", "EMERGENCY")
# As Monolog's LineFormatter has an exception.
EXCEPTION = re.compile(
    r"\[object\] \((?P<kind>[\w\\]{1,200})\(code: [^)\n]{0,40}\): (?P<message>.{0,2000}?)"
    r" at (?P<where>/[^\n]{1,400}?:\d{1,7})\)",
    re.DOTALL,
)


def sizes(settings: Settings) -> dict[str, int]:
    """The logs there are, of the channels single and daily, and their sizes in bytes."""
    now = datetime.now(UTC)
    days = [now + timedelta(days=days) for days in (-1, 0, 1)]  # The application has its own time zone.
    found = {}
    for name in ["laravel.log", *(f"laravel-{day:%Y-%m-%d}.log" for day in days)]:
        path = str(settings.shared / "storage/logs" / name)
        try:
            with walk.place(path) as at:
                found[path] = at.status().st_size
        except FileNotFoundError:
            found[path] = 0
        except OSError:
            continue
    return found


def last_error(settings: Settings, release: str, since: dict[str, int]) -> str:
    """The newest error of a release that was logged since, in a line; '' when there is none."""
    said = ""
    for path, size in since.items():
        try:
            text = walk.tail(path, size, MOST).decode(errors="replace")
        except OSError:
            continue
        said = last_of(text, f"{settings.releases}/{release}/") or said
    return said


def last_of(text: str, folder: str) -> str:
    """The newest error in a log that a release's code is part of, in a line. ``folder`` ends with a slash.

    The log is the live release's as well: its visitors go on.
    """
    starts = list(ENTRY.finditer(text))
    end = len(text)
    for start in reversed(starts):
        entry = text[start.end() : end].replace("\\/", "/").replace("\\\\", "\\")
        if start[1] in WRONG and folder in entry:
            return told(entry, folder)
        end = start.start()
    return ""


def told(entry: str, folder: str) -> str:
    """An entry in a line: exception, message, file and line. What a terminal would act on is left out."""
    found = EXCEPTION.search(entry)
    if found:
        where = found["where"].removeprefix(folder)
        entry = f"{found['kind']}: {found['message']} ({where})"
    else:
        entry = entry.partition("\n")[0]
    shown = "".join(character if character.isprintable() else " " for character in entry)
    return " ".join(shown.split())[:TOLD]
