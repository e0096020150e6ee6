/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* onnx_build.c - small ONNX files in memory. */
#include "lib/onnx_build.h"
#include "tensor/dtype.h"
#include "tensor/proto.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct ob {
    tn_wire_out model, graph, node, function; /* node, function: the open one, or empty */
    bool open_node, open_function;
};

static void flush_node(ob *b) {
    if (b->open_node) tn_wire_put_bytes(&b->graph, 1, b->node.s, b->node.n);
    b->node.n = 0;
    b->open_node = false;
}

static void flush_function(ob *b) {
    if (b->open_function) tn_wire_put_bytes(&b->model, 25, b->function.s, b->function.n);
    b->function.n = 0;
    b->open_function = false;
}

static void text(tn_wire_out *o, uint32_t field, const char *s) { tn_wire_put_bytes(o, field, s, strlen(s)); }

static void opset(tn_wire_out *o, uint32_t field, const char *domain, int version) {
    size_t m = tn_wire_begin(o, field);
    text(o, 1, domain);
    tn_wire_put_varint(o, 2, (uint64_t)version);
    tn_wire_end(o, m);
}

ob *ob_graph(void) { return calloc(1, sizeof(ob)); }

ob *ob_new(int ir, int version) {
    ob *b = ob_graph();
    tn_wire_put_varint(&b->model, 1, (uint64_t)ir);
    if (version) opset(&b->model, 8, "", version);
    return b;
}

void ob_opset(ob *b, const char *domain, int version) { opset(&b->model, 8, domain, version); }

/* Calls fn for every word of s between separators. */
static void words(const char *s, char separator, void (*fn)(tn_wire_out *o, const char *w, size_t n, uint32_t field),
                  tn_wire_out *o, uint32_t field) {
    while (s && *s) {
        const char *end = strchr(s, separator);
        size_t n = end ? (size_t)(end - s) : strlen(s);
        fn(o, s, n, field);
        s += n + (end != NULL);
    }
}

static void put_dim(tn_wire_out *o, const char *w, size_t n, uint32_t field) {
    size_t m = tn_wire_begin(o, field);
    if (*w == '-' || (*w >= '0' && *w <= '9'))
        tn_wire_put_varint(o, 1, (uint64_t)strtoll(w, NULL, 10));
    else if (*w != '?')
        tn_wire_put_bytes(o, 2, w, n);
    tn_wire_end(o, m);
}

static void put_size(tn_wire_out *o, const char *w, size_t n, uint32_t field) {
    (void)n;
    tn_wire_put_varint(o, field, (uint64_t)strtoll(w, NULL, 10));
}

static void put_word(tn_wire_out *o, const char *w, size_t n, uint32_t field) {
    if (n == 1 && *w == '_') n = 0;
    tn_wire_put_bytes(o, field, w, n);
}

static void value_info(ob *b, uint32_t field, const char *name, tn_dtype t, const char *dims) {
    flush_node(b);
    size_t m = tn_wire_begin(&b->graph, field);
    text(&b->graph, 1, name);
    if (t != TN_NONE) {
        size_t type = tn_wire_begin(&b->graph, 2), tensor = tn_wire_begin(&b->graph, 1);
        tn_wire_put_varint(&b->graph, 1, (uint64_t)tn_dtypes[t].onnx);
        if (dims) {
            size_t shape = tn_wire_begin(&b->graph, 2);
            words(dims, ',', put_dim, &b->graph, 1);
            tn_wire_end(&b->graph, shape);
        }
        tn_wire_end(&b->graph, tensor);
        tn_wire_end(&b->graph, type);
    }
    tn_wire_end(&b->graph, m);
}

void ob_input(ob *b, const char *name, tn_dtype t, const char *dims) { value_info(b, 11, name, t, dims); }
void ob_output(ob *b, const char *name) { value_info(b, 12, name, TN_NONE, NULL); }
void ob_output_info(ob *b, const char *name, tn_dtype t, const char *dims) { value_info(b, 12, name, t, dims); }
void ob_value_info(ob *b, const char *name, tn_dtype t, const char *dims) { value_info(b, 13, name, t, dims); }

static size_t begin_init(ob *b, const char *name, tn_dtype t, const char *dims) {
    flush_node(b);
    size_t m = tn_wire_begin(&b->graph, 5);
    words(dims, ',', put_size, &b->graph, 1);
    tn_wire_put_varint(&b->graph, 2, (uint64_t)tn_dtypes[t].onnx);
    text(&b->graph, 8, name);
    return m;
}

void ob_floats_init(ob *b, const char *name, const char *dims, const float *v, int n) {
    size_t m = begin_init(b, name, TN_F32, dims);
    tn_wire_put_bytes(&b->graph, 9, v, (size_t)n * 4);
    tn_wire_end(&b->graph, m);
}

void ob_ints_init(ob *b, const char *name, const char *dims, const int64_t *v, int n) {
    size_t m = begin_init(b, name, TN_I64, dims);
    for (int i = 0; i < n; i++) tn_wire_put_varint(&b->graph, 7, (uint64_t)v[i]);
    tn_wire_end(&b->graph, m);
}

void ob_init(ob *b, const char *name, const tn_tensor *t) {
    flush_node(b);
    size_t m = tn_wire_begin(&b->graph, 5);
    tn_tensor_to_proto(&b->graph, t, name);
    tn_wire_end(&b->graph, m);
}

static void pair(tn_wire_out *o, uint32_t field, const char *key, const char *value) {
    if (!value) return;
    size_t m = tn_wire_begin(o, field);
    text(o, 1, key);
    text(o, 2, value);
    tn_wire_end(o, m);
}

void ob_external(ob *b, const char *name, const char *dims, const char *location, const char *offset,
                 const char *length) {
    size_t m = begin_init(b, name, TN_F32, dims);
    pair(&b->graph, 13, "location", location);
    pair(&b->graph, 13, "offset", offset);
    pair(&b->graph, 13, "length", length);
    tn_wire_put_varint(&b->graph, 14, 1);
    tn_wire_end(&b->graph, m);
}

void ob_sparse(ob *b, const char *name, const char *dims, const float *v, const int64_t *at, int n, int coords) {
    flush_node(b);
    tn_wire_out *o = &b->graph;
    size_t m = tn_wire_begin(o, 15), t = tn_wire_begin(o, 1);
    tn_wire_put_varint(o, 1, (uint64_t)n);
    tn_wire_put_varint(o, 2, 1);
    text(o, 8, name);
    tn_wire_put_bytes(o, 9, v, (size_t)n * 4);
    tn_wire_end(o, t);
    t = tn_wire_begin(o, 2);
    tn_wire_put_varint(o, 1, (uint64_t)n);
    if (coords > 1) tn_wire_put_varint(o, 1, (uint64_t)coords);
    tn_wire_put_varint(o, 2, 7);
    tn_wire_put_bytes(o, 9, at, (size_t)n * (size_t)coords * 8);
    tn_wire_end(o, t);
    words(dims, ',', put_size, o, 3);
    tn_wire_end(o, m);
}

void ob_sparse_of(ob *b, const char *name, tn_dtype t, const char *dims, const char *data, size_t bytes,
                  const int64_t *at, int n) {
    flush_node(b);
    tn_wire_out *o = &b->graph;
    size_t m = tn_wire_begin(o, 15), part = tn_wire_begin(o, 1);
    tn_wire_put_varint(o, 1, (uint64_t)n);
    tn_wire_put_varint(o, 2, (uint64_t)tn_dtypes[t].onnx);
    text(o, 8, name);
    if (t == TN_STRING)
        words(data, '|', put_word, o, 6);
    else
        tn_wire_put_bytes(o, 9, data, bytes);
    tn_wire_end(o, part);
    part = tn_wire_begin(o, 2);
    tn_wire_put_varint(o, 1, (uint64_t)n);
    tn_wire_put_varint(o, 2, 7);
    tn_wire_put_bytes(o, 9, at, (size_t)n * 8);
    tn_wire_end(o, part);
    words(dims, ',', put_size, o, 3);
    tn_wire_end(o, m);
}

void ob_node(ob *b, const char *type, const char *inputs, const char *outputs) {
    flush_node(b);
    b->open_node = true;
    words(inputs, ' ', put_word, &b->node, 1);
    words(outputs, ' ', put_word, &b->node, 2);
    const char *name = strstr(type, "::");
    if (name) tn_wire_put_bytes(&b->node, 7, type, (size_t)(name - type));
    text(&b->node, 4, name ? name + 2 : type);
}

void ob_name(ob *b, const char *name) { text(&b->node, 3, name); }

static size_t begin_attr(ob *b, const char *name, int type) {
    assert(b->open_node);
    size_t m = tn_wire_begin(&b->node, 5);
    text(&b->node, 1, name);
    tn_wire_put_varint(&b->node, 20, (uint64_t)type);
    return m;
}

void ob_int(ob *b, const char *name, int64_t v) {
    size_t m = begin_attr(b, name, 2);
    tn_wire_put_varint(&b->node, 3, (uint64_t)v);
    tn_wire_end(&b->node, m);
}

void ob_float(ob *b, const char *name, float v) {
    size_t m = begin_attr(b, name, 1);
    tn_wire_put_f32(&b->node, 2, v);
    tn_wire_end(&b->node, m);
}

void ob_string(ob *b, const char *name, const char *v) {
    size_t m = begin_attr(b, name, 3);
    text(&b->node, 4, v);
    tn_wire_end(&b->node, m);
}

void ob_ints(ob *b, const char *name, const int64_t *v, int n) {
    size_t m = begin_attr(b, name, 7);
    for (int i = 0; i < n; i++) tn_wire_put_varint(&b->node, 8, (uint64_t)v[i]);
    tn_wire_end(&b->node, m);
}

void ob_floats(ob *b, const char *name, const float *v, int n) {
    size_t m = begin_attr(b, name, 6);
    for (int i = 0; i < n; i++) tn_wire_put_f32(&b->node, 7, v[i]);
    tn_wire_end(&b->node, m);
}

void ob_strings(ob *b, const char *name, const char *v) {
    size_t m = begin_attr(b, name, 8);
    for (const char *end; v; v = *end ? end + 1 : NULL) {
        end = strchrnul(v, '|');
        tn_wire_put_bytes(&b->node, 9, v, (size_t)(end - v));
    }
    tn_wire_end(&b->node, m);
}

void ob_tensor(ob *b, const char *name, float v) {
    size_t m = begin_attr(b, name, 4), t = tn_wire_begin(&b->node, 5);
    tn_wire_put_varint(&b->node, 2, 1);
    tn_wire_put_bytes(&b->node, 9, &v, 4);
    tn_wire_end(&b->node, t);
    tn_wire_end(&b->node, m);
}

void ob_tensor_attr(ob *b, const char *name, const tn_tensor *t) {
    size_t m = begin_attr(b, name, 4), at = tn_wire_begin(&b->node, 5);
    tn_tensor_to_proto(&b->node, t, "");
    tn_wire_end(&b->node, at);
    tn_wire_end(&b->node, m);
}

static void put_sparse(tn_wire_out *o, const char *name, const char *dims, const tn_tensor *values,
                       const tn_tensor *at) {
    size_t m = tn_wire_begin(o, 1);
    tn_tensor_to_proto(o, values, name);
    tn_wire_end(o, m);
    m = tn_wire_begin(o, 2);
    tn_tensor_to_proto(o, at, "");
    tn_wire_end(o, m);
    words(dims, ',', put_size, o, 3);
}

void ob_sparse_attr(ob *b, const char *name, const char *dims, const tn_tensor *values, const tn_tensor *at) {
    size_t m = begin_attr(b, name, 11), t = tn_wire_begin(&b->node, 22);
    put_sparse(&b->node, "", dims, values, at);
    tn_wire_end(&b->node, t);
    tn_wire_end(&b->node, m);
}

void ob_sparse_init(ob *b, const char *name, const char *dims, const tn_tensor *values, const tn_tensor *at) {
    flush_node(b);
    size_t m = tn_wire_begin(&b->graph, 15);
    put_sparse(&b->graph, name, dims, values, at);
    tn_wire_end(&b->graph, m);
}

static void free_ob(ob *b) {
    tn_text_free(&b->model);
    tn_text_free(&b->graph);
    tn_text_free(&b->node);
    tn_text_free(&b->function);
    free(b);
}

void ob_subgraph(ob *b, const char *name, ob *graph) {
    flush_node(graph);
    text(&graph->graph, 2, name);
    size_t m = begin_attr(b, name, 5);
    tn_wire_put_bytes(&b->node, 6, graph->graph.s, graph->graph.n);
    tn_wire_end(&b->node, m);
    free_ob(graph);
}

void ob_ref(ob *b, const char *name, const char *of, int type) {
    size_t m = begin_attr(b, name, type);
    text(&b->node, 21, of);
    tn_wire_end(&b->node, m);
}

void ob_function(ob *b, const char *domain, const char *name, const char *inputs, const char *outputs,
                 const char *attrs, int version, ob *body) {
    flush_function(b);
    flush_node(body);
    tn_wire_out *o = &b->function;
    b->open_function = true;
    text(o, 1, name);
    words(inputs, ' ', put_word, o, 4);
    words(outputs, ' ', put_word, o, 5);
    words(attrs, ' ', put_word, o, 6);
    opset(o, 9, "", version);
    text(o, 10, domain);
    tn_wire w = tn_wire_of(body->graph.s, body->graph.n); /* the body's nodes, field 1 of a graph, are field 7 here */
    tn_wire_field f;
    for (bool more = true; tn_wire_next(&w, &f, &more) == TN_OK && more;)
        if (f.number == 1) tn_wire_put_bytes(o, 7, f.bytes.ptr, f.bytes.len);
    free_ob(body);
}

void ob_function_default(ob *b, const char *attr, int64_t v) {
    size_t m = tn_wire_begin(&b->function, 11);
    text(&b->function, 1, attr);
    tn_wire_put_varint(&b->function, 20, 2);
    tn_wire_put_varint(&b->function, 3, (uint64_t)v);
    tn_wire_end(&b->function, m);
}

void ob_meta(ob *b, const char *key, const char *value) { pair(&b->model, 14, key, value); }

tn_text ob_finish(ob *b) {
    flush_node(b);
    flush_function(b);
    text(&b->graph, 2, "main");
    tn_wire_put_bytes(&b->model, 7, b->graph.s, b->graph.n);
    tn_text file = b->model;
    b->model = (tn_text){ 0 };
    free_ob(b);
    return file;
}
