// The scores of all trials, over their number or along a parameter.

import { axis, chartPlace, drawPoints, faint } from "./charts.js";
import { colour, el, show } from "./dom.js";
import { best, searched, valueOf } from "./store.js";
import { score, spread } from "./words.js";

const MOST_WHISKERS = 600;
const NEAR_PX = 14;
const OVER_TRIALS = "";
const WHOLE = [1, 2, 5].flatMap((step) => [0, 1, 2, 3, 4].map((power) => step * 10 ** power)).sort((a, b) => a - b);

export function scorePanel() {
  const choice = el("select", { "aria-label": "score over" });
  const title = el("div", { class: "panel-facts" });
  const note = el("div", { class: "hint" });
  const place = chartPlace(260, "scores of all trials");
  const node = el(
    "section",
    { class: "panel scores" },
    el("div", { class: "panel-head" }, el("h2", {}, "Scores"), title, el("label", { class: "quiet" }, "over ", choice)),
    place.node,
    note,
  );
  let nights = [];
  let points = [];
  choice.addEventListener("change", () => draw("choice"));
  place.node.addEventListener("click", () => {
    if (near) location.hash = `#/${near.key}`;
  });
  let near = null;

  function fillChoice() {
    const names = [...new Set(nights.flatMap(searched))].slice(0, 40);
    const wanted = [OVER_TRIALS, ...names];
    if (wanted.length === choice.options.length && wanted.every((name, k) => choice.options[k].value === name)) return;
    const before = choice.value;
    choice.replaceChildren(...wanted.map((name) => el("option", { value: name }, name || "trials")));
    choice.value = wanted.includes(before) ? before : OVER_TRIALS;
  }

  function draw(what) {
    const scored = nights.flatMap((night) => night.trials.filter((trial) => trial.scored));
    show(title, facts(nights, scored));
    if (!scored.length) {
      place.clear();
      place.node.hidden = true;
      show(note, nights.some((night) => night.trials.length) ? "No trial has a score yet." : "No trial has ended yet.");
      return;
    }
    place.node.hidden = false;
    show(note, "");
    const name = choice.value;
    const over = name === OVER_TRIALS ? overTrials(nights) : along(nights, name);
    points = over.points;
    near = null;
    place.draw(() => options(over), over.data, `${name}|${over.shape}|${what === "colours" ? Math.random() : ""}`);
  }

  function options(over) {
    return {
      legend: { show: false },
      cursor: { points: { show: false }, y: false, drag: { x: false, y: false } },
      scales: {
        x: { time: false, range: over.range, distr: over.log ? 3 : 1 },
        y: { range: (_, low, high) => padded(over.low, over.high) },
      },
      axes: [
        axis({ ...(over.labels ? { values: over.labels } : {}), ...(over.whole ? { incrs: WHOLE } : {}), grid: { show: false }, size: 30 }),
        axis({ size: 52 }),
      ],
      series: [
        {},
        ...over.lines.map((line) => ({
          stroke: colour(line.colour),
          width: 1.75,
          paths: uPlot.paths.stepped({ align: 1 }),
          points: { show: false },
        })),
      ],
      hooks: {
        draw: [(plot) => paint(plot)],
        setCursor: [(plot) => hover(plot)],
      },
    };
  }

  function paint(plot) {
    const { ctx } = plot;
    if (points.length <= MOST_WHISKERS) {
      ctx.save();
      ctx.lineWidth = devicePixelRatio;
      for (const { x, trial, hue } of points) {
        if (!trial.std) continue;
        ctx.strokeStyle = faint(hue, 0.35);
        const left = Math.round(plot.valToPos(x, "x", true)) + 0.5;
        ctx.beginPath();
        ctx.moveTo(left, clampY(plot, trial.score - trial.std));
        ctx.lineTo(left, clampY(plot, trial.score + trial.std));
        ctx.stroke();
      }
      ctx.restore();
    }
    drawPoints(
      plot,
      points.map(({ x, trial, hue }) => [x, trial.score, colours[hue] ?? (colours[hue] = colour(hue)), trial.kind === "replicate"]),
      points.length > 1500 ? 1.6 : points.length > 300 ? 2.2 : 3.2,
    );
    colours = {};
  }

  let colours = {};

  function hover(plot) {
    const { left, top } = plot.cursor;
    let found = null;
    let least = NEAR_PX ** 2;
    if (left >= 0)
      for (const point of points) {
        const dx = plot.valToPos(point.x, "x") - left;
        if (dx > NEAR_PX || dx < -NEAR_PX) continue;
        const dy = plot.valToPos(point.trial.score, "y") - top;
        const distance = dx * dx + dy * dy;
        if (distance < least) [found, least] = [point, distance];
      }
    near = found?.trial ?? null;
    place.node.classList.toggle("pointing", near !== null);
    show(note, near ? `trial ${near.trial} · ${near.agent} · ${spread(near.score, near.std)} · open it with a click` : "");
  }

  return {
    node,
    update(what, all) {
      nights = all;
      if (what === "live") return;
      if (what === "standing" && place.plot) return;
      fillChoice();
      draw(what);
    },
    close: () => place.close(),
  };
}

const HUES = ["accent", "second", "third", "fourth"];

export function hueOf(night) {
  return HUES[night % HUES.length];
}

function facts(nights, scored) {
  const found = nights.map(best).filter(Boolean);
  if (!found.length) return [];
  if (nights.length > 1)
    return nights.map((night, k) => {
      const top = best(night);
      return el("span", { class: "key" }, el("i", { class: `dot ${hueOf(k)}` }), `${night.name} ${top ? score(top.score) : "–"}`);
    });
  const top = found[0];
  return [
    el("span", {}, "best ", el("a", { href: `#/${top.key}` }, `${spread(top.score, top.std)}`), ` by trial ${top.trial}`),
    el("span", {}, `${scored.length} of ${nights[0].trials.length} with a score`),
  ];
}

function overTrials(nights) {
  const points = [];
  const length = Math.max(...nights.map((night) => night.trials.length));
  const xs = Array.from({ length }, (_, k) => k + 1);
  const lines = [];
  const data = [xs];
  nights.forEach((night, k) => {
    let top = null;
    const line = new Array(length).fill(null);
    night.trials.forEach((trial, index) => {
      if (trial.scored) {
        points.push({ x: index + 1, trial, hue: hueOf(k) });
        if (top === null || trial.score > top) top = trial.score;
      }
      line[index] = top;
    });
    lines.push({ colour: hueOf(k) });
    data.push(line);
  });
  return { points, data, lines, whole: true, shape: `trials ${nights.length}`, range: [0.4, length + 0.6], ...extent(points) };
}

function along(nights, name) {
  const points = [];
  const values = new Set();
  const all = nights.flatMap((night, k) =>
    night.trials
      .filter((trial) => trial.scored && valueOf(trial, name) !== undefined)
      .map((trial) => ({ trial, value: valueOf(trial, name), hue: hueOf(k) })),
  );
  for (const each of all) values.add(each.value);
  const isNumber = all.every((each) => typeof each.value === "number");
  const words = isNumber ? [] : [...values].map(String).sort();
  for (const each of all)
    points.push({ x: isNumber ? each.value : words.indexOf(String(each.value)), trial: each.trial, hue: each.hue });
  points.sort((a, b) => a.x - b.x);
  const xs = [...new Set(points.map((point) => point.x))];
  const low = Math.min(...xs);
  const high = Math.max(...xs);
  const log = isNumber && low > 0 && high / low >= 30;
  const margin = isNumber ? (high - low) * 0.04 || Math.abs(high) * 0.1 || 1 : 0.5;
  return {
    points,
    data: [xs, xs.map(() => null)],
    lines: [{ colour: "accent" }],
    log,
    range: log ? [low / 1.15, high * 1.15] : [low - margin, high + margin],
    labels: isNumber ? undefined : (_, splits) => splits.map((x) => words[x] ?? ""),
    shape: `${name} ${xs.join(" ").length} ${low} ${high}`,
    ...extent(points),
  };
}

/** The ends of the scores; a few that are far off do not squeeze the others. */
function extent(points) {
  const values = points.map((point) => point.trial.score).sort((a, b) => a - b);
  const at = (share) => values[Math.round(share * (values.length - 1))];
  const low = Math.max(values[0], at(0.05) - 1.5 * (at(0.95) - at(0.05) || 1));
  return { low, high: values[values.length - 1] };
}

function padded(low, high) {
  const margin = 0.08 * (high - low) || 0.1 * Math.abs(high) || 1;
  return [low - margin, high + margin];
}

function clampY(plot, value) {
  const { top, height } = plot.bbox;
  return Math.min(top + height, Math.max(top, plot.valToPos(value, "y", true)));
}
