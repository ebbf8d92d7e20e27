// What is said aloud: to screen readers, sentence by sentence, and to everybody in a notice.

import { byId, el } from "./dom.js";

const MOST = 30;

/** Let screen readers say something when they have said what came before. */
export function say(text) {
  const log = byId("status");
  log.append(el("p", { text }));
  while (log.children.length > MOST) log.firstChild.remove();
}

/** Show a problem with its remedy; `again` tries once more. */
export function tellProblem(problem, again = null) {
  const lines = problem.fields.map((field) =>
    el("li", {}, field.key ? el("code", { text: field.key }) : null, ` ${field.message ?? ""}`),
  );
  const after = problem.seconds
    ? el("p", { text: `The server asks to wait ${problem.seconds} s before trying again.` })
    : null;
  byId("notice").replaceChildren(
    el(
      "div",
      { class: "problem" },
      el("p", { class: "problem-title", text: problem.title || "Something went wrong" }),
      problem.detail ? el("p", { dir: "auto", text: problem.detail }) : null,
      lines.length ? el("ul", {}, lines) : null,
      after,
      again
        ? el("button", { type: "button", class: "quiet", text: "Try again", onclick: again })
        : null,
    ),
  );
}

/** Take the problem away. */
export const noProblem = () => byId("notice").replaceChildren();
