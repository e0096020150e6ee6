/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* wire.c - the protobuf wire format, read and written. */
#include "base/wire.h"
#include "test.h"

static void round_trip(void **state) {
    (void)state;
    static const uint64_t values[] = { 0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX, (uint64_t)1 << 63 };
    tn_wire_out o = { 0 };
    for (size_t i = 0; i < TN_COUNT(values); i++) tn_wire_put_varint(&o, 1 + (uint32_t)i * 1000, values[i]);
    size_t outer = tn_wire_begin(&o, 7), inner = tn_wire_begin(&o, 8);
    for (int i = 0; i < 100; i++) tn_wire_put_f32(&o, 3, (float)i);
    tn_wire_end(&o, inner);
    tn_wire_put_bytes(&o, 9, "abc", 3);
    tn_wire_end(&o, outer);
    assert_false(o.failed);

    tn_wire w = tn_wire_of(o.s, o.n);
    tn_wire_field f;
    bool more;
    for (size_t i = 0; i < TN_COUNT(values); i++) {
        check_ok(tn_wire_next(&w, &f, &more));
        assert_true(more);
        assert_int_equal(f.number, 1 + i * 1000);
        assert_int_equal(f.type, 0);
        assert_true(f.u == values[i]);
    }
    check_ok(tn_wire_next(&w, &f, &more));
    assert_int_equal(f.number, 7);
    tn_wire sub = tn_wire_sub(&w, &f);
    check_ok(tn_wire_next(&w, &f, &more));
    assert_false(more);
    check_ok(tn_wire_next(&sub, &f, &more));
    assert_int_equal(f.bytes.len, 500);
    tn_wire deep = tn_wire_sub(&sub, &f);
    for (int i = 0; i < 100; i++) {
        check_ok(tn_wire_next(&deep, &f, &more));
        float v;
        uint32_t u = (uint32_t)f.u;
        memcpy(&v, &u, 4);
        assert_true(f.type == 5 && v == (float)i);
    }
    check_ok(tn_wire_next(&sub, &f, &more));
    assert_int_equal(f.bytes.len, 3);
    assert_memory_equal(f.bytes.ptr, "abc", 3);
    tn_text_free(&o);
}

static void malformed(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        const char *words;
    } bad[] = {
        { "\x08", 1, "varint" },
        { "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11, "varint" },
        { "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12, "varint" },
        { "\x80", 1, "tag" },
        { "\x00", 1, "field number" },
        { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, "field number" },
        { "\x0a\x05"
          "abc",
          5, "claims 5 bytes but only 3" },
        { "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, "claims" },
        { "\x0a", 1, "length" },
        { "\x0d\x01\x02\x03", 4, "ends inside" },
        { "\x09\x01\x02\x03\x04\x05\x06\x07", 8, "ends inside" },
        { "\x0b", 1, "wire type" },
        { "\x0c", 1, "wire type" },
        { "\x0e", 1, "wire type" },
        { "\x0f", 1, "wire type" },
    };
    for (size_t i = 0; i < TN_COUNT(bad); i++) {
        uint8_t *exact = malloc(bad[i].n); /* so that the sanitizer sees a read beyond the end */
        memcpy(exact, bad[i].bytes, bad[i].n);
        tn_wire w = tn_wire_of(exact, bad[i].n);
        tn_wire_field f;
        bool more;
        check_fails(tn_wire_next(&w, &f, &more), TN_E_FORMAT, bad[i].words);
        assert_false(more);
        free(exact);
    }
}

static void empty(void **state) {
    (void)state;
    tn_wire w = tn_wire_of("", 0);
    tn_wire_field f;
    bool more = true;
    check_ok(tn_wire_next(&w, &f, &more));
    assert_false(more);
    tn_wire_out o = { 0 };
    size_t m = tn_wire_begin(&o, 1);
    tn_wire_end(&o, m);
    assert_int_equal(o.n, 2);
    assert_memory_equal(o.s, "\x0a\x00", 2);
    tn_text_free(&o);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(round_trip), cmocka_unit_test(malformed),
                                        cmocka_unit_test(empty) };
    return cmocka_run_group_tests_name("base/wire", tests, NULL, NULL);
}
