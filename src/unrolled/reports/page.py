"""report.html: one page about a run, readable offline, in light and dark, on wide and narrow screens."""

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.atomic import write_atomically
from unrolled.formats import format_count, format_duration
from unrolled.reports.charts import Curve, TickRow, line_chart, smoothed
from unrolled.reports.style import STYLE as PICTURE_STYLE

_STYLE = """
:root { color-scheme: light dark; --page: #fbfbfa; --card: #fff; --ink: #1c1d20; --soft: #63666d; --line: #e3e4e6;
  --train: #2a6fdb; --valid: #d9580d; }
@media (prefers-color-scheme: dark) { :root { --page: #131417; --card: #1b1d21; --ink: #e9eaec; --soft: #a0a4ac;
  --line: #32353b; --train: #6ea8ff; --valid: #ff9a52; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 60rem; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 1.25rem; line-height: 1.25; overflow-wrap: anywhere; }
h1 + p { margin: -.85rem 0 1.25rem; color: var(--soft); overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2.25rem 0 .75rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.1rem; margin: 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .75rem; margin: 0; }
.tiles .card { padding: .7rem .9rem; }
.tiles dt { color: var(--soft); font-size: .82rem; }
.tiles dd { margin: 0; font-size: 1.3rem; font-weight: 600; font-variant-numeric: tabular-nums;
  overflow-wrap: anywhere; line-height: 1.3; }
.tiles dd.words { font-size: .95rem; font-weight: 400; }
.tiles small { display: block; color: var(--soft); font-size: .8rem; font-weight: 400; line-height: 1.4; }
.pair { margin-top: .75rem; display: grid; gap: .75rem;
  grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); }
figure > p { margin: 0 0 .3rem; font-size: .85rem; }
figcaption { font-weight: 600; font-size: .92rem; margin-bottom: .4rem; }
.key { color: var(--soft); margin-right: 1rem; white-space: nowrap; }
.key::before { content: ""; display: inline-block; width: 1.1em; height: 3px; border-radius: 2px; margin-right: .4em;
  vertical-align: middle; background: var(--train); }
.key.valid::before { background: var(--valid); }
.key.raw::before { opacity: .35; }
.scroll { overflow-x: auto; margin-top: .6rem; }
.chart { display: block; width: 100%; height: auto; }
.wide > .chart { min-width: 34rem; }
.chart text { fill: var(--soft); font-size: 12px; font-family: inherit; font-variant-numeric: tabular-nums; }
.grid { stroke: var(--line); }
.axis { stroke: var(--soft); }
polyline { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
polyline.raw { stroke: var(--train); stroke-width: 1; opacity: .3; }
polyline.train { stroke: var(--train); }
polyline.valid { stroke: var(--valid); }
circle.train, circle.raw { fill: var(--train); }
circle.valid { fill: var(--valid); }
figure > input { margin: 0 .35rem 0 0; vertical-align: middle; accent-color: var(--train); }
figure > label { font-size: .85rem; color: var(--soft); margin-right: 1rem; }
#linear:checked ~ .log, #log:checked ~ .linear { display: none; }
.sample { margin: 0 0 .75rem; }
.sample pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; font: .88rem/1.55 ui-monospace, monospace; }
.prompt { font-weight: 700; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .75rem .3rem 0; border-top: 1px solid var(--line);
  overflow-wrap: anywhere; }
tr:first-child > * { border-top: 0; }
th { font-weight: 400; color: var(--soft); width: 42%; }
@media (max-width: 40rem) { body { padding: 1.25rem .75rem 3rem; } .card { padding: .8rem; } }
"""


LONG_VALUE = 14
"""Letters from which on what stands in a tile is words and not a number."""


def write_report(
    path: Path,
    *,
    title: str,
    metrics: Sequence[Mapping[str, Any]],
    settings: Mapping[str, Any],
    environment: Mapping[str, Any],
    samples: Sequence[tuple[str, str]],
    summary: Mapping[str, Any],
    pictures: Sequence[tuple[str, str]] = (),
    loss: str = "Loss in nats per token",
    unit: str = "tokens",
) -> None:
    """Write the report of a run as one HTML file without scripts and without anything to fetch.

    `metrics` are the records of metrics.jsonl; `settings` may be nested; `samples` are pairs of a prompt and the text
    that followed it; `summary` are the headline numbers, shown as given; `pictures` are titles with HTML, shown before
    the learning curve, whose caption is `loss` and which counts what was learned from in `unit`. Written whole or
    not at all.

    Raises `UserError` if the file cannot be written.
    """
    train = [record for record in metrics if record.get("kind") == "train"]
    valid = [record for record in metrics if record.get("kind") == "validation"]
    sections = [
        _heading(title),
        _tiles(summary),
        *(f'<h2>{escape(name)}</h2><figure class="card wide scroll">{html}</figure>' for name, html in pictures),
        _learning(train, valid, loss, unit),
        _samples(samples),
        f"<h2>Settings</h2>{_table(settings)}" if settings else "",
        f"<h2>Environment</h2>{_table(environment)}" if environment else "",
    ]
    head = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}{PICTURE_STYLE}</style></head>"
    )
    body = "\n".join(section for section in sections if section)
    write_atomically(path, f"{head}\n<body>\n{body}\n</body></html>\n")


def _heading(title: str) -> str:
    """What was learned, large; how the data was split and what else there is to say, small."""
    what, _, rest = title.partition("; ")
    return f"<h1>{escape(what)}</h1>" + (f"<p>{escape(rest)}</p>" if rest else "")


def _tiles(summary: Mapping[str, Any]) -> str:
    if not summary:
        return ""
    tiles = (
        f'<div class="card"><dt>{escape(str(label))}</dt>{_tile(_value(value))}</div>'
        for label, value in summary.items()
    )
    return f'<dl class="tiles">{"".join(tiles)}</dl>'


def _tile(value: str) -> str:
    """A value large, and its interval and baseline, as in `0.9 (0.8 to 1), baseline 0.5`, small below it."""
    main, interval, baseline = re.fullmatch(r"(.*?)(?: \(([^()]*)\))?(?:, (baseline .*))?", value, re.DOTALL).groups()  # type: ignore[union-attr]
    small = "".join(f"<small>{escape(part)}</small>" for part in (interval, baseline) if part)
    look = ' class="words"' if len(main) > LONG_VALUE else ""
    return f"<dd{look}>{escape(main)}{small}</dd>"


def _learning(train: Sequence[Mapping[str, Any]], valid: Sequence[Mapping[str, Any]], loss: str, unit: str) -> str:
    steps, losses = _column(train, "loss")
    valid_steps, valid_losses = _column(valid, "loss")
    smooth = smoothed(losses)
    curves = [
        Curve("training", steps, losses, "raw", fit=False),
        Curve("training", steps, smooth, "train"),
        Curve("validation", valid_steps, valid_losses, "valid", dots=len(valid_steps) <= 60),
    ]
    rows = _tick_rows(train, unit)
    charts = {
        name: line_chart(curves, title="Loss over steps", rows=rows, log_x=name == "log") for name in ("linear", "log")
    }
    keys = '<span class="key">training</span>'
    if smooth != losses:
        keys = '<span class="key raw">training</span><span class="key">training, smoothed</span>'
    if valid_steps:
        keys += '<span class="key valid">validation</span>'
    choice = (
        '<input type="radio" name="axis" id="linear" checked><label for="linear">linear</label>'
        '<input type="radio" name="axis" id="log"><label for="log">logarithmic steps</label>'
    )
    panels = "".join(f'<div class="scroll wide {name}">{chart}</div>' for name, chart in charts.items())
    norm_steps, norms = _column(train, "gradient_norm")
    rate_steps, rates = _column(train, "learning_rate")
    small = {
        "Gradient norm": line_chart(
            [
                Curve("gradient norm", norm_steps, norms, "raw"),
                Curve("gradient norm, smoothed", norm_steps, smoothed(norms), "train"),
            ],
            title="Gradient norm over steps",
            rows=rows[:1],
            log_y=True,
            width=440,
            height=210,
        ),
        "Learning rate": line_chart(
            [Curve("learning rate", rate_steps, rates, "train")],
            title="Learning rate over steps",
            rows=rows[:1],
            width=440,
            height=210,
        ),
    }
    pair = "".join(
        f'<figure class="card"><figcaption>{name}</figcaption>{chart}</figure>' for name, chart in small.items()
    )
    return (
        f'<h2>Learning curve</h2><figure class="card"><figcaption>{escape(loss)}</figcaption>'
        f'<p>{keys}</p>{choice}{panels}</figure><div class="pair">{pair}</div>'
    )


def _tick_rows(train: Sequence[Mapping[str, Any]], unit: str) -> list[TickRow]:
    """Updates, and below them the tokens (or other units) and the time at which one was reached, where measured."""
    rows = [TickRow("step", lambda step: f"{step:,.6g}")]
    for name, title, text in (("tokens", unit, format_count), ("seconds", "time", format_duration)):
        steps, values = _column(train, name)
        if len(steps) > 1:
            slope = values[-1] / steps[-1] if steps[-1] else 0.0

            def label(
                step: float, steps: list = steps, values: list = values, text: Any = text, slope: float = slope
            ) -> str:
                beyond = max(0.0, step - steps[-1]) * slope
                return text(float(np.interp(step, [0, *steps], [0, *values])) + beyond)

            rows.append(TickRow(title, label))
    return rows


def _samples(samples: Sequence[tuple[str, str]]) -> str:
    if not samples:
        return ""
    shown = (
        f'<figure class="card sample"><pre><span class="prompt">{escape(prompt)}</span>{escape(text)}</pre></figure>'
        for prompt, text in samples
    )
    return f"<h2>Samples</h2>{''.join(shown)}"


def _table(values: Mapping[str, Any]) -> str:
    rows = (
        f"<tr><th>{escape(name)}</th><td>{escape(_value(value))}</td></tr>"
        for name, value in _flatten(values, prefix="")
    )
    return f'<div class="card"><table>{"".join(rows)}</table></div>'


def _flatten(values: Mapping[str, Any], prefix: str) -> Iterable[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _column(records: Sequence[Mapping[str, Any]], name: str) -> tuple[list[float], list[float]]:
    """The steps and the values of a field, where it is given and finite."""
    pairs = [(float(r["step"]), float(r[name])) for r in records if isinstance(r.get(name), int | float)]
    kept = [(step, value) for step, value in pairs if np.isfinite(value)]
    return [step for step, _ in kept], [value for _, value in kept]


def _value(value: Any) -> str:
    if value is None:
        return "–"  # noqa: RUF001 - a dash for "not set"
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:,.4g}"
    if isinstance(value, Sequence):
        return ", ".join(map(_value, value)) or "none"
    return str(value)
