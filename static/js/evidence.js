// Files that an act names as evidence: the browser reads and hashes them, and only hashes and names are sent.
import { hexOf, Sha256 } from "./verify/hashes.js";

const PART_BYTES = 4 * 1024 * 1024;

// Returns the SHA-256 of a file in hex. It is read in parts, so that a large one does not fill the memory.
export const hashOf = async (file, progress) => {
  const hash = new Sha256();
  for (let start = 0; start < file.size; start += PART_BYTES) {
    hash.update(new Uint8Array(await file.slice(start, start + PART_BYTES).arrayBuffer()));
    progress?.(Math.min(1, (start + PART_BYTES) / file.size));
  }
  return hexOf(hash.digest());
};

document.addEventListener("change", async (event) => {
  const input = event.target;
  if (!(input instanceof HTMLInputElement) || !input.dataset.evidence) return;
  const lines = document.getElementById(input.dataset.evidence);
  const status = input.closest("details").querySelector("[data-evidence-status]");
  for (const file of input.files) {
    const digest = await hashOf(file, (share) => {
      status.textContent = `Reading ${file.name}: ${Math.floor(100 * share)} %`;
    });
    const line = `${digest} ${file.name}`;
    if (!lines.value.includes(digest)) lines.value = `${lines.value.trimEnd()}\n${line}`.trimStart();
  }
  status.textContent = "Files are read here and not sent.";
  input.value = "";
});
