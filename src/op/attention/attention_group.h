/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* attention_group.h - what the two halves of GroupQueryAttention share: the node's inputs and attributes, the lengths
 * of its sentences, and how rows are normalised and turned to their positions. */
#ifndef TN_OP_ATTENTION_GROUP_H
#define TN_OP_ATTENTION_GROUP_H

#include "op/attention/attention.h"

enum {
    QUERY,
    KEY,
    VALUE,
    PAST_K,
    PAST_V,
    LENGTHS,
    TOTAL,
    COS,
    SIN,
    POSITIONS,
    SCORE_BIAS,
    SINK,
    SCALE_K,
    SCALE_V,
    NORM_Q,
    NORM_K
};
enum { Y, PRESENT_K, PRESENT_V, SCORES };

typedef struct {
    int64_t batch, rows, heads, kv_heads, size;
    int64_t room, total, keys; /* rows of the past; the longest sentence; rows that attention is given */
    int64_t kept;              /* rows of the present */
    bool packed, prompt, window;
    int64_t *past, *length; /* per sentence: tokens before the new rows, and after them */
    int64_t *before, *end;  /* the same as rows of what attention is given */
} tn_gqa_sizes;

typedef struct {
    bool causal, do_rotary, rotary_interleaved, sliding_window_cache;
    int64_t num_heads, kv_num_heads, local_window_size, qk_output, smooth_softmax;
    float qk_norm_epsilon, scale, softcap; /* scale 0: 1 / sqrt(head size) */
    tn_kv_attrs kv;
} tn_gqa;

typedef struct {
    const float *cos, *sin;
    int64_t half, limit;
    const tn_tensor *ids; /* NULL: positions follow from the lengths; of a prompt only the first one counts */
    bool interleaved;
    const float *norm; /* [size]: weights of a normalisation before the rotation; NULL: none */
    float epsilon;
} tn_gqa_angles;

/** The angles that the node gives, without a normalisation. errors TN_E_SHAPE, TN_E_NOMEM */
tn_status tn_gqa_read_angles(tn_run *r, const tn_gqa_sizes *s, tn_gqa_angles *g);

/** The weights of input i as g's normalisation; none when it is omitted. errors TN_E_SHAPE, TN_E_NOMEM */
tn_status tn_gqa_read_norm(tn_run *r, const tn_gqa_sizes *s, int i, tn_gqa_angles *g);

/** The position of row i of sentence b. Padding behind a sentence may have any. errors TN_E_INVALID */
tn_status tn_gqa_position(const tn_run *r, const tn_gqa_sizes *s, const tn_gqa_angles *g, int64_t b, int64_t i,
                          int64_t *at);

/** y := the row x of one head, normalised and turned where weights and angles are given. y is not x. */
void tn_gqa_place(const tn_gqa_sizes *s, const tn_gqa_angles *g, int64_t at, const float *x, float *y);

/** The queries *q in *st, normalised and turned; *q and *st are what they become. errors TN_E_NOMEM, TN_E_INVALID */
tn_status tn_gqa_turned_queries(tn_run *r, const tn_gqa_sizes *s, const tn_gqa_angles *g, const float **q,
                                tn_attention_stride *st);

#endif
