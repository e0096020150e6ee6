/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* state_cache.c - the memory of a cache: blocks that come when rows do, and are copied when two caches have one that is
 * written into. */
#include "engine/state.h"
#include <string.h>

static tn_status no_memory(const tn_cache *c) { return tn_fail(TN_E_NOMEM, "no memory for the rows of '%s'", c->name); }

/* A block of so many rows; it is nobody's account's but the pool's, since it outlives the run. errors TN_E_NOMEM (there
 * is no memory, or too little for a run's limit), TN_E_LIMIT (the pool's) */
static tn_status new_block(const tn_cache *c, int64_t rows, tn_buffer **out) {
    const tn_rows *r = &c->rows;
    int64_t n;
    size_t bytes;
    *out = NULL;
    if (tn_dims_check(r->type, 3, (int64_t[]){ r->heads, rows, r->size }, &n, &bytes) != TN_OK) return no_memory(c);
    tn_buffer *b = tn_buffer_new(bytes, TN_MEM_ACTIVATIONS);
    if (!b) return no_memory(c);
    tn_datum_disown(&(tn_datum){ .kind = TN_KIND_TENSOR, .tensor = { .dtype = r->type, .buffer = b } });
    tn_status st = c->pool ? tn_state_pool_charge(c->pool, b, c->name) : TN_OK;
    if (st != TN_OK) tn_buffer_unref(&b);
    *out = b;
    return st;
}

static void put_block(tn_cache *c, int64_t i, tn_buffer *b) {
    tn_buffer_unref(&c->buffers[i]);
    c->buffers[i] = b;
    c->places[i] = b->data;
}

/* Room for `per` blocks of every sentence. */
static tn_status widen(tn_cache *c, int64_t per) {
    tn_rows *r = &c->rows;
    size_t n, old = (size_t)r->per;
    if (__builtin_mul_overflow((size_t)r->batch, (size_t)per, &n) || n > SIZE_MAX / sizeof(void *) - 1)
        return no_memory(c);
    tn_buffer **buffers = tn_mem_zalloc((n + 1) * sizeof *buffers, TN_MEM_GENERAL);
    void **places = tn_mem_zalloc((n + 1) * sizeof *places, TN_MEM_GENERAL);
    if (!buffers || !places) {
        tn_mem_free(buffers);
        tn_mem_free(places);
        return no_memory(c);
    }
    tn_mem_disown(buffers);
    tn_mem_disown(places);
    for (size_t b = 0; b < (size_t)r->batch && old; b++) {
        memcpy(buffers + b * (size_t)per, c->buffers + b * old, old * sizeof *buffers);
        memcpy(places + b * (size_t)per, c->places + b * old, old * sizeof *places);
    }
    tn_mem_free(c->buffers);
    tn_mem_free(c->places);
    c->buffers = buffers, c->places = places;
    r->blocks = places, r->per = per;
    return TN_OK;
}

/* *out := sentence b's rows in one piece of `rows`. */
static tn_status moved(const tn_cache *c, int64_t b, int64_t rows, tn_buffer **out) {
    const tn_rows *r = &c->rows;
    size_t each = (size_t)r->size * (size_t)tn_dtypes[r->type].bytes;
    TN_TRY(new_block(c, rows, out));
    for (int64_t h = 0; h < r->heads && r->length; h++)
        memcpy((char *)(*out)->data + (size_t)(h * rows) * each, tn_row_at(r, b, h, 0), (size_t)r->length * each);
    return TN_OK;
}

/* All of them, or none. */
static tn_status move(tn_cache *c, int64_t rows) {
    int64_t n = 0;
    tn_buffer **fresh = tn_mem_zalloc(((size_t)c->rows.batch + 1) * sizeof *fresh, TN_MEM_GENERAL);
    tn_status st = fresh ? TN_OK : no_memory(c);
    while (st == TN_OK && n < c->rows.batch)
        if ((st = moved(c, n, rows, &fresh[n])) == TN_OK) n++;
    bool all = st == TN_OK;
    for (int64_t b = 0; b < n; b++) {
        if (all)
            put_block(c, b, fresh[b]);
        else
            tn_buffer_unref(&fresh[b]);
    }
    tn_mem_free(fresh);
    if (all) c->rows.block = rows;
    return st;
}

/* What one piece grows to: half as much again, so that each row moves a few times only. */
static int64_t roomy(const tn_cache *c, int64_t rows) {
    int64_t more = rows + rows / 2 + 64;
    return c->capacity && more > c->capacity ? c->capacity : more;
}

static bool shared(const tn_buffer *b) { return __atomic_load_n(&b->refs, __ATOMIC_ACQUIRE) > 1; }

/* Block i of all sentences together is there, and this cache's alone. */
static tn_status own(tn_cache *c, int64_t i) {
    tn_buffer *old = c->buffers[i];
    if (old && !shared(old)) return TN_OK;
    tn_buffer *block;
    TN_TRY(new_block(c, c->rows.block, &block));
    if (old) memcpy(block->data, old->data, block->bytes);
    put_block(c, i, block);
    return TN_OK;
}

static tn_status reserve(tn_rows *r, int64_t from, int64_t rows) {
    tn_cache *c = r->owner;
    if (c->capacity && rows > c->capacity)
        return tn_fail(TN_E_LIMIT,
                       "the cache '%s' holds %lld rows; %lld more are beyond the capacity of %lld that "
                       "tn_state_opts.capacity gives",
                       c->name, (long long)r->length, (long long)(rows - r->length), (long long)c->capacity);
    if (!c->asked && rows > r->block) return r->per ? move(c, roomy(c, rows)) : no_memory(c);
    int64_t end = (rows + r->block - 1) / r->block;
    if (end > r->per) TN_TRY(widen(c, end + end / 2));
    for (int64_t b = 0; b < r->batch; b++)
        for (int64_t i = from / r->block; i < end; i++) TN_TRY(own(c, b * r->per + i));
    return TN_OK;
}

tn_status tn_cache_init(tn_cache *c, tn_dtype type, int64_t batch, int64_t heads, int64_t size) {
    int64_t n;
    size_t bytes;
    tn_cache_free(c);
    TN_TRY(tn_dims_check(type, 3, (int64_t[]){ batch, heads, size }, &n, &bytes));
    c->rows = (tn_rows){ .type = type, .batch = batch, .heads = heads, .size = size, .reserve = reserve, .owner = c };
    c->rows.block = c->asked ? c->asked : 1;
    tn_status st = widen(c, 1);
    for (int64_t b = 0; b < batch && !c->asked && st == TN_OK; b++) st = own(c, b);
    if (st != TN_OK) tn_cache_free(c);
    return st;
}

void tn_cache_free(tn_cache *c) {
    for (int64_t i = 0; c->buffers && i < c->rows.batch * c->rows.per; i++) tn_buffer_unref(&c->buffers[i]);
    tn_mem_free(c->buffers);
    tn_mem_free(c->places);
    c->buffers = NULL, c->places = NULL;
    c->rows = (tn_rows){ 0 };
}

void tn_cache_trim(tn_cache *c) {
    const tn_rows *r = &c->rows;
    if (!c->pool || !c->asked || !r->per) return;
    for (int64_t b = 0; b < r->batch; b++)
        for (int64_t i = (r->length + r->block - 1) / r->block; i < r->per; i++) {
            tn_buffer_unref(&c->buffers[b * r->per + i]);
            c->places[b * r->per + i] = NULL;
        }
}

tn_status tn_cache_fork(const tn_cache *c, tn_cache *out) {
    *out = (tn_cache){ .asked = c->asked, .capacity = c->capacity, .pool = c->pool, .name = c->name };
    if (!c->buffers) return TN_OK;
    out->rows = c->rows;
    out->rows.owner = out;
    out->rows.per = 0;
    TN_TRY(widen(out, c->rows.per));
    for (int64_t i = 0; i < c->rows.batch * c->rows.per; i++) {
        out->buffers[i] = tn_buffer_ref(c->buffers[i]);
        out->places[i] = c->places[i];
    }
    return TN_OK;
}
