/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fuzz_wire.c - the protobuf decoder: fields stay inside their message, and written again they read the same. */
#include "base/wire.h"
#include "fuzz.h"

static void walk(tn_wire w, int depth) {
    const uint8_t *start = w.p, *end = w.end;
    tn_wire_field f;
    for (bool more;;) {
        const uint8_t *before = w.p;
        if (tn_wire_next(&w, &f, &more) != TN_OK || !more) return;
        must(w.p > before && w.p <= end && f.number > 0);
        tn_wire_out o = { 0 };
        tn_wire_field g;
        if (f.type == 0) tn_wire_put_varint(&o, f.number, f.u);
        if (f.type == 2) {
            must((const uint8_t *)f.bytes.ptr >= start && f.bytes.len <= (size_t)(end - (const uint8_t *)f.bytes.ptr));
            tn_wire_put_bytes(&o, f.number, f.bytes.ptr, f.bytes.len);
            if (depth < 8) walk(tn_wire_sub(&w, &f), depth + 1);
        }
        if (o.n) {
            tn_wire again = tn_wire_of(o.s, o.n);
            must(tn_wire_next(&again, &g, &more) == TN_OK && more && g.number == f.number && g.u == f.u);
            must(g.bytes.len == f.bytes.len && (!g.bytes.len || !memcmp(g.bytes.ptr, f.bytes.ptr, g.bytes.len)));
        }
        tn_text_free(&o);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    walk(tn_wire_of(data, size), 0);
    return 0;
}
