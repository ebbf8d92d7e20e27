// How a text is set: as paragraphs that flow, as headings, or line by line where lines matter. What
// is set is the text itself, every character of it.

import { el } from "./dom.js";

/** Return the spans of the paragraphs of a text; the blank lines behind each belong to it. */
export function blocks(text) {
  const found = [];
  let start = 0;
  for (const blank of text.matchAll(/\n[ \t\r]*\n\s*/g)) {
    const end = blank.index + blank[0].lastIndexOf("\n") + 1; // what follows is an indent
    found.push([start, end]);
    start = end;
  }
  if (start < text.length) found.push([start, text.length]);
  return found;
}

const KEEPS = /^([ \t]*([-*+•]\s|\d+[.)]\s|[|>#`~])|[ \t]{2})/; // lists, tables, quotes, code

/** Return how a paragraph is set: as "heading", "flowing", or "lines" that stay lines. */
export function setting(text) {
  const lines = text.trimEnd().split("\n");
  if (lines.length === 1 && /^#{1,6}\s/.test(lines[0])) return "heading";
  const wrapped = lines.slice(0, -1).every((line) => line.length > 50);
  return wrapped && !lines.some((line) => KEEPS.test(line)) ? "flowing" : "lines";
}

/** Return the paragraphs of a text as elements, with this span of it marked, if any. */
export function paragraphs(text, span) {
  return blocks(text).map(([start, end]) => {
    const block = text.slice(start, end);
    const last = start + block.trimEnd().length;
    return el(
      "p",
      { class: setting(block), dir: "auto" },
      marked(text, start, last, span),
      el("span", { class: "gap" }, marked(text, last, end, span)),
    );
  });
}

/** Return what a short view of a text shows: its paragraphs without headings. */
export function excerpt(text) {
  const told = blocks(text).map(([start, end]) => text.slice(start, end));
  return told.filter((block) => setting(block) !== "heading").join(" ") || text;
}

function marked(text, start, end, span) {
  const from = span ? Math.max(start, Math.min(span[0], end)) : end;
  const to = span ? Math.min(end, Math.max(span[1], start)) : end;
  if (from >= to) return [text.slice(start, end)];
  return [text.slice(start, from), el("mark", { text: text.slice(from, to) }), text.slice(to, end)];
}
