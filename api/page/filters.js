// Filters as rows and as the JSON that is sent: two views of one thing.

import { byId, el } from "./dom.js";

const OPERATORS = [
  ["eq", "is"],
  ["in", "is one of"],
  ["gte", "is at least"],
  ["gt", "is more than"],
  ["lte", "is at most"],
  ["lt", "is less than"],
];

/** The filters of the page. */
export class Filters {
  constructor(onChange) {
    this.rows = byId("filter-rows");
    this.raw = byId("filter-json");
    this.onChange = onChange;
    byId("filter-add").addEventListener("click", () => this.add().querySelector("input").focus());
    this.rows.addEventListener("input", () => this.fromRows());
    this.raw.addEventListener("input", () => this.fromText());
  }

  /** Return the JSON of the filter, "" where there is none. Throws where it cannot be read. */
  get text() {
    const text = this.raw.value.trim();
    if (!text) return "";
    const told = JSON.stringify(parsed(text));
    return told === "{}" ? "" : told;
  }

  /** Show another filter. */
  set text(text) {
    this.raw.value = text ? pretty(text) : "";
    this.fromText();
  }

  /** Offer these as names of fields, beside the usual ones. */
  offer(names) {
    const known = new Set([...byId("fields").options].map((option) => option.value));
    for (const name of names) if (!known.has(name)) byId("fields").append(el("option", { value: name }));
  }

  add(field = "", operator = "eq", value = "") {
    const number = this.rows.children.length + 1;
    const row = el(
      "li",
      {},
      el("input", { class: "field", "aria-label": `Field ${number}`, list: "fields", placeholder: "metadata.year", value: field }),
      el(
        "select",
        { "aria-label": `Condition ${number}` },
        OPERATORS.map(([name, text]) => el("option", { value: name, text, selected: name === operator })),
      ),
      el("input", { class: "value", "aria-label": `Value ${number}`, placeholder: "2024", value }),
      el("button", {
        type: "button",
        class: "quiet",
        text: "Remove",
        "aria-label": `Remove filter ${number}`,
        onclick: () => {
          row.remove();
          this.fromRows();
          byId("filter-add").focus();
        },
      }),
    );
    this.rows.append(row);
    return row;
  }

  fromRows() {
    const filter = {};
    for (const row of this.rows.children) {
      const [field, operator, value] = [...row.querySelectorAll("input, select")].map((of) => of.value.trim());
      if (field && value) filter[field] = { ...filter[field], [operator]: valueOf(operator, value) };
    }
    for (const [field, test] of Object.entries(filter)) {
      if (Object.keys(test).join() === "eq") filter[field] = test.eq;
    }
    this.raw.value = Object.keys(filter).length ? JSON.stringify(filter, null, 2) : "";
    this.check();
  }

  fromText() {
    if (!this.check()) return;
    this.rows.replaceChildren();
    const filter = this.raw.value.trim() ? parsed(this.raw.value) : {};
    for (const [field, test] of Object.entries(filter)) {
      const tests = test !== null && typeof test === "object" && !Array.isArray(test) ? test : { eq: test };
      for (const [operator, value] of Object.entries(tests)) this.add(field, operator, shown(value));
    }
  }

  check() {
    let said = "";
    try {
      if (this.raw.value.trim()) parsed(this.raw.value);
    } catch (error) {
      said = error.message;
    }
    byId("filter-error").textContent = said;
    this.raw.setAttribute("aria-invalid", String(Boolean(said)));
    this.onChange(said ? "!" : this.text && `${this.rows.children.length || Object.keys(parsed(this.text)).length}`);
    return !said;
  }
}

/** Return what stands in a row's field: a number, true or false as such, anything else as a text. */
export function valueOf(operator, text) {
  if (operator !== "in") return literal(text);
  return text.split(",").map((part) => literal(part.trim())).filter((part) => part !== "");
}

/** Return a value as it is typed; texts that look like something else are quoted. */
export function shown(value) {
  if (Array.isArray(value)) return value.map(shown).join(", ");
  return typeof value === "string" && literal(value) === value ? value : JSON.stringify(value);
}

function literal(text) {
  try {
    const value = JSON.parse(text);
    return ["number", "boolean", "string"].includes(typeof value) ? value : text;
  } catch {
    return text;
  }
}

function parsed(text) {
  let value = null;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('This is no JSON: a filter is an object such as {"metadata.kind": "manual"}');
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new Error('A filter is an object such as {"metadata.kind": "manual"}');
  }
  return value;
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
