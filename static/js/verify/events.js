// What the events of a proof say, and whether they are those of one retirement, all of them and no others.
// Quantities are in ten-thousandths of a tonne, as BigInt.
import { FIELD, grouped, has, HASH, Invalid, parsed, require, typeOf } from "./forms.js";
import { hexOf, sha256, utf8 } from "./hashes.js";

const TONNES = /^(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{0,3}[1-9])?$/;
const TIME = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$/;
const ACTOR = /^[!-~]{1,100}$/;
const EVENT = {
  actor: "string",
  credit: "string",
  data: "object",
  prev_hash: "string",
  recorded_at: "string",
  seq: "number",
  type: "string",
  v: "number",
};
const WORDS = ["beneficiary", "reason", "occurred_on", "reference", "note", "evidence", "facts"];
// For each type of event, the keys that its data must have, and those that they may have.
const DATA = new Map([
  ["AMENDED", [["amends"], [...WORDS, "why", "act", "import"]]],
  [
    "CREATED",
    [
      ["project_name", "registry", "vintage", "quantity"],
      ["serial_number", "replaces", "parent", "offset", "facts", "import"],
    ],
  ],
  ["RETIRED", [[], [...WORDS, "act", "import"]]],
  ["SPLIT", [["quantities"], []]],
]);
const TYPES = new Map([["amends", "number"], ["facts", "object"], ["quantities", "array"], ["vintage", "number"]]);
const FORMS = new Map([
  ["offset", TONNES],
  ["parent", HASH],
  ["quantities", TONNES],
  ["quantity", TONNES],
  ["replaces", HASH],
]);

export const eventOf = (text, name) => {
  const event = parsed(text, `${name} is not JSON`, `${name} is not in its one byte form`);
  let isKnown = has(event, EVENT) && event.v === 1 && DATA.has(event.type);
  require(isKnown, `${name} does not belong into a proof of a retirement`);
  isKnown = HASH.test(event.credit) && HASH.test(event.prev_hash) && event.seq > 0;
  isKnown &&= TIME.test(event.recorded_at) && ACTOR.test(event.actor);
  require(isKnown, `a field of ${name} is not as a log has it`);
  const [needed, possible] = DATA.get(event.type);
  const { data } = event;
  isKnown = needed.every((each) => Object.hasOwn(data, each));
  isKnown &&= Object.keys(data).every((each) => needed.includes(each) || possible.includes(each));
  isKnown &&= Object.hasOwn(data, "parent") === Object.hasOwn(data, "offset");
  isKnown &&= Object.entries(data).every(([each, value]) => isDatum(each, value));
  require(isKnown, `the data of ${name} are not as a log has them`);
  return event;
};

const isDatum = (name, value) => {
  const type = TYPES.get(name) ?? "string";
  const form = FORMS.get(name);
  if (typeOf(value) !== type || type === "number") return typeOf(value) === type;
  const isFact = (each) => FIELD.test(each) && !WORDS.includes(each);
  if (type === "object" && !Object.keys(value).every(isFact)) return false;
  const texts = type === "object" ? Object.values(value) : type === "array" ? value : [value];
  return texts.every((each) => typeof each === "string" && (!form || form.test(each)));
};

const e4 = (text) => {
  const [whole, decimals = ""] = text.split(".");
  return BigInt(whole + `${decimals}0000`.slice(0, 4));
};
const tonnes = (quantity) => {
  const rest = String(quantity % 10_000n).padStart(4, "0");
  return `${grouped(quantity / 10_000n)}${`.${rest}`.replace(/\.?0+$/, "")} t`;
};
const label = (name) => name[0].toUpperCase() + name.slice(1).replaceAll("_", " ");
const sum = (quantities) => quantities.reduce((total, quantity) => total + quantity, 0n);

// The events of one credit in the document. `amended` has the amendments by the seq that they name.
class Credit {
  last = null;
  amended = new Map();
  byType = new Map();

  get data() {
    return this.byType.get("CREATED").event.data;
  }

  // Adds the next event. Throws Invalid if it cannot follow.
  add(entry) {
    const { event, position } = entry;
    const name = `event ${position}`;
    if (!this.last) {
      const isFirst = event.type === "CREATED" && event.seq === 1 && event.prev_hash === "0".repeat(64);
      require(isFirst, `the creation of the credit of ${name} is missing`);
    } else {
      const before = this.last.event;
      let isNext = before.seq < event.seq && before.recorded_at <= event.recorded_at;
      if (event.seq === before.seq + 1) isNext &&= event.prev_hash === this.last.hash;
      require(isNext, `${name} does not follow the event of its credit before it`);
    }
    if (event.type === "AMENDED") {
      const { amends } = event.data;
      this.amended.set(amends, [...(this.amended.get(amends) ?? []), entry]);
    } else {
      require(!this.byType.has(event.type), `${name} repeats an event that can happen only once`);
      this.byType.set(event.type, entry);
    }
    this.last = entry;
  }
}

export const retiredOf = (entries) => entries.filter((entry) => entry.event.type === "RETIRED");

// Returns the credits by id. Throws Invalid unless the events are those of one retirement, and no more.
export const creditsOf = (entries) => {
  const credits = new Map();
  for (const entry of entries) {
    const id = entry.event.credit;
    if (!credits.has(id)) credits.set(id, new Credit());
    credits.get(id).add(entry);
  }
  const retired = retiredOf(entries);
  require(retired.length, "the document has no retirement");
  const first = retired[0].position;
  const isOne =
    retired.length === 1 ||
    retired.every((entry, n) => entry.position === first + n && entry.event.data.act === String(first));
  require(isOne, "the retirements are not of one act");
  const parents = new Set();
  for (const entry of retired) {
    let at = entry.event.credit;
    while (Object.hasOwn(credits.get(at).data, "parent")) {
      const { parent } = credits.get(at).data;
      requireLot(at, credits.get(at), credits.get(parent));
      if (parents.has(parent)) break;
      parents.add(parent);
      at = parent;
    }
  }
  for (const [at, credit] of credits) {
    const isParent = parents.has(at);
    const isNeeded = isParent === credit.byType.has("SPLIT") && isParent !== credit.byType.has("RETIRED");
    require(isNeeded, `event ${credit.byType.get("CREATED").position} does not belong to the retirement`);
    const seq = isParent ? null : credit.byType.get("RETIRED").event.seq;
    for (const [amends, found] of credit.amended) {
      const words = amends === seq ? WORDS : amends === 1 ? ["facts"] : [];
      for (const entry of found) {
        const named = Object.keys(entry.event.data).filter(
          (name) => !["amends", "why", "act", "import"].includes(name),
        );
        const isKnown = amends < entry.event.seq && named.length && named.every((name) => words.includes(name));
        require(isKnown, `event ${entry.position} amends nothing of the retirement`);
      }
    }
  }
  return credits;
};

const requireLot = (lotId, lot, parent) => {
  const created = lot.byType.get("CREATED");
  const { data } = lot;
  const split = parent?.byType.get("SPLIT");
  if (!split) throw new Invalid(`the split that made the lot of event ${created.position} is missing`);
  const [offset, quantity] = [e4(data.offset), e4(data.quantity)];
  let start = 0n;
  let isPart = false;
  for (const part of split.event.data.quantities.map(e4)) {
    isPart ||= start === offset && part === quantity;
    start += part;
  }
  const stated = `{"offset":"${offset}","parent":"${data.parent}","quantity":"${quantity}"}`;
  isPart &&= start === e4(parent.data.quantity) && !Object.hasOwn(data, "facts");
  isPart &&= ["project_name", "registry", "vintage"].every((name) => data[name] === parent.data[name]);
  isPart &&= ["actor", "recorded_at"].every((name) => created.event[name] === split.event[name]);
  isPart &&= split.position < created.position;
  isPart &&= hexOf(sha256(utf8(`lot/v1\n${stated}`))) === lotId;
  require(isPart, `the lot of event ${created.position} is none of the split that it names`);
};

const wordsOf = (data) => {
  const words = new Map(WORDS.filter((name) => name !== "facts" && Object.hasOwn(data, name)).map((name) => [name, data[name]]));
  // Files, each a line with its SHA-256 and its name.
  if (words.has("evidence")) words.set("evidence", words.get("evidence").replaceAll("\n", "; "));
  for (const [name, text] of Object.entries(data.facts ?? {})) words.set(name, text);
  return words;
};

// Returns the words of the creation or the retirement, as amended until an entry; an empty one is none.
const wordsNow = (credit, type, until = null) => {
  const { event } = credit.byType.get(type);
  const words = wordsOf(event.data);
  for (const entry of credit.amended.get(event.seq) ?? []) {
    if (entry === until) break;
    for (const [name, text] of wordsOf(entry.event.data)) words.set(name, text);
  }
  return words;
};

const projectIdOf = (credits, credit) => {
  for (let at = credit; ; at = credits.get(at.data.parent)) {
    const facts = wordsNow(at, "CREATED");
    if (facts.has("project_id") || !Object.hasOwn(at.data, "parent")) return facts.get("project_id") ?? "";
  }
};

// Returns what was retired, and what was amended, as lines under headings.
export const sectionsOf = (entries, credits) => {
  const groups = new Map();
  const retired = retiredOf(entries);
  for (const entry of retired) {
    const credit = credits.get(entry.event.credit);
    const { data } = credit;
    const words = wordsNow(credit, "RETIRED");
    const place = [data.project_name, data.registry, projectIdOf(credits, credit)].filter(Boolean);
    const named = [...place, `vintage ${data.vintage}`].join(", ");
    const names = [...words.keys()].sort().filter((name) => words.get(name));
    const said = names.map((name) => `  ${label(name)}: ${words.get(name)}`);
    const serial = Object.hasOwn(data, "serial_number") ? `serial number ${data.serial_number}` : "no serial number";
    const quantity = e4(data.quantity);
    const lot = `  ${tonnes(quantity)}, ${serial}, event ${entry.position}`;
    const key = JSON.stringify([named, ...said]);
    if (!groups.has(key)) groups.set(key, { named, said, lots: [], quantities: [] });
    groups.get(key).lots.push(lot);
    groups.get(key).quantities.push(quantity);
  }
  const total = tonnes(sum([...groups.values()].flatMap((group) => group.quantities)));
  const actors = [...new Set(retired.map((entry) => entry.event.actor))].sort().join(", ");
  const lines = [
    `${total} in ${grouped(retired.length)} ${retired.length === 1 ? "lot" : "lots"}`,
    `Recorded at ${retired.at(-1).event.recorded_at} by ${actors}`,
  ];
  for (const { named, said, lots, quantities } of groups.values()) {
    lines.push(`${tonnes(sum(quantities))} of ${named}`, ...said, ...lots);
  }
  const amended = entries.filter((entry) => entry.event.type === "AMENDED").map((entry) => {
    const credit = credits.get(entry.event.credit);
    const { data } = entry.event;
    const what = data.amends === 1 ? "CREATED" : "RETIRED";
    const before = wordsNow(credit, what, entry);
    const words = wordsOf(data);
    const said = [...words.keys()].sort().map(
      (name) => `${label(name)}: ${words.get(name) || "nothing"} instead of ${before.get(name) || "nothing"}`,
    );
    const why = Object.hasOwn(data, "why") ? [`Why: ${data.why}`] : [];
    const position = credit.byType.get(what).position;
    return [`Event ${entry.position} amends event ${position}`, ...said, ...why].join("; ");
  });
  return [["What was retired", lines], ...(amended.length ? [["What was amended", amended]] : [])];
};
