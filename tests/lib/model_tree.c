/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* model_tree.c - protobuf fields as an editable tree. Source: onnx.proto. */
#include "lib/model_tree.h"
#include <string.h>

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5, MAX_DEPTH = 100 };
enum { I32 = 6, I64 = 7, INT32_DATA = 5, INT64_DATA = 7 };

/* Which fields of a message are messages, and which lists of numbers may be packed. */
static const struct {
    mt_kind in;
    uint32_t number;
    mt_kind is;
} messages[] = {
    { MT_MODEL, 7, MT_GRAPH },
    { MT_MODEL, 25, MT_FUNCTION },
    { MT_MODEL, MT_MODEL_FEED, MT_FEED },
    { MT_GRAPH, 1, MT_NODE },
    { MT_GRAPH, 5, MT_TENSOR },
    { MT_GRAPH, 11, MT_VALUE },
    { MT_GRAPH, 12, MT_VALUE },
    { MT_GRAPH, 13, MT_VALUE },
    { MT_GRAPH, 15, MT_SPARSE },
    { MT_NODE, 5, MT_ATTR },
    { MT_ATTR, 5, MT_TENSOR },
    { MT_ATTR, 6, MT_GRAPH },
    { MT_ATTR, 10, MT_TENSOR },
    { MT_ATTR, 11, MT_GRAPH },
    { MT_ATTR, 14, MT_TYPE },
    { MT_ATTR, 22, MT_SPARSE },
    { MT_SPARSE, 1, MT_TENSOR },
    { MT_SPARSE, 2, MT_TENSOR },
    { MT_VALUE, 2, MT_TYPE },
    { MT_TYPE, 1, MT_TENSOR_TYPE },
    { MT_TYPE, 4, MT_HOLDER },
    { MT_TYPE, 9, MT_HOLDER },
    { MT_HOLDER, 1, MT_TYPE },
    { MT_TENSOR_TYPE, 2, MT_SHAPE },
    { MT_SHAPE, 1, MT_DIM },
    { MT_FUNCTION, 7, MT_NODE },
    { MT_FUNCTION, 11, MT_ATTR },
    { MT_FEED, MT_FEED_TENSOR, MT_TENSOR },
};

static const struct {
    mt_kind in;
    uint32_t number, wire;
} packed[] = { { MT_ATTR, MT_ATTR_INTS, VARINT }, { MT_ATTR, MT_ATTR_FLOATS, FIXED32 }, { MT_TENSOR, 1, VARINT } };

static mt_kind kind_of(mt_kind in, uint32_t number) {
    for (size_t i = 0; i < TN_COUNT(messages); i++)
        if (messages[i].in == in && messages[i].number == number) return messages[i].is;
    return MT_LEAF;
}

static int packed_as(mt_kind in, uint32_t number) {
    for (size_t i = 0; i < TN_COUNT(packed); i++)
        if (packed[i].in == in && packed[i].number == number) return (int)packed[i].wire;
    return -1;
}

static mt_field *new_field(tn_arena *a, uint32_t number, uint32_t wire) {
    mt_field *f = tn_arena_new_of(a, mt_field);
    if (f) *f = (mt_field){ .number = number, .wire = wire };
    return f;
}

static void link_last(mt_field *m, mt_field *f) {
    f->up = m;
    f->prev = m->last;
    f->next = NULL;
    *(m->last ? &m->last->next : &m->first) = f;
    m->last = f;
}

/* ------------------------------------------------------------------------------------------------ reading, writing */

static bool unpack(tn_arena *a, mt_field *m, const tn_wire_field *w, uint32_t wire) {
    const uint8_t *p = (const uint8_t *)w->bytes.ptr, *end = p + w->bytes.len;
    while (p < end) {
        mt_field *f = new_field(a, w->number, wire);
        if (!f) return false;
        if (wire == VARINT) {
            if (!tn_wire_varint(&p, end, &f->u)) return false;
        } else {
            uint32_t bits;
            if (end - p < 4) return false;
            memcpy(&bits, p, 4);
            f->u = bits;
            p += 4;
        }
        link_last(m, f);
    }
    return true;
}

static bool read(tn_arena *a, mt_field *m, tn_wire w, int depth) {
    tn_wire_field in;
    bool more;
    if (depth > MAX_DEPTH) return false;
    while (tn_wire_next(&w, &in, &more) == TN_OK) {
        if (!more) return true;
        int list = in.type == BYTES ? packed_as(m->kind, in.number) : -1;
        if (list >= 0) {
            if (!unpack(a, m, &in, (uint32_t)list)) return false;
            continue;
        }
        mt_field *f = new_field(a, in.number, in.type);
        if (!f) return false;
        f->u = in.u;
        f->bytes = in.bytes;
        f->kind = in.type == BYTES ? kind_of(m->kind, in.number) : MT_LEAF;
        link_last(m, f);
        if (f->kind != MT_LEAF && !read(a, f, tn_wire_sub(&w, &in), depth + 1)) return false;
    }
    return false;
}

mt_field *mt_parse_as(tn_arena *a, mt_kind kind, const void *data, size_t n) {
    mt_field *root = new_field(a, 0, BYTES);
    if (!root) return NULL;
    root->kind = kind;
    return read(a, root, tn_wire_of(data, n), 0) ? root : NULL;
}

mt_field *mt_parse(tn_arena *a, const void *data, size_t n) { return mt_parse_as(a, MT_MODEL, data, n); }

static void write_fixed(tn_text *out, const mt_field *f) {
    uint8_t b[8];
    tn_wire_put_raw_varint(out, (uint64_t)f->number << 3 | f->wire);
    for (int i = 0; i < 8; i++) b[i] = (uint8_t)(f->u >> 8 * i);
    tn_text_put(out, (const char *)b, f->wire == FIXED64 ? 8 : 4);
}

void mt_write(const mt_field *m, tn_text *out) {
    for (const mt_field *f = m->first; f; f = f->next) {
        if (f->wire == VARINT) {
            tn_wire_put_varint(out, f->number, f->u);
        } else if (f->wire != BYTES) {
            write_fixed(out, f);
        } else if (f->kind == MT_LEAF) {
            tn_wire_put_bytes(out, f->number, f->bytes.ptr, f->bytes.len);
        } else {
            size_t mark = tn_wire_begin(out, f->number);
            mt_write(f, out);
            tn_wire_end(out, mark);
        }
    }
}

/* --------------------------------------------------------------------------------------------------------- looking */

mt_field *mt_get(const mt_field *m, uint32_t number, int i) {
    for (mt_field *f = m ? m->first : NULL; f; f = f->next)
        if (f->number == number && i-- == 0) return f;
    return NULL;
}

mt_field *mt_following(const mt_field *f) {
    for (mt_field *g = f->next; g; g = g->next)
        if (g->number == f->number) return g;
    return NULL;
}

int mt_count(const mt_field *m, uint32_t number) {
    int n = 0;
    for (const mt_field *f = m ? m->first : NULL; f; f = f->next) n += f->number == number;
    return n;
}

bool mt_holds(const mt_field *f, tn_str word) {
    return f && f->wire == BYTES && f->bytes.len == word.len &&
           (!word.len || !memcmp(f->bytes.ptr, word.ptr, word.len));
}

bool mt_is(const mt_field *f, const char *word) { return mt_holds(f, (tn_str){ word, strlen(word) }); }

int64_t mt_int(const mt_field *m, uint32_t number, int64_t dflt) {
    const mt_field *f = mt_get(m, number, 0);
    return f && f->wire != BYTES ? (int64_t)f->u : dflt;
}

/* --------------------------------------------------------------------------------------------------------- editing */

void mt_remove(mt_field *f) {
    *(f->prev ? &f->prev->next : &f->up->first) = f->next;
    *(f->next ? &f->next->prev : &f->up->last) = f->prev;
    f->up = f->prev = f->next = NULL;
}

mt_field *mt_copy(tn_arena *a, const mt_field *f) {
    mt_field *c = new_field(a, f->number, f->wire);
    if (!c) return NULL;
    c->kind = f->kind;
    c->u = f->u;
    c->bytes = f->bytes;
    for (const mt_field *x = f->first; x; x = x->next) {
        mt_field *y = mt_copy(a, x);
        if (y) link_last(c, y);
    }
    return c;
}

void mt_insert(mt_field *before, mt_field *f) {
    if (!f) return;
    f->up = before->up;
    f->next = before;
    f->prev = before->prev;
    *(before->prev ? &before->prev->next : &before->up->first) = f;
    before->prev = f;
}

void mt_append(mt_field *m, mt_field *f) {
    mt_field *last = NULL;
    if (!f) return;
    for (mt_field *x = m->first; x; x = x->next)
        if (x->number == f->number) last = x;
    if (last && last->next)
        mt_insert(last->next, f);
    else
        link_last(m, f);
}

void mt_exchange(mt_field *x, mt_field *y) {
    mt_field t = *x;
    x->wire = y->wire, x->kind = y->kind, x->u = y->u, x->bytes = y->bytes, x->first = y->first, x->last = y->last;
    y->wire = t.wire, y->kind = t.kind, y->u = t.u, y->bytes = t.bytes, y->first = t.first, y->last = t.last;
    for (mt_field *f = x->first; f; f = f->next) f->up = x;
    for (mt_field *f = y->first; f; f = f->next) f->up = y;
}

mt_field *mt_add_int(tn_arena *a, mt_field *m, uint32_t number, int64_t v) {
    mt_field *f = new_field(a, number, VARINT);
    if (!f) return NULL;
    f->u = (uint64_t)v;
    mt_append(m, f);
    return f;
}

mt_field *mt_add_bytes(tn_arena *a, mt_field *m, uint32_t number, const void *p, size_t n) {
    mt_field *f = new_field(a, number, BYTES);
    char *copy = f ? tn_arena_alloc(a, n ? n : 1, 1) : NULL;
    if (!copy) return NULL;
    if (n) memcpy(copy, p, n);
    f->bytes = (tn_str){ copy, n };
    mt_append(m, f);
    return f;
}

void mt_clear(mt_field *m, uint32_t number) { mt_each(m, number, f) mt_remove(f); }

/* -------------------------------------------------------------------------------------------------- small integers */

static int raw_ints(tn_str s, int width, int64_t *v, int room) {
    int n = (int)(s.len / (size_t)width);
    if (s.len > (size_t)room * (size_t)width) return -1;
    for (int i = 0; i < n; i++) {
        int32_t narrow;
        if (width == 4) memcpy(&narrow, s.ptr + 4 * i, 4), v[i] = narrow;
        if (width == 8) memcpy(&v[i], s.ptr + 8 * i, 8);
    }
    return n;
}

int mt_tensor_ints(const mt_field *t, int64_t *v, int room) {
    int64_t type = mt_int(t, MT_TENSOR_TYPE_CODE, 0);
    if (type != I32 && type != I64) return -1;
    const mt_field *raw = mt_get(t, MT_TENSOR_RAW, 0);
    if (raw) return raw_ints(raw->bytes, type == I32 ? 4 : 8, v, room);
    int n = 0;
    mt_each(t, type == I32 ? INT32_DATA : INT64_DATA, f) {
        const uint8_t *p = (const uint8_t *)f->bytes.ptr, *end = p + f->bytes.len;
        if (f->wire == VARINT) {
            if (n == room) return -1;
            v[n++] = (int64_t)f->u;
        }
        for (uint64_t u; f->wire == BYTES && p < end; v[n++] = (int64_t)u)
            if (n == room || !tn_wire_varint(&p, end, &u)) return -1;
    }
    return n;
}

void mt_set_tensor_ints(tn_arena *a, mt_field *t, const int64_t *v, int n, int rank, const int64_t *dims) {
    bool narrow = mt_int(t, MT_TENSOR_TYPE_CODE, 0) == I32;
    size_t width = narrow ? 4 : 8;
    char *raw = tn_arena_alloc(a, (size_t)n * width + 1, 8);
    if (!raw) return;
    for (int i = 0; i < n; i++) {
        int32_t low = (int32_t)v[i];
        memcpy(raw + width * (size_t)i, narrow ? (const void *)&low : &v[i], width);
    }
    mt_clear(t, INT32_DATA);
    mt_clear(t, INT64_DATA);
    mt_clear(t, MT_TENSOR_RAW);
    mt_clear(t, MT_TENSOR_DIMS);
    for (int i = 0; i < rank; i++) mt_add_int(a, t, MT_TENSOR_DIMS, dims[i]);
    mt_add_bytes(a, t, MT_TENSOR_RAW, raw, (size_t)n * width);
}
