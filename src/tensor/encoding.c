/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* encoding.c - the table of encodings, tensors that have one, and rows of them as numbers. */
#include "tensor/encoding.h"
#include "tensor/encoding_split.h"
#include <string.h>

#define WITH_OFFSETS (1u << TN_ENC_Q4_1 | 1u << TN_ENC_Q5_1 | 1u << TN_ENC_Q2_K | 1u << TN_ENC_Q4_K | 1u << TN_ENC_Q5_K)

const tn_encoding tn_encodings[TN_ENC_COUNT] = {
#define X(ID, elements, size, number, how)                        \
    [TN_ENC_##ID] = { .name = #ID,                                \
                      .id = TN_ENC_##ID,                          \
                      .block = elements,                          \
                      .bytes = size,                              \
                      .gguf = number,                             \
                      .offsets = WITH_OFFSETS >> TN_ENC_##ID & 1, \
                      .split = tn_split_##how },
    TN_BLOCK_ENCODINGS(X)
#undef X
#define X(ID, width) [TN_ENC_##ID] = { .name = #ID, .id = TN_ENC_##ID, .bits = width, .gguf = -1, .offsets = true },
        TN_UNIFORM_ENCODINGS(X)
#undef X
            [TN_ENC_NF4] = { .name = "NF4", .id = TN_ENC_NF4, .gguf = -1 },
};

const tn_encoding *tn_encoding_named(const char *name) {
    for (int i = 0; i < TN_ENC_COUNT; i++)
        if (!strcmp(tn_encodings[i].name, name)) return &tn_encodings[i];
    return NULL;
}

const tn_encoding *tn_encoding_of_gguf(int64_t number) {
    for (int i = 0; i < TN_ENC_COUNT; i++)
        if (tn_encodings[i].gguf == number && number >= 0) return &tn_encodings[i];
    return NULL;
}

double tn_encoding_bits(const tn_encoding *e) { return e->block ? 8.0 * e->bytes / e->block : e->bits ? e->bits : 4; }

/* ------------------------------------------------------------------------------------------------------ tensors */

tn_status tn_encoding_check(const tn_encoding *e) {
    if (e->split) return TN_OK;
    return tn_fail(TN_E_UNSUPPORTED, "%s has its scales in an array of their own: a tensor alone cannot have it",
                   e->name);
}

tn_status tn_encoding_bytes(const tn_encoding *e, int rank, const int64_t *dims, int64_t *count, size_t *bytes) {
    char text[400];
    size_t plain;
    TN_TRY(tn_encoding_check(e));
    TN_TRY(tn_dims_check(TN_F32, rank, dims, count, &plain)); /* so its float32 form can be counted, too */
    if (rank < 1 || dims[rank - 1] % e->block)
        return tn_fail(TN_E_SHAPE, "a %s tensor of shape %s: rows are whole blocks of %d elements", e->name,
                       tn_dims_text(rank, dims, text, sizeof text), e->block);
    *bytes = (size_t)(*count / e->block) * (size_t)e->bytes; /* less than `plain` */
    return TN_OK;
}

tn_status tn_tensor_encoded(tn_tensor *t, const tn_encoding *e, int rank, const int64_t *dims, const void *data,
                            size_t have, tn_buffer *buffer) {
    char text[400];
    int64_t count;
    size_t bytes = 0;
    *t = (tn_tensor){ 0 };
    TN_TRY(tn_encoding_bytes(e, rank, dims, &count, &bytes));
    if (have < bytes)
        return tn_fail(TN_E_SHAPE, "a %s tensor of shape %s takes %zu bytes; %zu are there", e->name,
                       tn_dims_text(rank, dims, text, sizeof text), bytes, have);
    *t = (tn_tensor){ .dtype = TN_F32, .rank = rank, .encoding = e, .buffer = tn_buffer_ref(buffer) };
    memcpy(t->dims, dims, (size_t)rank * sizeof *dims);
    t->data = bytes ? (void *)(uintptr_t)data : NULL;
    return TN_OK;
}

tn_coded tn_coded_of(const tn_tensor *t) {
    const tn_encoding *e = t->encoding;
    tn_coded c = { .as = e, .columns = t->dims[t->rank - 1], .block = e->block, .rows = 1 };
    for (int i = 0; i < t->rank - 1; i++) c.rows *= t->dims[i];
    c.blocks = c.columns / e->block;
    c.code = (tn_part){ t->data, c.blocks * e->bytes, TN_U8 };
    return c;
}

tn_status tn_tensor_decode(const tn_tensor *t, tn_tensor *out, tn_mem_tag tag) {
    TN_TRY(tn_encoding_check(t->encoding));
    TN_TRY(tn_tensor_init(out, TN_F32, t->rank, t->dims, tag));
    if (!out->data) return TN_OK;
    tn_coded c = tn_coded_of(t);
    for (int64_t i = 0; i < c.rows; i++) tn_coded_decode(&c, i, 0, c.columns, (float *)out->data + i * c.columns);
    return TN_OK;
}

/* -------------------------------------------------------------------------------------------------- rows as numbers */

static float part_at(const tn_part *p, int64_t row, int64_t i) {
    const char *at = (const char *)p->at + row * p->row;
    uint16_t h;
    float f;
    if (p->dtype == TN_F32) {
        memcpy(&f, at + 4 * i, sizeof f);
        return f;
    }
    memcpy(&h, at + 2 * i, sizeof h);
    return p->dtype == TN_F16 ? tn_f16_to_f32(h) : tn_bf16_to_f32(h);
}

float tn_coded_scale(const tn_coded *c, int64_t row, int64_t block) { return part_at(&c->scale, row, block); }

float tn_coded_zero(const tn_coded *c, int64_t row, int64_t block) {
    if (!c->zero.at) return (float)(1 << (c->as->bits - 1));
    if (c->zero.dtype != TN_U8) return part_at(&c->zero, row, block);
    return (float)tn_field((const uint8_t *)c->zero.at + row * c->zero.row, c->as->bits, block);
}

/* Quantiles of the normal distribution, scaled to [-1, 1], with an exact zero: Dettmers et al., "QLoRA", 2023,
 * appendix E. */
static const float nf4[16] = { -1.0f,
                               -0.6961928009986877f,
                               -0.5250730514526367f,
                               -0.39491748809814453f,
                               -0.28444138169288635f,
                               -0.18477343022823334f,
                               -0.09105003625154495f,
                               0.0f,
                               0.07958029955625534f,
                               0.16093020141124725f,
                               0.24611230194568634f,
                               0.33791524171829224f,
                               0.44070982933044434f,
                               0.5626170039176941f,
                               0.7229568362236023f,
                               1.0f };

static void decode_codebook(const tn_coded *c, int64_t row, int64_t first, int64_t n, float *out) {
    const uint8_t *q = (const uint8_t *)c->code.at + row * c->code.row;
    for (int64_t i = 0; i < n; i++) {
        int64_t e = first + i;
        out[i] = nf4[e % 2 ? q[e / 2] & 15 : q[e / 2] >> 4] * tn_coded_scale(c, row, e / c->block);
    }
}

static void decode_uniform(const tn_coded *c, int64_t row, int64_t first, int64_t n, float *out) {
    const uint8_t *q = (const uint8_t *)c->code.at + row * c->code.row;
    for (int64_t i = 0; i < n; i++) {
        int64_t b = (first + i) / c->block;
        out[i] = ((float)tn_field(q, c->as->bits, first + i) - tn_coded_zero(c, row, b)) * tn_coded_scale(c, row, b);
    }
}

static void decode_blocks(const tn_coded *c, int64_t row, int64_t first, int64_t n, float *out) {
    const uint8_t *q = (const uint8_t *)c->code.at + row * c->code.row;
    int8_t code[TN_BLOCK_MAX];
    float scale[TN_BLOCK_MAX / TN_GROUP], offset[TN_BLOCK_MAX / TN_GROUP];
    for (int64_t e = first; e < first + n; e++) {
        int at = (int)(e % c->block);
        if (e == first || at == 0) c->as->split(1, q + e / c->block * c->as->bytes, code, scale, offset);
        out[e - first] = scale[at / TN_GROUP] * (float)code[at] + offset[at / TN_GROUP];
    }
}

void tn_coded_decode(const tn_coded *c, int64_t row, int64_t first, int64_t n, float *out) {
    (c->as->split ? decode_blocks : c->as->bits ? decode_uniform : decode_codebook)(c, row, first, n, out);
}
