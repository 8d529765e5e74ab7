// Shows the figure that stands as JSON in the page; see plotly_page.py.
const { figure, width, height, staticPlot } = JSON.parse(document.getElementById("figure-data").textContent);

// 3D scenes are redrawn with every frame, for seconds of CPU time; later frames differ from these by rounding only.
const STILL_MS = 100;
const realFrame = window.requestAnimationFrame;
window.requestAnimationFrame = (callback) => (performance.now() < STILL_MS ? realFrame(callback) : 0);

Plotly.newPlot("figure", figure.data, Object.assign({}, figure.layout, { width, height }), {
  staticPlot,
  displayModeBar: false,
});
