/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* format.h - model files to graphs and back: the parts behind tn_model_open and tn_model_save.
 *
 *   bytes ── sniff ── onnx/read ── onnx/repair, onnx/upgrade ── (op rows, sort, check, infer: model.c) ── tn_model
 *   tn_model ── onnx/write ── file */
#ifndef TN_FORMAT_FORMAT_H
#define TN_FORMAT_FORMAT_H

#include "base/budget.h"
#include "graph/graph.h"

/** What a call over a model or its file may take: bounds asked for, else such as grow with its bytes (docs/limits.md).
 */
typedef struct {
    tn_budget budget, *before;
} tn_bounds;

/** Enters the bounds for this thread, within those it is under. opts may be NULL. errors TN_E_NOMEM: not entered. */
tn_status tn_bounds_enter(tn_bounds *b, const tn_model_opts *opts, const tn_budget_words *words, uint64_t bytes);
/** Leaves them: what a call under them that returned st returns (tn_budget_verdict). */
tn_status tn_bounds_leave(tn_bounds *b, tn_status st);
/** About the bytes that m would have as a file. */
uint64_t tn_model_bytes(const tn_model *m);

/** What the first bytes look like when they are certainly not ONNX ("a Git LFS pointer, not the file itself: ..."), or
 *  NULL. Used for messages only: ONNX itself has no magic number. */
const char *tn_sniff(const uint8_t *data, size_t size);

/** A type the file states for a value that something else defines. Nothing relies on it; it is held against what
 *  inference finds. */
typedef struct {
    tn_value *value;
    bool output; /* stated where a graph lists its outputs, not among its value_info */
    tn_type type;
    const char *symbols[TN_MAX_RANK]; /* names of symbolic dimensions, NULL elsewhere */
} tn_declared;

typedef struct {
    tn_declared *items; /* in the model's arena */
    size_t n;
} tn_declared_list;

/** Fills the empty model m from a ModelProto. Weights are borrowed from `data`, which must outlive m; external data is
 *  mapped from the folder of m->path and refused when m->path is NULL. Functions are inlined, Constant nodes become
 *  constants. Nodes keep the opset version they were written for in tn_node.version.
 *  declared  receives what the file says of intermediate values and outputs
 *  errors    TN_E_FORMAT, TN_E_GRAPH, TN_E_UNSUPPORTED, TN_E_LIMIT, TN_E_IO, TN_E_NOMEM; m is then fit for closing only
 */
tn_status tn_onnx_read(tn_model *m, const uint8_t *data, size_t size, tn_declared_list *declared);

/** The version of a node that could not be brought to the newest form, in a model that is opened to be looked at. */
#define TN_VERSION_BROKEN (-1)

/** Repairs what exporters are known to write wrongly (onnx/repair.h), and rewrites every node of an older opset into
 * the newest form with the same meaning. Decisions follow types that inference finds on the way from the inputs and
 *  constants; what it cannot know is rewritten in a way that is right for all types.
 *  errors   TN_E_UNSUPPORTED: a form that cannot be expressed (the message names the node), TN_E_GRAPH, TN_E_NOMEM */
tn_status tn_onnx_upgrade(tn_model *m);

/** Writes m as ONNX: the lowest operator set of ai.onnx (13 or newer) in which every node is valid. When the graph
 * would be larger than inline_max bytes, weights go to a file of their own, PATH.data, at offsets that can be mapped.
 *  errors   TN_E_UNSUPPORTED (an internal operator), TN_E_IO, TN_E_NOMEM, TN_E_LIMIT */
tn_status tn_onnx_write(const tn_model *m, const char *path, uint64_t inline_max);

/** Sub-graphs, operators, attributes, types: one line per node, for people. */
void tn_graph_print(const tn_graph *g, tn_text *out);
void tn_model_print(const tn_model *m, tn_text *out);

#endif
