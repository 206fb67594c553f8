"""The style of the pictures, for the head of a page; colours are the variables of report.html (--ink, --train, …)."""

STYLE = """
:root { --shade: #1d55b5; --tint: 85%; --tint-strength: 70%; --band: 60%; }
@media (prefers-color-scheme: dark) { :root { --shade: #6ea8ff; --tint: 27%; --tint-strength: 42%; --band: 58%; } }
.picture { display: block; max-width: 100%; height: auto; }
.wide > .picture { max-width: none; }
.wide > .picture[width="100%"] { min-width: 34rem; }
.picture text { fill: var(--soft); font-size: 12px; font-family: inherit; font-variant-numeric: tabular-nums; }
.picture text.on-light { fill: var(--ink); }
.picture text.on-dark { fill: var(--page); }
.picture text.strong { fill: var(--ink); font-weight: 600; }
.picture .shade { fill: var(--shade); }
.picture .edge { fill: none; stroke: var(--line); }
.picture path { fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
.picture path.past { stroke: var(--soft); stroke-width: 1.3; }
.picture path.truth { stroke: var(--train); }
.picture path.predicted { stroke: var(--valid); }
.picture path.interval { fill: var(--valid); opacity: .2; }
.picture path.thin { stroke: var(--soft); stroke-width: 1; }
.picture path.now { stroke: var(--soft); stroke-dasharray: 3 4; stroke-width: 1; }
.picture .mark.truth { fill: var(--train); stroke: none; }
.picture .mark.predicted { fill: var(--valid); stroke: none; }
.picture .mark.alone { fill: none; stroke-width: 1.8; }
.picture .mark.truth.alone { stroke: var(--train); }
.picture .mark.predicted.alone { stroke: var(--valid); }
.picture .bar { fill: var(--train); opacity: .75; }
.picture .whisker { stroke: var(--ink); stroke-width: 1.5; }
.picture .band { fill: hsl(var(--hue) 62% var(--band)); }
.picture .wrong { fill: var(--valid); }
.tagged { display: flex; flex-wrap: wrap; gap: .35rem .3rem; line-height: 1.25; }
.tagged + .tagged { margin-top: .9rem; }
.tagged > span { display: inline-grid; grid-template-rows: auto 1.15rem 1.15rem; gap: 2px; text-align: center;
  justify-items: stretch; }
.tagged b { font-weight: 400; padding: 0 .15rem; white-space: pre; }
.tagged i { font-style: normal; font-size: .7rem; line-height: 1.15rem; padding: 0 .25rem; border-radius: 3px;
  min-width: 1.2rem; color: var(--ink); background: hsl(var(--hue) var(--tint-strength) var(--tint)); }
.tagged i.none { background: none; color: var(--soft); box-shadow: inset 0 -1px var(--line); }
.tagged i.wrong { box-shadow: inset 0 0 0 2px var(--valid); }
.tagged .rows { color: var(--soft); text-align: right; margin-right: .3rem; }
.tagged .rows i { background: none; color: var(--soft); padding-left: 0; }
"""
