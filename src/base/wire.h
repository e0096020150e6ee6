/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* wire.h - the protobuf wire format, read from and written to memory. Bounded: a field never reaches beyond its
 * message, nesting is the caller's recursion and so the caller's limit. Source:
 * protobuf.dev/programming-guides/encoding. */
#ifndef TN_BASE_WIRE_H
#define TN_BASE_WIRE_H

#include "base/status.h"
#include "base/text.h"

typedef struct {
    const char *ptr; /* not NUL-terminated */
    size_t len;
} tn_str;

/** How a field lies in a message. Types 3 and 4, groups, are refused. */
enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

/** A cursor over one message. `base` is the file's start, for offsets in messages. */
typedef struct {
    const uint8_t *p, *end, *base;
} tn_wire;

typedef struct {
    uint32_t number; /* field number */
    uint32_t type;   /* WIRE_* */
    uint64_t u;      /* varint, fixed */
    tn_str bytes;    /* WIRE_BYTES */
} tn_wire_field;

static inline tn_wire tn_wire_of(const void *data, size_t size) {
    const uint8_t *p = data;
    return (tn_wire){ p, size ? p + size : p, p }; /* NULL + 0 is not C */
}

/** The next field. Returns TN_OK with *more = false at the end of the message.
 *  errors   TN_E_FORMAT with the byte offset: truncated, overlong varint, field 0, groups (types 3, 4), types 6, 7. */
tn_status tn_wire_next(tn_wire *w, tn_wire_field *f, bool *more);

/** The sub-message in f (WIRE_BYTES). */
static inline tn_wire tn_wire_sub(const tn_wire *w, const tn_wire_field *f) {
    const uint8_t *p = (const uint8_t *)f->bytes.ptr;
    return (tn_wire){ p, p + f->bytes.len, w->base };
}

/** Decodes a varint from a packed field; false at a malformed one. */
bool tn_wire_varint(const uint8_t **p, const uint8_t *end, uint64_t *out);

typedef tn_text tn_wire_out;                             /* bytes are appended; .failed says that memory ran out */
void tn_wire_put_raw_varint(tn_wire_out *o, uint64_t v); /* without a tag: an element of a packed field */
void tn_wire_put_varint(tn_wire_out *o, uint32_t field, uint64_t v);
void tn_wire_put_bytes(tn_wire_out *o, uint32_t field, const void *data, size_t n);
void tn_wire_put_f32(tn_wire_out *o, uint32_t field, float v);
size_t tn_wire_begin(tn_wire_out *o, uint32_t field); /* opens a sub-message; its length is put by tn_wire_end */
void tn_wire_end(tn_wire_out *o, size_t mark);

#endif
