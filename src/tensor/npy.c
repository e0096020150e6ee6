/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* npy.c - NumPy's array files. The header is a Python dictionary with three keys, and only that is understood. */
#include "tensor/npy.h"
#include "base/file.h"
#include "base/number.h"
#include "base/text.h"
#include "base/utf8.h"
#include "tensor/zip.h"
#include <stdio.h>
#include <string.h>

#define MAGIC       "\x93NUMPY"
#define MAGIC_BYTES 6

/* ------------------------------------------------------------------------------------------------------- header */

typedef struct {
    const char *p, *end;
} cursor;

static void blanks(cursor *c) {
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\n' || *c->p == '\t')) c->p++;
}

static bool eat(cursor *c, char what) {
    blanks(c);
    if (c->p == c->end || *c->p != what) return false;
    c->p++;
    return true;
}

static bool quoted(cursor *c, tn_str *out) {
    blanks(c);
    if (c->p == c->end || (*c->p != '\'' && *c->p != '"')) return false;
    char quote = *c->p++;
    out->ptr = c->p;
    while (c->p < c->end && *c->p != quote) c->p++;
    if (c->p == c->end) return false;
    out->len = (size_t)(c->p++ - out->ptr);
    return true;
}

static bool word(cursor *c, const char *what) {
    size_t n = strlen(what);
    blanks(c);
    if ((size_t)(c->end - c->p) < n || memcmp(c->p, what, n)) return false;
    c->p += n;
    return true;
}

static bool number(cursor *c, int64_t *out) {
    blanks(c);
    const char *start = c->p;
    int64_t v = 0;
    for (; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++)
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *c->p - '0', &v)) return false;
    if (c->p < c->end && *c->p == 'L') c->p++; /* Python 2 wrote 3L */
    *out = v;
    return c->p > start;
}

typedef struct {
    tn_str descr;
    bool fortran;
    int rank;
    int64_t dims[TN_MAX_RANK];
    const uint8_t *data;
    size_t left;
    /* from descr */
    tn_dtype dtype;
    bool swapped;
    char kind;   /* 'S' or 'U' for strings */
    size_t item; /* bytes of one element in the file */
} npy;

static bool shape(cursor *c, npy *h) {
    if (!eat(c, '(')) return false;
    while (!eat(c, ')')) {
        if (h->rank == TN_MAX_RANK || !number(c, &h->dims[h->rank++])) return false;
        if (!eat(c, ',')) return eat(c, ')');
    }
    return true;
}

static tn_status bad(const char *where, const char *what) { return tn_fail(TN_E_FORMAT, "%s: npy: %s", where, what); }

static tn_status parse_dictionary(cursor c, const char *where, npy *h) {
    unsigned seen = 0;
    if (!eat(&c, '{')) return bad(where, "the header is not a dictionary");
    while (!eat(&c, '}')) {
        tn_str key;
        if (!quoted(&c, &key) || !eat(&c, ':')) return bad(where, "malformed header");
        if (key.len == 5 && !memcmp(key.ptr, "descr", 5)) {
            if (!quoted(&c, &h->descr))
                return tn_fail(TN_E_TYPE, "%s: npy: structured arrays are not supported", where);
            seen |= 1;
        } else if (key.len == 13 && !memcmp(key.ptr, "fortran_order", 13)) {
            h->fortran = word(&c, "True");
            if (!h->fortran && !word(&c, "False")) return bad(where, "fortran_order is neither True nor False");
            seen |= 2;
        } else if (key.len == 5 && !memcmp(key.ptr, "shape", 5)) {
            h->rank = 0;
            if (!shape(&c, h)) return bad(where, "malformed shape, or more than 16 dimensions");
            seen |= 4;
        } else {
            return bad(where, "unknown key in the header");
        }
        if (!eat(&c, ',')) {
            if (!eat(&c, '}')) return bad(where, "malformed header");
            break;
        }
    }
    return seen == 7 ? TN_OK : bad(where, "the header lacks descr, fortran_order or shape");
}

/* "<f4": byte order, kind, bytes per element (characters for U). */
static tn_status parse_descr(const char *where, npy *h) {
    static const struct {
        const char *name;
        tn_dtype t;
    } types[] = { { "b1", TN_BOOL }, { "i1", TN_I8 },    { "u1", TN_U8 },  { "i2", TN_I16 },   { "u2", TN_U16 },
                  { "i4", TN_I32 },  { "u4", TN_U32 },   { "i8", TN_I64 }, { "u8", TN_U64 },   { "f2", TN_F16 },
                  { "f4", TN_F32 },  { "f8", TN_F64 },   { "c8", TN_C64 }, { "c16", TN_C128 }, { "V2", TN_BF16 },
                  { "V1", TN_U8 },   { "f1", TN_F8E5M2 } };
    cursor c = { h->descr.ptr, h->descr.ptr + h->descr.len };
    int64_t n;
    if (c.p < c.end && strchr("<>|=", *c.p)) h->swapped = *c.p++ == '>';
    if (c.end - c.p >= 2 && (*c.p == 'S' || *c.p == 'U' || *c.p == 'a')) {
        h->kind = *c.p++ == 'U' ? 'U' : 'S';
        if (!number(&c, &n) || c.p != c.end || n > (1 << 30)) return bad(where, "malformed string type");
        h->dtype = TN_STRING;
        h->item = (size_t)n * (h->kind == 'U' ? 4 : 1);
        return TN_OK;
    }
    for (size_t i = 0; i < TN_COUNT(types); i++)
        if ((size_t)(c.end - c.p) == strlen(types[i].name) && !memcmp(c.p, types[i].name, (size_t)(c.end - c.p))) {
            h->dtype = types[i].t;
            h->item = (size_t)tn_dtypes[h->dtype].bytes;
            return TN_OK;
        }
    return tn_fail(TN_E_TYPE, "%s: npy: element type '%.*s' is not supported", where, tn_int_of(h->descr.len),
                   h->descr.ptr);
}

static tn_status parse_header(const uint8_t *p, size_t size, const char *where, npy *h) {
    *h = (npy){ 0 };
    if (size < MAGIC_BYTES + 4 || memcmp(p, MAGIC, MAGIC_BYTES)) return bad(where, "not such a file, or truncated");
    int version = p[MAGIC_BYTES];
    if (version < 1 || version > 3) return tn_fail(TN_E_UNSUPPORTED, "%s: npy: version %d is unknown", where, version);
    size_t start = version == 1 ? 10 : 12;
    if (size < start) return bad(where, "truncated");
    size_t length = (size_t)p[8] | (size_t)p[9] << 8;
    if (version > 1) length |= (size_t)p[10] << 16 | (size_t)p[11] << 24;
    if (length > size - start) return bad(where, "truncated inside the header");
    const char *text = (const char *)p + start;
    TN_TRY(parse_dictionary((cursor){ text, text + length }, where, h));
    TN_TRY(parse_descr(where, h));
    h->data = p + start + length;
    h->left = size - start - length;
    return TN_OK;
}

/* --------------------------------------------------------------------------------------------------------- data */

static void swap_items(uint8_t *p, size_t n, size_t width) {
    for (size_t i = 0; i < n; i++, p += width)
        for (size_t k = 0; k < width / 2; k++) {
            uint8_t t = p[k];
            p[k] = p[width - 1 - k];
            p[width - 1 - k] = t;
        }
}

/* Steps through a column-major array in row-major order: *at is the place in the file of the next element. */
typedef struct {
    int rank;
    const int64_t *dims;
    int64_t index[TN_MAX_RANK], stride[TN_MAX_RANK], at;
} walk;

static walk walk_of(const npy *h) {
    walk w = { .rank = h->rank, .dims = h->dims };
    int64_t step = 1;
    for (int i = 0; i < h->rank; i++) {
        int k = h->fortran ? i : h->rank - 1 - i;
        w.stride[k] = step;
        step *= h->dims[k];
    }
    return w;
}

static void walk_next(walk *w) {
    for (int k = w->rank - 1; k >= 0; k--) {
        w->at += w->stride[k];
        if (++w->index[k] < w->dims[k]) return;
        w->at -= w->stride[k] * w->dims[k];
        w->index[k] = 0;
    }
}

static uint32_t code_point(const uint8_t *p, bool swapped) {
    return swapped ? (uint32_t)p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[0] << 24
                   : (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Strings are padded with NULs to a common width; U holds UTF-32. */
static tn_status read_strings(const npy *h, const char *where, tn_tensor *t, int64_t n) {
    walk w = walk_of(h);
    tn_text text = { 0 };
    tn_status st = TN_OK;
    for (int64_t i = 0; i < n && st == TN_OK; i++, walk_next(&w)) {
        const uint8_t *p = h->data + (size_t)w.at * h->item;
        size_t used = h->item;
        text.n = 0;
        if (h->kind == 'S') {
            while (used && !p[used - 1]) used--;
            tn_text_put(&text, (const char *)p, used);
        } else {
            while (used && !code_point(p + used - 4, h->swapped)) used -= 4;
            for (size_t k = 0; k < used; k += 4) {
                char bytes[4];
                tn_text_put(&text, bytes, tn_utf8_put(code_point(p + k, h->swapped), bytes));
            }
        }
        st = text.failed ? tn_fail(TN_E_NOMEM, "%s: out of memory", where)
                         : tn_tensor_set_string(t, i, text.s ? text.s : "", text.n);
    }
    tn_text_free(&text);
    return st;
}

static void read_numbers(const npy *h, tn_tensor *t, int64_t n) {
    uint8_t *out = t->data;
    if (h->fortran && h->rank > 1) {
        walk w = walk_of(h);
        for (int64_t i = 0; i < n; i++, walk_next(&w))
            memcpy(out + (size_t)i * h->item, h->data + (size_t)w.at * h->item, h->item);
    } else {
        memcpy(out, h->data, (size_t)n * h->item);
    }
    bool complex = tn_dtype_is_complex(h->dtype);
    size_t parts = complex ? 2 : 1, width = h->item / parts;
    bool big_host = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
    if (h->swapped != big_host && width > 1) swap_items(out, (size_t)n * parts, width);
    if (h->dtype == TN_BOOL)
        for (int64_t i = 0; i < n; i++) out[i] = out[i] != 0;
}

tn_status tn_npy_parse(const void *data, size_t size, const char *where, tn_tensor *out) {
    npy h;
    int64_t n;
    size_t bytes, need;
    char text[400];
    *out = (tn_tensor){ 0 };
    TN_TRY(parse_header(data, size, where, &h));
    tn_status st = tn_dims_check(h.dtype, h.rank, h.dims, &n, &bytes);
    if (st != TN_OK) return tn_fail_at(st, "%s", where);
    if (!tn_mul_size((size_t)n, h.item, &need) || need > h.left)
        return tn_fail(TN_E_FORMAT, "%s: npy: %s elements of shape %s need more than the %zu bytes in the file", where,
                       tn_dtype_name(h.dtype), tn_dims_text(h.rank, h.dims, text, sizeof text), h.left);
    /* Elements without bytes ('S0') cost nothing in the file and 16 bytes here. */
    if (h.dtype == TN_STRING && !h.item && (size_t)n > size)
        return bad(where, "more empty strings than the file has bytes");
    if ((st = tn_tensor_init(out, h.dtype, h.rank, h.dims, TN_MEM_IO)) != TN_OK) return tn_fail_at(st, "%s", where);
    if (h.dtype == TN_STRING)
        st = read_strings(&h, where, out, n);
    else if (n)
        read_numbers(&h, out, n);
    if (st != TN_OK) tn_tensor_reset(out);
    return st;
}

/* ------------------------------------------------------------------------------------------------------ writing */

static const char *descr_of(tn_dtype t) {
    static const char *const names[TN_DTYPE_COUNT] = {
        [TN_BOOL] = "|b1", [TN_I8] = "|i1",    [TN_U8] = "|u1",   [TN_I16] = "<i2",
        [TN_U16] = "<u2",  [TN_I32] = "<i4",   [TN_U32] = "<u4",  [TN_I64] = "<i8",
        [TN_U64] = "<u8",  [TN_F16] = "<f2",   [TN_F32] = "<f4",  [TN_F64] = "<f8",
        [TN_C64] = "<c8",  [TN_C128] = "<c16", [TN_BF16] = "<V2", [TN_F8E5M2] = "<f1",
    };
    int bits = tn_dtype_bits(t); /* 0 of strings, which have a width of their own */
    return names[t] ? names[t] : bits && bits <= 8 ? "<V1" : NULL;
}

/* Elements that share bytes are written one a byte. */
static int packed_bits(tn_dtype t) { return tn_dtype_bits(t) < 8 ? tn_dtype_bits(t) : 0; }

static tn_status put_packed(tn_writer *w, const tn_tensor *t) {
    int bits = packed_bits(t->dtype), each = 8 / bits;
    const uint8_t *p = t->data;
    for (int64_t i = 0; i < tn_count(t); i++) {
        uint8_t v = (uint8_t)(p[i / each] >> i % each * bits) & (uint8_t)((1 << bits) - 1);
        TN_TRY(tn_writer_put(w, &v, 1));
    }
    return TN_OK;
}

tn_status tn_npy_as(tn_tensor *t, tn_dtype want) {
    const char *descr = want > TN_NONE && want < TN_DTYPE_COUNT ? descr_of(want) : NULL;
    bool bytes = t->dtype == TN_U8 && descr && (!strcmp(descr, "<V1") || want == TN_F8E5M2);
    bool pairs = t->dtype == TN_U16 && want == TN_BF16;
    tn_tensor as = { 0 };
    if (!bytes && !pairs) return TN_OK;
    TN_TRY(tn_tensor_init(&as, want, t->rank, t->dims, TN_MEM_IO));
    int bits = packed_bits(want), each = bits ? 8 / bits : 1;
    int64_t n = tn_count(t);
    const uint8_t *from = t->data;
    uint8_t *to = as.data;
    if (!bits && n) memcpy(to, from, tn_tensor_bytes(t));
    if (bits && n) memset(to, 0, tn_tensor_bytes(&as));
    for (int64_t i = 0; bits && i < n; i++) to[i / each] |= (uint8_t)((from[i] & ((1 << bits) - 1)) << i % each * bits);
    tn_tensor_reset(t);
    *t = as;
    return TN_OK;
}

static tn_status put_strings(tn_writer *w, const tn_tensor *t, size_t width) {
    const tn_string *s = t->data;
    for (int64_t i = 0; i < tn_count(t); i++) {
        size_t chars = 0;
        for (size_t at = 0; at < s[i].len; chars++) {
            uint32_t c = tn_utf8_next(s[i].ptr, s[i].len, &at);
            TN_TRY(tn_writer_put(w, (uint8_t[]){ (uint8_t)c, (uint8_t)(c >> 8), (uint8_t)(c >> 16), 0 }, 4));
        }
        for (; chars < width; chars++) TN_TRY(tn_writer_put(w, "\0\0\0", 4));
    }
    return TN_OK;
}

static size_t longest_string(const tn_tensor *t) {
    const tn_string *s = t->data;
    size_t most = 1;
    for (int64_t i = 0; i < tn_count(t); i++) {
        size_t chars = 0;
        for (size_t at = 0; at < s[i].len; chars++) (void)tn_utf8_next(s[i].ptr, s[i].len, &at);
        if (chars > most) most = chars;
    }
    return most;
}

tn_status tn_npy_write(const tn_tensor *t, const char *path) {
    tn_writer *w = NULL;
    tn_text dims = { 0 }, head = { 0 };
    tn_status st = TN_OK;
    size_t width = t->dtype == TN_STRING ? longest_string(t) : 0;
    const char *descr = descr_of(t->dtype);
    TN_TRY(tn_tensor_plain(t, path));
    if (!descr && t->dtype != TN_STRING)
        return tn_fail(TN_E_TYPE, "%s: NumPy has no element type for %s", path, tn_dtype_name(t->dtype));
    for (int i = 0; i < t->rank; i++) tn_text_printf(&dims, i ? ", %lld" : "%lld", (long long)t->dims[i]);
    char name[32];
    snprintf(name, sizeof name, "<U%zu", width);
    tn_text_printf(&head, "{'descr': '%s', 'fortran_order': False, 'shape': (%s%s), }", descr ? descr : name,
                   dims.s ? dims.s : "", t->rank == 1 ? "," : "");
    while (!head.failed && (head.n + 11) % 64) tn_text_puts(&head, " ");
    tn_text_puts(&head, "\n");
    if (head.failed || dims.failed) {
        st = tn_fail(TN_E_NOMEM, "%s: out of memory", path);
        goto done;
    }
    if ((st = tn_writer_open(path, &w)) != TN_OK) goto done;
    uint8_t magic[10] = MAGIC "\x01";
    magic[8] = (uint8_t)head.n;
    magic[9] = (uint8_t)(head.n >> 8);
    if ((st = tn_writer_put(w, magic, sizeof magic)) != TN_OK) goto done;
    if ((st = tn_writer_put(w, head.s, head.n)) != TN_OK) goto done;
    st = t->dtype == TN_STRING   ? put_strings(w, t, width)
         : packed_bits(t->dtype) ? put_packed(w, t)
                                 : tn_writer_put(w, t->data, tn_tensor_bytes(t));
    if (st != TN_OK) goto done;
    st = tn_writer_commit(&w);
done:
    tn_writer_abort(&w);
    tn_text_free(&head);
    tn_text_free(&dims);
    return st;
}

/* ---------------------------------------------------------------------------------------------------------- npz */

static tn_status read_member(const tn_zip_entry *e, const char *where, tn_npz_entry *out) {
    size_t n = e->name.len;
    if (n > 4 && !memcmp(e->name.ptr + n - 4, ".npy", 4)) n -= 4;
    char place[512];
    snprintf(place, sizeof place, "%s: %.*s", where, (int)(n < 200 ? n : 200), e->name.ptr);
    uint8_t *unpacked = NULL;
    tn_status st = TN_OK;
    if (!(out->name = tn_mem_zalloc(n + 1, TN_MEM_IO)) ||
        !(unpacked = tn_mem_alloc(e->size ? (size_t)e->size : 1, TN_MEM_IO)))
        st = tn_fail(TN_E_NOMEM, "%s: out of memory", place);
    if (st == TN_OK) st = tn_zip_read(e, where, unpacked);
    if (st == TN_OK) {
        memcpy(out->name, e->name.ptr, n);
        st = tn_npy_parse(unpacked, (size_t)e->size, place, &out->tensor);
    }
    tn_mem_free(unpacked);
    return st;
}

tn_status tn_npz_parse(const void *data, size_t size, const char *where, tn_npz_entry **out, size_t *n) {
    tn_zip_entry *members;
    size_t count = 0, done = 0;
    tn_npz_entry *entries = NULL;
    *out = NULL;
    *n = 0;
    tn_arena *arena = tn_arena_new(0, TN_MEM_IO);
    tn_status st = arena ? TN_OK : tn_fail(TN_E_NOMEM, "%s: out of memory", where);
    if (st != TN_OK || (st = tn_zip_list(data, size, where, arena, &members, &count)) != TN_OK) goto done;
    size_t bytes = 0;
    if (!tn_mul_size(count, sizeof *entries, &bytes) || !(entries = tn_mem_zalloc(bytes, TN_MEM_IO))) {
        st = tn_fail(TN_E_NOMEM, "%s: out of memory for %zu arrays", where, count);
        goto done;
    }
    for (; done < count && st == TN_OK; done++) st = read_member(&members[done], where, &entries[done]);
    if (st != TN_OK) goto done;
    *out = entries;
    *n = count;
    entries = NULL;
done:
    tn_npz_free(&entries, done);
    tn_arena_free(&arena);
    return st;
}

void tn_npz_free(tn_npz_entry **entries, size_t n) {
    if (!entries || !*entries) return;
    for (size_t i = 0; i < n; i++) {
        tn_mem_free((*entries)[i].name);
        tn_tensor_reset(&(*entries)[i].tensor);
    }
    tn_mem_free(*entries);
    *entries = NULL;
}
