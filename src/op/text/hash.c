/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* hash.c - com.microsoft.MurmurHash3: a 32-bit hash of each element. */
#include "op/core/grad.h"
#include <string.h>

static uint32_t turned(uint32_t v, int by) { return v << by | v >> (32 - by); }

/* MurmurHash3 for 32-bit machines; the algorithm is Austin Appleby's, in the public domain. */
static uint32_t murmur3(const uint8_t *p, size_t n, uint32_t h) {
    const uint32_t c1 = 0xcc9e2d51, c2 = 0x1b873593;
    size_t whole = n / 4 * 4;
    uint32_t k;
    for (size_t i = 0; i < whole; i += 4) {
        memcpy(&k, p + i, 4);
        h = turned(h ^ turned(k * c1, 15) * c2, 13) * 5 + 0xe6546b64;
    }
    k = 0;
    for (size_t i = n; i-- > whole;) k = k << 8 | p[i];
    h ^= turned(k * c1, 15) * c2;
    h ^= (uint32_t)n;
    h = (h ^ h >> 16) * 0x85ebca6b;
    h = (h ^ h >> 13) * 0xc2b2ae35;
    return h ^ h >> 16;
}

typedef struct {
    bool positive;
    int64_t seed; /* its low 32 bits */
} hashing;

static tn_status murmur_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    tn_infer_out(c, 0, ((const hashing *)c->attrs)->positive ? TN_U32 : TN_I32, rank, rank < 0 ? NULL : c->in[0]->dims);
    return TN_OK;
}

static tn_status murmur_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    uint32_t *y = tn_out(r, 0)->data, seed = (uint32_t)((const hashing *)r->attrs)->seed;
    size_t each = (size_t)tn_dtypes[x->dtype].bytes;
    for (int64_t i = 0; i < tn_count(x); i++) {
        const tn_string *s = (const tn_string *)x->data + i;
        if (x->dtype == TN_STRING)
            y[i] = murmur3((const uint8_t *)s->ptr, s->len, seed);
        else
            y[i] = murmur3((const uint8_t *)x->data + (size_t)i * each, each, seed);
    }
    return TN_OK;
}

#define F32_F64 (tn_dtype_bit(TN_F32) | tn_dtype_bit(TN_F64))
static const tn_port hash_in[] = {
    { "X", F32_F64 | TN_INDEX | tn_dtype_bit(TN_U32) | tn_dtype_bit(TN_U64) | tn_dtype_bit(TN_STRING), 0 }, { 0 }
};
static const tn_port hash_out[] = { { "Y", tn_dtype_bit(TN_U32) | tn_dtype_bit(TN_I32), 0 }, { 0 } };
static const tn_attr_spec hash_attrs[] = { { TN_FLAG(hashing, positive, true) }, { TN_INT(hashing, seed, 0) }, { 0 } };

const tn_op tn_ops_hash[] = {
    { .name = "MurmurHash3",
      .domain = "com.microsoft",
      .since = 1,
      .in = hash_in,
      .out = hash_out,
      TN_ATTRS(hash_attrs, hashing),
      .infer = murmur_infer,
      .run = murmur_run,
      .grad = tn_grad_none,
      .doc = "a 32-bit hash of each element" },
    { 0 },
};
