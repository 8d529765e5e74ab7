const slider = byId("step");
const TITLES = {
  best: "Best", worst: "Worst that gave an image", failed: "Failures", followed: "Followed through the run",
};

function frame(stored, otherwise, caption) {
  const content = stored
    ? make("img", { src: stored.src, width: stored.width, height: stored.height, alt: caption, loading: "lazy" })
    : otherwise;
  return make("figure", {}, make("div", { class: "frame" }, content), make("figcaption", {}, caption));
}

function card(row) {
  const status = make("span", { class: tone(row.status) }, spaced(row.status));
  const top = make("div", { class: "top" }, make("span", {}, row.language + " · ", status),
    make("b", {}, row.overall.toFixed(3)));
  const pair = make("div", { class: "pair" }, frame(row.target, "no target", "target"),
    frame(row.render, "no render", "render"));
  const message = row.message ? make("p", { class: "message" }, row.message) : null;
  const text = row.text
    ? make("details", {}, make("summary", {}, "what the model wrote"), make("pre", {}, row.text))
    : null;
  return make("div", { class: "card" }, top, pair, message, text);
}

// The same prompt at every step where it was answered.
function strip(prompt, now) {
  const line = make("div", { class: "strip" });
  for (const { step, rows } of data.steps) {
    const row = rows.find((each) => each.prompt === prompt && each.kinds.includes("followed"));
    if (!row) continue;
    if (!line.children.length) line.append(frame(row.target, "no target", "target"));
    const figure = frame(row.render, spaced(row.status), `step ${step} · ${row.overall.toFixed(3)}`);
    if (step === now) figure.classList.add("now");
    line.append(figure);
  }
  return line.children.length ? line : null;
}

function show() {
  const { step, rows } = data.steps[slider.value];
  byId("shown").textContent = `step ${step} (${Number(slider.value) + 1} of ${data.steps.length})`;
  const sections = [];
  for (const kind of ["best", "worst", "failed"]) {
    const some = rows.filter((row) => row.kinds.includes(kind));
    if (!some.length) continue;
    some.sort((one, other) => (kind === "worst" ? 1 : -1) * (one.overall - other.overall));
    sections.push(make("h2", {}, TITLES[kind]), make("div", { class: "cards" }, ...some.map(card)));
  }
  const strips = data.followed.map((prompt) => strip(prompt, step)).filter(Boolean);
  if (strips.length) sections.push(make("h2", {}, TITLES.followed), ...strips);
  byId("rows").replaceChildren(...sections);
  history.replaceState(null, "", `#step-${step}`);
}
function move(by) {
  slider.value = Number(slider.value) + by;
  show();
}

byId("head").append(make("h1", {}, data.title),
  make("p", { class: "sub" }, `Targets beside what the policy drew; vincicoder ${data.version}`));
slider.max = data.steps.length - 1;
const asked = data.steps.findIndex(({ step }) => location.hash === `#step-${step}`);
slider.value = asked < 0 ? data.steps.length - 1 : asked;
slider.addEventListener("input", show);
byId("before").addEventListener("click", () => move(-1));
byId("after").addEventListener("click", () => move(1));
if (data.steps.length) show();
