// The form on /verify, and in the file that can be downloaded there. Nothing is sent: the file is read and
// checked here.
import { Invalid, keptNote, keyOf, require } from "./forms.js";
import { examine, FILE_BYTES_MAX, NOTHING_ATTACHED, OTHER_FILE } from "./proof.js";

const TONES = ["success", "danger", "danger", "warning"];
const form = document.querySelector("[data-verifier]");
const zone = form.querySelector("[data-zone]");
const [input, keys, checkpoint] = ["file", "keys", "checkpoint"].map((name) =>
  document.getElementById(`verifier-${name}`),
);
const verdict = document.querySelector("[data-verdict]");
const details = document.querySelector("[data-details]");

const element = (name, className, ...children) => {
  const made = document.createElement(name);
  made.className = className;
  made.append(...children);
  return made;
};

// Keys and hashes, which are read letter by letter.
const LETTERS = /([0-9a-f]{64}|\S+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+={0,2})/;
const marked = (line) => line.split(LETTERS).map((part, place) => (place % 2 ? element("code", "", part) : part));

// What else can be done with a file that has no proof, on the page that looks up documents.
const hintFor = ({ verdict }) => {
  const isOther = [OTHER_FILE, NOTHING_ATTACHED].some((reason) => verdict.includes(reason));
  const canLookUp = isOther && document.getElementById("document-file");
  return canLookUp ? [element("div", "", "To find the acts that name this file, choose it under Document below.")] : [];
};

const show = (report, name) => {
  const title = element("strong", "notice-title", ...marked(report.verdict));
  const text = element("div", "notice-text", title, name, ...hintFor(report));
  verdict.replaceChildren(element("div", `notice notice-${TONES[report.code]}`, text));
  details.replaceChildren(
    ...report.sections.flatMap(([head, lines]) => [
      element("h2", "", head),
      element("ul", "", ...lines.map((line) => element("li", line.startsWith("  ") ? "is-inner" : "", ...marked(line.trim())))),
    ]),
  );
  details.hidden = !report.sections.length;
};

// Returns what the person gave beside the file. Throws Invalid.
const given = () => {
  const lines = keys.value.split("\n").map((line) => line.trim());
  const kept = checkpoint.value.trim();
  return [lines.filter(Boolean).map(keyOf), kept ? [keptNote(kept)] : []];
};

const reportOn = async (file) => {
  let beside;
  try {
    beside = given();
    require(file.size <= FILE_BYTES_MAX, "the file is larger than 100 MB");
  } catch (error) {
    if (!(error instanceof Invalid)) throw error;
    return { code: beside ? 1 : 2, verdict: `Not checked: ${error.message}.`, sections: [] };
  }
  try {
    return await examine(new Uint8Array(await file.arrayBuffer()), ...beside);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    return { code: 2, verdict: "Not checked: the browser cannot read the file.", sections: [] };
  }
};

let latest = 0;
const check = async () => {
  const [file] = input.files;
  latest += 1;
  const own = latest;
  if (!file) {
    show({ code: 2, verdict: "Not checked: choose a file first.", sections: [] }, "");
    return;
  }
  verdict.replaceChildren("Checking …");
  details.hidden = true;
  await new Promise((resolve) => setTimeout(resolve));
  const report = await reportOn(file);
  if (own === latest) show(report, file.name); // another file may have been chosen meanwhile
};

form.addEventListener("submit", (event) => {
  event.preventDefault();
  check();
});
input.addEventListener("change", check);
// A verdict is about the key and the checkpoint that are shown.
for (const beside of [keys, checkpoint]) {
  beside.addEventListener("change", () => {
    if (input.files.length) check();
  });
}
for (const type of ["dragover", "dragleave", "drop"]) {
  zone.addEventListener(type, (event) => {
    event.preventDefault();
    zone.classList.toggle("is-over", type === "dragover");
    if (type !== "drop" || !event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    check();
  });
}
