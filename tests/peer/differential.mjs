// Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
// differential.mjs - random models through onnxruntime and through Tenon: who answers differently, and who is right?
//
//   NODE_PATH=DIR/node_modules node tests/peer/differential.mjs BUILD/src/tenon [OPTION]...
//     --cases N   how many (default 2000)      --from I   the first one (default 0)      --seed S   which sequence (default 1)
//     --only OP   cases of one operator        --show     print the smallest case of every kind of disagreement
//     --state F   remember counts in a file and go on from there                         --case I    print one case
//
// A case is a model of one operator or a small graph, made from (seed, index) alone (cases.mjs). onnxruntime runs it in a
// process of its own, which is started anew behind a case that kills it; the case and its outputs are written in the layout of
// the ONNX backend tests, and `tenon test` runs a folder of them (each in a process of its own when one crashes). Differences that
// are rounding are found by measuring: in float64 they vanish. What remains is held against tests/peer/disagreements.txt. Needs the npm package onnxruntime-node.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeCase } from './cases.mjs';
import { model, pack, plainNumbers, tensor } from './onnx.mjs';

const SELF = fileURLToPath(import.meta.url), CHUNK = 1000;

/* ------------------------------------------------------------------------------------------------------- the peer */

function peer() {
  process.env.ALLOW_RELEASED_ONNX_OPSET_ONLY = '0'; // the opset under development, too
  const require = createRequire(path.join(process.env.NODE_PATH ?? process.cwd(), 'x.js'));
  return require(process.env.NODE_PATH ? path.resolve(process.env.NODE_PATH, 'onnxruntime-node') : 'onnxruntime-node');
}

async function runPeer(ort, c) {
  const s = await ort.InferenceSession.create(model(c), { graphOptimizationLevel: 'disabled', logSeverityLevel: 4, intraOpNumThreads: 1, interOpNumThreads: 1 });
  try {
    const feeds = {};
    for (const [name, v] of Object.entries(c.values)) if (!v.constant) feeds[name] = new ort.Tensor(v.type, v.data, v.dims);
    return await s.run(feeds);
  } finally { await s.release(); }
}

// How closely outputs must agree: exactly, or as their type and the sizes of the inputs allow.
function closeness(c, outputs) {
  const types = [...Object.values(c.values).map(v => v.type), ...Object.values(outputs ?? {}).map(t => t.type)];
  if (types.includes('float16') || types.includes('bfloat16') || c.nodes.some(n => n.attrs.to && [10, 16].includes(n.attrs.to.i))) return 'half';
  if (!types.some(t => t.startsWith('float'))) return 'exact';
  return c.scale > 4 ? 'large' : 'float';
}
const LIMITS = { exact: [0, 0], float: [1e-4, 2e-5], large: [1e-3, 1e-3], half: [1e-2, 2e-2] };

function writeCase(dir, c, outputs) {
  const data = path.join(dir, 'test_data_set_0');
  fs.mkdirSync(data, { recursive: true });
  fs.writeFileSync(path.join(dir, 'model.onnx'), model(c));
  Object.entries(c.values).filter(([, v]) => !v.constant).forEach(([name, v], i) => fs.writeFileSync(path.join(data, `input_${i}.pb`), tensor(v, name)));
  c.outputs.forEach((name, i) => { const t = outputs?.[name]; if (t) fs.writeFileSync(path.join(data, `output_${i}.pb`), tensor({ type: t.type, dims: t.dims, data: t.data }, name)); });
}

// In a process of its own: makes, runs and writes cases FROM..TO-1; a line per case in the file `log`.
async function work([seed, from, to, dir, opsFile, only]) {
  const ort = peer(), ops = readOps(opsFile), log = fs.openSync(path.join(dir, 'log'), 'a');
  for (let i = +from; i < +to; i++) {
    const c = makeCase(+seed, i, ops, only || undefined);
    fs.writeSync(log, `${i} begins ${c.kind}\n`);
    let outputs = null, why = '';
    const watch = setTimeout(() => process.exit(3), 5000); // onnxruntime runs beside this thread, for ever at times
    try { outputs = await runPeer(ort, c); } catch (e) { why = String(e.message ?? e).replace(/\s+/g, ' ').slice(0, 300); }
    clearTimeout(watch);
    writeCase(path.join(dir, closeness(c, outputs), `c${i}_${c.kind}${outputs ? '' : '_refused'}`), c, outputs);
    fs.writeSync(log, `${i} ${outputs ? 'ran' : 'refused'} ${why}\n`);
  }
}

/* ------------------------------------------------------------------------------------------------------- comparing */

function readOps(file) { return Object.fromEntries(JSON.parse(fs.readFileSync(file, 'utf8')).filter(o => !o.domain || true).map(o => [o.domain ? `${o.domain}.${o.name}` : o.name, o])); }

// How each case is run: optimised on one thread; as it stands; on more threads; after saving and opening again; and
// between runs of other sizes on the same session.
const WAYS = [[], ['--no-optimize'], ['--threads', '2'], ['--threads', '3'], ['--threads', '4'], ['--reload'], ['--vary', '5'], ['--vary', '9', '--no-optimize', '--threads', '2']];

// What `tenon test` says of the cases below dir: a map from case to sentence for those that fail in some way, and another to
// the way, where it is not the first one.
function runTenon(tenon, dir) {
  const failed = new Map(), by = new Map();
  for (const [kind, [rtol, atol]] of Object.entries(LIMITS)) for (const way of WAYS) {
    const at = path.join(dir, kind);
    if (!fs.existsSync(at)) continue;
    const run = (...more) => spawnSync(tenon, ['test', ...more, ...way, '--rtol', String(rtol), '--atol', String(atol), at], { encoding: 'utf8', maxBuffer: 1 << 28, timeout: 600e3 });
    let p = run('--no-fork'); // fast; a crash ends all, so then each case gets its process
    if (p.status !== 0 && p.status !== 1) p = run('--timeout', '20');
    if (p.status !== 0 && p.status !== 1) throw new Error(`tenon test: ${p.status} ${p.stderr}`);
    for (const line of p.stdout.split('\n')) {
      const found = line.match(/^(FAILED|skipped) (\S+): (.*)$/);
      if (!found || failed.has(found[2])) continue;
      if (way.length && found[2].endsWith('_refused') && !/^crashed/.test(found[3])) continue; // nothing to compare with
      failed.set(found[2], found[3]);
      if (way.length) by.set(found[2], way.join(' '));
    }
  }
  return { failed, by };
}

const plain = s => s.replace(/^.*\/model.onnx: /, '').replace(/node '[^']*' /g, '').replace(/'[a-z]+\d+'/g, 'V').replace(/-?\d+(\.\d+)?(e[+-]?\d+)?/gi, 'N').replace(/N(xN)+/g, 'N').slice(0, 110);

// A verdict per case: [kind, sentence]
function judge(name, failed) {
  const refused = name.endsWith('_refused'), why = failed.get(name);
  if (why !== undefined && /^(crashed|took longer|ended with)/.test(why)) return ['crash', why];
  if (refused) return [why === undefined ? 'runs here only' : /of \d+ elements differ|inference said/.test(why) ? 'differs' : 'both refuse', why ?? ''];
  if (why === undefined) return ['agrees', ''];
  return [/elements differ|shape|expected|inference said|is .* not/.test(why) && /^output/.test(why) ? 'differs' : 'refused here only', why];
}

// What a case holds that often explains a difference, for the words of disagreements.txt to match: NaN, infinity and large numbers,
// whether integers differ by one at most, and the attributes of a single operator as {name=value}.
function holds(c, said) {
  let nan = false, infinite = false, large = false;
  for (const v of Object.values(c.values)) for (const x of plainNumbers(v)) if (typeof x === 'number') { nan ||= x !== x; infinite ||= Math.abs(x) === Infinity; large ||= Math.abs(x) > 1e9; }
  const pair = said.match(/ is (-?\d+), expected (-?\d+)$/), near = pair && Math.abs(pair[1] - pair[2]) === 1;
  const attributes = c.kind === 'graph' ? [] : c.nodes.flatMap(n => Object.entries(n.attrs)).filter(([, a]) => !a.t && !a.g).map(([name, a]) => ` {${name}=${Object.values(a)[0]}}`);
  return (nan ? ' [NaN]' : '') + (infinite ? ' [infinity]' : '') + (large ? ' [large]' : '') + (near ? ' [off by 1]' : '') + attributes.join('');
}

/* ------------------------------------------------------------------------------------- rounding, found by measuring */

const REAL = { 1: 11, 10: 11 }; // element types of attributes

// The same case in float64; null when it has nothing to widen.
function inDouble(c) {
  const d = copy(c);
  let found = false;
  const widen = v => { if (/^(float32|b?float16)$/.test(v.type)) { v.data = Float64Array.from(plainNumbers(v)); v.type = 'float64'; found = true; } };
  const graph = g => {
    Object.values(g.values).forEach(v => (v.data ? widen(v) : /^(float32|b?float16)$/.test(v.type) && (v.type = 'float64')));
    for (const n of g.nodes) for (const [name, a] of Object.entries(n.attrs)) {
      if (a.t) widen(a.t);
      if (a.g) graph(a.g);
      if (/^(to|dtype|output_datatype|stash_type)$/.test(name) && REAL[a.i]) a.i = REAL[a.i];
    }
  };
  graph(d);
  return found ? d : null;
}

function readNpy(file) { // float64 and float32, little-endian, C order
  const b = fs.readFileSync(file), head = b.readUInt16LE(8), text = b.toString('latin1', 10, 10 + head), data = b.subarray(10 + head);
  const type = { '<f4': Float32Array, '<f8': Float64Array, '<f2': Uint16Array }[text.match(/'descr': '(...)'/)?.[1]];
  if (!type) return null;
  const array = new type(data.buffer.slice(data.byteOffset, data.byteOffset + data.length));
  return plainNumbers({ type: type === Uint16Array ? 'float16' : '', data: array });
}

// What Tenon answers: a map from output to numbers, or null.
function answers(tenon, c, dir) {
  fs.rmSync(dir, { recursive: true, force: true });
  writeCase(dir, c, null);
  const inputs = Object.entries(c.values).filter(([, v]) => !v.constant).flatMap(([name], i) => ['--input', `${name}=${path.join(dir, 'test_data_set_0', `input_${i}.pb`)}`]);
  const p = spawnSync(tenon, ['run', path.join(dir, 'model.onnx'), ...inputs, '--output-dir', path.join(dir, 'out')], { encoding: 'utf8', timeout: 20e3 });
  if (p.status !== 0) return null;
  return Object.fromEntries(c.outputs.map(o => [o, fs.existsSync(path.join(dir, 'out', `${o}.npy`)) ? readNpy(path.join(dir, 'out', `${o}.npy`)) : null]));
}

// Whether a disagreement is rounding alone. In float64 both programs agree to a part in ten million, so they mean the same (where
// the peer has no float64, its answer must be within a few last bits of Tenon's in float64); and nowhere is Tenon's answer further
// from that than the peer's is at its worst, or than a few last bits of the largest number about. Behind a step (Floor, a comparison, a conversion to integers) the last bit of what came before decides: there it is
// enough that both mean the same.
const STEP = /^(Floor|Ceil|Round|Sign|Greater|Less|Equal|Cast|Where|ArgMax|ArgMin|TopK|Hardmax|QuantizeLinear)$/;
async function rounding(ort, tenon, c, dir) {
  const d = inDouble(c);
  if (!d) return false;
  const peers = await runPeer(ort, c);
  const exact = await runPeer(ort, d).catch(() => null), ours = answers(tenon, c, path.join(dir, 'ours')), wide = answers(tenon, d, path.join(dir, 'wide'));
  if (!ours || !wide) return false;
  const half = closeness(c, peers) === 'half', bit = half ? 2 ** -10 : 2 ** -23;
  for (const o of c.outputs) {
    const e = exact ? Array.from(exact[o].data, Number) : wide[o] ?? [], p = plainNumbers(peers[o]), a = ours[o], w = wide[o];
    if (peers[o].type !== 'float32' && peers[o].type !== 'float16') continue; // compared exactly elsewhere
    if (!a || !w || a.length !== e.length || p.length !== e.length) return false;
    if (![a, p, w].every(x => x.every((v, i) => Number.isFinite(e[i]) || Object.is(v, e[i])))) return false; // NaN and infinity at the same places
    const size = Math.max(...e.filter(v => Number.isFinite(v)).map(Math.abs), ...Object.values(d.values).filter(v => v.type === 'float64').flatMap(v => Array.from(v.data, Math.abs).filter(x => Number.isFinite(x))));
    if (!Number.isFinite(size)) return false;
    const off = (x, y) => Math.max(0, ...x.map((v, i) => (Number.isFinite(y[i]) ? Math.abs(v - y[i]) : 0)));
    if (!(exact ? off(w, e) <= 1e-7 * size : off(p, e) <= 32 * bit * size)) return false;
    if (c.nodes.length > 1 && c.nodes.some(n => STEP.test(n.op))) continue;
    if (!(off(a, e) <= Math.max(4 * off(p, e), 32 * bit * size))) return false;
  }
  return true;
}

// The same where one of the two has no float64: with every value of a graph as an output, take the node of the first one that
// differs. On the peer's very inputs both answer it alike (or round), so what differs is what came before it, and that agrees: the
// node makes much of little, as a step, a pole or the sine of a huge number does. (Where nothing differs any more and there is a
// step, the last bit of a fusion decided.)
async function amplified(ort, tenon, c, dir) {
  if (c.nodes.length < 2) return false;
  const all = { ...copy(c), outputs: c.nodes.flatMap(n => n.outputs.filter(Boolean)) }, v = await verdictOf(ort, tenon, all, dir);
  if (v.kind === 'agrees') return c.nodes.some(n => STEP.test(n.op));
  const first = v.kind === 'differs' && v.why.match(/^output '(\w+)'/)?.[1], node = c.nodes.find(n => n.outputs.includes(first));
  if (!node || Object.values(node.attrs).some(a => a.g)) return false;
  const given = name => c.values[name] ?? { type: v.outputs[name].type, dims: [...v.outputs[name].dims], data: v.outputs[name].data, declare: 'numbers' };
  const alone = { ...copy(c), nodes: [copy(node)], outputs: node.outputs.filter(Boolean), values: Object.fromEntries(node.inputs.filter(Boolean).map(name => [name, given(name)])) };
  const own = await verdictOf(ort, tenon, alone, dir);
  if (own.kind === 'differs' && explained(explanations(), node.op, own.why, holds(alone, own.why))) return 'explained'; // of one node of the graph
  return own.kind === 'agrees' || rounding(ort, tenon, alone, dir);
}

// On CPUs without VNNI the peer adds the products of two unsigned and two signed bytes in 16 bits, which saturate. With signed
// bytes half as large they cannot (255 * 2 * 64 < 2^15); if both then agree, that is what differed. Tenon's own products of bytes
// are compared with plain C over their whole range by tests/kernel/qgemm.c.
const BYTES = /Integer|^QLinear(Conv|MatMul)$|^Q(Attention|Gemm)$|^DynamicQuantize(MatMul|LSTM)$/;
async function saturates(ort, tenon, c, dir) {
  const d = copy(c), bytes = Object.values(d.values).filter(v => v.type === 'int8');
  if (!bytes.length || !c.nodes.some(n => BYTES.test(n.op))) return false;
  for (const v of bytes) v.data = v.data.map(x => x >> 1);
  return (await verdictOf(ort, tenon, d, dir)).kind === 'agrees' || rounding(ort, tenon, d, dir);
}

// In a process of its own: a line per case that says whether its disagreement is rounding, explained for one of its nodes, or the
// peer's saturation.
async function measure([tenon, seed, dir, opsFile, only, ...indices]) {
  const ort = peer(), ops = readOps(opsFile);
  for (const i of indices) {
    let yes = false;
    const watch = setTimeout(() => process.exit(3), 20000);
    const c = makeCase(+seed, +i, ops, only || undefined);
    try { yes = await rounding(ort, tenon, c, path.join(dir, 'measure')); } catch { /* not in float64 */ }
    try { yes ||= await amplified(ort, tenon, c, path.join(dir, 'measure')); } catch { /* refused */ }
    try { yes ||= (await saturates(ort, tenon, c, path.join(dir, 'measure'))) && 'saturates'; } catch { /* refused */ }
    clearTimeout(watch);
    fs.writeSync(1, `${i} ${yes === true ? 'rounding' : yes || 'differs'}\n`);
  }
}

function explanations() {
  const file = path.join(path.dirname(SELF), 'disagreements.txt');
  return !fs.existsSync(file) ? [] : fs.readFileSync(file, 'utf8').split('\n').filter(l => l && !l.startsWith('#')).map(l => l.split(' :: ').map(s => s.trim())).map(([op, words, who, why]) => ({ op: new RegExp(`^(old\\.)?(${op})$`), words: new RegExp(words), who, why, n: 0 }));
}

// The line of the list that says why, by the sentence alone or with what the case holds behind it.
const explained = (known, op, said, tags) => known.find(k => k.op.test(op) && (k.words.test(said) || k.words.test(said + tags)));

/* -------------------------------------------------------------------------------------------------------- shrinking */

const copy = c => structuredClone(c);

// Smaller versions of a case, most promising first.
function* smaller(c) {
  if (c.outputs.length > 1) for (const o of c.outputs) yield { ...copy(c), outputs: [o] };
  if (c.nodes.length > 1) for (let i = c.nodes.length - 2; i >= 0; i--) { const d = copy(c); d.nodes.length = i + 1; d.outputs = [d.nodes[i].outputs[0]]; yield prune(d); }
  for (let i = 0; i < c.nodes.length; i++) for (const a of Object.keys(c.nodes[i].attrs)) { const d = copy(c); delete d.nodes[i].attrs[a]; yield d; }
  for (let i = 0; i < c.nodes.length; i++) if (c.nodes[i].inputs.length > 1) { const d = copy(c); d.nodes[i].inputs.pop(); yield prune(d); }
  for (const name of Object.keys(c.values)) {
    const v = c.values[name];
    if (v.declare !== 'numbers') { const d = copy(c); d.values[name].declare = 'numbers'; yield d; }
    for (const fill of [0, 1]) if (v.type !== 'string' && v.data.length > 0 && !v.data.every(x => Number(x) === fill)) { const d = copy(c); d.values[name].data = pack(v.type, Array(v.data.length).fill(fill)); yield d; }
  }
  const sizes = new Set(Object.values(c.values).flatMap(v => v.dims).filter(x => x > 1));
  for (const size of sizes) for (const to of [1, size - 1]) {
    const d = copy(c);
    for (const v of Object.values(d.values)) {
      if (!v.dims.includes(size)) continue;
      v.dims = v.dims.map(x => (x === size ? to : x));
      v.data = v.data.slice(0, v.dims.reduce((a, b) => a * b, 1));
    }
    yield d;
  }
}

function prune(c) { // values nobody reads
  const reads = nodes => nodes.flatMap(n => [...n.inputs, ...Object.values(n.attrs).flatMap(a => (a.g ? reads(a.g.nodes).concat(a.g.outputs) : []))]);
  const used = new Set(reads(c.nodes));
  for (const name of Object.keys(c.values)) if (!used.has(name)) delete c.values[name];
  return c;
}

async function verdictOf(ort, tenon, c, dir) {
  let outputs = null;
  try { outputs = await runPeer(ort, c); } catch { /* refused */ }
  fs.rmSync(dir, { recursive: true, force: true });
  const name = `c_${c.kind}${outputs ? '' : '_refused'}`;
  writeCase(path.join(dir, closeness(c, outputs), name), c, outputs);
  const [kind, why] = judge(name, runTenon(tenon, dir).failed);
  return { kind, why, outputs };
}

const numbers = a => Array.from(a.length > 40 ? a.slice(0, 40) : a, x => (typeof x === 'string' ? JSON.stringify(x) : String(x))).join(' ');

async function show(ort, tenon, c, dir, tries = 150) {
  let now = await verdictOf(ort, tenon, c, dir);
  const kind = now.kind;
  for (let again = true, budget = tries; again && budget > 0;) {
    again = false;
    for (const d of smaller(c)) {
      if (--budget < 0) break;
      const v = await verdictOf(ort, tenon, d, dir);
      if (v.kind === kind && (kind !== 'refused here only' || plain(v.why) === plain(now.why))) { c = d; now = v; again = true; break; }
    }
  }
  console.log(`    opset ${c.opset}; ${now.kind}: ${now.why}`);
  for (const n of c.nodes) console.log(`    ${n.outputs.join(', ')} = ${n.op}(${n.inputs.join(', ')}) ${JSON.stringify(n.attrs, (k, v) => (typeof v === 'bigint' ? String(v) : v)).slice(0, 300)}`);
  for (const [name, v] of Object.entries(c.values)) console.log(`    ${name}: ${v.type}[${v.dims}]${v.constant ? ' constant' : ''} = ${numbers(v.data)}`);
  for (const [name, t] of Object.entries(now.outputs ?? {})) console.log(`    the peer's ${name}: ${t.type}[${t.dims}] = ${numbers(t.data)}`);
}

/* ------------------------------------------------------------------------------------------------------------ main */

async function main(argv) {
  const option = (name, dflt) => { const i = argv.indexOf(name); return i < 0 ? dflt : argv.splice(i, 2)[1]; };
  const showing = argv.includes('--show') && argv.splice(argv.indexOf('--show'), 1);
  const cases = +option('--cases', 2000), start = +option('--from', 0), seed = +option('--seed', 1), only = option('--only', ''), stateFile = option('--state', ''), printed = option('--case', '');
  const tenon = argv[0];
  if (!tenon || argv.length > 1) { console.error('usage: differential.mjs BUILD/src/tenon [--cases N] [--from I] [--seed S] [--only OP] [--state FILE] [--show]'); return 2; }
  const dir = fs.mkdtempSync(path.join(fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir(), 'differential-')), opsFile = path.join(dir, 'ops.json');
  process.on('exit', () => fs.rmSync(dir, { recursive: true, force: true }));
  fs.writeFileSync(opsFile, spawnSync(tenon, ['ops', '--json'], { encoding: 'utf8', maxBuffer: 1 << 28 }).stdout);
  const ops = readOps(opsFile), known = explanations();
  if (printed) { await show(peer(), tenon, makeCase(seed, +printed, ops, only || undefined), path.join(dir, 'one'), showing ? 150 : 0); return 0; }
  const state = stateFile && fs.existsSync(stateFile) ? JSON.parse(fs.readFileSync(stateFile, 'utf8')) : { next: start, counts: {}, only: {}, groups: {}, explained: {} };
  for (; state.next < start + cases; state.next = Math.min(start + cases, state.next + CHUNK)) {
    const to = Math.min(start + cases, state.next + CHUNK), at = path.join(dir, 'chunk');
    fs.mkdirSync(at);
    for (let from = state.next; from < to;) { // again behind a case that ends the peer's process
      const p = spawnSync(process.execPath, [SELF, 'work', seed, from, to, at, opsFile, only].map(String), { encoding: 'utf8', timeout: 600e3 });
      if (p.status === 0) break;
      const log = fs.existsSync(path.join(at, 'log')) ? fs.readFileSync(path.join(at, 'log'), 'utf8').trim().split('\n') : [], last = log.at(-1)?.match(/^(\d+) begins (.*)/);
      if (!last) throw new Error(p.stderr.slice(-2000) || `the worker ended with ${p.status ?? p.signal}`);
      state.counts['ends the peer'] = (state.counts['ends the peer'] ?? 0) + 1;
      (state.only.crashes ??= []).push(`${last[1]} ${last[2]}`);
      from = +last[1] + 1;
    }
    const { failed, by } = runTenon(tenon, at), doubtful = [...failed.keys()].filter(name => judge(name, failed)[0] === 'differs').map(name => name.match(/^c(\d+)/)[1]), measured = new Map();
    for (let k = 0; k < doubtful.length;) { // again behind a case that ends the peer's process
      const some = doubtful.slice(k, k + 50), p = spawnSync(process.execPath, [SELF, 'measure', tenon, seed, at, opsFile, only, ...some].map(String), { encoding: 'utf8', timeout: 600e3 });
      const lines = p.stdout.split('\n').filter(Boolean).map(line => line.split(' '));
      for (const [i, so] of lines) if (so !== 'differs') measured.set(i, so);
      k += p.status === 0 ? some.length : lines.length + 1;
    }
    for (const kind of Object.keys(LIMITS)) {
      if (!fs.existsSync(path.join(at, kind))) continue;
      for (const name of fs.readdirSync(path.join(at, kind))) {
        const [verdict, said] = judge(name, failed), [, index, what] = name.match(/^c(\d+)_(.*?)(_refused)?$/);
        if (verdict === 'differs' && measured.has(index)) { const so = measured.get(index); state.counts[so] = (state.counts[so] ?? 0) + 1; continue; }
        const tags = verdict === 'differs' ? holds(makeCase(seed, +index, ops, only || undefined), said) : '';
        const reason = verdict === 'differs' || verdict === 'refused here only' ? explained(known, what, said, tags) : undefined;
        const count = reason ? 'explained' : verdict;
        state.counts[count] = (state.counts[count] ?? 0) + 1;
        if (reason) state.explained[reason.why] = (state.explained[reason.why] ?? 0) + 1;
        if (verdict === 'runs here only') state.only[what] = (state.only[what] ?? 0) + 1;
        if (reason || !['differs', 'refused here only', 'crash'].includes(verdict)) continue;
        const g = (state.groups[`${what}: ${verdict}: ${plain(said)}`] ??= { n: 0, first: +index, why: said, tags, way: by.get(name) ?? '' });
        g.n++;
      }
    }
    fs.rmSync(at, { recursive: true });
    if (stateFile) fs.writeFileSync(stateFile, JSON.stringify({ ...state, next: to }, null, 1));
    process.stderr.write(`${to - start} of ${cases}: ${JSON.stringify(state.counts)}\n`);
  }
  for (const [key, g] of Object.entries(state.groups)) { // the list may have grown since
    const [what, verdict] = key.split(': '), reason = verdict !== 'crash' && explained(known, what, g.why, g.tags);
    if (!reason) continue;
    state.counts[verdict] -= g.n;
    state.counts.explained = (state.counts.explained ?? 0) + g.n;
    state.explained[reason.why] = (state.explained[reason.why] ?? 0) + g.n;
    delete state.groups[key];
  }
  const groups = Object.entries(state.groups).sort((a, b) => b[1].n - a[1].n);
  const ort = showing ? peer() : null;
  for (const [key, g] of groups) {
    console.log(`${g.n} x ${key}\n    first: case ${g.first}: ${g.why.slice(0, 300)}${g.tags}${g.way ? ` (only with ${g.way})` : ''}`);
    if (showing) await show(ort, tenon, makeCase(seed, g.first, ops, only || undefined), path.join(dir, 'one'));
  }
  console.log(`\nexplained: ${JSON.stringify(state.explained, null, 1)}\nrun here, refused by the peer: ${JSON.stringify(state.only)}`);
  console.log(Object.entries(state.counts).map(([k, n]) => `${n} ${k}`).join(', '));
  return groups.length ? 1 : 0;
}

process.exitCode = process.argv[2] === 'work' ? (await work(process.argv.slice(3)), 0) : process.argv[2] === 'measure' ? (await measure(process.argv.slice(3)), 0) : await main(process.argv.slice(2));
