/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* impl.c - rows that can be computed in several ways: which one is taken. */
#include "op/core/op.h"
#include <math.h>
#include <string.h>

bool tn_impl_fits(const tn_impl *x, tn_prep *p) {
    p->impl = x;
    return !x->fits || x->fits(p);
}

double tn_impl_estimate(const tn_impl *x, tn_prep *p) {
    p->impl = x;
    return x->estimate ? x->estimate(p) : (double)INFINITY;
}

const tn_impl *tn_impl_choose(const tn_op *op, unsigned devices, tn_prep *p) {
    const tn_impl *best = NULL;
    double least = (double)INFINITY;
    for (const tn_impl *x = op->impls; x && x->name; x++) {
        if (!(x->devices & devices) || !tn_impl_fits(x, p)) continue;
        double ns = tn_impl_estimate(x, p);
        if (best && !(ns < least)) continue;
        best = x;
        least = ns;
    }
    return p->impl = best;
}

const tn_impl *tn_impl_find(const tn_op *op, const char *name, size_t len) {
    for (const tn_impl *x = op->impls; x && x->name; x++)
        if (strlen(x->name) == len && !memcmp(x->name, name, len)) return x;
    return NULL;
}

tn_status tn_impl_prepare(tn_prep *p) {
    if (!p->impl && !tn_impl_choose(p->types.node->op, TN_ON_CPU, p))
        return tn_op_fail(p->types.node, TN_E_UNSUPPORTED, "no implementation computes this");
    return p->impl->prepare ? p->impl->prepare(p) : TN_OK;
}

tn_status tn_impl_run(tn_run *r) { return r->impl->run(r); }
