// Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
// writer.mjs - models that Tenon wrote must run in onnxruntime and give what the originals give.
//
//   NODE_PATH=DIR/node_modules node tests/peer/writer.mjs BUILD/tools/resave MODEL.onnx|FOLDER...
//
// Both files get the same random inputs. A model that onnxruntime itself refuses is counted apart; so is one that Tenon
// does not read. Needs the npm package onnxruntime-node.
import { createRequire } from 'node:module';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const require = createRequire(path.join(process.env.NODE_PATH ?? process.cwd(), 'x.js'));
const ort = require(process.env.NODE_PATH ? path.join(process.env.NODE_PATH, 'onnxruntime-node') : 'onnxruntime-node');
const [resave, ...given] = process.argv.slice(2);
if (!resave || !given.length) {
  console.error('usage: writer.mjs BUILD/tools/resave MODEL.onnx|FOLDER...');
  process.exit(2);
}

function models(where) {
  if (!fs.statSync(where).isDirectory()) return [where];
  const inside = path.join(where, 'model.onnx');
  if (fs.existsSync(inside)) return [inside];
  return fs.readdirSync(where).sort().map((n) => path.join(where, n))
    .filter((p) => fs.statSync(p).isDirectory() || p.endsWith('.onnx')).flatMap(models);
}

let seed = 1;
const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
const arrays = { float32: Float32Array, float64: Float64Array, int8: Int8Array, uint8: Uint8Array, int16: Int16Array,
  uint16: Uint16Array, int32: Int32Array, uint32: Uint32Array, bool: Uint8Array };

function tensor(info) {
  const dims = info.shape.map((d) => (typeof d === 'number' && d >= 0 ? d : 2));
  const n = dims.reduce((a, b) => a * b, 1);
  if (info.type === 'string') return new ort.Tensor('string', Array.from({ length: n }, (_, i) => `s${i}`), dims);
  if (info.type === 'int64' || info.type === 'uint64') {
    const A = info.type === 'int64' ? BigInt64Array : BigUint64Array;
    return new ort.Tensor(info.type, A.from({ length: n }, () => BigInt(Math.floor(random() * 2))), dims);
  }
  const A = arrays[info.type];
  if (!A) throw new Error(`inputs of ${info.type}`);
  const real = info.type.startsWith('float');
  return new ort.Tensor(info.type, A.from({ length: n }, () => (real ? random() * 2 - 0.5 : Math.floor(random() * 2))), dims);
}

const same = (a, b) => a === b || (Number.isNaN(a) && Number.isNaN(b)) ||
  (typeof a === 'number' && Math.abs(a - b) <= 1e-5 * (1 + Math.abs(a)));

function differs(a, b) {
  if (!a?.data || !b?.data) return null;
  if (a.dims.join() !== b.dims.join()) return `shape ${a.dims} became ${b.dims}`;
  for (let i = 0; i < a.data.length; i++) if (!same(a.data[i], b.data[i])) return `element ${i}: ${a.data[i]} became ${b.data[i]}`;
  return null;
}

const options = { logSeverityLevel: 4, graphOptimizationLevel: 'basic', intraOpNumThreads: 1 };
const open = (file) => ort.InferenceSession.create(file, options);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'writer-'));
const counts = { same: 0, loaded: 0, 'not read here': 0, 'refused by the peer': 0, failed: 0 };
const fail = (file, why) => (counts.failed++, console.log(`FAILED ${file}: ${why}`));

for (const file of given.flatMap(models)) {
  let before, feeds, expected;
  try {
    before = await open(file);
  } catch {
    counts['refused by the peer']++;
    continue;
  }
  const out = path.join(folder, 'model.onnx');
  if (spawnSync(resave, [file, out]).status !== 0) {
    counts['not read here']++;
    continue;
  }
  try {
    const after = await open(out);
    try {
      feeds = Object.fromEntries(before.inputMetadata.map((m) => [m.name, tensor(m)]));
      expected = await before.run(feeds);
    } catch {
      counts.loaded++; // random inputs do not suit this model
      continue;
    }
    const got = await after.run(feeds);
    const wrong = Object.keys(expected).map((k) => differs(expected[k], got[k]) && `${k}: ${differs(expected[k], got[k])}`).find(Boolean);
    if (wrong && !/dropout|bernoulli|random/i.test(file)) fail(file, wrong);
    else counts.same++;
  } catch (e) {
    fail(file, String(e.message ?? e).slice(0, 300));
  }
}
fs.rmSync(folder, { recursive: true });
console.log(Object.entries(counts).map(([k, n]) => `${n} ${k}`).join(', '));
process.exitCode = counts.failed ? 1 : 0;
