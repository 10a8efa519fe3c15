"""How the page of evidence looks, on a screen and on paper (A4). No font or image from elsewhere."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { font: 14px/1.45 "Liberation Sans", Arial, Helvetica, sans-serif; color: #16202b; background: #fff;
  max-width: 62rem; margin: 2rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.3rem; margin: 0 0 .6rem; overflow-wrap: anywhere; }
h2 { font-size: 1.02rem; margin: 1.8rem 0 .5rem; padding-bottom: .2rem; border-bottom: 1px solid #9aa7b4; }
header p, footer p { margin: .25rem 0; }
.banner { background: #fff4d6; border: 1px solid #d9b44a; padding: .4rem .7rem; }
.summary { background: #eef3f8; border-left: 4px solid #2c5b8a; padding: .2rem 1rem .6rem; margin-top: 1.2rem; }
.summary h2 { border: 0; margin: .6rem 0 .2rem; }
.summary p { margin: .45rem 0; }
table { width: 100%; border-collapse: collapse; font-size: .86rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .5rem; border-bottom: 1px solid #d5dce3; }
th { background: #f3f5f7; font-weight: 600; }
td { overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
code { font: .82em/1.35 "Liberation Mono", "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
time { white-space: nowrap; }
.minor { color: #55636f; font-size: .92em; }
.clock { font-size: .84rem; }
.clock td:nth-child(-n+3) { white-space: nowrap; }
.clock td:nth-child(3) { text-align: right; }
.asked { background: #fff4d6; border: 1px solid #d9b44a; padding: 0 .3rem; }
.good, .bad, .gone { white-space: nowrap; }
.good { color: #11632f; font-weight: 600; }
.bad { color: #a40000; font-weight: 700; }
.gone { color: #8a5a00; font-weight: 600; }
footer { margin-top: 2rem; color: #3c4853; font-size: .9rem; }
@page { size: A4; margin: 16mm 14mm; }
@media print {
  body { font-size: 9.5pt; max-width: none; margin: 0; padding: 0; }
  table { font-size: 8pt; }
  .clock { font-size: 8pt; }
  th, td { padding: .16rem .3rem; }
  code { font-size: 6.7pt; }
  .clock code { font-size: 6.1pt; }
  h2 { break-after: avoid; }
  tr, .summary p { break-inside: avoid; }
  thead { display: table-header-group; }
  .summary, .banner, th, .asked { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
