// Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
// Tenon beside onnxruntime-node: the same models, inputs and threads, in turn, in one run.
//
//   node bench/peer.mjs accuracy [NAME]...    largest difference of the outputs, three seeds, as a table
//   node bench/peer.mjs speed [NAME]...       latency, load + first result, peak memory, as ratios (Tenon / peer)
//
// Environment: TENON (the program), MODELS (folder of .onnx files), PEERS (folder with node_modules), ROUNDS (5),
// THREADS ("1,2"), SECONDS per measurement (2), OUT (a JSON file for the figures).
import { createRequire } from 'module';
import { execFileSync, spawnSync } from 'child_process';
import { fileURLToPath } from 'url';
import fs from 'fs';
import os from 'os';
import path from 'path';
import zlib from 'zlib';

const PEERS = process.env.PEERS || 'build/peers', MODELS = process.env.MODELS || 'build/models';
const DEMO = process.env.DEMO || 'demo-out';
const TENON = process.env.TENON || 'build/src/tenon', ROUNDS = +(process.env.ROUNDS || 5), STARTS = 4, SECONDS = +(process.env.SECONDS || 2);
const image = { input: [1, 3, 224, 224] };
const past = Object.fromEntries(Array.from({ length: 24 }, (_, i) => [`past_${i % 2 ? 'value' : 'key'}.${i >> 1}`, [1, 12, 32, 64]]));
const CASES = {
  resnet50: image, mobilenet_v3_large: image, shufflenet_v2_x1_0: image, squeezenet1_1: image, efficientnet_b0: image,
  convnext_tiny: image, vit_b_16: image, swin_t: image,
  bert_base: { input: [1, 128, 768] },
  gpt2: { input_ids: [1, 1], ...past },
  'ch_PP-OCRv4_det_infer': { x: [1, 3, 640, 640] }, 'ch_PP-OCRv4_rec_infer': { x: [1, 3, 48, 320] },
  'ch_ppocr_mobile_v2.0_cls_infer': { x: [1, 3, 48, 192] },
  silero_vad: { input: [1, 512], state: [2, 1, 128], sr: [] },
};
const median = a => { const s = [...a].sort((x, y) => x - y); return s.length % 2 ? s[s.length >> 1] : (s[s.length / 2 - 1] + s[s.length / 2]) / 2; };
const file = name => path.join(MODELS, name + '.onnx');

function rng(seed) { // xorshift32
  let s = (seed * 2654435761) >>> 0 || 1;
  return () => { s ^= s << 13; s >>>= 0; s ^= s >>> 17; s ^= s << 5; s >>>= 0; return s / 4294967296; };
}

// An 8-bit RGB(A) PNG without interlacing, as the demo writes them: { width, height, at(x, y, channel) }.
function png(file) {
  const b = fs.readFileSync(file), parts = [];
  for (let at = 8; at < b.length; at += 12 + b.readUInt32BE(at)) if (b.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(b.subarray(at + 8, at + 8 + b.readUInt32BE(at)));
  const width = b.readUInt32BE(16), height = b.readUInt32BE(20), n = b[25] === 6 ? 4 : 3, row = width * n, raw = zlib.inflateSync(Buffer.concat(parts)), px = new Uint8Array(row * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (row + 1)];
    for (let i = 0; i < row; i++) {
      const a = i >= n ? px[y * row + i - n] : 0, up = y ? px[(y - 1) * row + i] : 0, c = y && i >= n ? px[(y - 1) * row + i - n] : 0;
      const p = a + up - c, [da, du, dc] = [Math.abs(p - a), Math.abs(p - up), Math.abs(p - c)];
      px[y * row + i] = raw[y * (row + 1) + 1 + i] + [0, a, up, (a + up) >> 1, da <= du && da <= dc ? a : du <= dc ? up : c][filter];
    }
  }
  return { width, height, at: (x, y, c) => px[y * row + x * n + c] };
}

// Real data for an input of that shape: the demo's picture, the demo's recording; null where there is none.
function real(name, dims) {
  const picture = path.join(DEMO, 'en_clean.png'), voice = path.join(DEMO, 'voice.wav');
  if (dims.length === 4 && dims[1] === 3 && fs.existsSync(picture)) {
    const p = png(picture), [, , h, w] = dims, data = new Float32Array(3 * h * w);
    for (let c = 0; c < 3; c++) for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) data[(c * h + y) * w + x] = p.at(Math.floor(x * p.width / w), Math.floor(y * p.height / h), c) / 127.5 - 1;
    return data;
  }
  if (name === 'silero_vad' && dims.length === 2 && fs.existsSync(voice)) {
    const b = fs.readFileSync(voice), from = 44 + 2 * 24000;
    return Float32Array.from({ length: dims[1] }, (_, i) => b.readInt16LE(from + 2 * i) / 32768);
  }
  return null;
}

// Inputs as { name: { type, dims, data } }; images and audio in [-1, 1], token ids small, the sampling rate 16000.
// seed 0: real data.
function inputs(name, seed) {
  const next = rng(seed), out = {};
  for (const [key, dims] of Object.entries(CASES[name])) {
    const n = dims.reduce((a, b) => a * b, 1), int = key === 'input_ids' || key === 'sr';
    const data = int ? BigInt64Array.from({ length: n }, () => BigInt(key === 'sr' ? 16000 : Math.floor(next() * 50000)))
      : Float32Array.from({ length: n }, () => next() * 2 - 1);
    out[key] = { type: int ? 'int64' : 'float32', dims, data: (seed === 0 && !int && real(name, dims)) || data };
  }
  return out;
}

function npy(at, t) {
  const descr = { float32: '<f4', float64: '<f8', int64: '<i8', bool: '|b1' }[t.type];
  let head = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${t.dims.join(', ')}${t.dims.length === 1 ? ',' : ''}), }`;
  head += ' '.repeat(63 - (10 + head.length) % 64) + '\n';
  const pre = Buffer.from([0x93, 78, 85, 77, 80, 89, 1, 0, head.length & 255, head.length >> 8]);
  fs.writeFileSync(at, Buffer.concat([pre, Buffer.from(head), Buffer.from(t.data.buffer, t.data.byteOffset, t.data.byteLength)]));
}

function readNpy(at) {
  const b = fs.readFileSync(at), start = 10 + b.readUInt16LE(8), type = { '<f4': Float32Array, '<f8': Float64Array }[b.toString('latin1', 10, start).match(/'descr': '(...)'/)[1]];
  return { data: new type(b.buffer.slice(b.byteOffset + start, b.byteOffset + b.length)) };
}

async function session(name, threads, level = 'all') {
  const ort = createRequire(path.resolve(PEERS) + '/')('onnxruntime-node');
  const options = { executionProviders: ['cpu'], intraOpNumThreads: threads, interOpNumThreads: 1, executionMode: 'sequential', graphOptimizationLevel: level, logSeverityLevel: 3 };
  const t0 = performance.now(), s = await ort.InferenceSession.create(file(name), options);
  return { s, load: performance.now() - t0, feeds: x => Object.fromEntries(Object.entries(x).map(([k, t]) => [k, new ort.Tensor(t.type, t.data, t.dims)])) };
}

// In a process of its own: measures the peer and prints one JSON line.
async function peerOnce(name, threads, only) {
  const { s, load, feeds } = await session(name, threads), x = feeds(inputs(name, 1));
  const t1 = performance.now();
  await s.run(x);
  const first = performance.now() - t1, ms = [];
  if (only === 'start') { console.log(JSON.stringify({ start: load + first })); return; }
  for (let t = performance.now(), i = 0; i < 3 || performance.now() - t < 300; i++) await s.run(x);
  for (let t = performance.now(); ms.length < 10 || performance.now() - t < SECONDS * 1e3;) { const a = performance.now(); await s.run(x); ms.push(performance.now() - a); }
  console.log(JSON.stringify({ median: median(ms), best: Math.min(...ms), start: load + first, peak: process.resourceUsage().maxRSS / 1024 }));
}

function measurePeer(name, threads, only = '') {
  const p = spawnSync(process.execPath, [fileURLToPath(import.meta.url), 'peer', name, String(threads), only], { encoding: 'utf8' });
  if (p.status !== 0) throw new Error(p.stderr.slice(0, 400));
  return JSON.parse(p.stdout.trim().split('\n').pop());
}

// npy files of the inputs and the arguments that hand them to the program.
function prepare(dir, name, seed) {
  const x = inputs(name, seed);
  return Object.entries(x).flatMap(([k, t]) => { const at = path.join(dir, k.replace(/[^\w.-]/g, '_') + '.npy'); npy(at, t); return ['--input', `${k}=${at}`]; });
}

function measureTenon(name, threads, args, length = ['--warmup', '0.3', '--duration', String(SECONDS)]) {
  const out = execFileSync(TENON, ['bench', file(name), '--json', '--threads', String(threads), ...length, ...args], { encoding: 'utf8' });
  const j = JSON.parse(out);
  return { median: j.p50_ms, best: j.min_ms, start: j.load_ms + j.first_ms, peak: j.peak_mib };
}

// max |a - b| / max |b| over all outputs.
function distance(names, a, b) {
  let worst = 0;
  for (const k of names) {
    let gap = 0, largest = 0;
    for (let i = 0; i < b[k].data.length; i++) {
      gap = Math.max(gap, Math.abs(Number(a[k].data[i]) - Number(b[k].data[i])));
      largest = Math.max(largest, Math.abs(Number(b[k].data[i])));
    }
    worst = Math.max(worst, gap && gap / largest);
  }
  return worst;
}

const outName = k => k.replace(/[^\w.-]/g, '_') + '.npy';

// What Tenon answers to the inputs in a folder: of the model, or of the model in float64.
function answers(model, names, dir, x) {
  const inputs = Object.entries(x).flatMap(([k, t]) => { const at = path.join(dir, 'in_' + outName(k)); npy(at, t); return ['--input', `${k}=${at}`]; });
  const p = spawnSync(TENON, ['run', model, '--threads', '2', '--output-dir', path.join(dir, 'out'), ...inputs], { encoding: 'utf8' });
  if (p.status !== 0) throw new Error(`${model}: ${p.stderr}`);
  return Object.fromEntries(names.map(k => [k, readNpy(path.join(dir, 'out', outName(k)))]));
}

// Where the two differ, a run in float64 says who is how far off.
function arbitrate(name, seed, names, x, peers, dir) {
  const wide = path.join(dir, 'wide.onnx');
  execFileSync('/usr/bin/python3', [fileURLToPath(new URL('widen.py', import.meta.url)), file(name), wide]);
  const doubled = Object.fromEntries(Object.entries(x).map(([k, t]) => [k, t.type === 'float32' ? { type: 'float64', dims: t.dims, data: Float64Array.from(t.data) } : t]));
  const ours = answers(file(name), names, dir, x), exact = answers(wide, names, dir, doubled);
  return `${name}, ${seed ? `seed ${seed}` : 'real input'}: from the same model in float64 Tenon is ${distance(names, ours, exact).toExponential(1)} off, onnxruntime ${distance(names, peers, exact).toExponential(1)}`;
}

// The peer's own noise is how far it is from itself without graph optimisation: a difference below that says nothing.
async function accuracy(names) {
  console.log('| model | real input | seed 1 | seed 2 | seed 3 | peer against itself, unoptimised |\n|---|---|---|---|---|---|');
  let worst = 0, bad = 0;
  const verdicts = [];
  for (const name of names) {
    const { s, feeds } = await session(name, 1), plain = (await session(name, 1, 'disabled')).s, errors = [];
    let noise = 0;
    for (const seed of [0, 1, 2, 3]) {
      const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tenon-')), want = path.join(dir, 'want'), x = inputs(name, seed);
      if (seed === 0 && !Object.values(CASES[name]).some(d => real(name, d))) { errors.push(NaN); continue; }
      fs.mkdirSync(want);
      const args = prepare(dir, name, seed), out = await s.run(feeds(x)), own = distance(s.outputNames, await plain.run(feeds(x)), out);
      for (const k of s.outputNames) npy(path.join(want, k.replace(/[^\w.-]/g, '_') + '.npy'), out[k]);
      const p = spawnSync(TENON, ['run', file(name), '--json', '--threads', '1', '--expect', want, '--rtol', '1e9', ...args], { encoding: 'utf8' });
      if (!p.stdout) throw new Error(`${name}: ${p.stderr}`);
      const e = Math.max(...JSON.parse(p.stdout).outputs.map(o => o.max_rel));
      errors.push(e), noise = Math.max(noise, own);
      if (!(e <= 1e-4)) verdicts.push(arbitrate(name, seed, s.outputNames, x, out, dir));
      if (!(e <= Math.max(1e-4, own))) bad++;
      if (own <= 1e-4) worst = Math.max(worst, e);
      fs.rmSync(dir, { recursive: true });
    }
    console.log(`| ${name} | ${errors.map(e => isNaN(e) ? '-' : e.toExponential(1)).join(' | ')} | ${noise.toExponential(1)} |`);
  }
  if (verdicts.length) console.log('\nabove 1e-4:\n' + verdicts.join('\n'));
  console.log(`\nlargest where the peer agrees with itself to 1e-4: ${worst.toExponential(2)}; ${bad} above both 1e-4 and the peer's own noise`);
  process.exitCode = bad ? 1 : 0;
}

function speed(names) {
  const figures = {}, threads = (process.env.THREADS || '1,2').split(',').map(Number);
  for (let round = 0; round < ROUNDS; round++)
    for (const name of names) {
      const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tenon-')), args = prepare(dir, name, 1);
      for (const n of threads) {
        const ours = measureTenon(name, n, args), theirs = measurePeer(name, n);
        for (let k = 0; round === 0 && k < STARTS; k++) { // the best of several, the file in memory: fresh pages and the disk are the machine's matter
          fs.readFileSync(file(name));
          ours.start = Math.min(ours.start, measureTenon(name, n, args, ['--warmup', '0', '--iterations', '1']).start);
          fs.readFileSync(file(name));
          theirs.start = Math.min(theirs.start, measurePeer(name, n, 'start').start);
        }
        (figures[`${name}|${n}`] ??= []).push({ ours, theirs });
        process.stderr.write(`round ${round + 1}/${ROUNDS} ${name} x${n}: ${ours.median.toFixed(3)} / ${theirs.median.toFixed(3)} ms\n`);
      }
      fs.rmSync(dir, { recursive: true });
    }
  console.log('| model | threads | Tenon ms | onnxruntime ms | latency ratio | best ratio | start ratio | memory ratio |\n|---|---|---|---|---|---|---|---|');
  const logs = Object.fromEntries(threads.map(n => [n, []]));
  for (const [key, rows] of Object.entries(figures)) {
    const [name, n] = key.split('|'), ratio = f => median(rows.map(r => r.ours[f] / r.theirs[f]));
    const best = Math.min(...rows.map(r => r.ours.best)) / Math.min(...rows.map(r => r.theirs.best));
    const start = who => Math.min(...rows.map(r => r[who].start));
    logs[n].push(Math.log(ratio('median')));
    console.log(`| ${name} | ${n} | ${median(rows.map(r => r.ours.median)).toPrecision(3)} | ${median(rows.map(r => r.theirs.median)).toPrecision(3)} | ${ratio('median').toFixed(2)} | ${best.toFixed(2)} | ${(start('ours') / start('theirs')).toFixed(2)} | ${ratio('peak').toFixed(2)} |`);
  }
  for (const n of threads) console.log(`\ngeometric mean of the latency ratios, ${n} thread${n > 1 ? 's' : ''}: ${Math.exp(logs[n].reduce((a, b) => a + b, 0) / logs[n].length).toFixed(3)}`);
  if (process.env.OUT) fs.writeFileSync(process.env.OUT, JSON.stringify(figures, null, 1));
}

const [command, ...rest] = process.argv.slice(2);
const names = rest.length ? rest : Object.keys(CASES).filter(n => fs.existsSync(file(n)));
if (command === 'peer') await peerOnce(rest[0], +rest[1], rest[2]);
else if (command === 'accuracy') await accuracy(names);
else if (command === 'speed') speed(names);
else { console.error('usage: node bench/peer.mjs accuracy|speed [NAME]...'); process.exitCode = 2; }
