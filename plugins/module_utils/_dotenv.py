# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and write ``.env`` as phpdotenv 5 reads it, and carry its values through Parameter Store.

Standard library only: the ``laravel_app`` role copies this very file to the host, where
``andamio-env`` writes the application's ``.env`` with it.

The grammar is that of vlucas/phpdotenv 5.5 and newer (``Parser\\Lines``, ``Parser\\Lexer``,
``Parser\\EntryParser`` and ``Loader\\Resolver``), its oddities included;
``tests/unit/test_dotenv_php.py`` holds both sides to it by asking phpdotenv itself.
"""

from __future__ import annotations

import json
import re
from collections import ChainMap
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

# A digit may come first; phpdotenv loses a name of digits alone.
NAME = re.compile(r"(?![0-9.]+\Z)[A-Za-z0-9_][A-Za-z0-9_.]*")
_READABLE_NAME = re.compile(r"[A-Za-z0-9_.]+")

# What PHP's trim() strips; str.strip() alone would also take Unicode spaces.
_PHP_SPACES = " \n\r\t\v\0"
_SPACES = " \t\n\r\f\v"
_PIECE = re.compile(r"""[\r\n]+|[^\S\r\n]+|[\\'"#$]|[^\s\\'"#$]+""", re.ASCII)
_REFERENCE = re.compile(r"\$\{([A-Za-z0-9_.]+)\}")
_EXPORT = re.compile(r"export[ \t\n\r\f\v]+(?=.)", re.DOTALL)
_QUOTES = {"'": "single", '"': "double"}
_UNESCAPE = {"f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ESCAPE = str.maketrans(
    {"\\": r"\\", '"': r"\"", "$": r"\$", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\f": r"\f", "\v": r"\v"}
)
_ESCAPE_AND_RUN = re.compile(r"""[\n\r\t\f\v]([^\s\\'"#$]+)""", re.ASCII)
_BARE = re.compile(r"[A-Za-z0-9_./:@%+,=-]*")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class Entry:
    """One variable of a ``.env`` file; ``value`` is None for a name without ``=``."""

    name: str
    value: str | None
    line: int


@dataclass(frozen=True)
class Problem:
    """What is wrong on a line. Never quotes the value, which may be a secret."""

    line: int
    message: str


@dataclass(frozen=True)
class Others:
    """What other sources than the file give; a reference in the file sees them too.

    wins: variables whose value counts instead of the file's.
    gives_way: those that count where the file has none.
    unless_empty: names for which an empty value in the file counts as none.
    """

    wins: Mapping[str, str]
    gives_way: Mapping[str, str]
    unless_empty: Collection[str] = ()


def parse(text: str, others: Others | None = None) -> tuple[list[Entry], list[Problem]]:
    """Read all entries of a ``.env`` file, in order, and all its problems at once.

    ``${NAME}`` is replaced by the value an earlier line gave NAME, and is left as it
    is when none did, just as phpdotenv does with no such variable in its environment.

    With ``others`` it is replaced by the value that will be in force, whichever source gives it; one that no
    source gives is a problem.
    """
    entries: list[Entry] = []
    problems: list[Problem] = []
    read: dict[str, str] = {}
    known: Mapping[str, str] = ChainMap(dict(others.wins), read, dict(others.gives_way)) if others else read
    for line, raw in _logical_lines(text.removeprefix("\ufeff"), problems):
        try:
            name, value, unknown = _entry(raw, known)
        except ValueError as error:
            problems.append(Problem(line, str(error)))
            continue
        entries.append(Entry(name, value, line))
        if others:
            problems += [Problem(line, _unresolved(name, reference)) for reference in unknown]
        if value is None or (not value and others and name in others.unless_empty):
            read.pop(name, None)
        else:
            read[name] = value
    return entries, sorted(problems, key=lambda problem: problem.line)


def _unresolved(name: str, reference: str) -> str:
    return (
        f"{name} refers to ${{{reference}}}, which no line before it and no other source gives "
        "(a variable of the process isn't seen). For the text itself, write it between single quotes"
    )


def render(values: Mapping[str, str], header: Iterable[str] = ()) -> str:
    """Write a ``.env`` that phpdotenv reads back as exactly ``values``.

    One line a variable (but see _cut_characters), in the order given. A value is bare when it is plain, and
    double-quoted with escapes otherwise: that is the one form in which phpdotenv can
    neither take ``$`` for a reference nor a lone quote for the start of a block.

    Raises ValueError for a name or value no ``.env`` can carry.
    """
    lines = [f"# {line}".rstrip() for line in header]
    for name, value in values.items():
        refused = problem_with(name, value)
        if refused:
            raise ValueError(refused)
        lines.append(f"{name}={value if _BARE.fullmatch(value) else _quoted(value)}")
    return "".join(f"{line}\n" for line in lines)


def problem_with(name: str, value: str) -> str | None:
    """Say why this variable can't live in a ``.env``, or None if it can."""
    if not NAME.fullmatch(name):
        return f"{name!r} is not a variable name (letters, digits, underscores, dots; not digits alone)"
    if "\0" in value:
        return f"{name} holds a NUL byte, which no environment variable can carry"
    try:
        value.encode()
    except UnicodeEncodeError:
        return f"{name} is not valid Unicode text (it can't be written as UTF-8)"
    if any(value[at] == "\r" for at in _cut_characters(value)):
        return f"{name} has a carriage return before a long text without spaces, which phpdotenv spoils"
    return None


def to_parameter(value: str) -> str:
    """Write a value as Parameter Store can hold it.

    Parameter Store refuses an empty value and one with ``{{``, and its console trims
    spaces; these, and all that would be taken for the written form itself, are stored
    as a JSON string (``""`` for empty). Everything else is stored as it is, so that it
    reads well in the console.
    """
    plain = value and value == value.strip() and not (value[0] == value[-1] == '"')
    if plain and "{{" not in value and not _CONTROL.search(value):
        return value
    return json.dumps(value, ensure_ascii=False).replace("{{", r"{\u007b")


def from_parameter(stored: str) -> str:
    """Read back what ``to_parameter`` wrote, or what a person typed into the console."""
    if len(stored) > 1 and stored[0] == stored[-1] == '"':
        try:
            value = json.loads(stored)
        except ValueError:
            return stored
        if isinstance(value, str):
            return value
    return stored


def _quoted(value: str) -> str:
    literal = _cut_characters(value)
    pieces = []
    start = 0
    for at in literal:
        pieces += [value[start:at].translate(_ESCAPE), value[at]]
        start = at + 1
    # On a block's last line phpdotenv before 5.5 takes =" for another opening, and looks for one more quote.
    end = '" # "' if literal and value.endswith("=") else '"'
    return "".join(['"', *pieces, value[start:].translate(_ESCAPE), end])


def _cut_characters(value: str) -> list[int]:
    """Return where an escape would spoil what follows it.

    phpdotenv reads 1000 bytes at a time. After an escape it takes the first letter off by mb_substr, which,
    since PHP 8.4, replaces a character that the end of the 1000 bytes cuts in two. A line feed or tab that
    long text without a space follows is therefore written as itself.
    """
    return [
        match.start()
        for match in _ESCAPE_AND_RUN.finditer(value)
        if len(match[1]) > 333 and len(run := match[1].encode()) > 999 and run[999] & 0xC0 == 0x80
    ]


def _logical_lines(text: str, problems: list[Problem]) -> Iterator[tuple[int, str]]:
    """Yield (line number, entry), with a quoted block of lines joined into one entry."""
    block: list[str] = []
    start = 1
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        opens = not block and '="' in line and not _closes(line, opened_here=True)
        if not block:
            start = number
        block.append(line)
        if (opens or len(block) > 1) and not _closes(line, opens):
            continue
        entry, block = "\n".join(block), []
        stripped = entry.strip(_PHP_SPACES)
        if stripped and not stripped.startswith("#"):
            yield start, entry
    if block:
        name = block[0].partition("=")[0].strip(_PHP_SPACES)
        problems.append(Problem(start, f"{_shown(name)}: the double quote that opens here is never closed"))


def _closes(line: str, opened_here: bool) -> bool:
    if line == '"':
        return True
    quotes = len(re.findall(r'(?=[^\\]")', line.replace("\\\\", "")))
    return quotes > 1 if opened_here else quotes >= 1


def _entry(raw: str, known: Mapping[str, str]) -> tuple[str, str | None, list[str]]:
    name, equals, value = raw.partition("=")
    if equals:
        name, value = name.strip(_PHP_SPACES), value.strip(_PHP_SPACES)
    if not name:
        raise ValueError("there is no name before the equals sign")
    if len(name) > 8:
        name = _EXPORT.sub("", name, count=1) if _EXPORT.match(name) else name
    if len(name) >= 3 and name[0] == name[-1] and name[0] in "\"'":
        name = name[1:-1]
    if not _READABLE_NAME.fullmatch(name):
        raise ValueError(f"{_shown(name)} is not a variable name (letters, digits, underscores and dots)")
    if not equals:
        return name, None, []
    try:
        return name, *_value(value, known)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _shown(name: str) -> str:
    # A line that isn't NAME=value may be part of a pasted key: show only what is surely a name.
    return name if re.fullmatch(r"[A-Z][A-Z0-9_. -]{0,39}", name) else "what stands there"


def _value(raw: str, known: Mapping[str, str]) -> tuple[str, list[str]]:
    """Run phpdotenv's automaton over the pieces of a value, then resolve its references.

    Returns the value, and the names that it refers to and that aren't known.
    """
    state, text = "start", ""
    references: list[int] = []
    unknown: list[str] = []
    for piece in _PIECE.findall(raw):
        after, read = _STEPS[state](piece)
        if read == "$" and state != "escape" and after != "single":
            references.append(len(text))
        state, text = after, text + read
    if state in {"single", "double", "escape"}:
        raise ValueError("the quote is never closed")
    # From the back, as phpdotenv does: a reference inside a reference is resolved first.
    for at in reversed(references):
        match = _REFERENCE.match(text, at)
        if match and match[1] in known:
            text = text[:at] + known[match[1]] + text[match.end() :]
        elif match:
            unknown.append(match[1])
    return text, unknown


# The automaton's states: each takes a piece and gives the next state and what was read.


def _start(piece: str) -> tuple[str, str]:
    if piece in _QUOTES:
        return _QUOTES[piece], ""
    return ("comment", "") if piece == "#" else ("bare", piece)


def _bare(piece: str) -> tuple[str, str]:
    if piece == "#":
        return "comment", ""
    return ("end", "") if piece[0] in _SPACES else ("bare", piece)


def _single(piece: str) -> tuple[str, str]:
    return ("end", "") if piece == "'" else ("single", piece)


def _double(piece: str) -> tuple[str, str]:
    if piece == '"':
        return "end", ""
    return ("escape", "") if piece == "\\" else ("double", piece)


def _escape(piece: str) -> tuple[str, str]:
    if piece in {'"', "\\", "$"}:
        return "double", piece
    if piece[0] in _UNESCAPE:
        return "double", _UNESCAPE[piece[0]] + piece[1:]
    raise ValueError('a backslash inside double quotes stands before none of " \\ $ f n r t v')


def _end(piece: str) -> tuple[str, str]:
    if piece == "#":
        return "comment", ""
    if piece[0] in _SPACES:
        return "end", ""
    raise ValueError("text follows the value; put a value with spaces between double quotes")


def _comment(_piece: str) -> tuple[str, str]:
    return "comment", ""


_STEPS: dict[str, Callable[[str], tuple[str, str]]] = {
    "start": _start,
    "bare": _bare,
    "single": _single,
    "double": _double,
    "escape": _escape,
    "end": _end,
    "comment": _comment,
}
