// On /verify: the SHA-256 of a document, and which acts name it. The document itself is never sent.
import { hashOf } from "./evidence.js";
import { documentIn, FILE_BYTES_MAX } from "./verify/proof.js";

const input = document.getElementById("document-file");
const zone = document.querySelector("[data-document-zone]");
const result = document.querySelector("[data-document-result]");
const details = document.querySelector("[data-details]");

const line = (...parts) => {
  const made = document.createElement("p");
  made.append(...parts);
  return made;
};

// Returns lines about the acts of this ledger that name the file.
const lookedUp = async (digest) => {
  const answer = await fetch(`/records/evidence?sha256=${digest}`, { headers: { Accept: "application/json" } });
  if (answer.status === 401 || answer.status === 403) {
    return [line("Sign in to look it up in this ledger.")];
  }
  if (!answer.ok) return [line("The ledger could not look it up now. Try again in a moment.")];
  const { items } = await answer.json();
  if (!items.length) return [line("No act of this ledger names this file.")];
  return items.map((act) => {
    const link = document.createElement("a");
    link.href = act.url;
    link.textContent = `Act ${act.act}`;
    return line(link, ` names it as “${act.name}”, recorded ${act.recorded_at.slice(0, 10)}.`);
  });
};

// Whether the file is the proof of a statement, or a PDF that has one.
const isStatement = async (file) => {
  if (!/\.(json|pdf)$/i.test(file.name) || file.size > FILE_BYTES_MAX) return false;
  try {
    const found = await documentIn(new Uint8Array(await file.arrayBuffer()));
    return new TextDecoder().decode(found.subarray(0, 14)) === '{"checkpoint":';
  } catch {
    return false;
  }
};

const look = async (file) => {
  const digest = await hashOf(file, (share) => {
    result.textContent = `Reading ${file.name}: ${Math.floor(100 * share)} %`;
  });
  const code = document.createElement("code");
  code.className = "long-text";
  code.textContent = digest;
  const stated = details.textContent.includes(digest) ? [line("The statement checked above names this file.")] : [];
  if (await isStatement(file)) {
    stated.push(line("This file has the proof of a statement. To check it, choose it under Statement above."));
  }
  result.replaceChildren(line(`SHA-256 of ${file.name}: `, code), ...stated);
  try {
    result.append(...(await lookedUp(digest)));
  } catch {
    result.append(line("The ledger did not answer."));
  }
};

input.addEventListener("change", () => {
  if (input.files.length) look(input.files[0]);
});
for (const type of ["dragover", "dragleave", "drop"]) {
  zone.addEventListener(type, (event) => {
    event.preventDefault();
    zone.classList.toggle("is-over", type === "dragover");
    if (type !== "drop" || !event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    look(input.files[0]);
  });
}
