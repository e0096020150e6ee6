// Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
// cases.mjs - makes random cases: how the inputs of each operator fit together. What an operator is (types, attributes,
// ports) comes from `tenon ops --json`; here is only what that does not say.
import { FLOW_HINTS } from './cases_flow.mjs';
import { ML_HINTS } from './cases_ml.mjs';
import { MICROSOFT_HINTS } from './cases_microsoft.mjs';
import { MORE_HINTS } from './cases_more.mjs';
import { oldHints } from './cases_old.mjs';
import { INSIDE, pack } from './onnx.mjs';

export const MAX_OPSET = 26;
const COMMON = ['float32', 'float32', 'float32', 'float32', 'float64', 'float16', 'int32', 'int64', 'int8', 'uint8', 'int16', 'uint16',
  'uint32', 'uint64', 'bool', 'string'];
const isFloat = t => t.startsWith('float'), isInt = t => /^u?int/.test(t);

function generator(seed) { // mulberry32
  let s = seed >>> 0;
  return () => { s = (s + 0x6d2b79f5) >>> 0; let t = Math.imul(s ^ (s >>> 15), s | 1); t ^= t + Math.imul(t ^ (t >>> 7), t | 61); return ((t ^ (t >>> 14)) >>> 0) / 4294967296; };
}

export class Maker {
  constructor(seed, index, ops) {
    this.random = generator(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));
    for (let i = 0; i < 4; i++) this.random();
    this.ops = ops;
    this.c = { opset: this.int(13, MAX_OPSET), nodes: [], values: {}, outputs: [] };
    this.count = 0;
    this.inner = false; // in a subgraph: all data are initializers
    this.wild = this.chance(0.04); // NaN, infinities and extremes among the values
    this.scale = this.pick([1, 1, 1, 4, 30, 1000]);
  }
  int(a, b) { return a + Math.floor(this.random() * (b - a + 1)); }
  pick(list) { return list[Math.floor(this.random() * list.length)]; }
  chance(p) { return this.random() < p; }
  name(what) { return `${what}${this.count++}`; }

  size() { return this.chance(0.03) ? 0 : this.chance(0.2) ? 1 : this.chance(0.04) ? this.pick([16, 17, 31, 33, 64]) : this.int(1, 7); }
  dims(rank = this.pick([0, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 5, 6])) {
    const d = Array.from({ length: rank }, () => this.size());
    while (d.reduce((a, b) => a * Math.max(b, 1), 1) > 4096) d[this.int(0, rank - 1)] = this.int(1, 3);
    return d;
  }
  positive(rank) { return this.dims(rank).map(d => Math.max(d, 1)); }
  axis(rank) { return this.chance(0.03) ? this.pick([rank, -rank - 1, rank + 5]) : rank ? this.int(-rank, rank - 1) : this.pick([0, -1]); }
  axes(rank) { // distinct, some negative
    const all = Array.from({ length: rank }, (_, i) => i).filter(() => this.chance(0.5)), out = all.map(a => (this.chance(0.4) ? a - rank : a));
    if (this.chance(0.3)) out.reverse();
    if (this.chance(0.02)) out.push(rank);
    if (this.chance(0.02) && out.length) out.push(out[0]);
    return out;
  }
  // One of the element types that input `port` of the operator allows.
  type(op, port = 0, allowed = () => true) {
    const ports = this.ops[op].inputs, types = ports[Math.min(port, ports.length - 1)].types, fit = COMMON.filter(t => types.includes(t) && allowed(t));
    return fit.length ? this.pick(fit) : 'float32';
  }
  number(type) {
    const r = this.random();
    if (type === 'bool') return r < 0.5 ? 0 : 1;
    if (/^float8/.test(type)) return this.int(0, 255); // the byte itself
    if (type === 'bfloat16') return this.number('float32');
    if (/int4$/.test(type)) return type[0] === 'u' ? this.int(0, 15) : this.int(-8, 7);
    if (type === 'string') return this.pick(['', 'a', 'b', 'Ab', 'abc', 'été', '漢字', ' x ', '1', '-2.5']);
    if (isFloat(type)) {
      if (this.wild && r < 0.15) return this.pick([NaN, Infinity, -Infinity, -0, 1e30, -1e30, 1e-40, 65504]);
      return this.pick([1, 1, 1, 0.1]) * (this.random() * 2 - 1) * this.scale;
    }
    if (this.wild && r < 0.15) {
      const bits = +type.match(/\d+/)[0], signed = type[0] === 'i';
      return this.pick(signed ? [-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n, 0n] : [0n, 2n ** BigInt(bits) - 1n]);
    }
    const most = Math.min(this.scale * 10, 100);
    return type[0] === 'u' ? this.int(0, most) : this.int(-most, most);
  }
  value(type, dims, numbers, constant = this.chance(0.35)) {
    const name = this.name('v');
    this.c.values[name] = { type, dims, data: pack(type, numbers), constant: constant || this.inner || INSIDE.includes(type), declare: this.pick(['numbers', 'numbers', 'names', 'nothing']) };
    return name;
  }
  input(type, dims, options = {}) {
    const n = dims.reduce((a, b) => a * b, 1), make = options.number ?? (() => this.number(type));
    return this.value(type, dims, Array.from({ length: n }, make), options.constant);
  }
  ints(list, options = {}) { // an index-like input, mostly constant
    const type = options.type ?? 'int64';
    return this.value(type, options.dims ?? [list.length], list, options.constant ?? this.chance(0.7));
  }
  node(op, inputs, attrs = {}, outputs = 1, domain = this.ops[op]?.domain ?? '') {
    while (inputs.length && inputs.at(-1) === '') inputs.pop();
    const out = Array.from({ length: outputs }, () => this.name('y'));
    if (domain && op.startsWith(`${domain}.`)) op = op.slice(domain.length + 1);
    this.c.nodes.push({ op, domain, inputs, outputs: out, attrs });
    return out;
  }
  give(names) { this.c.outputs.push(...names); }
  need(opset) { this.c.opset = Math.max(this.c.opset, opset); }
  // A shape that broadcasts with d.
  other(d) {
    if (this.chance(0.3)) return [...d];
    const cut = this.int(0, d.length), out = d.slice(cut).map(x => (this.chance(0.3) ? 1 : x));
    return this.chance(0.03) ? out.map(x => x + 1) : out;
  }
  maybe(p, attrs) { return this.chance(p) ? attrs : {}; }
}

/* ------------------------------------------------------------------------------------------------------ operators */

const one = (m, op, type, dims, attrs) => m.give(m.node(op, [m.input(type, dims)], attrs));

function unary(m, op) {
  const attrs = {};
  for (const a of m.ops[op].attributes) {
    if (a.kind === 'float' && m.chance(0.6)) attrs[a.name] = { f: m.pick([0, 0.5, 1, -0.3, 2.5, 0.01]) };
    if (a.words && m.chance(0.6)) attrs[a.name] = { s: m.pick(a.words) };
    if (a.kind === 'int' && m.chance(0.6)) attrs[a.name] = { i: m.pick([0, 1]) };
  }
  m.need(m.ops[op].versions[0]);
  one(m, op, m.type(op), m.dims(), attrs);
}

function binary(m, op) {
  const type = m.type(op), d = m.dims(), e = m.other(d), flip = m.chance(0.5), divisor = /^(Div|Mod)$/.test(op) && isInt(type);
  const attrs = op === 'BitShift' ? { direction: { s: m.pick(['LEFT', 'RIGHT']) } } : op === 'Mod' && (isFloat(type) || m.chance(0.3)) ? { fmod: { i: 1 } } : {};
  const number = () => (divisor ? m.pick(type[0] === 'u' ? [1, 2, 3, 7] : [1, 2, 3, 7, -2, -5]) : op === 'BitShift' ? m.int(0, 7) : m.number(type));
  m.need(m.ops[op].versions[0]);
  m.give(m.node(op, [m.input(type, flip ? e : d), m.input(type, flip ? d : e, { number })], attrs));
}

function pow(m) {
  const type = m.type('Pow'), d = m.dims(), e = m.other(d), t2 = m.chance(0.6) ? type : m.type('Pow', 1);
  m.give(m.node('Pow', [m.input(type, d), m.input(t2, e, { number: () => (isFloat(t2) ? m.pick([2, 0.5, -1, 3, 0, 1.5]) : m.int(0, 3)) })]));
}

function variadic(m, op) {
  const type = m.type(op), d = m.dims();
  m.give(m.node(op, Array.from({ length: m.int(1, 4) }, (_, i) => m.input(type, i ? m.other(d) : d))));
}

function where(m) {
  const type = m.type('Where', 1), d = m.dims();
  m.give(m.node('Where', [m.input('bool', m.other(d)), m.input(type, d), m.input(type, m.other(d))]));
}

function clip(m) {
  const type = m.type('Clip'), lo = m.chance(0.7), hi = m.chance(0.7);
  m.give(m.node('Clip', [m.input(type, m.dims()), lo ? m.input(type, []) : '', hi ? m.input(type, []) : '']));
}

function reduce(m, op) {
  const type = m.type(op, 0, t => t !== 'bool'), d = m.dims(), axes = m.axes(d.length), input = m.c.opset >= (op === 'ReduceSum' ? 13 : 18);
  const attrs = { ...m.maybe(0.7, { keepdims: { i: m.int(0, 1) } }) }, ins = [m.input(type, d)];
  if (input) {
    if (m.chance(0.8)) ins.push(m.ints(axes));
    Object.assign(attrs, m.maybe(0.3, { noop_with_empty_axes: { i: m.int(0, 1) } }));
  } else if (m.chance(0.8) && axes.length) attrs.axes = { is: axes };
  m.give(m.node(op, ins, attrs));
}

function arg(m, op) {
  const d = m.dims();
  one(m, op, m.type(op), d, { ...m.maybe(0.8, { axis: { i: m.axis(d.length) } }), ...m.maybe(0.6, { keepdims: { i: m.int(0, 1) } }), ...m.maybe(0.4, { select_last_index: { i: m.int(0, 1) } }) });
}

function along(m, op) {
  const d = m.dims();
  one(m, op, m.type(op), d, m.maybe(0.8, { axis: { i: m.axis(d.length) } }));
}

function cumulate(m) {
  const d = m.dims(m.int(1, 5)), t = m.pick(['int32', 'int64']);
  m.give(m.node('CumSum', [m.input(m.type('CumSum'), d), m.value(t, [], [m.axis(d.length)])], { ...m.maybe(0.5, { exclusive: { i: m.int(0, 1) } }), ...m.maybe(0.5, { reverse: { i: m.int(0, 1) } }) }));
}

function topk(m) {
  const d = m.dims(m.int(1, 4)), axis = m.axis(d.length), n = d.at(axis) ?? 1, type = m.type('TopK');
  const distinct = d.reduce((a, b) => a * b, 1) < 200 && !m.wild, seen = new Set();
  const number = () => { for (;;) { const x = distinct ? m.int(0, type.includes('8') ? 200 : 4000) % (/^int8/.test(type) ? 128 : 1e9) : m.number(type); if (!distinct || !seen.has(x) || seen.size > 100) { seen.add(x); return x; } } };
  m.give(m.node('TopK', [m.input(type, d, { number }), m.ints([m.chance(0.05) ? n + 1 : m.int(0, n)])], { axis: { i: axis }, ...m.maybe(0.5, { largest: { i: m.int(0, 1) } }) }, 2));
}

function transpose(m) {
  const d = m.dims(), p = d.map((_, i) => i);
  for (let i = p.length - 1; i > 0; i--) { const j = m.int(0, i); [p[i], p[j]] = [p[j], p[i]]; }
  one(m, 'Transpose', m.type('Transpose'), d, m.maybe(0.85, { perm: { is: p } }));
}

function concat(m) {
  const d = m.dims(m.int(1, 5)), axis = m.axis(d.length), type = m.type('Concat'), at = axis < 0 ? axis + d.length : axis;
  m.give(m.node('Concat', Array.from({ length: m.int(1, 4) }, () => m.input(type, d.map((x, i) => (i === at ? m.int(0, 4) : x)))), { axis: { i: axis } }));
}

function split(m) {
  const d = m.dims(m.int(1, 5)), axis = m.axis(d.length), n = d.at(axis) ?? 1, parts = m.int(1, Math.max(1, Math.min(n, 4))), ins = [m.input(m.type('Split'), d)], attrs = { axis: { i: axis } };
  if (m.chance(0.5)) {
    let left = n;
    const sizes = Array.from({ length: parts }, (_, i) => { const s = i === parts - 1 ? left : m.int(0, left); left -= s; return s; });
    ins.push(m.ints(sizes));
  } else if (m.c.opset >= 18) attrs.num_outputs = { i: parts };
  m.give(m.node('Split', ins, attrs, parts));
}

function slice(m) {
  const d = m.dims(m.int(1, 5)), type = m.pick(['int64', 'int32']), axes = d.map((_, i) => i).filter(() => m.chance(0.6));
  const extreme = type === 'int64' ? [9223372036854775807n, -9223372036854775808n] : [2147483647, -2147483648];
  const bound = a => (m.chance(0.1) ? m.pick(extreme) : m.int(-d[a] - 2, d[a] + 2)), ins = [m.input(m.type('Slice'), d), m.ints(axes.map(bound), { type }), m.ints(axes.map(bound), { type })];
  const steps = axes.map(() => m.pick([1, 1, 2, 3, -1, -2, 100]));
  const all = axes.length === d.length && axes.every((a, i) => a === i);
  if (!all || m.chance(0.5)) ins.push(m.ints(axes.map(a => (m.chance(0.4) ? a - d.length : a)), { type }));
  if (m.chance(0.6)) { if (ins.length === 3) ins.push(''); ins.push(m.ints(steps, { type })); }
  m.give(m.node('Slice', ins));
}

const index = (m, n) => (m.chance(0.01) ? n : n ? m.int(-n, n - 1) : 0);

function gather(m) {
  const d = m.positive(m.int(1, 4)), axis = m.axis(d.length), n = d.at(axis) ?? 1, t = m.pick(['int32', 'int64']);
  m.give(m.node('Gather', [m.input(m.type('Gather'), d), m.input(t, m.dims(m.int(0, 3)), { number: () => index(m, n) })], { axis: { i: axis } }));
}

function gatherElements(m) {
  const d = m.positive(m.int(1, 4)), axis = m.axis(d.length), n = d.at(axis) ?? 1, at = axis < 0 ? axis + d.length : axis, t = m.pick(['int32', 'int64']);
  m.give(m.node('GatherElements', [m.input(m.type('GatherElements'), d), m.input(t, d.map((x, i) => (i === at ? m.int(0, 5) : m.int(1, x))), { number: () => index(m, n) })], { axis: { i: axis } }));
}

function gatherNd(m) {
  const d = m.positive(m.int(1, 5)), batch = m.int(0, Math.min(2, d.length - 1)), depth = m.int(1, d.length - batch), outer = m.dims(m.int(0, 2));
  const shape = [...d.slice(0, batch), ...outer, depth], n = shape.reduce((a, b) => a * b, 1);
  m.give(m.node('GatherND', [m.input(m.type('GatherND'), d), m.ints(Array.from({ length: n }, (_, i) => index(m, d[batch + (i % depth)])), { dims: shape })], { batch_dims: { i: batch } }));
}

const reduction = m => m.maybe(0.5, { reduction: { s: m.pick(m.c.opset >= 18 ? ['none', 'add', 'mul', 'min', 'max'] : m.c.opset >= 16 ? ['none', 'add', 'mul'] : ['none']) } });

function scatterElements(m) {
  const d = m.positive(m.int(1, 4)), axis = m.axis(d.length), n = d.at(axis) ?? 1, at = axis < 0 ? axis + d.length : axis, type = m.type('ScatterElements'), attrs = { axis: { i: axis }, ...(m.c.opset >= 16 ? reduction(m) : {}) };
  const e = d.map((x, i) => (i === at ? m.int(0, n) : m.int(1, x))), line = e[at] ?? 1, inner = e.slice(at + 1).reduce((a, b) => a * b, 1);
  const orders = new Map(), total = e.reduce((a, b) => a * b, 1); // no index twice: what wins is not specified
  const list = Array.from({ length: total }, (_, i) => {
    const key = `${Math.floor(i / (inner * line))},${i % inner}`;
    if (!orders.has(key)) { const p = Array.from({ length: n }, (_, k) => k); for (let k = n - 1; k > 0; k--) { const j = m.int(0, k); [p[k], p[j]] = [p[j], p[k]]; } orders.set(key, p); }
    const v = orders.get(key)[Math.floor(i / inner) % line] ?? 0;
    return m.chance(0.3) ? v - n : v;
  });
  m.give(m.node('ScatterElements', [m.input(type, d), m.ints(list, { dims: e, type: m.pick(['int32', 'int64']) }), m.input(type, e)], attrs));
}

function scatterNd(m) {
  const d = m.positive(m.int(1, 4)), depth = m.int(1, d.length), type = m.type('ScatterND'), space = d.slice(0, depth).reduce((a, b) => a * b, 1), n = m.int(0, Math.min(space, 6)), used = new Set();
  const list = [];
  while (used.size < n) { const k = m.int(0, space - 1); if (used.has(k)) continue; used.add(k); let r = k; const at = []; for (let i = depth - 1; i >= 0; i--) { at.unshift(r % d[i] - (m.chance(0.3) ? d[i] : 0)); r = Math.floor(r / d[i]); } list.push(...at); }
  m.give(m.node('ScatterND', [m.input(type, d), m.ints(list, { dims: [n, depth] }), m.input(type, [n, ...d.slice(depth)])], m.c.opset >= 16 ? reduction(m) : {}));
}

function pad(m) {
  const d = m.dims(m.int(1, 4)), mode = m.pick(['constant', 'constant', 'reflect', 'edge', ...(m.c.opset >= 19 ? ['wrap'] : [])]), type = m.type('Pad'), axes = m.c.opset >= 18 && m.chance(0.3) ? d.map((_, i) => i).filter(() => m.chance(0.6)) : null;
  const list = axes ?? d.map((_, i) => i), one = i => (mode === 'reflect' ? m.int(0, Math.max(0, d[i] - 1)) : m.int(m.chance(0.2) ? -1 : 0, 3)), pads = [...list.map(one), ...list.map(one)];
  const ins = [m.input(type, d), m.ints(pads), mode === 'constant' && m.chance(0.6) ? m.input(type, []) : ''];
  if (axes) ins.push(m.ints(axes.map(a => (m.chance(0.4) ? a - d.length : a))));
  m.give(m.node('Pad', ins, m.maybe(mode === 'constant' ? 0.5 : 1, { mode: { s: mode } })));
}

function resize(m) {
  const rank = m.pick([2, 3, 4, 4, 4]), d = m.positive(rank).map(x => Math.min(x, 9)), spatial = rank === 4 ? [2, 3] : m.pick([[rank - 1], [rank - 2, rank - 1]]);
  const mode = m.pick(['nearest', 'linear', 'cubic']), attrs = { ...m.maybe(0.9, { mode: { s: mode } }) }, type = m.type('Resize', 0, t => t !== 'string' && t !== 'bool');
  if (m.chance(0.8)) attrs.coordinate_transformation_mode = { s: m.pick(['half_pixel', 'align_corners', 'asymmetric', 'pytorch_half_pixel', ...(m.c.opset >= 19 ? ['half_pixel_symmetric'] : m.c.opset < 13 ? ['tf_half_pixel_for_nn'] : [])]) };
  if (mode === 'nearest') Object.assign(attrs, m.maybe(0.8, { nearest_mode: { s: m.pick(['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil']) } }));
  if (mode === 'cubic') Object.assign(attrs, m.maybe(0.4, { cubic_coeff_a: { f: m.pick([-0.5, -0.75]) } }), m.maybe(0.3, { exclude_outside: { i: 1 } }));
  if (m.c.opset >= 18 && mode !== 'nearest') Object.assign(attrs, m.maybe(0.3, { antialias: { i: 1 } }));
  const axes = m.c.opset >= 18 && m.chance(0.3), over = axes ? spatial : d.map((_, i) => i), ins = [m.input(type, d), ''];
  if (axes) attrs.axes = { is: spatial.map(a => (m.chance(0.3) ? a - rank : a)) };
  if (m.chance(0.5)) ins.push(m.value('float32', [over.length], over.map(i => (spatial.includes(i) ? m.pick([0.5, 1, 2, 1.5, 0.6, 3, 2.3]) : 1)), true));
  else {
    ins.push('', m.ints(over.map(i => (spatial.includes(i) ? m.int(1, 12) : d[i]))));
    if (m.c.opset >= 18 && axes) Object.assign(attrs, m.maybe(0.4, { keep_aspect_ratio_policy: { s: m.pick(['stretch', 'not_larger', 'not_smaller']) } }));
  }
  m.give(m.node('Resize', ins, attrs));
}

function reshape(m) {
  const d = m.dims(), n = d.reduce((a, b) => a * b, 1), shape = [];
  let left = n;
  for (let i = m.int(0, 4); i > 0 && left > 0; i--) { const f = m.pick([1, 2, 3, 4, 5, 7].filter(x => left % x === 0)); shape.push(f); left /= f; }
  if (left !== 1 || m.chance(0.3)) shape.splice(m.int(0, shape.length), 0, left);
  const attrs = {};
  if (m.chance(0.3) && shape.length) shape[m.int(0, shape.length - 1)] = -1;
  else if (m.chance(0.2)) d.forEach((x, i) => { if (shape[i] === x && m.chance(0.5)) shape[i] = 0; });
  if (m.c.opset >= 14 && m.chance(0.2)) attrs.allowzero = { i: 1 };
  m.give(m.node('Reshape', [m.input(m.type('Reshape'), d), m.ints(shape)], attrs));
}

function squeeze(m) {
  const d = m.dims(m.int(1, 5)).map(x => (m.chance(0.4) ? 1 : x)), axes = d.map((_, i) => i).filter(i => d[i] === 1 && m.chance(0.7)).map(i => (m.chance(0.4) ? i - d.length : i));
  m.give(m.node('Squeeze', [m.input(m.type('Squeeze'), d), m.chance(0.75) ? m.ints(axes) : '']));
}

function unsqueeze(m) {
  const d = m.dims(m.int(0, 4)), n = m.int(0, 3), rank = d.length + n, axes = [];
  while (axes.length < n) { const a = m.int(0, rank - 1); if (!axes.includes(a)) axes.push(a); }
  if (m.chance(0.03)) axes.push(rank + 2);
  m.give(m.node('Unsqueeze', [m.input(m.type('Unsqueeze'), d), m.ints(axes.map(a => (m.chance(0.4) ? a - rank : a)))]));
}

function expand(m) {
  const d = m.dims(m.int(0, 4)).map(x => (m.chance(0.4) ? 1 : x)), shape = d.map(x => (x === 1 ? m.int(1, 4) : m.chance(0.3) ? 1 : x));
  m.give(m.node('Expand', [m.input(m.type('Expand'), d), m.ints([...m.dims(m.int(0, 2)), ...shape].slice(m.chance(0.2) ? 1 : 0))]));
}

function tile(m) {
  const d = m.dims(m.int(0, 4));
  m.give(m.node('Tile', [m.input(m.type('Tile'), d), m.ints(d.map(() => m.pick([0, 1, 1, 2, 3])))]));
}

function shape(m) { const d = m.dims(); one(m, 'Shape', m.type('Shape'), d, m.c.opset >= 15 ? { ...m.maybe(0.5, { start: { i: m.int(-7, 7) } }), ...m.maybe(0.5, { end: { i: m.int(-7, 7) } }) } : {}); }

function range(m) {
  const type = m.type('Range'), step = m.pick([1, 2, -1, -3, ...(isFloat(type) ? [0.5, -0.3] : [])]);
  m.give(m.node('Range', [m.int(-5, 5), m.int(-20, 20), step].map((x, i) => m.value(type, [], [type[0] === 'u' ? (i === 0 ? 1 : Math.abs(x)) : x]))));
}

function oneHot(m) {
  const d = m.dims(m.int(0, 3)), depth = m.int(1, 5), ti = m.pick(['int64', 'int32', 'float32', 'uint8']), tv = m.pick(['float32', 'int64', 'int32', 'string', 'bool']);
  m.give(m.node('OneHot', [m.input(ti, d, { number: () => (ti[0] === 'u' ? m.int(0, depth) : m.int(-depth - 1, depth)) }), m.value(m.pick(['int64', 'float32']), m.pick([[], [1]]), [depth]), m.input(tv, [2])], m.maybe(0.7, { axis: { i: m.int(-d.length - 1, d.length) } })));
}

function unique(m) {
  const d = m.positive(m.int(1, 3)), type = m.type('Unique');
  m.give(m.node('Unique', [m.input(type, d, { number: () => (type === 'string' ? m.pick(['a', 'b', 'c']) : m.int(0, 3)) })], { ...m.maybe(0.6, { axis: { i: m.axis(d.length) } }), ...m.maybe(0.6, { sorted: { i: m.int(0, 1) } }) }, 4));
}

function compress(m) {
  const d = m.dims(m.int(1, 4)), axis = m.chance(0.6) ? m.axis(d.length) : null, n = axis === null ? d.reduce((a, b) => a * b, 1) : d.at(axis) ?? 1;
  m.give(m.node('Compress', [m.input(m.type('Compress'), d), m.input('bool', [m.int(0, n)])], axis === null ? {} : { axis: { i: axis } }));
}

function trilu(m) {
  const d = m.dims(m.int(2, 4));
  m.give(m.node('Trilu', [m.input(m.type('Trilu'), d), m.chance(0.6) ? m.value('int64', [], [m.pick([0, 1, -1, 3, -9, 100])]) : ''], m.maybe(0.6, { upper: { i: m.int(0, 1) } })));
}

function spaceDepth(m, op) {
  const b = m.int(1, 3), d = [m.int(1, 3), m.int(1, 3), m.int(1, 3), m.int(1, 3)];
  if (op === 'DepthToSpace') d[1] *= b * b; else { d[2] *= b; d[3] *= b; }
  one(m, op, m.type(op), d, { blocksize: { i: b }, ...(op === 'DepthToSpace' ? m.maybe(0.6, { mode: { s: m.pick(['DCR', 'CRD']) } }) : {}) });
}

function matmul(m, op = 'MatMul') {
  const k = m.size(), type = m.type(op, 0), batch = m.dims(m.int(0, 3)).map(x => Math.min(x, 3)), a = [...batch, m.size(), k], b = [...m.other(batch), k, m.size()];
  if (m.chance(0.1)) a.splice(0, a.length, k);
  if (m.chance(0.1)) b.splice(0, b.length, k);
  m.give(m.node('MatMul', [m.input(type, a), m.input(type, b)]));
}

function gemm(m) {
  const M = m.size(), N = m.size(), K = m.size(), ta = m.int(0, 1), tb = m.int(0, 1), type = m.type('Gemm');
  const c = m.pick([null, [], [1], [N], [M, N], [1, N], [M, 1], [1, 1]]);
  m.give(m.node('Gemm', [m.input(type, ta ? [K, M] : [M, K]), m.input(type, tb ? [N, K] : [K, N]), c ? m.input(type, c) : ''],
    { ...m.maybe(0.7, { transA: { i: ta } }), ...(ta ? { transA: { i: 1 } } : {}), ...(tb ? { transB: { i: 1 } } : {}), ...m.maybe(0.4, { alpha: { f: m.pick([0, 1, 0.5, -2]) } }), ...(K ? m.maybe(0.4, { beta: { f: m.pick([0, 1, 0.5, -2]) } }) : {}) })); // sums of nothing: the peer forgets beta
}

function window(m, n, { kernel, dilations = true } = {}) { // attributes of a sliding window over n spatial dimensions
  const a = {}, list = make => ({ is: Array.from({ length: n }, make) });
  if (m.chance(0.5)) a.strides = list(() => m.int(1, 3));
  if (dilations && m.chance(0.3)) a.dilations = list(() => m.int(1, 2));
  if (m.chance(0.25)) a.auto_pad = { s: m.pick(['SAME_UPPER', 'SAME_LOWER', 'VALID', 'NOTSET']) };
  else if (m.chance(0.6)) a.pads = { is: Array.from({ length: 2 * n }, () => m.int(0, kernel ? Math.max(0, Math.min(...kernel) - 1) : 2)) };
  return a;
}

function conv(m, op = 'Conv') {
  const n = m.pick([1, 2, 2, 2, 3]), group = m.pick([1, 1, 1, 2, 3]), per = m.pick([1, 2, 3, 8]), out = group * m.pick([1, 2, 4, 16]), kernel = Array.from({ length: n }, () => m.int(1, 3)), type = m.type(op);
  const x = [m.pick([0, 1, 1, 2]), group * per, ...Array.from({ length: n }, () => m.int(2, 9))], w = op === 'Conv' ? [out, per, ...kernel] : [group * per, out / group, ...kernel], attrs = window(m, n);
  if (group > 1) attrs.group = { i: group };
  if (m.chance(0.5)) attrs.kernel_shape = { is: kernel };
  if (op === 'ConvTranspose') { if (attrs.strides && m.chance(0.3)) attrs.output_padding = { is: attrs.strides.is.map(s => m.int(0, s - 1)) }; }
  m.give(m.node(op, [m.input(type, x), m.input(type, w), m.chance(0.5) ? m.input(type, [out]) : ''], attrs));
}

function pool(m, op) {
  const n = m.pick([1, 2, 2, 3]), kernel = Array.from({ length: n }, () => m.int(1, 3)), x = [m.int(1, 2), m.pick([1, 3, 16]), ...Array.from({ length: n }, () => m.int(3, 9))];
  const attrs = { kernel_shape: { is: kernel }, ...window(m, n, { kernel, dilations: op !== 'AveragePool' || m.c.opset >= 19 }), ...m.maybe(0.3, { ceil_mode: { i: 1 } }) };
  if (op === 'LpPool') { if (m.c.opset < 18) { delete attrs.dilations; delete attrs.ceil_mode; } if (m.chance(0.5)) attrs.p = { i: m.int(1, 3) }; }
  if (op === 'AveragePool') Object.assign(attrs, m.maybe(0.5, { count_include_pad: { i: m.int(0, 1) } }));
  m.give(m.node(op, [m.input(m.type(op), x)], attrs, op === 'MaxPool' && m.chance(0.4) ? 2 : 1));
}

function globalPool(m, op) { one(m, op, m.type(op), [m.int(1, 2), m.int(1, 4), ...m.positive(m.int(1, 3))], op === 'GlobalLpPool' ? m.maybe(0.5, { p: { i: m.int(1, 3) } }) : {}); }

const stat = (m, type, n, number) => m.input(type, [n], { number: number ?? (() => m.random() + 0.1), constant: m.chance(0.7) });

function normal(m, op) {
  const type = m.type(op), d = [m.int(1, 3), m.int(1, 6), ...m.positive(m.int(op === 'BatchNormalization' ? 0 : 1, 3))], eps = m.maybe(0.5, { epsilon: { f: 1e-3 } });
  if (op === 'BatchNormalization') m.give(m.node(op, [m.input(type, d), ...[0, 1, 2, 3].map(() => stat(m, type, d[1]))], eps));
  if (op === 'InstanceNormalization') m.give(m.node(op, [m.input(type, d), stat(m, type, d[1]), stat(m, type, d[1])], eps));
  if (op === 'GroupNormalization') { m.need(21); const g = m.int(1, 3); d[1] = g * m.int(1, 3); m.give(m.node(op, [m.input(type, d), stat(m, type, d[1]), stat(m, type, d[1])], { num_groups: { i: g }, ...eps })); }
}

function layerNorm(m, op = 'LayerNormalization') {
  const d = m.positive(m.int(1, 4)), axis = m.int(-d.length, d.length - 1), e = d.slice(axis < 0 ? axis + d.length : axis), type = m.type(op);
  m.need(op === 'RMSNormalization' ? 23 : 17);
  const ins = [m.input(type, d), m.input(type, e)];
  if (op === 'LayerNormalization' && m.chance(0.6)) ins.push(m.input(type, e));
  m.give(m.node(op, ins, { axis: { i: axis }, ...m.maybe(0.5, { epsilon: { f: 1e-3 } }) }, op === 'LayerNormalization' ? m.pick([1, 1, 2, 3]) : 1));
}

function lrn(m) { one(m, 'LRN', 'float32', [m.int(1, 2), m.int(1, 9), ...m.positive(2)], { size: { i: m.pick([1, 3, 5, 2, 7]) }, ...m.maybe(0.5, { alpha: { f: 0.01 } }), ...m.maybe(0.5, { beta: { f: 0.6 } }), ...m.maybe(0.5, { bias: { f: 2 } }) }); }

function recurrent(m, op) {
  const gates = { RNN: 1, GRU: 3, LSTM: 4 }[op], T = m.int(1, 4), B = m.int(1, 3), I = m.int(1, 5), H = m.int(1, 5), dir = m.pick(['forward', 'reverse', 'bidirectional']), D = dir === 'bidirectional' ? 2 : 1, type = 'float32';
  const layout = +m.chance(0.1), small = () => m.random() - 0.5, f = dims => m.input(type, dims, { number: small });
  const ins = [f(layout ? [B, T, I] : [T, B, I]), f([D, gates * H, I]), f([D, gates * H, H]), m.chance(0.6) ? f([D, 2 * gates * H]) : '', m.chance(0.4) ? m.value('int32', [B], Array.from({ length: B }, () => m.int(1, T))) : '', m.chance(0.4) ? f(layout ? [B, D, H] : [D, B, H]) : ''];
  if (layout) m.need(14);
  if (op === 'LSTM') ins.push(m.chance(0.4) ? f(layout ? [B, D, H] : [D, B, H]) : '', m.chance(0.3) ? f([D, 3 * H]) : '');
  const attrs = { hidden_size: { i: H }, direction: { s: dir }, ...m.maybe(0.3, { clip: { f: 0.3 } }), ...(layout ? { layout: { i: 1 } } : {}) };
  if (op === 'GRU') Object.assign(attrs, m.maybe(0.5, { linear_before_reset: { i: m.int(0, 1) } }));
  if (op === 'LSTM') Object.assign(attrs, m.maybe(0.2, { input_forget: { i: 1 } }));
  if (m.chance(0.4)) {
    const params = { Affine: 2, LeakyRelu: 1, ThresholdedRelu: 1, ScaledTanh: 2, HardSigmoid: 2, Elu: 1 }, given = m.chance(0.7);
    const list = Array.from({ length: D * { RNN: 1, GRU: 2, LSTM: 3 }[op] }, () => m.pick(['Sigmoid', 'Tanh', 'Relu', 'HardSigmoid', 'Softsign', 'Softplus', ...(given ? Object.keys(params) : ['LeakyRelu', 'Elu'])])), number = () => m.int(1, 9) / 8;
    attrs.activations = { ss: list };
    if (given) { attrs.activation_alpha = { fs: list.filter(a => params[a]).map(number) }; attrs.activation_beta = { fs: list.filter(a => params[a] === 2).map(number) }; }
  }
  m.give(m.node(op, ins, attrs, op === 'LSTM' ? 3 : 2));
}

function einsum(m) {
  const sizes = { i: m.int(1, 4), j: m.int(1, 4), k: m.int(1, 4), b: m.int(1, 3) };
  const eq = m.pick(['ij,jk->ik', 'ij->ji', 'ii->i', 'ij->', 'ij,ij->ij', 'bij,bjk->bik', 'i,j->ij', 'ij->i', 'ij,jk', 'ij', 'ii', 'bij->b', 'i,i->', 'i,ij,j->', '...ij,...jk->...ik', 'bij,bkj->bik', 'ij,kj->ki', 'b...i->b...', ' i j , j k -> i k ']);
  const batch = m.positive(m.int(0, 2)).map(x => Math.min(x, 3)), type = m.pick(['float32', 'float32', 'float64', 'int32', 'int64']);
  m.give(m.node('Einsum', eq.split('->')[0].split(',').map(t => m.input(type, t.replaceAll(' ', '').replace('...', '#').split('').flatMap(x => (x === '#' ? batch : [sizes[x]])))), { equation: { s: eq } }));
}

function gridSample(m) {
  m.need(m.chance(0.5) ? 16 : 20);
  const three = m.c.opset >= 20 && m.chance(0.3), n = m.int(1, 2), c = m.int(1, 3), s = Array.from({ length: three ? 3 : 2 }, () => m.int(1, 5)), o = s.map(() => m.int(1, 4)), old = m.c.opset < 20;
  m.give(m.node('GridSample', [m.input('float32', [n, c, ...s]), m.input('float32', [n, ...o, s.length], { number: () => m.random() * 3 - 1.5 })],
    { ...m.maybe(0.7, { mode: { s: m.pick(old ? ['bilinear', 'nearest', 'bicubic'] : three ? ['linear', 'nearest'] : ['linear', 'nearest', 'cubic']) } }), ...m.maybe(0.7, { padding_mode: { s: m.pick(['zeros', 'border', 'reflection']) } }), ...m.maybe(0.5, { align_corners: { i: m.int(0, 1) } }) }));
}

function affineGrid(m) {
  m.need(20);
  const k = m.pick([2, 3]), n = m.int(1, 2);
  m.give(m.node('AffineGrid', [m.input(m.pick(['float32', 'float64']), [n, k, k + 1]), m.ints([n, 2, ...Array.from({ length: k }, () => m.int(1, 5))])], m.maybe(0.6, { align_corners: { i: m.int(0, 1) } })));
}

function roiAlign(m) {
  m.need(16);
  const n = m.int(1, 2), r = m.int(0, 3), d = [n, m.int(1, 3), m.int(3, 8), m.int(3, 8)];
  const rois = Array.from({ length: r }, () => { const x = m.random() * 5, y = m.random() * 5; return [x, y, x + m.random() * 6, y + m.random() * 6]; }).flat();
  m.give(m.node('RoiAlign', [m.input('float32', d), m.value('float32', [r, 4], rois), m.ints(Array.from({ length: r }, () => m.int(0, n - 1)))],
    { output_height: { i: m.int(1, 3) }, output_width: { i: m.int(1, 3) }, ...m.maybe(0.5, { sampling_ratio: { i: m.int(0, 3) } }), ...m.maybe(0.5, { spatial_scale: { f: m.pick([1, 0.5]) } }), ...m.maybe(0.4, { mode: { s: m.pick(['avg', 'max']) } }), ...m.maybe(0.5, { coordinate_transformation_mode: { s: m.pick(['half_pixel', 'output_half_pixel']) } }) }));
}

function maxRoiPool(m) {
  const n = m.int(1, 2), r = m.int(1, 3);
  const rois = Array.from({ length: r }, () => { const x = m.int(0, 4), y = m.int(0, 4); return [m.int(0, n - 1), x, y, x + m.int(0, 5), y + m.int(0, 5)]; }).flat();
  m.give(m.node('MaxRoiPool', [m.input('float32', [n, m.int(1, 3), m.int(4, 8), m.int(4, 8)]), m.value('float32', [r, 5], rois)], { pooled_shape: { is: [m.int(1, 3), m.int(1, 3)] }, ...m.maybe(0.4, { spatial_scale: { f: m.pick([1, 0.5]) } }) }));
}

function nms(m) {
  const b = m.int(1, 2), n = m.int(0, 8), c = m.int(1, 3), center = m.int(0, 1), boxes = Array.from({ length: b * n }, () => { const x = m.random() * 3, y = m.random() * 3, w = m.random() + 0.3, h = m.random() + 0.3; return center ? [x, y, w, h] : m.chance(0.2) ? [y + h, x + w, y, x] : [y, x, y + h, x + w]; }).flat();
  m.give(m.node('NonMaxSuppression', [m.value('float32', [b, n, 4], boxes), m.input('float32', [b, c, n]), m.chance(0.9) ? m.value('int64', m.pick([[], [1]]), [m.int(0, 5)]) : '', m.chance(0.7) ? m.value('float32', m.pick([[], [1]]), [m.random()]) : '', m.chance(0.5) ? m.value('float32', [1], [0]) : ''], m.maybe(0.6, { center_point_box: { i: center } })));
}

function quantize(m) {
  const d = m.positive(m.int(0, 4)), type = m.pick(['float32', 'float32', 'float16']), to = m.pick(['uint8', 'int8', 'uint8', 'int8', ...(m.c.opset >= 21 ? ['int16', 'uint16'] : [])]), per = d.length && m.chance(0.4), axis = per ? m.int(-d.length, d.length - 1) : 1, n = per ? [d.at(axis)] : [];
  if (type === 'float16') m.need(19);
  const zero = m.chance(0.7) || !/^uint8$/.test(to);
  m.give(m.node('QuantizeLinear', [m.input(type, d), m.input(type, n, { number: () => m.random() * 0.5 + 0.05 }), zero ? m.input(to, n, { number: () => m.int(to[0] === 'u' ? 0 : -20, 100) }) : ''], per || m.chance(0.3) ? { axis: { i: axis } } : {}));
}

function dequantize(m) {
  const d = m.positive(m.int(0, 4)), from = m.pick(['uint8', 'int8', 'int32', ...(m.c.opset >= 21 ? ['int16', 'uint16'] : [])]), per = d.length && m.chance(0.4), axis = per ? m.int(-d.length, d.length - 1) : 1, n = per ? [d.at(axis)] : [], type = m.c.opset >= 19 && m.chance(0.2) ? 'float16' : 'float32';
  m.give(m.node('DequantizeLinear', [m.input(from, d), m.input(type, n, { number: () => m.random() * 0.5 + 0.05 }), m.chance(0.7) ? m.input(from, n, { number: () => (from === 'int32' ? 0 : m.int(from[0] === 'u' ? 0 : -20, 100)) }) : ''], per || m.chance(0.3) ? { axis: { i: axis } } : {}));
}

function integerProduct(m, op) {
  const ta = m.pick(['uint8', 'int8']), tb = m.pick(['uint8', 'int8']), k = m.size() || 1, M = m.size() || 1, N = m.size() || 1, zero = (t, dims) => m.input(t, dims, { number: () => m.int(t[0] === 'u' ? 0 : -9, 20) });
  if (op === 'MatMulInteger') return m.give(m.node(op, [m.input(ta, [...m.positive(m.int(0, 1)), M, k]), m.input(tb, [k, N]), m.chance(0.6) ? zero(ta, []) : '', m.chance(0.6) ? zero(tb, m.pick([[], [N]])) : '']));
  const x = [1, 2, m.int(3, 6), m.int(3, 6)], w = [m.int(1, 4), 2, m.int(1, 3), m.int(1, 3)], attrs = window(m, 2), s = n => m.input('float32', n, { number: () => m.random() * 0.1 + 0.01 });
  if (op === 'ConvInteger') return m.give(m.node(op, [m.input('uint8', x), m.input(tb, w), m.chance(0.6) ? zero('uint8', []) : '', m.chance(0.6) ? zero(tb, []) : ''], attrs));
  if (op === 'QLinearConv') { const per = m.chance(0.4) ? [w[0]] : []; return m.give(m.node(op, [m.input(ta, x), s([]), zero(ta, []), m.input(tb, w), s(per), m.input(tb, per, { number: () => 0 }), s([]), zero(ta, []), m.chance(0.5) ? m.input('int32', [w[0]]) : ''], attrs)); }
  return m.give(m.node('QLinearMatMul', [m.input(ta, [M, k]), s([]), zero(ta, []), m.input(tb, [k, N]), s([]), zero(tb, []), s([]), zero(ta, [])]));
}

function cast(m) {
  const from = m.type('Cast'), special = m.chance(0.25), to = special ? m.pick(['bfloat16', 'float8e4m3fn', 'float8e5m2', 'float8e4m3fnuz', 'float8e5m2fnuz', 'int4', 'uint4']) : m.pick(COMMON), ids = { float32: 1, uint8: 2, int8: 3, uint16: 4, int16: 5, int32: 6, int64: 7, string: 8, bool: 9, float16: 10, float64: 11, uint32: 12, uint64: 13, bfloat16: 16, float8e4m3fn: 17, float8e4m3fnuz: 18, float8e5m2: 19, float8e5m2fnuz: 20, uint4: 21, int4: 22 };
  if (special) m.need(/4/.test(to.slice(-1)) ? 21 : 19);
  const number = from === 'string' ? () => m.pick(['1', '-2', '3.5', '0', ...(isFloat(to) ? ['1e3', 'NaN', 'inf', '-INF'] : [])]) : isFloat(from) && (isInt(to) || to === 'bool') ? () => (m.random() * 2 - (to[0] === 'u' ? 0 : 1)) * 100 : undefined;
  const [y] = m.node('Cast', [m.input(from, m.dims(), { number: /int4/.test(to) && from !== 'string' ? () => (from === 'bool' || to[0] === 'u' || from[0] === 'u' ? m.int(0, from === 'bool' ? 1 : 7) : m.int(-8, 7)) : from === 'string' && !isFloat(to) ? () => m.pick(to[0] === 'u' || to === 'bool' ? ['1', '0', '7'] : ['1', '-2', '0']) : number })], { to: { i: ids[to] }, ...(special && /float8/.test(to) ? m.maybe(0.5, { saturate: { i: m.int(0, 1) } }) : {}) });
  m.give(special ? m.node('Cast', [y], { to: { i: 1 } }) : [y]);
}

function castLike(m) { m.need(15); const a = m.type('CastLike', 0, t => t !== 'string'), b = m.type('CastLike', 1, t => t !== 'string'); m.give(m.node('CastLike', [m.input(a, m.dims(), { number: () => m.int(0, 20) / (isFloat(a) ? 2 : 1) % (a === 'bool' ? 2 : 99) }), m.input(b, m.dims())])); }

function reverseSequence(m) {
  const d = m.positive(m.int(2, 4)), batch = m.int(0, 1), n = d[1 - batch];
  m.give(m.node('ReverseSequence', [m.input(m.type('ReverseSequence'), d), m.ints(Array.from({ length: d[batch] }, () => m.int(1, n)))], { batch_axis: { i: batch }, time_axis: { i: 1 - batch } }));
}

function col2im(m) {
  m.need(18);
  const k = [m.int(1, 3), m.int(1, 3)], image = [m.int(3, 6), m.int(3, 6)], s = [m.int(1, 2), m.int(1, 2)], p = Array.from({ length: 4 }, () => m.int(0, 1)), l = image.map((x, i) => Math.floor((x + p[i] + p[i + 2] - k[i]) / s[i]) + 1);
  m.give(m.node('Col2Im', [m.input('float32', [m.int(1, 2), m.int(1, 2) * k[0] * k[1], l[0] * l[1]]), m.ints(image), m.ints(k)], { strides: { is: s }, pads: { is: p } }));
}

function centerCropPad(m) {
  m.need(18);
  const d = m.positive(m.int(1, 4)), axes = m.chance(0.5) ? d.map((_, i) => i).filter(() => m.chance(0.6)) : null;
  m.give(m.node('CenterCropPad', [m.input(m.type('CenterCropPad'), d), m.ints((axes ?? d).map(() => m.int(1, 7)))], axes && axes.length ? { axes: { is: axes } } : axes ? { axes: { is: [0] } } : {}));
}

function det(m) { const n = m.int(1, 4); one(m, 'Det', m.type('Det'), [...m.positive(m.int(0, 2)), n, n], {}); }

function loss(m, op) {
  const d = [m.int(1, 3), m.int(1, 4), ...m.positive(m.int(0, 2)).map(x => Math.min(x, 3))], c = d[1], ignore = m.chance(0.3), type = m.pick(['float32', 'float64']), t = m.pick(['int32', 'int64']);
  m.give(m.node(op, [m.input(type, d), m.input(t, [d[0], ...d.slice(2)], { number: () => m.int(0, c - 1) }), m.chance(0.4) ? m.input(type, [c], { number: () => m.random() + 0.1 }) : ''], { ...m.maybe(0.7, { reduction: { s: m.pick(['none', 'sum', 'mean']) } }), ...(ignore ? { ignore_index: { i: m.int(0, c - 1) } } : {}) }, op === 'SoftmaxCrossEntropyLoss' && m.chance(0.5) ? 2 : 1));
}

function eyeLike(m) { one(m, 'EyeLike', m.type('EyeLike', 0, t => t !== 'string'), m.dims(2), { ...m.maybe(0.5, { k: { i: m.int(-4, 4) } }), ...m.maybe(0.5, { dtype: { i: m.pick([1, 7, 6, 11, 9]) } }) }); }

function constantOfShape(m) {
  const t = m.pick(COMMON.filter(x => x !== 'string'));
  m.give(m.node('ConstantOfShape', [m.ints(m.dims(m.int(0, 4)))], m.maybe(0.7, { value: { t: { type: t, dims: [1], data: pack(t, [m.number(t)]) } } })));
}

function lpNormal(m) { const d = m.dims(m.int(1, 4)); one(m, 'LpNormalization', m.type('LpNormalization'), d, { axis: { i: m.axis(d.length) }, p: { i: m.int(1, 2) } }); }
function mvn(m) { const d = m.positive(4); one(m, 'MeanVarianceNormalization', 'float32', d, m.maybe(0.5, { axes: { is: m.pick([[0, 2, 3], [1], [0, 1, 2, 3], [-1]]) } })); }
function prelu(m) { const t = m.type('PRelu'), d = m.dims(m.int(1, 4)); m.give(m.node('PRelu', [m.input(t, d), m.input(t, m.chance(0.5) ? d.map((x, i) => (i === 1 && d.length > 1 ? x : 1)) : m.other(d))])); }
function dropout(m) { m.give(m.node('Dropout', [m.input(m.type('Dropout'), m.dims()), m.chance(0.5) ? m.value('float32', [], [m.random()]) : ''], {}, m.pick([1, 2]))); }
function flatten(m) { const d = m.dims(); one(m, 'Flatten', m.type('Flatten'), d, m.maybe(0.8, { axis: { i: m.chance(0.03) ? d.length + 1 : m.int(-d.length, d.length) } })); }
function dynamicQuantize(m) { m.give(m.node('DynamicQuantizeLinear', [m.input('float32', m.positive(m.int(0, 4)))], {}, 3)); }
function unpool(m) { const h = m.int(1, 3), w = m.int(1, 3), d = [1, 1, h, w], cells = []; while (cells.length < h * w) { const k = m.int(0, 4 * h * w - 1); if (!cells.includes(k)) cells.push(k); } m.give(m.node('MaxUnpool', [m.input('float32', d), m.ints(cells, { dims: d })], { kernel_shape: { is: [2, 2] }, strides: { is: [2, 2] } })); }
function isinf(m) { m.wild = true; m.need(10); one(m, 'IsInf', m.pick(['float32', 'float64']), m.dims(), { ...m.maybe(0.5, { detect_positive: { i: m.int(0, 1) } }), ...m.maybe(0.5, { detect_negative: { i: m.int(0, 1) } }) }); }
function windowed(m, op) { m.need(17); m.give(m.node(op, [m.value(m.pick(['int32', 'int64']), [], [m.int(1, 12)])], { ...m.maybe(0.6, { periodic: { i: m.int(0, 1) } }), ...m.maybe(0.5, { output_datatype: { i: m.pick([1, 11, 10]) } }) })); }
function gatherless(m, op) { m.need(m.ops[op].versions[0]); one(m, op, m.type(op), m.dims(), {}); }
function dft(m) {
  m.need(17);
  const n = m.int(1, 9), inverse = m.chance(0.3), onesided = !inverse && m.chance(0.3), d = [m.int(1, 2), n, m.int(1, 3), onesided ? 1 : m.pick([1, 2])], ins = [m.input(m.pick(['float32', 'float64']), d), m.chance(0.3) ? m.value('int64', [], [m.int(1, 10)]) : ''], axis = m.pick([1, 2, -2, -3]);
  if (m.c.opset >= 20) ins.push(m.value('int64', [], [axis], true));
  m.give(m.node('DFT', ins, { ...(m.c.opset < 20 ? { axis: { i: axis } } : {}), ...(inverse ? { inverse: { i: 1 } } : {}), ...(onesided ? { onesided: { i: 1 } } : {}) }));
}
function stringOp(m, op) {
  m.need(20);
  const d = m.dims(m.int(0, 3));
  if (op === 'StringConcat') m.give(m.node(op, [m.input('string', d), m.input('string', m.other(d))]));
  if (op === 'RegexFullMatch') one(m, op, 'string', d, { pattern: { s: m.pick(['a.*', '[a-z]+', '.*b', '(a|b)?', '\\d', '', '[^a]*']) } });
  if (op === 'StringSplit') m.give(m.node(op, [m.input('string', d)], { ...m.maybe(0.6, { delimiter: { s: m.pick(['b', '', '.', 'x']) } }), ...m.maybe(0.5, { maxsplit: { i: m.int(0, 2) } }) }, 2));
  if (op === 'StringNormalizer') one(m, op, 'string', m.pick([[m.int(1, 4)], [1, m.int(1, 4)]]), { ...m.maybe(0.6, { case_change_action: { s: m.pick(['LOWER', 'UPPER', 'NONE']) } }), ...m.maybe(0.5, { is_case_sensitive: { i: m.int(0, 1) } }), ...m.maybe(0.5, { stopwords: { ss: ['a', 'AB'] } }) });
}

const group = (make, ...names) => Object.fromEntries(names.map(n => [n, make]));
export const HINTS = {
  ...MICROSOFT_HINTS,
  ...group(unary, 'Abs', 'Neg', 'Sign', 'Floor', 'Ceil', 'Round', 'Sqrt', 'Reciprocal', 'Exp', 'Log', 'Sin', 'Cos', 'Tan', 'Asin', 'Acos', 'Atan', 'Sinh', 'Cosh', 'Tanh', 'Asinh',
    'Acosh', 'Atanh', 'Erf', 'Sigmoid', 'Relu', 'LeakyRelu', 'ThresholdedRelu', 'Elu', 'Selu', 'Celu', 'HardSigmoid', 'HardSwish', 'Softplus', 'Softsign', 'Mish', 'Shrink', 'Gelu', 'Not', 'BitwiseNot', 'IsNaN', 'Identity', 'Size', 'NonZero'),
  ...group(binary, 'Add', 'Sub', 'Mul', 'Div', 'Mod', 'Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'And', 'Or', 'Xor', 'BitwiseAnd', 'BitwiseOr', 'BitwiseXor', 'BitShift'),
  ...group(variadic, 'Min', 'Max', 'Sum', 'Mean'),
  ...group(reduce, 'ReduceSum', 'ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceProd', 'ReduceSumSquare', 'ReduceL1', 'ReduceL2', 'ReduceLogSum', 'ReduceLogSumExp'),
  ...group(arg, 'ArgMax', 'ArgMin'), ...group(along, 'Softmax', 'LogSoftmax', 'Hardmax'),
  ...group(pool, 'MaxPool', 'AveragePool', 'LpPool'), ...group(globalPool, 'GlobalMaxPool', 'GlobalAveragePool', 'GlobalLpPool'),
  ...group(normal, 'BatchNormalization', 'InstanceNormalization', 'GroupNormalization'), ...group(recurrent, 'RNN', 'GRU', 'LSTM'),
  ...group(integerProduct, 'MatMulInteger', 'ConvInteger', 'QLinearMatMul', 'QLinearConv'), ...group(spaceDepth, 'DepthToSpace', 'SpaceToDepth'),
  ...group(loss, 'NegativeLogLikelihoodLoss', 'SoftmaxCrossEntropyLoss'), ...group(windowed, 'HannWindow', 'HammingWindow', 'BlackmanWindow'),
  ...group(stringOp, 'StringConcat', 'RegexFullMatch', 'StringSplit', 'StringNormalizer'), ...group(layerNorm, 'LayerNormalization', 'RMSNormalization'),
  Pow: pow, Where: where, Clip: clip, CumSum: cumulate, TopK: topk, Transpose: transpose, Concat: concat, Split: split, Slice: slice, Gather: gather,
  GatherElements: gatherElements, GatherND: gatherNd, ScatterElements: scatterElements, ScatterND: scatterNd, Pad: pad, Resize: resize, Reshape: reshape,
  Squeeze: squeeze, Unsqueeze: unsqueeze, Expand: expand, Tile: tile, Shape: shape, Range: range, OneHot: oneHot, Unique: unique, Compress: compress, Trilu: trilu,
  MatMul: matmul, Gemm: gemm, Conv: conv, ConvTranspose: conv, LRN: lrn, Einsum: einsum, GridSample: gridSample, AffineGrid: affineGrid,
  RoiAlign: roiAlign, MaxRoiPool: maxRoiPool, NonMaxSuppression: nms, QuantizeLinear: quantize, DequantizeLinear: dequantize, Cast: cast, CastLike: castLike,
  ReverseSequence: reverseSequence, Col2Im: col2im, CenterCropPad: centerCropPad, Det: det, EyeLike: eyeLike, ConstantOfShape: constantOfShape,
  LpNormalization: lpNormal, MeanVarianceNormalization: mvn, PRelu: prelu, Dropout: dropout, Flatten: flatten, DynamicQuantizeLinear: dynamicQuantize,
  MaxUnpool: unpool, IsInf: isinf, DFT: dft,
  ...FLOW_HINTS, ...MORE_HINTS, ...ML_HINTS,
};
Object.assign(HINTS, oldHints(HINTS));

// The operator that a hint is of: "old.Slice" and "blocks.QuantizeLinear" name other ways to use one.
const operatorOf = name => name.replace(/^(old|blocks|narrow)\./, '');

/* ---------------------------------------------------------------------------------------------------------- graphs */

const POINTWISE = ['Relu', 'Sigmoid', 'Tanh', 'Abs', 'Neg', 'Erf', 'Softplus', 'LeakyRelu', 'Elu', 'HardSigmoid', 'HardSwish', 'Identity', 'Sqrt', 'Exp', 'Floor', 'Sin', 'Selu', 'Clip'];

// Each step takes a value { name, d } of float32 and gives another one.
const STEPS = [
  (m, x) => ({ name: m.node(m.pick(POINTWISE), [x.name])[0], d: x.d }),
  (m, x) => ({ name: m.node(m.pick(POINTWISE), [x.name])[0], d: x.d }),
  (m, x, all) => { const y = m.chance(0.5) ? m.pick(all.filter(v => v.d.join() === x.d.join())).name : m.input('float32', m.other(x.d).map((s, i, l) => (x.d.at(i - l.length) === s ? s : 1))), ins = [x.name, y]; if (m.chance(0.5)) ins.reverse(); return { name: m.node(m.pick(['Add', 'Mul', 'Sub', 'Max', 'Min', 'Div']), ins)[0], d: x.d }; },
  (m, x, all) => { const y = m.input('float32', m.chance(0.5) ? [] : x.d.length ? [x.d.at(-1)] : []), ins = [x.name, y]; if (m.chance(0.5)) ins.reverse(); return { name: m.node(m.pick(['Add', 'Mul', 'Sub', 'Div', 'Pow']), ins)[0], d: x.d }; },
  (m, x) => ({ name: m.node(m.pick(['Softmax', 'LogSoftmax']), [x.name], x.d.length ? { axis: { i: m.int(-x.d.length, x.d.length - 1) } } : {})[0], d: x.d }),
  (m, x) => { const p = x.d.map((_, i) => i); for (let i = p.length - 1; i > 0; i--) { const j = m.int(0, i); [p[i], p[j]] = [p[j], p[i]]; } return { name: m.node('Transpose', [x.name], { perm: { is: p } })[0], d: p.map(i => x.d[i]) }; },
  (m, x) => { if (!x.d.length) return null; const a = m.int(0, x.d.length - 1), keep = m.int(0, 1), op = m.pick(['ReduceSum', 'ReduceMean', 'ReduceMax']), input = m.c.opset >= (op === 'ReduceSum' ? 13 : 18); if (op === 'ReduceMax' && x.d[a] === 0) return null; return { name: m.node(op, input ? [x.name, m.ints([a])] : [x.name], { keepdims: { i: keep }, ...(input ? {} : { axes: { is: [a] } }) })[0], d: keep ? x.d.map((s, i) => (i === a ? 1 : s)) : x.d.filter((_, i) => i !== a) }; },
  (m, x) => ({ name: m.node('Reshape', [x.name, m.ints([-1, x.d.at(-1) || 1])])[0], d: [x.d.length ? x.d.slice(0, -1).reduce((a, b) => a * b, 1) : 1, x.d.at(-1) || 1] }),
  (m, x) => { const a = m.int(0, x.d.length); return { name: m.node('Unsqueeze', [x.name, m.ints([a])])[0], d: [...x.d.slice(0, a), 1, ...x.d.slice(a)] }; },
  (m, x) => { if (!x.d.length) return null; const a = m.int(0, x.d.length - 1); return { name: m.node('Concat', [x.name, x.name, m.input('float32', x.d)], { axis: { i: a } })[0], d: x.d.map((s, i) => (i === a ? 3 * s : s)) }; },
  (m, x) => { if (!x.d.length) return null; const a = m.int(0, x.d.length - 1); return { name: m.node('Slice', [x.name, m.ints([0]), m.ints([1]), m.ints([a])])[0], d: x.d.map((s, i) => (i === a ? Math.min(s, 1) : s)) }; },
  (m, x) => { if (x.d.length < 2) return null; const n = m.int(1, 20); return { name: m.node('MatMul', [x.name, m.input('float32', [x.d.at(-1), n])])[0], d: [...x.d.slice(0, -1), n] }; },
  (m, x) => { if (x.d.length !== 2) return null; const n = m.int(1, 20); return { name: m.node('Gemm', [x.name, m.input('float32', [n, x.d[1]]), m.input('float32', [n])], { transB: { i: 1 } })[0], d: [x.d[0], n] }; },
  (m, x) => { if (x.d.length !== 4 || x.d[1] < 1 || x.d[2] < 2 || x.d[3] < 2) return null; // without channels the peer hangs
    const n = m.pick([1, 3, 16, 20]), k = m.pick([1, 3]); return { name: m.node('Conv', [x.name, m.input('float32', [n, x.d[1], k, k]), m.chance(0.6) ? m.input('float32', [n]) : ''], { pads: { is: Array(4).fill(k >> 1) } })[0], d: [x.d[0], n, x.d[2], x.d[3]] }; },
  (m, x) => { if (x.d.length < 2) return null; return { name: m.node('BatchNormalization', [x.name, ...[0, 1, 2, 3].map(() => m.input('float32', [x.d[1]], { number: () => m.random() + 0.1, constant: true }))])[0], d: x.d }; },
  (m, x) => { if (x.d.length !== 4 || x.d[2] < 3 || x.d[3] < 3) return null; return { name: m.node(m.pick(['MaxPool', 'AveragePool']), [x.name], { kernel_shape: { is: [2, 2] } })[0], d: [x.d[0], x.d[1], x.d[2] - 1, x.d[3] - 1] }; },
  (m, x) => { if (x.d.length < 3) return null; return { name: m.node('GlobalAveragePool', [x.name])[0], d: [x.d[0], x.d[1], ...x.d.slice(2).map(() => 1)] }; },
  (m, x) => { if (!x.d.length || x.d.at(-1) === 0 || m.c.opset < 17) return null; return { name: m.node('LayerNormalization', [x.name, m.input('float32', [x.d.at(-1)]), m.input('float32', [x.d.at(-1)])])[0], d: x.d }; },
  (m, x) => { const [c] = m.node(m.pick(['Greater', 'Less']), [x.name, m.input('float32', [])]); return { name: m.node('Where', [c, x.name, m.input('float32', [])])[0], d: x.d }; },
  (m, x) => { const [c] = m.node('Cast', [x.name], { to: { i: m.pick([11, 1]) } }); return { name: m.node('Cast', [c], { to: { i: 1 } })[0], d: x.d }; },
  (m, x) => { const [s] = m.node('Shape', [x.name]); return { name: m.node('Reshape', [x.name, s])[0], d: x.d }; },
  (m, x) => { if (!x.d.length) return null; return { name: m.node('Pad', [x.name, m.ints([...x.d.map(() => 1), ...x.d.map(() => 0)])])[0], d: x.d.map(s => s + 1) }; },
];

function randomGraph(m) {
  m.scale = 1;
  const d = m.chance(0.4) ? [1, m.pick([1, 3, 16]), m.int(3, 8), m.int(3, 8)] : m.dims(m.int(0, 4)), all = [{ name: m.input('float32', d, { constant: false }), d }];
  for (let n = m.int(2, 6), tries = 0; n > 0 && tries < 40; tries++) {
    const x = m.chance(0.8) ? all.at(-1) : m.pick(all);
    if (x.d.length > 5 || x.d.reduce((a, b) => a * b, 1) > 20000) continue;
    const y = m.pick(STEPS)(m, x, all);
    if (!y) continue;
    all.push(y);
    n--;
  }
  const made = all.slice(1).map(v => v.name), used = new Set(m.c.nodes.flatMap(n => n.inputs));
  m.give(made.filter(n => !used.has(n) || m.chance(0.1)));
}

// Case `index` of the sequence `seed`: always the same. ops: `tenon ops --json` by name.
export function makeCase(seed, index, ops, only) {
  const m = new Maker(seed, index, ops);
  const there = n => { const o = ops[operatorOf(n)]; return o && o.support !== 'missing' && (!n.startsWith('old.') || !o.versions?.length || o.versions[0] <= 12); };
  const names = only ? [only] : Object.keys(HINTS).filter(there);
  if (!only && m.chance(0.25)) { randomGraph(m); m.c.kind = 'graph'; m.c.scale = m.scale; return m.c; }
  const name = m.pick(names), op = operatorOf(name);
  if (!ops[op].inputs) ops[op].inputs = [{ types: ['float32'] }], ops[op].attributes = [];
  HINTS[name](m, op);
  m.c.kind = name;
  m.c.scale = m.scale;
  return m.c;
}
