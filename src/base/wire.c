/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* wire.c - the protobuf wire format. Source: protobuf.dev/programming-guides/encoding. */
#include "base/wire.h"
#include <string.h>

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

#define FIELD_MAX ((UINT32_C(1) << 29) - 1)

bool tn_wire_varint(const uint8_t **p, const uint8_t *end, uint64_t *out) {
    uint64_t v = 0;
    const uint8_t *q = *p;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (q == end) return false;
        uint8_t b = *q++;
        if (shift == 63 && b > 1) return false; /* more than 64 bits */
        v |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80) {
            *p = q;
            *out = v;
            return true;
        }
    }
    return false;
}

static tn_status bad(const tn_wire *w, const uint8_t *at, const char *what) {
    return tn_fail(TN_E_FORMAT, "protobuf: %s at byte %zu", what, (size_t)(at - w->base));
}

static uint64_t little(const uint8_t *p, int n) {
    uint64_t v = 0;
    for (int i = n - 1; i >= 0; i--) v = v << 8 | p[i];
    return v;
}

tn_status tn_wire_next(tn_wire *w, tn_wire_field *f, bool *more) {
    const uint8_t *start = w->p;
    *more = false;
    if (w->p == w->end) return TN_OK;
    uint64_t tag;
    if (!tn_wire_varint(&w->p, w->end, &tag)) return bad(w, start, "malformed field tag");
    if (tag >> 3 == 0 || tag >> 3 > FIELD_MAX) return bad(w, start, "field number out of range");
    *f = (tn_wire_field){ .number = (uint32_t)(tag >> 3), .type = (uint32_t)(tag & 7) };
    size_t left = (size_t)(w->end - w->p);
    switch (f->type) {
    case VARINT:
        if (!tn_wire_varint(&w->p, w->end, &f->u)) return bad(w, start, "malformed varint");
        break;
    case FIXED64:
    case FIXED32: {
        int n = f->type == FIXED64 ? 8 : 4;
        if (left < (size_t)n) return bad(w, start, "message ends inside a number");
        f->u = little(w->p, n);
        w->p += n;
        break;
    }
    case BYTES: {
        uint64_t n;
        if (!tn_wire_varint(&w->p, w->end, &n)) return bad(w, start, "malformed length");
        left = (size_t)(w->end - w->p);
        if (n > left)
            return tn_fail(TN_E_FORMAT, "protobuf: field %u at byte %zu claims %llu bytes but only %zu remain",
                           f->number, (size_t)(start - w->base), (unsigned long long)n, left);
        f->bytes = (tn_str){ (const char *)w->p, (size_t)n };
        w->p += n;
        break;
    }
    default: return bad(w, start, "unknown wire type (groups are not used by this format)");
    }
    *more = true;
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------- writing */

static size_t varint_bytes(uint64_t v, uint8_t out[10]) {
    size_t n = 0;
    for (; v >= 0x80; v >>= 7) out[n++] = (uint8_t)(v | 0x80);
    out[n++] = (uint8_t)v;
    return n;
}

void tn_wire_put_raw_varint(tn_wire_out *o, uint64_t v) {
    uint8_t bytes[10];
    tn_text_put(o, (const char *)bytes, varint_bytes(v, bytes));
}

static void put_tag(tn_wire_out *o, uint32_t field, uint32_t type) {
    tn_wire_put_raw_varint(o, (uint64_t)field << 3 | type);
}

void tn_wire_put_varint(tn_wire_out *o, uint32_t field, uint64_t v) {
    put_tag(o, field, VARINT);
    tn_wire_put_raw_varint(o, v);
}

void tn_wire_put_bytes(tn_wire_out *o, uint32_t field, const void *data, size_t n) {
    put_tag(o, field, BYTES);
    tn_wire_put_raw_varint(o, n);
    tn_text_put(o, data, n);
}

void tn_wire_put_f32(tn_wire_out *o, uint32_t field, float v) {
    uint32_t u;
    memcpy(&u, &v, 4);
    put_tag(o, field, FIXED32);
    tn_text_put(o, (char[]){ (char)u, (char)(u >> 8), (char)(u >> 16), (char)(u >> 24) }, 4);
}

size_t tn_wire_begin(tn_wire_out *o, uint32_t field) {
    put_tag(o, field, BYTES);
    return o->n;
}

/* The shortest length goes in front, so the body moves up by its size; a body is small or moved once. */
void tn_wire_end(tn_wire_out *o, size_t mark) {
    uint8_t bytes[10];
    if (o->failed) return;
    size_t body = o->n - mark, n = varint_bytes(body, bytes);
    tn_text_put(o, (const char *)bytes, n); /* room */
    if (o->failed) return;
    memmove(o->s + mark + n, o->s + mark, body);
    memcpy(o->s + mark, bytes, n);
}
