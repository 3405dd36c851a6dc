// Live pictures: one question at a time for all that are in sight, asked again once they are drawn.

import { el, show } from "./dom.js";
import { duration } from "./words.js";

const REST_MSEC = 40; // between two questions: no more than some twenty pictures a second
const TROUBLE_MSEC = 1500;
const STALE_SEC = 2.5;
const GAUGES = { "steering": [-1, 1], "throttle": [-1, 1] };

const watched = new Map(); // key -> camera in sight
let asking = false;

/** A live camera: what it sees, what the network sees beside it, and numbers below. */
export function liveCamera(key) {
  const camera = canvas("camera", "what the camera sees");
  const seen = canvas("observation", "what the network sees");
  const facts = el("div", { class: "gauges" });
  const note = el("div", { class: "camera-note" }, "waiting for a picture");
  const pictures = el("div", { class: "pictures" }, camera, seen, note);
  const node = el("div", { class: "live-camera" }, pictures, facts);
  const found = { key, stamp: "", camera, seen, facts, note, node, pictures, drawn: 0, head: null };
  const watcher = new IntersectionObserver((entries) => {
    if (entries.at(-1).isIntersecting) watched.set(key, found);
    else watched.delete(key);
    ask();
  });
  watcher.observe(node);
  const timer = setInterval(() => tellAge(found), 500);
  return {
    node,
    close() {
      watcher.disconnect();
      clearInterval(timer);
      if (watched.get(key) === found) watched.delete(key);
    },
  };
}

function canvas(name, label) {
  const found = el("canvas", { class: name, width: 4, height: 3, role: "img", "aria-label": label, title: label });
  found.hidden = name !== "camera";
  return found;
}

async function ask() {
  if (asking) return;
  asking = true;
  while (watched.size && !document.hidden) {
    const began = performance.now();
    try {
      await askOnce([...watched.values()]);
    } catch {
      await rest(TROUBLE_MSEC);
    }
    await rest(Math.max(0, REST_MSEC - (performance.now() - began)));
  }
  asking = false;
}

const rest = (msec) => new Promise((done) => setTimeout(done, msec));

async function askOnce(cameras) {
  const query = cameras.map((each) => `of=${encodeURIComponent(`${each.key}@${each.stamp}`)}`).join("&");
  const answer = await fetch(`api/cameras?${query}`);
  if (!answer.ok) throw new Error(answer.status);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  let at = bytes.indexOf(10);
  const found = JSON.parse(new TextDecoder().decode(bytes.subarray(0, at)));
  at += 1;
  const drawings = [];
  for (const [key, stamp, size] of found) {
    const camera = watched.get(key);
    if (camera) {
      camera.stamp = stamp;
      drawings.push(draw(camera, bytes.subarray(at, at + size)));
    }
    at += size;
  }
  await Promise.all(drawings);
}

async function draw(camera, bytes) {
  let at = bytes.indexOf(10);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(0, at)));
  at += 1;
  const parts = {};
  for (const [name, size] of head.pictures) {
    parts[name] = new Blob([bytes.subarray(at, at + size)], { type: "image/jpeg" });
    at += size;
  }
  const [first, second] = Object.values(parts);
  await Promise.all([paint(camera.camera, first), paint(camera.seen, second)]);
  camera.seen.classList.toggle("observation", "observation" in parts);
  camera.head = head;
  camera.drawn = Date.now();
  camera.note.hidden = true;
  tellFacts(camera, head);
  camera.node.dataset.frames = String(Number(camera.node.dataset.frames ?? 0) + 1);
  camera.node.dataset.delay = String(Math.round(Date.now() - 1000 * head.time));
}

async function paint(place, blob) {
  place.hidden = !blob;
  if (!blob) return;
  const picture = await createImageBitmap(blob);
  if (place.width !== picture.width || place.height !== picture.height) {
    place.width = picture.width;
    place.height = picture.height;
  }
  place.getContext("2d").drawImage(picture, 0, 0);
  picture.close();
}

function tellFacts(camera, head) {
  const gauges = Object.entries(head.gauges ?? {}).map(([name, value]) => gauge(name, value));
  const facts = [];
  if (head.reward !== undefined) facts.push(fact("reward", head.reward));
  if (head.episode !== undefined) facts.push(fact(`episode ${head.episode}`, head.episode_reward));
  show(camera.facts, gauges, facts);
}

function gauge(name, value) {
  const ends = GAUGES[name];
  if (!ends || value === null) return fact(name, value);
  const share = (Math.min(ends[1], Math.max(ends[0], value)) - ends[0]) / (ends[1] - ends[0]);
  const needle = el("i", {});
  needle.style.left = `${Math.min(share, 0.5) * 100}%`;
  needle.style.width = `${Math.abs(share - 0.5) * 100}%`;
  return el("span", { class: "gauge", title: `${name} ${value}` }, el("small", {}, name), el("b", {}, needle));
}

function fact(name, value) {
  const [word, unit] = name.split(" ");
  const isUnit = unit && !/^\d/.test(unit);
  return el("span", {}, el("small", {}, isUnit ? word : name), ` ${value === null ? "–" : value.toFixed(Math.abs(value) >= 100 ? 0 : 2)}`, isUnit ? el("small", {}, ` ${unit}`) : null);
}

/** Says what is going on while no picture comes. */
function tellAge(camera) {
  if (!camera.drawn) return;
  const age = Date.now() / 1000 - camera.head.time;
  camera.note.hidden = age < STALE_SEC;
  if (age >= STALE_SEC) camera.note.textContent = `learning, or over; this is ${duration(Math.round(age))} old`;
}

document.addEventListener("visibilitychange", () => !document.hidden && ask());
