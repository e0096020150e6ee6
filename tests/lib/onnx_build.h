/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* onnx_build.h - builds small ONNX files in memory for tests: any version, also wrong ones.
 *
 *     ob *b = ob_new(8, 13);
 *     ob_input(b, "x", TN_F32, "2,n");          dims: numbers, names, "?"; NULL: no shape
 *     ob_node(b, "Concat", "x x", "y");         names by spaces, "_" is an omitted one; "domain::Op" for other domains
 *     ob_int(b, "axis", 0);                     attributes belong to the last node
 *     ob_output(b, "y");
 *     tn_text file = ob_finish(b);              frees b; tn_text_free(&file) when done */
#ifndef TN_TESTS_ONNX_BUILD_H
#define TN_TESTS_ONNX_BUILD_H

#include "base/wire.h"
#include "tensor/tensor.h"

typedef struct ob ob;

ob *ob_new(int ir, int opset);
ob *ob_graph(void); /* a graph for ob_subgraph */
void ob_opset(ob *b, const char *domain, int version);
void ob_input(ob *b, const char *name, tn_dtype t, const char *dims);
void ob_output(ob *b, const char *name);
void ob_output_info(ob *b, const char *name, tn_dtype t, const char *dims); /* an output that states its type */
void ob_value_info(ob *b, const char *name, tn_dtype t, const char *dims);
void ob_floats_init(ob *b, const char *name, const char *dims, const float *v, int n);
void ob_ints_init(ob *b, const char *name, const char *dims, const int64_t *v, int n);
void ob_init(ob *b, const char *name, const tn_tensor *t); /* of any type */
void ob_external(ob *b, const char *name, const char *dims, const char *location, const char *offset,
                 const char *length);
void ob_sparse(ob *b, const char *name, const char *dims, const float *v, const int64_t *at, int n, int coords);
/** Flat positions `at` hold the values: words by bars (TN_STRING), or n elements of a type in `data`'s bytes. */
void ob_sparse_of(ob *b, const char *name, tn_dtype t, const char *dims, const char *data, size_t bytes,
                  const int64_t *at, int n);
void ob_node(ob *b, const char *type, const char *inputs, const char *outputs);
void ob_name(ob *b, const char *name); /* of the last node */
void ob_int(ob *b, const char *name, int64_t v);
void ob_float(ob *b, const char *name, float v);
void ob_string(ob *b, const char *name, const char *v);
void ob_ints(ob *b, const char *name, const int64_t *v, int n);
void ob_floats(ob *b, const char *name, const float *v, int n);
void ob_strings(ob *b, const char *name, const char *v); /* by bars: "a|b" */
void ob_tensor(ob *b, const char *name, float v);        /* a float scalar */
void ob_tensor_attr(ob *b, const char *name, const tn_tensor *t);
/** Elements of a sparse tensor of these dimensions, and where they stand: [n], counted through, or [n, rank]. */
void ob_sparse_attr(ob *b, const char *name, const char *dims, const tn_tensor *values, const tn_tensor *at);
void ob_sparse_init(ob *b, const char *name, const char *dims, const tn_tensor *values, const tn_tensor *at);
void ob_subgraph(ob *b, const char *name, ob *graph);           /* frees graph */
void ob_ref(ob *b, const char *name, const char *of, int type); /* a reference to a function's attribute */
/** The nodes of `body` (made by ob_graph, freed here) as a function. opset: of ai.onnx. */
void ob_function(ob *b, const char *domain, const char *name, const char *inputs, const char *outputs,
                 const char *attrs, int opset, ob *body);
void ob_function_default(ob *b, const char *attr, int64_t v); /* of the last function, before the next ob_ call */
void ob_meta(ob *b, const char *key, const char *value);
tn_text ob_finish(ob *b);

#endif
