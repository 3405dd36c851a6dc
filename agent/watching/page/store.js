// All that is known of the nights: asked for once, then kept fresh by the stream of news.

export const store = { nights: [], cursor: "", loaded: false, live: "connecting" };
const listeners = new Set();
let stream = null;
let asked = 0;

/** Calls a function after every change; it is told what kind of change it was. */
export function onChange(listener) {
  listeners.add(listener);
}

function tell(what) {
  for (const listener of listeners) listener(what);
}

export async function ask(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${(await answer.text()).trim() || answer.status}`);
  return answer.json();
}

/** Asks for everything, and listens for news from there on. */
export async function start() {
  stream?.close();
  try {
    const whole = await ask("api/state");
    store.nights = whole.nights.map(readNight);
    store.cursor = whole.cursor;
    store.loaded = true;
    asked = 0;
    tell("all");
    listen();
  } catch (error) {
    setLive("away");
    asked += 1;
    setTimeout(start, Math.min(1000 * asked, 5000));
  }
}

function listen() {
  stream = new EventSource(`api/events?after=${encodeURIComponent(store.cursor)}`);
  stream.onopen = () => setLive("live");
  stream.onerror = () => {
    setLive("away");
    // A browser gives up for good on any answer but 200; a server that starts may give one.
    if (stream.readyState === EventSource.CLOSED) setTimeout(start, 2000);
  };
  stream.addEventListener("trials", (event) => {
    const { night, bases, rows } = JSON.parse(event.data);
    store.cursor = event.lastEventId;
    const found = store.nights[night];
    Object.assign(found.bases, bases);
    addRows(found, rows);
    tell("trials");
  });
  stream.addEventListener("standing", (event) => {
    const { night, ...standing } = JSON.parse(event.data);
    Object.assign(store.nights[night], standing);
    tell("standing");
  });
  stream.addEventListener("reset", () => start());
}

function setLive(word) {
  if (store.live === word) return;
  store.live = word;
  tell("live");
}

function readNight(night) {
  const { rows, ...others } = night;
  const found = { ...others, trials: [], known: new Map() };
  addRows(found, rows);
  return found;
}

function addRows(night, rows) {
  for (const row of rows) {
    const trial = { night: night.night, order: night.trials.length };
    night.columns.forEach((name, k) => (trial[name] = row[k]));
    trial.scored = trial.status === "ok" && trial.score !== null;
    trial.key = keyOf(night.night, trial.prefix, trial.trial);
    trial.base = night.bases[`${trial.prefix} ${trial.agent}`] ?? {};
    night.trials.push(trial);
    night.known.set(trial.key, trial);
  }
}

export function keyOf(night, prefix, trial) {
  return `${night}/${prefix}/${trial}`;
}

/** A trial's value of a parameter, undefined where it has none. */
export function valueOf(trial, name) {
  if (name in trial.params) return trial.params[name] ?? undefined;
  return trial.base?.[name];
}

/** The trials at work that the ledger does not know yet. */
export function running(night) {
  return (night.running ?? []).filter((each) => !night.known.has(keyOf(night.night, each.prefix, each.trial)));
}

/** Names of the parameters that the trials differ in, most often first. */
export function searched(night) {
  const counts = new Map();
  for (const trial of night.trials)
    for (const name of Object.keys(trial.params)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).map(([name]) => name);
}

export function best(night) {
  let found = null;
  for (const trial of night.trials)
    if (trial.scored && (found === null || trial.score > found.score)) found = trial;
  return found;
}
