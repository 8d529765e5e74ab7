// The head of a report: figures, tables by kind and domain, plots, and how two runs compare.
/* oxlint-disable no-unused-vars */
const score = (value) => (value === null || value === undefined ? "–" : value.toFixed(3)); // a mean over nothing is null
const signed = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(3);
const share = (part, whole) => `${number(part)} / ${number(whole)}`;
const PRESETS = [...new Set(data.rows.map((row) => row.preset))];
const MANY_COLUMNS = 4; // components, from which on a table is no longer one line a row

function statusChip(status, count) {
  const text = spaced(status) + (count === undefined ? "" : " " + number(count));
  return make("span", { class: "status " + tone(status) }, text);
}
function bar(value) {
  const line = make("i");
  line.style.width = 100 * Math.max(0, Math.min(1, value)) + "%";
  return make("div", { class: "bar" }, line);
}

function drawSummary() {
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
  if (data.before) tables.append(comparison());
  for (const label of ["kind", "domain"]) {
    if (Object.keys(all["by_" + label]).length) tables.append(table("By " + label, all["by_" + label]));
  }
  byId("summary").append(overview, tables);
  if (data.plots.length) byId("summary").append(make("div", { class: "plots" }, ...data.plots.map(plot)));
}

function plot({ light, dark, caption }) {
  const sources = make("picture", {}, make("source", { srcset: dark, media: "(prefers-color-scheme: dark)" }),
    make("img", { src: light, alt: caption }));
  return make("figure", { class: "panel plot" }, make("figcaption", {}, caption), sources);
}

// Where there is little room, each cell says what it is, and the statuses have a line of their own.
function table(title, groups) {
  const expected = Object.values(groups).some((group) => group.expected);
  const cell = (label, value) => make("td", { class: "number", "data-label": label }, value);
  const body = make("tbody");
  for (const [name, group] of Object.entries(groups)) {
    const statuses = make("td", { class: "statuses" });
    for (const [status, count] of Object.entries(group.statuses)) statuses.append(statusChip(status, count), " ");
    const mean = make("td", { class: "mean", "data-label": "overall" }, bar(group.overall || 0), score(group.overall));
    body.append(make("tr", {}, make("td", { class: "name" }, spaced(name)),
      cell("n", number(group.n)), cell("judged", number(group.judged)), mean, cell("visual", score(group.visual)),
      ...data.summary.components.map((part) => cell(part, score(group.scores[part]))),
      expected ? cell("expected", share(group.as_expected, group.expected)) : null, statuses));
  }
  const head = make("tr", {}, make("th", {}, title), make("th", { class: "number" }, "n"),
    make("th", { class: "number" }, "Judged"), make("th", {}, "Overall"), make("th", { class: "number" }, "Visual"),
    ...data.summary.components.map((name) => make("th", { class: "number" }, name)),
    expected ? make("th", { class: "number" }, "Expected") : null, make("th", {}, "Statuses"));
  const many = data.summary.components.length > MANY_COLUMNS ? " many" : "";
  return make("div", { class: "panel table" + many }, make("h2", {}, title), make("table", {}, make("thead", {}, head), body));
}

function comparison() {
  const changes = data.rows.map((row) => row.change).filter((change) => change !== undefined);
  const shown = [
    ["better", changes.filter((change) => change > 0).length],
    ["the same", changes.filter((change) => change === 0).length],
    ["worse", changes.filter((change) => change < 0).length],
    ["only here", data.rows.filter((row) => !row.before).length],
    ["only before", data.before.unmatched],
  ];
  const line = make("p", { class: "sub" }, `Before: ${data.before.title}. Of the responses that are shown, `
    + shown.filter(([, count]) => count).map(([label, count]) => `${number(count)} ${label}`).join(", ") + ".");
  const both = table("Both", { before: data.before.summary, now: data.summary });
  both.prepend(line);
  return both;
}
