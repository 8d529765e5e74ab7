// Red over yellow to blue: what is wrong stands out, and can be told from what is right without seeing red or green.
const STOPS = [[196, 30, 44], [244, 132, 72], [255, 221, 140], [160, 208, 228], [44, 118, 178]];
function colour(similarity) {
  const strength = Math.max(0, Math.min(1, (similarity - 0.5) / 0.5));
  const place = strength * (STOPS.length - 1);
  const low = Math.min(STOPS.length - 2, Math.floor(place));
  const mixed = STOPS[low].map((from, i) => Math.round(from + (place - low) * (STOPS[low + 1][i] - from)));
  return { solid: `rgb(${mixed.join(" ")})`, veil: `rgb(${mixed.join(" ")} / ${0.7 - 0.4 * strength})` };
}

// Images

function image(stored, alt) {
  const { src, width, height } = stored;
  return make("img", { src, width, height, alt, loading: "lazy", decoding: "async" });
}
function fit(element, stored) {
  element.style.aspectRatio = stored.width + " / " + stored.height;
  if (stored.width / stored.height < 1.45) element.style.height = "100%";
  else element.style.width = "100%";
}
function panel(caption, note, content) {
  return make("figure", {}, make("figcaption", {}, make("span", {}, caption), make("span", {}, note)),
    make("div", { class: "frame" }, content));
}
function zoomable(row, stored, alt, otherwise) {
  if (!stored) return make("div", { class: "none" }, otherwise);
  const button = make("button", { type: "button", class: "zoomable", title: "Zoom in and compare" }, image(stored, alt));
  fit(button, stored);
  button.addEventListener("click", () => openViewer(picturesOf(row)));
  return button;
}
function picturesOf(row) {
  const all = [["Target", row.target], ["Before", row.before?.render], [row.before ? "Now" : "Render", row.render]];
  return all.filter(([, stored]) => stored).map(([label, stored]) => ({ label, stored }));
}
function heatMap(row) {
  if (!row.grid || !row.render) return make("div", { class: "none" }, "Nothing to compare");
  const cells = make("div", { class: "cells" });
  cells.style.gridTemplateColumns = `repeat(${row.grid[0]}, 1fr)`;
  cells.style.gridTemplateRows = `repeat(${row.grid[1]}, 1fr)`;
  row.tiles.forEach((similarity, i) => {
    const cell = make("span", {}, make("em", {}, similarity.toFixed(2)));
    cell.style.background = colour(similarity).veil;
    cell.title = `row ${Math.floor(i / row.grid[0]) + 1}, column ${(i % row.grid[0]) + 1}: ${similarity.toFixed(4)}`;
    cells.append(cell);
  });
  const heat = make("div", { class: "heat" }, image(row.render, "render with tile similarity"), cells);
  fit(heat, row.render);
  return heat;
}

// One response

const SCORES = ["visual", "coarse", "fine", "alignment", "execution"];
const isJudged = (row) => tone(row.status) !== "warn";
const valueOf = (row, name) => (name in row.components ? row.components[name] : row[name]);
function meter(row, name) {
  const value = valueOf(row, name);
  const before = row.before && isJudged(row.before) ? valueOf(row.before, name) : undefined;
  const change = before === undefined || before === value ? "" : signed(value - before);
  return make("div", { class: "meter" }, make("span", {}, name), make("b", {}, change && make("small", {}, change + " "), score(value)),
    bar(value));
}
function disclosure(name, text, built) {
  if (!text) return null;
  const block = make("details", {}, make("summary", {}, name));
  block.addEventListener("toggle", () => block.append(built()), { once: true });
  return block;
}
function codeOf(row, name) {
  const title = row.line ? `${name}, line ${row.line} failed` : name;
  return disclosure(title, row.code, () => codeBlock(row.code, row.language, row.line));
}
function overallOf(row) {
  if (!isJudged(row)) return make("span", { class: "overall" }, make("small", {}, "not judged"));
  const change = row.change ? signed(row.change) + " " : "";
  return make("span", { class: "overall" }, make("small", {}, change + "overall"), score(row.overall));
}

function card(row) {
  const link = make("a", { href: hashOf({ row: row.number }), class: "link", title: "Link to this response" }, "#");
  const top = make("div", { class: "top" }, link, make("strong", {}, row.id || "#" + row.number));
  if (row.before && row.before.status !== row.status) top.append(statusChip(row.before.status), "→");
  top.append(statusChip(row.status));
  const language = row.language + (row.language_from === "response" ? ", from the response" : "");
  const preset = PRESETS.length > 1 ? "preset " + row.preset : "";
  for (const chip of [row.labels.domain, row.labels.kind, language, preset]) {
    if (chip) top.append(make("span", { class: "chip" }, spaced(chip)));
  }
  const expected = row.labels.expected_status;
  if (expected && expected !== row.status) top.append(make("span", { class: "status warn" }, "expected " + spaced(expected)));
  top.append(overallOf(row));
  const meters = make("div", { class: "meters" });
  if (isJudged(row)) meters.append(...[...SCORES, ...Object.keys(row.components)].map((name) => meter(row, name)));
  const size = (stored) => (stored && !stored.shrunk ? `${stored.width} × ${stored.height}` : "");
  const absent = row.execution ? "Scored in an earlier run; its render was not kept" : "No render";
  const body = make("div", { class: row.before ? "body both" : "body" },
    panel("Target", size(row.target), zoomable(row, row.target, "target", "The target could not be opened")),
    row.before ? panel("Before", size(row.before.render), zoomable(row, row.before.render, "render before", "No render")) : null,
    panel(row.before ? "Now" : "Render", size(row.render), zoomable(row, row.render, "render", absent)),
    panel("Tiles", row.grid ? `${row.grid[0]} × ${row.grid[1]}` : "", heatMap(row)), meters);
  const time = `render ${row.seconds.render.toFixed(2)} s · total ${row.seconds.total.toFixed(2)} s`;
  const texts = make("div", { class: "texts" }, codeOf(row, "Code"), row.before ? codeOf(row.before, "Code before") : null,
    disclosure("Response", row.response, () => make("pre", {}, row.response)), make("span", { class: "time" }, time));
  const message = row.message ? make("p", { class: "message " + tone(row.status) }, row.message) : null;
  return make("article", { class: "card", "data-row": row.number }, top, body, message, texts);
}

// Filters, order, groups, and cards made only as they come into view.

const lowest = (row) => (isJudged(row) ? row.overall : 2);
const ORDERS = {
  file: ["File order", () => 0],
  worst: ["Worst first", (a, b) => lowest(a) - lowest(b)],
  best: ["Highest overall", (a, b) => b.overall - a.overall],
  visual: ["Lowest visual", (a, b) => !a.grid - !b.grid || a.visual - b.visual],
  slow: ["Slowest", (a, b) => b.seconds.render - a.seconds.render],
};
if (data.before) {
  ORDERS.lost = ["Most lost", (a, b) => (a.change ?? 2) - (b.change ?? 2)];
  ORDERS.gained = ["Most gained", (a, b) => (b.change ?? -2) - (a.change ?? -2)];
}
const GROUPS = { none: ["No groups", null], prompt: ["By prompt", (row) => row.group], status: ["By status", (row) => spaced(row.status)] };
const FILTERS = { status: (row) => row.status, kind: (row) => row.labels.kind, preset: (row) => row.preset,
  domain: (row) => row.labels.domain };
const CONTROLS = ["search", "filter", ...Object.keys(FILTERS), "sort", "group"];
const PAGE = 20;
let shown = [];
let made = 0;

// What a filter may ask for.
const COLUMNS = {};
for (const name of ["overall", ...SCORES, "status", "message", "language", "id", "number", "code", "response", "preset", "encoder",
  "change"]) {
  COLUMNS[name] = (row) => row[name];
}
for (const name of ["domain", "kind"]) COLUMNS[name] = (row) => row.labels[name];
for (const name of data.summary.components) COLUMNS[name] = (row) => row.components[name];
COLUMNS.seconds = (row) => row.seconds.total;
COLUMNS.line = (row) => row.line;
if (data.before) {
  for (const [name, of] of Object.entries({ ...COLUMNS })) COLUMNS["before." + name] = (row) => row.before && of(row.before);
}

function hashOf(changes) {
  const given = CONTROLS.map((id) => [id, byId(id).value]).filter(([id, value]) => value && value !== DEFAULTS[id]);
  return "#" + new URLSearchParams({ ...Object.fromEntries(given), ...changes });
}
const DEFAULTS = { sort: "file", group: "none" };

function fillSelect(id, entries) {
  byId(id).append(...entries.map(([value, title]) => make("option", { value }, title)));
  byId(id).hidden = entries.length < (id === "group" || id === "sort" ? 2 : 3);
}
function matcher() {
  const box = byId("filter");
  const told = byId("problem");
  told.hidden = true;
  box.classList.remove("wrong");
  if (!box.value.trim()) return () => true;
  try {
    return filterOf(box.value, COLUMNS);
  } catch (error) {
    told.hidden = false;
    told.textContent = "Filter: " + error.message;
    box.classList.add("wrong");
    return () => true;
  }
}
function apply() {
  const wanted = byId("search").value.trim().toLowerCase();
  const matches = matcher();
  shown = data.rows.filter((row) => {
    for (const [id, of] of Object.entries(FILTERS)) if (byId(id).value && of(row) !== byId(id).value) return false;
    return matches(row)
      && (!wanted || [row.id, row.message, row.code, row.response].join("\n").toLowerCase().includes(wanted));
  });
  shown.sort((a, b) => ORDERS[byId("sort").value][1](a, b) || a.number - b.number);
  const groupOf = GROUPS[byId("group").value][1];
  if (groupOf) {
    const firsts = new Map(); // groups come in the order of their first rows
    for (const row of shown) if (!firsts.has(groupOf(row))) firsts.set(groupOf(row), firsts.size);
    shown.sort((a, b) => firsts.get(groupOf(a)) - firsts.get(groupOf(b)));
  }
  made = 0;
  byId("cards").replaceChildren();
  byId("count").textContent = `${number(shown.length)} of ${number(data.rows.length)}`;
  if (!shown.length) byId("cards").append(make("p", { class: "empty" }, "No response matches."));
  more();
}
function more() {
  const groupOf = GROUPS[byId("group").value][1];
  for (const row of shown.slice(made, made + PAGE)) {
    if (groupOf && (made === 0 || groupOf(row) !== groupOf(shown[made - 1]))) {
      byId("cards").append(groupHead(shown.filter((each) => groupOf(each) === groupOf(row)), groupOf(row)));
    }
    byId("cards").append(card(row));
    made++;
  }
}
function groupHead(rows, name) {
  const scores = rows.filter(isJudged).map((row) => row.overall);
  const range = scores.length ? ` · mean ${score(scores.reduce((sum, each) => sum + each, 0) / scores.length)}`
    + ` · ${score(Math.min(...scores))} to ${score(Math.max(...scores))}` : "";
  return make("h2", { class: "group" }, name || "no prompt", make("small", {}, ` ${number(rows.length)}${range}`));
}

// A link holds the filters and perhaps a response, which then stands above all others.
function restore() {
  const asked = new URLSearchParams(location.hash.slice(1));
  for (const id of CONTROLS) {
    byId(id).value = asked.get(id) ?? DEFAULTS[id] ?? "";
    if (byId(id).selectedIndex === -1) byId(id).value = DEFAULTS[id] ?? "";
  }
  apply();
  const row = data.rows.find((each) => each.number === Number(asked.get("row")));
  if (!row) return;
  const linked = card(row);
  linked.classList.add("linked");
  byId("cards").querySelector(`[data-row="${row.number}"], .empty`)?.remove();
  byId("cards").prepend(linked);
  linked.scrollIntoView();
}
function changed() {
  history.replaceState(null, "", hashOf({}));
  apply();
}

drawSummary();
for (const [id, of] of Object.entries(FILTERS)) {
  const values = [...new Set(data.rows.map(of).filter(Boolean))].sort();
  fillSelect(id, [["", `Every ${id}`], ...values.map((value) => [value, spaced(value)])]);
}
fillSelect("sort", Object.entries(ORDERS).map(([value, [title]]) => [value, title]));
fillSelect("group", Object.entries(GROUPS).map(([value, [title]]) => [value, title]));
for (const id of CONTROLS) byId(id).addEventListener("input", changed);
byId("columns").textContent = "Columns: " + Object.keys(COLUMNS).join(", ");
const scale = byId("scale").getContext("2d");
for (let x = 0; x < 96; x++) {
  scale.fillStyle = colour(0.5 + x / 190).solid;
  scale.fillRect(x, 0, 1, 1);
}
document.querySelector("nav").hidden = false;
const left = data.total > data.rows.length
  ? ` · of ${number(data.total)} responses the first and the worst are shown, ${number(data.rows.length)} in all` : "";
byId("foot").textContent = `VinciCoder ${data.version}${left}`;
restore();
window.addEventListener("hashchange", restore);
new IntersectionObserver((entries) => { if (entries.some((entry) => entry.isIntersecting)) more(); },
  { rootMargin: "1500px" }).observe(byId("foot"));
