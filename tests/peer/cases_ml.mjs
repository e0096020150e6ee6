// Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
// cases_ml.mjs - random cases of ai.onnx.ml. CastMap, DictVectorizer and ZipMap are left out: their inputs or outputs are maps,
// which the peer's binding neither takes nor gives, and no operator makes a tensor of ZipMap's result.
import { pack } from './onnx.mjs';

const ML = 'ai.onnx.ml', NUMBERS = ['float32', 'float32', 'float32', 'float64', 'int64', 'int32'];
const MOSTLY = [...Array(12).fill('float32'), 'float64', 'int64', 'int32']; // where the peer has float32 alone
const isFloat = t => t.startsWith('float');
const list = (n, make) => Array.from({ length: n }, (_, i) => make(i));
const between = (m, a) => (m.random() * 2 - 1) * a;
// Numbers that meet thresholds exactly now and then; NaN where the case is wild.
const coarse = (m, type) => () => (m.wild && isFloat(type) && m.chance(0.1) ? m.pick([NaN, Infinity, -Infinity]) : isFloat(type) ? m.int(-8, 8) / 4 : m.int(-3, 3));
const ml = (m, name, ins, attrs, outputs = 1) => m.give(m.node(name, ins, attrs, outputs, ML));
const rows = m => m.pick([0, 1, 1, 2, 3, 5, 17, 40]);
const table = (m, type, n, f, number = coarse(m, type)) => m.input(type, m.chance(0.1) && n === 1 ? [f] : [n, f], { number });
const post = m => m.maybe(0.7, { post_transform: { s: m.pick(['NONE', 'SOFTMAX', 'LOGISTIC', 'SOFTMAX_ZERO', 'PROBIT']) } });
const labels = (m, n, ints, strings) => (m.chance(0.5) ? { [ints]: { is: list(n, i => (m.chance(0.1) ? -i : 3 * i + 1)) } } : { [strings]: { ss: list(n, i => `l${i}`) } });

function arrayFeatureExtractor(m) {
  const type = m.pick([...NUMBERS, 'string']), d = m.chance(0.1) ? [m.int(1, 6)] : m.positive(m.int(1, 4)), n = m.int(1, 4);
  ml(m, 'ArrayFeatureExtractor', [m.input(type, d), m.ints(list(n, () => m.int(m.chance(0.02) ? -1 : 0, d.at(-1) - (m.chance(0.02) ? 0 : 1))), { dims: m.chance(0.3) ? [1, n] : [n] })], {});
}

function binarizer(m) {
  const type = m.pick(MOSTLY);
  ml(m, 'Binarizer', [m.input(type, m.dims(), { number: coarse(m, type) })], m.maybe(0.8, { threshold: { f: m.int(-8, 8) / 4 } }));
}

function scaler(m) {
  const type = m.pick(NUMBERS), d = m.dims(m.int(1, 3)), n = m.chance(0.4) ? 1 : d.at(-1), k = m.chance(0.05) ? n + 1 : n;
  ml(m, 'Scaler', [m.input(type, d)], { offset: { fs: list(n, () => between(m, 3)) }, scale: { fs: list(k, () => between(m, 3)) } });
}

function normalizer(m) {
  const type = m.pick(NUMBERS), d = m.chance(0.2) ? [m.int(1, 6)] : [rows(m), m.int(1, 6)];
  ml(m, 'Normalizer', [m.input(type, d, m.chance(0.2) ? { number: () => m.pick([0, 0, 0, 1]) } : {})], m.maybe(0.8, { norm: { s: m.pick(['MAX', 'L1', 'L2']) } }));
}

function imputer(m) {
  const type = m.pick(['float32', 'float32', 'int64', 'int64', 'float64', 'int32']), d = m.dims(m.int(1, 2)), n = m.chance(0.5) ? 1 : d.at(-1), nan = isFloat(type) && m.chance(0.3), bad = m.pick([0, 1, -1, 0.5]);
  const number = () => (m.chance(0.4) ? (nan ? NaN : isFloat(type) ? bad : Math.trunc(bad)) : m.number(type));
  const attrs = isFloat(type) ? { imputed_value_floats: { fs: list(n, () => between(m, 9)) }, ...m.maybe(0.9, { replaced_value_float: { f: nan ? NaN : bad } }) }
    : { imputed_value_int64s: { is: list(n, () => m.int(-9, 9)) }, ...m.maybe(0.9, { replaced_value_int64: { i: Math.trunc(bad) } }) };
  ml(m, 'Imputer', [m.input(type, d, { number })], attrs);
}

const KEYS = { string: ['a', 'b', 'abc', 'été', '', 'x'], int64: [0, 1, -1, 7, 99, 5], float32: [0, 1, 0.5, -2, 3.25, NaN], float64: [0, 1, 0.5, -2, 0.1, NaN], int16: [0, 1, -1, 7, 99, 5], int32: [0, 1, -1, 7, 99, 5] };

function labelEncoder(m) {
  const shape = m.dims(m.int(0, 3)), n = m.int(1, 5);
  if (m.chance(0.15)) { // the first version: words to their places and back
    m.c.domains = { [ML]: 1 };
    const to = m.pick(['string', 'int64']), words = KEYS.string.slice(0, n);
    return ml(m, 'LabelEncoder', [m.input(to === 'string' ? 'int64' : 'string', shape, { number: () => (to === 'string' ? m.int(-1, n) : m.pick(KEYS.string)) })],
      { classes_strings: { ss: words }, ...m.maybe(0.7, { default_string: { s: 'none' } }), ...m.maybe(0.7, { default_int64: { i: -5 } }) });
  }
  const tensors = m.chance(0.4), kinds = tensors ? ['string', 'int64', 'float32', 'float64', 'int16'] : ['string', 'int64', 'float32'];
  const from = m.pick(kinds), to = m.pick(kinds);
  m.c.domains = { [ML]: tensors || m.chance(0.5) ? 4 : 2 };
  const keys = KEYS[from].slice(), values = KEYS[to];
  if (m.chance(0.5)) keys.reverse();
  const k = keys.slice(0, n), v = list(n, () => m.pick(values)), name = { string: 'strings', int64: 'int64s', float32: 'floats' }, kind = { string: 'ss', int64: 'is', float32: 'fs' };
  const t = (type, data) => ({ t: { type, dims: [data.length], data: pack(type, data) } });
  const attrs = tensors ? { keys_tensor: t(from, k), values_tensor: t(to, v), default_tensor: t(to, [m.pick(values)]) } : { [`keys_${name[from]}`]: { [kind[from]]: k }, [`values_${name[to]}`]: { [kind[to]]: v } };
  if (!tensors && m.chance(0.6)) Object.assign(attrs, to === 'string' ? { default_string: { s: 'none' } } : to === 'int64' ? { default_int64: { i: -77 } } : { default_float: { f: -7.5 } });
  ml(m, 'LabelEncoder', [m.input(from, shape, { number: () => m.pick(KEYS[from]) })], attrs);
}

function oneHotEncoder(m) {
  const type = m.pick(['int64', 'int64', 'int32', 'float32', 'float32', 'float64', 'string', 'string']), n = m.int(1, 5), strings = type === 'string';
  const cats = strings ? KEYS.string.slice(0, n) : list(n, i => i * 2 - 2);
  ml(m, 'OneHotEncoder', [m.input(type, m.dims(m.int(0, 3)), { number: () => (m.chance(0.04) ? (strings ? 'zz' : 77) : m.pick(cats) + (strings || !isFloat(type) || m.chance(0.9) ? '' : 0.25)) })],
    { ...(strings ? { cats_strings: { ss: cats } } : { cats_int64s: { is: cats } }), ...m.maybe(0.6, { zeros: { i: m.int(0, 1) } }) });
}

function categoryMapper(m) {
  const back = m.chance(0.5), n = m.int(1, 5), words = KEYS.string.slice(0, n), ints = KEYS.int64.slice(0, n);
  ml(m, 'CategoryMapper', [m.input(back ? 'int64' : 'string', m.dims(m.int(0, 3)), { number: () => m.pick(back ? KEYS.int64 : KEYS.string) })],
    { cats_strings: { ss: words }, cats_int64s: { is: ints }, ...m.maybe(0.6, back ? { default_string: { s: 'none' } } : { default_int64: { i: -9 } }) });
}

function featureVectorizer(m) {
  const type = m.pick(NUMBERS), n = rows(m) || 1, sizes = list(m.int(1, 4), () => m.int(1, 5)), flat = n === 1 && m.chance(0.4);
  ml(m, 'FeatureVectorizer', sizes.map(f => m.input(type, flat ? [f] : [n, f])), m.maybe(0.9, { inputdimensions: { is: sizes.map(f => (m.chance(0.03) ? f + 1 : f)) } }));
}

function linearClassifier(m) {
  const type = m.pick(NUMBERS), f = m.int(1, 5), n = rows(m), binary = m.chance(0.25), classes = binary ? 2 : m.pick([1, 2, 2, 3, 4, 5]), sets = binary ? 1 : classes;
  ml(m, 'LinearClassifier', [table(m, type, n, f)], { coefficients: { fs: list(sets * f, () => between(m, 1)) }, ...m.maybe(0.95, { intercepts: { fs: list(sets, () => between(m, 1)) } }),
    ...labels(m, classes, 'classlabels_ints', 'classlabels_strings'), ...post(m), ...m.maybe(0.3, { multi_class: { i: m.int(0, 1) } }) }, 2);
}

function linearRegressor(m) {
  const type = m.pick(MOSTLY), f = m.int(1, 5), t = m.int(1, 3);
  ml(m, 'LinearRegressor', [table(m, type, rows(m), f)], { coefficients: { fs: list(t * f, () => between(m, 1)) }, ...m.maybe(0.7, { intercepts: { fs: list(t, () => between(m, 1)) } }), ...(t > 1 || m.chance(0.5) ? { targets: { i: t } } : {}), ...post(m) });
}

const kernel = m => ({ kernel_type: { s: m.pick(['LINEAR', 'POLY', 'RBF', 'SIGMOID']) }, kernel_params: { fs: [m.random() + 0.1, between(m, 1), m.int(1, 3)] } });

function svmRegressor(m) {
  const type = m.pick(MOSTLY), f = m.int(1, 4), n = m.int(1, 5), linear = m.chance(0.25);
  const attrs = linear ? { coefficients: { fs: list(f, () => between(m, 1)) }, ...m.maybe(0.9, kernel(m)) } : { coefficients: { fs: list(n, () => between(m, 1)) }, support_vectors: { fs: list(n * f, () => between(m, 1)) }, n_supports: { i: n }, ...m.maybe(0.97, kernel(m)) };
  ml(m, 'SVMRegressor', [table(m, type, rows(m), f)], { ...attrs, rho: { fs: [between(m, 1)] }, ...m.maybe(0.3, { one_class: { i: m.int(0, 1) } }), ...m.maybe(0.3, post(m)) });
}

function svmClassifier(m) {
  const type = m.pick(NUMBERS), f = m.int(1, 4), classes = m.int(2, 4), pairs = classes * (classes - 1) / 2, linear = m.chance(0.2);
  const attrs = { ...labels(m, classes, 'classlabels_ints', 'classlabels_strings'), ...post(m), ...m.maybe(0.97, kernel(m)) };
  if (linear) Object.assign(attrs, { coefficients: { fs: list(classes * f, () => between(m, 1)) }, rho: { fs: [between(m, 1)] } }, m.maybe(0.3, { kernel_type: { s: 'LINEAR' } }));
  else {
    const per = list(classes, () => m.int(1, 3)), total = per.reduce((a, b) => a + b);
    Object.assign(attrs, { vectors_per_class: { is: per }, support_vectors: { fs: list(total * f, () => between(m, 1)) }, coefficients: { fs: list(total * (classes - 1), () => between(m, 1)) }, rho: { fs: list(pairs, () => between(m, 1)) } });
    if (m.chance(0.4)) Object.assign(attrs, { prob_a: { fs: list(pairs, () => -m.random() - 0.1) }, prob_b: { fs: list(pairs, () => between(m, 0.5)) } });
  }
  ml(m, 'SVMClassifier', [table(m, type, rows(m), f)], attrs, 2);
}

/* ----------------------------------------------------------------------------------------------------------- trees */

// A random binary tree as a list of { leaf, feature, value, mode, yes, no, missing }; yes, no: places in the list.
function grow(m, f, depth, modes, nodes = []) {
  const at = nodes.length, node = { leaf: depth === 0 || m.chance(0.15) };
  nodes.push(node);
  if (node.leaf) return nodes;
  Object.assign(node, { feature: m.int(0, f - 1), value: m.int(-8, 8) / 4, mode: m.pick(modes), missing: m.int(0, 1) });
  node.yes = nodes.length; grow(m, f, depth - 1, modes, nodes);
  node.no = nodes.length; grow(m, f, depth - 1, modes, nodes);
  return nodes[at] && nodes;
}

const MODES = ['BRANCH_LEQ', 'BRANCH_LT', 'BRANCH_GTE', 'BRANCH_GT', 'BRANCH_EQ', 'BRANCH_NEQ'];
const someModes = m => (m.chance(0.7) ? [m.pick(['BRANCH_LEQ', 'BRANCH_LEQ', 'BRANCH_LT', 'BRANCH_GTE', 'BRANCH_GT', 'BRANCH_EQ', 'BRANCH_NEQ'])] : MODES);
const forest = (m, f) => { const modes = someModes(m), depth = m.int(0, 4); return list(m.pick([1, 1, 2, 3, 12, 30]), () => grow(m, f, depth, modes)); };

// The attributes nodes_* of the versions 1 and 3, and the leaves' votes under the names given.
function oldForest(m, trees, votes, doubles, per, most, positive = false) {
  const all = trees.flatMap((nodes, t) => nodes.map((n, i) => ({ ...n, t, i })));
  const reals = (name, numbers) => (doubles ? { [`${name}_as_tensor`]: { t: { type: 'float64', dims: [numbers.length], data: pack('float64', numbers) } } } : { [name]: { fs: numbers } });
  const leaves = all.filter(n => n.leaf).flatMap(n => list(per, j => ({ ...n, j }))), ids = leaves.map(l => (per === most ? l.j : m.int(0, most - 1)));
  if (m.chance(0.1)) leaves.reverse();
  return {
    nodes_treeids: { is: all.map(n => n.t) }, nodes_nodeids: { is: all.map(n => n.i) }, nodes_featureids: { is: all.map(n => n.feature ?? 0) },
    nodes_modes: { ss: all.map(n => (n.leaf ? 'LEAF' : n.mode)) }, ...reals('nodes_values', all.map(n => n.value ?? 0)),
    nodes_truenodeids: { is: all.map(n => n.yes ?? 0) }, nodes_falsenodeids: { is: all.map(n => n.no ?? 0) },
    ...m.maybe(0.5, { nodes_missing_value_tracks_true: { is: all.map(n => n.missing ?? 0) } }), ...m.maybe(0.2, reals('nodes_hitrates', all.map(() => 1))),
    [`${votes}_treeids`]: { is: leaves.map(l => l.t) }, [`${votes}_nodeids`]: { is: leaves.map(l => l.i) }, [`${votes}_ids`]: { is: ids }, ...reals(`${votes}_weights`, leaves.map(() => (positive ? m.random() / trees.length : between(m, 1)))),
  };
}
const base = (m, doubles, n) => m.maybe(0.4, doubles ? { base_values_as_tensor: { t: { type: 'float64', dims: [n], data: pack('float64', list(n, () => between(m, 1))) } } } : { base_values: { fs: list(n, () => between(m, 1)) } });

function treeRegressor(m) {
  const doubles = m.chance(0.25), type = doubles ? 'float64' : m.pick(MOSTLY), f = m.int(1, 5), targets = m.pick([1, 1, 2, 4]), all = targets === 1 || m.chance(0.6);
  m.c.domains = { [ML]: doubles ? 3 : m.pick([1, 3]) };
  ml(m, 'TreeEnsembleRegressor', [table(m, type, rows(m), f)], { ...oldForest(m, forest(m, f), 'target', doubles, all ? targets : 1, targets), n_targets: { i: targets }, ...(all || !doubles && m.chance(0.2) ? base(m, doubles, targets) : {}), ...m.maybe(0.6, { aggregate_function: { s: m.pick(['AVERAGE', 'SUM', 'MIN', 'MAX']) } }), ...post(m) });
}

function treeClassifier(m) {
  const doubles = m.chance(0.25), type = doubles ? 'float64' : m.pick(NUMBERS), f = m.int(1, 5), classes = m.chance(0.02) ? 1 : m.pick([2, 2, 3, 5]), one = classes === 2 && m.chance(0.4);
  m.c.domains = { [ML]: doubles ? 3 : m.pick([1, 3]) };
  const attrs = oldForest(m, forest(m, f), 'class', doubles, one ? 1 : classes === 2 ? 2 : m.pick([1, classes]), one ? 1 : classes, one && m.chance(0.4));
  if (classes === 2 && !one) { // shares of both that sum to one, as forests have them: what other votes for two classes mean differs among all programs
    const name = doubles ? 'class_weights_as_tensor' : 'class_weights', n = new Set(attrs.nodes_treeids.is).size, w = attrs.class_ids.is.map(() => 0), first = new Map();
    attrs.class_ids.is.forEach((c, i) => { const leaf = `${attrs.class_treeids.is[i]},${attrs.class_nodeids.is[i]}`; w[i] = first.has(leaf) ? 1 / n - first.get(leaf) : m.random() / n; first.set(leaf, w[i]); });
    attrs[name] = doubles ? { t: { type: 'float64', dims: [w.length], data: pack('float64', w) } } : { fs: w };
  }
  ml(m, 'TreeEnsembleClassifier', [table(m, type, rows(m), f)], { ...attrs, ...labels(m, classes, 'classlabels_int64s', 'classlabels_strings'), ...(classes === 2 ? {} : base(m, doubles, classes)), ...(classes === 2 ? m.maybe(0.7, { post_transform: { s: m.pick(['NONE', 'LOGISTIC']) } }) : post(m)) }, 2);
}

function treeEnsemble(m) {
  const type = m.pick(['float32', 'float32', 'float32', 'float64', 'float64', 'float16']), f = m.int(1, 5), targets = m.pick([1, 1, 2, 4]), member = m.chance(0.3), modes = [...someModes(m), ...(member ? ['MEMBER'] : [])];
  m.c.domains = { [ML]: 5 };
  if (member) m.wild = m.chance(0.2);
  const depth = m.int(1, 4), nodes = [], leaves = [], roots = [], sets = [];
  for (let t = m.pick([1, 1, 2, 3, 12]); t > 0; t--) {
    const tree = grow(m, f, depth, modes);
    const place = new Map();
    const leaf = () => { leaves.push({ target: m.int(0, targets - 1), weight: between(m, 1) }); return leaves.length - 1; };
    if (tree[0].leaf) { const l = leaf(); roots.push(nodes.length); nodes.push({ feature: 0, value: 0, mode: 'BRANCH_LEQ', missing: 0, t: l, tl: 1, n: l, nl: 1 }); continue; }
    roots.push(nodes.length);
    tree.forEach((n, i) => { if (!n.leaf) { place.set(i, nodes.length); nodes.push({ ...n }); } });
    tree.forEach((n, i) => { if (n.leaf) return; const o = nodes[place.get(i)], y = tree[n.yes], e = tree[n.no]; o.tl = +y.leaf; o.t = y.leaf ? leaf() : place.get(n.yes); o.nl = +e.leaf; o.n = e.leaf ? leaf() : place.get(n.no); });
  }
  // The peer packs the members of a set into bits: small positive integers only.
  for (const n of nodes) if (n.mode === 'MEMBER') sets.push(...list(m.int(1, 5), () => (m.chance(0.03) ? 0.5 : m.int(1, 8))), NaN);
  const real = numbers => ({ t: { type, dims: [numbers.length], data: pack(type, numbers) } });
  ml(m, 'TreeEnsemble', [m.input(type, [rows(m), f], { number: coarse(m, type) })], {
    tree_roots: { is: roots }, nodes_modes: { t: { type: 'uint8', dims: [nodes.length], data: pack('uint8', nodes.map(n => (n.mode === 'MEMBER' ? 6 : MODES.indexOf(n.mode)))) } }, nodes_featureids: { is: nodes.map(n => n.feature) },
    nodes_splits: real(nodes.map(n => n.value)), nodes_truenodeids: { is: nodes.map(n => n.t) }, nodes_trueleafs: { is: nodes.map(n => n.tl) }, nodes_falsenodeids: { is: nodes.map(n => n.n) }, nodes_falseleafs: { is: nodes.map(n => n.nl) },
    leaf_targetids: { is: leaves.map(l => l.target) }, leaf_weights: real(leaves.map(l => l.weight)), n_targets: { i: targets }, ...(sets.length ? { membership_values: real(sets.slice(0, m.chance(0.5) ? -1 : sets.length)) } : {}),
    ...m.maybe(0.4, { nodes_missing_value_tracks_true: { is: nodes.map(n => n.missing) } }), ...m.maybe(0.6, { aggregate_function: { i: m.int(0, 3) } }), ...m.maybe(0.5, { post_transform: { i: m.int(0, 4) } }) });
}

export const ML_HINTS = Object.fromEntries(Object.entries({ ArrayFeatureExtractor: arrayFeatureExtractor, Binarizer: binarizer, Scaler: scaler, Normalizer: normalizer, Imputer: imputer, LabelEncoder: labelEncoder,
  OneHotEncoder: oneHotEncoder, CategoryMapper: categoryMapper, FeatureVectorizer: featureVectorizer, LinearClassifier: linearClassifier, LinearRegressor: linearRegressor, SVMRegressor: svmRegressor,
  SVMClassifier: svmClassifier, TreeEnsembleRegressor: treeRegressor, TreeEnsembleClassifier: treeClassifier, TreeEnsemble: treeEnsemble }).map(([n, make]) => [`${ML}.${n}`, make]));
