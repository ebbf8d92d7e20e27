// What an answer rests on: its sources, the quotes that are not its own words, and what contradicts.

import { count, el, isolated, origin } from "./dom.js";

/** Return the sections below an answer; `read(targets, at)` opens a document at a citation. */
export function sourcesOf(answer, targets, read) {
  if (!answer.references.length && !answer.contradictions.length) return [];
  const cited = answer.sentences.flatMap((sentence) =>
    sentence.citations.map((citation) => ({ citation, own: even(citation.quote) === even(sentence.text) })),
  );
  const numbered = cited.map((one, at) => ({ ...one, open: () => read(targets, at) }));
  return [
    el(
      "section",
      { class: "sources", "aria-labelledby": "sources" },
      el("h2", { id: "sources", text: "Sources" }),
      el(
        "ul",
        {},
        answer.references.map((reference) =>
          source(reference, numbered.filter(({ citation }) => citation.ref === reference.ref)),
        ),
      ),
    ),
    contradicted(answer, targets, read, cited.length),
  ].filter(Boolean);
}

function source(reference, cited) {
  const title = isolated(reference.title || reference.document_id);
  const open = cited[0]?.open;
  return el(
    "li",
    {},
    el("span", { class: "ref", text: `${reference.ref}` }),
    el(
      "div",
      {},
      el(
        "p",
        { class: "about" },
        open ? el("button", { type: "button", class: "title", onclick: open }, title) : title,
        reference.source ? origin(reference.source) : null,
        el("span", { class: "soft", text: count(cited.length, "quote") }),
      ),
      cited.filter((one) => !one.own).map(({ citation, open: show }) => quoted(citation, show)),
      cited.filter((one) => one.own && one.citation.superseded).map(({ citation }) => superseded(citation)),
    ),
  );
}

function quoted(citation, open) {
  return el(
    "blockquote",
    {},
    el("button", { type: "button", class: "quoted", dir: "auto", text: citation.quote, onclick: open }),
    citation.page ? el("span", { class: "soft", text: ` page ${citation.page}` }) : null,
    citation.superseded ? superseded(citation) : null,
  );
}

const superseded = (citation) =>
  el("p", { class: "warned", text: `superseded: another document says otherwise since ${citation.superseded}` });

function contradicted(answer, targets, read, before) {
  if (!answer.contradictions.length) return null;
  return el(
    "section",
    { class: "contradictions", "aria-labelledby": "contradictions" },
    el("h2", { id: "contradictions", text: "Sources that contradict each other" }),
    answer.contradictions.map((pair, number) =>
      el(
        "div",
        { class: "pair" },
        el("p", { class: "soft", text: `They differ in a ${pair.kind}.` }),
        [pair.one, pair.other].map((citation, side) =>
          quoted(citation, () => read(targets, before + 2 * number + side)),
        ),
      ),
    ),
  );
}

const even = (text) => text.replace(/\s+/g, " ").trim();
