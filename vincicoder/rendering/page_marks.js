// The shapes of a page, as [filled, [x, y, x, y, ...], width] in CSS pixels of the window: those of its SVG elements, and
// the backgrounds, borders and images of all others. Where a page has traces, as plotly's pages do, only those: axes,
// grids and legends are no data.
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
  const SIDES = ["Top", "Right", "Bottom", "Left"];
  const REPLACED = [HTMLImageElement, HTMLCanvasElement, HTMLVideoElement, HTMLIFrameElement];

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
  // What an element paints beside its text. A border on all sides is the outline of the box, others are lines.
  const boxesOf = element => {
    const style = getComputedStyle(element);
    const box = Element.prototype.getBoundingClientRect.call(element);
    if (style.visibility !== "visible" || Number(style.opacity) <= FAINT || Math.min(box.width, box.height) < 1) return [];
    const [left, top, right, bottom] = [box.left + scrollX, box.top + scrollY, box.right + scrollX, box.bottom + scrollY];
    const painted = alpha(style.backgroundColor, 1) > FAINT || style.backgroundImage !== "none";
    const filled = painted || REPLACED.some(kind => element instanceof kind);
    const outline = [left, top, right, top, right, bottom, left, bottom];
    const widths = SIDES.map(side => {
      const seen = style[`border${side}Style`] !== "none" && alpha(style[`border${side}Color`], 1) > FAINT;
      return seen ? Number.parseFloat(style[`border${side}Width`]) : 0;
    });
    const area = filled ? [[true, outline, 0]] : [];
    if (widths.every(width => width > 0)) return filled ? area : [[false, [...outline, left, top], widths[0]]];
    const [up, across, down, back] = widths.map(width => width / 2);
    const lines = [
      [left, top + up, right, top + up],
      [right - across, top, right - across, bottom],
      [left, bottom - down, right, bottom - down],
      [left + back, top, left + back, bottom],
    ];
    return area.concat(lines.map((line, side) => [false, line, widths[side]]).filter(([, , width]) => width > 0));
  };

  const traced = shapes.filter(shape => shape.closest(".trace"));
  const marks = [];
  for (const shape of (traced.length ? traced : shapes).slice(0, MOST)) {
    const mark = markOf(shape);
    if (mark && mark[1].length > 2) marks.push(mark);
  }
  if (traced.length) return marks;
  const elements = Array.from(Document.prototype.querySelectorAll.call(document, "body, body *"));
  return marks.concat(elements.filter(each => each instanceof HTMLElement).slice(0, MOST).flatMap(boxesOf));
})();
