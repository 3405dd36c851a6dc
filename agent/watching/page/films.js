// Films of laps, as their files are.

import { el } from "./dom.js";
import { ask } from "./store.js";

const asked = new Map();

/** Films of a night for which a function is true. */
export async function filmsOf(night, wanted) {
  if (!asked.has(night.night)) {
    asked.set(night.night, ask(`api/nights/${night.night}/films`).catch(() => []));
    setTimeout(() => asked.delete(night.night), 20_000);
  }
  const found = await asked.get(night.night);
  return found.filter(wanted).map((film) => figure(night, film));
}

function figure(night, film) {
  const src = `api/nights/${night.night}/films/${film.film}`;
  const picture = film.kind.startsWith("video/")
    ? el("video", { src, controls: true, loop: true, muted: true, playsinline: true, preload: "none" })
    : el("img", { src, alt: `a lap: ${film.name}`, loading: "lazy" });
  return el("figure", {}, picture, el("figcaption", {}, film.name));
}
