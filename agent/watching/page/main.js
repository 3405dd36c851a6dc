// The page: which view is shown, and the head above it.

import { el, show } from "./dom.js";
import { overview } from "./overview.js";
import { store, start, onChange, running } from "./store.js";
import { trialView } from "./trial.js";
import { count, duration } from "./words.js";

const head = document.getElementById("head");
const main = document.getElementById("main");
let view = null;
let shownHash = null;

function route() {
  if (!store.loaded) return;
  const words = location.hash.replace(/^#\/?/, "").split("/");
  if (location.hash !== shownHash || view === null) {
    view?.close?.();
    const [night, prefix, trial] = words;
    const isTrial = words.length === 3 && store.nights[night];
    view = isTrial ? trialView(store.nights[night], prefix, Number(trial)) : overview();
    main.replaceChildren(view.node);
    if (shownHash !== null) window.scrollTo(0, 0);
    shownHash = location.hash;
  }
  view.update("all");
}

function showHead() {
  const live = { live: "live", connecting: "connecting", away: "no answer" }[store.live];
  const nights = store.nights;
  const one = nights.length === 1 ? nights[0] : null;
  const trials = nights.reduce((sum, night) => sum + night.trials.length, 0);
  const atWork = nights.reduce((sum, night) => sum + (night.controller ? running(night).length : 0), 0);
  const facts = store.loaded
    ? [
        el("span", { class: "fact" }, one ? one.name : count(nights.length, "night")),
        el("span", { class: "fact" }, count(trials, "trial")),
        el("span", { class: "fact" }, standing(nights, atWork)),
      ]
    : [];
  show(
    head,
    el(
      "div",
      { class: "bar" },
      el("a", { class: "mark", href: "#/" }, el("img", { src: "icon.svg", alt: "", width: 22, height: 22 }), "autoresearch"),
      el("div", { class: "facts" }, facts),
      el("span", { class: `live ${store.live}`, role: "status" }, live),
    ),
  );
  document.title = one ? `${one.name} · autoresearch` : "autoresearch";
}

function standing(nights, atWork) {
  const controllers = nights.filter((night) => night.controller);
  if (!controllers.length) return "not running";
  if (nights.length > 1) return `${controllers.length} running, ${count(atWork, "trial")} at work`;
  const since = new Date(controllers[0].controller.since.replace(" ", "T"));
  const seconds = (Date.now() - since) / 1000;
  return `running for ${duration(Math.floor(seconds / 60) * 60)}, ${atWork} at work`;
}

onChange((what) => {
  showHead();
  if (what === "all") {
    view?.close?.();
    view = null;
    route();
  } else view?.update(what);
});
window.addEventListener("hashchange", route);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => view?.update("colours"));
setInterval(showHead, 20_000);
showHead();
start();
