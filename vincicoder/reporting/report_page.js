"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);

// Text only ever enters the page through here, as text.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  for (const child of children) if (child !== null) element.append(child);
  return element;
}
const score = (value) => (value === null ? "–" : value.toFixed(3)); // a mean over nothing is null
const share = (part, whole) => `${number(part)} / ${number(whole)}`;
const PRESETS = [...new Set(data.rows.map((row) => row.preset))];
const number = (value) => value.toLocaleString("en");

function tone(status) {
  return { none: "good", response: "bad" }[data.faults[status]] || "warn";
}
function statusChip(status, count) {
  const text = status.replaceAll("_", " ") + (count === undefined ? "" : " " + number(count));
  return make("span", { class: "status " + tone(status) }, text);
}
function bar(value) {
  const fill = make("i");
  fill.style.width = 100 * Math.max(0, Math.min(1, value)) + "%";
  return make("div", { class: "bar" }, fill);
}

// Red over yellow to blue: what is wrong stands out, and can be told from what is right without seeing red or green.
const STOPS = [[196, 30, 44], [244, 132, 72], [255, 221, 140], [160, 208, 228], [44, 118, 178]];
function colour(similarity) {
  const strength = Math.max(0, Math.min(1, (similarity - 0.5) / 0.5));
  const place = strength * (STOPS.length - 1);
  const low = Math.min(STOPS.length - 2, Math.floor(place));
  const mixed = STOPS[low].map((from, i) => Math.round(from + (place - low) * (STOPS[low + 1][i] - from)));
  return { solid: `rgb(${mixed.join(" ")})`, veil: `rgb(${mixed.join(" ")} / ${0.7 - 0.4 * strength})` };
}

function drawHead() {
  const all = data.summary;
  const first = data.rows[0];
  const head = byId("head");
  head.append(make("h1", {}, data.title));
  const presets = PRESETS.length === 1 ? "preset " + PRESETS[0] : "presets " + PRESETS.join(", ");
  if (first) head.append(make("p", { class: "sub" }, `Encoder ${first.encoder} · ${presets}`));
  if (all.language_from_response) {
    const part = `${number(all.language_from_response)} of ${number(all.n)}`;
    head.append(make("p", { class: "sub" }, `Language taken from the response in ${part}`));
  }
  const figures = [
    [number(all.n), all.n === 1 ? "response" : "responses"],
    [score(all.overall), "mean overall"],
    [score(all.visual), "mean visual"],
    ...all.components.map((name) => [score(all.scores[name]), "mean " + name]),
    [share(all.judged, all.n), "judged"],
    [share(all.rendered, all.n), "rendered"],
  ];
  if (all.expected) figures.push([share(all.as_expected, all.expected), "expected status"]);
  if (all.broken) figures.push([number(all.broken), all.broken === 1 ? "broken line" : "broken lines"]);
  const overview = make("div", { class: "figures" });
  for (const [value, label] of figures) {
    overview.append(make("div", { class: "panel figure" }, make("b", {}, value), make("span", {}, label)));
  }
  const tables = make("div", { class: "tables" });
  for (const label of ["kind", "domain"]) {
    if (Object.keys(all["by_" + label]).length) tables.append(table(label, all["by_" + label]));
  }
  byId("summary").append(overview, tables);
  if (data.plots.length) byId("summary").append(make("div", { class: "plots" }, ...data.plots.map(plot)));
}

function plot({ light, dark, caption }) {
  const sources = make("picture", {}, make("source", { srcset: dark, media: "(prefers-color-scheme: dark)" }),
    make("img", { src: light, alt: caption }));
  return make("figure", { class: "panel plot" }, make("figcaption", {}, caption), sources);
}

function table(label, groups) {
  const expected = Object.values(groups).some((group) => group.expected);
  const body = make("tbody");
  for (const [name, group] of Object.entries(groups)) {
    const statuses = make("td", { class: "statuses" });
    for (const [status, count] of Object.entries(group.statuses)) statuses.append(statusChip(status, count), " ");
    const mean = make("td", { class: "mean" }, bar(group.overall || 0), score(group.overall));
    body.append(make("tr", {}, make("td", { class: "name" }, name.replaceAll("_", " ")),
      make("td", { class: "number" }, number(group.n)), make("td", { class: "number" }, number(group.judged)), mean,
      make("td", { class: "number" }, score(group.visual)),
      ...data.summary.components.map((part) => make("td", { class: "number" }, score(group.scores[part] ?? null))),
      expected ? make("td", { class: "number" }, share(group.as_expected, group.expected)) : null, statuses));
  }
  const head = make("tr", {}, make("th", {}, "By " + label), make("th", { class: "number" }, "n"),
    make("th", { class: "number" }, "Judged"), make("th", {}, "Overall"), make("th", { class: "number" }, "Visual"),
    ...data.summary.components.map((name) => make("th", { class: "number" }, name)),
    expected ? make("th", { class: "number" }, "Expected") : null, make("th", {}, "Statuses"));
  return make("div", { class: "panel table" }, make("table", {}, make("thead", {}, head), body));
}

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
function linked(stored, alt, otherwise) {
  if (!stored) return make("div", { class: "none" }, otherwise);
  const link = make("a", { href: stored.src, target: "_blank", rel: "noopener" }, image(stored, alt));
  fit(link, stored);
  return link;
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
function meter(name, value) {
  return make("div", { class: "meter" }, make("span", {}, name), make("b", {}, score(value)), bar(value));
}
function disclosure(name, text) {
  if (!text) return null;
  const block = make("details", {}, make("summary", {}, name));
  block.addEventListener("toggle", () => block.append(make("pre", {}, text)), { once: true });
  return block;
}

const SCORES = ["visual", "coarse", "fine", "alignment", "execution"];
function card(row) {
  const top = make("div", { class: "top" }, make("strong", {}, row.id || "#" + row.number), statusChip(row.status));
  const language = row.language + (row.language_from === "response" ? ", from the response" : "");
  const preset = PRESETS.length > 1 ? "preset " + row.preset : "";
  for (const chip of [row.labels.domain, row.labels.kind, language, preset]) {
    if (chip) top.append(make("span", { class: "chip" }, chip.replaceAll("_", " ")));
  }
  const expected = row.labels.expected_status;
  if (expected && expected !== row.status) {
    top.append(make("span", { class: "status warn" }, "expected " + expected.replaceAll("_", " ")));
  }
  const judged = tone(row.status) !== "warn";
  top.append(judged ? make("span", { class: "overall" }, make("small", {}, "overall"), score(row.overall))
    : make("span", { class: "overall" }, make("small", {}, "not judged")));
  const meters = make("div", { class: "meters" });
  if (judged) {
    for (const name of SCORES) meters.append(meter(name, row[name]));
    for (const [name, value] of Object.entries(row.components)) meters.append(meter(name, value));
  }
  const size = (stored) => (stored && !stored.shrunk ? `${stored.width} × ${stored.height}` : "");
  const absent = row.execution ? "Scored in an earlier run; its render was not kept" : "No render";
  const body = make("div", { class: "body" },
    panel("Target", size(row.target), linked(row.target, "target", "The target could not be opened")),
    panel("Render", size(row.render), linked(row.render, "render", absent)),
    panel("Tiles", row.grid ? `${row.grid[0]} × ${row.grid[1]}` : "", heatMap(row)), meters);
  const time = `render ${row.seconds.render.toFixed(2)} s · total ${row.seconds.total.toFixed(2)} s`;
  const texts = make("div", { class: "texts" }, disclosure("Code", row.code), disclosure("Response", row.response),
    make("span", { class: "time" }, time));
  const message = row.message ? make("p", { class: "message " + tone(row.status) }, row.message) : null;
  return make("article", { class: "card" }, top, body, message, texts);
}

// Filters, order, and cards made only as they come into view.
const ORDERS = {
  "File order": (a, b) => a.number - b.number,
  "Highest overall": (a, b) => b.overall - a.overall || a.number - b.number,
  "Lowest overall": (a, b) => a.overall - b.overall || a.number - b.number,
  "Lowest visual": (a, b) => !a.grid - !b.grid || a.visual - b.visual || a.number - b.number,
  "Slowest": (a, b) => b.seconds.render - a.seconds.render || a.number - b.number,
};
const FILTERS = { status: (row) => row.status, kind: (row) => row.labels.kind, preset: (row) => row.preset,
  domain: (row) => row.labels.domain };
const PAGE = 20;
let shown = [];
let made = 0;

function fillSelect(id, all, values) {
  const select = byId(id);
  if (all) select.append(make("option", { value: "" }, all));
  for (const value of values) select.append(make("option", { value }, value.replaceAll("_", " ")));
  select.hidden = values.length < 2;
  select.addEventListener("change", apply);
}
function apply() {
  const wanted = byId("search").value.trim().toLowerCase();
  shown = data.rows.filter((row) => {
    for (const [id, of] of Object.entries(FILTERS)) if (byId(id).value && of(row) !== byId(id).value) return false;
    return !wanted || [row.id, row.message, row.code, row.response].join("\n").toLowerCase().includes(wanted);
  });
  shown.sort(ORDERS[byId("sort").value]);
  made = 0;
  byId("cards").replaceChildren();
  byId("count").textContent = `${number(shown.length)} of ${number(data.rows.length)}`;
  if (!shown.length) byId("cards").append(make("p", { class: "empty" }, "No response matches."));
  more();
}
function more() {
  const next = shown.slice(made, made + PAGE);
  made += next.length;
  byId("cards").append(...next.map(card));
}

drawHead();
for (const [id, of] of Object.entries(FILTERS)) {
  fillSelect(id, `Every ${id}`, [...new Set(data.rows.map(of).filter(Boolean))].sort());
}
fillSelect("sort", "", Object.keys(ORDERS));
byId("search").addEventListener("input", apply);
const scale = byId("scale").getContext("2d");
for (let x = 0; x < 96; x++) {
  scale.fillStyle = colour(0.5 + x / 190).solid;
  scale.fillRect(x, 0, 1, 1);
}
document.querySelector("nav").hidden = false;
const left = data.total > data.rows.length ? ` · ${number(data.rows.length)} of ${number(data.total)} responses shown` : "";
byId("foot").textContent = `VinciCoder ${data.version}${left}`;
new IntersectionObserver((entries) => { if (entries.some((entry) => entry.isIntersecting)) more(); },
  { rootMargin: "1500px" }).observe(byId("foot"));
apply();
