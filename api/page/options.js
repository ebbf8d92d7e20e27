// How it is asked: what the server and the key let be chosen.

import { byId, el } from "./dom.js";

/** Offer what the caller may choose. */
export function offer({ choices, tenant, principals, writes }) {
  select("preset", choices.presets, choices.preset);
  select("generator", choices.generators, choices.generator);
  const chosen = expansions();
  byId("expansions").replaceChildren(
    ...choices.expansions.map(({ name, asks }) =>
      el(
        "label",
        { class: "check" },
        el("input", { type: "checkbox", name: "expand", value: name, checked: chosen.includes(name) }),
        ` ${name}`,
        asks ? el("span", { class: "soft", text: " asks the model" }) : null,
      ),
    ),
  );
  byId("tenant-row").hidden = tenant !== "*";
  byId("principal-row").hidden = principals !== null;
  byId("add").hidden = !writes;
  byId("files").accept = choices.formats.join(",");
}

/** Return what is chosen, as the address and the requests name it. */
export function chosen(mode) {
  return {
    k: byId("k").value,
    preset: byId("preset").value,
    generator: mode === "ask" ? byId("generator").value : "",
    expand: expansions(),
    superseded: byId("superseded").value,
    as_of: byId("as-of").value,
    tenant: byId("tenant").value.trim(),
    principal: byId("principal").value.split(",").map((name) => name.trim()).filter(Boolean),
  };
}

/** Choose what a place says. */
export function choose(place) {
  byId("k").value = place.k;
  for (const name of ["preset", "generator", "superseded"]) choosing(byId(name), place[name]);
  byId("as-of").value = place.as_of;
  byId("tenant").value = place.tenant;
  byId("principal").value = place.principal.join(", ");
  for (const box of boxes()) box.checked = place.expand.includes(box.value);
}

/** Return how many of them are not as usual. */
export const unusual = () =>
  Object.values(chosen("ask")).filter((value) => (Array.isArray(value) ? value.length : value)).length;

/** Let a choice be made of these texts; "" is the server's own. */
export function select(id, texts, usual) {
  const field = byId(id);
  const before = field.value;
  field.replaceChildren(
    el("option", { value: "", text: `as usual (${usual})` }),
    ...texts.map((text) => el("option", { value: text, text })),
  );
  choosing(field, before);
}

/** Choose a value, also one that was not offered: the server will say what is wrong with it. */
export function choosing(field, value) {
  if (value && ![...field.options].some((option) => option.value === value)) {
    field.append(el("option", { value, text: value }));
  }
  field.value = value;
}

const boxes = () => [...byId("expansions").querySelectorAll("input")];
const expansions = () => boxes().filter((box) => box.checked).map((box) => box.value);
