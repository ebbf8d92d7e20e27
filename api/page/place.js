// Where the page is: the question and how it is asked, in the fragment of the address. Browsers
// send no fragment to the server, and the key is never in it.

const ONE = ["q", "mode", "collection", "k", "preset", "generator", "superseded", "as_of", "filter", "tenant"];
const MANY = ["expand", "principal"];

/** Return what an address says is asked. */
export function read(hash = location.hash) {
  const given = new URLSearchParams(hash.slice(1));
  const place = {};
  for (const name of ONE) place[name] = given.get(name) ?? "";
  for (const name of MANY) place[name] = given.getAll(name);
  place.mode = place.mode === "search" ? "search" : "ask";
  return place;
}

/** Return the fragment that says it; what is usual is left out. */
export function written(place) {
  const told = new URLSearchParams();
  for (const name of ONE) {
    if (place[name] && !(name === "mode" && place[name] === "ask")) told.set(name, place[name]);
  }
  for (const name of MANY) for (const value of place[name] ?? []) told.append(name, value);
  const text = told.toString();
  return text && `#${text}`;
}

/** Go there, as a page of its own in the history unless it is where we are. */
export function go(place) {
  const hash = written(place);
  if (hash !== location.hash) history.pushState(null, "", hash || location.pathname);
}
