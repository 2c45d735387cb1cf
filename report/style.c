// SPDX-License-Identifier: Apache-2.0
// How the page looks: wide, narrow, light, dark and on paper.
#include "report/html.h"

const char *const html_style[] = {
    ":root{color-scheme:light "
    "dark;--bg:#f6f7f9;--card:#fff;--ink:#1c2330;--soft:#5b6575;--line:#dfe3ea;--good:#1a7f4b;--warn:#a86200;"
    "--bad:#c2283a;--plain:#60708a;--good-bg:#e3f4ea;--warn-bg:#fdf0d9;--bad-bg:#fde7e9;--plain-bg:#eaeef4;--"
    "track:#edf0f5;--c0:#2f6fde;--c1:#0d8a8a;--c2:#8a4fd0;--c3:#c2590c;--c4:#3b7d23;--c5:#b83280;--c6:#"
    "5a6b86;--c7:#8a6d1a}",
    "@media(prefers-color-scheme:dark){:root{--bg:#11151c;--card:#1a202a;--ink:#e6eaf1;--soft:#98a4b6;--line:"
    "#2c3543;--good:#58c98a;--warn:#e6ac4c;--bad:#ff7d8b;--plain:#93a4bf;--good-bg:#163425;--warn-bg:#3a2c12;"
    "--bad-bg:#421d24;--plain-bg:#252e3b;--track:#242c38;--c0:#6ea2ff;--c1:#3fc1bd;--c2:#b78bf5;--c3:#f0924e;"
    "--c4:#86c86a;--c5:#ee7dbb;--c6:#9fb1cc;--c7:#d3b555}",
    "}",
    "*{box-sizing:border-box}",
    "body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,'Segoe "
    "UI',Roboto,'Noto Sans',Ubuntu,'DejaVu Sans',sans-serif;-webkit-text-size-adjust:100%}",
    "main,header,footer{max-width:1180px;margin:0 auto;padding:0 24px}",
    "header{padding-top:36px}",
    "h1{font-size:28px;line-height:1.2;letter-spacing:-.02em;margin:0 0 6px}",
    ".sub{color:var(--soft);margin:0}",
    ".verdict{font-size:18px;margin:18px 0 0;padding:14px 18px;border-radius:12px;border-left:5px solid "
    "var(--good);background:var(--good-bg)}",
    ".verdict.warn{border-color:var(--warn);background:var(--warn-bg)}",
    ".verdict.bad{border-color:var(--bad);background:var(--bad-bg)}",
    ".cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:14px;margin:22px 0 0}",
    ".card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:14px 16px}",
    ".card "
    "b{display:block;font-size:26px;line-height:1.25;letter-spacing:-.01em;font-variant-numeric:tabular-"
    "nums}",
    ".card span{color:var(--soft);font-size:13px}",
    ".card small{display:block;font-size:13px;color:var(--soft)}",
    ".card .bad{color:var(--bad)}",
    ".card .warn{color:var(--warn)}",
    ".card .good{color:var(--good)}",
    "section{background:var(--card);border:1px solid var(--line);border-radius:12px;margin:22px "
    "0;padding:18px 20px}",
    "h2{font-size:18px;margin:0;letter-spacing:-.01em}",
    ".note{color:var(--soft);font-size:13.5px;margin:2px 0 12px}",
    ".lane{display:grid;grid-template-columns:210px 1fr;gap:14px;align-items:center;padding:4px 0}",
    ".lane>div{min-width:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;font-size:14px}",
    ".lane>div "
    "small{display:block;color:var(--soft);font-size:12px;font-variant-numeric:tabular-nums;overflow:hidden;"
    "text-overflow:ellipsis}",
    ".lane svg.t{width:100%;height:30px;display:block;overflow:visible}",
    ".lane.axis svg.t{height:20px}",
    ".lane.marks{border-top:1px dashed var(--line)}",
    ".track{fill:var(--track)}",
    ".tick{stroke:var(--line);stroke-width:1}",
    ".axis text{fill:var(--soft);font-size:12px;font-variant-numeric:tabular-nums}",
    ".u0{fill:var(--c0)}",
    ".u1{fill:var(--c1)}",
    ".u2{fill:var(--c2)}",
    ".u3{fill:var(--c3)}",
    ".u4{fill:var(--c4)}",
    ".u5{fill:var(--c5)}",
    ".u6{fill:var(--c6)}",
    ".u7{fill:var(--c7)}",
    "path.good{fill:var(--good)}",
    "path.plain{fill:var(--plain)}",
    "path.warn{fill:var(--warn)}",
    "path.bad{fill:var(--bad)}",
    "path{stroke:var(--card);stroke-width:1}",
    ".legend{display:flex;flex-wrap:wrap;gap:6px 18px;color:var(--soft);font-size:13px;margin:10px 0 "
    "0;padding:0;list-style:none}",
    ".legend svg{width:14px;height:14px;vertical-align:-2px;overflow:visible}",
    ".wrap{overflow-x:auto}",
    "table{border-collapse:collapse;width:100%;font-size:14px}",
    "th{text-align:left;font-weight:600;color:var(--soft);font-size:12.5px;padding:6px 12px 6px "
    "0;border-bottom:1px solid var(--line);white-space:nowrap}",
    "td{padding:8px 12px 8px 0;border-bottom:1px solid "
    "var(--line);vertical-align:top}",
    "tr:last-child td{border-bottom:0}",
    "time,.num{font-variant-numeric:tabular-nums;white-space:nowrap}",
    "td "
    "small{display:block;color:var(--soft);white-space:nowrap;font-variant-numeric:tabular-nums}td.w{"
    "overflow-wrap:anywhere;min-width:130px}td.h{min-width:165px}td.k{white-space:nowrap}",
    ".num{text-align:left}",
    ".tag{display:inline-block;border-radius:999px;padding:1px "
    "10px;font-size:12.5px;font-weight:600;white-space:nowrap}",
    ".tag.good{color:var(--good);background:var(--good-bg)}",
    ".tag.warn{color:var(--warn);background:var(--warn-bg)}",
    ".tag.bad{color:var(--bad);background:var(--bad-bg)}",
    ".tag.plain{color:var(--plain);background:var(--plain-bg)}",
    ".events{list-style:none;margin:0;padding:0}",
    ".events li{display:grid;grid-template-columns:150px 1fr;gap:4px 16px;padding:9px 0;border-bottom:1px "
    "solid var(--line)}",
    ".events li:last-child{border-bottom:0}",
    ".events time{color:var(--soft)}",
    ".events p{margin:0;overflow-wrap:anywhere}",
    ".events p small{color:var(--soft)}",
    ".bar{height:8px;width:100%;display:block;margin-top:5px}",
    ".bar rect{fill:var(--track)}",
    ".bar rect.plain{fill:var(--plain)}",
    ".bar rect.good{fill:var(--good)}",
    ".bar rect.warn{fill:var(--warn)}",
    ".bar rect.bad{fill:var(--bad)}",
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 18px;margin:0;font-size:14px}",
    "dt{color:var(--soft)}",
    "dd{margin:0;overflow-wrap:anywhere}",
    "code{font:13px/1.5 ui-monospace,'DejaVu Sans Mono',monospace}",
    "a{color:inherit}.none{color:var(--soft);margin:0}",
    "footer{color:var(--soft);font-size:13px;padding-bottom:40px}",
    "@media(max-width:700px){main,header,footer{padding:0 14px}header{padding-top:22px}",
    "h1{font-size:23px}section{padding:14px}.lane{grid-template-columns:1fr;gap:2px}",
    ".lane.axis>div{display:none}.cards{grid-template-columns:1fr 1fr;gap:10px}",
    ".events "
    "li{grid-template-columns:1fr}.tag{white-space:normal;border-radius:10px}table,tbody,tr,td{display:"
    "block}",
    "thead{display:none}tr{padding:10px 0;border-bottom:1px solid var(--line)}",
    "tr:last-child{border-bottom:0}td{border:0;padding:1px 0}td.num{text-align:left}",
    "td:empty{display:none}td[data-l]::before{content:attr(data-l) ' ';color:var(--soft);font-size:12.5px}",
    "}",
    "@media print{:root{--bg:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#bbb;--track:#eee}",
    "body{font-size:11px}main,header,footer{max-width:none;padding:0}",
    "section,.card{break-inside:avoid;border-radius:0}section.long{break-inside:auto}",
    "tr,li{break-inside:avoid}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}",
    "}",
    NULL,
};
