// The page: what is asked, where the answer goes, and what stops it.

import { AnswerView } from "./answer.js";
import { call, events, hooks, Problem, stopped } from "./api.js";
import { byId, el } from "./dom.js";
import { Filters } from "./filters.js";
import { keys } from "./keys.js";
import { choose, choosing, chosen, offer, unusual } from "./options.js";
import * as place from "./place.js";
import { close, read, reader, reading } from "./reader.js";
import { drawResults } from "./results.js";
import { noProblem, say, tellProblem } from "./says.js";
import { uploads } from "./uploads.js";

const KEPT = 20; // answers that back and forward show again without asking again
const kept = new Map();
let running = null;

const filters = new Filters((told) => {
  byId("filter-count").textContent = told;
});
const mode = () => document.querySelector("input[name=mode]:checked").value;

/** Return the place that the form describes. */
function described() {
  const now = { q: byId("question").value.trim(), mode: mode(), collection: byId("collection").value };
  return { ...now, ...chosen(now.mode), filter: filters.text };
}

/** Return the body of a request. */
function body(at) {
  const asked = { query: at.q };
  for (const name of ["collection", "preset", "generator", "superseded", "as_of", "tenant"]) {
    if (at[name] && !(name === "generator" && at.mode === "search")) asked[name] = at[name];
  }
  if (at.k) asked.k = Number(at.k);
  if (at.expand.length) asked.expand = at.expand;
  if (at.principal.length) asked.principals = at.principal;
  if (at.filter) asked.filter = JSON.parse(at.filter);
  return asked;
}

/** Ask what a place says, and show what comes. */
async function run(at) {
  running?.abort();
  noProblem();
  const known = place.written(at);
  if (!at.q) return leave();
  document.title = `${at.q} · FirstCite`;
  document.body.classList.add("asked");
  const where = { collection: at.collection, tenant: at.tenant, principal: at.principal };
  const outcome = byId("outcome");
  if (kept.has(known)) return draw(at, where, kept.get(known));
  const stop = new AbortController();
  running = stop;
  busy(true);
  try {
    const made = at.mode === "ask" ? await answered(at, where, stop.signal) : await searched(at, where, stop.signal);
    if (made) keep(known, made);
  } catch (error) {
    if (running !== stop) return;
    if (!(error instanceof Problem) && !stopped(error)) throw error;
    if (!stopped(error)) tellProblem(error, () => void run(at));
    if (at.mode === "search" || !outcome.querySelector(".answer")?.textContent) outcome.replaceChildren();
    if (stopped(error) && !outcome.firstChild) say("Stopped");
  } finally {
    if (running === stop) {
      running = null;
      busy(false);
      outcome.setAttribute("aria-busy", "false");
    }
  }
}

async function answered(at, where, signal) {
  const view = viewOf(at, where);
  say("Looking for an answer");
  try {
    for await (const [name, data] of events("v1/answer", { ...body(at), stream: true }, signal)) {
      if (name === "error") throw new Problem(data);
      view.take(name, data);
      if (name === "final") return data;
    }
  } catch (error) {
    view.end(stopped(error) ? "Stopped: this is not the whole answer" : "This is not the whole answer");
    throw error;
  }
  view.end("This is not the whole answer");
  throw new Problem({ title: "The connection broke off", detail: "The answer did not come to its end: try again." });
}

async function searched(at, where, signal) {
  say("Searching");
  byId("outcome").setAttribute("aria-busy", "true");
  const reply = await call("POST", "v1/search", { body: { ...body(at), explain: true }, signal });
  draw(at, where, reply);
  filters.offer(reply.results.flatMap((result) => Object.keys(result.metadata).map((name) => `metadata.${name}`)));
  say(`${reply.results.length} passages`);
  return reply;
}

/** Show what was answered or found. */
function draw(at, where, made) {
  busy(false);
  if (at.mode === "ask") return viewOf(at, where).whole(made);
  drawResults(byId("outcome"), made, where, (result) =>
    void read([targetOf(result)], 0, where),
  );
}

const viewOf = (at, where) =>
  new AnswerView(byId("outcome"), {
    read: (targets, number) => void read(targets, number, where),
    search: () => {
      byId("mode-search").checked = true;
      asking("search");
      submit();
    },
  });

const targetOf = (result) => ({
  documentId: result.document_id,
  title: result.title || result.document_id,
  chunkId: result.chunk_id,
  quote: result.text,
  span: result.span,
});

function keep(known, made) {
  kept.set(known, made);
  if (kept.size > KEPT) kept.delete(kept.keys().next().value);
}

function leave() {
  document.title = "FirstCite";
  document.body.classList.remove("asked");
  byId("outcome").replaceChildren();
}

function busy(now) {
  byId("stop").hidden = !now;
  byId("submit").hidden = now;
}

function submit() {
  let now = null;
  try {
    now = described();
  } catch (error) {
    byId("filters").open = true;
    byId("filter-raw").open = true;
    byId("filter-json").focus();
    return tellProblem(new Problem({ title: "The filter cannot be read", detail: error.message }));
  }
  if (!now.q) return byId("question").focus();
  kept.delete(place.written(now)); // asked once more, not shown once more
  if (reading()) close();
  place.go(now);
  void run(now);
}

/** Show what the address says. */
function arrive() {
  const at = place.read();
  byId("question").value = at.q;
  byId(`mode-${at.mode}`).checked = true;
  if (at.collection) choosing(byId("collection"), at.collection);
  choose(at);
  filters.text = at.filter;
  byId("option-count").textContent = unusual() || "";
  asking(at.mode);
  grow();
  void run({ ...at, collection: at.collection || byId("collection").value, filter: safely(() => filters.text) });
}

const safely = (get) => {
  try {
    return get();
  } catch {
    return "";
  }
};

function asking(now) {
  const ask = now === "ask";
  byId("submit").textContent = ask ? "Ask" : "Search";
  byId("question").placeholder = ask ? "Ask a question" : "Search for passages";
  byId("question-label").textContent = ask ? "Question" : "Search for";
  byId("generator-row").hidden = !ask;
}

function grow() {
  const field = byId("question");
  field.style.blockSize = "auto";
  field.style.blockSize = `${field.scrollHeight + 2}px`;
}

/** Read what may be chosen, and which collections there are. */
async function choices(select = "") {
  try {
    const caller = await call("GET", "v1/caller");
    offer(caller);
    const { collections } = await call("GET", "v1/collections");
    const names = collections.map((collection) => collection.name);
    const field = byId("collection");
    const wanted = select || place.read().collection || field.value;
    const usual = names.includes(caller.choices.collection) ? caller.choices.collection : (names[0] ?? "");
    field.replaceChildren(...names.map((name) => el("option", { value: name, text: name })));
    choosing(field, wanted || usual);
    field.disabled = !names.length;
    byId("empty").hidden = Boolean(names.length);
    byId("empty-add").hidden = !caller.writes;
    return true;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    tellProblem(error, () => void begin());
    return false;
  }
}

async function begin() {
  noProblem();
  if (await choices()) arrive();
}

function listen() {
  byId("asking").addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  byId("question").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
  });
  byId("question").addEventListener("input", grow);
  byId("stop").addEventListener("click", () => {
    running?.abort();
    byId("question").focus();
  });
  byId("empty-add").addEventListener("click", () => byId("add").click());
  for (const radio of document.querySelectorAll("input[name=mode]")) {
    radio.addEventListener("change", () => {
      asking(mode());
      if (byId("question").value.trim() && document.body.classList.contains("asked")) submit();
    });
  }
  byId("collection").addEventListener("change", () => {
    if (byId("question").value.trim() && document.body.classList.contains("asked")) submit();
  });
  byId("options").addEventListener("input", () => {
    byId("option-count").textContent = unusual() || "";
  });
  addEventListener("popstate", () => {
    if (reading()) close();
    arrive();
  });
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || document.querySelector("dialog:modal")) return;
    const typing = event.target.matches("input:not([type=radio], [type=checkbox]), textarea, select");
    if (event.key === "Escape") {
      if (running) running.abort();
      else if (reading()) close();
    } else if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      byId("question").focus();
    }
  });
}

hooks.loading = (now) => {
  if (byId("loading").hidden !== now) return;
  byId("loading").hidden = !now;
  if (now) say("The models are loading");
};
keys(() => {
  kept.clear();
  void begin();
});
reader();
uploads(
  () => ({ tenant: byId("tenant").value.trim() }),
  (collection) => {
    kept.clear();
    void choices(byId("collection").value || collection);
  },
);
listen();
void begin();
