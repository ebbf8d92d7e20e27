// A document beside the answer, with the quote marked where it stands.

import { call, stopped } from "./api.js";
import { byId, el, isolated, origin } from "./dom.js";
import { paragraphs } from "./paragraphs.js";
import { unit } from "./points.js";
import { say } from "./says.js";

const CHUNKS = 400; // at a time: a book, and drawn in a moment
const wide = matchMedia("(min-width: 68rem)");
let opener = null;
let loading = null;
let shown = { key: "", body: null };

/** Make the panel work. */
export function reader() {
  const panel = byId("reader");
  byId("reader-close").addEventListener("click", close);
  panel.addEventListener("close", closed);
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    close();
  });
  wide.addEventListener("change", () => {
    if (!panel.open) return;
    panel.close();
    present(panel);
  });
}

/** Whether a document is shown. */
export const reading = () => byId("reader").open;

/** Open a document at one of these citations; the others are a step away, forwards or back. */
export async function read(targets, at, where, step = 0) {
  const panel = byId("reader");
  if (!panel.open) {
    opener = document.activeElement;
    present(panel);
  }
  const target = targets[at];
  current(target.marker);
  heading(target.title, null);
  steps(targets, at, where);
  loading?.abort();
  loading = new AbortController();
  try {
    await show(target, where, {}, loading.signal);
    if (step) stepped(step, at + 1, targets[at].quote);
  } catch (error) {
    if (!stopped(error)) failed(error);
  }
}

/** Close the panel; the focus goes back to where it came from. */
export function close() {
  loading?.abort();
  byId("reader").close();
}

function closed() {
  if (reading()) return; // it was only moved
  document.body.classList.remove("reading");
  current(null);
  shown = { key: "", body: null };
  const now = document.activeElement;
  if (now && now !== document.body && !byId("reader").contains(now)) return; // it has gone on since
  if (opener?.isConnected) opener.focus();
  else byId("question").focus();
}

/** Mark in the answer which citation is looked up. */
function current(marker) {
  for (const other of document.querySelectorAll(".cite[aria-current]")) other.removeAttribute("aria-current");
  marker?.setAttribute("aria-current", "true");
}

function present(panel) {
  document.body.classList.add("reading");
  if (wide.matches) panel.show();
  else panel.showModal();
}

async function show(target, where, part, signal) {
  const asked = { ...where, limit: CHUNKS, ...(part.offset === undefined ? { chunk: target.chunkId } : part) };
  const key = JSON.stringify([target.documentId, asked]);
  if (shown.key !== key) {
    const path = `v1/documents/${encodeURIComponent(target.documentId)}`;
    shown = { key, body: await call("GET", path, { query: asked, signal }) };
  }
  const document_ = shown.body;
  heading(document_.title || document_.document_id, document_.source);
  const turn = (offset) => void show({ ...target, quote: "" }, where, { offset }, signal).catch(failed);
  draw(document_, target, turn);
}

function draw(of, target, turn) {
  const text = of.chunks.map((chunk, at) => chunk.text + (at + 1 < of.chunks.length ? chunk.gap : "")).join("");
  const base = of.chunks[0]?.span.start ?? 0;
  let span = null;
  let gone = false;
  if (target.span) {
    span = [target.span.start, target.span.end].map((point) => unit(text, point - base));
    gone = target.quote !== undefined && text.slice(...span) !== target.quote;
    if (gone) span = null;
  }
  const root = byId("reader-text");
  root.replaceChildren(
    gone && target.quote
      ? el("p", { class: "warned", text: "The quote no longer stands here: the document has changed since." })
      : "",
    before(of, turn),
    ...paragraphs(text, span),
    after(of, turn),
  );
  const marks = root.querySelectorAll("mark");
  if (marks.length) {
    marks[0].tabIndex = -1;
    marks[0].focus({ preventScroll: true });
    marks[0].scrollIntoView({ block: "center" });
  } else {
    root.scrollTop = 0;
    byId("reader-title").focus();
  }
}

function before(of, turn) {
  if (!of.offset) return "";
  return turner("Earlier", () => turn(Math.max(0, of.offset - CHUNKS)));
}

function after(of, turn) {
  const next = of.offset + CHUNKS;
  return next < of.total ? turner("Later", () => turn(next)) : "";
}

const turner = (text, onclick) => el("button", { type: "button", class: "quiet turner", text, onclick });

/** Keep the focus where the next step is taken; the quote is said instead. */
function stepped(step, number, quote) {
  const [back, on] = byId("reader-steps").querySelectorAll("button");
  const wanted = step < 0 ? back : on;
  (wanted.disabled ? (wanted === on ? back : on) : wanted).focus();
  say(`Quote ${number}: ${quote ?? ""}`);
}

function heading(title, source) {
  byId("reader-title").replaceChildren(isolated(title ?? ""));
  byId("reader-origin").replaceChildren(source ? origin(source) : "");
}

function steps(targets, at, where) {
  const step = (by, text, label) =>
    el("button", {
      type: "button",
      class: "quiet",
      text,
      "aria-label": label,
      disabled: !targets[at + by],
      onclick: () => void read(targets, at + by, where, by),
    });
  byId("reader-steps").replaceChildren(
    ...(targets.length > 1
      ? [
          step(-1, "←", "The quote before"),
          el("span", { text: `Quote ${at + 1} of ${targets.length}` }),
          step(1, "→", "The next quote"),
        ]
      : []),
  );
}

function failed(problem) {
  byId("reader-text").replaceChildren(
    el("p", { class: "problem-title", text: problem.title || "The document cannot be shown" }),
    el("p", { text: problem.detail ?? "" }),
  );
  byId("reader-title").focus();
}
