// The whole of the nights: scores over trials, what runs, the table.

import { el } from "./dom.js";
import { runningPanel } from "./running.js";
import { scorePanel } from "./scores.js";
import { store } from "./store.js";
import { trialTable } from "./table.js";

export function overview() {
  const panels = [scorePanel(), runningPanel(), trialTable()];
  const node = el("div", { class: "overview" }, panels.map((panel) => panel.node));
  return {
    node,
    update(what) {
      for (const panel of panels) panel.update(what, store.nights);
    },
    close() {
      for (const panel of panels) panel.close?.();
    },
  };
}
