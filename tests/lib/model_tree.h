/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* model_tree.h - an ONNX file as a tree of protobuf fields that can be edited and written again: what tests that
 * damage models with sense work on. Nothing is understood but which fields are messages, so that any file that is
 * protobuf comes out as it went in (lists that may be packed come out unpacked).
 *
 *     model ── 7 graph ── 1 node ── 1 input, 2 output, 5 attribute ── 8 ints
 *                     └── 5 initializer ── 1 dims, 9 raw_data                        */
#ifndef TN_TESTS_MODEL_TREE_H
#define TN_TESTS_MODEL_TREE_H

#include "base/arena.h"
#include "base/wire.h"

typedef enum {
    MT_LEAF,
    MT_MODEL,
    MT_GRAPH,
    MT_NODE,
    MT_ATTR,
    MT_TENSOR,
    MT_SPARSE,
    MT_VALUE,
    MT_TYPE,
    MT_TENSOR_TYPE,
    MT_SHAPE,
    MT_DIM,
    MT_HOLDER, /* sequence and optional types: field 1 is a type */
    MT_FUNCTION,
    MT_FEED, /* what is given for an input: see model_trial.h */
} mt_kind;

/* Field numbers of onnx.proto, as far as tests name them. */
enum { MT_MODEL_GRAPH = 7, MT_MODEL_FUNCTION = 25, MT_MODEL_FEED = 2000 };
enum { MT_GRAPH_NODE = 1, MT_GRAPH_INITIALIZER = 5, MT_GRAPH_INPUT = 11, MT_GRAPH_OUTPUT = 12, MT_GRAPH_INFO = 13 };
enum { MT_NODE_INPUT = 1, MT_NODE_OUTPUT, MT_NODE_NAME, MT_NODE_TYPE, MT_NODE_ATTR };
enum { MT_ATTR_NAME = 1, MT_ATTR_F, MT_ATTR_I, MT_ATTR_S, MT_ATTR_T, MT_ATTR_G, MT_ATTR_FLOATS, MT_ATTR_INTS };
enum { MT_ATTR_STRINGS = 9, MT_ATTR_TYPE = 20 };
enum { MT_TENSOR_DIMS = 1, MT_TENSOR_TYPE_CODE = 2, MT_TENSOR_NAME = 8, MT_TENSOR_RAW = 9 };
enum { MT_VALUE_NAME = 1, MT_VALUE_TYPE = 2 };
enum { MT_FEED_NAME = 1, MT_FEED_KIND, MT_FEED_TENSOR, MT_FEED_OTHER };
enum { MT_FEEDS_TENSOR, MT_FEEDS_SEQUENCE, MT_FEEDS_MAP, MT_FEEDS_OPTIONAL }; /* MT_FEED_KIND */

typedef struct mt_field mt_field;
struct mt_field {
    uint32_t number, wire; /* wire: 0 varint, 1 fixed64, 2 bytes or message, 5 fixed32 */
    mt_kind kind;          /* MT_LEAF: u or bytes; else the fields below */
    uint64_t u;
    tn_str bytes; /* borrowed */
    mt_field *up, *prev, *next, *first, *last;
};

/** The tree of a model; bytes are borrowed from data. NULL: not protobuf, or too little memory. */
mt_field *mt_parse(tn_arena *a, const void *data, size_t n);
mt_field *mt_parse_as(tn_arena *a, mt_kind kind, const void *data, size_t n); /* any other message */
void mt_write(const mt_field *root, tn_text *out);

#define mt_each(m, num, f)                                            \
    for (mt_field *f = mt_get(m, num, 0), *f##_next; f; f = f##_next) \
        if (f##_next = mt_following(f), true)

mt_field *mt_get(const mt_field *m, uint32_t number, int i); /* the i-th field of that number, or NULL; m may be NULL */
mt_field *mt_following(const mt_field *f);                   /* the next of its number */
int mt_count(const mt_field *m, uint32_t number);
bool mt_is(const mt_field *text, const char *word); /* false when NULL */
bool mt_holds(const mt_field *text, tn_str word);   /* the same; an empty word may lie nowhere */
int64_t mt_int(const mt_field *m, uint32_t number, int64_t dflt);

void mt_remove(mt_field *f);
mt_field *mt_copy(tn_arena *a, const mt_field *f);
void mt_insert(mt_field *before, mt_field *f); /* f is in no tree */
void mt_append(mt_field *m, mt_field *f);      /* behind the last of its number, or at the end */
void mt_exchange(mt_field *x, mt_field *y);    /* their contents; numbers stay */
mt_field *mt_add_int(tn_arena *a, mt_field *m, uint32_t number, int64_t v);
mt_field *mt_add_bytes(tn_arena *a, mt_field *m, uint32_t number, const void *p, size_t n); /* copied */
void mt_clear(mt_field *m, uint32_t number); /* all fields of that number */

/** The integers of a small tensor, of whichever field; -1 when it holds none or more than `room`. */
int mt_tensor_ints(const mt_field *tensor, int64_t *v, int room);
/** The tensor := these integers under these dimensions, in its own element type (32 or 64 bits). */
void mt_set_tensor_ints(tn_arena *a, mt_field *tensor, const int64_t *v, int n, int rank, const int64_t *dims);

#endif
