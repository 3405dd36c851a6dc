// The whole of the nights: scores and champion, what runs, what the search believes, the table.

import { beliefPanel } from "./belief.js";
import { championPanel } from "./champion.js";
import { el } from "./dom.js";
import { runningPanel } from "./running.js";
import { scorePanel } from "./scores.js";
import { store } from "./store.js";
import { trialTable } from "./table.js";

export function overview() {
  const scores = scorePanel();
  const champion = championPanel();
  const others = [runningPanel(), beliefPanel(), trialTable()];
  const top = el("div", { class: "top" }, scores.node, champion.node);
  const node = el("div", { class: "overview" }, top, others.map((panel) => panel.node));
  return {
    node,
    update(what) {
      for (const panel of [scores, champion, ...others]) panel.update(what, store.nights);
    },
    close() {
      for (const panel of [scores, champion, ...others]) panel.close?.();
    },
  };
}
