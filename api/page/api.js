// What the server is asked: JSON, streams and their problems. The key goes into a header, never
// into an address.

/** What went wrong, as the server says it: `title`, and in `detail` the remedy. */
export class Problem extends Error {
  constructor({ status = 0, type = "", title = "", detail = "", extra = [] }, seconds = 0) {
    super(title);
    this.status = status;
    this.type = type;
    this.title = title;
    this.detail = detail;
    this.fields = Array.isArray(extra) ? extra : [];
    this.seconds = seconds; // after which to try again, where the server says so
  }
}

/** What the rest of the page hangs in here: the key, and who is told of what. */
export const hooks = {
  key: "",
  askForKey: async () => false, // is told the problem; true where there is another key now
  loading: () => {}, // is told whether the server is still loading
};

const GONE = {
  title: "The server does not answer",
  detail: "Is it running, and is there a connection to it? What you typed is still here.",
};

/** Return the address of a route with its parameters; empty ones are left out. */
export function address(path, query = {}) {
  const url = new URL(path, document.baseURI);
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== "" && one !== null && one !== undefined) url.searchParams.append(name, one);
    }
  }
  url.hash = "";
  return url;
}

/** Return the headers that every request has. */
export const authorization = () => (hooks.key ? { authorization: `Bearer ${hooks.key}` } : {});

/** Return the reply to a request; a server that still loads is asked again, a key asked for. */
export async function send(method, path, { query, body, headers, signal } = {}) {
  const json = body !== undefined && typeof body !== "string";
  for (;;) {
    const reply = await fetched(address(path, query), {
      method,
      signal,
      cache: "no-store",
      credentials: "same-origin",
      headers: { ...(json ? { "content-type": "application/json" } : {}), ...headers, ...authorization() },
      body: json ? JSON.stringify(body) : body,
    });
    if (reply.ok) {
      hooks.loading(false);
      return reply;
    }
    const problem = await problemOf(reply);
    if (problem.type.endsWith(":StillLoading")) {
      hooks.loading(true);
      await pause(Math.max(1, problem.seconds), signal);
    } else if (problem.status !== 401 || !(await hooks.askForKey(problem))) {
      hooks.loading(false);
      throw problem;
    }
  }
}

/** Return what a request is answered with. */
export async function call(method, path, given) {
  const reply = await send(method, path, given);
  return reply.status === 204 ? null : reply.json();
}

/** Yield the events of a stream as [name, data]; leaving ends the work on the server. */
export async function* events(path, body, signal) {
  const reply = await send("POST", path, { body, signal, headers: { accept: "text/event-stream" } });
  for await (const block of blocks(reply.body)) {
    let name = "";
    let data = "";
    for (const line of block.split("\n")) {
      if (line.startsWith("event: ")) name = line.slice(7);
      else if (line.startsWith("data: ")) data += line.slice(6);
    }
    if (name) yield [name, JSON.parse(data)];
  }
}

/** Return the problem of a reply that is no success. */
export async function problemOf(reply) {
  return problemFrom(reply.status, reply.statusText, await reply.text(), reply.headers.get("retry-after"));
}

/** Return the problem that a reply of this status and text tells. */
export function problemFrom(status, phrase, text, after) {
  const seconds = Number(after) || 0;
  try {
    return new Problem({ status, ...JSON.parse(text) }, seconds);
  } catch {
    return new Problem({ status, title: phrase || `Status ${status}`, detail: text.slice(0, 300) }, seconds);
  }
}

/** Wait so many seconds, or until the signal is given. */
export function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const stopped = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stopped);
      resolve();
    }, seconds * 1000);
    if (signal?.aborted) stopped();
    else signal?.addEventListener("abort", stopped, { once: true });
  });
}

/** Whether something ended because the user ended it. */
export const stopped = (error) => error?.name === "AbortError";

async function fetched(url, given) {
  try {
    return await fetch(url, given);
  } catch (error) {
    if (stopped(error)) throw error;
    throw new Problem(GONE);
  }
}

async function* blocks(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error) => {
        if (stopped(error)) throw error;
        throw new Problem({ ...GONE, title: "The connection broke off" });
      });
      if (done) return;
      const parts = (rest + value).split("\n\n");
      rest = parts.pop();
      yield* parts;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
