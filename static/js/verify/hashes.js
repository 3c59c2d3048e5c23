// SHA-256 and SHA-512 (FIPS 180-4). The browser's own, crypto.subtle, is absent on plain HTTP and cannot hash
// a large file in pieces, so these are always used.

const firstPrimes = (count) => {
  const primes = [];
  for (let n = 2; primes.length < count; n += 1) {
    if (primes.every((prime) => n % prime)) primes.push(n);
  }
  return primes;
};
// Returns the first 64 bits of the fractional part of the root of a prime.
const rootBits = (prime, degree) => {
  const value = BigInt(prime) << BigInt(64 * degree);
  let low = 0n;
  let high = 1n << 72n;
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** BigInt(degree) <= value) low = middle;
    else high = middle;
  }
  return BigInt.asUintN(64, low);
};
const K_512 = firstPrimes(80).map((prime) => rootBits(prime, 3));
const START_512 = firstPrimes(8).map((prime) => rootBits(prime, 2));
const upperHalf = (number) => Number(number >> 32n);
const K_256 = Int32Array.from(K_512.slice(0, 64), upperHalf);
const START_256 = Int32Array.from(START_512, upperHalf);

export class Sha256 {
  #state = START_256.slice();
  #block = new Uint8Array(64);
  #words = new Int32Array(64);
  #filled = 0;
  #length = 0;

  update(bytes) {
    this.#length += bytes.length;
    let at = 0;
    while (at < bytes.length) {
      const taken = Math.min(64 - this.#filled, bytes.length - at);
      this.#block.set(bytes.subarray(at, at + taken), this.#filled);
      this.#filled += taken;
      at += taken;
      if (this.#filled === 64) this.#compress();
    }
    return this;
  }

  digest() {
    const padding = new Uint8Array(72 - ((this.#length + 8) % 64));
    padding[0] = 0x80;
    const view = new DataView(padding.buffer);
    view.setUint32(padding.length - 8, Math.floor(this.#length / 2 ** 29));
    view.setUint32(padding.length - 4, (this.#length * 8) % 2 ** 32);
    this.update(padding);
    const result = new DataView(new ArrayBuffer(32));
    for (let word = 0; word < 8; word += 1) result.setInt32(word * 4, this.#state[word]);
    return new Uint8Array(result.buffer);
  }

  #compress() {
    const words = this.#words;
    const block = this.#block;
    for (let t = 0; t < 16; t += 1) {
      const at = t * 4;
      words[t] = (block[at] << 24) | (block[at + 1] << 16) | (block[at + 2] << 8) | block[at + 3];
    }
    for (let t = 16; t < 64; t += 1) {
      const x = words[t - 15];
      const y = words[t - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      words[t] = words[t - 16] + s0 + words[t - 7] + s1;
    }
    let [a, b, c, d, e, f, g, h] = this.#state;
    for (let t = 0; t < 64; t += 1) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const first = (h + s1 + ((e & f) ^ (~e & g)) + K_256[t] + words[t]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const second = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + first) | 0;
      d = c;
      c = b;
      b = a;
      a = (first + second) | 0;
    }
    const state = this.#state;
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
    this.#filled = 0;
  }
}

export const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), new Sha256()).digest();

// Only for the short texts of signatures.
export const sha512 = (...parts) => {
  const message = joined(...parts);
  const zeros = 127 - ((message.length + 16) % 128);
  const padded = joined(message, Uint8Array.of(0x80), new Uint8Array(zeros), bigEndian(BigInt(message.length) * 8n, 16));
  const turned = (x, by) => (x >> by) | (x << (64n - by));
  const state = START_512.slice();
  for (let at = 0; at < padded.length; at += 128) {
    const words = [];
    for (let t = 0; t < 16; t += 1) words.push(bigOf(padded.subarray(at + t * 8, at + t * 8 + 8)));
    for (let t = 16; t < 80; t += 1) {
      const [x, y] = [words[t - 15], words[t - 2]];
      const s0 = turned(x, 1n) ^ turned(x, 8n) ^ (x >> 7n);
      const s1 = turned(y, 19n) ^ turned(y, 61n) ^ (y >> 6n);
      words.push(BigInt.asUintN(64, words[t - 16] + BigInt.asUintN(64, s0) + words[t - 7] + BigInt.asUintN(64, s1)));
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let t = 0; t < 80; t += 1) {
      const s1 = BigInt.asUintN(64, turned(e, 14n) ^ turned(e, 18n) ^ turned(e, 41n));
      const first = h + s1 + ((e & f) ^ (BigInt.asUintN(64, ~e) & g)) + K_512[t] + words[t];
      const s0 = BigInt.asUintN(64, turned(a, 28n) ^ turned(a, 34n) ^ turned(a, 39n));
      const second = s0 + ((a & b) ^ (a & c) ^ (b & c));
      [h, g, f, e, d, c, b] = [g, f, e, BigInt.asUintN(64, d + first), c, b, a];
      a = BigInt.asUintN(64, first + second);
    }
    [a, b, c, d, e, f, g, h].forEach((word, place) => {
      state[place] = BigInt.asUintN(64, state[place] + word);
    });
  }
  return joined(...state.map((word) => bigEndian(word, 8)));
};

export const joined = (...parts) => {
  const result = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
};
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const BYTES = new Map(HEX.map((pair, byte) => [pair, byte]));
export const hexOf = (bytes) => Array.from(bytes, (byte) => HEX[byte]).join("");
export const fromHex = (text) => {
  const result = new Uint8Array(text.length / 2);
  for (let at = 0; at < result.length; at += 1) result[at] = BYTES.get(text.slice(at * 2, at * 2 + 2));
  return result;
};
export const bigOf = (bytes) => BigInt(`0x${hexOf(bytes) || "0"}`);
export const bigEndian = (number, length) => fromHex(number.toString(16).padStart(length * 2, "0"));
export const utf8 = (text) => new TextEncoder().encode(text);
