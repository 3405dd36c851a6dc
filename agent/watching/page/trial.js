// One trial: its score, parameters, curves and log.

import { el, show } from "./dom.js";
import { ask, keyOf, running } from "./store.js";
import { clock, duration, number, spread, status } from "./words.js";

const AGAIN_MSEC = 2000;

export function trialView(night, prefix, trial) {
  const node = el("div", { class: "trial" });
  const key = keyOf(night.night, prefix, trial);
  let detail = null;
  let trouble = "";
  let timer = null;
  let closed = false;

  async function load() {
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
    const atWork = running(night).some((each) => keyOf(night.night, each.prefix, each.trial) === key);
    const record = detail?.record;
    show(
      node,
      el("a", { class: "back", href: "#/" }, "← all trials"),
      el("h1", {}, `${prefix} ${trial}`, el("span", { class: `status ${row?.status ?? "running"}` }, status(row?.status ?? (atWork ? "running" : "unknown")))),
      trouble ? el("p", { class: "warn" }, trouble) : null,
      row?.cause || record?.cause ? el("p", { class: "cause" }, record?.cause ?? row.cause) : null,
      row ? el("p", { class: "big" }, spread(row.score, row.std)) : null,
      row ? el("p", { class: "soft" }, `${row.agent} on ${row.task}, seed ${row.seed}, took ${duration(row.elapsed_sec)}, ended ${clock(row.timestamp)}`) : null,
      detail?.log ? el("section", { class: "panel" }, el("h2", {}, "Log"), el("pre", {}, detail.log)) : null,
      detail ? el("section", { class: "panel" }, el("h2", {}, "Parameters"), pairs(detail.params)) : null,
    );
  }

  load();
  return {
    node,
    update: draw,
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

function pairs(values) {
  return el(
    "dl",
    { class: "pairs" },
    Object.entries(values).map(([name, value]) =>
      el("div", {}, el("dt", {}, name), el("dd", {}, typeof value === "number" ? number(value, 6) : String(value))),
    ),
  );
}
