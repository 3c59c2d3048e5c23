// Ed25519 (RFC 8032) with one encoding of each value, without keys of small order and without cofactor.
// It checks signatures and never makes one, so its time may depend on the values.
import { bigEndian, bigOf, sha512 } from "./hashes.js";

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const mod = (number) => {
  const rest = number % P;
  return rest < 0n ? rest + P : rest;
};
const power = (base, exponent) => {
  let result = 1n;
  let square = mod(base);
  for (let rest = exponent; rest; rest >>= 1n) {
    if (rest & 1n) result = mod(result * square);
    square = mod(square * square);
  }
  return result;
};
const D = mod(-121665n * power(121666n, P - 2n));
const X = 15112221349535400772501151409588531511454012693041857206046113283949847762202n;
const Y = 46316835694926478169428394003475163141307993866256225615783033603165251855960n;
// Points are [X, Y, Z, T] with x = X/Z, y = Y/Z and xy = T/Z.
const BASE = [X, Y, 1n, mod(X * Y)];
const NEUTRAL = [0n, 1n, 1n, 0n];

const added = (p, q) => {
  const [a, b] = [mod((p[1] - p[0]) * (q[1] - q[0])), mod((p[1] + p[0]) * (q[1] + q[0]))];
  const [c, d] = [mod(mod(2n * p[3] * q[3]) * D), mod(2n * p[2] * q[2])];
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
};
const littleEndian = (bytes) => bigOf(bytes.slice().reverse());
const decodedPoint = (bytes) => {
  const number = littleEndian(bytes);
  const [y, sign] = [number & (2n ** 255n - 1n), number >> 255n];
  const [u, v] = [mod(y * y - 1n), mod(D * y * y + 1n)];
  let x = mod(u * v ** 3n * power(u * v ** 7n, (P - 5n) / 8n));
  if (mod(v * x * x) !== u) x = mod(x * power(2n, (P - 1n) / 4n));
  if (y >= P || mod(v * x * x) !== u || (x === 0n && sign)) return null;
  if (x % 2n !== sign) x = P - x;
  return [x, y, 1n, mod(x * y)];
};
const encodedPoint = (p) => {
  const inverse = power(p[2], P - 2n);
  const number = mod(p[1] * inverse) | (mod(p[0] * inverse) % 2n << 255n);
  return bigEndian(number, 32).reverse();
};
const areEqual = (one, other) => one.length === other.length && one.every((byte, place) => byte === other[place]);

export const isSignature = (publicKey, message, signature) => {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  const [key, s] = [decodedPoint(publicKey), littleEndian(signature.subarray(32))];
  if (key === null || s >= L) return false;
  const twice = added(key, key);
  const four = added(twice, twice);
  if (areEqual(encodedPoint(added(four, four)), encodedPoint(NEUTRAL))) return false;
  const h = littleEndian(sha512(signature.subarray(0, 32), publicKey, message)) % L;
  const minus = [P - key[0], key[1], 1n, P - key[3]];
  const sums = [NEUTRAL, BASE, minus, added(BASE, minus)];
  let point = NEUTRAL;
  for (let bit = 252n; bit >= 0n; bit -= 1n) {
    point = added(added(point, point), sums[Number(((s >> bit) & 1n) + 2n * ((h >> bit) & 1n))]);
  }
  return areEqual(encodedPoint(point), signature.subarray(0, 32));
};
