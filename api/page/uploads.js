// Files and texts go up, become jobs, and each says how far it is and what became of it.

import { address, authorization, call, hooks, pause, Problem, problemFrom, send } from "./api.js";
import { byId, count, el, isolated } from "./dom.js";
import { say } from "./says.js";

const KINDS = ["new", "changed", "revised", "unchanged", "skipped"];
const SHOWN = 20; // faults of one upload; the others are counted

/** Make the panel work; `where` says into which tenant, `done` is told of what is in the index. */
export function uploads(where, done) {
  const panel = byId("adding");
  byId("add").addEventListener("click", () => {
    byId("into").value ||= byId("collection").value;
    panel.showModal();
  });
  byId("adding-close").addEventListener("click", () => panel.close());
  byId("files").addEventListener("change", (event) => {
    start([...event.target.files]);
    event.target.value = "";
  });
  const drop = byId("drop");
  for (const name of ["dragenter", "dragover"]) drop.addEventListener(name, (event) => over(event, true));
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, (event) => over(event, false));
  drop.addEventListener("drop", (event) => start([...event.dataTransfer.files]));
  byId("text-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const [title, text] = [byId("text-title").value.trim(), byId("text-body").value];
    if (!title || !text.trim()) return;
    const row = new Row(title);
    void row.through(async (signal) => {
      const headers = { "content-type": "application/x-ndjson" };
      const body = JSON.stringify({ id: title, title, text });
      return call("POST", "v1/documents", { query: into(), headers, body, signal });
    }, done);
    event.target.reset();
  });

  function over(event, there) {
    event.preventDefault();
    drop.classList.toggle("over", there);
  }

  const into = () => ({ collection: byId("into").value.trim(), tenant: where().tenant, wait: "false" });

  function start(files) {
    for (const file of files) {
      const row = new Row(file.name);
      const path = `v1/files/${encodeURIComponent(file.name)}`;
      const query = into();
      void row.through((signal) => put(address(path, query), file, signal, (share) => row.sent(share)), done);
    }
  }
}

/** Send a file; `told` hears how much of it is there. */
async function put(url, file, signal, told) {
  for (;;) {
    const [status, phrase, text, after] = await sent(url, file, signal, told);
    if (status >= 200 && status < 300) return JSON.parse(text);
    const problem = problemFrom(status, phrase, text, after);
    if (status !== 401 || !(await hooks.askForKey(problem))) throw problem;
  }
}

function sent(url, file, signal, told) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch does not say how much was sent
    request.open("PUT", url);
    for (const [name, value] of Object.entries(authorization())) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => told(event.loaded / (event.total || 1)));
    request.addEventListener("load", () =>
      resolve([request.status, request.statusText, request.responseText, request.getResponseHeader("retry-after")]),
    );
    request.addEventListener("error", () =>
      reject(new Problem({ title: "The file could not be sent", detail: "The connection broke off: try again." })),
    );
    request.addEventListener("abort", () => reject(signal.reason));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

/** One upload in the list. */
class Row {
  constructor(name) {
    this.name = name;
    this.stop = new AbortController();
    this.job = "";
    this.state = el("span", { class: "state", text: "Sending" });
    this.progress = el("progress", { max: "1", value: "0", "aria-label": `Progress of ${name}` });
    this.cancel = el("button", {
      type: "button",
      class: "quiet",
      text: "Cancel",
      "aria-label": `Cancel ${name}`,
      onclick: () => this.end(),
    });
    this.about = el("div", {});
    byId("uploads").prepend(
      el("li", {}, el("p", {}, isolated(name, { class: "name" }), this.state, this.cancel), this.progress, this.about),
    );
  }

  sent(share) {
    this.progress.value = share;
    if (share >= 1) this.state.textContent = "Sent";
  }

  async through(begin, done) {
    try {
      let job = await begin(this.stop.signal);
      this.job = job.job_id;
      while (!["done", "failed", "cancelled"].includes(job.state)) {
        this.advance(job);
        await pause(0.4, this.stop.signal);
        job = await call("GET", `v1/jobs/${job.job_id}`, { signal: this.stop.signal });
      }
      await this.over(job);
      if (job.state === "done") done(job.collection);
    } catch (error) {
      this.settle("Failed", error instanceof Problem ? `${error.title}. ${error.detail}` : "Cancelled");
    }
  }

  advance({ state, progress }) {
    const { stage, done, total } = progress;
    this.state.textContent = state === "queued" ? "Waiting" : `${stage || "reading"}${total ? `: ${done} of ${total}` : ""}`;
    if (total) this.progress.value = done / total;
    else this.progress.removeAttribute("value");
  }

  async over(job) {
    const told = { done: "Done", failed: "Failed", cancelled: "Cancelled" }[job.state];
    if (job.error) this.settle(told, `${job.error.title}. ${job.error.detail}`);
    else if (nothing(job)) this.settle("Nothing could be read", "");
    else this.settle(told, job.result ? summary(job) : "");
    const faults = await faultsOf(job.job_id);
    if (!faults.length) return;
    this.about.append(el("ul", { class: "faults" }, faults.map((text) => el("li", { dir: "auto", text }))));
  }

  settle(state, text) {
    this.state.textContent = state;
    this.progress.remove();
    this.cancel.remove();
    this.about.replaceChildren(text ? el("p", { dir: "auto", text }) : "");
    say(`${this.name}: ${state}. ${text}`);
  }

  end() {
    if (this.job) void send("DELETE", `v1/jobs/${this.job}`).catch(() => {});
    else this.stop.abort();
  }
}

/** Whether all of an upload was at fault. */
const nothing = ({ state, result }) => state === "done" && result.failed > 0 && !KINDS.some((name) => result[name]);

function summary({ result, collection }) {
  const told = [];
  for (const name of KINDS) {
    if (result[name]) told.push(`${result[name].toLocaleString("en")} ${name}`);
  }
  const failed = result.failed ? `; ${count(result.failed, "part")} could not be used` : "";
  return `${told.join(", ") || "No document"} in ${collection}${failed}`;
}

/** Return what could not be used of an upload, and why. */
async function faultsOf(job) {
  const text = await (await send("GET", `v1/jobs/${job}/lines`)).text();
  const faults = [];
  for (const line of text.split("\n").filter(Boolean)) {
    const row = JSON.parse(line);
    for (const fault of row.faults ?? (row.status === "failed" ? [row] : [])) {
      faults.push(fault.line ? `line ${fault.line}: ${fault.reason}` : fault.reason);
    }
    faults.push(...(row.notices ?? []));
  }
  const more = faults.length - SHOWN;
  return more > 0 ? [...faults.slice(0, SHOWN), `and ${more} more`] : faults;
}
