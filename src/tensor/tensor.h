/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* tensor.h - dense row-major tensors, and data in general (sequences, optionals, maps).
 *
 * A tensor whose `encoding` is set holds no elements but blocks that decode to them. Such tensors are constants of
 * models; who reads elements never sees one: what an operator gets is checked against its row first (tn_port.encoded),
 * readers of single tensors ask tn_tensor_plain. A tensor whose `rows` is set is a cache that a run was given; plans
 * give it to operators that take one (tn_port.rows). */
#ifndef TN_TENSOR_TENSOR_H
#define TN_TENSOR_TENSOR_H

#include "base/arena.h"
#include "tensor/dtype.h"

/** Reference-counted memory behind tensors. Strings of a TN_STRING tensor live in `strings`. */
typedef struct tn_buffer {
    int refs; /* atomic */
    void *data;
    size_t bytes;
    tn_arena *strings;                    /* NULL unless elements are strings that this buffer owns */
    void (*release)(struct tn_buffer *b); /* frees data; NULL: tn_mem_free */
    void *user;
} tn_buffer;

struct tn_tensor {
    tn_dtype dtype;
    int rank;
    int64_t dims[TN_MAX_RANK];
    void *data;
    tn_buffer *buffer; /* NULL: borrowed memory */
    uint64_t id;       /* of a model's constant: names its elements for ever. 0: no constant of a model */
    const struct tn_encoding *encoding; /* data are blocks (tensor/encoding.h) of float32 elements; NULL: elements */
    struct tn_rows *rows;               /* elements lie in a cache (tensor/rows.h), data is nothing; NULL: at data */
};

tn_buffer *tn_buffer_new(size_t bytes, tn_mem_tag tag); /* refs = 1; NULL when out of memory */
tn_buffer *tn_buffer_ref(tn_buffer *b);                 /* NULL is fine */
void tn_buffer_unref(tn_buffer **b);

/** Product of dims; -1 for a negative dimension, or when the product of those that are not 0 does not fit. */
int64_t tn_dims_count(int rank, const int64_t *dims);
static inline int64_t tn_count(const tn_tensor *t) {
    int64_t n = 1;
    for (int i = 0; i < t->rank; i++) n *= t->dims[i];
    return n;
}
/** Checks type, rank, dimensions and size; *count elements in *bytes bytes. errors TN_E_TYPE, TN_E_SHAPE. */
tn_status tn_dims_check(tn_dtype dtype, int rank, const int64_t *dims, int64_t *count, size_t *bytes);
bool tn_dims_equal(int ra, const int64_t *a, int rb, const int64_t *b);
const char *tn_dims_text(int rank, const int64_t *dims, char *buf, size_t n); /* "1x3x224x224", "scalar" */

/** Fills *t with fresh memory (not zeroed; strings are empty). errors TN_E_SHAPE, TN_E_LIMIT, TN_E_NOMEM. */
tn_status tn_tensor_init(tn_tensor *t, tn_dtype dtype, int rank, const int64_t *dims, tn_mem_tag tag);
/** *dst shares src's buffer (or borrows the same memory when there is none). */
void tn_tensor_share(tn_tensor *dst, const tn_tensor *src);
tn_status tn_tensor_copy(tn_tensor *dst, const tn_tensor *src,
                         tn_mem_tag tag); /* own memory; strings are deep-copied */
void tn_tensor_reset(tn_tensor *t);       /* drops the reference; *t = {0} */
/** Gives t an id of its own, unless it has one: from now on its elements never change, and whoever shares them under
 * the id has the same. No id is given twice in a process, so what is made of a constant may be kept under its id after
 * the constant has gone (its address may not: the next one may lie there). Copies and fresh tensors have none. */
void tn_tensor_identify(tn_tensor *t);
/** Moves *t into a new handle that the caller owns; *t is empty afterwards, in any case. errors TN_E_NOMEM. */
tn_status tn_tensor_move_out(tn_tensor *t, tn_tensor **out);
/** Data in a mapped file may lie at any address. tn_tensor_aligned: whether elements may be read through a pointer of
 * their type; tn_tensor_align makes it so (by a copy when they may not). Weights up to 64 KiB are aligned when a model
 * is loaded; larger ones only when a plan needs that, so what packs weights reads them with memcpy or vector loads. */
bool tn_tensor_aligned(const tn_tensor *t);
tn_status tn_tensor_align(tn_tensor *t);
/** Whether data holds elements. errors TN_E_UNSUPPORTED: "`what` holds Q4_K blocks ..." */
tn_status tn_tensor_plain(const tn_tensor *t, const char *what);
/** Element i of a string tensor := a copy of the bytes in the tensor's own arena. errors TN_E_NOMEM. */
tn_status tn_tensor_set_string(tn_tensor *t, int64_t i, const char *s, size_t n);

/** Reads .npy, .npz with one array, or a TensorProto, by the file's first bytes; the tensor owns its memory. */
tn_status tn_tensor_read(const char *path, tn_tensor *out);

/** What flows along an edge at run time. An empty optional is TN_KIND_NONE; a full one is simply its content. */
typedef enum { TN_KIND_NONE, TN_KIND_TENSOR, TN_KIND_SEQUENCE, TN_KIND_OPTIONAL, TN_KIND_MAP } tn_kind;

typedef struct tn_list tn_list;
typedef struct tn_datum {
    tn_kind kind;
    union {
        tn_tensor tensor; /* TENSOR */
        tn_list *list;    /* SEQUENCE: shared, copied on write. MAP: two items, a key tensor and a value tensor, 1-D */
    };
} tn_datum;

/** Items lie in a store that lists may share: a list is its first n items. One more item goes behind them in the same
 *  store when nobody has put one there yet, so that a sequence that grows step by step is not copied in every step. */
typedef struct tn_list_store tn_list_store;

struct tn_list {
    int refs; /* atomic */
    size_t n;
    const tn_datum *items; /* the store's; they do not change */
    tn_list_store *store;  /* NULL: no room for any */
};

tn_list *tn_list_new(size_t cap); /* refs = 1, n = 0 */
tn_list *tn_list_ref(tn_list *l);
void tn_list_unref(tn_list **l);
tn_status tn_list_push(tn_list *l, const tn_datum *d); /* shares d; the list must have one owner */
/** *out := the items of l (NULL: none) and then d; l is as it was. Takes amortised constant time where l is the longest
 *  list of its store; several threads may append to one l. errors TN_E_NOMEM */
tn_status tn_list_append(const tn_list *l, const tn_datum *d, tn_list **out);
void tn_datum_share(tn_datum *dst, const tn_datum *src);
void tn_datum_reset(tn_datum *d);
tn_status tn_datum_copy(tn_datum *dst, const tn_datum *src, tn_mem_tag tag); /* deep */
/** Takes all its memory off the account of the thread's budget: it is handed to somebody else. */
void tn_datum_disown(const tn_datum *d);

#endif
