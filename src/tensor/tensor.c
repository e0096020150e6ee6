/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* tensor.c - tensors, their shared memory, and data in general. */
#include "tensor/encoding.h"
#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define MAX_BYTES ((size_t)1 << 62)

static void count_ref(int *refs) { __atomic_fetch_add(refs, 1, __ATOMIC_RELAXED); }
static bool last_unref(int *refs) { return __atomic_sub_fetch(refs, 1, __ATOMIC_ACQ_REL) == 0; }

/* ------------------------------------------------------------------------------------------------------ buffers */

static tn_buffer *buffer_new(size_t bytes, tn_mem_tag tag, bool zero) {
    tn_buffer *b = tn_mem_zalloc(sizeof *b, tag);
    if (!b) return NULL;
    b->refs = 1;
    b->bytes = bytes;
    b->data = zero ? tn_mem_zalloc(bytes, tag) : tn_mem_alloc(bytes, tag);
    if (!b->data) {
        tn_mem_free(b);
        return NULL;
    }
    return b;
}

tn_buffer *tn_buffer_new(size_t bytes, tn_mem_tag tag) { return buffer_new(bytes, tag, false); }

tn_buffer *tn_buffer_ref(tn_buffer *b) {
    if (b) count_ref(&b->refs);
    return b;
}

void tn_buffer_unref(tn_buffer **bp) {
    tn_buffer *b = *bp;
    *bp = NULL;
    if (!b || !last_unref(&b->refs)) return;
    tn_arena_free(&b->strings);
    if (b->release)
        b->release(b);
    else
        tn_mem_free(b->data);
    tn_mem_free(b);
}

/* ------------------------------------------------------------------------------------------------------- shapes */

/* Product of the dimensions that are not 0; -1: it does not fit, or one is negative. */
static int64_t extent(int rank, const int64_t *dims) {
    int64_t n = 1;
    for (int i = 0; i < rank; i++)
        if (dims[i] < 0 || (dims[i] && __builtin_mul_overflow(n, dims[i], &n))) return -1;
    return n;
}

/* Beside a 0 the others must fit all the same: strides and partial products are computed from them. */
int64_t tn_dims_count(int rank, const int64_t *dims) {
    int64_t n = extent(rank, dims);
    for (int i = 0; i < rank && n > 0; i++)
        if (!dims[i]) n = 0;
    return n;
}

bool tn_dims_equal(int ra, const int64_t *a, int rb, const int64_t *b) {
    return ra == rb && (ra <= 0 || !memcmp(a, b, (size_t)ra * sizeof *a));
}

const char *tn_dims_text(int rank, const int64_t *dims, char *buf, size_t n) {
    size_t used = 0;
    snprintf(buf, n, "scalar");
    for (int i = 0; i < rank && used < n; i++)
        used += (size_t)snprintf(buf + used, n - used, i ? "x%lld" : "%lld", (long long)dims[i]);
    return buf;
}

tn_status tn_dims_check(tn_dtype dtype, int rank, const int64_t *dims, int64_t *count, size_t *bytes) {
    char text[400];
    if ((unsigned)dtype >= TN_DTYPE_COUNT || dtype == TN_NONE)
        return tn_fail(TN_E_TYPE, "%d is not an element type", (int)dtype);
    if (rank < 0 || rank > TN_MAX_RANK)
        return tn_fail(TN_E_SHAPE, "a tensor of %d dimensions: the limit is %d", rank, TN_MAX_RANK);
    for (int i = 0; i < rank; i++)
        if (dims[i] < 0)
            return tn_fail(TN_E_SHAPE, "dimension %d of %s is negative", i,
                           tn_dims_text(rank, dims, text, sizeof text));
    int64_t most = extent(rank, dims);
    if (most < 0 || !tn_dtype_bytes(dtype, most, bytes) || *bytes > MAX_BYTES)
        return tn_fail(TN_E_SHAPE, "a tensor of shape %s is too large", tn_dims_text(rank, dims, text, sizeof text));
    *count = tn_dims_count(rank, dims);
    (void)tn_dtype_bytes(dtype, *count, bytes);
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------ tensors */

static tn_status init(tn_tensor *t, tn_dtype dtype, int rank, const int64_t *dims, tn_mem_tag tag, bool zero) {
    int64_t count;
    size_t bytes;
    *t = (tn_tensor){ 0 };
    TN_TRY(tn_dims_check(dtype, rank, dims, &count, &bytes));
    tn_buffer *b = buffer_new(bytes, tag, zero || dtype == TN_STRING);
    if (!b) {
        char text[400];
        return tn_fail(TN_E_NOMEM, "out of memory for %zu bytes of a %s tensor %s", bytes, tn_dtype_name(dtype),
                       tn_dims_text(rank, dims, text, sizeof text));
    }
    t->dtype = dtype;
    t->rank = rank;
    if (rank) memcpy(t->dims, dims, (size_t)rank * sizeof *dims);
    t->data = count ? b->data : NULL;
    t->buffer = b;
    return TN_OK;
}

tn_status tn_tensor_init(tn_tensor *t, tn_dtype dtype, int rank, const int64_t *dims, tn_mem_tag tag) {
    return init(t, dtype, rank, dims, tag, false);
}

void tn_tensor_share(tn_tensor *dst, const tn_tensor *src) {
    *dst = *src;
    tn_buffer_ref(dst->buffer);
}

void tn_tensor_identify(tn_tensor *t) {
    static _Atomic uint64_t last;
    if (!t->id) t->id = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

void tn_tensor_reset(tn_tensor *t) {
    tn_buffer_unref(&t->buffer);
    *t = (tn_tensor){ 0 };
}

tn_status tn_tensor_set_string(tn_tensor *t, int64_t i, const char *s, size_t n) {
    assert(t->dtype == TN_STRING && t->buffer);
    tn_buffer *b = t->buffer;
    if (!b->strings) b->strings = tn_arena_new(0, TN_MEM_GENERAL);
    char *copy = b->strings ? tn_arena_strndup(b->strings, s, n) : NULL;
    if (!copy) return tn_fail(TN_E_NOMEM, "out of memory for a string of %zu bytes", n);
    ((tn_string *)t->data)[i] = (tn_string){ copy, n };
    return TN_OK;
}

static tn_status copy_encoded(tn_tensor *dst, const tn_tensor *src, tn_mem_tag tag) {
    size_t bytes = tn_tensor_bytes(src);
    tn_buffer *b = tn_buffer_new(bytes, tag);
    if (!b) return tn_fail(TN_E_NOMEM, "out of memory for %zu bytes of %s blocks", bytes, src->encoding->name);
    if (bytes) memcpy(b->data, src->data, bytes);
    *dst = *src;
    dst->id = 0, dst->buffer = b, dst->data = bytes ? b->data : NULL;
    return TN_OK;
}

tn_status tn_tensor_plain(const tn_tensor *t, const char *what) {
    if (!t->encoding) return TN_OK;
    return tn_fail(TN_E_UNSUPPORTED, "%s holds %s blocks, where elements of type %s are needed: decode it first", what,
                   t->encoding->name, tn_dtype_name(t->dtype));
}

tn_status tn_tensor_copy(tn_tensor *dst, const tn_tensor *src, tn_mem_tag tag) {
    tn_tensor copy;
    if (src->encoding) return copy_encoded(dst, src, tag);
    TN_TRY(init(&copy, src->dtype, src->rank, src->dims, tag, false));
    int64_t n = tn_count(src);
    if (src->dtype == TN_STRING) {
        const tn_string *s = src->data;
        for (int64_t i = 0; i < n; i++) {
            tn_status st = tn_tensor_set_string(&copy, i, s[i].ptr, s[i].len);
            if (st != TN_OK) {
                tn_tensor_reset(&copy);
                return st;
            }
        }
    } else if (n) {
        memcpy(copy.data, src->data, copy.buffer->bytes);
    }
    *dst = copy;
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------- the public functions */

static tn_status wrap(const tn_tensor *t, tn_tensor **out) {
    if (!(*out = tn_mem_alloc(sizeof *t, TN_MEM_IO))) return tn_fail(TN_E_NOMEM, "out of memory for a tensor");
    **out = *t;
    return TN_OK;
}

tn_status tn_tensor_move_out(tn_tensor *t, tn_tensor **out) {
    tn_status st = wrap(t, out);
    if (st != TN_OK) tn_tensor_reset(t);
    *t = (tn_tensor){ 0 };
    return st;
}

tn_status tn_tensor_new(tn_dtype dtype, int rank, const int64_t *dims, tn_tensor **out) {
    tn_tensor t;
    *out = NULL;
    TN_TRY(init(&t, dtype, rank, dims, TN_MEM_IO, true));
    return tn_tensor_move_out(&t, out);
}

tn_status tn_tensor_borrow(tn_dtype dtype, int rank, const int64_t *dims, void *data, tn_tensor **out) {
    int64_t count;
    size_t bytes;
    *out = NULL;
    TN_TRY(tn_dims_check(dtype, rank, dims, &count, &bytes));
    if (count && !data) return tn_fail(TN_E_INVALID, "a tensor over NULL memory");
    tn_tensor t = { .dtype = dtype, .rank = rank, .data = count ? data : NULL };
    if (rank) memcpy(t.dims, dims, (size_t)rank * sizeof *dims);
    return wrap(&t, out);
}

void tn_tensor_free(tn_tensor **t) {
    if (!t || !*t) return;
    tn_tensor_reset(*t);
    tn_mem_free(*t);
    *t = NULL;
}

tn_dtype tn_tensor_dtype(const tn_tensor *t) { return t->dtype; }
int tn_tensor_rank(const tn_tensor *t) { return t->rank; }
const int64_t *tn_tensor_dims(const tn_tensor *t) { return t->dims; }
int64_t tn_tensor_elements(const tn_tensor *t) { return tn_count(t); }
void *tn_tensor_data(const tn_tensor *t) { return t->data; }

size_t tn_tensor_bytes(const tn_tensor *t) {
    size_t bytes = 0;
    if (t->encoding) return (size_t)(tn_count(t) / t->encoding->block) * (size_t)t->encoding->bytes;
    tn_dtype_bytes(t->dtype, tn_count(t), &bytes);
    return bytes;
}

/* -------------------------------------------------------------------------------------------- data in general */

struct tn_list_store {
    int refs;    /* atomic: lists */
    size_t used; /* atomic: items that some list has; a list takes the next one by counting it */
    size_t cap;
    tn_datum items[];
};

static tn_list_store *store_new(size_t cap) {
    size_t bytes;
    if (!tn_mul_size(cap, sizeof(tn_datum), &bytes) || bytes > MAX_BYTES) return NULL;
    tn_list_store *s = tn_mem_alloc(sizeof *s + bytes, TN_MEM_GENERAL);
    if (s) s->refs = 1, s->used = 0, s->cap = cap;
    return s;
}

static void store_unref(tn_list_store *s) {
    if (!s || !last_unref(&s->refs)) return;
    for (size_t i = 0; i < s->used; i++) tn_datum_reset(&s->items[i]);
    tn_mem_free(s);
}

static void store_put(tn_list *l, tn_list_store *s) {
    l->store = s;
    l->items = s ? s->items : NULL;
}

tn_list *tn_list_new(size_t cap) {
    tn_list *l = tn_mem_zalloc(sizeof *l, TN_MEM_GENERAL);
    tn_list_store *s = l && cap ? store_new(cap) : NULL;
    if (!l || (cap && !s)) {
        tn_mem_free(l);
        return NULL;
    }
    l->refs = 1;
    store_put(l, s);
    return l;
}

tn_list *tn_list_ref(tn_list *l) {
    if (l) count_ref(&l->refs);
    return l;
}

void tn_list_unref(tn_list **lp) {
    tn_list *l = *lp;
    *lp = NULL;
    if (!l || !last_unref(&l->refs)) return;
    store_unref(l->store);
    tn_mem_free(l);
}

/* Takes the place behind the list's items, unless another list has it or there is none. */
static bool claim(tn_list *l) {
    size_t n = l->n;
    return l->store && n < l->store->cap &&
           __atomic_compare_exchange_n(&l->store->used, &n, n + 1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* A store of its own, with room for as many items again. */
static tn_status grow(tn_list *l) {
    size_t cap = l->n < 2 ? 4 : l->n <= SIZE_MAX / 2 ? 2 * l->n : SIZE_MAX;
    tn_list_store *s = store_new(cap);
    if (!s) return tn_fail(TN_E_NOMEM, "out of memory for a sequence of %zu items", l->n + 1);
    for (size_t i = 0; i < l->n; i++) tn_datum_share(&s->items[i], &l->items[i]);
    s->used = l->n;
    store_unref(l->store);
    store_put(l, s);
    return TN_OK;
}

tn_status tn_list_push(tn_list *l, const tn_datum *d) {
    if (!claim(l)) {
        TN_TRY(grow(l));
        (void)claim(l);
    }
    tn_datum_share(&l->store->items[l->n++], d);
    return TN_OK;
}

tn_status tn_list_append(const tn_list *l, const tn_datum *d, tn_list **out) {
    if (!(*out = tn_list_new(0))) return tn_fail(TN_E_NOMEM, "out of memory for a sequence");
    if (l && l->store) {
        count_ref(&l->store->refs);
        store_put(*out, l->store);
        (*out)->n = l->n;
    }
    tn_status st = tn_list_push(*out, d);
    if (st != TN_OK) tn_list_unref(out);
    return st;
}

static bool is_list(const tn_datum *d) { return d->kind == TN_KIND_SEQUENCE || d->kind == TN_KIND_MAP; }

void tn_datum_share(tn_datum *dst, const tn_datum *src) {
    *dst = *src;
    if (src->kind == TN_KIND_TENSOR)
        tn_buffer_ref(dst->tensor.buffer);
    else if (is_list(src))
        tn_list_ref(dst->list);
}

void tn_datum_reset(tn_datum *d) {
    if (d->kind == TN_KIND_TENSOR)
        tn_tensor_reset(&d->tensor);
    else if (is_list(d))
        tn_list_unref(&d->list);
    *d = (tn_datum){ 0 };
}

/* A sequence nests as deep as whoever built it let it: readers bound the depth. */
tn_status tn_datum_copy(tn_datum *dst, const tn_datum *src, tn_mem_tag tag) {
    *dst = (tn_datum){ .kind = src->kind };
    if (src->kind == TN_KIND_TENSOR) {
        tn_status st = tn_tensor_copy(&dst->tensor, &src->tensor, tag);
        if (st != TN_OK) *dst = (tn_datum){ 0 };
        return st;
    }
    if (!is_list(src)) return TN_OK;
    if (!(dst->list = tn_list_new(src->list->n))) {
        *dst = (tn_datum){ 0 };
        return tn_fail(TN_E_NOMEM, "out of memory for a sequence of %zu items", src->list->n);
    }
    tn_status st = TN_OK;
    for (size_t i = 0; i < src->list->n && st == TN_OK; i++) {
        tn_datum item;
        if ((st = tn_datum_copy(&item, &src->list->items[i], tag)) == TN_OK) st = tn_list_push(dst->list, &item);
        tn_datum_reset(&item);
    }
    if (st != TN_OK) tn_datum_reset(dst);
    return st;
}

static void disown_buffer(const tn_buffer *b) {
    if (!b) return;
    if (b->strings) tn_arena_disown(b->strings);
    tn_mem_disown(b->data); /* also of an engine's heap: it takes whole blocks */
    tn_mem_disown((void *)(uintptr_t)b);
}

void tn_datum_disown(const tn_datum *d) {
    if (d->kind == TN_KIND_TENSOR) disown_buffer(d->tensor.buffer);
    if (!is_list(d) || !d->list) return;
    for (size_t i = 0; i < d->list->n; i++) tn_datum_disown(&d->list->items[i]);
    tn_mem_disown(d->list->store);
    tn_mem_disown(d->list);
}
