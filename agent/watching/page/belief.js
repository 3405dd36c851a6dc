// What the search believes: slices with their uncertainty, what matters, what is next and why.

import { axis, chartPlace, drawPoints, faint } from "./charts.js";
import { colour, el, show } from "./dom.js";
import { ask, valueOf } from "./store.js";
import { number, score, spread } from "./words.js";

const MOST_SLICES = 12;

export function beliefPanel() {
  const node = el("div", { class: "beliefs" });
  const shown = new Map(); // night -> its panel
  return {
    node,
    update(what, nights) {
      if (what === "live") return;
      for (const night of nights) {
        if (!night.belief) continue;
        if (!shown.has(night.night)) {
          shown.set(night.night, one());
          node.append(shown.get(night.night).node);
        }
        shown.get(night.night).update(what, night, nights.length > 1);
      }
    },
    close() {
      for (const each of shown.values()) each.close();
    },
  };
}

function one() {
  const title = el("h2", {}, "What the search believes");
  const facts = el("div", { class: "panel-facts" });
  const next = el("div", { class: "next" });
  const multiples = el("div", { class: "multiples" });
  const matters = el("div", { class: "bars wide" });
  const progress = chartPlace(150, "probability of having found the best");
  const reason = el("p", { class: "hint" });
  const stopping = el("figure", {}, el("h3", {}, "How sure it is of its recommendation"), progress.node, reason);
  const importance = el("figure", {}, el("h3", {}, "What matters"), matters, el("p", { class: "hint" }, "share of the expected score's variance that a parameter has a part in"));
  const legend = el("p", { class: "hint" }, "Expected score along each parameter, through the recommended configuration. Bands: one standard deviation; dashed: the upper bound that the search climbs; points: trials; line: the next trial.");
  const node = el(
    "section",
    { class: "panel" },
    el("div", { class: "panel-head" }, title, facts),
    el("div", { class: "columns" }, next, importance, stopping),
    multiples,
    legend,
  );
  const places = new Map();
  let known = null;
  let belief = null;

  async function load(night) {
    known = night.belief;
    try {
      belief = await ask(`api/nights/${night.night}/belief`);
    } catch {
      known = null;
    }
  }

  function draw(night, several, what) {
    if (!belief) return;
    const salt = what === "colours" ? Math.random() : "";
    show(title, several ? `What the search believes, ${night.name}` : "What the search believes");
    const last = belief.assessments?.at(-1);
    show(facts, last ? el("span", {}, `recommends ${inWords(belief.recommended)}, expected ${spread(last.mean, last.std)}`) : null);
    show(next, nextInWords(belief));
    showImportances();
    showStopping(salt);
    showSlices(night, salt);
  }

  function showImportances() {
    const found = Object.entries(belief.importances ?? {}).sort((a, b) => b[1] - a[1]);
    const most = Math.max(...found.map(([, share]) => share), 1e-9);
    show(
      matters,
      found.slice(0, 10).map(([name, share]) => {
        const bar = el("i", {});
        bar.style.width = `${(100 * share) / most}%`;
        return el("div", {}, el("small", { title: name }, name), el("b", {}, bar), el("span", {}, `${Math.round(100 * share)} %`));
      }),
    );
    importance.hidden = !found.length;
  }

  function showStopping(salt) {
    const found = (belief.assessments ?? []).filter((each) => Number.isFinite(each.probability));
    stopping.hidden = !found.length;
    if (!found.length) return;
    show(reason, found.at(-1).converged ? `Converged: ${found.at(-1).reason}` : `Goes on: ${found.at(-1).reason}`);
    const options = () => ({
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: false }, y: { range: [0, 1.02] } },
      axes: [axis({ grid: { show: false }, size: 26 }), axis({ size: 46, values: (_, splits) => splits.map((value) => `${Math.round(100 * value)} %`), space: 40 })],
      series: [{}, { stroke: colour("accent"), width: 1.75, points: { show: found.length < 3, fill: colour("accent") } }],
    });
    progress.draw(options, [found.map((each) => each.trial), found.map((each) => each.probability)], `stopping ${found.length < 3} ${salt}`);
  }

  function showSlices(night, salt) {
    const rank = (each) => -(belief.importances?.[each.name] ?? 0);
    const found = [...(belief.slices ?? [])].sort((a, b) => rank(a) - rank(b)).slice(0, MOST_SLICES);
    const names = new Set(found.map((each) => each.name));
    legend.hidden = !found.length;
    for (const [name, each] of places)
      if (!names.has(name)) {
        each.place.close();
        each.node.remove();
        places.delete(name);
      }
    for (const slice of found) {
      if (!places.has(slice.name)) {
        const place = chartPlace(150, `expected score along ${slice.name}`);
        places.set(slice.name, { place, node: el("figure", {}, el("h3", {}, slice.name), place.node), latest: null });
      }
      const each = places.get(slice.name);
      multiples.append(each.node);
      each.latest = sliceOf(slice, night, belief.next);
      drawSlice(each, salt);
    }
  }

  return {
    node,
    async update(what, night, several) {
      if (night.belief !== known) await load(night);
      draw(night, several, what);
    },
    close() {
      progress.close();
      for (const each of places.values()) each.place.close();
    },
  };
}

function sliceOf(slice, night, next) {
  const isNumber = slice.values.every((value) => typeof value === "number");
  const labels = slice.values.map((value) => (typeof value === "number" ? number(value, 3) : String(value)));
  const place = (value) => (isNumber ? value : slice.values.indexOf(value));
  const xs = isNumber ? slice.values : slice.values.map((_, k) => k);
  const tried = [];
  for (const trial of night.trials) {
    if (!trial.scored) continue;
    const value = slice.name === "agent" ? trial.agent : valueOf(trial, slice.name);
    const x = value === undefined ? -1 : place(value);
    if (value !== undefined && x !== -1) tried.push([x, trial.score]);
  }
  const after = next?.params?.[slice.name];
  return { slice, isNumber, labels, xs, tried: tried.slice(-600), next: after === undefined ? null : place(after) };
}

function drawSlice(each, salt) {
  const { slice, isNumber, xs } = each.latest;
  const none = { show: false };
  const few = xs.length < 9;
  const low = xs[0];
  const high = xs.at(-1);
  const log = slice.log && low > 0;
  const margin = isNumber ? 0.03 * (high - low) || 1 : 0.4;
  const range = log ? [low / (high / low) ** 0.03, high * (high / low) ** 0.03] : [low - margin, high + margin];
  const options = () => ({
    legend: none,
    cursor: none,
    scales: { x: { time: false, range, distr: log ? 3 : 1 }, y: { range: () => heights(each.latest) } },
    axes: [
      axis({ grid: none, size: 26, space: 44, ...(isNumber ? {} : { splits: () => xs, values: (_, splits) => splits.map((x) => each.latest.labels[x] ?? "") }) }),
      axis({ size: 46, space: 36 }),
    ],
    bands: [{ series: [1, 2], fill: faint("accent", 0.16) }],
    series: [
      {},
      { stroke: "transparent", points: none },
      { stroke: "transparent", points: none },
      { stroke: faint("second", 0.9), width: 1.25, dash: [4, 4], points: none },
      { stroke: colour("accent"), width: 1.75, points: { show: few, size: 6, fill: colour("accent") } },
    ],
    hooks: { draw: [(plot) => paintSlice(plot, each.latest)] },
  });
  each.place.draw(options, [xs, slice.high, slice.low, slice.upper, slice.mean], `${slice.name} ${few} ${low} ${high} ${salt}`);
}

function heights({ slice, tried }) {
  const all = [...slice.low, ...slice.upper, ...tried.map((each) => each[1])].sort((a, b) => a - b);
  const low = Math.max(all[0], Math.min(...slice.low) - 1.5 * (Math.max(...slice.upper) - Math.min(...slice.low)));
  const high = all.at(-1);
  const margin = 0.06 * (high - low) || 1;
  return [low - margin, high + margin];
}

function paintSlice(plot, { tried, next }) {
  const fill = faint("ink", 0.35);
  drawPoints(plot, tried.map(([x, y]) => [x, y, fill]), 1.7);
  if (next === null || next < 0) return;
  const { ctx } = plot;
  const left = plot.valToPos(next, "x", true);
  ctx.save();
  ctx.strokeStyle = colour("second");
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.beginPath();
  ctx.moveTo(left, plot.bbox.top);
  ctx.lineTo(left, plot.bbox.top + plot.bbox.height);
  ctx.stroke();
  ctx.restore();
}

function inWords(params) {
  return Object.entries(params ?? {})
    .map(([name, value]) => `${name} ${typeof value === "number" ? number(value) : value}`)
    .join(", ");
}

function nextInWords(belief) {
  const next = belief.next;
  if (!next) return [];
  const top = next.top ?? [];
  return [
    el("h3", {}, `Latest choice: trial ${next.trial}`),
    el("p", {}, why(next, top)),
    el("dl", { class: "pairs" }, Object.entries(next.params ?? {}).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, typeof value === "number" ? number(value) : String(value))))),
    top.length > 1 ? el("p", { class: "hint" }, `Next best: ${top.slice(1).map((each) => score(each.ucb)).join(", ")}`) : null,
  ];
}

function why(next, top) {
  if (next.source === "default") return "The default configuration, which every search tries first.";
  if (next.source === "replicate") return "The best configuration once more, on a fresh seed, before it may be champion.";
  if (next.source === "random" || !top.length) return `Chosen at random: ${next.observations ?? 0} trials are too few for a model.`;
  const [best] = top;
  const safest = top.every((each) => each.mean <= best.mean);
  const boldest = top.every((each) => each.std <= best.std);
  const reason = safest ? "it also has the best expected score of the five" : boldest ? "the search knows least about it" : "a good score is expected, and enough is unknown about it";
  return `The highest upper bound, ${score(best.ucb)} = ${spread(best.mean, best.std)} and what may be above; ${reason}. Learned from ${next.observations} trials.`;
}
