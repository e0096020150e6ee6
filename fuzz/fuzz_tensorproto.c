/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fuzz_tensorproto.c - TensorProto, SequenceProto and OptionalProto. The first byte chooses which, and how often memory
 * runs out. What was read and written again must read the same. */
#include "fuzz.h"
#include "tensor/proto.h"

static void check_tensor(const tn_tensor *t) {
    tn_wire_out o = { 0 };
    tn_tensor again;
    tn_tensor_to_proto(&o, t, "again");
    must(!o.failed && tn_tensor_from_proto(tn_wire_of(o.s, o.n), "fuzz", &again, NULL, NULL) == TN_OK);
    must(again.dtype == t->dtype && tn_dims_equal(again.rank, again.dims, t->rank, t->dims));
    if (t->dtype == TN_STRING)
        for (int64_t i = 0; i < tn_count(t); i++) {
            const tn_string *a = (const tn_string *)t->data + i, *b = (const tn_string *)again.data + i;
            must(a->len == b->len && (!a->len || !memcmp(a->ptr, b->ptr, a->len)));
        }
    else if (tn_count(t))
        must(!memcmp(again.data, t->data, tn_tensor_bytes(t)));
    tn_tensor_reset(&again);
    tn_text_free(&o);
}

static void check_datum(const tn_datum *d) {
    if (d->kind == TN_KIND_TENSOR) check_tensor(&d->tensor);
    if (d->kind == TN_KIND_SEQUENCE || d->kind == TN_KIND_MAP)
        for (size_t i = 0; i < d->list->n; i++) check_datum(&d->list->items[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size) return 0;
    size_t before = tn_mem_stats_all().now;
    int kind = data[0] & 3;
    tn_wire w = tn_wire_of(data + 1, size - 1);
    tn_datum d = { 0 };
    tn_external ext;
    tn_mem_fail_every(data[0] >> 2);
    tn_status st;
    if (kind == 1)
        st = tn_datum_from_sequence_proto(w, "fuzz", &d);
    else if (kind == 2)
        st = tn_datum_from_optional_proto(w, "fuzz", &d);
    else {
        st = tn_tensor_from_proto(w, "fuzz", &d.tensor, NULL, &ext);
        if (st == TN_OK && !ext.present) d.kind = TN_KIND_TENSOR;
        must(st == TN_OK || !d.tensor.buffer);
    }
    tn_mem_fail_every(0);
    must(st == TN_OK || *tn_error());
    if (st == TN_OK) check_datum(&d);
    tn_datum_reset(&d);
    must(tn_mem_stats_all().now == before);
    return 0;
}
