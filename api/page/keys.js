// The API key, where the server wants one: kept in memory, and for this tab only where that is asked.

import { hooks } from "./api.js";
import { byId } from "./dom.js";

const NAME = "firstcite.key";
let asking = null;
let end = () => {};

/** Take the key that this tab has kept, and ask for one whenever the server does. */
export function keys(onChange) {
  const dialog = byId("keys");
  const field = byId("key");
  const keep = byId("key-keep");
  try {
    hooks.key = sessionStorage.getItem(NAME) ?? "";
  } catch {
    keep.disabled = true;
  }
  keep.checked = Boolean(hooks.key);
  const shown = () => {
    byId("key-open").hidden = !hooks.key;
  };
  shown();

  byId("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!field.value.trim()) return;
    end("used");
  });
  byId("key-cancel").addEventListener("click", () => end("cancel"));
  byId("key-forget").addEventListener("click", () => end("forget"));
  // Escape. The event comes some time after the closing: by then the dialog may ask again.
  dialog.addEventListener("close", () => dialog.open || end("cancel"));
  byId("key-open").addEventListener("click", () => void ask("This key is in use.").then(onChange));

  function ask(why) {
    asking ??= new Promise((resolve) => {
      byId("key-why").textContent = why;
      byId("key-forget").hidden = !hooks.key;
      field.value = "";
      end = (how) => {
        end = () => {};
        dialog.close();
        resolve(settle(how));
      };
      dialog.showModal();
      field.focus();
    }).finally(() => {
      asking = null;
    });
    return asking;
  }

  function settle(how) {
    const given = field.value.trim();
    field.value = "";
    if (how === "used") hooks.key = given;
    if (how === "forget") hooks.key = "";
    try {
      if (hooks.key && keep.checked) sessionStorage.setItem(NAME, hooks.key);
      else sessionStorage.removeItem(NAME);
    } catch {
      // it is kept in memory
    }
    shown();
    return how === "used";
  }

  hooks.askForKey = (problem) => ask(problem.detail);
}
