// Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
// onnx.mjs - writes small ONNX models and tensors: enough of protobuf for the differential test.
export const TYPES = { float32: 1, uint8: 2, int8: 3, uint16: 4, int16: 5, int32: 6, int64: 7, string: 8, bool: 9, float16: 10,
  float64: 11, uint32: 12, uint64: 13, bfloat16: 16, float8e4m3fn: 17, float8e4m3fnuz: 18, float8e5m2: 19, float8e5m2fnuz: 20,
  uint4: 21, int4: 22 };
const ARRAYS = { float32: Float32Array, float64: Float64Array, int8: Int8Array, uint8: Uint8Array, int16: Int16Array,
  uint16: Uint16Array, int32: Int32Array, uint32: Uint32Array, int64: BigInt64Array, uint64: BigUint64Array, bool: Uint8Array,
  float16: Uint16Array, bfloat16: Uint16Array, int4: Int8Array, uint4: Uint8Array, float8e4m3fn: Uint8Array, float8e4m3fnuz: Uint8Array,
  float8e5m2: Uint8Array, float8e5m2fnuz: Uint8Array };
// The peer's binding takes no inputs of these types and returns no outputs: initializers and Cast only.
export const INSIDE = ['bfloat16', 'int4', 'uint4', 'float8e4m3fn', 'float8e4m3fnuz', 'float8e5m2', 'float8e5m2fnuz'];

const float = new Float32Array(1), bits = new Uint32Array(float.buffer);
export function half(x) { // to float16 bits, halves to even
  float[0] = x;
  const b = bits[0], sign = (b >>> 16) & 0x8000, e = ((b >>> 23) & 255) - 112, m = b & 0x7fffff;
  if (e >= 143) return sign | 0x7c00 | (m ? 0x200 : 0);
  if (e >= 31) return sign | 0x7c00;
  if (e < -10) return sign;
  const full = e > 0 ? (e << 23) | m : (m | 0x800000) >>> (1 - e), cut = full & 0x1fff, h = full >>> 13;
  return sign + h + (cut > 0x1000 || (cut === 0x1000 && h & 1) ? 1 : 0);
}

export function fromHalf(h) {
  const e = (h >> 10) & 31, m = h & 1023, v = e === 31 ? (m ? NaN : Infinity) : e ? (1 + m / 1024) * 2 ** (e - 15) : m * 2 ** -24;
  return h & 0x8000 ? -v : v;
}

function toBfloat(x) { // halves to even
  float[0] = x;
  const b = bits[0];
  return x !== x ? 0x7fc0 : ((b + 0x7fff + ((b >>> 16) & 1)) >>> 16) & 0xffff;
}
function fromBfloat(h) { bits[0] = h << 16; return float[0]; }

// A float8 byte as a number. nuz: no negative zero (0x80 is NaN), the exponent's bias is one more.
function fromFloat8(type, b) {
  const mantissa = type.includes('e4m3') ? 3 : 2, nuz = type.endsWith('uz'), bias = (mantissa === 3 ? 7 : 15) + (nuz ? 1 : 0), most = mantissa === 3 ? 15 : 31;
  const e = (b & 127) >> mantissa, f = b & ((1 << mantissa) - 1), sign = b & 128 ? -1 : 1;
  if (nuz && b === 128) return NaN;
  if (type === 'float8e4m3fn' && (b & 127) === 127) return NaN;
  if (type === 'float8e5m2' && e === most) return f ? NaN : sign * Infinity;
  const unit = 2 ** -mantissa;
  return sign * (e ? (1 + f * unit) * 2 ** (e - bias) : f * unit * 2 ** (1 - bias));
}

// What the elements of a value are as plain numbers (64-bit integers stay BigInt, strings strings).
export const plainNumbers = v => (v.type === 'float16' ? Array.from(v.data, fromHalf) : v.type === 'bfloat16' ? Array.from(v.data, fromBfloat) : /^float8/.test(v.type) ? Array.from(v.data, b => fromFloat8(v.type, b)) : Array.from(v.data));

// An array of the type's own kind from plain numbers (strings stay; of float8 the numbers are the bytes themselves).
export function pack(type, numbers) {
  if (type === 'string') return numbers.map(String);
  if (type === 'float16') return Uint16Array.from(numbers, half);
  if (type === 'bfloat16') return Uint16Array.from(numbers, toBfloat);
  if (type === 'int64') return BigInt64Array.from(numbers, x => BigInt.asIntN(64, typeof x === 'bigint' ? x : BigInt(Math.trunc(x) || 0)));
  if (type === 'uint64') return BigUint64Array.from(numbers, x => BigInt.asUintN(64, typeof x === 'bigint' ? x : BigInt(Math.trunc(x) || 0)));
  return ARRAYS[type].from(numbers, Number);
}

function varint(n) {
  let v = BigInt.asUintN(64, BigInt(n));
  const out = [];
  do { out.push(Number(v & 127n) | (v > 127n ? 128 : 0)); v >>= 7n; } while (v);
  return Buffer.from(out);
}
const int = (field, n) => Buffer.concat([varint(field << 3), varint(n)]);
const bytes = (field, b) => { b = Buffer.from(b); return Buffer.concat([varint((field << 3) | 2), varint(b.length), b]); };
const real = (field, x) => { const b = Buffer.alloc(5); b[0] = (field << 3) | 5; b.writeFloatLE(x, 1); return b; };

export function tensor(t, name) {
  const parts = t.dims.map(d => int(1, d));
  parts.push(int(2, TYPES[t.type]));
  if (t.type === 'string') for (const s of t.data) parts.push(bytes(6, s));
  else if (/int4$/.test(t.type)) parts.push(bytes(9, Array.from({ length: (t.data.length + 1) >> 1 }, (_, i) => (t.data[2 * i] & 15) | ((t.data[2 * i + 1] ?? 0) & 15) << 4)));
  else parts.push(bytes(9, Buffer.from(t.data.buffer, t.data.byteOffset, t.data.byteLength)));
  if (name) parts.push(bytes(8, name));
  return Buffer.concat(parts);
}

function attribute(name, v) { // { i } { f } { s } { t } { g } { is } { fs } { ss } { tp } { sparse }
  const parts = [bytes(1, name)], kind = Object.keys(v)[0], x = v[kind];
  if (kind === 'i') parts.push(int(3, x), int(20, 2));
  if (kind === 'f') parts.push(real(2, x), int(20, 1));
  if (kind === 's') parts.push(bytes(4, x), int(20, 3));
  if (kind === 't') parts.push(bytes(5, tensor(x)), int(20, 4));
  if (kind === 'g') parts.push(bytes(6, graph(x)), int(20, 5));
  if (kind === 'tp') parts.push(bytes(14, typeProto(x)), int(20, 13));
  if (kind === 'sparse') parts.push(bytes(22, Buffer.concat([bytes(1, tensor(x.values)), bytes(2, tensor(x.indices)), ...x.dims.map(d => int(3, d))])), int(20, 11));
  if (kind === 'fs') parts.push(...x.map(y => real(7, y)), int(20, 6));
  if (kind === 'is') parts.push(...x.map(y => int(8, y)), int(20, 7));
  if (kind === 'ss') parts.push(...x.map(y => bytes(9, y)), int(20, 8));
  return Buffer.concat(parts);
}

// A type: element type, the shape with its numbers, names, or none at all; `kind`: 'sequence' or 'optional' of it.
function typeProto(v, name = '') {
  const dims = (v.dims ?? []).map((d, i) => bytes(1, v.declare === 'names' ? bytes(2, `${name}_${i}`) : int(1, d))), parts = [int(1, TYPES[v.type])];
  if (v.declare !== 'nothing' && v.dims) parts.push(bytes(2, Buffer.concat(dims)));
  const type = bytes(1, Buffer.concat(parts));
  return v.kind === 'sequence' ? bytes(4, bytes(1, type)) : v.kind === 'optional' ? bytes(9, bytes(1, type)) : type;
}

const valueInfo = (name, v) => (v?.type ? Buffer.concat([bytes(1, name), bytes(2, typeProto(v, name))]) : bytes(1, name));

// g: { nodes: [{ op, domain, inputs, outputs, attrs }], values: { name: { type, dims, data, constant, declare } }, outputs: [name],
// types (or `declared`): { output: { type, dims, kind } } }. Values that are not constant are the graph's inputs, in that order; those of a subgraph
// have no data, and no type where the outer node says it.
function graph(g) {
  const out = [];
  for (const n of g.nodes) {
    const parts = [...n.inputs.map(x => bytes(1, x)), ...n.outputs.map(x => bytes(2, x)), bytes(3, `n_${n.outputs.find(x => x)}`), bytes(4, n.op)];
    for (const [name, v] of Object.entries(n.attrs)) parts.push(bytes(5, attribute(name, v)));
    if (n.domain) parts.push(bytes(7, n.domain));
    out.push(bytes(1, Buffer.concat(parts)));
  }
  out.push(bytes(2, g.name ?? 'g'));
  for (const [name, v] of Object.entries(g.values)) out.push(v.constant ? bytes(5, tensor(v, name)) : bytes(11, valueInfo(name, v)));
  for (const name of g.outputs) out.push(bytes(12, valueInfo(name, g.types?.[name] ?? g.declared?.[name])));
  return Buffer.concat(out);
}

// c: a graph with { opset, domains: { domain: version } }
export function model(c) {
  const opsets = Object.entries({ '': c.opset, 'ai.onnx.ml': 3, 'com.microsoft': 1, ...c.domains }).map(([d, v]) => bytes(8, Buffer.concat([bytes(1, d), int(2, v)])));
  return Buffer.concat([int(1, c.opset >= 21 ? 10 : 9), bytes(7, graph(c)), ...opsets]);
}
