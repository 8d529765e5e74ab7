const page = byId("page");

function shape(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}
const points = (value) => value.toFixed(1);
const signed = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(1);
const KINDS = { others: "Reported for others", vincicoder: "Reported for VinciCoder", own: "Measured here" };

function drawHead() {
  page.append(make("header", {}, make("h1", {}, data.title)));
  const states = make("div", { class: "states" });
  for (const state of data.models) {
    const title = data.benchmarks.find((each) => each.name === state.benchmark).title;
    const chips = Object.entries(state.statuses).map(([status, times]) =>
      make("span", { class: "chip " + (status === "ok" ? "good" : state.judged < state.predictions ? "warn" : "bad") },
        `${spaced(status)} ${number(times)}`));
    const held = state.held === null ? "" : ` · ${number(state.held)} of the samples are in the training data`;
    states.append(make("div", { class: "panel state" }, make("b", {}, `${state.model} on ${title}`),
      make("p", {}, `${number(state.samples)} samples · ${number(state.judged)} of ${number(state.predictions)} predictions `
        + `judged${held}`), chips, Object.entries(state.pass_at).map(([k, value]) =>
        make("span", { class: "chip" }, `pass@${k} ${points(value)}`))));
  }
  page.append(states);
}

// The paper's table, whole where there is room, else one table a benchmark.
function cell(found, first, leftOut) {
  const place = make("td", first ? { class: "first" } : {});
  if (!found) {
    if (leftOut) place.append(make("small", { title: "left out, see Protocols" }, "left out"));
    return place;
  }
  for (const value of found.values) {
    const shown = make("span", { class: "value" }, points(value.value), value.note ? "?" : "");
    if (value.source) shown.append(make("sup", {}, value.source));
    if (value.note) shown.title = value.note;
    place.append(shown);
    if (value.low !== undefined) place.append(make("small", {}, `${points(value.low)} – ${points(value.high)}`));
  }
  if (found.disagree) {
    place.classList.add("disagree");
    place.title = "The sources disagree";
  }
  return place;
}
const isLeftOut = (row, benchmark) => row.kind === "own" && isIn(row, benchmark);
// A model that was measured here has a row also where what a table shows was left out.
function isIn(row, benchmark) {
  if (row.kind === "own") return Object.keys(row.cells).some((key) => key.startsWith(benchmark.name + "."));
  return benchmark.columns.some((column) => row.cells[column.key]);
}
function resultRows(benchmarks) {
  const width = benchmarks.reduce((sum, each) => sum + each.columns.length, 1);
  const body = make("tbody");
  for (const [kind, title] of Object.entries(KINDS)) {
    const rows = data.rows.filter((row) => row.kind === kind && benchmarks.some((each) => isIn(row, each)));
    if (rows.length) body.append(make("tr", { class: "kind" }, make("td", { colspan: width }, title)));
    for (const row of rows) {
      const name = make("td", {}, row.model, row.note ? make("small", {}, row.note) : null);
      const cells = benchmarks.map((each) => each.columns.map((column, i) => cell(row.cells[column.key], i === 0, isLeftOut(row, each))));
      body.append(make("tr", { class: kind }, name, cells.flat()));
    }
  }
  return body;
}
function columnHeads(benchmarks) {
  return benchmarks.map((each) => each.columns.map((column, i) =>
    make("th", i === 0 ? { class: "first" } : {}, column.title + (column.higher ? "" : " ↓")))).flat();
}
function having(main) {
  return data.benchmarks.map((each) => ({ ...each, columns: each.columns.filter((column) => column.main === main) }))
    .filter((each) => each.columns.length);
}
function tableOf(each) {
  return make("div", { class: "panel" }, make("h3", {}, each.title), make("table", {},
    make("thead", {}, make("tr", {}, make("th", {}, "Model"), columnHeads([each]))), resultRows([each])));
}
function drawDetails() {
  if (!having(false).length) return;
  page.append(make("h2", {}, "In detail"), make("p", {}, "What the paper's table does not have."),
    make("div", { class: "details" }, having(false).map(tableOf)));
}
function drawResults() {
  const benchmarks = having(true);
  page.append(make("h2", {}, "Results"),
    make("p", {}, "Points from 0 to 100; ↓ marks columns where less is better. A letter names the source of a reported "
      + "value; where sources disagree, all are shown in another colour. Under values that were measured here stands the 95 % interval of "
      + "a bootstrap over the samples."));
  const groups = benchmarks.map((each) =>
    make("th", { class: "group first", colspan: each.columns.length }, each.title));
  page.append(make("div", { class: "panel wide" }, make("table", {},
    make("thead", {}, make("tr", {}, make("th"), groups), make("tr", {}, make("th", {}, "Model"),
      columnHeads(benchmarks))), resultRows(benchmarks))));
  page.append(make("div", { class: "narrow" }, benchmarks.map(tableOf)));
}

// Every column as a scale: what is reported as ticks, what was measured as dots with their intervals.
const WIDTH = 400, LEFT = 12, RIGHT = 12, STEP = 34;
function plot(benchmark) {
  const columns = benchmark.columns.filter((column) => ownValues(column).length);
  const lines = columns.flatMap((column) => [{ column }, ...ownValues(column).map((own) => ({ own, column }))]);
  const drawing = shape("svg", { viewBox: `0 0 ${WIDTH} ${lines.length * STEP / 2 + 26}`, role: "img" });
  const all = columns.flatMap((column) => [...told(column).map((each) => each.value),
    ...ownValues(column).flatMap((own) => [own.low, own.high])]);
  const least = Math.max(0, Math.floor(Math.min(...all) / 10) * 10);
  const most = Math.min(100, Math.max(least + 10, Math.ceil(Math.max(...all) / 10) * 10));
  const at = (value) => LEFT + ((Math.min(most, Math.max(least, value)) - least) / (most - least)) * (WIDTH - LEFT - RIGHT);
  let y = 14;
  for (const { column, own } of lines) {
    if (own) {
      const place = y - 2;
      const style = "own" + (data.compared[1] === own.model ? " second" : "");
      drawing.append(shape("line", { class: style, x1: at(own.low), x2: at(own.high), y1: place, y2: place }),
        shape("circle", { class: style, cx: at(own.value), cy: place, r: 3.5 }));
      const right = at(own.high) < WIDTH / 2;
      drawing.append(shape("text", { x: right ? at(own.high) + 7 : at(own.low) - 7, y: place + 4,
        "text-anchor": right ? "start" : "end" }, `${own.model.slice(0, 28)} ${points(own.value)}`));
    } else {
      drawing.append(shape("text", { class: "name", x: LEFT, y: y - 3 }, column.title));
      drawing.append(shape("line", { class: "axis", x1: LEFT, x2: WIDTH - RIGHT, y1: y + 2, y2: y + 2 }));
      for (const each of told(column)) {
        const tick = shape("line", { class: "told", x1: at(each.value), x2: at(each.value), y1: y - 3, y2: y + 6 });
        tick.append(shape("title", {}, `${each.model} ${points(each.value)} (${each.source})`));
        drawing.append(tick);
      }
    }
    y += STEP / 2;
  }
  for (const value of [least, (least + most) / 2, most]) {
    drawing.append(shape("text", { x: at(value), y: y + 6,
      "text-anchor": value === least ? "start" : value === most ? "end" : "middle" }, points(value)));
  }
  return make("div", { class: "panel" }, make("h3", {}, benchmark.title), drawing);
}
function valuesOf(column, wanted) {
  return data.rows.filter((row) => (row.kind === "own") === wanted && !row.note && row.cells[column.key])
    .flatMap((row) => row.cells[column.key].values.map((value) => ({ model: row.model, ...value })));
}
const ownValues = (column) => valuesOf(column, true);
const told = (column) => valuesOf(column, false);
function drawPlots() {
  const plots = data.benchmarks.filter((each) => each.own && each.columns.some((column) => ownValues(column).length));
  if (!plots.length) return;
  page.append(make("h2", {}, "Where the models stand"),
    make("p", {}, "Grey ticks are reported values; dots are measured here, with their 95 % intervals."),
    make("div", { class: "plots" }, plots.map(plot)));
}

function verdict(each) {
  if (!each.clear) return make("span", { class: "chip" }, "may be chance");
  const better = each.value > 0 === each.higher;
  return make("span", { class: "chip " + (better ? "good" : "bad") }, better ? "better" : "worse");
}
function drawComparison() {
  if (!data.comparisons.length) return;
  const [first, second] = data.compared;
  page.append(make("h2", {}, `${second} less ${first}`), make("p", {}, "A paired bootstrap on the samples that both "
    + "models have answered: positive where the former has more. Where the interval holds 0, it may be chance."));
  const rows = data.comparisons.map((each) => make("tr", {}, make("td", {}, each.title),
    make("td", { class: "number", "data-label": "difference" }, signed(each.value)),
    make("td", { class: "number", "data-label": "95 %" }, `${signed(each.low)} to ${signed(each.high)}`),
    make("td", { class: "number", "data-label": "p" }, each.p.toFixed(3)),
    make("td", { class: "number", "data-label": "samples" }, number(each.samples)), make("td", {}, verdict(each))));
  const head = ["Column", "Difference", "95 % interval", "p", "Samples"].map((title, i) =>
    make("th", i ? { class: "number" } : {}, title));
  page.append(make("div", { class: "panel" }, make("table", { class: "plain" },
    make("thead", {}, make("tr", {}, head, make("th", {}, "Verdict"))), make("tbody", {}, rows))));
}

function framed(caption, source, otherwise) {
  const content = source ? make("img", { src: source, alt: caption, loading: "lazy" })
    : make("div", { class: "none" }, otherwise);
  return make("figure", {}, make("figcaption", {}, caption), make("div", { class: "frame" }, content));
}
function disclosure(name, text) {
  const block = make("details", {}, make("summary", {}, name));
  block.addEventListener("toggle", () => block.append(make("pre", {}, text)), { once: true });
  return block;
}
function card(entry) {
  const shown = make("div", { class: "shown" }, framed("Target", entry.target, "No image was kept"));
  for (const model of entry.models) {
    const figure = framed(model.model, model.render, model.status === "ok" ? "No image was kept" : "No render");
    if (model.status !== "ok") {
      figure.append(make("p", { class: "message" }, `${spaced(model.status)}: ${model.message}`));
    }
    figure.append(make("div", { class: "marks" }, Object.entries(model.columns).map(([name, value]) =>
      make("span", { class: "chip" }, `${name} ${points(value)}`))));
    if (model.code) figure.append(disclosure("Code", model.code));
    shown.append(figure);
  }
  return make("article", { class: "card" }, make("h3", {}, entry.id), shown);
}
function drawGallery() {
  const titles = {
    changed: () => `Changed most from ${data.compared[0]} to ${data.compared[1]}`, best: () => "Best", worst: () => "Worst",
  };
  for (const benchmark of data.benchmarks) {
    const found = data.gallery[benchmark.name];
    if (!found) continue;
    page.append(make("h2", {}, `Samples of ${benchmark.title}`), make("p", {}, `Ordered by ${found.mark}.`));
    for (const [kind, title] of Object.entries(titles)) {
      if (!found[kind].length) continue;
      page.append(make("h3", {}, title()), make("div", { class: "cards" }, found[kind].map(card)));
    }
  }
}

function drawSources() {
  const notes = data.rows.flatMap((row) => Object.values(row.cells).flatMap((each) => each.values)
    .filter((value) => value.note).map((value) => `${row.model} ${points(value.value)}: ${value.note}`));
  page.append(make("h2", {}, "Sources"), make("ul", {},
    data.sources.map((each) => make("li", {}, make("b", {}, `${each.letter} ${each.title}. `), each.protocol,
      each.also.length ? make("ul", {}, each.also.map((text) => make("li", {}, text))) : null)),
    notes.map((text) => make("li", {}, text))));
  page.append(make("h2", {}, "Protocols"), make("ul", {}, data.benchmarks.map((each) =>
    make("li", {}, make("b", {}, each.title + ". "), each.protocol, make("ul", {},
      each.unverified.length ? make("li", {}, `Not verified with official code: ${each.unverified.join(", ")}`) : null,
      Object.entries(each.left_out).map(([name, reason]) => make("li", {}, `Left out here, ${name}: ${reason}`)))))));
}

drawHead();
drawResults();
drawPlots();
drawComparison();
drawDetails();
drawGallery();
drawSources();
byId("foot").textContent = `VinciCoder ${data.version}`;
