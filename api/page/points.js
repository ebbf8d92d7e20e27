// Spans are counted in Unicode code points, and strings of JavaScript in units of UTF-16.

const PAIRED = /[\uD800-\uDBFF][\uDC00-\uDFFF]/;

/** Return the index in a string of the code point with this number. */
export function unit(text, point) {
  if (!PAIRED.test(text)) return Math.min(point, text.length);
  let at = 0;
  for (let seen = 0; seen < point && at < text.length; seen++) {
    at += text.codePointAt(at) > 0xffff ? 2 : 1;
  }
  return at;
}

/** Return the part of a text between two code points. */
export const cut = (text, start, end) => text.slice(unit(text, start), unit(text, end));

/** Return how many code points a text has. */
export const length = (text) => [...text].length;

/**
 * Return a text after late fixes, and where its sentences stand, by their number: the same as
 * `rag.citing.events.placed`. A sentence that was dropped goes with what stands before the next one.
 */
export function placed(text, spans, fixes) {
  const points = [...text];
  const fixed = new Map(fixes.filter((fix) => fix.action !== "keep").map((fix) => [fix.sentence, fix]));
  const kept = spans
    .map((_, number) => number)
    .filter((number) => !fixed.has(number) || fixed.get(number).action === "rewrite");
  const places = new Map();
  if (!kept.length) return { text: spans.length ? "" : text, places };
  const starts = [...spans.map((span) => span[0]), points.length];
  const whole = points.slice(0, starts[0]);
  for (const number of kept) {
    const end = spans[number][1];
    const sentence = fixed.has(number) ? [...fixed.get(number).text] : points.slice(starts[number], end);
    places.set(number, [whole.length, whole.length + sentence.length]);
    whole.push(...sentence);
    if (number < kept.at(-1) || number === spans.length - 1) {
      whole.push(...points.slice(end, starts[number + 1]));
    }
  }
  return { text: whole.join(""), places };
}
