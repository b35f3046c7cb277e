#include "report/html_parts.h"

namespace martlet::report {
namespace {

// Colours are checked for a contrast of at least 4.5 to the background in both themes; the palette
// follows Okabe and Ito, who chose theirs for eyes that see few colours.
constexpr std::string_view kStyle = R"css(
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--soft:#57606a;--line:#d5dae0;--panel:#f5f7f9;
--accent:#0a5ba3;--good:#11703f;--bad:#b3261e;--warn:#8a5300;--warn-bg:#fff6e0;--bad-bg:#fdeceb;
--c0:#0a62ab;--c1:#b55400;--c2:#11703f;--c3:#8b3fa8;--c4:#b3261e;--c5:#00727d;--c6:#7a5c00;--c7:#57606a}
@media screen and (prefers-color-scheme:dark){:root{--bg:#14171a;--fg:#e4e7ea;--soft:#a3acb5;
--line:#343b42;--panel:#1c2024;--accent:#79b8f3;--good:#5fce96;--bad:#ff8f86;--warn:#f0b45a;
--warn-bg:#2c2413;--bad-bg:#331b1a;--c0:#6fb6f7;--c1:#f0a35b;--c2:#5fce96;--c3:#cf9aea;--c4:#ff8f86;
--c5:#57ccd6;--c6:#d9bd55;--c7:#a3acb5}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,-apple-system,"Segoe UI",
"Noto Sans","DejaVu Sans",sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:break-word}
header,main,footer{max-width:1160px;margin:0 auto;padding:0 24px}
header{padding-top:28px}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 4px}
h2{font-size:1.25rem;line-height:1.3;margin:44px 0 8px;padding-top:14px;border-top:2px solid var(--line)}
h3{font-size:1rem;margin:26px 0 6px}
p{margin:6px 0;max-width:76ch}
.soft,footer{color:var(--soft)}
footer{font-size:.86rem;margin-top:44px;padding-top:12px;padding-bottom:36px}
a{color:var(--accent)}
pre{margin:12px 0;padding:10px 14px;background:var(--panel);border:1px solid var(--line);
border-radius:6px;font:13px/1.5 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;
white-space:pre-wrap;overflow-wrap:anywhere}
.key-figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(155px,1fr));gap:10px 20px;margin:14px 0;padding:0;list-style:none}
.key-figures li{display:flex;flex-direction:column}
.key-figures b{font-size:1.5rem;line-height:1.25;font-weight:600}
.key-figures span{color:var(--soft);font-size:.86rem}
.scroll{overflow-x:auto;margin:14px 0}
table{border-collapse:collapse;font-size:.92rem}
caption{text-align:left;font-weight:600;padding:0 0 4px}
th,td{padding:4px 14px 4px 0;text-align:right;vertical-align:baseline;white-space:nowrap;
border-bottom:1px solid var(--line)}
th:last-child,td:last-child{padding-right:0}
thead th{color:var(--soft);font-weight:500;border-bottom-color:var(--soft)}
th[scope=row]{font-weight:400}
th[scope=row],th.text,td.text{text-align:left}
th[scope=row]{white-space:normal;min-width:16ch}
td.text:last-child{white-space:normal}
.tables{display:flex;flex-wrap:wrap;gap:0 56px;align-items:flex-start}
.tables>*{min-width:0;max-width:100%}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,250px),1fr));gap:6px 28px;margin:10px 0}
.facts div{min-width:0}
dt{color:var(--soft);font-size:.8rem;line-height:1.4}
dd{margin:0;white-space:pre-line;overflow-wrap:anywhere}
.notes{list-style:none;margin:12px 0;padding:8px 14px;border-left:4px solid;border-radius:4px}
.warning{border-color:var(--warn);background:var(--warn-bg)}.warning strong{color:var(--warn)}
.fault{border-color:var(--bad);background:var(--bad-bg)}.fault strong,.failed{color:var(--bad)}
details{margin:10px 0}summary{cursor:pointer;color:var(--accent)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));gap:22px 32px;margin:18px 0}
figure{margin:0;min-width:0;max-width:660px;break-inside:avoid}
figcaption{font-weight:600}
.legend{display:flex;flex-wrap:wrap;gap:2px 18px;margin:2px 0 6px;padding:0;list-style:none;font-size:.86rem;
color:var(--soft);min-height:1.5em}
.legend li{min-width:0}
.key{margin-right:6px;vertical-align:middle}
.chart svg.wide,.chart svg.narrow{display:block;width:100%;height:auto}
.chart svg.narrow{display:none}
@media (max-width:540px){header,main,footer{padding-left:14px;padding-right:14px}
.chart svg.wide{display:none}.chart svg.narrow{display:block}h1{font-size:1.35rem}
.facts{grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:6px 16px}.facts dd{font-size:.92rem}
table{font-size:.86rem}th,td{padding-right:10px}.scroll th[scope=row]{min-width:13ch}td.text:last-child{white-space:nowrap}}
svg text{fill:var(--soft);font-size:12px;font-family:inherit}
svg .grid{stroke:var(--line);stroke-width:1}
polyline{fill:none;stroke-width:2;stroke-linejoin:round}
.key line{stroke-width:2.5}
.dashed{stroke-dasharray:6 4}
.s0{stroke:var(--c0)}.s1{stroke:var(--c1)}.s2{stroke:var(--c2)}.s3{stroke:var(--c3)}
.s4{stroke:var(--c4)}.s5{stroke:var(--c5)}.s6{stroke:var(--c6)}.s7{stroke:var(--c7)}
circle.s0{fill:var(--c0)}circle.s1{fill:var(--c1)}circle.s2{fill:var(--c2)}circle.s3{fill:var(--c3)}
circle.s4{fill:var(--c4)}circle.s5{fill:var(--c5)}circle.s6{fill:var(--c6)}circle.s7{fill:var(--c7)}
.ratio{display:block;min-width:180px}
.ratio .one{stroke:var(--soft);stroke-width:1.5}
.ratio .round{fill:var(--soft);opacity:.55}
.ratio .span{stroke-width:3;stroke-linecap:round}
.ratio .better{stroke:var(--good)}.ratio .worse{stroke:var(--bad)}.ratio .same{stroke:var(--soft)}
.ratio .dot{stroke-width:2}
.ratio circle.better{fill:var(--good)}.ratio circle.worse{fill:var(--bad)}.ratio circle.same{fill:var(--bg)}
.verdicts{width:100%}
.verdicts .plot{width:34%;padding-top:0;padding-bottom:0;vertical-align:middle}
.verdicts .group th{padding-top:14px;font-weight:600;text-align:left}
.verdicts .better{color:var(--good)}.verdicts .worse{color:var(--bad)}.verdicts .same{color:var(--soft)}
.verdicts .verdict{text-align:left;padding-left:8px}
.verdicts .direction{display:flex;justify-content:space-between;font-weight:400;font-size:.8rem}
@media (max-width:760px){.verdicts,.verdicts tbody{display:block}.verdicts thead,.verdicts caption{display:block}
.verdicts thead th:not(.plot){display:none}.verdicts thead tr,.verdicts thead .plot{display:block;width:100%}
.verdicts tbody tr{display:grid;grid-template-columns:repeat(auto-fit,minmax(120px,1fr));gap:0 14px;padding:8px 0;
border-bottom:1px solid var(--line)}
.verdicts tbody th,.verdicts tbody td{display:block;border:0;padding:0;text-align:left;white-space:normal}
.verdicts tbody th,.verdicts .plot,.verdicts .verdict{grid-column:1/-1;width:100%}
.verdicts .verdict{padding-left:0}
.verdicts tbody td[data-server]::before{content:attr(data-server) " ";color:var(--soft)}}
@media print{body{font-size:10.5pt}header,main,footer{max-width:none;padding:0}
h2,h3{break-after:avoid}tr,figure,.facts div{break-inside:avoid}.scroll{overflow:visible}
th,td{white-space:normal}details::details-content{content-visibility:visible;block-size:auto}
svg,.notes,pre{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
)css";

}  // namespace

std::string_view StyleSheet() { return kStyle; }

}  // namespace martlet::report
