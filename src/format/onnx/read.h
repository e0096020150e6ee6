/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* read.h - what the files of the ONNX reader share. */
#ifndef TN_FORMAT_ONNX_READ_H
#define TN_FORMAT_ONNX_READ_H

#include "base/arena.h"
#include "base/file.h"
#include "base/map.h"
#include "base/wire.h"
#include "format/findings.h"
#include "format/format.h"

/* Limits that keep a small hostile file from growing without bound. */
#define TN_ONNX_MAX_NAME    4096u     /* bytes of a value, node or operator name */
#define TN_ONNX_MAX_SETS    256       /* operator sets that a model or a function imports: looked up one by one */
#define TN_ONNX_MAX_DEPTH   64        /* graphs in graphs, and calls in calls */
#define TN_ONNX_MAX_INLINED (1 << 18) /* nodes that calls of functions may add */
#define TN_ONNX_SPARE       ((size_t)64 << 20) /* bytes that any file may expand to, whatever its size */

/** What a name stands for: a value, or nothing (a function's parameter that the caller omitted). */
typedef struct {
    tn_value *value; /* NULL: omitted */
    int position;    /* index of the defining node in its graph's list; -1: input or initializer */
    bool initializer;
} tn_onnx_name;

/** The names of one graph, or of one function body that is being inlined. */
typedef struct tn_onnx_scope {
    struct tn_onnx_scope *outer; /* NULL: the main graph and function bodies see nothing around them */
    tn_map *names;
    tn_graph *graph;
    int position;     /* index of the node being read */
    const char *node; /* what messages call it; NULL: none yet */
} tn_onnx_scope;

typedef struct {
    tn_str name, domain, overload;
    tn_str *inputs, *outputs;
    int n_inputs, n_outputs;
    tn_wire *nodes;
    int n_nodes;
    tn_wire *defaults; /* AttributeProto with a default value */
    int n_defaults;
    tn_opset *opsets;
    int n_opsets;
    size_t bytes;
} tn_onnx_function;

/** One call that is being inlined: where the attributes' values come from. */
typedef struct tn_onnx_call {
    const struct tn_onnx_call *outer; /* the call whose body this one stands in; NULL: a node of a graph */
    const tn_onnx_function *function;
    tn_onnx_scope *scope; /* around the calling node */
    const tn_wire *attrs; /* of the calling node */
    int n_attrs;
    const char *prefix; /* for names */
} tn_onnx_call;

typedef struct {
    tn_model *m;
    tn_arena *tmp; /* lives while reading */
    size_t size;   /* of the file */
    tn_map *functions;
    tn_map *files;              /* external data by location: tn_file */
    tn_map *symbols;            /* dimension names that the main graph's inputs carry */
    char *folder, *real_folder; /* where external data may be; NULL: nowhere */
    size_t cap_files;
    tn_file *blank; /* the largest piece of zeros that stands for missing external data; the model's */
    int depth;
    size_t inlined_nodes, expanded; /* so far */
    tn_declared_list declared;
    size_t cap_declared;
} tn_onnx_reader;

/* names.c */
/** Room for one more element in an array of the reader's arena. */
tn_status tn_onnx_room(tn_onnx_reader *r, void *array, int n, size_t each);
tn_status tn_onnx_list_str(tn_onnx_reader *r, tn_str **list, int *n, tn_str s);
tn_status tn_onnx_list_wire(tn_onnx_reader *r, tn_wire **list, int *n, tn_wire w);
/** A NUL-terminated copy in the model's arena. errors TN_E_FORMAT (NUL inside), TN_E_LIMIT (too long), TN_E_NOMEM. */
tn_status tn_onnx_text(tn_onnx_reader *r, tn_str s, const char *what, const char **out);
/** The same of longer texts (documentation, metadata), which a zero byte ends. errors TN_E_NOMEM */
tn_status tn_onnx_long_text(tn_onnx_reader *r, tn_str s, const char **out);
/** Counts towards what the file may expand to. errors TN_E_LIMIT. */
tn_status tn_onnx_expand(tn_onnx_reader *r, size_t bytes);
tn_onnx_name *tn_onnx_lookup(tn_onnx_scope *s, tn_str name, tn_onnx_scope **where);
tn_status tn_onnx_define(tn_onnx_reader *r, tn_onnx_scope *s, tn_str name, tn_value *v, int position);
/** Whether a list of names has one of them twice: *twice is an index, or -1. errors TN_E_NOMEM */
tn_status tn_onnx_twice(const tn_str *names, int n, int *twice);
/** "prefix/name" in buf, or the name alone when there is no prefix or it would be long. */
const char *tn_onnx_print_name(char *buf, size_t n, const char *prefix, tn_str name);
/** A value named as in the file (in an inlined body: after the call), known in scope s. */
tn_status tn_onnx_new_value(tn_onnx_reader *r, tn_onnx_scope *s, const tn_onnx_call *call, tn_str name, int position,
                            tn_value **out);

/* read.c */
tn_status tn_onnx_opset(tn_onnx_reader *r, tn_wire w, tn_opset *out);
/** Adds o to a list in the reader's arena, or finds it there. errors TN_E_GRAPH (another version of it is there
 *  already), TN_E_LIMIT, TN_E_NOMEM. */
tn_status tn_onnx_opset_add(tn_onnx_reader *r, tn_opset **sets, int *n, tn_opset o);

/* read_graph.c */
tn_status tn_onnx_graph(tn_onnx_reader *r, tn_onnx_scope *outer, const tn_onnx_call *call, tn_wire w, tn_graph *g);

/* read_node.c */
tn_status tn_onnx_nodes(tn_onnx_reader *r, tn_onnx_scope *s, const tn_onnx_call *call, const tn_wire *nodes, int n);

/* attr.c */
tn_status tn_onnx_attr(tn_onnx_reader *r, tn_onnx_scope *s, const tn_onnx_call *call, tn_wire w, const char *where,
                       tn_attr *out, bool *present);
/** A Constant node's attribute as a tensor. errors TN_E_GRAPH: not one of the allowed attributes. */
tn_status tn_onnx_constant(tn_onnx_reader *r, const tn_attr *attrs, int n, const char *where, tn_tensor *out);

/* type.c */
typedef struct {
    tn_str name;
    tn_type type;
    const char *symbols[TN_MAX_RANK];
} tn_onnx_info;
tn_status tn_onnx_value_info(tn_onnx_reader *r, tn_wire w, bool names_symbols, tn_onnx_info *out);
tn_status tn_onnx_type(tn_onnx_reader *r, tn_wire w, bool names_symbols, int depth, tn_type *out, const char **symbols);

/* tensor.c */
tn_status tn_onnx_tensor(tn_onnx_reader *r, tn_wire w, const char *where, tn_tensor *out, tn_str *name);
tn_status tn_onnx_sparse(tn_onnx_reader *r, tn_wire w, const char *where, tn_tensor *out, tn_str *name);
tn_str tn_onnx_peek(tn_wire w, uint32_t field); /* the first bytes field of that number, or empty */

/* function.c */
tn_status tn_onnx_function_read(tn_onnx_reader *r, tn_wire w);
const tn_onnx_function *tn_onnx_function_find(tn_onnx_reader *r, tn_str domain, tn_str name, tn_str overload);
tn_status tn_onnx_inline(tn_onnx_reader *r, const tn_onnx_call *call, tn_value *const *inputs, int n_inputs,
                         tn_value *const *outputs, int n_outputs, const char *where);

static inline bool tn_str_is(tn_str s, const char *word) {
    return s.len == strlen(word) && (!s.len || !memcmp(s.ptr, word, s.len));
}
static inline bool tn_str_same(tn_str a, tn_str b) {
    return a.len == b.len && (!a.len || !memcmp(a.ptr, b.ptr, a.len));
}

/** Loops over the fields of a message: TN_FIELDS(w, f) { ... } with `tn_status st` in scope; leaves with st set. */
#define TN_FIELDS(w, f, st) \
    for (bool f##_more = true; f##_more && ((st) = tn_wire_next(&(w), &(f), &f##_more)) == TN_OK && f##_more;)

#endif
