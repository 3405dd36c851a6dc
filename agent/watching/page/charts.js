// Charts: uPlot in the page's own colours, drawn anew when light turns to dark.

import { el, colour } from "./dom.js";
import { number } from "./words.js";

/** A place for a chart that is as wide as the page lets it be, and at least so high. */
export function chartPlace(least, label) {
  const node = el("div", { class: "chart", role: "img", "aria-label": label });
  let plot = null;
  let made = null;
  let before = "";
  node.style.height = `${least}px`;
  const size = () => ({ width: Math.max(120, node.clientWidth), height: Math.max(least, node.clientHeight) });
  const watcher = new ResizeObserver(() => {
    const now = size();
    if (!plot || `${now.width} ${now.height}` === before) return;
    before = `${now.width} ${now.height}`;
    plot.setSize(now);
  });
  watcher.observe(node);
  return {
    node,
    get plot() {
      return plot;
    },
    /** Shows data; `make` gives the options, and `shape` says when they have to be made anew. */
    draw(make, data, shape) {
      if (!node.isConnected || !node.clientWidth) {
        requestAnimationFrame(() => node.isConnected && node.clientWidth && this.draw(make, data, shape));
        return;
      }
      if (plot && made === shape) {
        plot.setData(data);
        return;
      }
      plot?.destroy();
      const now = size();
      before = `${now.width} ${now.height}`;
      plot = new uPlot({ ...now, ...make() }, data, node);
      made = shape;
    },
    clear() {
      plot?.destroy();
      plot = null;
      made = null;
    },
    close() {
      watcher.disconnect();
      plot?.destroy();
      plot = null;
    },
  };
}

/** An axis in the page's colours. */
export function axis(more = {}) {
  const soft = colour("soft");
  return {
    stroke: soft,
    font: "11px system-ui, sans-serif",
    labelFont: "11px system-ui, sans-serif",
    grid: { stroke: colour("line"), width: 1 },
    ticks: { show: false },
    gap: 6,
    values: (_, splits) => splits.map((value) => (value === null ? "" : number(value, 3))),
    ...more,
  };
}

/** A colour with some transparency. */
export function faint(name, share) {
  return `color-mix(in srgb, ${colour(name)} ${Math.round(100 * share)}%, transparent)`;
}

/** Draws points of given colours over a chart: (x, y, colour) each. */
export function drawPoints(plot, points, radius) {
  const { ctx } = plot;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(plot.bbox.left, plot.bbox.top, plot.bbox.width, plot.bbox.height);
  ctx.clip();
  for (const [x, y, fill, hollow] of points) {
    const left = plot.valToPos(x, "x", true);
    const top = plot.valToPos(y, "y", true);
    ctx.beginPath();
    ctx.arc(left, top, radius * ratio, 0, 2 * Math.PI);
    if (hollow) {
      ctx.strokeStyle = fill;
      ctx.lineWidth = 1.2 * ratio;
      ctx.stroke();
    } else {
      ctx.fillStyle = fill;
      ctx.fill();
    }
  }
  ctx.restore();
}
