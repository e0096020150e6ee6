// Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
// cases_flow.mjs - random cases of control flow (If, Loop, Scan), sequences and optionals. The models' own inputs and outputs are
// tensors (the peer's binding takes and gives nothing else); sequences and optionals are made and taken apart inside.
import { pack } from './onnx.mjs';

const list = (n, make) => Array.from({ length: n }, (_, i) => make(i));
const scalarBool = (m, x) => m.value('bool', m.pick([[], [1]]), [x ? 1 : 0]);

// A subgraph: takes (and declares, mostly) `inputs` [{ type, dims, kind }]; build(...names) makes nodes and gives the outputs' names.
export function subgraph(m, inputs, build, types = {}) {
  const outer = m.c, inner = m.inner;
  m.c = { opset: outer.opset, nodes: [], values: {}, outputs: [], types, name: m.name('body') };
  m.inner = true;
  const names = inputs.map(t => { const name = m.name('in'); m.c.values[name] = { ...(m.chance(0.8) || t.needed || t.shaped ? { type: t.type, dims: t.dims, kind: t.kind } : {}), declare: t.free ? 'names' : m.pick(['numbers', 'names', ...(t.shaped ? [] : ['nothing'])]) }; return name; });
  m.c.outputs = build(...names);
  const g = m.c;
  outer.opset = g.opset;
  m.c = outer;
  m.inner = inner;
  return { g };
}

const POINTWISE = ['Relu', 'Abs', 'Neg', 'Sigmoid', 'Tanh', 'Identity'];
const step = (m, x, type = 'float32') => (type === 'float32' ? m.node(m.pick(POINTWISE), [x])[0] : m.node('Identity', [x])[0]);
const add = (m, a, b) => m.node(m.pick(['Add', 'Mul', 'Sub', 'Max']), m.chance(0.5) ? [a, b] : [b, a])[0];
const int64 = (m, x) => m.value('int64', [], [x], true);
const shaped = (m, name) => { m.c.values[name].declare = m.pick(['numbers', 'names']); return name; }; // the peer wants to know the shapes of what Scan takes
const f32 = (m, d, constant) => m.input('float32', d, { number: () => m.random() * 2 - 1, ...(constant === undefined ? {} : { constant }) });

/* ---------------------------------------------------------------------------------------------------- If, Loop, Scan */

// One branch: `n` values made of the captured ones (or of constants alone).
function branch(m, captured, n, d, depth, steady = false) {
  return subgraph(m, [], () => {
    const have = [...captured, f32(m, d)];
    const nested = depth > 0 && m.chance(0.3);
    if (nested) have.push(...m.node('If', [m.chance(0.5) ? scalarBool(m, m.chance(0.5)) : m.node('Less', [have.at(-1), have.at(-1)].map(v => m.node('ReduceSum', [v], { keepdims: { i: 0 } })[0]))[0]], { then_branch: branch(m, captured, 1, d, depth - 1, true), else_branch: branch(m, captured, 1, d, depth - 1, true) }));
    const odd = !steady && m.chance(0.15);
    return list(n, () => { const y = m.chance(0.6) ? step(m, m.pick(have)) : add(m, m.pick(have), m.pick(have)); return odd ? m.node('Reshape', [y, m.value('int64', [1], [-1], true)])[0] : y; });
  });
}

function ifOp(m) {
  const d = m.dims(m.int(0, 3)), captured = list(m.int(1, 3), () => f32(m, d)), n = m.pick([1, 1, 2, 3]);
  if (m.chance(0.5)) captured.push(step(m, captured[0]));
  const cond = m.chance(0.6) ? scalarBool(m, m.chance(0.5)) : m.node('Greater', [f32(m, []), f32(m, [])])[0];
  m.give(m.node('If', [cond], { then_branch: branch(m, captured, n, d, 1), else_branch: branch(m, captured, n, d, 1) }, n));
}

function loop(m) {
  const d = m.dims(m.int(0, 2)).map(x => Math.min(x, 4)), outer = f32(m, d), grows = m.chance(0.3), sequence = m.c.opset >= 13 && m.chance(0.2), scans = m.int(0, 2), trips = m.pick([0, 1, 2, 3, 5]), stop = m.pick([null, null, 0, 1, 2, 4]);
  const carried = [{ type: 'float32', dims: d, init: () => f32(m, d) }];
  if (m.chance(0.4)) carried.push({ type: 'int64', dims: [], init: () => m.value('int64', [], [m.int(-3, 3)]) });
  if (grows) carried.push({ type: 'float32', dims: ['n', ...d], free: true, init: () => f32(m, [m.int(0, 2), ...d]) });
  const inputs = [{ type: 'int64', dims: [] }, { type: 'bool', dims: [] }, ...carried.map(t => ({ type: t.type, dims: t.dims, free: t.free }))].map(t => ({ ...t, shaped: true })); // the peer wants to know their shapes
  if (sequence) inputs.push({ type: 'float32', kind: 'sequence', needed: true });
  const deep = m.chance(0.2), extra = m.chance(0.3) ? f32(m, d) : null;
  const body = subgraph(m, inputs, (i, cond, ...state) => {
    const again = stop === null ? m.node('Identity', [cond])[0] : m.node('Less', [i, int64(m, stop)])[0];
    let x = add(m, state[0], outer);
    if (deep) x = m.node('If', [m.node('Equal', [m.node('Mod', [i, int64(m, 2)])[0], int64(m, 0)])[0]], { then_branch: branch(m, [x], 1, d, 0, true), else_branch: branch(m, [outer, state[0]], 1, d, 0, true) })[0];
    if (extra) x = add(m, x, extra);
    const out = [step(m, x)];
    for (let k = 1; k < carried.length; k++) out.push(carried[k].type === 'int64' ? m.node('Add', [state[k], i])[0] : m.node('Concat', [state[k], m.node('Unsqueeze', m.c.opset >= 13 ? [state[0], m.value('int64', [1], [0], true)] : [state[0]], m.c.opset >= 13 ? {} : { axes: { is: [0] } })[0]], { axis: { i: 0 } })[0]);
    if (sequence) out.push(m.node('SequenceInsert', [state.at(-1), state[0]])[0]);
    for (let k = 0; k < scans; k++) out.push(k ? m.node('Cast', [i], { to: { i: m.pick([1, 7, 6]) } })[0] : m.node('Identity', [m.pick([state[0], out[0]])])[0]);
    return [again, ...out];
  });
  const inits = carried.map(t => t.init());
  if (sequence) inits.push(m.node('SequenceEmpty', [])[0]);
  const limited = m.chance(0.85) || stop === null;
  const single = m.pick([[], [], [], [1]]), begin = m.chance(stop === null ? 0.5 : 0.8);
  const out = [...m.node('Loop', [limited ? m.value('int64', single, [trips]) : '', begin ? m.value('bool', single, [m.chance(0.1) ? 0 : 1]) : '', ...inits], { body }, carried.length + (sequence ? 1 : 0) + scans)];
  if (sequence) { const s = out.splice(carried.length, 1)[0]; out.push(m.node('SequenceLength', [s])[0]); if (trips > 0 && m.chance(0.7)) out.push(m.node('ConcatFromSequence', [s], { axis: { i: 0 }, new_axis: { i: 1 } })[0]); }
  m.give(out);
}

function scan(m) {
  const old = m.chance(0.15), T = m.int(m.chance(0.1) && !old ? 0 : 1, 4), B = old ? m.int(1, 3) : 0, d = m.positive(m.int(0, 2)).map(x => Math.min(x, 4)), ins = m.int(1, 2), states = m.int(0, 2), outs = m.int(states ? 0 : 1, 2), outer = shaped(m, f32(m, d));
  if (old) m.c.opset = 8;
  const state = list(states, () => ({ type: 'float32', dims: d })), element = list(ins, () => ({ type: 'float32', dims: d }));
  const body = subgraph(m, [...state, ...element], (...names) => {
    const s = names.slice(0, states), x = names.slice(states);
    const now = s.map(v => add(m, v, m.pick(x))), seen = list(outs, () => step(m, add(m, m.pick([...x, ...now]), m.pick([...x, ...s, ...(old ? [] : [outer])]))));
    return [...now.map(v => (m.chance(0.3) ? step(m, v) : v)), ...seen];
  });
  const attrs = { body, num_scan_inputs: { i: ins } }, axis = () => m.int(0, d.length), at = list(ins, axis), shape = (a, n) => [...d.slice(0, a), n, ...d.slice(a)];
  if (old) {
    Object.assign(attrs, m.maybe(0.5, { directions: { is: list(ins, () => m.int(0, 1)) } }));
    return m.give(m.node('Scan', [m.chance(0.3) ? m.value('int64', [B], list(B, () => m.int(1, Math.max(T, 1)))) : '', ...state.map(() => shaped(m, f32(m, [B, ...d]))), ...element.map(() => shaped(m, f32(m, [B, T, ...d])))], attrs, states + outs));
  }
  const axes = m.chance(0.6);
  if (axes) attrs.scan_input_axes = { is: at.map(a => (m.c.opset >= 11 && m.chance(0.4) ? a - d.length - 1 : a)) };
  if (m.chance(0.5)) attrs.scan_input_directions = { is: list(ins, () => m.int(0, 1)) };
  if (outs && m.chance(0.5)) attrs.scan_output_directions = { is: list(outs, () => m.int(0, 1)) };
  if (outs && m.chance(0.5)) attrs.scan_output_axes = { is: list(outs, () => m.int(m.chance(0.3) ? -d.length - 1 : 0, d.length)) };
  m.give(m.node('Scan', [...state.map(() => shaped(m, f32(m, d))), ...element.map((_, i) => shaped(m, f32(m, shape(axes ? at[i] : 0, T))))], attrs, states + outs));
}

/* -------------------------------------------------------------------------------------------------------- sequences */

const TYPES = ['float32', 'float32', 'float32', 'float64', 'int64', 'int32', 'string', 'bool', 'uint8', 'float16'];
const place = (m, n) => m.value(m.pick(['int64', 'int32']), [], [m.chance(0.03) ? n : n ? m.int(-n, n - 1) : 0]);

// A sequence { name, type, all: [dims] } from several tensors.
function made(m, type = m.pick(TYPES), alike = m.chance(0.5)) {
  const d = m.dims(m.int(0, 3)).map(x => Math.min(x, 5)), all = list(m.int(1, 4), () => (alike ? d : m.dims(m.int(0, 3)).map(x => Math.min(x, 5))));
  return { name: m.node('SequenceConstruct', all.map(e => m.input(type, e)))[0], type, all, alike };
}

const MOVES = {
  SequenceInsert(m, s) { const e = s.alike && s.all.length ? s.all[0] : m.dims(m.int(0, 2)).map(x => Math.min(x, 5)), n = s.all.length, at = m.chance(0.5) ? null : m.chance(0.03) ? n + 1 : m.int(-n, n), all = [...s.all]; all.splice(at === null ? n : at < 0 ? at + n : at, 0, e); return { ...s, name: m.node('SequenceInsert', [s.name, m.input(s.type, e), at === null ? '' : m.value(m.pick(['int64', 'int32']), [], [at])])[0], all }; },
  SequenceErase(m, s) { const n = s.all.length; if (!n) return s; const at = m.chance(0.4) ? n - 1 : m.int(0, n - 1), all = [...s.all]; all.splice(at, 1); return { ...s, name: m.node('SequenceErase', [s.name, at === n - 1 && m.chance(0.5) ? '' : m.value(m.pick(['int64', 'int32']), [], [m.chance(0.4) ? at - n : at])])[0], all }; },
  Identity(m, s) { if (m.c.opset < 14) return s; return { ...s, name: m.node('Identity', [s.name])[0] }; },
};

function takeApart(m, s) {
  if (m.chance(0.5) || !s.all.length) m.give(m.node('SequenceLength', [s.name]));
  if (s.all.length) m.give(m.node('SequenceAt', [s.name, place(m, s.all.length)]));
  if (s.alike && s.all.length && m.chance(0.4)) m.give(m.node('ConcatFromSequence', [s.name], { axis: { i: 0 }, new_axis: { i: 1 } }));
}

function sequence(m, op) {
  let s;
  if (op === 'SequenceEmpty') { const type = m.pick(TYPES), ids = { float32: 1, float64: 11, int64: 7, int32: 6, string: 8, bool: 9, uint8: 2, float16: 10 }; s = { name: m.node(op, [], type === 'float32' && m.chance(0.5) ? {} : { dtype: { i: ids[type] } })[0], type, all: [], alike: true }; s = m.chance(0.8) ? MOVES.SequenceInsert(m, s) : s; }
  else s = made(m);
  for (let i = m.int(0, 3); i > 0; i--) s = MOVES[m.pick(Object.keys(MOVES))](m, s);
  if (MOVES[op]) s = MOVES[op](m, s);
  if (op === 'SequenceLength') m.give(m.node(op, [s.name]));
  if (op === 'SequenceAt' && s.all.length) m.give(m.node(op, [s.name, place(m, s.all.length)]));
  takeApart(m, s);
  if (!m.c.outputs.length) m.give(m.node('SequenceLength', [s.name]));
}

function concatFrom(m) {
  const fresh = m.chance(0.4), type = m.pick(TYPES), d = m.dims(m.int(fresh ? 0 : 1, 3)).map(x => Math.min(x, 5)), axis = fresh ? m.int(-d.length - 1, d.length) : m.axis(d.length), at = axis < 0 ? axis + d.length : axis;
  const s = m.node('SequenceConstruct', list(m.int(1, 4), () => m.input(type, fresh ? d : d.map((x, i) => (i === at ? m.int(0, 4) : x)))))[0];
  m.give(m.node('ConcatFromSequence', [s], { axis: { i: axis }, ...(fresh ? { new_axis: { i: 1 } } : m.maybe(0.3, { new_axis: { i: 0 } })) }));
}

function splitTo(m) {
  const d = m.positive(m.int(1, 4)), type = m.pick(['float32', 'float64', 'int32', 'int64', 'string', ...(m.chance(0.1) ? ['uint8'] : [])]), axis = m.axis(d.length), n = d.at(axis) ?? 1, attrs = { ...m.maybe(0.9, { axis: { i: axis } }), ...m.maybe(0.6, { keepdims: { i: m.int(0, 1) } }) }, real = attrs.axis ? n : d[0];
  const x = m.input(type, d), form = m.pick(['none', 'scalar', 'list']);
  let ins = [x], parts = real;
  if (form === 'scalar') { const k = m.int(1, real + 1); parts = Math.ceil(real / k); ins.push(m.value(m.pick(['int64', 'int32']), [], [k])); }
  if (form === 'list') { let left = real; parts = m.int(1, 3); ins.push(m.ints(list(parts, i => { const k = i === parts - 1 ? left : m.int(0, left); left -= k; return k; }), { type: m.pick(['int64', 'int32']) })); }
  const [s] = m.node('SplitToSequence', ins, attrs);
  m.give(m.node('SequenceLength', [s]));
  for (let i = 0; i < Math.min(parts, 4); i++) m.give(m.node('SequenceAt', [s, int64(m, i)]));
}

function sequenceMap(m) {
  m.need(17);
  const n = m.int(1, 3), two = m.chance(0.4), d = list(n, () => m.dims(m.int(1, 2)).map(x => Math.min(x, 4) || 1)), s = m.node('SequenceConstruct', d.map(e => f32(m, e)))[0], t = two ? m.node('SequenceConstruct', d.map(e => f32(m, e)))[0] : '', plain = m.chance(0.4), k = plain ? f32(m, []) : '', outs = m.int(1, 2);
  const body = subgraph(m, [{ type: 'float32', needed: true }, ...(two ? [{ type: 'float32', needed: true }] : []), ...(plain ? [{ type: 'float32', dims: [], needed: true }] : [])], (...x) => list(outs, i => (i ? m.node('Shape', [x[0]])[0] : x.slice(1).reduce((a, b) => m.node('Add', [a, b])[0], step(m, x[0])))), Object.fromEntries([]));
  for (const [i, o] of body.g.outputs.entries()) body.g.types[o] = { type: i ? 'int64' : 'float32', declare: 'nothing' };
  const out = m.node('SequenceMap', [s, t, k].filter(x => x), { body }, outs);
  for (const o of out) for (let i = 0; i < n; i++) m.give(m.node('SequenceAt', [o, int64(m, i)]));
}

/* -------------------------------------------------------------------------------------------------------- optionals */

function optional(m, op) {
  m.need(m.chance(0.5) ? 15 : 18);
  const type = m.pick(TYPES), d = m.dims(m.int(0, 3)), late = m.c.opset >= 18;
  if (m.chance(0.25)) { // nothing inside
    const kind = m.chance(0.3) ? 'sequence' : undefined;
    if (late && m.chance(0.3)) return m.give(m.node('OptionalHasElement', ['']));
    return m.give(m.node('OptionalHasElement', m.node('Optional', [], { type: { tp: { type, kind } } })));
  }
  const inSequence = m.chance(0.3), value = inSequence ? made(m, type) : { name: m.input(type, d) };
  const wrapped = late && op !== 'Optional' && m.chance(0.3) ? value.name : m.node('Optional', [value.name])[0];
  if (m.chance(0.6) || op === 'OptionalHasElement') m.give(m.node('OptionalHasElement', [wrapped]));
  const [back] = m.node('OptionalGetElement', [wrapped]);
  if (inSequence) takeApart(m, { ...value, name: back }); else m.give([back]);
}

/* -------------------------------------------------------------------------------------------------------- constants */

function constant(m) {
  const form = m.pick(['value', 'value', 'value_float', 'value_floats', 'value_int', 'value_ints', 'value_string', 'value_strings', 'sparse_value']), n = m.int(0, 4), words = ['', 'a', 'été'];
  const type = m.pick(['float32', 'float64', 'int64', 'int32', 'float16', 'bool', 'string', 'uint8']), d = m.dims(m.int(0, 3)), size = d.reduce((a, b) => a * b, 1);
  const sparse = () => { const sd = m.positive(m.int(1, 3)), total = sd.reduce((a, b) => a * b, 1), flat = list(total, i => i).filter(() => m.chance(0.3)), coordinates = m.chance(0.5); const at = coordinates ? flat.flatMap(i => { const out = []; for (let k = sd.length - 1; k >= 0; k--) { out.unshift(i % sd[k]); i = Math.floor(i / sd[k]); } return out; }) : flat; return { dims: sd, values: { type: 'float32', dims: [flat.length], data: pack('float32', flat.map(() => m.random())) }, indices: { type: 'int64', dims: coordinates ? [flat.length, sd.length] : [flat.length], data: pack('int64', at) } }; };
  const attr = form === 'value' ? { t: { type, dims: d, data: pack(type, list(size, () => m.number(type))) } } : form === 'value_float' ? { f: m.random() } : form === 'value_floats' ? { fs: list(n, () => m.random()) } : form === 'value_int' ? { i: m.int(-99, 99) } : form === 'value_ints' ? { is: list(n, () => m.int(-99, 99)) }
    : form === 'value_string' ? { s: m.pick(words) } : form === 'value_strings' ? { ss: list(n, () => m.pick(words)) } : { sparse: sparse() };
  const [y] = m.node('Constant', [], { [form]: attr });
  m.give(m.node('Identity', [y]));
}

export const FLOW_HINTS = { If: ifOp, Loop: loop, Scan: scan, SequenceConstruct: sequence, SequenceEmpty: sequence, SequenceAt: sequence, SequenceInsert: sequence, SequenceErase: sequence, SequenceLength: sequence,
  ConcatFromSequence: concatFrom, SplitToSequence: splitTo, SequenceMap: sequenceMap, Optional: optional, OptionalHasElement: optional, OptionalGetElement: optional, Constant: constant };
