#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""plot.py BENCH.JSON: draws what `make bench` measured of calls and of starts, as an SVG.

A dot is the median ratio to the same without a preload, the line through it its quartiles.
"""

import html
import json
import sys

WIDTH, LEFT, RIGHT, LINE = 760, 250, 70, 19
SECTIONS = {  # and where the scale ends, for not all are near 1
    "connect() to a listening port": 1.1,
    "connect() to a closed port, non-blocking": 1.1,
    "start of true, preloaded": None,
    "start of true through a wrapper": None,
}
STYLE = """
text { font: 12px sans-serif; fill: #24292f }
.head { font-weight: bold }
.axis { fill: #57606a; font-size: 11px }
.grid { stroke: #d0d7de }
.other { stroke: #57606a; fill: #57606a }
.own { stroke: #0969da; fill: #0969da }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .axis { fill: #8d96a0 } .grid { stroke: #30363d }
  .other { stroke: #8d96a0; fill: #8d96a0 } .own { stroke: #4493f8; fill: #4493f8 }
}
"""


def text(x, y, what, style="", anchor="start"):
    where = f'x="{x:.1f}" y="{y:.1f}" class="{style}" text-anchor="{anchor}"'
    return f"<text {where}>{html.escape(what)}</text>"


def line(x1, y1, x2, y2, style):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{style}"/>'


def panel(top, title, rows, high):
    """The lines of one section, on a scale of its own. What is beyond it is an arrow."""
    low = min(0.98, min(r["ratio"][1] for r in rows))
    if high is None:
        high = max(r["ratio"][2] for r in rows) * 1.02
        low = 0 if high > 2 else low
    step = next(s for s in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10) if (high - low) / s <= 9)
    bottom = top + LINE * (len(rows) + 1)

    def x(ratio):
        ratio = min(max(ratio, low), high)
        return LEFT + (ratio - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    out = [text(8, top + 13, title, "head")]
    for i in range(round(low / step), round(high / step) + 1):
        if low <= i * step <= high:
            out.append(line(x(i * step), top + LINE, x(i * step), bottom, "grid"))
            out.append(text(x(i * step), bottom + 13, f"{i * step:g}", "axis", "middle"))
    for i, r in enumerate(rows):
        y = top + LINE * (i + 1.5)
        style = "own" if r["with"].startswith("noselfconn") else "other"
        median, lower, upper = r["ratio"]
        out.append(text(LEFT - 10, y + 4, r["with"], "", "end"))
        if median > high:
            shape = f'<path d="M{x(high) - 8:.1f} {y - 4:.1f} l8 4 l-8 4 z" class="{style}"/>'
        else:
            shape = f'<circle cx="{x(median):.1f}" cy="{y:.1f}" r="4" class="{style}"/>'
            out.append(line(x(lower), y, x(upper), y, style))
        out.append(shape)
        out.append(text(WIDTH - RIGHT + 8, y + 4, f"{median:.3f}"))
    return out, bottom + 2 * LINE


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        result = json.load(file)
    body, top = [], 8
    for title, high in SECTIONS.items():
        rows = [r for r in result["rows"] if r["section"] == title and r.get("ratio")]
        if rows:
            lines, top = panel(top, title, rows, high)
            body += lines
    about = result["machine"]
    notes = (
        "Time, as a ratio to the same without a preload: median and quartiles",
        f"{about['cpu']}, {about['kernel']}",
    )
    body += [text(8, top + 4 + 16 * i, note, "axis") for i, note in enumerate(notes)]
    size = f'width="{WIDTH}" viewBox="0 0 {WIDTH} {top + 30:.0f}"'
    print(f'<svg xmlns="http://www.w3.org/2000/svg" {size}>')
    print("<!-- SPDX-License-Identifier: MIT -->")
    print(f"<style>{STYLE}</style>", *body, "</svg>", sep="\n")


main()
