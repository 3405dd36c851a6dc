// The champion of each task: its score, how it was confirmed, the titles before it, its film.

import { el, show } from "./dom.js";
import { filmsOf } from "./films.js";
import { ask } from "./store.js";
import { measuresOf, pairs } from "./trial.js";
import { clock, score, spread } from "./words.js";

const MOST_TITLES = 6;

export function championPanel() {
  const body = el("div", { class: "champions" });
  const title = el("h2", {}, "Champion");
  const node = el("section", { class: "panel champion" }, el("div", { class: "panel-head" }, title), body);
  node.hidden = true;
  const known = new Map(); // night -> [state, champions, films]
  let nights = [];

  async function load(night) {
    const before = known.get(night.night);
    if (before?.state === night.champions) return;
    const entry = { state: night.champions, champions: before?.champions ?? [], films: before?.films ?? [] };
    known.set(night.night, entry);
    try {
      entry.champions = await ask(`api/nights/${night.night}/champions`);
      entry.scores = await Promise.all(entry.champions.map((manifest) => scoreOf(night, manifest)));
      entry.films = await Promise.all(
        entry.champions.map((manifest) => filmsOf(night, (film) => film.sha256 && film.sha256 === manifest.sha256)),
      );
    } catch {
      known.delete(night.night);
    }
    draw();
  }

  function draw() {
    const shown = nights.flatMap((night) =>
      (known.get(night.night)?.champions ?? []).map((manifest, k) => one(night, manifest, known.get(night.night), k, nights.length > 1)),
    );
    node.hidden = !shown.length;
    show(body, shown);
    show(title, shown.length > 1 ? "Champions" : "Champion");
  }

  return {
    node,
    update(what, all) {
      nights = all;
      for (const night of nights) load(night);
      if (what !== "live") draw();
    },
  };
}

function keyOf(night, manifest) {
  return `${night.night}/${manifest.kind === "sweep" ? "sweep" : "trial"}/${manifest.trial}`;
}

/** What its world says of the champion's final evaluation; nothing where its record is gone. */
async function scoreOf(night, manifest) {
  try {
    return (await ask(`api/nights/${keyOf(night, manifest)}`)).record?.score;
  } catch {
    return null;
  }
}

function one(night, manifest, { films, scores }, k, several) {
  const key = keyOf(night, manifest);
  const row = night.known.get(key);
  const confirmation = manifest.confirmation ?? {};
  const params = manifest.params ?? {};
  const env = [params.env ?? []].flat().map((each) => String(each).split("@")[0]).join(" + ");
  return el(
    "article",
    {},
    el("div", { class: "big" }, el("a", { href: `#/${key}` }, spread(manifest.mean_reward, row?.std))),
    el("p", {}, `${manifest.kind === "sweep" ? "sweep" : "trial"} ${manifest.trial}, ${params.agent ?? ""}`, several ? `, ${night.name}` : ""),
    el("p", { class: "soft" }, env),
    el("p", { class: confirmation.scores?.length ? "good" : "soft" }, standing(confirmation)),
    confirmation.scores?.length ? seeds(confirmation) : null,
    el("dl", { class: "pairs narrow" }, pairs(measuresOf(scores?.[k]).filter(([name]) => name !== "episodes").slice(0, 6))),
    titles(night),
    el(
      "details",
      {},
      el("summary", {}, "its parameters"),
      el("dl", { class: "pairs narrow" }, pairs(Object.entries(params).filter(([, value]) => value !== null))),
    ),
    (films[k] ?? []).slice(-1).map((film) => film.cloneNode(true)),
  );
}

function standing(confirmation) {
  const text = confirmation.standing ?? "by the best score ever";
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function seeds(confirmation) {
  const most = Math.max(...confirmation.scores, 1e-9);
  return el(
    "div",
    { class: "bars" },
    confirmation.scores.map((value, k) => {
      const bar = el("i", {});
      bar.style.width = `${Math.max(0, (100 * value) / most)}%`;
      return el("div", {}, el("small", {}, `seed ${confirmation.seeds?.[k] ?? k}`), el("b", {}, bar), el("span", {}, score(value)));
    }),
  );
}

function titles(night) {
  const held = night.trials.filter((trial) => trial.champion);
  if (held.length < 2) return null;
  return el(
    "div",
    { class: "titles" },
    el("h3", {}, "Titles"),
    held
      .slice(-MOST_TITLES)
      .reverse()
      .map((trial) =>
        el("div", {}, el("a", { href: `#/${trial.key}` }, `${trial.trial}`), el("span", {}, score(trial.score)), el("small", {}, clock(trial.timestamp))),
      ),
  );
}
