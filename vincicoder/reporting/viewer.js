// Images of one size in a window over the page: at the same place in all of them, or laid over the first.
/* oxlint-disable no-unused-vars */
const FARTHEST = 40;

function openViewer(pictures) {
  const view = { mode: "side", zoom: 1, x: 0.5, y: 0.5, share: 0.5 };
  const stage = make("div", { class: "stage" });
  const share = make("input", { type: "range", min: 0, max: 1, step: 0.01, value: 0.5, "aria-label": "How much of the second" });
  const level = make("output");
  const mode = make("select", { "aria-label": "How to compare" }, make("option", { value: "side" }, "Side by side"));
  if (pictures.length > 1) {
    mode.append(make("option", { value: "difference" }, "Difference"), make("option", { value: "over" }, "One over the other"));
  }
  const button = (text, label, act) => {
    const made = make("button", { type: "button", "aria-label": label, title: label }, text);
    made.addEventListener("click", act);
    return made;
  };
  const dialog = make("dialog", { class: "viewer" });
  dialog.append(make("div", { class: "bar-of-viewer" }, mode, share, button("−", "Zoom out", () => zoomBy(1 / 1.5)), level,
    button("+", "Zoom in", () => zoomBy(1.5)), button("Fit", "Show all", fitAll), button("Close", "Close", () => dialog.close())), stage);

  function layers(shown) {
    return make("div", { class: "pane" }, ...shown.map(({ stored, label }) => make("img", { src: stored.src, alt: label })));
  }
  function draw() {
    share.hidden = view.mode !== "over";
    stage.className = "stage " + view.mode;
    const panes = view.mode === "side" ? pictures.map((each) => [each]) : pictures.slice(1).map((each) => [pictures[0], each]);
    stage.replaceChildren(...panes.map((shown) => make("figure", {},
      make("figcaption", {}, shown.map(({ label }) => label).join(view.mode === "difference" ? " − " : " under ")), layers(shown))));
    place();
  }
  // Places are fractions of an image, so that the same place is seen in images of different sizes.
  function place() {
    level.textContent = `${Math.round(view.zoom * 100)} %`;
    for (const pane of stage.querySelectorAll(".pane")) {
      const { clientWidth: width, clientHeight: height } = pane;
      [...pane.children].forEach((img, i) => {
        const { stored } = view.mode === "side" ? pictures[[...stage.children].indexOf(pane.parentElement)] : pictures[0];
        const scale = Math.min(width / stored.width, height / stored.height);
        const [w, h] = [stored.width * scale, stored.height * scale];
        img.style.width = `${w}px`;
        img.style.height = `${h}px`;
        const [left, up] = [width / 2 - view.x * w * view.zoom, height / 2 - view.y * h * view.zoom];
        img.style.transform = `translate(${left}px, ${up}px) scale(${view.zoom})`;
        img.style.imageRendering = view.zoom * scale >= 3 ? "pixelated" : "auto";
        img.style.opacity = view.mode === "over" && i > 0 ? view.share : 1;
      });
    }
  }
  const within = (value, low, high) => Math.min(high, Math.max(low, value));
  function zoomBy(factor, at = { x: view.x, y: view.y }) {
    const zoom = within(view.zoom * factor, 1, FARTHEST);
    for (const axis of ["x", "y"]) view[axis] = within(at[axis] + (view[axis] - at[axis]) * (view.zoom / zoom), 0, 1);
    view.zoom = zoom;
    place();
  }
  function fitAll() {
    Object.assign(view, { zoom: 1, x: 0.5, y: 0.5 });
    place();
  }
  function placeUnder(event) {
    const img = event.target.closest(".pane")?.querySelector("img");
    if (!img) return undefined;
    const box = img.getBoundingClientRect();
    return { x: within((event.clientX - box.left) / box.width, 0, 1), y: within((event.clientY - box.top) / box.height, 0, 1), box };
  }
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomBy(Math.exp(-event.deltaY / 400), placeUnder(event));
  }, { passive: false });
  stage.addEventListener("dblclick", (event) => zoomBy(3, placeUnder(event)));
  stage.addEventListener("pointermove", (event) => {
    const under = event.buttons === 1 ? placeUnder(event) : undefined;
    if (!under) return;
    view.x = within(view.x - event.movementX / under.box.width, 0, 1);
    view.y = within(view.y - event.movementY / under.box.height, 0, 1);
    place();
  });
  mode.addEventListener("change", () => {
    view.mode = mode.value;
    draw();
  });
  share.addEventListener("input", () => {
    view.share = Number(share.value);
    place();
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "+" || event.key === "=") zoomBy(1.5);
    if (event.key === "-") zoomBy(1 / 1.5);
    if (event.key === "0") fitAll();
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  new ResizeObserver(place).observe(stage);
  draw();
}
