# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""The style sheet of the fleet's page. The colours at its head are those of a cache's own status page, value by value.

Owns no words and no structure. Rule for editors: a colour is changed in both places; a contract test compares them."""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --ground: #f5f6f8; --sheet: #ffffff; --line: #e2e5ea; --text: #1b2230; --quiet: #5b6475;
  --accent: #1f5fd1; --track: #e6eaf1; --well: #147a48; --care: #9a5b00; --sick: #c02a2a; --rest: #b9c1ce;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #10141b; --sheet: #181e28; --line: #2a3240; --text: #e7ebf2; --quiet: #9aa5b8;
    --accent: #6ea3ff; --track: #2a3342; --well: #4cc38a; --care: #f0b457; --sick: #ff7b72; --rest: #465167;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 66rem; padding: 1.25rem 1rem 2rem; background: var(--ground); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; }
h1, h2, h3, p, dl, dd, ul { margin: 0; padding: 0; }
ul { list-style: none; }
header { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between;
  gap: .25rem 1.5rem; padding: 0 .25rem .9rem; }
.name { font-weight: 650; letter-spacing: -.01em; }
.mark { display: inline-block; width: .8em; height: .8em; margin-right: .5em; border-radius: .22em;
  vertical-align: -.05em;
  background: linear-gradient(135deg, var(--accent) 0 50%, var(--rest) 50% 100%); }
.facts, .under, .empty, .word { color: var(--quiet); font-size: .87rem; font-weight: 400; overflow-wrap: anywhere; }
main { display: grid; gap: .9rem; }
section { min-width: 0; background: var(--sheet); border: 1px solid var(--line); border-radius: .75rem;
  padding: 1rem 1.15rem; }
[data-state="sick"] { --tone: var(--sick); }
[data-state="care"] { --tone: var(--care); }
[data-state="well"] { --tone: var(--well); }
.state { border-left: .35rem solid var(--tone); }
h1 { font-size: 1.5rem; line-height: 1.25; letter-spacing: -.015em; font-weight: 680; color: var(--tone); }
.lamp { display: inline-block; width: .62em; height: .62em; border-radius: 50%; margin-right: .45em;
  vertical-align: .06em; background: var(--tone); }
.line { display: flex; justify-content: space-between; align-items: baseline; gap: 1rem; }
h2 { font-size: 1.1rem; font-weight: 660; overflow-wrap: anywhere; }
.badge { color: var(--tone); border: 1px solid var(--tone); border-radius: 1rem; padding: 0 .7em;
  font-size: .82rem; font-weight: 600; white-space: nowrap; }
.reasons { margin: .35rem 0; }
.reasons li { overflow-wrap: anywhere; padding-left: 1.1em; text-indent: -1.1em; }
.reasons li::before { content: "!"; color: var(--tone); font-weight: 800; display: inline-block; width: 1.1em;
  text-indent: 0; }
.hosts { display: grid; gap: .75rem; margin: .75rem 0 .6rem; }
.host { border-top: 1px solid var(--line); padding-top: .7rem; }
h3 { font-size: .95rem; font-weight: 620; overflow-wrap: anywhere; }
.dot { display: inline-block; width: .55em; height: .55em; border-radius: 50%; margin-right: .5em;
  background: var(--tone); vertical-align: .06em; }
.figures { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: .5rem .9rem; margin-top: .45rem; }
.figures dt { font-size: .82rem; color: var(--quiet); }
.figures dd:not(.under) { font-size: 1.1rem; font-weight: 640; font-variant-numeric: tabular-nums; }
@media (max-width: 46rem) { .figures { grid-template-columns: 1fr 1fr; } }
code { font: .92em ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, monospace; }
progress { appearance: none; display: block; width: 100%; height: .5rem; margin: .5rem 0 .2rem; border: 0;
  border-radius: 1rem; overflow: hidden; background: var(--track); }
progress::-webkit-progress-bar { background: var(--track); }
progress::-webkit-progress-value { background: var(--accent); border-radius: 1rem; }
progress::-moz-progress-bar { background: var(--accent); border-radius: 1rem; }
@media print { body { max-width: none; } section { break-inside: avoid; } }
"""
