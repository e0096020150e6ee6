/* dropout.c - Dropout: the identity at inference; in training mode it zeroes elements at random and scales the rest. */
#include "base/clock.h"
#include "op/ports.h"
#include "op/support.h"
#include <string.h>

static tn_status dropout_infer(tn_infer *c) {
    TN_TRY(tn_infer_same(c));
    if (c->n_out > 1) tn_infer_out(c, 1, TN_BOOL, tn_infer_rank(c, 0), tn_infer_rank(c, 0) < 0 ? NULL : c->in[0]->dims);
    return TN_OK;
}

/* SplitMix64 (Steele, Lea & Flood, OOPSLA 2014): a few lines, and good enough for masks. */
static double uniform(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

static tn_status dropout_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0), *ratio = tn_in(r, 1), *training = tn_in(r, 2);
    tn_tensor *y = tn_out(r, 0), *mask = tn_out(r, 1);
    double p = ratio ? tn_get_f64(ratio->dtype, ratio->data, 0) : 0.5;
    bool active = training && *(const uint8_t *)training->data && p > 0;
    uint64_t state = tn_attr_find(r->node, "seed") ? (uint64_t)tn_attr_int(r->node, "seed", 0) : tn_clock_ns();
    if (p < 0 || p >= 1) return tn_op_fail(r->node, TN_E_INVALID, "ratio is %g; 0 <= ratio < 1 is needed", p);
    for (int64_t i = 0; i < tn_count(x); i++) {
        bool keep = !active || uniform(&state) >= p;
        if (y && active) tn_set_f64(y->dtype, y->data, i, keep ? tn_get_f64(x->dtype, x->data, i) / (1 - p) : 0);
        if (mask) ((uint8_t *)mask->data)[i] = keep;
    }
    if (y && !active && y->data != x->data) tn_op_copy_elements(y, 0, x, 0, tn_count(x));
    return TN_OK;
}

static const tn_port dropout_in[] = { { "data", TN_FLOATS, 'T' },
                                      { "ratio", TN_FLOATS, 0, .optional = true },
                                      { "training_mode", TN_BOOLS, 0, .optional = true },
                                      { 0 } };
static const tn_port dropout_out[] = { { "output", TN_FLOATS, 'T' }, { "mask", TN_BOOLS, 0, .optional = true }, { 0 } };
static const tn_attr_spec seed_attrs[] = { { "seed", TN_ATTR_INT }, { 0 } };

const tn_op tn_ops_dropout[] = {
    { .name = "Dropout",
      .since = 22,
      .flags = TN_OP_RANDOM,
      .in = dropout_in,
      .out = dropout_out,
      .attrs = seed_attrs,
      .infer = dropout_infer,
      .run = dropout_run,
      .doc = "the input at inference; random zeros in training mode" },
    { 0 },
};
