# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The status as one HTML page that needs nothing from anywhere else. Pure.

Every text in it comes through ``escape``: a name on AWS or a release may have any character.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from ._findings import ABSENT, MARKS, OK, UNKNOWN, WARNING, WRONG, Finding, Section, one_line
from ._status import Status
from ._status_drawing import TALL, WIDE, WORDS, drawing
from ._status_style import STYLE
from ._when import iso

# Nothing but what is in the page itself.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(status: Status) -> str:
    """Return the page."""
    context = status.context
    name = f"{context.project} {context.environment}"
    moment = f"{context.now:%Y-%m-%d %H:%M} UTC"
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{escape(name)}: {escape(status.headline())}</title>",
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            "<header>",
            f"<h1>{escape(context.project)} <span>{escape(context.environment)}</span></h1>",
            f'<p class="badge {status.state}">{_mark(status.state)} {escape(status.headline())}</p>',
            f'<p class="meta">{escape(context.domain)} · account {escape(status.account)} · '
            f'{escape(context.region)} · <time datetime="{iso(context.now)}">{moment}</time></p>',
            "</header>",
            "<main>",
            *_attention(status),
            "<figure>",
            drawing(status, WIDE),
            drawing(status, TALL),
            f"<figcaption>{_legend()}</figcaption>",
            "</figure>",
            '<div class="cards">',
            *(line for section in status.sections for line in _card(section)),
            "</div>",
            "</main>",
            "<footer>As it was at that moment; make status looks again.</footer>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _mark(state: str) -> str:
    """Return a state's mark; who can't see it is told the word."""
    return (
        f'<span class="mark" aria-hidden="true">{MARKS[state]}</span><span class="said">{WORDS[state]}</span>'
    )


def _attention(status: Status) -> Iterator[str]:
    """Yield what a person has to look at, first of all."""
    urgent = [
        finding
        for state in (WRONG, WARNING)
        for section in status.sections
        for finding in section.findings
        if finding.state == state
    ]
    if urgent:
        yield '<section class="attention"><h2>What needs you</h2>'
        yield from _list(urgent)
        yield "</section>"


def _card(section: Section) -> Iterator[str]:
    if section.findings:
        yield f"<section><h2>{escape(section.title)}</h2>"
        yield from _list(section.findings)
        yield "</section>"


def _list(findings: Iterable[Finding]) -> Iterator[str]:
    yield "<ul>"
    for finding in findings:
        fix = f'<span class="fix">{escape(one_line(finding.fix))}</span>' if _needs_fix(finding) else ""
        yield (
            f'<li class="{finding.state}">{_mark(finding.state)}'
            f"<b>{escape(one_line(finding.subject))}</b>"
            f"<span>{escape(one_line(finding.says))}{fix}</span></li>"
        )
    yield "</ul>"


def _needs_fix(finding: Finding) -> bool:
    return bool(finding.fix) and finding.state != OK


def _legend() -> str:
    return " ".join(
        f'<span class="{state}"><span class="mark">{MARKS[state]}</span> {WORDS[state]}</span>'
        for state in (OK, WRONG, WARNING, ABSENT, UNKNOWN)
    )
