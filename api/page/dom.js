// Elements, made of texts that stay texts: nothing here or anywhere else reads markup from data.

/** Return the element of an id. */
export const byId = (id) => document.getElementById(id);

/**
 * Return a new element. Names with "on" are listeners, "text" is its text, "data" its data-*;
 * null, undefined and false are left out.
 */
export function el(tag, given = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "text") made.textContent = value;
    else if (name === "data") Object.assign(made.dataset, value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Return a title or a name in a span of its own, so that its direction turns nothing else round. */
export const isolated = (text, given = {}) => el("bdi", { ...given, text });

/** Return where something is from: a link if it is an address of the web, otherwise its text. */
export function origin(source) {
  let url = null;
  try {
    url = new URL(source);
  } catch {
    // a path
  }
  if (!url || !["http:", "https:"].includes(url.protocol)) return isolated(source, { class: "origin" });
  return el(
    "a",
    { class: "origin", href: url.href, target: "_blank", rel: "noopener noreferrer" },
    isolated(source),
  );
}

/** Return a number with so many digits behind the point, as scores are read. */
export const figure = (value, digits = 3) => value.toFixed(digits);

/** Return "1 source", "2 sources". */
export const count = (n, one, many = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
