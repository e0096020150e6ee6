/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* zip.c - reads a zip archive through its central directory; the local headers only say where the bytes begin. */
#include "tensor/zip.h"
#include "base/number.h"
#include "tensor/inflate.h"
#include <string.h>

enum { END_BYTES = 22, LOCATOR_BYTES = 20, END64_BYTES = 56, CENTRAL_BYTES = 46, LOCAL_BYTES = 30 };
#define END_MARK     0x06054b50u
#define LOCATOR_MARK 0x07064b50u
#define END64_MARK   0x06064b50u
#define CENTRAL_MARK 0x02014b50u
#define LOCAL_MARK   0x04034b50u

static uint32_t u16(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8; }
static uint32_t u32(const uint8_t *p) { return u16(p) | u16(p + 2) << 16; }
static uint64_t u64(const uint8_t *p) { return u32(p) | (uint64_t)u32(p + 4) << 32; }

static tn_status bad(const char *where, const char *what) { return tn_fail(TN_E_FORMAT, "%s: zip: %s", where, what); }

/* The end record is the last one whose comment reaches exactly to the end of the file. */
static const uint8_t *find_end(const uint8_t *p, size_t size) {
    for (size_t back = END_BYTES; back <= size && back <= END_BYTES + 0xffff; back++) {
        const uint8_t *e = p + size - back;
        if (u32(e) == END_MARK && u16(e + 20) == back - END_BYTES) return e;
    }
    return NULL;
}

/* Sizes and offset that do not fit 32 bits stand in the extra field 1, in this order, each only when needed. */
static bool widen(const uint8_t *extra, size_t n, uint64_t *size, uint64_t *packed, uint64_t *offset) {
    uint64_t *values[] = { size, packed, offset };
    bool wanted = *size == UINT32_MAX || *packed == UINT32_MAX || *offset == UINT32_MAX;
    while (wanted && n >= 4) {
        size_t len = u16(extra + 2);
        if (len > n - 4) return false;
        if (u16(extra) == 1) {
            const uint8_t *p = extra + 4, *end = p + len;
            for (size_t i = 0; i < 3; i++) {
                if (*values[i] != UINT32_MAX) continue;
                if (end - p < 8) return false;
                *values[i] = u64(p);
                p += 8;
            }
            return true;
        }
        extra += 4 + len;
        n -= 4 + len;
    }
    return true;
}

typedef struct {
    const uint8_t *p;
    size_t size;
    uint64_t at, bytes, count; /* the central directory */
    uint64_t claimed;          /* packed bytes of all members so far */
    const char *where;
} archive;

static tn_status find_directory(archive *a) {
    const uint8_t *e = a->size >= END_BYTES ? find_end(a->p, a->size) : NULL;
    if (!e) return bad(a->where, "no end record (truncated?)");
    a->count = u16(e + 10);
    a->bytes = u32(e + 12);
    a->at = u32(e + 16);
    if (a->count == 0xffff || a->bytes == UINT32_MAX || a->at == UINT32_MAX) {
        size_t before = (size_t)(e - a->p);
        const uint8_t *l = e - LOCATOR_BYTES;
        if (before >= LOCATOR_BYTES && u32(l) == LOCATOR_MARK) {
            uint64_t at = u64(l + 8);
            if (at > before || before - at < END64_BYTES || u32(a->p + at) != END64_MARK)
                return bad(a->where, "bad zip64 end record");
            a->count = u64(a->p + at + 32);
            a->bytes = u64(a->p + at + 40);
            a->at = u64(a->p + at + 48);
        }
    }
    if (a->at > a->size || a->bytes > a->size - a->at || a->count > a->bytes / CENTRAL_BYTES)
        return bad(a->where, "the directory lies outside the file");
    return TN_OK;
}

static tn_status read_entry(archive *a, const uint8_t **pp, const uint8_t *end, tn_zip_entry *e) {
    const uint8_t *p = *pp;
    if (end - p < CENTRAL_BYTES || u32(p) != CENTRAL_MARK) return bad(a->where, "bad directory entry");
    size_t name = u16(p + 28), extra = u16(p + 30), comment = u16(p + 32);
    if ((size_t)(end - p) - CENTRAL_BYTES < name + extra + comment) return bad(a->where, "bad directory entry");
    uint64_t offset = u32(p + 42);
    *e = (tn_zip_entry){ .name = { (const char *)p + CENTRAL_BYTES, name },
                         .packed = u32(p + 20),
                         .size = u32(p + 24),
                         .crc = u32(p + 16),
                         .method = (int)u16(p + 10) };
    if (!widen(p + CENTRAL_BYTES + name, extra, &e->size, &e->packed, &offset))
        return bad(a->where, "bad zip64 extra field");
    if (u16(p + 8) & 1) return tn_fail(TN_E_UNSUPPORTED, "%s: zip: encrypted members are not supported", a->where);
    if (e->method != 0 && e->method != 8)
        return tn_fail(TN_E_UNSUPPORTED, "%s: zip: compression method %d is not supported (0 and 8 are)", a->where,
                       e->method);
    if (offset > a->size || a->size - offset < LOCAL_BYTES || u32(a->p + offset) != LOCAL_MARK)
        return bad(a->where, "a member's header lies outside the file");
    const uint8_t *local = a->p + offset;
    size_t skip = LOCAL_BYTES + u16(local + 26) + u16(local + 28), left = a->size - (size_t)offset;
    if (skip > left || e->packed > left - skip) return bad(a->where, "a member's data lies outside the file");
    if (e->method == 0 ? e->size != e->packed : e->size > tn_inflate_most(e->packed))
        return bad(a->where, "a member claims more bytes than its data can hold");
    a->claimed += e->packed;
    if (a->claimed > a->size) return bad(a->where, "members overlap");
    e->data = local + skip;
    *pp = p + CENTRAL_BYTES + name + extra + comment;
    return TN_OK;
}

tn_status tn_zip_list(const void *data, size_t size, const char *where, tn_arena *arena, tn_zip_entry **out,
                      size_t *n) {
    archive a = { .p = data, .size = size, .where = where };
    *out = NULL;
    *n = 0;
    TN_TRY(find_directory(&a));
    tn_zip_entry *entries = tn_arena_array(arena, tn_zip_entry, (size_t)a.count);
    if (!entries) return tn_fail(TN_E_NOMEM, "%s: out of memory for %zu members", where, (size_t)a.count);
    const uint8_t *p = a.p + a.at, *end = p + a.bytes;
    for (size_t i = 0; i < a.count; i++) TN_TRY(read_entry(&a, &p, end, &entries[i]));
    *out = entries;
    *n = (size_t)a.count;
    return TN_OK;
}

tn_status tn_zip_read(const tn_zip_entry *e, const char *where, void *out) {
    if (e->method == 0) {
        if (e->size) memcpy(out, e->data, (size_t)e->size);
    } else {
        tn_status st = tn_inflate(e->data, (size_t)e->packed, out, (size_t)e->size);
        if (st != TN_OK) return tn_fail_at(st, "%s: %.*s", where, tn_int_of(e->name.len), e->name.ptr);
    }
    if (tn_crc32(0, out, (size_t)e->size) != e->crc)
        return tn_fail(TN_E_FORMAT, "%s: %.*s: the checksum does not match", where, tn_int_of(e->name.len),
                       e->name.ptr);
    return TN_OK;
}
