// Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
// cases_microsoft.mjs - random cases of the operators of com.microsoft: how their inputs fit together. Keys are as
// differential.mjs reads them, 'com.microsoft.NAME'. Nothing of cases.mjs is imported: its Maker comes as an argument.
// Left out: what the runtime has no CPU kernel for (BiasAdd, BiasSoftmax, BiasSplitGelu, FusedMatMulActivation,
// GemmFastGelu, MulInteger, PackedAttention, QLinearReduceMean, ReduceSumInteger, RelativePositionBias), and forms that it
// would answer with a crash or with another operator's bug, as noted where they are.
const MS = 'com.microsoft', bare = op => op.slice(MS.length + 1), product = d => d.reduce((a, b) => a * b, 1);

/* ------------------------------------------------------------------------------------------------------- building */

// A node with outputs of which some may be left out, all others given back by the model.
function emit(m, op, ins, attrs = {}, outputs = 1, domain = MS) {
  while (ins.length && ins.at(-1) === '') ins.pop();
  const wanted = Array.isArray(outputs) ? outputs : Array(outputs).fill(true), outs = wanted.map(w => (w ? m.name('y') : ''));
  while (outs.at(-1) === '') outs.pop();
  m.c.nodes.push({ op: bare(op), domain, inputs: ins, outputs: outs, attrs });
  m.give(outs.filter(o => o));
  if (m.chance(0.02)) spoil(m);
}

// Output `i` of the node has a type that the peer's inference does not find.
function typed(m, i, t = 'float32') {
  const name = m.c.nodes[0].outputs[i];
  if (name) (m.c.declared ??= {})[name] = { type: t, dims: [], declare: 'nothing' };
}

// One size too many in one input.
function spoil(m) {
  const name = m.pick(Object.keys(m.c.values).filter(n => m.c.values[n].dims.length && m.c.values[n].type !== 'string').concat(''));
  if (!name) return;
  const v = m.c.values[name], before = v.data.length, grown = [...v.dims];
  grown[m.int(0, grown.length - 1)]++;
  const data = new v.data.constructor(product(grown));
  for (let i = 0; i < data.length && before; i++) data[i] = v.data[i % before];
  v.dims = grown;
  v.data = data;
}

const unit = m => m.random() * 2 - 1;
const real = (m, dims, options = {}) => m.input(options.type ?? 'float32', dims, { number: m.wild && options.wild ? undefined : () => unit(m) * (options.scale ?? 1), ...options });
const type = m => (m.chance(0.12) ? 'float16' : 'float32');
const codes = m => m.pick(['uint8', 'int8']);
const codePair = m => m.pick([['uint8', 'uint8'], ['uint8', 'int8'], ['uint8', 'int8'], ['int8', 'int8'], ['int8', 'int8'], ...(m.chance(0.1) ? [['int8', 'uint8']] : [])]); // of inputs and weights
const limits = { uint8: [0, 255], int8: [-128, 127], uint16: [0, 65535], int16: [-32768, 32767] };
const quanta = (m, t, dims, options = {}) => m.input(t, dims, { number: () => m.int(...(options.range ?? limits[t])), ...options });
const step = (m, dims = [], most = 0.1) => m.input('float32', dims, { number: () => Math.fround(m.random() * most + most / 20), constant: m.chance(0.7) });
const zero = (m, t, dims = []) => m.input(t, dims, { number: () => (m.chance(0.15) ? m.pick(limits[t]) : m.int(limits[t][0] + 90, limits[t][1] - 90)), constant: m.chance(0.7) });
const whole = (m, dims, list, t = 'int32', constant) => m.value(t, dims, list, constant);
const flag = (m, p, ...names) => Object.assign({}, ...names.map(n => m.maybe(p, { [n]: { i: m.int(0, 1) } })));
const filled = (n, make) => Array.from({ length: n }, (_, i) => make(i));

/* ---------------------------------------------------------------------------------------------------- activations */

function gelu(m, op) {
  const name = bare(op), t = m.chance(0.1) ? m.pick(['float16', 'float64']) : 'float32', d = name === 'BiasGelu' ? m.dims(m.int(1, 4)) : m.dims();
  const ins = [real(m, d, { type: t, wild: true, scale: m.pick([1, 4, 30]) })];
  if (d.length && (name === 'BiasGelu' || (name === 'FastGelu' && m.chance(0.5)))) ins.push(real(m, [d.at(-1)], { type: t }));
  emit(m, op, ins, name === 'QuickGelu' ? m.maybe(0.6, { alpha: { f: m.pick([0, 1, 1.702, -0.5, 3]) } }) : {});
}

/* --------------------------------------------------------------------------------------------------- float products */

function fusedMatMul(m, op) {
  const ta = m.int(0, 1), tb = m.int(0, 1), K = m.size() || 1 /* sums of nothing: the peer leaves memory as it is */, M = m.size(), N = m.size(), rank = m.pick([0, 0, 1, 1, 2, 3]), batch = m.positive(rank).map(x => Math.min(x, 3));
  let ba = batch, bb = m.chance(0.3) ? [] : batch.map(x => (m.chance(0.2) ? 1 : x));
  const a = ta ? [K, M] : [M, K], b = tb ? [N, K] : [K, N], attrs = {};
  if (m.chance(0.5)) [ba, bb] = [bb, ba];
  let da = [...ba, ...a], db = [...bb, ...b];
  // transBatch: the first dimension of the matrix stands before the batch
  const turns = bare(op) === 'FusedMatMul' ? 0.15 : 0;
  if (ba.length && m.chance(turns)) { da = [a[0], ...ba, a[1]]; attrs.transBatchA = { i: 1 }; }
  if (bb.length && m.chance(turns)) { db = [b[0], ...bb, b[1]]; attrs.transBatchB = { i: 1 }; }
  if (m.chance(0.04)) da = [K];
  else if (!ta && m.chance(0.04)) db = [K]; // for a vector behind it the peer forgets to transpose
  Object.assign(attrs, ta || m.chance(0.3) ? { transA: { i: ta } } : {}, tb || m.chance(0.3) ? { transB: { i: tb } } : {}, m.maybe(0.5, { alpha: { f: m.pick([0, 1, 0.125, -2, 0.3]) } }));
  emit(m, op, [real(m, da), real(m, db)], attrs);
}

function activation(m, words) {
  const s = m.pick(words);
  return { s, a: { LeakyRelu: m.pick([0.1, 0.5]), HardSigmoid: 0.3, Clip: -0.4, Elu: 0.7, ThresholdedRelu: 0.2 }[s], b: { HardSigmoid: 0.4, Clip: 0.6 }[s] };
}

function fusedGemm(m, op) {
  const M = m.size(), N = m.size(), K = m.size(), ta = m.int(0, 1), tb = m.int(0, 1), c = m.pick([null, [], [1], [N], [M, N], [1, N], [M, 1], [1, 1]].slice(0, K ? 8 : 1)); // of no products the peer forgets beta
  const { s, a, b } = activation(m, ['Relu', 'Tanh', 'Sigmoid', 'LeakyRelu', 'Elu', 'HardSigmoid', 'Softplus', 'Softsign', 'ThresholdedRelu']);
  emit(m, op, [real(m, ta ? [K, M] : [M, K]), real(m, tb ? [N, K] : [K, N]), c ? real(m, c) : ''],
    { ...(ta ? { transA: { i: 1 } } : {}), ...(tb ? { transB: { i: 1 } } : {}), ...m.maybe(0.4, { alpha: { f: m.pick([0, 1, 0.5, -2]) } }), ...m.maybe(0.4, { beta: { f: m.pick([0, 1, 0.5, -2]) } }),
      ...m.maybe(0.95, { activation: { s } }), ...(a === undefined ? {} : m.maybe(0.97, { activation_alpha: { f: a } })), ...(b === undefined ? {} : m.maybe(0.97, { activation_beta: { f: b } })) });
}

function windowOf(m, n, kernel, dilations = true) {
  const a = {}, list = make => ({ is: filled(n, make) });
  if (m.chance(0.5)) a.strides = list(() => m.int(1, 3));
  if (dilations && m.chance(0.3)) a.dilations = list(() => m.int(1, 2));
  if (m.chance(0.2)) a.auto_pad = { s: m.pick(['SAME_UPPER', 'SAME_LOWER', 'VALID', 'NOTSET']) };
  else if (m.chance(0.6)) a.pads = { is: filled(2 * n, () => m.int(0, Math.max(0, Math.min(...kernel) - 1))) };
  return a;
}

function outputOf(x, kernel, a) { // spatial sizes; null: not worked out here
  if (a.auto_pad && a.auto_pad.s !== 'NOTSET' && a.auto_pad.s !== 'VALID') return x.map((s, i) => Math.ceil(s / (a.strides?.is[i] ?? 1)));
  return x.map((s, i) => Math.floor((s + (a.pads ? a.pads.is[i] + a.pads.is[i + x.length] : 0) - ((kernel[i] - 1) * (a.dilations?.is[i] ?? 1) + 1)) / (a.strides?.is[i] ?? 1)) + 1);
}

function fusedConv(m, op) {
  const n = m.pick([1, 2, 2, 2, 3]), group = m.pick([1, 1, 1, 2]), per = m.int(1, 3), out = group * m.pick([1, 2, 8]), kernel = filled(n, () => m.int(1, 3)), s = filled(n, () => m.int(4, 9));
  const attrs = windowOf(m, n, kernel), { s: word, a, b } = activation(m, ['Relu', 'Tanh', 'Sigmoid', 'LeakyRelu', 'Clip', 'HardSigmoid']), batch = m.int(1, 2);
  if (group > 1) attrs.group = { i: group };
  if (m.chance(0.5)) attrs.kernel_shape = { is: kernel };
  if (m.chance(0.9)) { attrs.activation = { s: word }; if (a !== undefined) attrs.activation_params = { fs: b === undefined ? [a] : [a, b] }; }
  const z = m.chance(0.3) ? [batch, out, ...outputOf(s, kernel, attrs)] : null;
  emit(m, op, [real(m, [batch, group * per, ...s]), real(m, [out, per, ...kernel]), m.chance(0.6) ? real(m, [out]) : '', z && z.every(x => x > 0) ? real(m, z) : ''], attrs);
}

/* --------------------------------------------------------------------------------------------------- normalisations */

function skipNorm(m, op) {
  const simple = /Simplified/.test(op), t = m.chance(0.15) ? m.pick(['float16', 'float64']) : 'float32', B = m.int(1, 3), S = m.int(1, 4), H = m.pick([1, 2, 3, 4, 7, 8, 16, 33]), two = m.chance(0.25);
  const x = two ? [S, H] : [B, S, H], skip = m.chance(0.2) ? m.pick([[S, H], [1, S, H]]) : x, ins = [real(m, x, { type: t }), real(m, skip, { type: t }), real(m, [H], { type: t })];
  if (!simple) ins.push(m.chance(0.6) ? real(m, [H], { type: t }) : '');
  ins.push(m.chance(0.5) ? real(m, [H], { type: t }) : '');
  emit(m, op, ins, m.maybe(0.6, { epsilon: { f: m.pick([1e-5, 1e-3, 1e-12, 0]) } }), m.pick([1, 1, [true, false, false, true], [true, false, false, true], ...(m.chance(0.1) ? [[true, false, true], [true, true, true, true]] : [])]));
}

function simpleNorm(m, op) {
  const d = m.positive(m.int(1, 4)), axis = m.chance(0.6) ? -1 : m.int(-d.length, d.length - 1), t = m.chance(0.15) ? m.pick(['float16', 'float64']) : 'float32';
  emit(m, op, [real(m, d, { type: t }), real(m, d.slice(axis < 0 ? axis + d.length : axis), { type: t })], { ...(axis === -1 && m.chance(0.5) ? {} : { axis: { i: axis } }), ...m.maybe(0.6, { epsilon: { f: m.pick([1e-5, 1e-3]) } }), ...m.maybe(0.3, { stash_type: { i: 1 } }) }, m.chance(0.2) && axis === -1 ? 2 : 1, '');
}

function embed(m, op) {
  const B = m.int(1, 3), S = m.int(1, 5), H = m.pick([1, 2, 4, 8, 9]), V = m.int(1, 9), P = m.int(S, 9), G = m.int(1, 3), segments = m.chance(0.6), id = n => () => (m.chance(0.004) ? n : m.int(0, n - 1));
  const at = m.chance(0.4) ? (m.chance(0.5) ? [B, S] : [1, S]) : null;
  emit(m, op, [m.input('int32', [B, S], { number: id(V) }), segments ? m.input('int32', [B, S], { number: id(G) }) : '', real(m, [V, H]), real(m, [P, H]), segments || m.chance(0.1) ? real(m, [G, H]) : '', real(m, [H]), real(m, [H]),
    m.chance(0.5) ? m.input('int32', [B, S], { number: () => m.int(0, 1) }) : '', at ? m.input('int32', at, { number: id(P) }) : ''],
  { ...m.maybe(0.6, { epsilon: { f: m.pick([1e-5, 1e-12]) } }), ...m.maybe(0.3, { mask_index_type: { i: m.int(0, 1) } }) }, m.pick([2, 2, 3]));
  for (const v of Object.values(m.c.values)) if (m.chance(0.98)) v.declare = 'numbers'; // else refused
}

/* -------------------------------------------------------------------------------------------------------- attention */

// Masks of Attention and MultiHeadAttention. T: all keys, P of them of the past.
// Every row sees a key: the scores of one that sees none are rounded to the mask's -10000.
function maskOf(m, B, S, T, forms) {
  let i = 0;
  const form = m.pick(forms), bit = () => (i++ % T === 0 || m.chance(0.7) ? 1 : 0);
  if (form === 'ends') return whole(m, [B], filled(B, () => m.int(1, T)));
  if (form === 'both') return whole(m, [2 * B], [...filled(B, () => m.int(Math.ceil(T / 2), T)), ...filled(B, () => (S > 1 ? 0 : m.int(0, Math.floor(T / 3))))]);
  if (form === 'sums') { // lengths of the keys, then where queries and keys of each begin
    const lengths = filled(B, () => m.int(1, T)), runs = l => l.reduce((a, x) => [...a, a.at(-1) + x], [0]);
    return whole(m, [3 * B + 2], [...lengths, ...runs(filled(B, () => S)), ...runs(lengths)]);
  }
  if (form === 'keys') return m.input('int32', [B, T], { number: bit });
  if (form === 'rows') return m.input('int32', [B, S, T], { number: bit });
  if (form === 'square') return m.input('int32', [B, 1, T + 1, T + 1], { number: () => 1 });
  return '';
}

function attention(m, op) {
  const quantised = bare(op) === 'QAttention', B = m.int(1, 3), S = m.int(1, 6), I = m.pick([1, 2, 4, 7, 16]), N = m.int(1, 4), H = m.pick([1, 2, 3, 4, 8, 16, 17]), P = m.chance(0.35) ? m.int(0, 4) : -1;
  const own = P < 0 && !quantised && m.chance(0.25), V = own ? m.pick([1, 2, 5, 8]) : H, wide = N * (2 * H + V), T = S + Math.max(P, 0);
  const attrs = { num_heads: { i: N }, ...m.maybe(0.4, { unidirectional: { i: m.int(0, 1) } }), ...m.maybe(0.25, { scale: { f: m.pick([0.5, 1, 0.1]) } }), ...m.maybe(0.25, { mask_filter_value: { f: m.pick([-10000, -1, -3.4028234663852886e38]) } }) };
  if (own || (!quantised && m.chance(0.1))) attrs.qkv_hidden_sizes = { is: [N * H, N * H, N * V] };
  const mask = m.chance(0.6) ? maskOf(m, B, S, T, ['ends', 'both', 'keys', 'keys', 'rows', ...(m.chance(0.1) ? ['square'] : [])]) : '', past = P < 0 ? '' : real(m, [2, B, N, P, H]), outputs = P >= 0 || (V === H && m.chance(0.25)) ? 2 : 1; // one present cannot hold rows of two sizes
  if (quantised) {
    const tx = m.chance(0.97) ? 'uint8' : 'int8', tw = codes(m), per = m.chance(0.3) ? [wide] : [];
    delete attrs.scale;
    return emit(m, op, [quanta(m, tx, [B, S, I]), quanta(m, tw, [I, wide], { constant: m.chance(0.7) }), real(m, [wide]), step(m, [], 0.02), step(m, per, 0.02), mask, m.chance(0.7) ? zero(m, tx) : '', m.chance(0.7) ? zero(m, tw, per) : '', past], attrs, outputs);
  }
  if (m.chance(0.01)) { attrs.do_rotary = { i: 1 }; if (m.chance(0.5)) attrs.rotary_embedding_dim = { i: 32 }; }
  return emit(m, op, [real(m, [B, S, I]), real(m, [I, wide], { constant: m.chance(0.7) }), real(m, [wide]) /* else the peer crashes */, mask, past, m.chance(P < 0 ? 0.25 : 0.02) ? real(m, [m.pick([1, B]), m.pick([1, N]), S, T]) : ''], attrs, outputs);
}

function multiHead(m, op) {
  const B = m.int(1, 3), S = m.int(1, 6), N = m.int(1, 4), H = m.pick([1, 2, 3, 4, 8, 16, 17]), form = m.pick(['apart', 'apart', 'apart', 'planes', ...(m.chance(0.15) ? ['qkv', 'kv'] : [])]);
  const V = form === 'apart' && m.chance(0.25) ? m.pick([1, 2, 5, 8]) : H, self = form === 'qkv' || m.chance(0.5), L = self ? S : m.int(1, 7), size = form === 'qkv' || form === 'kv' ? H : V, past = form === 'apart' && V === H && m.chance(0.4) || m.chance(0.03), P = past ? m.int(0, 4) : 0, T = P + L;
  const ins = { apart: () => [real(m, [B, S, N * H]), real(m, [B, L, N * H]), real(m, [B, L, N * V])], qkv: () => [real(m, [B, S, N, 3, H]), '', ''], kv: () => [real(m, [B, S, N * H]), real(m, [B, L, N, 2, H]), ''], planes: () => [real(m, [B, S, N * H]), real(m, [B, N, L, H]), real(m, [B, N, L, V])] }[form]();
  ins.push(m.chance(0.4) ? real(m, [N * (2 * H + size)]) : '', m.chance(0.4) ? maskOf(m, B, S, T, ['ends', 'sums', 'keys', 'keys', 'rows']) : '', m.chance(0.3) ? real(m, [m.pick([1, B]), m.pick([1, N]), S, T]) : '');
  if (past) ins.push(real(m, [B, N, P, H]), real(m, [B, N, P, size]));
  emit(m, op, ins, { num_heads: { i: N }, ...m.maybe(L === S ? 0.3 : 0 /* the peer masks all rows but the last, which sees every key */, { unidirectional: { i: m.int(0, 1) } }), ...m.maybe(0.25, { scale: { f: m.pick([0.5, 1, 0]) } }), ...m.maybe(0.2, { mask_filter_value: { f: m.pick([-10000, -1]) } }) },
    m.chance(0.1) ? 4 : past ? 3 : m.pick([1, 1, 3, 3, [true, false, false, true]]));
  typed(m, 3);
}

function decoderHead(m, op) { // one token
  const B = m.int(1, 3), N = m.int(1, 4), H = m.pick([1, 2, 4, 8, 16]), cross = m.chance(0.4), past = !cross, room = m.int(2, 6), P = m.int(1, room - 1) /* of 0 the peer makes all rows */, L = m.int(1, 5), T = cross ? L : P + 1, packed = past && m.chance(0.15);
  const ins = cross ? [real(m, [B, 1, N * H]), real(m, [B, N, L, H]), real(m, [B, N, L, H])] : packed ? [real(m, [B, 1, 3 * N * H]), '', ''] : [real(m, [B, 1, N * H]), real(m, [B, 1, N * H]), real(m, [B, 1, N * H])];
  ins.push(m.chance(0.4) ? maskOf(m, B, 1, T, ['keys']) : '', m.chance(cross ? 0.02 : 0.3) ? real(m, [m.pick([1, B]), m.pick([1, N]), 1, T]) : '', past ? real(m, [B, N, room, H]) : '', past ? real(m, [B, N, room, H]) : '', past ? whole(m, [1], [P]) : '', '', '' /* beams: the peer takes the key's row for the beam's */, m.chance(0.4) ? real(m, [3 * N * H]) : '');
  const scores = m.chance(0.2);
  emit(m, op, ins, { num_heads: { i: N }, ...(past ? { past_present_share_buffer: { i: 1 } } : {}), ...(scores ? { output_qk: { i: 1 } } : {}), ...m.maybe(0.3, { scale: { f: 0.5 } }), ...m.maybe(0.2, { mask_filter_value: { f: -1 } }) }, past ? (scores ? 4 : 3) : scores ? [true, false, false, true] : 1);
  typed(m, 3);
}

// Rows of a cache of c rows after t tokens when it keeps windows of w (docs/ContribOperators.md).
const resident = (t, c, w) => (t <= c ? t : t - (c - w + 1) * Math.ceil((t - c) / (c - w + 1)));

function grouped(m, op) {
  const B = m.int(1, 3), kv = m.int(1, 3), N = kv * m.int(1, 3), rotary = m.chance(0.5), H = rotary ? m.pick([16, 32, 16]) : m.pick([8, 16, 24, 8, ...(m.chance(0.1) ? [4] : [])]), packed = m.chance(0.35), prompt = m.chance(0.5);
  const window = m.chance(0.2) ? m.int(1, 4) : 0, bits = !window && m.chance(0.2) ? m.pick([4, 8, 8]) : 0, t = !window && !bits && m.chance(0.1) ? 'float16' : 'float32';
  const S = prompt ? m.int(1, 6) : B > 1 || m.chance(0.6) ? 1 : m.int(2, 3), lengths = filled(B, () => (prompt ? S : S + m.int(1, window ? 9 : 5))), total = Math.max(...lengths);
  const room = window ? window + m.int(0, 3) : prompt ? (m.chance(0.5) ? 0 : m.chance(0.5) && !bits ? -1 : S + m.int(0, 3)) : total - S + m.int(0, 1) * m.int(0, 4);
  if (prompt && m.chance(0.3) && B > 1) lengths[m.int(1, B - 1)] = m.int(1, S); // padded behind
  const ins = packed ? [real(m, [B, S, (N + 2 * kv) * H], { type: t }), '', ''] : [real(m, [B, S, N * H], { type: t }), real(m, [B, S, kv * H], { type: t }), real(m, [B, S, kv * H], { type: t })];
  const cache = () => (room < 0 ? '' : bits === 4 ? quanta(m, 'uint8', [B, kv, room, H / 2]) : bits ? quanta(m, 'int8', [B, kv, room, H]) : real(m, [B, kv, room, H], { type: t }));
  ins.push(cache(), cache(), whole(m, m.chance(0.15) ? [B, 1] : [B], lengths.map(x => x - 1)), whole(m, m.chance(0.8) ? [] : [1], [total]));
  const half = H / 2, limit = total + m.int(0, 3), ids = rotary && m.chance(0.2);
  ins.push(rotary ? real(m, [limit, half], { type: t }) : '', rotary ? real(m, [limit, half], { type: t }) : '', ids ? m.input('int64', [B, S], { number: () => m.int(0, limit - 1) }) : '');
  ins.push(m.chance(0.2) ? real(m, [m.pick([1, B]), m.pick([1, N]), S, total], { type: t }) : '', m.chance(0.15) ? real(m, [N], { type: t }) : '');
  const attrs = { num_heads: { i: N }, kv_num_heads: { i: kv }, ...(rotary ? { do_rotary: { i: 1 } } : {}), ...m.maybe(0.3, { rotary_interleaved: { i: m.int(0, 1) } }), ...m.maybe(0.25, { local_window_size: { i: m.pick([1, 2, 3, 100, -1]) } }), ...m.maybe(0.05, { causal: { i: m.int(0, 1) } }), ...m.maybe(0.2, { softcap: { f: m.pick([0, 0.5, 5, 50]) } }), ...m.maybe(0.15, { smooth_softmax: { i: m.int(0, 1) } }), ...m.maybe(0.25, { scale: { f: m.pick([0.5, 1, 0]) } }) };
  if (window) { attrs.sliding_window_cache = { i: 1 }; attrs.local_window_size = { i: window }; delete attrs.causal; }
  if (bits) {
    const each = m.chance(0.5), scale = () => m.input('float32', each ? [1, kv, 1, H] : [1], { number: () => (m.random() + 0.2) / (bits === 4 ? 8 : 100) });
    attrs.k_quant_type = attrs.v_quant_type = { s: each ? 'PER_CHANNEL' : 'PER_TENSOR' };
    attrs.kv_cache_bit_width = { i: bits };
    ins.push(scale(), scale());
  }
  const scores = !window && lengths.every(x => x === total) && m.chance(0.15);
  if (scores) attrs.qk_output = { i: m.int(1, 2) };
  emit(m, op, ins, attrs, scores ? 4 : 3);
  typed(m, 3, t);
  if (lengths.some(x => x < S)) blank(m, B, S, lengths, t);
  if (window) for (const i of [1, 2]) { // rows behind those that are kept are not specified
    const kept = m.value('bool', [B, 1, room, 1], filled(B * room, k => +(k % room < resident(lengths[Math.floor(k / room)], room, window))), true), y = m.c.nodes[0].outputs[i];
    m.c.outputs = m.c.outputs.filter(o => o !== y).concat(m.node('Where', [kept, y, m.value(t, [], [0], true)]));
  }
}

// What stands in the rows behind a sentence is nobody's business.
function blank(m, B, S, lengths, t) {
  const y = m.c.nodes[0].outputs[0], real = m.value('bool', [B, S, 1], filled(B * S, i => +(i % S < lengths[Math.floor(i / S)])), true);
  m.c.outputs = m.c.outputs.slice(1, 3).concat(m.node('Where', [real, y, m.value(t, [], [0], true)]));
}

function rotary(m, op) {
  const B = m.int(1, 3), S = m.int(1, 5), N = m.int(1, 3), H = m.pick([2, 4, 8, 6, 16]), part = m.chance(0.3) && H > 2 ? 2 * m.int(1, H / 2) : 0, limit = S + m.int(0, 6), t = m.chance(0.2) ? 'float16' : 'float32', four = m.chance(0.4), one = m.chance(0.4);
  const attrs = { ...flag(m, 0.5, 'interleaved'), ...m.maybe(0.1, { scale: { f: m.pick([1, 2]) } }), ...m.maybe(0.1, { is_packed_batching: { i: m.int(0, 1) } }) };
  if (part) { attrs.rotary_embedding_dim = { i: part }; attrs.num_heads = { i: N }; } else if (m.chance(0.4)) attrs.num_heads = { i: N };
  const at = one ? whole(m, [1], [m.int(0, limit - S + (m.chance(0.02) ? 1 : 0))], 'int64') : m.input('int64', [B, S], { number: () => (m.chance(0.003) ? limit : m.int(0, limit - 1)) });
  emit(m, op, [real(m, four ? [B, N, S, H] : [B, S, N * H], { type: t }), at, real(m, [limit, (part || H) / 2], { type: t }), real(m, [limit, (part || H) / 2], { type: t })], attrs);
}

/* ----------------------------------------------------------------------------------------------- quantised products */

function nbits(m, op) {
  const bits = m.pick([4, 4, 4, 2, 8, 8]), block = m.pick([16, 16, 32, 64, 128]), K = m.pick([1, 7, 16, 17, 31, 32, 48, 64, 100, 128, 130, 256]), N = m.pick([1, 2, 3, 8, 16, 17, 33]), blocks = Math.ceil(K / block), lead = m.pick([[], [m.int(1, 4)], [m.int(1, 4)], [m.int(1, 2), m.int(1, 3)], [0]]);
  const t = m.chance(0.12) ? 'float16' : 'float32', flat = m.chance(0.5), form = m.pick(['none', 'none', 'packed', 'packed', 'float']), ordered = bits === 4 && form !== 'packed' && m.chance(0.15) /* the peer's zero points do not follow */, level = m.pick([0, 0, 0, 1, 2, 3, 4]), row = Math.ceil(blocks * bits / 8);
  const constant = m.chance(0.75);
  // level 4 rounds A to 8 bits a block: numbers that lose nothing by that
  const number = level === 4 ? () => 0 : () => unit(m), A = real(m, [...lead, K], { type: t, number, constant: m.chance(0.1) }), a = m.c.values[A];
  if (level === 4) for (let i = 0; i < a.data.length; i++) { const x = m.int(-127, 127), exact = (i % K) % 16 === 0 ? 127 : x; a.data[i] = t === 'float16' ? halfOf(exact / 128) : exact / 128; }
  emit(m, op, [A, quanta(m, 'uint8', [N, blocks, block * bits / 8], { constant }), m.input(t, flat ? [N * blocks] : [N, blocks], { number: () => m.random() * 0.1 + 0.01, constant }),
    form === 'packed' ? quanta(m, 'uint8', flat ? [N * row] : [N, row], { constant }) : form === 'float' ? m.input(t, flat ? [N * blocks] : [N, blocks], { number: () => m.int(0, 2 ** bits - 1) + (m.chance(0.3) ? 0.5 : 0), constant }) : '',
    ordered ? m.input('int32', [m.chance(0.7) ? K : blocks * block], { number: () => m.int(0, blocks - 1), constant }) : '', m.chance(0.3) ? m.input(t, [N], { number: () => unit(m), constant }) : ''],
  { K: { i: K }, N: { i: N }, block_size: { i: block }, ...(bits === 4 && m.chance(0.3) ? {} : { bits: { i: bits } }), ...(level || m.chance(0.3) ? { accuracy_level: { i: level } } : {}) });
}
function halfOf(x) { // small integers to float16 bits
  if (x === 0) return 0;
  const e = Math.floor(Math.log2(Math.abs(x)));
  return (x < 0 ? 0x8000 : 0) | ((e + 15) << 10) | Math.round((Math.abs(x) / 2 ** e - 1) * 1024);
}

function gatherBlock(m, op) {
  const form = m.pick(['uint8', 'uint8', 'uint4', 'int4']), bits = form === 'uint8' ? m.pick([4, 4, 8, ...(m.chance(0.1) ? [2] : [])]) : 4, block = m.pick([16, 16, 32]), rank = m.pick([2, 2, 3]), per = form === 'uint8' ? 8 / bits : 1;
  const d = rank === 2 ? [m.int(1, 6), m.pick([16, 32, 40, 64])] : [m.int(1, 4), m.int(1, 3), m.pick([16, 32, 48])], q = form === 'uint8' || m.chance(0.7) ? rank - 1 : m.int(0, rank - 1), g = form === 'uint8' || m.chance(0.6) ? 0 : m.int(0, rank - 1);
  const scales = d.map((x, i) => (i === q ? Math.ceil(x / block) : x)), t = m.chance(0.2) ? 'float16' : 'float32', lay = dims => (form === 'uint8' ? dims.map((x, i) => (i === rank - 1 ? Math.ceil(x / per) : x)) : dims);
  const raw = dims => (form === 'uint8' ? quanta(m, 'uint8', dims, { constant: true }) : m.input(form, dims, { number: () => (form === 'int4' ? m.int(-8, 7) : m.int(0, 15)), constant: true })), index = m.pick(['int32', 'int64']), n = d[g];
  emit(m, op, [raw(lay(d)), m.input(index, m.dims(m.int(0, 2)), { number: () => m.int(-n, n - 1) }), m.input(t, scales, { number: () => m.random() + 0.1, constant: true }), m.chance(0.5) ? raw(lay(scales)) : ''],
    { ...(bits === 4 && m.chance(0.4) ? {} : { bits: { i: bits } }), block_size: { i: block }, ...(g || m.chance(0.5) ? { gather_axis: { i: m.chance(0.3) ? g - rank : g } } : {}), ...(q !== 1 || m.chance(0.5) ? { quantize_axis: { i: m.chance(0.3) ? q - rank : q } } : {}) });
}

function dynamicMatMul(m, op) {
  const tb = codes(m), K = m.size() || 1, N = m.size() || 1, M = m.size(), batch = m.positive(m.int(0, 2)).map(x => Math.min(x, 3)), per = m.chance(0.4) ? [N] : m.pick([[], [1]]), many = m.chance(0.2) ? batch : [], bias = !(many.length && per.length) && m.chance(0.5); // the peer scales the bias of several matrices
  emit(m, op, [real(m, [...batch, M, K], { scale: m.pick([1, 10]) }), quanta(m, tb, [...many, K, N], { constant: m.chance(0.7) }), step(m, per), m.chance(0.6) ? zero(m, tb, per) : '', bias ? real(m, [N]) : '']);
}

function toFloat(m, op) {
  const [ta, tb] = codePair(m), K = m.size() || 1, N = m.size(), M = m.size(), batch = m.positive(m.int(0, 2)).map(x => Math.min(x, 3)), per = m.chance(0.4) ? [N] : m.pick([[], [1]]), scalar = m.pick([[], [1]]), many = m.chance(0.2) ? batch : [], bias = !(many.length && per.length) && m.chance(0.5);
  emit(m, op, [quanta(m, ta, [...batch, M, K]), quanta(m, tb, [...many, K, N]), step(m, scalar), step(m, per), m.chance(0.6) ? zero(m, ta, scalar) : '', m.chance(0.6) ? zero(m, tb, per) : '', bias ? real(m, [N]) : '']);
}

function qgemm(m, op) {
  const [ta, tb] = codePair(m), M = m.size() || 1, N = m.size() || 1, K = m.size() || 1, a = m.int(0, 1), b = m.int(0, 1), per = m.chance(0.4) ? [N] : [], out = m.chance(0.7);
  const ins = [quanta(m, ta, a ? [K, M] : [M, K]), step(m), zero(m, ta), quanta(m, tb, b ? [N, K] : [K, N]), step(m, per), zero(m, tb, per)];
  ins.push(m.chance(0.6) ? m.input('int32', m.pick([[N], [M, N], [1, N], [M, 1], [1], []]), { number: () => m.int(-9999, 9999) }) : '', out ? step(m, [], m.pick([1, 10])) : '', out ? zero(m, ta) : '');
  emit(m, op, ins, { ...(a ? { transA: { i: 1 } } : {}), ...(b ? { transB: { i: 1 } } : {}), ...m.maybe(0.4, { alpha: { f: m.pick([1, 0.5, 2, 0.3]) } }) });
}

function integer16(m, op) {
  const [t, u] = m.chance(0.05) ? m.pick([['uint16', 'int16'], ['uint16', 'uint16'], ['int16', 'uint16']]) : ['int16', 'int16'], K = m.size(), batch = m.positive(m.int(0, 2)).map(x => Math.min(x, 3));
  emit(m, op, [quanta(m, t, [...batch, m.size(), K], { range: t === 'int16' ? [-9000, 9000] : [0, 9000] }), quanta(m, u, [...(m.chance(0.3) ? batch : []), K, m.size()], { range: u === 'int16' ? [-9000, 9000] : [0, 9000] })]);
}

function qconv(m, op) {
  const n = m.pick([1, 2, 2, 3]), group = m.pick([1, 1, 2, 3]), per = m.int(1, 3), out = group * m.pick([1, 2, 4]), kernel = filled(n, () => m.int(1, 3)), s = filled(n, () => m.int(4, 7)), last = m.chance(0.5), [tx, tw] = codePair(m), each = m.chance(0.4) ? [out] : [], attrs = windowOf(m, n, kernel);
  if (group > 1) attrs.group = { i: group };
  if (m.chance(0.6)) attrs.kernel_shape = { is: kernel };
  if (last || m.chance(0.3)) attrs.channels_last = { i: +last };
  const B = m.int(1, 2), C = group * per;
  emit(m, op, [quanta(m, tx, last ? [B, ...s, C] : [B, C, ...s]), step(m), zero(m, tx), quanta(m, tw, [out, per, ...kernel]), step(m, each), m.chance(0.5) ? m.input(tw, each, { number: () => 0 }) : zero(m, tw), step(m, [], m.pick([1, 5])), zero(m, tx), m.chance(0.5) ? m.input('int32', [out], { number: () => m.int(-999, 999) }) : ''], attrs);
}

function quantisedLstm(m, op) { // one step from numbers that 8 bits hold exactly: the runtime rounds what flows in
  const I = m.int(1, 6), H = m.int(1, 5), B = m.int(1, 3), dir = m.pick(['forward', 'reverse', 'bidirectional']), D = dir === 'bidirectional' ? 2 : 1, tw = codes(m), many = m.chance(0.4);
  const x = m.input('float32', [1, B, I], { number: () => m.int(0, 255) / 64 }), v = m.c.values[x], scale = () => m.input('float32', many ? [D, 4 * H] : [D], { number: () => m.random() * 0.02 + 0.001, constant: true }), none = () => m.input(tw, many ? [D, 4 * H] : [D], { number: () => (many && m.chance(0.99) ? 0 : tw === 'uint8' ? m.int(110, 140) : m.int(-5, 5)), constant: true });
  v.data[0] = 0; if (v.data.length > 1) v.data[1] = 255 / 64; else v.data[0] = 255 / 64;
  const w = quanta(m, tw, [D, I, 4 * H], { constant: true }), r = quanta(m, tw, [D, H, 4 * H], { constant: true });
  emit(m, op, [x, w, r, m.chance(0.6) ? real(m, [D, 8 * H]) : '', '', '', m.chance(0.4) ? real(m, [D, B, H]) : '', m.chance(0.3) ? real(m, [D, 3 * H]) : '', scale(), none(), scale(), none()],
    { hidden_size: { i: H }, ...(D > 1 || m.chance(0.5) ? { direction: { s: dir } } : {}), ...m.maybe(0.2, { input_forget: { i: 1 } }), ...m.maybe(0.2, { clip: { f: 0.5 } }) }, 3);
}

/* ------------------------------------------------------------------------------------------- quantised, by elements */

function qbinary(m, op) {
  const t = codes(m), d = m.dims(), e = m.other(d), flip = m.chance(0.5), ins = [];
  for (const shape of flip ? [e, d] : [d, e]) ins.push(quanta(m, t, shape), step(m), m.chance(0.98) ? zero(m, t) : '');
  emit(m, op, [...ins, step(m), m.chance(0.9) ? zero(m, t) : '']);
}

// Scales and zero points known beforehand or not: of a mixture the peer makes a crash.
function fixed(m, t, x = m.chance(0.15) ? m.pick(limits[t]) : m.int(limits[t][0] + 90, limits[t][1] - 90)) {
  m.all ??= m.chance(0.6);
  return m.value(t, [], [x], m.all);
}

function qunary(m, op) {
  const t = codes(m), d = m.dims(), name = bare(op);
  emit(m, op, [quanta(m, t, d), fixed(m, 'float32', m.random() * 0.1 + 0.01), m.chance(0.8) ? fixed(m, t) : '', fixed(m, 'float32', m.random() * (name === 'QLinearSigmoid' ? 0.01 : 0.1) + 0.001), m.chance(0.99) ? fixed(m, t) : ''], name === 'QLinearLeakyRelu' ? m.maybe(0.6, { alpha: { f: m.pick([0, 0.01, 0.5, 2]) } }) : {});
}

function qsoftmax(m, op) { // the peer divides by the whole part of 1 / scale, and wraps above 255
 
  const t = codes(m), d = m.positive(m.int(1, 4)), opset = m.pick([11, 12, 13, 13, 13]);
  emit(m, op, [quanta(m, t, d), step(m), m.chance(0.8) ? zero(m, t) : '', m.value('float32', [], [1 / m.pick([128, 128, 64, 32])]), t === 'int8' ? m.value(t, [], [-128]) : m.value(t, [], [m.chance(0.8) ? 0 : 40])], { opset: { i: opset }, ...m.maybe(0.7, { axis: { i: m.axis(d.length) } }) });
}

function qpool(m, op) {
  const t = codes(m), last = m.chance(0.4), n = m.pick([1, 2, 2, 3]), kernel = filled(n, () => m.int(1, 3)), s = filled(n, () => m.int(3, 8)), B = m.int(1, 2), C = m.pick([1, 3, 8, 17]);
  const ins = [quanta(m, t, last ? [B, ...s, C] : [B, C, ...s]), step(m), m.chance(0.97) ? zero(m, t) : '', step(m), m.chance(0.97) ? zero(m, t) : ''], order = last || m.chance(0.2) ? { channels_last: { i: +last } } : {};
  if (/Global/.test(op)) return emit(m, op, ins, order);
  const form = windowOf(m, n, kernel, false);
  if (/SAME/.test(form.auto_pad?.s)) delete form.strides; // of steps past the window the peer makes negative padding
  return emit(m, op, ins, { kernel_shape: { is: kernel }, ...form, ...m.maybe(0.3, { ceil_mode: { i: 1 } }), ...m.maybe(0.5, { count_include_pad: { i: m.int(0, 1) } }), ...order });
}

function nhwcPool(m, op) {
  const n = m.pick([1, 2, 2, 3]), kernel = filled(n, () => m.int(1, 3)), s = filled(n, () => m.int(3, 8));
  const form = windowOf(m, n, kernel);
  if (/SAME/.test(form.auto_pad?.s)) delete form.strides; // as above
  emit(m, op, [quanta(m, codes(m), [m.int(1, 2), ...s, m.pick([1, 3, 8, 17])])], { kernel_shape: { is: kernel }, ...form, ...m.maybe(0.3, { ceil_mode: { i: 1 } }) });
}

function qconcat(m, op) {
  const t = codes(m), d = m.dims(m.int(1, 4)), axis = m.axis(d.length), at = axis < 0 ? axis + d.length : axis, ins = [step(m), zero(m, t)];
  for (let i = m.int(1, 4); i > 0; i--) ins.push(quanta(m, t, d.map((x, k) => (k === at ? m.int(0, 4) : x))), step(m), zero(m, t));
  emit(m, op, ins, { axis: { i: axis } });
}

function qwhere(m, op) {
  const t = codes(m), d = m.dims();
  const s = () => fixed(m, 'float32', m.random() * 0.1 + 0.01);
  emit(m, op, [m.input('bool', m.other(d)), quanta(m, t, d), s(), fixed(m, t), quanta(m, t, m.other(d)), s(), fixed(m, t), s(), fixed(m, t)]);
}

function quantize(m, op) {
  const to = m.pick(['uint8', 'int8', 'uint16', 'int16']), d = m.positive(m.int(0, 4)), per = d.length > 0 && m.chance(0.4), axis = per ? m.int(-d.length, d.length - 1) : 0, n = per ? [d.at(axis)] : m.chance(0.2) ? [1] : [], back = /Dequantize/.test(op), t = m.chance(0.15) ? 'float16' : 'float32', from = back && m.chance(0.15) ? 'int32' : to;
  const scale = m.input(t, n, { number: () => m.random() * 0.5 + 0.05 }), point = (from === 'int32' ? m.input(from, n, { number: () => 0 }) : m.input(to, n, { number: () => m.int(limits[to][0] + 90, limits[to][0] + 160) }));
  emit(m, op, [back ? (from === 'int32' ? m.input('int32', d, { number: () => m.int(-9999, 9999) }) : quanta(m, from, d)) : real(m, d, { type: t, scale: m.pick([1, 20, 200]) }), scale, m.chance(0.75) ? point : ''], per || m.chance(0.3) ? { axis: { i: per ? axis : m.pick([0, 1, -1]) } } : {});
  if (!m.c.nodes[0].inputs.includes(point)) delete m.c.values[point];
}

/* ------------------------------------------------------------------------------------------------------ odds and ends */

function inverse(m, op) { // far from singular
  const n = m.int(1, 5), d = [...m.positive(m.int(0, 2)).map(x => Math.min(x, 3)), n, n];
  let i = 0;
  emit(m, op, [m.input(m.chance(0.2) ? m.pick(['float64', 'float16']) : 'float32', d, { number: () => { const k = i++ % (n * n); return unit(m) + (k % (n + 1) === 0 ? (m.chance(0.5) ? 4 : -4) * (n > 2 ? 2 : 1) : 0); } })]);
}

function cdist(m, op) {
  const k = m.size(), t = m.pick(['float32', 'float32', 'float64']);
  emit(m, op, [real(m, [m.size(), k], { type: t }), real(m, [m.size(), k], { type: t })], m.maybe(0.8, { metric: { s: m.pick(['euclidean', 'sqeuclidean']) } }));
}

function hash(m, op) {
  const t = m.pick(['int32', 'uint32', 'int64', 'uint64', 'float32', 'float64', 'string']);
  emit(m, op, [m.input(t, m.dims(m.int(0, 4)))], { ...m.maybe(0.6, { positive: { i: m.int(0, 1) } }), ...m.maybe(0.5, { seed: { i: m.pick([0, 1, 42, 2147483647, -1, 4294967295]) } }) });
}

function trilu(m, op) {
  const d = m.dims(m.int(2, 4));
  emit(m, op, [m.input(m.pick(['float32', 'float64', 'int64']), d), m.chance(0.6) ? m.value('int64', m.chance(0.8) ? [] : [1], [m.pick([0, 1, -1, 3, -9, 100])]) : ''], flag(m, 0.6, 'upper'));
}

function grid(m, op) {
  const n = m.int(1, 2), c = m.int(1, 3), s = [m.int(1, 5), m.int(1, 5)], o = [m.int(1, 4), m.int(1, 4)];
  emit(m, op, [real(m, [n, c, ...s]), m.input('float32', [n, ...o, 2], { number: () => m.random() * 3 - 1.5 })],
    { ...m.maybe(0.8, { mode: { s: m.pick(['bilinear', 'nearest', 'bicubic']) } }), ...m.maybe(0.7, { padding_mode: { s: m.pick(['zeros', 'border', 'reflection']) } }), ...flag(m, 0.5, 'align_corners') });
}

function range(m, op) {
  const t = m.pick(['float32', 'float64', 'int16', 'int32', 'int64']), by = m.pick([1, 2, -1, -3, ...(t[0] === 'f' ? [0.5, -0.3] : [])]), at = () => (m.chance(0.8) ? [] : [1]);
  emit(m, op, [m.value(t, at(), [m.int(-5, 5)]), m.value(t, at(), [m.int(-20, 20)]), m.chance(0.7) ? m.value(t, at(), [by]) : '']);
}

function pad(m, op) {
  const d = m.dims(m.int(1, 4)), mode = m.pick(['constant', 'constant', 'reflect', 'edge']), one = i => (mode === 'reflect' ? m.int(0, Math.max(0, d[i] - 1)) : m.int(m.chance(0.1) ? -1 : 0, 3)), list = [...d.map((_, i) => one(i)), ...d.map((_, i) => one(i))];
  emit(m, op, [real(m, d), m.value('int64', m.chance(0.5) ? [list.length] : [1, list.length], list), mode === 'constant' && m.chance(0.6) ? real(m, m.pick([[1], []])) : ''], mode === 'constant' && m.chance(0.5) ? {} : { mode: { s: mode } });
}

function gatherNd(m, op) {
  const d = m.positive(m.int(1, 4)), depth = m.int(1, d.length), shape = [...m.dims(m.int(0, 2)), depth], t = m.pick(['int32', 'int64']);
  emit(m, op, [m.input(m.pick(['float32', 'int32', 'string', 'float64']), d), m.value(t, shape, filled(product(shape), i => m.int(0, d[i % depth] - 1)))]);
}

function expandDims(m, op) {
  const d = m.dims(m.int(0, 4));
  emit(m, op, [real(m, d), m.value('int32', [], [m.chance(0.03) ? d.length + 1 : m.int(-d.length - 1, d.length)])]);
}

function unique(m, op) { emit(m, op, [m.input('float32', m.dims(1), { number: () => m.int(0, 4) })], {}, 3); }

function linear(m, op) {
  const B = m.int(1, 2), S = m.int(1, 4), some = m.int(1, 2), more = some * m.int(1, 2), [kv, N] = m.chance(0.8) ? [some, more] : [more, some], keys = m.chance(0.8) ? kv : 1, K = m.pick([2, 4, 8]), V = m.pick([2, 4, 8]), rule = m.pick(['linear', 'gated', 'delta', 'gated_delta']);
  emit(m, op, [real(m, [B, S, N * K]), real(m, [B, S, keys * K]), real(m, [B, S, kv * V]), m.chance(0.6) ? real(m, [B, kv, K, V]) : '', /gated/.test(rule) ? m.input('float32', m.chance(0.5) ? [B, S, kv] : [B, S, kv * K], { number: () => -m.random() }) : '', /delta/.test(rule) ? m.input('float32', m.chance(0.7) ? [B, S, kv] : [B, S, 1], { number: () => m.random() }) : ''],
    { q_num_heads: { i: N }, kv_num_heads: { i: kv }, ...m.maybe(0.9, { update_rule: { s: rule } }), ...m.maybe(0.4, { scale: { f: 0.5 } }), ...m.maybe(0.2, { chunk_size: { i: 2 } }) }, 2);
}

function causalConv(m, op) {
  const B = m.int(1, 2), C = m.int(1, 5), L = m.int(1, 6), k = m.int(1, 4);
  emit(m, op, [real(m, [B, C, L]), real(m, [C, 1, k]), m.chance(0.5) ? real(m, [C]) : '', m.chance(0.5) ? real(m, [B, C, k - 1]) : ''], m.maybe(0.6, { activation: { s: m.pick(['none', 'silu', 'swish']) } }), 2);
}

const group = (make, ...names) => Object.fromEntries(names.map(n => [`${MS}.${n}`, make]));
export const MICROSOFT_HINTS = {
  ...group(gelu, 'Gelu', 'FastGelu', 'QuickGelu', 'BiasGelu'),
  ...group(fusedMatMul, 'FusedMatMul', 'TransposeMatMul'), ...group(fusedGemm, 'FusedGemm'), ...group(fusedConv, 'FusedConv'),
  ...group(skipNorm, 'SkipLayerNormalization', 'SkipSimplifiedLayerNormalization'), ...group(simpleNorm, 'SimplifiedLayerNormalization'), ...group(embed, 'EmbedLayerNormalization'),
  ...group(attention, 'Attention', 'QAttention'), ...group(multiHead, 'MultiHeadAttention'), ...group(decoderHead, 'DecoderMaskedMultiHeadAttention'),
  ...group(grouped, 'GroupQueryAttention'), ...group(rotary, 'RotaryEmbedding'), ...group(linear, 'LinearAttention'), ...group(causalConv, 'CausalConvWithState'),
  ...group(nbits, 'MatMulNBits'), ...group(gatherBlock, 'GatherBlockQuantized'), ...group(dynamicMatMul, 'DynamicQuantizeMatMul'), ...group(toFloat, 'MatMulIntegerToFloat'), ...group(qgemm, 'QGemm'), ...group(integer16, 'MatMulInteger16'), ...group(qconv, 'QLinearConv'), ...group(quantisedLstm, 'DynamicQuantizeLSTM'),
  ...group(qbinary, 'QLinearAdd', 'QLinearMul'), ...group(qunary, 'QLinearSigmoid', 'QLinearLeakyRelu'), ...group(qsoftmax, 'QLinearSoftmax'), ...group(qpool, 'QLinearAveragePool', 'QLinearGlobalAveragePool'), ...group(nhwcPool, 'NhwcMaxPool'),
  ...group(qconcat, 'QLinearConcat'), ...group(qwhere, 'QLinearWhere'), ...group(quantize, 'QuantizeLinear', 'DequantizeLinear'),
  ...group(inverse, 'Inverse'), ...group(cdist, 'CDist'), ...group(hash, 'MurmurHash3'), ...group(trilu, 'Trilu'), ...group(grid, 'GridSample'), ...group(range, 'Range'), ...group(pad, 'Pad'), ...group(gatherNd, 'GatherND'), ...group(expandDims, 'ExpandDims'), ...group(unique, 'Unique'),
};
