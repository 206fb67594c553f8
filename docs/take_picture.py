"""Takes a picture out of a report for the guide: python docs/take_picture.py RUN/report.html TITLE OUT.svg

The file has the report's colours in it, for light and dark screens, and a card behind it, so that it can be read on any
page.
"""

import re
import sys
from pathlib import Path

MARGIN = 14


def take_picture(report: str, title: str) -> str:
    """The picture below the heading `title` (or that begins so) as a file of its own."""
    style = report[report.index("<style>") + 7 : report.index("</style>")]
    part = re.search(rf"<h2>{re.escape(title)}[^<]*</h2>(.*?)</figure>", report, re.DOTALL)
    if part is None:
        raise SystemExit(f"no picture {title!r}; there are {re.findall('<h2>(.*?)</h2>', report)}")
    curve = re.search(r'<div class="scroll wide linear">(.*?)</div>', part[1], re.DOTALL)
    whole = re.search(r"<svg[^>]*>.*</svg>", curve[1] if curve else part[1], re.DOTALL)
    if whole:
        picture = whole[0]
        width, height = map(float, re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', picture)[0])
        picture = re.sub(r'^<svg class="(\w+)"[^>]*?(?= viewBox)', rf'<svg class="\1" width="{width:g}"', picture)
        inner = picture.replace("<svg ", f'<svg x="{MARGIN}" y="{MARGIN}" height="{height:g}" ', 1)
    else:  # tagged text is HTML
        body = re.sub(r"<figure[^>]*>", "", part[1]).replace("&nbsp;", "&#160;")
        sentences = re.findall(r'<div class="tagged">.*?</div>', body, re.DOTALL)[:4]
        width, height = 760, 70 * len(sentences) - 14
        inner = (
            f'<foreignObject x="{MARGIN}" y="{MARGIN}" width="{width:g}" height="{height:g}">'
            f'<div xmlns="http://www.w3.org/1999/xhtml" class="box">{"".join(sentences)}</div></foreignObject>'
        )
    outer = f"{width + 2 * MARGIN:g}", f"{height + 2 * MARGIN:g}"
    used = "".join(
        f"{rule}\n" for rule in re.findall(r"[^\n{}][^{}]*\{[^{}]*(?:\{[^{}]*\}\s*)*\}", style) if _used(rule)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{outer[0]}" height="{outer[1]}" '
        f'viewBox="0 0 {outer[0]} {outer[1]}">\n<style>\nsvg, .box {{ font: 14px system-ui, sans-serif; }} '
        ".box { color: var(--ink); } .tagged { margin-bottom: 1.2em; }\n"
        f"{used}</style>\n"
        '<rect x="0.5" y="0.5" rx="10" style="fill: var(--card); stroke: var(--line)" '
        f'width="{width + 2 * MARGIN - 1:g}" height="{height + 2 * MARGIN - 1:g}"/>\n{inner}\n</svg>\n'
    )


def _used(rule: str) -> bool:
    return bool(re.match(r"\s*(:root|@media \(prefers|\.picture|\.tagged|\.chart|\.grid|\.axis|polyline|circle)", rule))


if __name__ == "__main__":
    source, heading, target = sys.argv[1:]
    Path(target).parent.mkdir(exist_ok=True)
    Path(target).write_text(take_picture(Path(source).read_text(encoding="utf-8"), heading), encoding="utf-8")
