// The table of all trials: sorted, filtered, and laid out a few hundred rows at a time.

import { el, show } from "./dom.js";
import { searched, valueOf } from "./store.js";
import { clock, count, duration, number, score, spread, status } from "./words.js";

const ROWS_AT_ONCE = 100;
const MOST_PARAMETERS = 5;
const KIND = { replicate: "replicate", sweep: "grid" };

const COLUMNS = [
  { name: "order", title: "Trial", value: (trial) => trial.order },
  { name: "night", title: "Night", value: (trial) => trial.night, several: true },
  { name: "status", title: "Status", value: (trial) => trial.status },
  { name: "score", title: "Score", value: (trial) => trial.score, number: true },
  { name: "agent", title: "Agent", value: (trial) => trial.agent },
  { name: "params", title: "Parameters", value: null },
  { name: "elapsed", title: "Took", value: (trial) => trial.elapsed_sec, number: true },
  { name: "timestamp", title: "Ended", value: (trial) => trial.timestamp, number: true },
];

export function trialTable() {
  const title = el("div", { class: "panel-facts" });
  const chips = el("div", { class: "chips", role: "group", "aria-label": "filter by status" });
  const search = el("input", { type: "search", placeholder: "Filter: ppo, gamma=0.99, score>500 …", "aria-label": "filter" });
  const head = el("thead");
  const body = el("tbody");
  const more = el("button", { class: "more", type: "button", click: () => showMore() }, "Show more");
  const node = el(
    "section",
    { class: "panel" },
    el("div", { class: "panel-head" }, el("h2", {}, "Trials"), title, chips, search),
    el("div", { class: "scroll" }, el("table", { class: "trials" }, head, body)),
    more,
  );
  let nights = [];
  let found = [];
  let names = [];
  let shown = 0;
  let sort = { name: "order", down: true };
  let wanted = new Set();

  search.addEventListener("input", () => draw());
  const watcher = new IntersectionObserver((entries) => entries.some((each) => each.isIntersecting) && showMore(), {
    rootMargin: "400px",
  });
  watcher.observe(more);

  function draw() {
    const all = nights.flatMap((night) => night.trials);
    names = [...new Set(nights.flatMap(searched))];
    drawChips(all);
    const fits = filterOf(search.value);
    found = all.filter((trial) => (!wanted.size || wanted.has(trial.status)) && fits(trial));
    const column = COLUMNS.find((each) => each.name === sort.name);
    const sign = sort.down ? -1 : 1;
    found.sort((a, b) => sign * compared(column.value(a), column.value(b)) || a.night - b.night || b.order - a.order);
    if (sort.down) sinkEmpty(column);
    show(title, el("span", {}, found.length === all.length ? count(all.length, "trial") : `${found.length} of ${count(all.length, "trial")}`), unreadable());
    drawHead();
    const rows = Math.max(ROWS_AT_ONCE, shown);
    shown = 0;
    body.replaceChildren();
    showMore(rows);
  }

  /** Trials without a value stand last whichever way is sorted. */
  function sinkEmpty(column) {
    const without = found.filter((trial) => column.value(trial) === null);
    if (without.length) found = [...found.filter((trial) => column.value(trial) !== null), ...without];
  }

  function unreadable() {
    const lines = nights.reduce((sum, night) => sum + (night.unreadable ?? 0), 0);
    return lines ? el("span", { class: "warn" }, `${count(lines, "line")} of the ledger unreadable`) : null;
  }

  function drawHead() {
    const cells = columns().map((column) => {
      if (!column.value) return el("th", {}, column.title);
      const active = sort.name === column.name;
      const order = active ? (sort.down ? "descending" : "ascending") : "none";
      const press = () => {
        sort = { name: column.name, down: active ? !sort.down : true };
        draw();
      };
      return el(
        "th",
        { class: column.number ? "number" : "", "aria-sort": order },
        el("button", { type: "button", class: "sort", click: press }, column.title, active ? (sort.down ? " ↓" : " ↑") : ""),
      );
    });
    head.replaceChildren(el("tr", {}, cells));
  }

  function columns() {
    return COLUMNS.filter((column) => !column.several || nights.length > 1);
  }

  function showMore(many = ROWS_AT_ONCE) {
    const next = found.slice(shown, shown + many);
    shown += next.length;
    body.append(...next.map(row));
    more.hidden = shown >= found.length;
    if (!found.length && !body.childNodes.length)
      body.append(el("tr", {}, el("td", { colspan: 9, class: "soft" }, nights.some((night) => night.trials.length) ? "No trial fits." : "None has ended yet.")));
  }

  function row(trial) {
    const open = () => {
      location.hash = `#/${trial.key}`;
    };
    const cells = {
      order: el("td", { class: "name" }, el("a", { href: `#/${trial.key}` }, nameOf(trial)), trial.champion ? el("span", { class: "crown", title: "was champion when it was recorded" }, "★") : null),
      night: el("td", { class: "soft" }, nights[trial.night]?.name),
      status: el("td", {}, el("span", { class: `status ${trial.status}` }, status(trial.status)), trial.cause ? el("span", { class: "cause" }, trial.cause) : null),
      score: el("td", { class: "number strong" }, trial.score === null ? "–" : score(trial.score), trial.score !== null && trial.std ? el("small", {}, ` ± ${score(trial.std)}`) : null),
      agent: el("td", {}, trial.agent),
      params: el("td", { class: "params" }, paramsOf(trial)),
      elapsed: el("td", { class: "number soft" }, duration(trial.elapsed_sec)),
      timestamp: el("td", { class: "number soft" }, clock(trial.timestamp)),
    };
    return el("tr", { click: open }, columns().map((column) => cells[column.name]));
  }

  function paramsOf(trial) {
    const parts = [];
    for (const name of names) {
      const value = valueOf(trial, name);
      if (value === undefined) continue;
      if (parts.length === MOST_PARAMETERS) break;
      parts.push(el("span", {}, el("i", {}, name), ` ${typeof value === "number" ? number(value) : String(value)}`));
    }
    return parts;
  }

  function drawChips(all) {
    const counts = new Map();
    for (const trial of all) counts.set(trial.status, (counts.get(trial.status) ?? 0) + 1);
    for (const word of wanted) if (!counts.has(word)) wanted.delete(word);
    const made = counts.size < 2 ? [] : [...counts].map(([word, many]) =>
      el("button", { type: "button", class: "chip", "aria-pressed": String(wanted.has(word)), "data-status": word }, el("i", { class: `dot ${word}` }), `${status(word)} ${many}`),
    );
    show(chips, made);
  }

  chips.addEventListener("click", (event) => {
    const word = event.target.closest("button")?.dataset.status;
    if (!word) return;
    if (!wanted.delete(word)) wanted.add(word);
    draw();
  });

  return {
    node,
    update(what, all) {
      nights = all;
      if (what === "all" || what === "trials") draw();
    },
    close: () => watcher.disconnect(),
  };
}

export function nameOf(trial) {
  const kind = KIND[trial.kind];
  return kind ? `${trial.trial} ${kind}` : String(trial.trial);
}

function compared(a, b) {
  if (a === b) return 0;
  if (a === null || a === undefined) return -1;
  if (b === null || b === undefined) return 1;
  return a < b ? -1 : 1;
}

/** Words that all have to fit: a text anywhere, or NAME=VALUE, NAME<VALUE, NAME>VALUE. */
function filterOf(text) {
  const tests = text
    .toLowerCase()
    .split(/\s+/)
    .filter(Boolean)
    .map((word) => {
      const found = /^([a-z_][a-z0-9_]*)([=<>])(.+)$/.exec(word);
      return found ? comparison(...found.slice(1)) : anywhere(word);
    });
  return (trial) => tests.every((fits) => fits(trial));
}

function comparison(name, sign, wanted) {
  return (trial) => {
    const value = ["score", "seed", "status", "agent", "task", "trial", "kind"].includes(name) ? trial[name] : valueOf(trial, name);
    if (value === undefined || value === null) return false;
    if (sign === "<") return Number(value) < Number(wanted);
    if (sign === ">") return Number(value) > Number(wanted);
    return typeof value === "number" ? value === Number(wanted) : String(value).toLowerCase() === wanted;
  };
}

function anywhere(word) {
  return (trial) =>
    [trial.trial, trial.agent, trial.task, trial.status, trial.kind, trial.cause ?? ""].join(" ").toLowerCase().includes(word);
}
