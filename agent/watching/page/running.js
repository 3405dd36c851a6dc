// The trials at work and the simulators, each with its live camera.

import { liveCamera } from "./cameras.js";
import { el, show } from "./dom.js";
import { running } from "./store.js";
import { duration, score } from "./words.js";

export function runningPanel() {
  const title = el("div", { class: "panel-facts" });
  const places = el("div", { class: "cards" });
  const node = el("section", { class: "panel" }, el("div", { class: "panel-head" }, el("h2", {}, "At work"), title), places);
  const cards = new Map(); // key -> card that is shown
  let nights = [];

  function draw() {
    const wanted = nights.flatMap((night) => [
      ...running(night).map((each) => ({ key: `${night.night}/${each.prefix}/${each.trial}`, each, night })),
      ...(night.simulators ?? []).map((name) => ({ key: `${night.night}/simulator/${name}`, name, night })),
    ]);
    node.hidden = !wanted.length;
    const keys = new Set(wanted.map(({ key }) => key));
    for (const [key, card] of cards) {
      if (keys.has(key)) continue;
      card.close();
      card.node.remove();
      cards.delete(key);
    }
    for (const { key, each, name, night } of wanted) {
      if (!cards.has(key)) {
        const made = each ? trialCard(key) : simulatorCard(key, name);
        cards.set(key, made);
        places.append(made.node);
      }
      cards.get(key).update(each, night, nights.length > 1);
    }
  }

  const timer = setInterval(draw, 1000);
  return {
    node,
    update(what, all) {
      nights = all;
      draw();
    },
    close() {
      clearInterval(timer);
      for (const card of cards.values()) card.close();
    },
  };
}

function trialCard(key) {
  const camera = liveCamera(key);
  const head = el("div", { class: "card-head" });
  const bar = el("i", {});
  const rungs = el("div", { class: "rungs" });
  const node = el("a", { class: "card", href: `#/${key}` }, head, camera.node, el("div", { class: "progress" }, bar), rungs);
  return {
    node,
    close: camera.close,
    update(each, night, several) {
      const share = shareDone(each);
      const took = duration(Math.max(0, Math.floor(Date.now() / 1000 - each.began)));
      show(
        head,
        el("b", {}, `${each.prefix} ${each.trial}`),
        el("span", { class: "soft" }, each.kind === "replicate" ? `${each.agent}, seed ${each.seed}` : each.agent),
        several ? el("span", { class: "soft" }, night.name) : null,
        el("span", { class: "soft end" }, night.controller ? took : "left behind"),
      );
      bar.style.width = `${100 * share}%`;
      show(rungs, rungsOf(each));
    },
  };
}

function simulatorCard(key, name) {
  const camera = liveCamera(key);
  const head = el("div", { class: "card-head" }, el("b", {}, "simulator"), el("span", { class: "soft" }, name));
  return { node: el("div", { class: "card" }, head, camera.node), close: camera.close, update() {} };
}

export function shareDone(each) {
  const steps = each.progress.at(-1)?.[0] ?? 0;
  return each.timesteps ? Math.min(1, steps / each.timesteps) : 0;
}

function rungsOf(each) {
  const parts = [];
  if (each.suggestion) parts.push(el("span", { title: "what the search expected of it" }, el("small", {}, "expected"), ` ${score(each.suggestion.mean)}`));
  if (!each.progress.length) return [...parts, el("span", { class: "soft" }, "no evaluation yet")];
  let top = -Infinity;
  const due = [0.25, 0.5, 1];
  for (const [steps, mean] of each.progress) {
    top = Math.max(top, mean);
    while (due.length && steps >= due[0] * each.timesteps)
      parts.push(el("span", {}, el("small", {}, `${Math.round(100 * due.shift())} %`), ` ${score(top)}`));
  }
  if (due.length === 3) parts.push(el("span", {}, el("small", {}, "so far"), ` ${score(top)}`));
  return parts;
}
