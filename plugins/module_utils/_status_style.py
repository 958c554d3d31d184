# Copyright: (c) 2026, The Andamio authors
# GNU General Public License v3.0 or later (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the status page looks: light and dark, wide and narrow, on the screen and on paper."""

from __future__ import annotations

STYLE = """
:root {
  --page: #f6f7f5; --card: #fff; --text: #1a2027; --soft: #55606b; --rule: #dfe3e0;
  --ok: #17723a; --wrong: #c21f2d; --warning: #8a5a00; --unknown: #55606b; --absent: #68737d;
  --ok-tint: #e9f5ec; --wrong-tint: #fdeceb; --warning-tint: #fcf3dc; --group: #f1f4f3;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0e1317; --card: #171d22; --text: #e7ecef; --soft: #a3adb6; --rule: #2b333a;
    --ok: #5fcf85; --wrong: #ff8078; --warning: #e5b445; --unknown: #a3adb6; --absent: #8f9aa4;
    --ok-tint: #14281c; --wrong-tint: #351a1b; --warning-tint: #2e2612; --group: #12181c;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 72rem; padding: 2rem 1.25rem; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
header { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem 1rem; margin-bottom: 1.25rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0; letter-spacing: -.02em; overflow-wrap: anywhere; }
h1 span { color: var(--soft); font-weight: 400; }
h2 { font-size: .95rem; margin: 0 0 .6rem; overflow-wrap: anywhere; }
.badge { margin: 0; padding: .2rem .8rem; border-radius: 1rem; font-weight: 600; background: var(--card); }
.badge.ok { color: var(--ok); background: var(--ok-tint); }
.badge.wrong { color: var(--wrong); background: var(--wrong-tint); }
.badge.warning { color: var(--warning); background: var(--warning-tint); }
.badge.absent, .badge.unknown { color: var(--soft); border: 1px solid var(--rule); }
.meta { flex-basis: 100%; margin: 0; color: var(--soft); overflow-wrap: anywhere; }
section, figure {
  background: var(--card); border: 1px solid var(--rule); border-radius: .75rem; padding: 1rem 1.1rem;
  margin: 0 0 1rem;
}
.attention { border-color: var(--warning); }
.attention:has(.wrong) { border-color: var(--wrong); }
.cards { columns: 2 26rem; column-gap: 1rem; }
.cards section { break-inside: avoid; }
ul { list-style: none; margin: 0; padding: 0; }
li { display: grid; grid-template-columns: 1.2rem 6.6rem minmax(0, 1fr); gap: 0 .5rem; padding: .22rem 0; }
li + li { border-top: 1px solid var(--rule); }
li b { font-weight: 600; overflow-wrap: anywhere; }
li > span { overflow-wrap: anywhere; }
.attention li { grid-template-columns: 1.2rem 9rem minmax(0, 1fr); }
.fix { display: block; color: var(--soft); }
.fix::before { content: "→ "; }
.mark { font-weight: 700; }
.ok > .mark { color: var(--ok); } .wrong > .mark { color: var(--wrong); }
.warning > .mark { color: var(--warning); }
.unknown > .mark { color: var(--unknown); } .absent > .mark { color: var(--absent); }
.absent, .unknown { color: var(--soft); }
.said {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
}
figcaption { color: var(--soft); font-size: .85rem; margin-top: .7rem; }
figcaption > span { margin-right: 1rem; white-space: nowrap; }
footer { color: var(--soft); font-size: .85rem; }
.drawing { display: block; width: 100%; height: auto; }
.tall { display: none; max-width: 26rem; margin: 0 auto; }
.drawing text { fill: var(--text); font-size: 12.5px; }
.drawing .name { font-size: 15px; font-weight: 600; }
.drawing .small .name { font-size: 13.5px; }
.drawing .line { fill: var(--soft); }
.drawing .mark { text-anchor: middle; font-size: 14px; }
.drawing rect { fill: var(--card); stroke: var(--ok); stroke-width: 1.5; }
.drawing .group rect { fill: var(--group); }
.drawing .visitors rect { stroke: var(--soft); }
.drawing .wrong rect { fill: var(--wrong-tint); stroke: var(--wrong); stroke-width: 2.5; }
.drawing .warning rect { fill: var(--warning-tint); stroke: var(--warning); }
.drawing .unknown rect { stroke: var(--unknown); }
.drawing .absent rect { fill: none; stroke: var(--absent); stroke-dasharray: 6 5; }
.drawing .absent .name { fill: var(--soft); font-weight: 500; }
.drawing .ok .mark { fill: var(--ok); } .drawing .wrong .mark { fill: var(--wrong); }
.drawing .warning .mark { fill: var(--warning); }
.drawing .unknown .mark, .drawing .absent .mark { fill: var(--soft); }
.way { fill: none; stroke: var(--soft); stroke-width: 1.5; }
.way.wrong { stroke: var(--wrong); stroke-width: 2.5; }
.way.absent { stroke: var(--absent); stroke-dasharray: 6 5; }
.head { fill: var(--soft); } .head.wrong { fill: var(--wrong); }
@media (max-width: 44rem) {
  body { padding: 1.25rem .8rem; }
  .wide { display: none; } .tall { display: block; }
  li, .attention li { grid-template-columns: 1.2rem minmax(0, 1fr); }
  li > span:last-child { grid-column: 2; }
}
@media print {
  :root {
    --page: #fff; --card: #fff; --text: #000; --soft: #444; --rule: #bbb; --group: #fff;
    --ok: #17723a; --wrong: #c21f2d; --warning: #8a5a00; --unknown: #444; --absent: #555;
    --ok-tint: #fff; --wrong-tint: #fff; --warning-tint: #fff;
  }
  body { max-width: none; padding: 0; font-size: 11px; }
  .wide { display: block; } .tall { display: none; }
  figure, section { break-inside: avoid; }
}
"""
