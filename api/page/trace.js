// What every stage did: its time as a bar and a figure, what it asked of a model, and whether it
// was cut short.

import { count, el } from "./dom.js";

/** Return the time of all stages together, as it is read. */
export const total = (trace) => time(trace.reduce((sum, stage) => sum + stage.ms, 0));

/** Return the stages as a table that can be opened. */
export function stages(trace, title) {
  if (!trace.length) return null;
  const longest = Math.max(...trace.map((stage) => stage.ms), 1e-9);
  const asked = trace.some((stage) => stage.cost.calls || stage.cost.cached);
  const head = ["Stage", "Time", ...(asked ? ["Model"] : []), "What it did"];
  return el(
    "details",
    { class: "fold" },
    el("summary", { text: title }),
    el(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": title },
      el(
        "table",
        { class: "stages" },
        el("thead", {}, el("tr", {}, head.map((text) => el("th", { scope: "col", text })))),
        el("tbody", {}, trace.map((stage) => row(stage, longest, asked))),
      ),
    ),
  );
}

/** Return what did not go as it should: whoever reads the outcome should know. */
export const failures = (trace) =>
  trace
    .filter((stage) => stage.status === "failed" || stage.status === "cut short")
    .map((stage) =>
      el("p", { class: "warned", dir: "auto", text: `${stage.name} ${stage.status}: ${stage.detail.slice(0, 300)}` }),
    );

/** Return a bar that is decoration: the figure stands beside it. */
export function bar(share) {
  const inner = el("span");
  inner.style.setProperty("inline-size", `${Math.max(1.5, 100 * share)}%`);
  return el("span", { class: "bar", "aria-hidden": "true" }, inner);
}

function row(stage, longest, asked) {
  const well = stage.status === "ok";
  return el(
    "tr",
    {},
    el("th", { scope: "row", text: stage.name }),
    el("td", { class: "timed" }, bar(stage.ms / longest), el("span", { class: "number", text: time(stage.ms) })),
    asked ? el("td", { class: "number", text: spent(stage.cost) }) : null,
    el(
      "td",
      { dir: "auto" },
      well ? null : el("strong", { class: "warned", text: `${stage.status}: ` }),
      stage.detail,
    ),
  );
}

function spent(cost) {
  if (!cost.calls && !cost.cached) return "";
  const calls = cost.calls ? count(cost.calls, "call") : "from the cache";
  return `${calls}, ${cost.tokens_in.toLocaleString("en")} → ${count(cost.tokens_out, "token")}`;
}

function time(ms) {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return ms >= 10 ? `${ms.toFixed(0)} ms` : `${ms.toFixed(1)} ms`;
}
