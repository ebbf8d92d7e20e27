// An answer while it is made and when it is there: sentences, and behind each its citations.

import { sourcesOf } from "./citations.js";
import { count, el } from "./dom.js";
import { cut, placed } from "./points.js";
import { say } from "./says.js";
import { failures, stages, total } from "./trace.js";

/** An answer in its place on the page; takes the events of a stream, or the whole answer. */
export class AnswerView {
  /** `read(targets, at)` opens a document at one of these citations; `search` looks instead. */
  constructor(root, { read, search }) {
    this.root = root;
    this.read = read;
    this.search = search;
    this.references = new Map();
    this.text = "";
    this.sentences = []; // of the stream: { start, end, refs, support }
    this.fixes = [];
    this.told = 0; // code points of the text that stand in complete sentences
    this.verdict = el("p", { class: "verdict", text: "Looking…" });
    this.body = el("div", { class: "answer", dir: "auto" });
    this.tail = document.createTextNode("");
    this.body.append(this.tail);
    root.setAttribute("aria-label", "Answer");
    root.setAttribute("aria-busy", "true");
    root.replaceChildren(this.verdict, this.body);
  }

  /** Take an event of the stream. */
  take(name, data) {
    if (name === "search_results") this.found(data.references);
    else if (name === "delta") this.grow(data.text);
    else if (name === "citation") this.complete(data);
    else if (name === "verification") this.fix(data);
    else if (name === "final") this.whole(data);
  }

  /** End what was not told to its end; what is there stays. */
  end(why) {
    if (!this.verdict.isConnected) return; // something else is shown by now
    this.root.setAttribute("aria-busy", "false");
    this.body.classList.remove("growing");
    this.verdict.replaceChildren(el("strong", { text: why }));
    say(why);
  }

  found(references) {
    for (const reference of references) this.references.set(reference.ref, reference);
    this.verdict.textContent = `Reading ${count(references.length, "document")}…`;
    this.body.classList.add("growing");
  }

  grow(text) {
    this.text += text;
    this.tail.data += text;
  }

  complete({ start, end, refs, support }) {
    this.sentences.push({ start, end, refs, support });
    const said = cut(this.text, start, end);
    this.tail.before(cut(this.text, this.told, start), ...this.streamed(said, refs, support));
    this.tail.data = this.text.slice(cut(this.text, 0, end).length);
    this.told = end;
    say(`${said} ${refs.length ? `(${refs.map((ref) => `source ${ref}`).join(", ")})` : ""}`);
  }

  fix(fix) {
    this.fixes.push(fix);
    const sentence = this.sentences[fix.sentence];
    sentence.support = fix.support;
    if (fix.action === "keep") return;
    const before = cut(this.text, sentence.start, sentence.end);
    say(fix.action === "drop" ? `Dropped: ${before}` : `Instead: ${fix.text}`);
    const spans = this.sentences.map((one) => [one.start, one.end]);
    const { text, places } = placed(this.text, spans, this.fixes);
    const pieces = [];
    let told = 0;
    for (const [number, [start, end]] of places) {
      const { refs, support } = this.sentences[number];
      pieces.push(cut(text, told, start), ...this.streamed(cut(text, start, end), refs, support));
      told = end;
    }
    this.tail.data = cut(text, told, Infinity);
    this.body.replaceChildren(...pieces, this.tail);
  }

  /** Show the answer as it is in the end. */
  whole(answer) {
    const focused = [...this.body.querySelectorAll(".cite")].indexOf(document.activeElement);
    const titles = new Map(answer.references.map((reference) => [reference.ref, reference]));
    const targets = targetsOf(answer, titles);
    const pieces = [];
    let told = 0;
    let at = 0;
    for (const sentence of answer.sentences) {
      pieces.push(cut(answer.answer, told, sentence.span.start), sentenceOf(sentence));
      for (const citation of sentence.citations) {
        const number = at++;
        const target = targets[number];
        target.marker = marker(citation.ref, target.title, () => this.read(targets, number));
        pieces.push(target.marker);
      }
      pieces.push(...doubts(sentence));
      told = sentence.span.end;
    }
    pieces.push(cut(answer.answer, told, Infinity));
    this.body.classList.remove("growing");
    this.body.replaceChildren(...pieces);
    this.root.setAttribute("aria-busy", "false");
    this.root.replaceChildren(
      verdictOf(answer),
      ...(answer.abstained ? [this.instead()] : [this.body]),
      ...sourcesOf(answer, targets, this.read),
      this.dropped() ?? "",
      stages(answer.trace, "How it was made") ?? "",
    );
    if (focused >= 0) this.body.querySelectorAll(".cite")[focused]?.focus();
    say(spoken(answer));
  }

  instead() {
    return el("button", { type: "button", class: "quiet", text: "Show what was found", onclick: this.search });
  }

  dropped() {
    const gone = this.fixes.filter((fix) => fix.action !== "keep");
    if (!gone.length) return null;
    return el(
      "details",
      { class: "fold dropped" },
      el("summary", { text: `Verification changed ${count(gone.length, "sentence")}` }),
      el(
        "ul",
        {},
        gone.map((fix) => {
          const { start, end } = this.sentences[fix.sentence];
          const before = el("del", { dir: "auto", text: cut(this.text, start, end) });
          const now = fix.action === "rewrite" ? el("ins", { dir: "auto", text: fix.text }) : null;
          return el("li", {}, now ? "Put into other words: " : "Dropped: ", before, now ? " " : null, now);
        }),
      ),
    );
  }

  streamed(text, refs, support) {
    return [
      sentenceOf({ text, support }),
      ...refs.map((ref) => {
        const of = this.references.get(ref);
        const target = { documentId: of?.document_id, title: of?.title || of?.document_id };
        return marker(ref, target.title, () => this.read([target], 0));
      }),
    ];
  }
}

const sentenceOf = ({ text, support }) => el("span", { class: "sentence", data: { support }, text });

function marker(ref, title, onclick) {
  const label = `Source ${ref}: ${title}`;
  return el("button", { type: "button", class: "cite", "aria-label": label, title, text: `${ref}`, onclick });
}

/** Return what of a sentence its citations do not carry. */
function doubts({ support, faults }) {
  if (support !== "none" && support !== "partial" && !faults.length) return [];
  const missing = faults.length ? `: ${faults.join(", ")}` : "";
  const told = support === "none" ? "not supported" : "partly supported";
  return [el("span", { class: "doubt", dir: "auto", text: `${told}${missing}` })];
}

/** Return what citations lead to, in the order of the answer; those of contradictions follow. */
function targetsOf(answer, titles) {
  const opposed = answer.contradictions.flatMap(({ one, other }) => [one, other]);
  return [...answer.sentences.flatMap((sentence) => sentence.citations), ...opposed].map((citation) => ({
    ref: citation.ref,
    documentId: citation.document_id,
    title: titles.get(citation.ref)?.title || citation.document_id,
    chunkId: citation.chunk_id,
    quote: citation.quote,
    span: citation.span,
  }));
}

function verdictOf(answer) {
  const told = { yes: "Answered", partial: "Answered in part", no: "Not answered" }[answer.answerable];
  const from = answer.references.length ? ` from ${count(answer.references.length, "document")}` : "";
  const verdict = el(
    "p",
    { class: "verdict", data: { answerable: answer.answerable } },
    el("strong", { text: told + from }),
    el("span", { class: "soft", text: ` · ${total(answer.trace)}` }),
  );
  const reason = answer.reason ? el("p", { class: "reason", dir: "auto", text: answer.reason }) : null;
  return el("div", {}, verdict, reason, failures(answer.trace));
}

function spoken(answer) {
  if (answer.abstained) return `Not answered: ${answer.reason}`;
  const partly = answer.answerable === "partial" ? `, in part: ${answer.reason}` : "";
  return `The answer is complete${partly}. ${count(answer.sentences.length, "sentence")}, ${count(answer.references.length, "source")}.`;
}
