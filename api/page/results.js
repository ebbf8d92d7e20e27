// What a search found, and why each result is where it is.

import { count, el, figure, isolated, origin } from "./dom.js";
import { excerpt } from "./paragraphs.js";
import { bar, failures, stages, total } from "./trace.js";

/** Draw the reply to a search; `read` opens a document. */
export function drawResults(root, reply, where, read) {
  const { results, explanation, trace } = reply;
  root.setAttribute("aria-label", "Results");
  root.replaceChildren(
    el(
      "p",
      { class: "verdict" },
      el("strong", { text: results.length ? count(results.length, "passage") : "Nothing was found" }),
      el("span", { class: "soft", text: ` · ${total(trace)}` }),
    ),
    ...failures(trace),
    el(
      "ol",
      { class: "results" },
      results.map((result, at) => item(result, at, explanation, () => read(result, where))),
    ),
    looked(explanation),
    stages(trace, "How it was found") ?? "",
  );
}

/** Return a result's places as rows: what ranked it, at which rank, with which score. */
export function places(result, explanation) {
  const why = explanation.results.find((one) => one.chunk_id === result.chunk_id);
  const rows = explanation.branches.map((branch) => ({
    name: branch.name,
    of: branch.found,
    rank: why?.branches[branch.name]?.rank ?? null,
    score: why?.branches[branch.name]?.score ?? null,
  }));
  if (why?.fused) rows.push({ name: `fused by ${explanation.fusion}`, ...why.fused, of: null });
  for (const [name, told] of [["first", "before reranking"], ["rerank", "the reranker alone"]]) {
    if (result.ranks[name]) rows.push({ name: told, rank: result.ranks[name], score: null, of: null });
  }
  return rows;
}

function item(result, at, explanation, read) {
  const title = result.title || result.document_id;
  return el(
    "li",
    { class: "result" },
    el(
      "h2",
      {},
      el("span", { class: "rank", text: `${at + 1}`, "aria-hidden": "true" }),
      el("button", { type: "button", class: "title", onclick: read }, isolated(title)),
    ),
    el(
      "p",
      { class: "about" },
      result.source ? origin(result.source) : isolated(result.document_id),
      el("span", { class: "score", text: `score ${figure(result.score)}` }),
      metadata(result.metadata),
    ),
    warnings(result),
    el("p", { class: "excerpt", dir: "auto", text: excerpt(result.text) }),
    explanation ? why(result, explanation, at) : null,
  );
}

function metadata(given) {
  return Object.entries(given)
    .slice(0, 6)
    .map(([name, value]) => {
      const told = typeof value === "string" ? value : JSON.stringify(value);
      return el("span", { class: "fact" }, `${name} `, isolated(told.slice(0, 80)));
    });
}

function warnings(result) {
  const told = result.flags.map((flag) => `flagged: ${flag}`);
  if (result.valid_to) told.push(`superseded since ${result.valid_to}`);
  if (!told.length) return null;
  return el("p", { class: "warned", dir: "auto", text: told.join(" · ") });
}

function why(result, explanation, at) {
  const rows = places(result, explanation).map((row) =>
    el(
      "tr",
      {},
      el("th", { scope: "row", text: row.name }),
      el("td", { class: "number", text: row.rank === null ? "not found" : `${row.rank}` }),
      el(
        "td",
        { class: "timed" },
        row.rank === null ? null : bar(1 / row.rank),
        el("span", { class: "soft", text: row.of === null ? "" : `of ${row.of}` }),
      ),
      el("td", { class: "number", text: row.score === null ? "" : figure(row.score, 4) }),
    ),
  );
  return el(
    "details",
    { class: "fold why" },
    el("summary", {}, "Why this result", el("span", { class: "unseen", text: ` is number ${at + 1}` })),
    el(
      "table",
      {},
      el("caption", { class: "unseen", text: "Its rank and score in every branch, and fused" }),
      el(
        "thead",
        {},
        el("tr", {}, ["Ranked by", "Rank", "Reciprocal rank", "Score"].map((text) => el("th", { scope: "col", text }))),
      ),
      el("tbody", {}, rows),
    ),
  );
}

function looked(explanation) {
  if (!explanation) return "";
  return el(
    "details",
    { class: "fold" },
    el("summary", { text: "What was looked for" }),
    el(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": "What was looked for" },
      el(
        "table",
        {},
        el(
          "thead",
          {},
          el("tr", {}, ["Branch", "Weight", "Found", "Looked for"].map((text) => el("th", { scope: "col", text }))),
        ),
        el(
          "tbody",
          {},
          explanation.branches.map((branch) =>
            el(
              "tr",
              {},
              el("th", { scope: "row", text: branch.name }),
              el("td", { class: "number", text: `${branch.weight}` }),
              el("td", { class: "number", text: `${branch.found}` }),
              el("td", { dir: "auto", text: branch.text }),
            ),
          ),
        ),
      ),
    ),
  );
}
