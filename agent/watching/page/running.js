// The trials at work.

import { el, show } from "./dom.js";
import { running } from "./store.js";
import { duration, score } from "./words.js";

export function runningPanel() {
  const title = el("h2", {}, "At work");
  const cards = el("div", { class: "cards" });
  const node = el("section", { class: "panel" }, el("div", { class: "panel-head" }, title), cards);
  let nights = [];

  function draw() {
    const all = nights.flatMap((night) => running(night).map((each) => ({ ...each, night })));
    node.hidden = !all.length;
    show(cards, all.map(card));
  }

  const timer = setInterval(draw, 1000);
  return {
    node,
    update(what, all) {
      nights = all;
      draw();
    },
    close: () => clearInterval(timer),
  };
}

function card({ night, ...each }) {
  const steps = each.progress.at(-1)?.[0] ?? 0;
  const share = each.timesteps ? Math.min(1, steps / each.timesteps) : 0;
  const gone = !night.controller;
  const bar = el("i", {});
  bar.style.width = `${100 * share}%`;
  return el(
    "a",
    { class: "card", href: `#/${night.night}/${each.prefix}/${each.trial}` },
    el(
      "div",
      { class: "card-head" },
      el("b", {}, `${each.prefix} ${each.trial}`),
      el("span", { class: "soft" }, each.kind === "replicate" ? `${each.agent}, seed ${each.seed}` : each.agent),
      el("span", { class: "soft end" }, gone ? "left behind" : duration(Math.max(0, Math.floor(Date.now() / 1000 - each.began)))),
    ),
    el("div", { class: "progress", title: `${Math.round(100 * share)} % of its training` }, bar),
    el("div", { class: "rungs" }, rungs(each)),
  );
}

function rungs(each) {
  if (!each.progress.length) return el("span", { class: "soft" }, "no evaluation yet");
  const parts = [];
  let top = -Infinity;
  const due = [0.25, 0.5, 1];
  for (const [steps, mean] of each.progress) {
    top = Math.max(top, mean);
    while (due.length && steps >= due[0] * each.timesteps)
      parts.push(el("span", {}, el("small", {}, `${Math.round(100 * due.shift())} %`), ` ${score(top)}`));
  }
  return parts.length ? parts : el("span", {}, el("small", {}, "so far"), ` ${score(top)}`);
}
