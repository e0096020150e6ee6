/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* align.c - tensors over mapped files, whose data may lie at any address. */
#include "tensor/tensor.h"

static size_t wanted(tn_dtype t) {
    size_t bytes = (size_t)tn_dtypes[t].bytes;
    return bytes >= 8 ? 8 : bytes ? bytes : 1;
}

bool tn_tensor_aligned(const tn_tensor *t) { return t->encoding || (uintptr_t)t->data % wanted(t->dtype) == 0; }

tn_status tn_tensor_align(tn_tensor *t) {
    if (tn_tensor_aligned(t)) return TN_OK;
    tn_tensor own = { 0 };
    TN_TRY(tn_tensor_copy(&own, t, TN_MEM_WEIGHTS));
    tn_tensor_reset(t);
    *t = own;
    return TN_OK;
}
