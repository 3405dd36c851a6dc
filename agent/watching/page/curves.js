// Curves of one trial: its evaluations, and what TensorBoard would show.

import { axis, chartPlace, faint } from "./charts.js";
import { colour, el, show } from "./dom.js";

const FIRST = ["rollout/ep_rew_mean", "train/loss", "train/value_loss", "train/entropy_loss", "train/explained_variance"];

/** The scores of a trial's evaluations, with their spread. */
export function evaluationCurve() {
  const place = chartPlace(220, "score over the training");
  return {
    node: place.node,
    update(progress, timesteps) {
      place.node.hidden = !progress.length;
      if (!progress.length) return;
      const steps = progress.map((each) => each[0]);
      const mean = progress.map((each) => each[1]);
      const low = progress.map((each) => each[1] - (each[2] ?? 0));
      const high = progress.map((each) => each[1] + (each[2] ?? 0));
      place.draw(() => options(timesteps), [steps, high, low, mean], `evaluations ${timesteps}`);
    },
    close: () => place.close(),
  };
}

function options(timesteps) {
  const none = { show: false };
  return {
    legend: none,
    cursor: { y: false, drag: { x: false, y: false } },
    scales: { x: { time: false, range: (_, low, high) => [0, Math.max(timesteps ?? 0, high)] } },
    axes: [axis({ grid: none, size: 30 }), axis({ size: 52 })],
    bands: [{ series: [1, 2], fill: faint("accent", 0.14) }],
    series: [
      {},
      { stroke: "transparent", points: none },
      { stroke: "transparent", points: none },
      { stroke: colour("accent"), width: 1.75, points: { size: 6, fill: colour("accent") } },
    ],
  };
}

/** All curves that the training wrote, each in a small chart. */
export function smallCurves() {
  const node = el("div", { class: "multiples" });
  const places = new Map();
  return {
    node,
    update(curves) {
      const names = Object.keys(curves).filter((name) => curves[name].length > 1 && !name.startsWith("time/"));
      names.sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
      for (const name of names) {
        if (!places.has(name)) {
          const place = chartPlace(120, name);
          const value = el("small", {});
          places.set(name, { place, value });
          node.append(el("figure", {}, el("h3", {}, name.replace("/", " · "), value), place.node));
        }
        const { place, value } = places.get(name);
        const points = curves[name];
        show(value, ` ${points.at(-1)[1].toPrecision(4)}`);
        place.draw(() => small(), [points.map((each) => each[0]), points.map((each) => each[1])], name);
      }
    },
    close() {
      for (const { place } of places.values()) place.close();
    },
  };
}

function rank(name) {
  const found = FIRST.indexOf(name);
  return found < 0 ? FIRST.length : found;
}

function small() {
  return {
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false } },
    axes: [axis({ grid: { show: false }, size: 24, space: 70 }), axis({ size: 50, space: 34 })],
    series: [{}, { stroke: colour("accent"), width: 1.5, points: { show: false } }],
  };
}
