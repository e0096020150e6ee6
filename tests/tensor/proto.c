/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* proto.c - TensorProto in every encoding the format allows, what must be refused, and the official test data. */
#include "tensor/proto.h"
#include "base/file.h"
#include "test.h"
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#define DATA "/usr/share/libonnx-testdata/data"

enum {
    DIMS = 1,
    TYPE = 2,
    FLOATS = 4,
    INT32S = 5,
    STRINGS = 6,
    INT64S = 7,
    NAME = 8,
    RAW = 9,
    DOUBLES = 10,
    UINT64S = 11
};

static void head(tn_wire_out *o, tn_dtype t, int rank, const int64_t *dims) {
    for (int i = 0; i < rank; i++) tn_wire_put_varint(o, DIMS, (uint64_t)dims[i]);
    tn_wire_put_varint(o, TYPE, (uint64_t)tn_dtypes[t].onnx);
    tn_wire_put_bytes(o, NAME, "w", 1);
}

/* Parses from memory of exactly that size and frees the message. */
static tn_status parse(tn_wire_out *o, tn_tensor *t) {
    tn_tensor borrowed;
    uint8_t *exact = malloc(o->n ? o->n : 1);
    if (o->n) memcpy(exact, o->s, o->n);
    tn_status st = tn_tensor_from_proto(tn_wire_of(exact, o->n), "initializer", &borrowed, NULL, NULL);
    if (st == TN_OK) st = tn_tensor_copy(t, &borrowed, TN_MEM_GENERAL);
    tn_tensor_reset(&borrowed);
    free(exact);
    tn_text_free(o);
    return st;
}

/* The values 0, 1, 2, ... of every type, in its typed field packed and unpacked, and in raw_data. */
static void encodings(void **state) {
    (void)state;
    for (int k = 1; k < TN_DTYPE_COUNT; k++) {
        tn_dtype t = (tn_dtype)k;
        if (t == TN_STRING) continue;
        int64_t dims[2] = { 3, 7 }, n = 21;
        bool complex = tn_dtype_is_complex(t);
        tn_tensor want, got;
        check_ok(tn_tensor_init(&want, t, 2, dims, TN_MEM_GENERAL));
        size_t bytes = tn_tensor_bytes(&want), width = (size_t)tn_dtypes[t].bytes / (complex ? 2 : 1);
        memset(want.data, 0, bytes);
        if (complex)
            for (int64_t i = 0; i < 2 * n; i++) tn_set_f64(t == TN_C64 ? TN_F32 : TN_F64, want.data, i, (double)i);
        else
            for (int64_t i = 0; i < n; i++) tn_set_i64(t, want.data, i, i % 2 ? i : -i);
        uint32_t field = width == 8 && (t == TN_F64 || complex) ? DOUBLES
                         : t == TN_F32 || t == TN_C64           ? FLOATS
                         : t == TN_I64                          ? INT64S
                         : t == TN_U64 || t == TN_U32           ? UINT64S
                                                                : INT32S;
        for (int packed = 0; packed < 3; packed++) { /* 2: raw_data */
            tn_wire_out o = { 0 }, pack = { 0 };
            head(&o, t, 2, dims);
            for (size_t i = 0; i < bytes / width && packed < 2; i++) {
                const uint8_t *p = (const uint8_t *)want.data + i * width;
                uint64_t v = 0;
                memcpy(&v, p, width);
                if (t == TN_I8 || t == TN_I16 || t == TN_I32) v = (uint64_t)tn_get_i64(t, want.data, (int64_t)i);
                if (field == FLOATS || field == DOUBLES) {
                    if (packed)
                        tn_text_put(&pack, (const char *)p, width);
                    else {
                        tn_text_put(&o, field == FLOATS ? "\x25" : "\x51", 1); /* field << 3 | fixed width */
                        tn_text_put(&o, (const char *)p, width);
                    }
                } else if (packed)
                    tn_wire_put_raw_varint(&pack, v);
                else
                    tn_wire_put_varint(&o, field, v);
            }
            if (packed == 1) { /* in two pieces, which a writer may do */
                size_t half = field == FLOATS || field == DOUBLES ? 8 : 1;
                while (half < pack.n && field != FLOATS && field != DOUBLES && (pack.s[half - 1] & 0x80)) half++;
                tn_wire_put_bytes(&o, field, pack.s, half);
                tn_wire_put_bytes(&o, field, pack.s + half, pack.n - half);
            }
            if (packed == 2) tn_wire_put_bytes(&o, RAW, want.data, bytes);
            check_ok(parse(&o, &got));
            assert_int_equal(got.dtype, t);
            assert_true(tn_dims_equal(got.rank, got.dims, 2, dims));
            check(!memcmp(got.data, want.data, bytes), "%s, encoding %d\n", tn_dtype_name(t), packed);
            tn_tensor_reset(&got);
            tn_text_free(&pack);
        }
        tn_wire_out o = { 0 };
        tn_tensor_to_proto(&o, &want, "w");
        check_ok(parse(&o, &got));
        assert_memory_equal(got.data, want.data, bytes);
        tn_tensor_reset(&got);
        tn_tensor_reset(&want);
    }
}

static void strings(void **state) {
    (void)state;
    tn_wire_out o = { 0 };
    tn_tensor t, back;
    head(&o, TN_STRING, 1, (int64_t[]){ 3 });
    tn_wire_put_bytes(&o, STRINGS, "ab", 2);
    tn_wire_put_bytes(&o, STRINGS, NULL, 0);
    tn_wire_put_bytes(&o, STRINGS, "c\0d", 3);
    check_ok(parse(&o, &t));
    tn_tensor_to_proto(&o, &t, NULL);
    check_ok(parse(&o, &back));
    const tn_string *s = back.data;
    assert_int_equal(s[1].len, 0);
    assert_memory_equal(s[0].ptr, "ab", 2);
    assert_memory_equal(s[2].ptr, "c\0d", 3);
    tn_tensor_reset(&t);
    tn_tensor_reset(&back);
}

static void borrowed(void **state) {
    (void)state;
    tn_wire_out o = { 0 };
    tn_tensor t;
    tn_str name;
    float v[2] = { 1, 2 };
    head(&o, TN_F32, 1, (int64_t[]){ 2 });
    tn_wire_put_bytes(&o, RAW, v, sizeof v);
    check_ok(tn_tensor_from_proto(tn_wire_of(o.s, o.n), "initializer", &t, &name, NULL));
    assert_null(t.buffer);
    assert_ptr_equal(t.data, o.s + o.n - sizeof v);
    assert_int_equal(name.len, 1);
    check_ok(tn_tensor_align(&t));
    assert_true(((float *)t.data)[1] == 2);
    tn_tensor_reset(&t);
    tn_text_free(&o);
    head(&o, TN_F32, 2, (int64_t[]){ 0, 4 }); /* no elements: no data needed */
    check_ok(parse(&o, &t));
    assert_int_equal(tn_count(&t), 0);
    tn_tensor_reset(&t);
}

static void external_entry(tn_wire_out *o, const char *key, const char *value) {
    size_t m = tn_wire_begin(o, 13);
    tn_wire_put_bytes(o, 1, key, strlen(key));
    tn_wire_put_bytes(o, 2, value, strlen(value));
    tn_wire_end(o, m);
}

static void external(void **state) {
    (void)state;
    tn_wire_out o = { 0 };
    tn_tensor t;
    tn_external e;
    head(&o, TN_F32, 1, (int64_t[]){ 1000 });
    external_entry(&o, "location", "weights.bin");
    external_entry(&o, "offset", "4096");
    external_entry(&o, "length", "4000");
    tn_wire_put_varint(&o, 14, 1);
    check_ok(tn_tensor_from_proto(tn_wire_of(o.s, o.n), "initializer", &t, NULL, &e));
    assert_true(e.present && e.has_length && e.offset == 4096 && e.length == 4000);
    assert_int_equal(e.location.len, 11);
    assert_null(t.data);
    assert_int_equal(t.dims[0], 1000);
    check_fails(tn_tensor_from_proto(tn_wire_of(o.s, o.n), "input", &t, NULL, NULL), TN_E_UNSUPPORTED, "external");
    external_entry(&o, "offset", "18446744073709551616");
    check_fails(tn_tensor_from_proto(tn_wire_of(o.s, o.n), "initializer", &t, NULL, &e), TN_E_FORMAT, "offset");
    tn_text_free(&o);
}

static void refused(void **state) {
    (void)state;
    tn_wire_out o = { 0 };
    tn_tensor t;
    size_t before = tn_mem_stats_all().now;
    int64_t huge[] = { 805306368 }, many[17] = { 0 };
    tn_mem_reset_peak();

    head(&o, TN_F32, 1, huge); /* 3 GiB claimed */
    tn_wire_put_bytes(&o, RAW, "abcd", 4);
    check_fails(parse(&o, &t), TN_E_FORMAT, "3221225472 bytes of raw_data but there are 4");
    head(&o, TN_F32, 1, huge);
    tn_wire_put_bytes(&o, FLOATS, "abcd", 4);
    check_fails(parse(&o, &t), TN_E_FORMAT, "805306368 values of data but there are 1");
    head(&o, TN_I64, 1, huge);
    check_fails(parse(&o, &t), TN_E_FORMAT, "there are 0");
    head(&o, TN_STRING, 1, huge);
    tn_wire_put_bytes(&o, STRINGS, "x", 1);
    check_fails(parse(&o, &t), TN_E_FORMAT, "there are 1");
    assert_true(tn_mem_stats_all().peak - before < 65536); /* nothing was taken for the claims */

    head(&o, TN_F32, 2, (int64_t[]){ INT64_MAX, 4 });
    check_fails(parse(&o, &t), TN_E_SHAPE, "too large");
    head(&o, TN_F32, 1, (int64_t[]){ -4 });
    check_fails(parse(&o, &t), TN_E_SHAPE, "negative");
    head(&o, TN_F32, 17, many);
    check_fails(parse(&o, &t), TN_E_FORMAT, "16 dimensions");
    tn_wire_put_varint(&o, TYPE, 77);
    check_fails(parse(&o, &t), TN_E_TYPE, "77");
    tn_wire_put_varint(&o, TYPE, UINT64_MAX);
    check_fails(parse(&o, &t), TN_E_TYPE, "-1");
    check_fails(parse(&o, &t), TN_E_TYPE, "0"); /* an empty message */
    head(&o, TN_F32, 1, (int64_t[]){ 1 });
    tn_wire_put_bytes(&o, FLOATS, "abc", 3);
    check_fails(parse(&o, &t), TN_E_FORMAT, "malformed");
    head(&o, TN_I64, 1, (int64_t[]){ 1 });
    tn_wire_put_bytes(&o, INT64S, "\xff\xff", 2);
    check_fails(parse(&o, &t), TN_E_FORMAT, "malformed");
    head(&o, TN_I64, 1, (int64_t[]){ 1 });
    tn_wire_put_bytes(&o, INT64S, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12);
    check_fails(parse(&o, &t), TN_E_FORMAT, "malformed");
    head(&o, TN_F32, 1, (int64_t[]){ 1 });
    tn_wire_put_varint(&o, INT32S, 5); /* not this type's field */
    check_fails(parse(&o, &t), TN_E_FORMAT, "there are 0");
    head(&o, TN_STRING, 0, NULL);
    tn_wire_put_bytes(&o, RAW, "abcd", 4);
    check_fails(parse(&o, &t), TN_E_FORMAT, "raw_data");
    assert_int_equal(tn_mem_stats_all().now, before);
}

static void put_tensor(tn_wire_out *o, uint32_t field, int64_t v) {
    tn_tensor t = { .dtype = TN_I64, .data = &v };
    size_t m = tn_wire_begin(o, field);
    tn_tensor_to_proto(o, &t, NULL);
    tn_wire_end(o, m);
}

static void containers(void **state) {
    (void)state;
    size_t before = tn_mem_stats_all().now;
    tn_wire_out o = { 0 };
    tn_datum d;
    tn_wire_put_varint(&o, 2, 1);
    put_tensor(&o, 3, 5);
    put_tensor(&o, 3, 6);
    check_ok(tn_datum_from_sequence_proto(tn_wire_of(o.s, o.n), "input", &d));
    assert_int_equal(d.kind, TN_KIND_SEQUENCE);
    assert_int_equal(d.list->n, 2);
    assert_int_equal(*(int64_t *)d.list->items[1].tensor.data, 6);
    tn_datum_reset(&d);
    tn_text_free(&o);

    check_ok(tn_datum_from_optional_proto(tn_wire_of("\x10\x01", 2), "input", &d)); /* only elem_type: empty */
    assert_int_equal(d.kind, TN_KIND_NONE);

    size_t m = tn_wire_begin(&o, 5);
    put_tensor(&o, 3, 9);
    tn_wire_end(&o, m);
    check_ok(tn_datum_from_optional_proto(tn_wire_of(o.s, o.n), "input", &d));
    assert_int_equal(d.kind, TN_KIND_SEQUENCE);
    assert_int_equal(*(int64_t *)d.list->items[0].tensor.data, 9);
    tn_datum_reset(&d);
    tn_text_free(&o);

    m = tn_wire_begin(&o, 6); /* a map inside a sequence */
    tn_wire_put_varint(&o, 2, 8);
    tn_wire_put_bytes(&o, 4, "cat", 3);
    tn_wire_put_bytes(&o, 4, "dog", 3);
    size_t values = tn_wire_begin(&o, 5);
    put_tensor(&o, 3, 1);
    put_tensor(&o, 3, 2);
    tn_wire_end(&o, values);
    tn_wire_end(&o, m);
    check_ok(tn_datum_from_sequence_proto(tn_wire_of(o.s, o.n), "input", &d));
    const tn_datum *map = &d.list->items[0];
    assert_int_equal(map->kind, TN_KIND_MAP);
    assert_memory_equal(((tn_string *)map->list->items[0].tensor.data)[1].ptr, "dog", 3);
    assert_int_equal(((int64_t *)map->list->items[1].tensor.data)[1], 2);
    tn_datum_reset(&d);
    tn_text_free(&o);

    size_t marks[100]; /* sequences in sequences */
    for (int i = 0; i < 100; i++) marks[i] = tn_wire_begin(&o, 5);
    for (int i = 100; i-- > 0;) tn_wire_end(&o, marks[i]);
    check_fails(tn_datum_from_sequence_proto(tn_wire_of(o.s, o.n), "input", &d), TN_E_LIMIT, "nested");
    assert_int_equal(d.kind, TN_KIND_NONE);
    tn_text_free(&o);
    assert_int_equal(tn_mem_stats_all().now, before);
}

/* ------------------------------------------------------------------------------------------ official test data */

static int tensors, others, broken;

static void one_file(const char *path) {
    tn_file *f;
    tn_tensor t, again;
    tn_datum d;
    check_ok(tn_file_map(path, &f));
    tn_wire w = tn_wire_of(f->data, f->size);
    if (tn_tensor_from_proto(w, path, &t, NULL, NULL) == TN_OK) {
        tensors++;
        tn_wire_out o = { 0 };
        tn_tensor_to_proto(&o, &t, "again");
        check_ok(tn_tensor_from_proto(tn_wire_of(o.s, o.n), path, &again, NULL, NULL));
        assert_true(again.dtype == t.dtype && tn_dims_equal(again.rank, again.dims, t.rank, t.dims));
        if (t.dtype != TN_STRING && t.data) assert_memory_equal(again.data, t.data, tn_tensor_bytes(&t));
        tn_tensor_reset(&again);
        tn_text_free(&o);
        tn_tensor *own;
        check_ok(tn_tensor_load(path, &own));
        tn_tensor_free(&own);
    } else if (tn_datum_from_sequence_proto(w, path, &d) == TN_OK ||
               tn_datum_from_optional_proto(w, path, &d) == TN_OK) {
        others++;
        tn_datum_reset(&d);
    } else {
        broken++;
        print_error("%s: %s\n", path, tn_error());
    }
    tn_tensor_reset(&t);
    tn_file_close(&f);
}

static void folder(const char *path, int depth) {
    DIR *dir = opendir(path);
    if (!dir) return;
    for (struct dirent *e; (e = readdir(dir));) {
        char sub[1024];
        struct stat s;
        snprintf(sub, sizeof sub, "%s/%s", path, e->d_name);
        if (e->d_name[0] == '.' || stat(sub, &s)) continue;
        size_t n = strlen(sub);
        if (S_ISDIR(s.st_mode) && depth < 4)
            folder(sub, depth + 1);
        else if (n > 3 && !strcmp(sub + n - 3, ".pb"))
            one_file(sub);
    }
    closedir(dir);
}

static void official(void **state) {
    (void)state;
    if (access(DATA, R_OK)) {
        print_message("%s is absent (Debian package libonnx-testdata): skipped\n", DATA);
        skip();
    }
    folder(DATA, 0);
    print_message("%d tensors, %d sequences and optionals, %d unreadable\n", tensors, others, broken);
    assert_int_equal(broken, 0);
    assert_true(tensors > 2000 && others > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodings), cmocka_unit_test(strings), cmocka_unit_test(borrowed),
        cmocka_unit_test(external),  cmocka_unit_test(refused), cmocka_unit_test(containers),
        cmocka_unit_test(official),
    };
    return cmocka_run_group_tests_name("tensor/proto", tests, NULL, NULL);
}
