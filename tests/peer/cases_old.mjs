// Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
// cases_old.mjs - random cases of opsets 7 to 12, where attributes stand for what later became inputs. Operators whose form has
// not changed are made by their present hints under an old opset. Their names here begin with "old.".
import { pack, TYPES } from './onnx.mjs';

const list = (n, make) => Array.from({ length: n }, (_, i) => make(i));
const isFloat = t => t.startsWith('float');
const one = (m, op, type, dims, attrs, outputs = 1) => m.give(m.node(op, [m.input(type, dims)], attrs, outputs));
const axisOf = (m, rank) => (m.c.opset >= 11 ? m.axis(rank) : rank ? m.int(0, rank - 1) : 0);
const REAL = ['float32', 'float32', 'float64', 'float16'];

const FORMS = { // by operator: the first and last opset of the form, and its maker
  Slice: [7, 9, m => { const d = m.dims(m.int(1, 4)), axes = d.map((_, i) => i).filter(() => m.chance(0.6)); const bound = a => (m.chance(0.1) ? m.pick([2147483647, -2147483648]) : m.int(-d[a] - 2, d[a] + 2)), all = axes.length === d.length; one(m, 'Slice', m.type('Slice'), d, { starts: { is: axes.map(bound) }, ends: { is: axes.map(bound) }, ...(all && m.chance(0.5) ? {} : { axes: { is: axes.map(a => (m.chance(0.2) ? a - d.length : a)) } }) }); }],
  Squeeze: [7, 12, m => { const d = m.dims(m.int(1, 5)).map(x => (m.chance(0.4) ? 1 : x)), axes = d.map((_, i) => i).filter(i => d[i] === 1 && m.chance(0.7)).map(i => (m.c.opset >= 11 && m.chance(0.4) ? i - d.length : i)); one(m, 'Squeeze', m.type('Squeeze'), d, axes.length ? { axes: { is: axes } } : {}); }],
  Unsqueeze: [7, 12, m => { const d = m.dims(m.int(0, 4)), n = m.int(1, 3), rank = d.length + n, axes = []; while (axes.length < n) { const a = m.int(0, rank - 1); if (!axes.includes(a)) axes.push(a); } one(m, 'Unsqueeze', m.type('Unsqueeze'), d, { axes: { is: axes.map(a => (m.c.opset >= 11 && m.chance(0.4) ? a - rank : a)) } }); }],
  Pad: [7, 10, m => { const d = m.positive(m.int(1, 4)), mode = m.pick(['constant', 'constant', 'reflect', 'edge']), p = i => (mode === 'reflect' ? m.int(0, Math.max(0, d[i] - 1)) : m.int(m.chance(0.2) ? -1 : 0, 3)); one(m, 'Pad', m.pick(['float32', 'float64']), d, { ...m.maybe(mode === 'constant' ? 0.5 : 1, { mode: { s: mode } }), pads: { is: [...d.map((_, i) => p(i)), ...d.map((_, i) => p(i))] }, ...(mode === 'constant' ? m.maybe(0.6, { value: { f: 1.5 } }) : {}) }); }],
  Clip: [7, 10, m => one(m, 'Clip', m.pick(REAL), m.dims(), { ...m.maybe(0.7, { min: { f: m.pick([-0.5, 0, -3]) } }), ...m.maybe(0.7, { max: { f: m.pick([0.5, 0, 6]) } }) })],
  Dropout: [7, 11, m => one(m, 'Dropout', m.pick(REAL), m.dims(), m.maybe(0.6, { ratio: { f: m.random() } }), m.c.opset >= 10 ? m.pick([1, 2]) : 1)],
  TopK: [7, 9, m => { const d = m.positive(m.int(1, 4)), axis = axisOf(m, d.length), total = d.reduce((a, b) => a * b, 1), order = list(total, i => i); for (let i = total - 1; i > 0; i--) { const j = m.int(0, i); [order[i], order[j]] = [order[j], order[i]]; } one(m, 'TopK', 'float32', d, { k: { i: m.int(0, d[axis]) }, ...m.maybe(0.8, { axis: { i: axis } }) }, 2); m.c.values[m.c.nodes[0].inputs[0]].data = pack('float32', order); if (!m.c.nodes[0].attrs.axis) m.c.nodes[0].attrs.k.i = m.int(0, d.at(-1)); }],
  Split: [7, 12, m => { const d = m.positive(m.int(1, 4)), axis = axisOf(m, d.length), n = d.at(axis) ?? 1, divisors = list(n, i => i + 1).filter(k => n % k === 0); if (m.chance(0.5)) return one(m, 'Split', m.type('Split'), d, { axis: { i: axis } }, m.pick(divisors)); let left = n; const parts = m.int(1, 3), sizes = list(parts, i => { const s = i === parts - 1 ? left : m.int(0, left); left -= s; return s; }); one(m, 'Split', m.type('Split'), d, { axis: { i: axis }, split: { is: sizes } }, parts); }],
  Upsample: [7, 9, m => { const four = m.chance(0.7), d = four ? m.positive(4).map(x => Math.min(x, 6)) : m.positive(m.int(1, 3)), mode = four || d.length === 2 ? m.pick(['nearest', 'linear']) : 'nearest', scales = d.map((_, i) => (four && i < 2 ? 1 : m.pick([1, 2, 3, 1.5, 2.6]))), late = m.c.opset >= 9, type = m.pick(['float32', 'float32', 'float32', 'int32', 'uint8']); m.give(m.node('Upsample', [m.input(type, d), ...(late ? [m.value('float32', [d.length], scales, m.chance(0.8))] : [])], { ...m.maybe(0.8, { mode: { s: mode } }), ...(late ? {} : { scales: { fs: scales } }) })); }],
  Resize: [10, 10, m => { const d = m.positive(4).map(x => Math.min(x, 8)), mode = m.pick(['nearest', 'linear']); m.give(m.node('Resize', [m.input(m.pick(['float32', 'float32', 'int32', 'uint8']), d), m.value('float32', [4], [1, 1, m.pick([0.5, 1, 2, 1.5, 0.6, 2.3]), m.pick([0.5, 1, 2, 1.5, 0.6, 3])], m.chance(0.8))], m.maybe(0.8, { mode: { s: mode } }))); }],
  BatchNormalization: [7, 13, m => { const t = m.pick(['float32', 'float32', 'float64']), d = [m.int(1, 3), m.int(1, 6), ...m.positive(m.int(0, 3))], flat = m.c.opset < 9 && m.chance(0.3), e = flat ? d.slice(1) : [d[1]], s = () => m.input(t, e, { number: () => m.random() + 0.1 }); m.give(m.node('BatchNormalization', [m.input(t, d), s(), s(), s(), s()], { ...m.maybe(0.5, { epsilon: { f: 1e-3 } }), ...m.maybe(0.4, { momentum: { f: 0.8 } }), ...(flat ? { spatial: { i: 0 } } : m.c.opset < 9 ? m.maybe(0.3, { spatial: { i: 1 } }) : {}) })); }],
  Gemm: [7, 10, m => { const M = m.int(1, 6), N = m.int(1, 6), K = m.int(1, 6), ta = m.int(0, 1), tb = m.int(0, 1), t = m.pick(['float32', 'float64']); m.give(m.node('Gemm', [m.input(t, ta ? [K, M] : [M, K]), m.input(t, tb ? [N, K] : [K, N]), m.input(t, m.pick([[], [1], [N], [M, N], [1, N], [M, 1]]))], { transA: { i: ta }, transB: { i: tb }, ...m.maybe(0.5, { alpha: { f: 0.5 } }), ...m.maybe(0.5, { beta: { f: -2 } }) })); }],
  Scatter: [9, 12, m => { const d = m.positive(m.int(1, 3)), axis = axisOf(m, d.length), n = d.at(axis), at = axis < 0 ? axis + d.length : axis, e = d.map((x, i) => (i === at ? 1 : m.int(1, x))), t = m.type('ScatterElements'); m.give(m.node('Scatter', [m.input(t, d), m.input(m.pick(['int32', 'int64']), e, { number: () => m.int(m.c.opset >= 11 ? -n : 0, n - 1) }), m.input(t, e)], { axis: { i: axis } })); }],
  QuantizeLinear: [10, 12, m => { const t = m.pick(['uint8', 'int8']); m.give(m.node('QuantizeLinear', [m.input(m.pick(['float32', 'float32', 'int32']), m.dims()), m.value('float32', [], [m.random() + 0.05]), t === 'int8' || m.chance(0.7) ? m.value(t, [], [m.int(0, 50)]) : ''])); }],
  DequantizeLinear: [10, 12, m => { const t = m.pick(['uint8', 'int8', 'int32']); m.give(m.node('DequantizeLinear', [m.input(t, m.dims()), m.value('float32', [], [m.random() + 0.05]), m.chance(0.7) ? m.value(t, [], [t === 'int32' ? 0 : m.int(0, 50)]) : ''])); }],
  Min: [7, 7, same], Max: [7, 7, same], Sum: [7, 7, same], Mean: [7, 7, same],
  Pow: [7, 11, m => { const t = m.pick(['float32', 'float64']), d = m.dims(); m.give(m.node('Pow', [m.input(t, d), m.input(t, m.other(d), { number: () => m.pick([2, 0.5, -1, 3, 0]) })])); }],
  ...Object.fromEntries(['Softmax', 'LogSoftmax', 'Hardmax'].map(op => [op, [7, 12, m => { const d = m.dims(m.int(1, 5)); one(m, op, op === 'Hardmax' ? 'float32' : m.pick(['float32', 'float32', 'float64']), d, m.maybe(0.7, { axis: { i: m.c.opset >= 11 ? m.int(-d.length, d.length - 1) : m.int(0, d.length - 1) } })); }]])),
  ...Object.fromEntries(['ArgMax', 'ArgMin'].map(op => [op, [7, 11, m => { const d = m.positive(m.int(1, 5)); one(m, op, m.pick(['float32', 'float32', 'int32']), d, { ...m.maybe(0.8, { axis: { i: axisOf(m, d.length) } }), ...m.maybe(0.6, { keepdims: { i: m.int(0, 1) } }) }); }]])),
  Flatten: [7, 12, m => { const d = m.dims(m.int(1, 5)); one(m, 'Flatten', m.type('Flatten'), d, m.maybe(0.8, { axis: { i: m.int(m.c.opset >= 11 ? -d.length : 0, d.length) } })); }],
  DepthToSpace: [7, 10, m => { const b = m.int(1, 3); one(m, 'DepthToSpace', m.pick(['float32', 'float64']), [m.int(1, 3), b * b * m.int(1, 3), m.int(1, 3), m.int(1, 3)], { blocksize: { i: b } }); }],
  MaxPool: [7, 11, pool], AveragePool: [7, 18, pool],
  PRelu: [7, 12, m => { const t = m.pick(['float32', 'float64']), d = m.positive(m.int(2, 4)); m.give(m.node('PRelu', [m.input(t, d), m.input(t, m.pick([[1], [d[1], ...list(d.length - 2, () => 1)], d]))])); }],
  Cast: [7, 12, m => { const types = ['float32', 'float64', 'float16', 'int32', 'int64', 'int8', 'uint8', 'bool', ...(m.c.opset >= 9 ? ['string'] : [])], from = m.pick(types), into = m.pick(types), number = from === 'string' ? () => m.pick(isFloat(into) ? ['1', '-2.5', '1e3'] : ['1', '0', '7']) : isFloat(from) && into !== 'string' && !isFloat(into) ? () => m.random() * 100 : undefined; one(m, 'Cast', from, m.dims(), { to: { i: TYPES[into] } }); if (number) { const v = m.c.values[m.c.nodes[0].inputs[0]]; v.data = pack(from, list(v.data.length, number)); } }],
  Constant: [7, 11, m => { const t = m.pick(['float32', 'float64', 'int64', 'int32', 'bool', 'string']), d = m.dims(m.int(0, 3)); m.give(m.node('Identity', m.node('Constant', [], { value: { t: { type: t, dims: d, data: pack(t, list(d.reduce((a, b) => a * b, 1), () => m.number(t))) } } }))); }],
  OneHot: [9, 10, m => { const d = m.dims(m.int(0, 3)), depth = m.int(1, 5), tv = m.pick(['float32', 'int64', 'int32']); m.give(m.node('OneHot', [m.input(m.pick(['int64', 'int32', 'float32']), d, { number: () => m.int(0, depth) }), m.value('int64', m.pick([[], [1]]), [depth]), m.input(tv, [2])], m.maybe(0.7, { axis: { i: m.int(-1, d.length) } }))); }],
};

function same(m, op) { const d = m.dims(), t = m.pick(['float32', 'float64']); m.give(m.node(op, list(m.int(1, 4), () => m.input(t, d)))); } // no broadcasting before opset 8

function pool(m, op) {
  const n = m.pick([1, 2, 2, 3]), kernel = list(n, () => m.int(1, 3)), attrs = { kernel_shape: { is: kernel }, ...m.maybe(0.6, { strides: { is: list(n, () => m.int(1, 3)) } }), ...(m.chance(0.2) ? { auto_pad: { s: m.pick(['SAME_UPPER', 'SAME_LOWER', 'VALID']) } } : m.maybe(0.6, { pads: { is: list(2 * n, () => m.int(0, Math.min(...kernel) - 1)) } })) };
  if (m.c.opset >= 10) Object.assign(attrs, m.maybe(0.3, { ceil_mode: { i: 1 } }), op === 'MaxPool' && !attrs.auto_pad ? m.maybe(0.3, { dilations: { is: list(n, () => m.int(1, 2)) } }) : {});
  const two = op === 'MaxPool' && m.c.opset >= 8 && m.chance(0.4);
  if (two) Object.assign(attrs, m.maybe(0.5, { storage_order: { i: m.int(0, 1) } }));
  if (op === 'AveragePool') Object.assign(attrs, m.maybe(0.5, { count_include_pad: { i: m.int(0, 1) } }));
  one(m, op, op === 'AveragePool' ? 'float32' : m.pick(['float32', 'float64']), [m.int(1, 2), m.pick([1, 3]), ...list(n, () => m.int(4, 9))], attrs, two ? 2 : 1);
}

// The old forms, and the present hints of what existed by opset 12, under opsets 7 to 12.
export function oldHints(hints) {
  const made = (op, present) => m => {
    const versions = m.ops[op]?.versions ?? [1], [from, to, make] = FORMS[op] ?? [13, 0];
    m.c.opset = m.int(Math.min(12, Math.max(7, Math.min(versions[0] ?? 1, present ? 99 : from))), 12);
    if (!present) m.c.opset = m.int(from, Math.min(to, 12));
    if (make && m.c.opset >= from && m.c.opset <= to) return make(m, op);
    present(m, op);
    if (op === 'Resize' && m.c.opset < 13) m.c.nodes[0].inputs = m.c.nodes[0].inputs.map((v, i) => v || (i ? m.value('float32', [0], [], true) : v)); // roi and scales must be there, if empty
  };
  return Object.fromEntries([...new Set([...Object.keys(hints).filter(n => !n.includes('.')), ...Object.keys(FORMS)])].map(op => [`old.${op}`, made(op, hints[op])]));
}
