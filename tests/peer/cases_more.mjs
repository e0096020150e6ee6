// Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
// cases_more.mjs - random cases of the operators that need inputs of their own kind: attention, rotary embeddings, scattered caches,
// deformable convolution, spectra, n-grams, random numbers, and everything with bfloat16, float8 and 4-bit integers (which are
// initializers here, or made and undone by Cast inside the model: the peer's binding has no such inputs and outputs).
// Random numbers differ from program to program, so only their shape, type and range are compared. ImageDecoder is left out (the peer
// has no kernel), SwiGLU likewise (the peer knows opset 27).
import { TYPES } from './onnx.mjs';

const list = (n, make) => Array.from({ length: n }, (_, i) => make(i));
const between = (m, a = 1) => (m.random() * 2 - 1) * a;
const REALS = ['float32', 'float32', 'float32', 'float32', 'float16', 'float16', 'float64', 'bfloat16'];
const to = type => ({ to: { i: TYPES[type] } });
// Outputs of types the binding cannot return leave as float32.
const leave = (m, names, type) => m.give(/^(bfloat16|float8|u?int4)/.test(type) ? names.map(n => m.node('Cast', [n], to('float32'))[0]) : names);

/* -------------------------------------------------------------------------------------------------------- attention */

function attention(m) {
  m.need(23);
  if (m.chance(0.5)) m.need(24);
  const type = m.pick(REALS), f = dims => m.input(type, dims, { number: () => between(m, m.pick([1, 1, 3])) });
  const B = m.int(1, 2), kv = m.int(1, 3), q = kv * m.pick([1, 1, 2, 3]), S = m.int(1, 5), L = m.chance(0.5) ? S : m.int(1, 6), past = m.chance(0.4) ? m.int(0, 4) : -1, H = m.pick([1, 2, 4, 8, 16]), V = m.chance(0.7) ? H : m.int(1, 9), flat = m.chance(0.5), T = L + Math.max(past, 0);
  const ins = flat ? [f([B, S, q * H]), f([B, L, kv * H]), f([B, L, kv * V])] : [f([B, q, S, H]), f([B, kv, L, H]), f([B, kv, L, V])], attrs = flat ? { q_num_heads: { i: q }, kv_num_heads: { i: kv } } : {};
  if (!flat && m.chance(0.1)) Object.assign(attrs, { q_num_heads: { i: q }, kv_num_heads: { i: kv } });
  const external = past < 0 && m.c.opset >= 24 && m.chance(0.4);
  if (m.chance(0.5)) {
    const kind = m.pick(['bool', type, type]), shape = m.pick([[S, T], [S, T], [S, T], [B, 1, S, T], [B, 1, S, T], [B, q, S, T], [1, q, S, T], [B, 1, S, T], [B, q, S, T], [1, 1, S, T], [1, q, S, T], [q, S, T], [1, S, T], [1, T], [S, 1], [B, 1, 1, T]]);
    const short = m.c.opset >= 24 && m.chance(0.1) && shape.at(-1) === T && T > 1;
    if (short) shape[shape.length - 1] = T - 1;
    ins.push(m.input(kind, shape, { number: () => (kind === 'bool' ? +m.chance(0.75) : m.chance(0.1) ? -Infinity : between(m, 2)) }));
  } else ins.push('');
  if (past >= 0) ins.push(f([B, kv, past, H]), f([B, kv, past, V])); else ins.push('', '');
  if (external) ins.push(m.value('int64', [B], list(B, () => m.int(m.chance(0.1) ? 0 : 1, T))));
  Object.assign(attrs, m.maybe(0.4, { is_causal: { i: m.int(0, 1) } }), m.maybe(0.3, { scale: { f: m.random() + 0.1 } }), m.maybe(0.3, { softcap: { f: m.pick([0, 0.5, 2, 30]) } }), m.maybe(0.1, { softmax_precision: { i: m.pick([1, 1, 1, 10, 11, 16]) } }));
  const seen = m.chance(0.4);
  if (seen) Object.assign(attrs, m.maybe(0.8, { qk_matmul_output_mode: { i: m.int(0, 3) } }));
  const outputs = seen ? 4 : past >= 0 ? 3 : m.pick([1, 1, 3]), out = m.node('Attention', ins, attrs, external && !seen ? 1 : outputs);
  if (past < 0 && seen && m.chance(0.5)) { m.c.nodes.at(-1).outputs[1] = m.c.nodes.at(-1).outputs[2] = ''; out.splice(1, 2); }
  leave(m, out, type);
}

function rotary(m) {
  m.need(23);
  const type = m.pick(['float32', 'float32', 'float32', 'float16', 'float16', 'bfloat16']), B = m.int(1, 2), N = m.int(1, 3), S = m.int(1, 4), H = 2 * m.int(1, 8), R = m.chance(0.4) ? 2 * m.int(1, H / 2) : 0, half = (R || H) / 2, flat = m.chance(0.5), ids = m.chance(0.6), P = m.int(S, 7), f = d => m.input(type, d, { number: () => between(m) });
  const cache = ids ? [P, half] : [B, S, half];
  leave(m, m.node('RotaryEmbedding', [f(flat ? [B, S, N * H] : [B, N, S, H]), f(cache), f(cache), ids ? m.value('int64', [B, S], list(B * S, () => m.int(0, P - 1))) : ''], { ...m.maybe(0.6, { interleaved: { i: m.int(0, 1) } }), ...(R ? { rotary_embedding_dim: { i: R } } : m.maybe(0.3, { rotary_embedding_dim: { i: 0 } })), ...(flat || m.chance(0.3) ? { num_heads: { i: N } } : {}) }), type);
}

function linearAttention(m) {
  m.need(27);
  const type = m.pick(['float32', 'float32', 'float16']), B = m.int(1, 2), T = m.int(1, 4), kv = m.int(1, 2), q = kv * m.int(1, 2), K = m.pick([1, 2, 4]), V = m.pick([1, 2, 4]), rule = m.pick(['linear', 'gated', 'delta', 'gated_delta']), f = (d, a = 1) => m.input(type, d, { number: () => between(m, a) });
  const decay = rule.includes('gated'), beta = rule.includes('delta');
  leave(m, m.node('LinearAttention', [f([B, T, q * K]), f([B, T, kv * K], 0.5), f([B, T, kv * V]), m.chance(0.5) ? f([B, kv, K, V]) : '', decay ? m.input(type, [B, T, m.chance(0.5) ? kv * K : kv], { number: () => -m.random() }) : '', beta ? m.input(type, [B, T, m.chance(0.5) ? kv : 1], { number: () => m.random() }) : ''],
    { q_num_heads: { i: q }, kv_num_heads: { i: kv }, update_rule: { s: rule }, ...m.maybe(0.3, { scale: { f: 0.7 } }), ...m.maybe(0.2, { chunk_size: { i: 2 } }) }, 2), type);
  for (const v of Object.values(m.c.values)) v.declare = 'numbers'; // the peer runs it as a Scan, which wants to know all shapes
}

function causalConv(m) {
  m.need(27);
  const type = m.pick(['float32', 'float32', 'float16']), B = m.int(1, 2), C = m.int(1, 4), L = m.int(1, 6), k = m.int(1, 4), f = d => m.input(type, d, { number: () => between(m) });
  m.give(m.node('CausalConvWithState', [f([B, C, L]), f([C, 1, k]), m.chance(0.5) ? f([C]) : '', m.chance(0.5) ? f([B, C, k - 1]) : ''], m.maybe(0.6, { activation: { s: m.pick(['none', 'silu', 'swish']) } }), 2));
  for (const v of Object.values(m.c.values)) v.declare = 'numbers';
}

function simplifiedNorm(m) {
  const d = m.positive(m.int(1, 4)), axis = m.int(-d.length, d.length - 1), type = m.pick(['float32', 'float32', 'float64', 'float16']);
  m.give(m.node('SimplifiedLayerNormalization', [m.input(type, d), m.input(type, d.slice(axis < 0 ? axis + d.length : axis))], { axis: { i: axis }, ...m.maybe(0.5, { epsilon: { f: 1e-3 } }) }));
}

function tensorScatter(m) {
  m.need(24);
  const d = m.positive(m.int(2, 4)), type = m.type('TensorScatter'), axis = m.pick([null, ...list(d.length - 1, i => (m.chance(0.5) ? i + 1 : i + 1 - d.length))]), at = axis === null ? d.length - 2 : axis < 0 ? axis + d.length : axis, circular = m.chance(0.4);
  if (at === 0) return tensorScatter(m);
  const n = m.int(1, d[at]), e = d.map((x, i) => (i === at ? n : x));
  m.give(m.node('TensorScatter', [m.input(type, d), m.input(type, e), m.chance(0.7) ? m.value('int64', [d[0]], list(d[0], () => (circular ? m.int(0, 2 * d[at]) : m.int(0, d[at] - n)))) : ''], { ...(axis === null ? {} : { axis: { i: axis } }), ...(circular || m.chance(0.4) ? { mode: { s: circular ? 'circular' : 'linear' } } : {}) }));
}

/* ------------------------------------------------------------------------------------------------ small ones, signals */

function swish(m) { m.need(24); const type = m.pick(REALS); leave(m, m.node('Swish', [m.input(type, m.dims())], m.maybe(0.6, { alpha: { f: m.pick([0, 1, 1.5, -0.5]) } })), type); }

function stft(m) {
  m.need(17);
  const type = m.pick(['float32', 'float64']), complex = m.chance(0.2), n = m.int(4, 20), frame = m.int(1, n), window = m.chance(0.6), length = !window || m.chance(0.5), t = m.pick(['int64', 'int32']);
  m.give(m.node('STFT', [m.input(type, [m.int(1, 2), n, complex ? 2 : 1], { number: () => between(m) }), m.value(t, [], [m.int(1, 5)], true), window ? m.input(type, [frame], { number: () => m.random() }) : '', length ? m.value(t, [], [frame], true) : ''], complex ? { onesided: { i: 0 } } : m.maybe(0.6, { onesided: { i: m.int(0, 1) } })));
}

function mel(m) {
  m.need(17);
  const t = m.pick(['int64', 'int32']), rate = m.pick([8000, 16000, 44100]), lower = m.pick([0, 20, 300]), out = m.pick([null, 1, 11, 7, 6]);
  m.give(m.node('MelWeightMatrix', [m.value(t, [], [m.int(1, 12)]), m.value(t, [], [m.pick([16, 64, 31, 128, 400])]), m.value(t, [], [rate]), m.value('float32', [], [lower]), m.value('float32', [], [m.pick([rate / 2, 3000])])], out ? { output_datatype: { i: out } } : {}));
}

function deform(m) {
  m.need(m.pick([19, 22]));
  const type = m.pick(['float32', 'float32', 'float64']), group = m.pick([1, 1, 2]), og = m.pick([1, 1, 2]), N = m.int(1, 2), C = group * og * m.int(1, 2), O = group * m.int(1, 3), k = list(2, () => m.int(1, 3)), s = list(2, () => m.int(1, 2)), p = list(4, () => m.int(0, 2)), dil = list(2, () => m.int(1, 2));
  const x = list(2, i => Math.max(m.int(3, 7), (k[i] - 1) * dil[i] + 1 - p[i] - p[i + 2])), o = list(2, i => Math.floor((x[i] + p[i] + p[i + 2] - (k[i] - 1) * dil[i] - 1) / s[i]) + 1), f = (d, a = 1) => m.input(type, d, { number: () => between(m, a) });
  m.give(m.node('DeformConv', [f([N, C, ...x]), f([O, C / group, ...k]), f([N, og * 2 * k[0] * k[1], ...o], m.pick([0, 1, 3])), m.chance(0.5) ? f([O]) : '', m.chance(0.5) ? m.input(type, [N, og * k[0] * k[1], ...o], { number: () => m.random() }) : ''],
    { strides: { is: s }, pads: { is: p }, dilations: { is: dil }, group: { i: group }, offset_group: { i: og }, ...m.maybe(0.5, { kernel_shape: { is: k } }) }));
}

function tfidf(m) {
  const strings = m.chance(0.4), alphabet = strings ? ['a', 'b', 'c', 'dd'] : [1, 2, 3, -4], type = strings ? 'string' : m.pick(['int64', 'int32']), low = m.int(1, 2), high = low + m.int(0, 1), pool = [], counts = [];
  let grams = 0;
  for (let n = 1; n <= 3; n++) { counts.push(pool.length); const seen = new Set(); for (let i = m.int(n === 1 ? 1 : 0, 4); i > 0; i--) { const g = list(n, () => m.pick(alphabet)); if (seen.has(g.join())) continue; seen.add(g.join()); pool.push(...g); grams++; } }
  while (counts.length > high && counts.at(-1) === pool.length) counts.pop();
  const places = list(grams, i => i);
  for (let i = grams - 1; i > 0; i--) { const j = m.int(0, i); [places[i], places[j]] = [places[j], places[i]]; }
  const d = m.pick([[m.int(0, 9)], [m.int(1, 3), m.int(1, 9)], [m.int(1, 3), m.int(1, 9)]]);
  m.give(m.node('TfIdfVectorizer', [m.input(type, d, { number: () => m.pick(alphabet) })], { mode: { s: m.pick(['TF', 'IDF', 'TFIDF']) }, min_gram_length: { i: low }, max_gram_length: { i: high }, max_skip_count: { i: m.int(0, 3) }, ngram_counts: { is: counts }, ngram_indexes: { is: places }, ...(strings ? { pool_strings: { ss: pool } } : { pool_int64s: { is: pool } }), ...m.maybe(0.6, { weights: { fs: list(grams, () => m.int(1, 9) / 4) } }) }));
}

function bitCast(m) {
  m.need(26);
  const same = [['float32', 'int32', 'uint32'], ['float64', 'int64', 'uint64'], ['float16', 'int16', 'uint16'], ['int8', 'uint8', 'bool']], kinds = m.pick(same), from = m.pick(kinds), into = m.pick(kinds);
  m.give(m.node('BitCast', [m.input(from, m.dims(), into === 'bool' ? { number: () => m.int(0, 1) } : {})], to(into)));
}

function cumProd(m) {
  m.need(26);
  const type = m.pick(['float32', 'float32', 'float64', 'int32', 'int64', 'uint32', 'float16']), d = m.dims(m.int(1, 4));
  m.give(m.node('CumProd', [m.input(type, d, { number: () => (type.startsWith('float') ? between(m, 2) : m.int(type[0] === 'u' ? 0 : -3, 3)) }), m.value(m.pick(['int32', 'int64']), [], [m.axis(d.length)])], { ...m.maybe(0.5, { exclusive: { i: m.int(0, 1) } }), ...m.maybe(0.5, { reverse: { i: m.int(0, 1) } }) }));
}

/* --------------------------------------------------------------------------------------------------------- randomness */

// What can be said of numbers drawn at random: their shape, their type (by Cast of zero times them), whether all lie between.
function drawn(m, y, low, high) {
  m.give(m.node('Shape', [y]));
  const [x] = m.node('Cast', [y], to('float64'));
  for (const [op, by, bound] of [['Min', 'Less', low], ['Max', 'Greater', high]]) if (bound !== undefined) m.give(m.node('ReduceMax', [m.node('Cast', m.node(by, [x, m.value('float64', [], [bound], true)]), to('int32'))[0]], { keepdims: { i: 0 } }));
}
const seed = m => m.maybe(0.5, { seed: { f: m.int(0, 99) } });

function randomOp(m, op) {
  m.c.opset = m.int(13, 21); // the peer has no kernels of later versions
  const d = m.positive(m.int(0, 3)), real = m.pick(['float32', 'float64', 'float16']), like = op.endsWith('Like');
  if (op === 'Bernoulli') { m.need(15); const type = m.pick(['float32', 'float64']), out = m.pick(['float32', 'int64', 'bool', 'float64', 'int32']); return m.give(m.node(op, [m.input(type, d, { number: () => m.int(0, 1) })], { ...m.maybe(0.6, { dtype: { i: TYPES[out] } }), ...seed(m) })); } // sure things
  if (op === 'Multinomial') { const n = m.int(1, 5), sure = m.chance(0.5); const [y] = m.node(op, [m.input('float32', [m.int(1, 3), n], { number: () => (sure ? 0 : between(m)) })], { ...m.maybe(0.7, { sample_size: { i: m.int(1, 6) } }), ...m.maybe(0.6, { dtype: { i: m.pick([6, 7]) } }), ...seed(m) }); return drawn(m, y, 0, n - 1); }
  const uniform = op.includes('Uniform'), low = between(m, 3), high = low + m.random() * 3;
  const attrs = { ...(uniform ? { low: { f: low }, high: { f: high } } : m.maybe(0.5, { mean: { f: low }, scale: { f: 1.5 } })), ...m.maybe(0.6, { dtype: { i: TYPES[real] } }), ...seed(m), ...(like ? {} : { shape: { is: d } }) };
  if (like && !attrs.dtype) attrs.dtype = { i: 1 };
  const [y] = m.node(op, like ? [m.input(m.pick(['float32', 'int64', 'float64']), d)] : [], attrs);
  drawn(m, y, ...(uniform ? [low - 0.01, high + 0.01] : []));
}

/* ---------------------------------------------------------------------------------- blocks, 4 and 8 bits, bfloat16 */

const CODES = ['int8', 'uint8', 'int4', 'uint4', 'int4', 'uint4', 'int16', 'uint16', 'float8e4m3fn', 'float8e5m2', 'float8e4m3fnuz', 'float8e5m2fnuz'];
const LOW = { int8: -128, uint8: 0, int4: -8, uint4: 0, int16: -300, uint16: 0 }, HIGH = { int8: 127, uint8: 255, int4: 7, uint4: 15, int16: 300, uint16: 600 };
const code = (m, t) => () => (/^float8/.test(t) ? m.pick([0, 1, 2]) * 64 + m.int(0, 60) : m.int(LOW[t], HIGH[t]));

// Shapes of scales: one, one per slice of an axis, one per block of an axis.
function scales(m, d) {
  const how = m.pick(['one', 'axis', 'block', 'block']), axis = m.int(-d.length, d.length - 1), size = m.int(1, 4);
  if (how === 'one' || !d.length) return { dims: m.pick([[], [], [1]]), attrs: {} };
  if (how === 'axis') return { dims: [d.at(axis)], attrs: { axis: { i: axis } } };
  const at = axis < 0 ? axis + d.length : axis;
  return { dims: d.map((x, i) => (i === at ? Math.ceil(x / size) : x)), attrs: { axis: { i: axis }, block_size: { i: size } } };
}

function quantizeBlocks(m) {
  m.need(m.pick([21, 21, 23, 24]));
  const d = m.positive(m.int(0, 4)), into = m.pick(CODES), type = m.pick(['float32', 'float32', 'float16', ...(m.chance(0.3) ? ['bfloat16', 'int32'] : [])]), s = scales(m, d), zero = m.chance(0.6), f8 = /^float8/.test(into), scaleType = type === 'int32' ? 'float32' : type;
  const x = m.input(type, d, { number: () => (type === 'int32' ? m.int(-90, 90) : between(m, m.pick([1, 5, f8 ? 600 : 40]))) }), ins = [x, m.input(scaleType, s.dims, { number: () => (/16$/.test(scaleType) ? m.pick([0.125, 0.25, 0.5, 1, 2]) : m.random() * 0.5 + 0.05) })]; // quotients of 16 bits that are exact: the peer does not round them
  if (zero) ins.push(m.input(into, s.dims, { number: () => (f8 ? 0 : m.int(LOW[into] / 4 | 0, HIGH[into] / 4 | 0)) }));
  const [y] = m.node('QuantizeLinear', ins, { ...s.attrs, ...(!zero || m.chance(0.2) ? { output_dtype: { i: TYPES[into] } } : {}), ...(f8 ? m.maybe(0.4, { saturate: { i: m.int(0, 1) } }) : {}), ...(m.c.opset >= 23 ? m.maybe(0.2, { precision: { i: m.pick([1, 10]) } }) : {}) });
  m.give(f8 || /int4/.test(into) ? m.node('Cast', [y], to(f8 ? 'float32' : 'int32')) : [y]);
}

function dequantizeBlocks(m) {
  m.need(m.pick([21, 21, 23, 24]));
  const d = m.positive(m.int(0, 4)), from = m.pick([...CODES, 'int32']), type = m.pick(['float32', 'float32', 'float16', 'bfloat16']), s = scales(m, d), zero = m.chance(0.6), f8 = /^float8/.test(from), out = m.c.opset >= 23 && m.chance(0.2) ? m.pick(['float32', 'float16']) : null;
  const ins = [m.input(from, d, { number: from === 'int32' ? () => m.int(-99, 99) : code(m, from) }), m.input(type, s.dims, { number: () => m.random() * 0.5 + 0.05 })];
  if (zero) ins.push(m.input(from, s.dims, { number: () => (f8 || from === 'int32' ? 0 : m.int(LOW[from] / 4 | 0, HIGH[from] / 4 | 0)) }));
  leave(m, m.node('DequantizeLinear', ins, { ...s.attrs, ...(out ? { output_dtype: { i: TYPES[out] } } : {}) }), out ?? type);
}

const NARROW = ['bfloat16', 'float8e4m3fn', 'float8e5m2', 'float8e4m3fnuz', 'float8e5m2fnuz', 'int4', 'uint4'], WIDE = ['float32', 'float32', 'float64', 'float16', 'int32', 'int64', 'int8', 'uint8', 'bool', 'string', 'bfloat16', 'int4', 'uint4', 'float8e4m3fn', 'float8e5m2'];

// From a narrow type (an initializer) to any, or from any to a narrow type and back.
function castNarrow(m) {
  m.need(m.pick([21, 23, 24]));
  const d = m.dims();
  if (m.chance(0.5)) {
    const from = m.pick(NARROW), into = m.pick(WIDE), small = /int4|int8|bool|uint/.test(into);
    const number = from === 'bfloat16' ? () => (small || /int/.test(into) ? (m.chance(0.5) ? 1 : m.int(0, 7)) : m.number('float32')) : /int4/.test(from) ? () => m.int(from[0] === 'u' || /^u/.test(into) ? 0 : -8, /int4/.test(into) ? 7 : from[0] === 'u' ? 15 : 7) : () => (m.wild && !/int|bool/.test(into) ? m.int(0, 255) : m.chance(0.5) && !/^u|int|bool/.test(into) ? m.int(128, 128 + 80) : m.int(0, 80));
    return leave(m, m.node('Cast', [m.input(from, d, { number })], { ...to(into), ...(/^float8/.test(into) ? m.maybe(0.4, { saturate: { i: m.int(0, 1) } }) : {}) }), into);
  }
  const from = m.pick(['float32', 'float32', 'float16', 'float64', 'int32', 'int8', 'uint8', 'bool', 'int64']), into = m.pick(NARROW), f8 = /^float8/.test(into), limit = m.pick([1, 20, 500, 60000]);
  const number = from === 'bool' ? () => m.int(0, 1) : from.startsWith('float') ? () => (m.wild && f8 && m.chance(0.2) ? m.pick([NaN, Infinity, -Infinity, 1e30, -0]) : /int4/.test(into) ? m.int(into[0] === 'u' ? 0 : -8, 7) : between(m, limit) * m.pick([1, 1e-2, 1e-4])) : () => m.int(into[0] === 'u' || from[0] === 'u' ? 0 : -8, 7);
  const [y] = m.node('Cast', [m.input(from, d, { number })], { ...to(into), ...(f8 ? m.maybe(0.5, { saturate: { i: m.int(0, 1) } }) : {}) });
  leave(m, [y], into);
}

// Moving operators and arithmetic in bfloat16 and 4 bits.
function narrow(m) {
  m.need(m.pick([21, 23, 24]));
  const d = m.positive(m.int(1, 4)), type = m.pick(['bfloat16', 'bfloat16', 'int4', 'uint4', 'float8e4m3fn', 'float8e5m2']), x = m.input(type, d, { number: /^float8/.test(type) ? () => m.int(0, 100) : undefined });
  const p = d.map((_, i) => i).reverse(), n = d.reduce((a, b) => a * b, 1), op = m.pick(['Transpose', 'Reshape', 'Identity', 'Squeeze', 'Unsqueeze', 'Flatten', 'Shape', 'Size', ...(type === 'bfloat16' ? ['Add', 'Mul', 'Relu', 'Sigmoid', 'MatMul', 'Concat', 'Slice', 'Gather', 'Softmax', 'ReduceSum', 'Where', 'Equal'] : [])]);
  const out = op === 'Transpose' ? m.node(op, [x], { perm: { is: p } }) : op === 'Reshape' ? m.node(op, [x, m.ints([n])]) : op === 'Unsqueeze' ? m.node(op, [x, m.ints([0])]) : op === 'MatMul' ? m.node(op, [x, m.input(type, [d.at(-1), 3])]) : ['Add', 'Mul', 'Equal'].includes(op) ? m.node(op, [x, m.input(type, m.other(d))])
    : op === 'Concat' ? m.node(op, [x, x], { axis: { i: 0 } }) : op === 'Slice' ? m.node(op, [x, m.ints([0]), m.ints([1])]) : op === 'Gather' ? m.node(op, [x, m.ints([0])]) : op === 'Where' ? m.node(op, [m.input('bool', d), x, x]) : m.node(op, [x]);
  leave(m, out, /Shape|Size|Equal/.test(op) && op !== 'Reshape' ? 'int64' : type);
}

export const MORE_HINTS = { Attention: attention, RotaryEmbedding: rotary, LinearAttention: linearAttention, CausalConvWithState: causalConv, SimplifiedLayerNormalization: simplifiedNorm, TensorScatter: tensorScatter, Swish: swish, STFT: stft, MelWeightMatrix: mel, DeformConv: deform, TfIdfVectorizer: tfidf, BitCast: bitCast, CumProd: cumProd,
  Bernoulli: randomOp, Multinomial: randomOp, RandomNormal: randomOp, RandomNormalLike: randomOp, RandomUniform: randomOp, RandomUniformLike: randomOp,
  'blocks.QuantizeLinear': quantizeBlocks, 'blocks.DequantizeLinear': dequantizeBlocks, 'narrow.Cast': castNarrow, 'narrow.Identity': narrow };
