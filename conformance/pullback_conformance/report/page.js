"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const { runs, dtypes, checks, outcomes, edges, rows, texts, labelSets } = data;
const several = runs.length > 1;
const at = id => document.getElementById(id);
const escaped = text => String(text).replace(/[&<>"]/g, c => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
const UNSUPPORTED = outcomes.findIndex(o => o.slug === "unsupported");
const PASSED = outcomes.findIndex(o => o.slug === "passed");
const changes = ["worse", "better", "changed"];
const all = list => list.map((_, i) => i);
const num = value => value === "inf" ? Infinity : value;
const shortly = value => value === Infinity ? "infinite" : Number(value.toPrecision(3)).toString();

// -- filters ----------------------------------------------------------------------------------------------------------

const chosen = { outcomes: new Set(), checks: new Set(), dtypes: new Set(), runs: new Set(), changes: new Set(), differ: false };

function fieldset(title, key, names) {
  const boxes = names.map((name, i) => `<label><input type="checkbox" data-key="${key}" value="${i}"> ${name}</label>`);
  return `<fieldset><legend>${title}</legend>${boxes.join("")}</fieldset>`;
}

function buildFilters() {
  const swatch = o => `<span class="swatch ${o.slug}" aria-hidden="true">${o.symbol}</span> ${escaped(o.label)}`;
  const shownOutcomes = outcomes.map(swatch);
  let html = fieldset("Outcomes", "outcomes", shownOutcomes);
  if (rows.some(r => Object.values(r.cells).some(c => c.c))) html += fieldset("Changes", "changes", changes);
  html += fieldset("Checks", "checks", checks.map(c => `${escaped(c.name)} <span class="soft">${escaped(c.short)}</span>`));
  html += fieldset("Dtypes", "dtypes", dtypes.map(d => escaped(d.name)));
  if (several) {
    html += fieldset("Backends", "runs", runs.map(escaped));
    html += `<fieldset><legend>Compare</legend><label><input type="checkbox" id="differ"> only operations on which they differ</label></fieldset>`;
  }
  at("filters").innerHTML = html;
  for (const box of at("filters").querySelectorAll("[data-key]"))
    box.addEventListener("change", () => { chosen[box.dataset.key][box.checked ? "add" : "delete"](+box.value); draw(); });
  if (several) at("differ").addEventListener("change", e => { chosen.differ = e.target.checked; draw(); });
}

const selected = (key, list) => chosen[key].size ? all(list).filter(i => chosen[key].has(i)) : all(list);
const isFiltered = () => at("name").value || chosen.differ || Object.values(chosen).some(s => s.size);

// -- columns ----------------------------------------------------------------------------------------------------------

const present = new Set(rows.flatMap(r => Object.keys(r.cells).map(p => p.slice(p.indexOf(".") + 1))));

function columnsOf(view) {
  const ds = selected("dtypes", dtypes), cs = selected("checks", checks), rs = selected("runs", runs);
  const columns = [];
  const add = (group, d, c) => rs.forEach((run, n) => columns.push({ group, run, d, c, starts: n === 0 }));
  if (view === "full") for (const d of ds) for (const c of cs) { if (present.has(`${d}.${c}`)) add(d, [d], [c]); }
  if (view === "dtypes") for (const d of ds) add(d, [d], cs);
  if (view === "checks") for (const c of cs) add(c, ds, [c]);
  if (view === "runs") add(0, ds, cs);
  // In full, a gap begins each dtype; else each group of backends, where there are several.
  columns.forEach((column, i) => {
    const before = columns[i - 1];
    column.starts = !before || (view === "full" ? before.group !== column.group : several && before.group !== column.group);
  });
  return columns;
}

function cellsOf(row, column) {
  const found = [];
  for (const d of column.d) for (const c of column.c) {
    const cell = row.cells[`${column.run}.${d}.${c}`];
    if (cell) found.push([cell, d, c]);
  }
  return found;
}

function worstOf(found) {
  return found.reduce((worst, item) => !worst || item[0].o < worst[0].o ? item : worst, null);
}

// -- the matrix -------------------------------------------------------------------------------------------------------

const table = document.querySelector("table.matrix");
let shown = [], columns = [], view = "full", place = [0, 0];

function errorOf(cell) {
  if (cell.u === undefined) return "";
  return `, ${shortly(num(cell.u))} ulp` + (cell.b === undefined ? "" : ` of ${shortly(cell.b)} allowed`);
}

function titleOf(row, column, found) {
  const on = several ? ` on ${runs[column.run]}` : "";
  const [cell, d, c] = worstOf(found);
  const where = `${row.name} ${dtypes[d].name} ${checks[c].name}${on}: ${outcomes[cell.o].label}${errorOf(cell)}`;
  const others = found.length > 1 ? `, the worst of ${found.length} cells` : "";
  const change = cell.c ? `, ${cell.c}` : "";
  const message = cell.x && cell.o !== PASSED ? `\n${texts[cell.x.find(s => s[1] === cell.o)?.[5] ?? 0]}` : "";
  return where + others + change + message.slice(0, 300);
}

function isVisible(row) {
  if (!row.name.includes(at("name").value.trim().toLowerCase())) return false;
  const found = columns.flatMap(column => cellsOf(row, column).map(item => item[0]));
  if (!found.length) return false;
  if (chosen.outcomes.size && !found.some(cell => chosen.outcomes.has(cell.o))) return false;
  if (chosen.changes.size && !found.some(cell => chosen.changes.has(changes.indexOf(cell.c)))) return false;
  if (chosen.differ) {
    const ds = selected("dtypes", dtypes), cs = selected("checks", checks), rs = selected("runs", runs);
    const differs = ds.some(d => cs.some(c => new Set(rs.map(r => row.cells[`${r}.${d}.${c}`]?.o ?? UNSUPPORTED)).size > 1));
    if (!differs) return false;
  }
  return true;
}

// How wide a cell may be for all columns to fit: at least what can be hit, at most what looks well.
function cellWidth(made) {
  const small = window.matchMedia("(max-width: 40rem)").matches;
  const gaps = made.length + made.filter(c => c.starts).length * (small ? 2 : 7);
  const room = at("app").clientWidth - (small ? 118 : 228) - gaps;
  const least = several ? (small ? 9 : 12) : (small ? 14 : 18), most = small || view !== "full" ? 30 : 20;
  const width = Math.floor(room / made.length);
  return { fits: width >= least, width: Math.max(least, Math.min(most, width)) };
}

function fitting() {
  return ["full", "dtypes", "checks"].find(name => cellWidth(columnsOf(name)).fits) ?? "runs";
}

function headOf(family) {
  const letter = several ? column => `<br>${"ABCDEFGHIJKLMNOPQRSTUVWXYZ"[column.run] ?? column.run}` : () => "";
  const name = column => view === "full" || view === "checks" ? checks[column.c[0]] : dtypes[column.d[0]];
  const label = column => view === "runs" ? { short: "", name: "worst of all" } : name(column);
  let html = "";
  if (view === "full") {
    const groups = [];
    for (const column of columns) {
      if (groups.at(-1)?.d !== column.d[0]) groups.push({ d: column.d[0], count: 0 });
      groups.at(-1).count += 1;
    }
    html += `<tr class="group" role="row"><td class="corner" style="height:auto"></td>` + groups.map(g =>
      `<th class="of starts" colspan="${g.count}" title="${escaped(dtypes[g.d].name)}">${escaped(g.count * 20 > 50 ? dtypes[g.d].name : dtypes[g.d].short)}</th>`).join("") + "</tr>";
  }
  html += `<tr class="family" role="row"><th class="corner" scope="colgroup">${escaped(family)}</th>` + columns.map(column => {
    const { short, name: full } = label(column);
    const on = several ? ` on ${runs[column.run]}` : "";
    return `<th scope="col" role="columnheader" class="${column.starts ? "starts" : ""}" title="${escaped(full + on)}" aria-label="${escaped(full + on)}">${escaped(several && column.run !== selected("runs", runs)[0] ? "" : short)}${letter(column)}</th>`;
  }).join("") + "</tr>";
  return html;
}

function draw() {
  view = at("columns").value;
  columns = columnsOf(view);
  table.style.setProperty("--cell", `${cellWidth(columns).width}px`);
  shown = rows.filter(isVisible);
  let html = "", family = null;
  shown.forEach((row, r) => {
    if (row.family !== family) {
      html += (family === null ? "" : "</tbody>") + `<tbody>${headOf(row.family)}`;
      family = row.family;
    }
    html += `<tr role="row"><th scope="row" role="rowheader"><button type="button" tabindex="-1" data-row="${r}">${escaped(row.name)}</button></th>`;
    columns.forEach((column, c) => {
      const found = cellsOf(row, column), starts = column.starts ? " starts" : "";
      if (!found.length) { html += `<td role="gridcell" class="none${starts}" tabindex="-1" data-empty="${r},${c}" aria-label="no such cell"></td>`; return; }
      const [cell] = worstOf(found);
      const change = changes.find(name => found.some(item => item[0].c === name)) ?? "";
      const title = escaped(titleOf(row, column, found));
      html += `<td role="gridcell" class="${outcomes[cell.o].slug}${starts} ${change}" tabindex="-1" data-place="${r},${c}" title="${title}" aria-label="${title}">${outcomes[cell.o].symbol}</td>`;
    });
    html += "</tr>";
  });
  table.innerHTML = html + (family === null ? "" : "</tbody>");
  table.classList.toggle("narrow", several && view !== "runs");
  const letters = several ? ` ${selected("runs", runs).map(r => `${"ABCDEFGHIJKLMNOPQRSTUVWXYZ"[r] ?? r}: ${runs[r]}`).join(", ")}.` : "";
  at("shown").textContent = (shown.length === rows.length ? `${rows.length} operations.` : `${shown.length} of ${rows.length} operations.`) + letters;
  at("clear").hidden = !isFiltered();
  place = [0, 0];
  const first = elementAt(0, 0) ?? elementAt(0, -1);
  if (first) first.tabIndex = 0;
}

function elementAt(r, c) {
  if (c < 0) return table.querySelector(`button[data-row="${r}"]`);
  return table.querySelector(`td[data-place="${r},${c}"], td[data-empty="${r},${c}"]`);
}

function moveTo(r, c) {
  r = Math.max(0, Math.min(shown.length - 1, r));
  c = Math.max(-1, Math.min(columns.length - 1, c));
  const element = elementAt(r, c);
  if (!element) return;
  for (const old of table.querySelectorAll('[tabindex="0"]')) old.tabIndex = -1;
  element.tabIndex = 0;
  place = [r, c];
  element.focus({ preventScroll: true });
  element.scrollIntoView({ block: "nearest", inline: c < 0 ? "start" : "nearest" });
  if (c === 0) table.parentElement.scrollLeft = 0;
}

function placeOf(element) {
  const found = element.closest("td[data-place], td[data-empty], button[data-row]");
  if (!found) return null;
  if (found.dataset.row !== undefined) return [+found.dataset.row, -1];
  return (found.dataset.place ?? found.dataset.empty).split(",").map(Number);
}

table.addEventListener("keydown", event => {
  const from = placeOf(event.target);
  if (!from || event.ctrlKey || event.metaKey || event.altKey) return;
  const [r, c] = from;
  const moves = { ArrowLeft: [r, c - 1], ArrowRight: [r, c + 1], ArrowUp: [r - 1, c], ArrowDown: [r + 1, c],
    Home: [r, 0], End: [r, columns.length - 1], PageUp: [r - 10, c], PageDown: [r + 10, c] };
  if (moves[event.key]) { event.preventDefault(); moveTo(...moves[event.key]); }
  if (event.key === "Enter" || event.key === " ") { event.preventDefault(); openAt(r, c); }
});
table.addEventListener("click", event => {
  const from = placeOf(event.target);
  if (from) { moveTo(...from); openAt(...from); }
});

function openAt(r, c) {
  const found = c < 0 ? [] : cellsOf(shown[r], columns[c]);
  const worst = worstOf(found);
  open(shown[r], worst ? [columns[c].run, worst[1], worst[2]] : null);
}

// -- one operation ----------------------------------------------------------------------------------------------------

const dialog = at("operation");
let current = null, focusOn = null;

function open(row, where) {
  current = row;
  if (!where) {
    const places = Object.entries(row.cells).sort((a, b) => a[1].o - b[1].o);
    const measured = places.filter(p => p[1].o === places[0][1].o && p[1].h);
    where = ((measured[0] ?? places[0])[0]).split(".").map(Number);
  }
  at("operation-title").textContent = row.name;
  const index = shown.indexOf(row);
  at("previous").disabled = index <= 0;
  at("next").disabled = index < 0 || index === shown.length - 1;
  at("inside").innerHTML = summaryOf(row) + `<div class="side">${all(runs).map(run => miniOf(row, run)).join("")}</div><div id="cell" aria-live="polite"></div>` + allErrorsOf(row);
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  history.replaceState(null, "", `#${encodeURIComponent(row.name)}`);
  choose(where, false);
}

function summaryOf(row) {
  const lines = all(runs).map(run => {
    const cells = Object.entries(row.cells).filter(([p]) => p.startsWith(`${run}.`)).map(([, cell]) => cell);
    const passed = cells.filter(cell => cell.o === PASSED).length;
    return `${several ? `<span class="key of-${run % 4}"></span>${escaped(runs[run])}: ` : ""}${passed} of ${cells.length} cells passed`;
  });
  return `<p class="soft">${escaped(row.family)}. ${lines.join("; ")}.</p>`;
}

function miniOf(row, run) {
  const ds = all(dtypes).filter(d => checks.some((_, c) => row.cells[`${run}.${d}.${c}`]));
  const cs = all(checks).filter(c => ds.some(d => row.cells[`${run}.${d}.${c}`]));
  if (!ds.length) return `<div>${escaped(runs[run])}: no cells</div>`;
  const name = several ? `${row.name} on ${runs[run]}` : row.name;
  let html = `<div>${several ? `<h3>${escaped(runs[run])}</h3>` : ""}<table class="mini" role="grid" aria-label="${escaped(name)}: dtypes by checks"><thead><tr role="row"><td></td>`;
  html += cs.map(c => `<th scope="col" role="columnheader" title="${escaped(checks[c].name)}" aria-label="${escaped(checks[c].name)}">${escaped(checks[c].short)}</th>`).join("") + "</tr></thead><tbody>";
  for (const d of ds) {
    html += `<tr role="row"><th scope="row" role="rowheader">${escaped(dtypes[d].name)}</th>`;
    for (const c of cs) {
      const cell = row.cells[`${run}.${d}.${c}`];
      if (!cell) { html += `<td role="gridcell"></td>`; continue; }
      const title = escaped(titleOf(row, { run }, [[cell, d, c]]));
      html += `<td role="gridcell" tabindex="-1" data-place="${run},${d},${c}" class="${outcomes[cell.o].slug} ${cell.c ?? ""}" title="${title}" aria-label="${title}">${outcomes[cell.o].symbol}</td>`;
    }
    html += "</tr>";
  }
  return html + "</tbody></table></div>";
}

function choose(where, focus) {
  const [run, d, c] = where;
  for (const td of dialog.querySelectorAll(".mini td[data-place]")) {
    const is = td.dataset.place === where.join(",");
    td.setAttribute("aria-selected", is);
    td.tabIndex = is ? 0 : -1;
    if (is && focus) { td.focus({ preventScroll: true }); td.scrollIntoView({ block: "nearest" }); }
  }
  at("cell").innerHTML = cellDetail(current, d, c, run);
  for (const button of at("cell").querySelectorAll("button.copy"))
    button.addEventListener("click", () => navigator.clipboard?.writeText(button.nextElementSibling.textContent).then(() => { button.textContent = "Copied"; }));
}

at("inside").addEventListener("click", event => {
  const td = event.target.closest("td[data-place]");
  if (td) choose(td.dataset.place.split(",").map(Number), true);
});
at("inside").addEventListener("keydown", event => {
  const td = event.target.closest("td[data-place]");
  if (!td) return;
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  if (!step) return;
  event.preventDefault();
  let r = td.parentElement.rowIndex, c = td.cellIndex;
  const grid = td.closest("table");
  for (let tries = 0; tries < 40; tries++) {
    r += step[0]; c += step[1];
    const next = grid.rows[r]?.cells[c];
    if (!next) return;
    if (next.dataset.place) { choose(next.dataset.place.split(",").map(Number), true); return; }
  }
});
at("previous").addEventListener("click", () => open(shown[shown.indexOf(current) - 1], null));
at("next").addEventListener("click", () => open(shown[shown.indexOf(current) + 1], null));
at("close").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", event => { if (event.target === dialog) dialog.close(); });
dialog.addEventListener("close", () => {
  history.replaceState(null, "", location.pathname + location.search);
  const index = shown.indexOf(current);
  if (index >= 0 && index !== place[0]) moveTo(index, place[1]);
  else elementAt(...place)?.focus({ preventScroll: true });
});

function cellDetail(row, d, c, chosenRun) {
  const found = all(runs).map(run => [run, row.cells[`${run}.${d}.${c}`]]).filter(item => item[1]);
  const own = found.filter(item => item[0] === chosenRun);
  let html = `<h3>${escaped(row.name)} ${escaped(dtypes[d].name)} ${escaped(checks[c].name)} <span class="soft">${escaped(checks[c].question)}</span></h3>`;
  for (const [run, cell] of found) {
    const o = outcomes[cell.o];
    html += `<p><span class="tag ${o.slug}">${escaped(o.label)}</span> ${several ? `<span class="key of-${run % 4}"></span>${escaped(runs[run])}` : ""}${escaped(errorOf(cell).replace(/^, /, several ? ": largest error " : "Largest error "))}${cell.c ? ` (${cell.c} than before)`.replace("changed than", "changed since") : ""}</p>`;
  }
  const plots = [histogram(found, row.name), scatter(found, row.name)].filter(Boolean);
  if (plots.length) html += `<div class="side">${plots.join("")}</div>`;
  for (const [run, cell] of own) for (const [label, o, , , oracle, message, script] of cell.x ?? []) {
    if (o === UNSUPPORTED && cell.o !== UNSUPPORTED) continue;
    html += `<div class="problem ${outcomes[o].slug}"><b>${escaped(outcomes[o].label)}</b>, ${escaped(texts[label])}: ${escaped(texts[message])}${oracle ? ` <span class="soft">Judged by ${escaped(texts[oracle])}.</span>` : ""}`;
    if (script) html += `<details><summary>Script that reproduces it</summary><button type="button" class="copy">Copy</button><pre tabindex="0">${escaped(texts[script])}</pre></details>`;
    html += "</div>";
  }
  for (const [, cell] of own) html += samplesOf(cell);
  return html;
}

function samplesOf(cell) {
  const lines = [];
  for (const [oracle, bound, labels, ulps] of cell.g ?? [])
    labelSets[labels].forEach((label, i) => lines.push([texts[label], outcomes[PASSED].label, ulps ? ulps[i] : null, bound, texts[oracle]]));
  for (const [label, o, ulp, bound, oracle] of cell.x ?? []) lines.unshift([texts[label], outcomes[o].label, ulp, bound, texts[oracle]]);
  const judges = [...new Set(lines.map(l => l[4]).filter(Boolean))];
  const cellOf = value => value === null || value === undefined ? "" : shortly(num(value));
  const body = lines.map(([label, o, ulp, bound, oracle]) => `<tr><th scope="row">${escaped(label)}</th><td>${escaped(o)}</td><td class="n">${cellOf(ulp)}</td><td class="n">${cellOf(bound)}</td><td>${escaped(oracle)}</td></tr>`);
  return `<p>${judges.length ? `Judged by: ${escaped(judges.join("; "))}.` : "The record does not say what judged."}</p>
    <details><summary>${lines.length} sample${lines.length === 1 ? "" : "s"}</summary><div class="within"><table class="plain"><thead><tr><th scope="col">Sample</th><th scope="col">Outcome</th><th scope="col" class="n">ulp</th><th scope="col" class="n">allowed</th><th scope="col">Judged by</th></tr></thead><tbody>${body.join("")}</tbody></table></div></details>`;
}

// -- plots ------------------------------------------------------------------------------------------------------------

const WIDTH = 380;
const fraction = value => ({ 0.0625: "1/16", 0.125: "⅛", 0.25: "¼", 0.5: "½" })[value] ?? shortly(value);

function histogram(found, name) {
  const known = found.filter(item => item[1].h);
  if (!known.length) return "";
  const bound = Math.max(...known.map(item => item[1].b ?? 0));
  const position = value => value <= edges[1] / 2 ? 1 : 1 + Math.min(edges.length, Math.max(0, Math.log2(value) + 4));
  let bins = Math.max(...known.map(item => item[1].h.length), Math.ceil(position(bound)) + 1, 6);
  bins = Math.min(bins, edges.length + 1);
  const left = 34, right = WIDTH - 8, top = 18, bottom = 150, step = (right - left) / bins;
  const shares = known.map(([run, cell]) => {
    const total = cell.h.reduce((a, b) => a + b, 0);
    return { run, cell, total, share: cell.h.map(count => total ? count / total : 0) };
  });
  const most = Math.max(...shares.flatMap(s => s.share), 0.01);
  let svg = "";
  for (const part of [0.5, 1]) {
    const y = bottom - (bottom - top) * part;
    svg += `<line class="axis" x1="${left}" x2="${right}" y1="${y}" y2="${y}"/><text x="${left - 4}" y="${y + 4}" text-anchor="end">${Math.round(100 * most * part)}%</text>`;
  }
  shares.forEach(({ run, cell, share }, n) => share.forEach((value, bin) => {
    if (!value) return;
    const height = Math.max(2, (bottom - top) * value / most), width = step * 0.86 / shares.length;
    const x = left + bin * step + step * 0.07 + n * width;
    const range = bin === 0 ? "exact" : bin === edges.length ? `above ${edges.at(-1)} ulp` : `up to ${fraction(edges[bin])} ulp`;
    svg += `<rect class="of-${run % 4}" x="${x.toFixed(1)}" y="${(bottom - height).toFixed(1)}" width="${width.toFixed(1)}" height="${height.toFixed(1)}"><title>${escaped(several ? `${runs[run]}: ` : "")}${cell.h[bin]} elements ${range}</title></rect>`;
  }));
  for (let bin = 0; bin < bins; bin++) {
    if (bin === 0) svg += `<text x="${left + step / 2}" y="${bottom + 14}" text-anchor="middle">0</text>`;
    else if (bin < edges.length && (bins <= 11 || bin % 2)) svg += `<text x="${left + (bin + 1) * step}" y="${bottom + 14}" text-anchor="${bin === bins - 1 ? "end" : "middle"}">${fraction(edges[bin])}</text>`;
  }
  svg += `<line class="axis" x1="${left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>`;
  if (bound) {
    const x = left + step * Math.min(bins, position(bound));
    svg += `<line class="bound" x1="${x}" x2="${x}" y1="${top - 4}" y2="${bottom}"/><text class="allowed" x="${x > WIDTH / 2 ? x - 4 : x + 4}" y="${top - 7}" text-anchor="${x > WIDTH / 2 ? "end" : "start"}">allowed: ${fraction(bound)}</text>`;
  }
  const said = shares.map(({ run, cell, total }) => `${several ? `${runs[run]}: ` : ""}${total} elements, ${cell.h[0] ?? 0} exact${errorOf(cell).replace(",", ", largest error")}`).join("; ");
  return `<figure><svg class="plot" viewBox="0 0 ${WIDTH} ${bottom + 22}" role="img" aria-label="Histogram of errors of ${escaped(name)} in ulp. ${escaped(said)}">${svg}</svg><figcaption>Errors in ulp, share of elements: ${escaped(said)}.</figcaption></figure>`;
}

const bent = x => Math.sign(x) * Math.log2(1 + Math.abs(x) * 32);

function scatter(found, name) {
  const known = found.filter(item => item[1].p?.length > 1);
  if (!known.length) return "";
  const xs = known.flatMap(item => item[1].p.map(p => p[0]));
  const low = bent(Math.min(...xs)), high = bent(Math.max(...xs));
  if (!(high > low)) return "";
  const bound = Math.max(...known.map(item => item[1].b ?? 0));
  const worst = Math.max(0, ...known.flatMap(item => item[1].p.map(p => num(p[1]))).filter(ulp => ulp <= 8 * (bound || 1)));
  const most = 1.08 * (Math.max(worst, bound) || 1);
  const left = 34, right = WIDTH - 10, top = 18, bottom = 150;
  const x = value => left + (right - left) * (bent(value) - low) / (high - low);
  const y = value => bottom - (bottom - top) * Math.min(value, most) / most;
  let svg = `<line class="axis" x1="${left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>`, last = -Infinity;
  const marks = [0, ...[0.0625, 0.25, 1, 4, 16, 64, 256, 1024, 2 ** 14, 2 ** 20, 1e10, 1e20, 1e30, 1e100, 1e300].flatMap(v => [-v, v])].sort((a, b) => a - b);
  for (const value of marks) {
    const text = Math.abs(value) > 1e5 ? value.toExponential(0) : fraction(Math.abs(value)).replace(/^(?=.)/, value < 0 ? "−" : "");
    if (bent(value) < low || bent(value) > high || x(value) - last < 10 + 6 * text.length) continue;
    last = x(value);
    svg += `<line class="axis" x1="${last}" x2="${last}" y1="${bottom}" y2="${bottom + 4}"/><text x="${last}" y="${bottom + 15}" text-anchor="middle">${text}</text>`;
  }
  for (const value of [0, ...(bound ? [bound / 2, bound] : [most / 2, most]), ...(worst > 1.5 * bound && bound ? [worst] : [])]) svg += `<text x="${left - 4}" y="${y(value) + 4}" text-anchor="end">${shortly(Number(value.toPrecision(2)))}</text>`;
  if (bound) svg += `<line class="bound" x1="${left}" x2="${right}" y1="${y(bound)}" y2="${y(bound)}"/><text class="allowed" x="${right}" y="${y(bound) - 4}" text-anchor="end">allowed: ${fraction(bound)}</text>`;
  let worstPoint = null;
  for (const [run, cell] of known) for (const [value, raw] of cell.p) {
    const ulp = num(raw), beyond = ulp > most;
    if (!worstPoint || ulp > worstPoint[1]) worstPoint = [value, ulp];
    const title = `<title>${escaped(several ? `${runs[run]}: ` : "")}at ${value}: ${shortly(ulp)} ulp</title>`;
    svg += beyond
      ? `<path class="failed" d="M${x(value) - 4} ${top + 4}h8l-4 -8z">${title}</path>`
      : `<circle class="${bound && ulp > bound ? "failed" : `of-${run % 4}`}" fill-opacity=".75" cx="${x(value).toFixed(1)}" cy="${y(ulp).toFixed(1)}" r="2.6">${title}</circle>`;
  }
  const said = `the worst error, ${shortly(worstPoint[1])} ulp, at ${worstPoint[0]}`;
  return `<figure><svg class="plot" viewBox="0 0 ${WIDTH} ${bottom + 22}" role="img" aria-label="Errors of ${escaped(name)} over the operand's value: ${escaped(said)}">${svg}</svg><figcaption>Error in ulp over the operand: ${escaped(said)}. The worst of each stretch of each sample is shown.</figcaption></figure>`;
}

function allErrorsOf(row) {
  const lines = [];
  for (let d = 0; d < dtypes.length; d++) for (let c = 0; c < checks.length; c++) for (let run = 0; run < runs.length; run++) {
    const cell = row.cells[`${run}.${d}.${c}`];
    if (cell?.u !== undefined) lines.push([cell, d, c, run]);
  }
  if (!lines.length) return "";
  const left = 132, right = WIDTH - 10, height = 15, low = -2, high = 4;
  const x = ulp => left + (right - left) * (Math.min(high, Math.max(low, ulp > 0 ? Math.log10(ulp) : low)) - low) / (high - low);
  const bottom = lines.length * height + 8;
  let svg = "";
  for (let e = low; e <= high; e++) svg += `<line class="axis" x1="${x(10 ** e)}" x2="${x(10 ** e)}" y1="2" y2="${bottom}"/><text x="${x(10 ** e)}" y="${bottom + 14}" text-anchor="middle">${10 ** e >= 1e3 ? `1e${e}` : 10 ** e}</text>`;
  lines.forEach(([cell, d, c, run], n) => {
    const y = n * height + 12;
    const letter = several ? ` ${"ABCDEFGHIJKLMNOPQRSTUVWXYZ"[run] ?? run}` : "";
    svg += `<text class="strong" x="${left - 8}" y="${y + 4}" text-anchor="end">${escaped(dtypes[d].name)} ${escaped(checks[c].name)}${letter}</text>`;
    for (const [oracle, bound, labels, ulps] of cell.g ?? []) labelSets[labels].forEach((label, i) => {
      if (ulps) svg += `<circle class="of-${run % 4}" fill-opacity=".6" cx="${x(num(ulps[i])).toFixed(1)}" cy="${y}" r="2.8"><title>${escaped(texts[label])}: ${shortly(num(ulps[i]))} ulp, judged by ${escaped(texts[oracle])}</title></circle>`;
    });
    for (const [label, o, ulp] of cell.x ?? [])
      if (ulp !== null) svg += `<circle class="${outcomes[o].slug}" cx="${x(num(ulp)).toFixed(1)}" cy="${y}" r="3.4"><title>${escaped(texts[label])}: ${shortly(num(ulp))} ulp, ${escaped(outcomes[o].label)}</title></circle>`;
    if (cell.b) svg += `<line class="bound" style="stroke-dasharray:none" x1="${x(cell.b)}" x2="${x(cell.b)}" y1="${y - 6}" y2="${y + 6}"/>`;
  });
  return `<details><summary>All errors of this operation against their bounds</summary><figure><svg class="plot" viewBox="0 0 ${WIDTH} ${bottom + 20}" role="img" aria-label="Largest errors of each sample, by dtype and check, with the bound of each">${svg}</svg><figcaption>A dot for each sample, in ulp on a logarithmic scale; the bar is what is allowed.</figcaption></figure></details>`;
}

// -- the page ---------------------------------------------------------------------------------------------------------

at("app").hidden = false;
buildFilters();
at("columns").value = fitting();
at("columns").addEventListener("change", draw);
at("name").addEventListener("input", draw);
at("name").addEventListener("keydown", event => {
  if (event.key === "Escape" && event.target.value) { event.preventDefault(); event.target.value = ""; draw(); }
  if (event.key === "Enter" || event.key === "ArrowDown") { event.preventDefault(); moveTo(0, -1); }
});
at("clear").addEventListener("click", () => {
  at("name").value = "";
  for (const box of at("filters").querySelectorAll("input")) box.checked = false;
  for (const key of Object.keys(chosen)) chosen[key] = key === "differ" ? false : new Set();
  draw();
  at("name").focus();
});
document.addEventListener("keydown", event => {
  if (event.key === "/" && !dialog.open && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) { event.preventDefault(); at("name").focus(); }
});
function openNamed() {
  const row = rows.find(r => r.name === decodeURIComponent(location.hash.slice(1)));
  if (row && !dialog.open) open(row, null);
}
addEventListener("hashchange", openNamed);
draw();
openNamed();
