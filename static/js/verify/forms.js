// Strict forms: JSON, base64, keys and checkpoints, each with one spelling.
import { hexOf, joined, sha256, utf8 } from "./hashes.js";

const NAME = "[!-*,-~]{1,200}";
const BASE64 = "[A-Za-z0-9+/]{1,200}={0,2}";
const KEPT_NOTE = new RegExp(`^(${NAME})\\n([0-9]{1,15})\\n(${BASE64})(?:\\n[^]*)?$`);
const KEY = new RegExp(`^(${NAME})\\+([0-9a-f]{8})\\+(${BASE64})$`);
export const FIELD = /^[a-z][a-z0-9_]*$/;
export const NOTE = new RegExp(
  `^(${NAME})\\n(0|[1-9][0-9]{0,14})\\n(${BASE64})\\n\\n((?:— ${NAME} ${BASE64}\\n){1,16})$`,
);
export const HASH = /^[0-9a-f]{64}$/;
const KIND = "carbon-credit-ledger/retirement-proof";

// The document is not valid. The message says why, without a full stop.
export class Invalid extends Error {}

export const require = (condition, message) => {
  if (!condition) throw new Invalid(message);
};

export const typeOf = (value) => (Array.isArray(value) ? "array" : value === null ? "null" : typeof value);

// Returns the canonical form of JSON: keys sorted, no white space, no escape that is not needed, whole numbers only.
const canonical = (value) => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeOf(value) === "object") {
    const names = Object.keys(value).sort();
    return `{${names.map((name) => `${canonical(name)}:${canonical(value[name])}`).join(",")}}`;
  }
  const isExact = Number.isInteger(value) && String(value).length < 16;
  const isText = typeof value === "string" && !/[\ud800-\udfff]/u.test(value);
  return isExact || isText || typeof value === "boolean" ? JSON.stringify(value) : "null";
};

// Returns the value of a JSON text in its canonical form. Throws Invalid with one of the two messages.
export const parsed = (text, notJson, notCanonical, end = "") => {
  let value;
  let form;
  try {
    value = JSON.parse(text);
    form = canonical(value);
  } catch {
    throw new Invalid(notJson);
  }
  if (end && (typeOf(value) !== "object" || value.kind !== KIND)) throw new Invalid(notJson);
  require(form + end === text, notCanonical);
  return value;
};

// Whether the value is an object of exactly these fields, each of its type.
export const has = (value, fields) =>
  typeOf(value) === "object" &&
  Object.keys(value).length === Object.keys(fields).length &&
  Object.keys(fields).every((name) => Object.hasOwn(value, name) && typeOf(value[name]) === fields[name]);

export const fromBase64 = (text, what) => {
  let data = "";
  try {
    data = atob(text);
  } catch {
    // An empty result is refused below.
  }
  require(data && btoa(data) === text, `${what} is not canonical base64`);
  return Uint8Array.from(data, (character) => character.charCodeAt(0));
};

export const keyOf = (text) => {
  const found = typeof text === "string" ? KEY.exec(text) : null;
  require(found, "a key is not a name, an id and base64, joined by plus signs");
  const [, name, id, encoded] = found;
  const data = fromBase64(encoded, `the key of ${name}`);
  require(data.length === 33 && (data[0] === 1 || data[0] === 4), `the key of ${name} is none of Ed25519`);
  const own = hexOf(sha256(joined(utf8(`${name}\n`), data)).subarray(0, 4));
  require(own === id, `the id in the key of ${name} does not belong to it`);
  return { text, name, id, type: data[0], publicKey: data.subarray(1) };
};

// Returns the origin, the size and the root of a checkpoint that a person kept.
export const keptNote = (text) => {
  const found = KEPT_NOTE.exec(text);
  require(found, "a checkpoint begins with lines of its origin, its size and its root");
  return found.slice(1, 4);
};

export const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");
