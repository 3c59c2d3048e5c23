// The whole check of a proof document. verify_statement.py makes the same checks in the same order, with the
// same sentences.
import { creditsOf, eventOf, retiredOf, sectionsOf } from "./events.js";
import { fromBase64, grouped, has, HASH, Invalid, keyOf, NOTE, parsed, require } from "./forms.js";
import { bigOf, fromHex, hexOf, sha256, utf8 } from "./hashes.js";
import { isSignature } from "./ed25519.js";

export const FILE_BYTES_MAX = 100_000_000;
export const OTHER_FILE = "this is no proof of a retirement. Choose the file proof.json of a statement, or its PDF";
export const NOTHING_ATTACHED = "this PDF has no proof attached. A statement that its ledger can prove has one";
const ATTACHED = /\/Length ([0-9]{1,9})\b[^>]{0,200}?\/EmbeddedFile\b[^\0]{0,300}?>>[\r\n\t ]*stream\r?\n/g;
const DOCUMENT = { checkpoint: "string", entries: "array", keys: "array", kind: "string", version: "number" };
const ENTRY = { path: "array", position: "number", text: "string" };
const ACCOUNTS = "the key that you gave is that of the account log, and statements are signed with the key of";
const FORKED = "the same size and another root, so this log has two histories";
// Characters that could break or reorder a line of the report.
const UNPRINTABLE = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

const shown = (text) =>
  text.replace(UNPRINTABLE, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);

const inflated = async (bytes) => {
  const chunks = [];
  let length = 0;
  try {
    const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      length += value.length;
      if (length > FILE_BYTES_MAX) return new Uint8Array(0);
    }
  } catch {
    return new Uint8Array(0);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
};

const isPdf = (bytes) => beginsWith(bytes, "%PDF-");
const beginsWith = (bytes, text) => utf8(text).every((byte, place) => bytes[place] === byte);

// Returns the proof document: the file itself, or what is attached to the PDF.
export const documentIn = async (bytes) => {
  require(bytes.length, "the file is empty");
  require(bytes.length <= FILE_BYTES_MAX, "the file is larger than 100 MB");
  if (!isPdf(bytes)) return bytes;
  const found = [];
  for (const each of new TextDecoder("latin1").decode(bytes).matchAll(ATTACHED)) {
    const start = each.index + each[0].length;
    const file = await inflated(bytes.subarray(start, start + Number(each[1])));
    if (beginsWith(file, '{"checkpoint":')) found.push(file);
  }
  require(found.length < 2, "this PDF has more than one proof attached");
  require(found.length, NOTHING_ATTACHED);
  return found[0];
};

// Returns the root that a path leads to (RFC 9162, 2.1.3.2); null if it has the wrong length.
const rootBy = (leaf, first, size, path) => {
  let [place, last, result] = [first, size - 1, leaf];
  const half = (number) => Math.floor(number / 2);
  for (const sibling of path.map(fromHex)) {
    if (last === 0) return null;
    if (place % 2 || place === last) {
      result = sha256(Uint8Array.of(1), sibling, result);
      while (place % 2 === 0 && place) [place, last] = [half(place), half(last)];
    } else {
      result = sha256(Uint8Array.of(1), result, sibling);
    }
    [place, last] = [half(place), half(last)];
  }
  return last === 0 ? hexOf(result) : null;
};

const entriesOf = (given, size, root) => {
  const entries = [];
  for (const each of given) {
    const isKnown = has(each, ENTRY) && each.path.every((hash) => typeof hash === "string" && HASH.test(hash));
    require(isKnown, "an entry is not a path of hashes, a position and a text");
    const { position, text, path } = each;
    const isNext = (entries.at(-1)?.position ?? 0) < position && position <= size;
    require(isNext, `position ${position} is out of order or not in the log`);
    const leaf = sha256(Uint8Array.of(0), utf8(text));
    require(rootBy(leaf, position - 1, size, path) === root, `event ${position} is not in the log at this position`);
    entries.push({ position, hash: hexOf(leaf), event: eventOf(text, `event ${position}`) });
  }
  return entries;
};

// Returns what each signature says, after checking every line with its key.
const signersOf = ([, origin, size, root, signatures], keys) => {
  const lines = signatures.trimEnd().split("\n");
  const body = `${origin}\n${size}\n${root}\n`;
  require(lines.length === keys.length, "the checkpoint has not one key for each signature");
  const said = lines.map((line, place) => {
    const key = keys[place];
    const [, name, encoded] = line.split(" ");
    const data = fromBase64(encoded, `the signature of ${key.name}`);
    const isOwn = name === key.name && hexOf(data.subarray(0, 4)) === key.id;
    require(isOwn, `the key of ${key.name} is not that of its signature`);
    let [message, signature, does] = [body, data.subarray(4), "signed this checkpoint"];
    if (key.type === 4) {
      const seconds = bigOf(data.subarray(4, 12));
      signature = data.subarray(12);
      require(seconds < 253402300800n, `the time of the witness ${name} is none`);
      message = `cosignature/v1\ntime ${seconds}\n${body}`;
      does = `witnessed it at ${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}Z`;
    }
    require(isSignature(key.publicKey, utf8(message), signature), `the signature of ${name} is wrong`);
    return `${name} ${does}, with the key ${key.text}`;
  });
  require(keys.some((key) => key.type === 1 && key.name === origin), "the log did not sign its checkpoint");
  require(new Set(keys.map((key) => key.text)).size === keys.length, "two signatures are of one key");
  return said;
};

// Returns the exit code and its sentence: whether what the person gave vouches for the checkpoint.
const verdictOn = ([, origin, size, root], keys, given, kept, act) => {
  const [vouching, against, open] = [[], [], []];
  for (const [keptOrigin, keptSize, keptRoot] of kept) {
    if (keptOrigin !== origin) {
      against.push("the checkpoint that you gave is of another log");
    } else if (keptSize === size) {
      require(keptRoot === root, `the checkpoint that you gave has ${FORKED}`);
      vouching.push("the checkpoint is the one that you gave");
    } else {
      const address = `/acts/${act}/proof.json?size=${keptSize}`;
      open.push(`for your checkpoint of size ${keptSize} the ledger has ${address}`);
    }
  }
  for (const key of given) {
    if (keys.some(({ text }) => text === key.text)) vouching.push(`signed with the key of ${key.name} that you gave`);
    else if (key.name === `${origin}/accounts`) open.push(`${ACCOUNTS} ${origin}`);
    else against.push(`not signed with the key of ${key.name} that you gave`);
  }
  if (vouching.length) return [0, `Proven: ${[...vouching, ...against].join("; ")}.`];
  require(!against.length, against.join("; "));
  return [3, `${["Consistent, but signed by a key I cannot judge", ...open].join("; ")}.`];
};

// Checks a file, as Uint8Array, against the keys and checkpoints that the person got elsewhere. Returns the
// code (0 proven, 3 consistent, 1 not valid), a sentence, and lines under headings.
export const examine = async (bytes, given, kept) => {
  try {
    return await proofOf(bytes, given, kept);
  } catch (error) {
    if (!(error instanceof Invalid)) throw error;
    return { code: 1, verdict: shown(`Not valid: ${error.message}.`), sections: [] };
  }
};

const decoded = (bytes) => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Invalid(OTHER_FILE);
  }
};

const proofOf = async (bytes, given, kept) => {
  const text = decoded(await documentIn(bytes));
  const document = parsed(text, OTHER_FILE, "the document is not in its one byte form", "\n");
  require(has(document, DOCUMENT) && document.version === 1, "the document is not of version 1");
  const note = NOTE.exec(document.checkpoint);
  require(note, "the checkpoint is not a signed note of an origin, a size and a root");
  const size = Number(note[2]);
  const root = hexOf(fromBase64(note[3], "the root"));
  const keys = document.keys.map(keyOf);
  const entries = entriesOf(document.entries, size, root);
  const sections = sectionsOf(entries, creditsOf(entries));
  const said = signersOf(note, keys);
  const [code, verdict] = verdictOn(note, keys, given, kept, retiredOf(entries)[0].position);
  const positions = entries.slice(0, 20).map((entry) => entry.position);
  if (entries.length > 20) positions.push("…");
  const proven = [
    `The log ${note[1]} had ${grouped(size)} events and the root ${root}`,
    ...said,
    `What is said above is in this log, word for word, at the positions ${positions.join(", ")}`,
  ];
  const notProven = [
    "That the words are true: a log proves what was recorded, and not what happened",
    `That nothing followed: an amendment after event ${grouped(size)}, or a fork of the log under another name`,
  ];
  if (code) {
    notProven.unshift(
      "That others see the same log: anybody can make a log, and a key for it",
      "For that, give its key or a checkpoint that you have from elsewhere",
    );
  }
  if (isPdf(bytes)) notProven.push("What the pages of the PDF show: only the proof attached to it was checked");
  sections.push(["What is proven", proven], ["What is not proven", notProven]);
  return { code, verdict, sections: sections.map(([head, lines]) => [head, lines.map(shown)]) };
};

// Returns the report as the text that verify_statement.py prints.
export const textOf = ({ verdict, sections }) =>
  [verdict, ...sections.map(([head, lines]) => [`\n${head}`, ...lines].join("\n  "))].join("\n");
