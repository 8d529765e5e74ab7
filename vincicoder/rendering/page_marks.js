// The shapes of a page's SVG elements, as [filled, [x, y, x, y, ...], width] in CSS pixels of the window. Where a page has
// traces, as plotly's pages do, only those: axes, grids and legends are no data.
//
// Runs in a world of its own, which no script of the page can reach. A document lets its elements hide its methods, so
// that the first call does not go through it.
(() => {
  const SHAPES = "path, rect, circle, ellipse, line, polyline, polygon";
  const UNSEEN = "defs, clipPath, mask, pattern, marker, symbol";
  // Shapes that are looked at, points along a curve, and the opacity below which nothing is to be seen.
  const MOST = 2000;
  const ALONG = 48;
  const FAINT = 0.02;

  const alpha = (paint, opacity) => {
    if (paint === "none") return 0;
    const match = /^rgba\(.*, ([\d.]+)\)$/.exec(paint);
    return (match ? Number(match[1]) : 1) * Number(opacity);
  };

  // The corners of a path of straight lines; null for any other.
  const corners = path => {
    const text = path.getAttribute("d") || "";
    if (!/^[MLHVZ\d\s.,eE+-]*$/.test(text)) return null;
    const points = [];
    let x = 0;
    let y = 0;
    for (const [, command, rest] of text.matchAll(/([MLHVZ])([^MLHVZ]*)/g)) {
      const numbers = (rest.match(/[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/g) || []).map(Number);
      if (command === "H") for (x of numbers) points.push([x, y]);
      else if (command === "V") for (y of numbers) points.push([x, y]);
      else for (let i = 0; i + 1 < numbers.length; i += 2) points.push([x = numbers[i], y = numbers[i + 1]]);
    }
    return points;
  };

  const along = shape => {
    const length = shape.getTotalLength();
    return Array.from({length: ALONG + 1}, (_, index) => {
      const {x, y} = shape.getPointAtLength((length * index) / ALONG);
      return [x, y];
    });
  };

  const pointsOf = shape => {
    if (shape instanceof SVGPathElement) return corners(shape) || along(shape);
    if (shape instanceof SVGRectElement) {
      const {x, y, width, height} = shape.getBBox();
      return [[x, y], [x + width, y], [x + width, y + height], [x, y + height]];
    }
    if (shape.points) return Array.from(shape.points, ({x, y}) => [x, y]);
    return along(shape);
  };

  const markOf = shape => {
    const style = getComputedStyle(shape);
    const filled = !(shape instanceof SVGLineElement) && alpha(style.fill, style.fillOpacity) > FAINT;
    const stroked = alpha(style.stroke, style.strokeOpacity) > FAINT && Number.parseFloat(style.strokeWidth) > 0;
    const matrix = shape.getScreenCTM();
    if (style.visibility !== "visible" || Number(style.opacity) <= FAINT || !(filled || stroked) || !matrix) return null;
    const {a, b, c, d, e, f} = matrix;
    const points = pointsOf(shape);
    const step = Math.max(1, Math.ceil(points.length / 1000));
    const kept = points.filter((_, index) => index % step === 0 || index === points.length - 1);
    const scale = style.vectorEffect === "non-scaling-stroke" ? 1 : Math.sqrt(Math.abs(a * d - b * c));
    const width = filled ? 0 : scale * Number.parseFloat(style.strokeWidth);
    return [filled, kept.flatMap(([x, y]) => [a * x + c * y + e + scrollX, b * x + d * y + f + scrollY]), width];
  };

  const shapes = Array.from(Document.prototype.querySelectorAll.call(document, SHAPES)).filter(
    shape => shape instanceof SVGGeometryElement && !shape.closest(UNSEEN),
  );
  const traced = shapes.filter(shape => shape.closest(".trace"));
  const marks = [];
  for (const shape of (traced.length ? traced : shapes).slice(0, MOST)) {
    const mark = markOf(shape);
    if (mark && mark[1].length > 2) marks.push(mark);
  }
  return marks;
})();
