// One trial: its camera while it is at work, score, curves, parameters, log and film.

import { liveCamera } from "./cameras.js";
import { evaluationCurve, smallCurves } from "./curves.js";
import { el, show } from "./dom.js";
import { filmsOf } from "./films.js";
import { shareDone } from "./running.js";
import { ask, keyOf, running, searched, valueOf } from "./store.js";
import { clock, duration, number, score, spread, status } from "./words.js";

const AGAIN_MSEC = 2000;
const MEASURES = { best_lap_sec: "best lap, s", mean_lap_sec: "mean lap, s" };

export function trialView(night, prefix, trial) {
  const key = keyOf(night.night, prefix, trial);
  const head = el("div", { class: "trial-head" });
  const evaluations = evaluationCurve();
  const curves = smallCurves();
  const cameraPlace = panel("Live", el("div", {}));
  const curvePlace = panel("Score over its training", evaluations.node);
  const smallPlace = panel("Curves", curves.node);
  const films = panel("Films", el("div", { class: "films" }));
  const measures = panel("Its final evaluation", el("dl", { class: "pairs" }));
  const params = panel("Parameters", el("dl", { class: "pairs" }));
  const log = panel("The end of its log", el("pre", {}));
  const facts = panel("Where it ran", el("dl", { class: "pairs" }));
  const node = el("div", { class: "trial" }, head, cameraPlace.node, curvePlace.node, films.node, measures.node, params.node, smallPlace.node, log.node, facts.node);
  let camera = null;
  let detail = null;
  let trouble = "";
  let timer = null;
  let closed = false;

  async function load() {
    clearTimeout(timer);
    try {
      detail = await ask(`api/nights/${key}`);
      trouble = "";
    } catch (error) {
      trouble = error.message;
    }
    if (closed) return;
    draw();
    if (!detail?.record) timer = setTimeout(load, AGAIN_MSEC);
  }

  function draw() {
    const row = night.known.get(key);
    const atWork = running(night).find((each) => keyOf(night.night, each.prefix, each.trial) === key);
    showHead(row, atWork);
    showCamera(atWork);
    curvePlace.node.hidden = !(detail?.progress.length);
    evaluations.update(detail?.progress ?? [], detail?.params.timesteps);
    smallPlace.node.hidden = !Object.values(detail?.curves ?? {}).some((points) => points.length > 1);
    curves.update(detail?.curves ?? {});
    fill(measures, pairs(measuresOf(detail?.record?.score)));
    fill(params, pairs(Object.entries(detail?.params ?? {}).filter(([, value]) => value !== null), new Set(searched(night))));
    const pre = log.inside;
    const atEnd = pre.scrollTop + pre.clientHeight >= pre.scrollHeight - 8;
    if (show(pre, detail?.log ?? "") && atEnd) pre.scrollTop = pre.scrollHeight;
    log.node.hidden = !detail?.log;
    fill(facts, pairs(factsOf(detail?.record)));
  }

  function showHead(row, atWork) {
    const record = detail?.record;
    const word = row?.status ?? (atWork ? "running" : "gone");
    const each = row ?? atWork;
    const text = each ? `${each.agent} on ${each.task}, seed ${each.seed}` : "";
    const last = atWork?.progress.at(-1);
    show(
      head,
      el("a", { class: "back", href: "#/" }, "← all trials"),
      el("h1", {}, `${prefix === "trial" ? "Trial" : "Sweep"} ${trial}`, el("span", { class: `status ${word}` }, status(word))),
      row ? el("p", { class: "big" }, spread(row.score, row.std)) : null,
      atWork ? el("p", { class: "big" }, last ? score(last[1]) : "–", el("small", {}, ` after ${Math.round(100 * shareDone(atWork))} % of its training`)) : null,
      record?.cause || row?.cause ? el("p", { class: "cause" }, record?.cause ?? row.cause) : null,
      el("p", { class: "soft" }, text, row ? `, took ${duration(row.elapsed_sec)}, ended ${clock(row.timestamp)}` : ""),
      expected(record?.suggestion ?? atWork?.suggestion, row),
      trouble && !each ? el("p", { class: "warn" }, trouble) : null,
    );
  }

  function showCamera(atWork) {
    cameraPlace.node.hidden = !atWork;
    if (atWork && !camera) {
      camera = liveCamera(key);
      camera.node.classList.add("large");
      cameraPlace.inside.replaceChildren(camera.node);
    }
    if (!atWork && camera) {
      camera.close();
      camera = null;
      load();
    }
  }

  load();
  filmsOf(night, (film) => film.trial === `${prefix}/${trial}`).then((found) => !closed && fill(films, found));
  return {
    node,
    update: (what) => (what === "all" ? load() : draw()),
    close() {
      closed = true;
      clearTimeout(timer);
      camera?.close();
      evaluations.close();
      curves.close();
    },
  };
}

function panel(title, inside) {
  const node = el("section", { class: "panel" }, el("div", { class: "panel-head" }, el("h2", {}, title)), inside);
  node.hidden = true;
  return { node, inside };
}

function fill({ node, inside }, children) {
  node.hidden = !children.length;
  show(inside, children);
}

function expected(suggestion, row) {
  if (!suggestion) return null;
  const words = `The search expected ${spread(suggestion.mean, suggestion.std)}`;
  if (row?.score === null || row === undefined || !suggestion.std) return el("p", { class: "soft" }, `${words}.`);
  const off = (row.score - suggestion.mean) / suggestion.std;
  return el("p", { class: "soft" }, `${words}; it came ${Math.abs(off).toFixed(1)} standard deviations ${off < 0 ? "below" : "above"} that.`);
}

export function pairs(entries, marked = new Set()) {
  return entries.map(([name, value]) =>
    el("div", { class: marked.has(name) ? "marked" : "" }, el("dt", {}, name), el("dd", {}, inWords(value))),
  );
}

function inWords(value) {
  if (typeof value === "number") return number(value, 6);
  if (Array.isArray(value)) return value.map(inWords).join(", ") || "none";
  if (value && typeof value === "object") return JSON.stringify(value);
  return value === "" ? "none" : String(value);
}

export function measuresOf(found) {
  return Object.entries(found ?? {})
    .filter(([, value]) => value !== null)
    .map(([name, value]) => [MEASURES[name] ?? name.replaceAll("_", " "), Array.isArray(value) ? value.map((each) => (typeof each === "number" ? number(each, 4) : inWords(each))).join(", ") : value]);
}

function factsOf(record) {
  if (!record) return [];
  const code = record.git_commit ? record.git_commit.slice(0, 10) + (record.git_dirty ? ", changed" : "") : null;
  const facts = { host: record.host, simulator: record.simulator, code, ...(record.versions ?? {}) };
  return Object.entries(facts).filter(([, value]) => value);
}
