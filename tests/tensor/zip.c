/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* zip.c - archives that lie: members that share bytes, claim too much, lie outside, or use what we do not know. */
#include "tensor/zip.h"
#include "base/text.h"
#include "tensor/inflate.h"
#include "test.h"

enum { DATA = 300 };

static void little(tn_text *o, uint64_t v, int bytes) {
    for (; bytes; bytes--, v >>= 8) tn_text_put(o, (char[]){ (char)v }, 1);
}

typedef struct {
    int members, flags, method;
    uint32_t packed, size, offset;
} shape;

/* One local header with DATA bytes behind it, and as many directory entries as wanted that all point to it. */
static void build(tn_text *o, const shape *s) {
    char data[DATA];
    for (int i = 0; i < DATA; i++) data[i] = (char)(i * 3);
    uint32_t crc = tn_crc32(0, data, DATA);
    little(o, 0x04034b50, 4);
    little(o, 0, 10);
    little(o, crc, 4);
    little(o, s->packed, 4);
    little(o, s->size, 4);
    little(o, 1, 2);
    little(o, 0, 2);
    tn_text_puts(o, "a");
    tn_text_put(o, data, DATA);
    size_t directory = o->n;
    for (int i = 0; i < s->members; i++) {
        little(o, 0x02014b50, 4);
        little(o, 0, 4);
        little(o, (uint64_t)s->flags, 2);
        little(o, (uint64_t)s->method, 2);
        little(o, 0, 4);
        little(o, crc, 4);
        little(o, s->packed, 4);
        little(o, s->size, 4);
        little(o, 1, 2);
        little(o, 0, 12);
        little(o, s->offset, 4);
        tn_text_puts(o, "a");
    }
    size_t end = o->n;
    little(o, 0x06054b50, 4);
    little(o, 0, 4);
    little(o, (uint64_t)s->members, 2);
    little(o, (uint64_t)s->members, 2);
    little(o, end - directory, 4);
    little(o, directory, 4);
    little(o, 3, 2); /* a comment */
    tn_text_puts(o, "xyz");
}

static tn_status list(shape s, tn_arena *a, tn_text *file, tn_zip_entry **e, size_t *n) {
    file->n = 0;
    build(file, &s);
    return tn_zip_list(file->s, file->n, "test.zip", a, e, n);
}

static void members(void **state) {
    (void)state;
    tn_arena *a = tn_arena_new(0, TN_MEM_GENERAL);
    tn_text file = { 0 };
    tn_zip_entry *e;
    size_t n;
    uint8_t out[DATA];
    shape good = { .members = 1, .packed = DATA, .size = DATA }, s;
    check_ok(list(good, a, &file, &e, &n));
    assert_int_equal(n, 1);
    assert_int_equal(e[0].name.len, 1);
    check_ok(tn_zip_read(&e[0], "test.zip", out));
    assert_int_equal(out[7], 21);

    s = good, s.members = 3;
    check_fails(list(s, a, &file, &e, &n), TN_E_FORMAT, "overlap");
    s = good, s.members = 0;
    check_ok(list(s, a, &file, &e, &n));
    assert_int_equal(n, 0);
    s = good, s.size = DATA + 1;
    check_fails(list(s, a, &file, &e, &n), TN_E_FORMAT, "claims more");
    s = good, s.method = 8, s.size = DATA * 1033;
    check_fails(list(s, a, &file, &e, &n), TN_E_FORMAT, "claims more");
    s = good, s.packed = s.size = 1000;
    check_fails(list(s, a, &file, &e, &n), TN_E_FORMAT, "outside");
    s = good, s.offset = 1 << 20;
    check_fails(list(s, a, &file, &e, &n), TN_E_FORMAT, "outside");
    s = good, s.offset = UINT32_MAX; /* says zip64, without the field */
    check_fails(list(s, a, &file, &e, &n), TN_E_FORMAT, "outside");
    s = good, s.flags = 1;
    check_fails(list(s, a, &file, &e, &n), TN_E_UNSUPPORTED, "encrypted");
    s = good, s.method = 12;
    check_fails(list(s, a, &file, &e, &n), TN_E_UNSUPPORTED, "method 12");
    check_fails(tn_zip_list("PK", 2, "test.zip", a, &e, &n), TN_E_FORMAT, "no end record");
    tn_text_free(&file);
    tn_arena_free(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(members) };
    return cmocka_run_group_tests_name("tensor/zip", tests, NULL, NULL);
}
