/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* gather_block.c - GatherBlockQuantized: codes of every kind, blocks along either axis, indices out of range, and what
 * is refused. */
#include "lib/one_node.h"
#include "lib/op_run.h"
#include "test.h"
#include <math.h>

static ob *table(int n, const op_data *in) {
    static const char *const names[] = { "a", "b", "c", "d" };
    ob *b = ob_new(10, 21);
    ob_opset(b, "com.microsoft", 1);
    for (int i = 0; i < n; i++) ob_input(b, names[i], in[i].type, NULL);
    ob_output(b, "y");
    ob_node(b, "com.microsoft::GatherBlockQuantized", n > 3 ? "a b c d" : "a b c", "y");
    ob_int(b, "block_size", 16);
    return b;
}

/* Two rows of 32 codes of 4 bits, 8 for zero unless it is given; the last blocks are worth 2. */
static void bytes(void **state) {
    op_data in[] = { { TN_U8, "2,16", { 0 } },
                     { TN_I32, "3", { 1, -2, 2 } },
                     { TN_F32, "2,2", { 1, 2, 0.5, 2 } },
                     { TN_U8, "2,1", { 0x31, 0x20 } } };
    op_data y = { TN_F32, "3,32", { 0 } };
    double wide[96], zeros[96];
    for (int i = 0; i < 32; i++) in[0].v[i] = i < 16 ? 0xf8 : 0x19; /* 8 and 15; 9 and 1 */
    for (int i = 0; i < 32; i++) {
        double low = i < 16 ? 0.5 : 2, first = i < 16 ? 1 : 2;
        wide[i] = ((i % 2 ? 1 : 9) - 8) * low, wide[32 + i] = ((i % 2 ? 15 : 8) - 8) * first, wide[64 + i] = 0;
        zeros[i] = ((i % 2 ? 1 : 9) - (i < 16 ? 0 : 2)) * low;
        zeros[32 + i] = ((i % 2 ? 15 : 8) - (i < 16 ? 1 : 3)) * first, zeros[64 + i] = 0;
    }
    y.large = wide;
    op_gives(table(3, in), 3, in, 1, &y, 0);
    y.large = zeros;
    op_gives(table(4, in), 4, in, 1, &y, 0);
    in[2].type = TN_F16, y.type = TN_F16;
    op_gives(table(4, in), 4, in, 1, &y, 0);
}

/* 17 rows of signed halves of bytes, in blocks along the rows, gathered along the columns. */
static void columns(void **state) {
    op_data in[] = { { TN_I4, "17,2", { 0 } }, { TN_I64, "", { 1 } }, { TN_F32, "2,2", { 1, 10, 100, 1000 } } };
    op_data y = { TN_F32, "17", { 0 } };
    for (int i = 0; i < 17; i++) in[0].v[2 * i + 1] = i % 8 - 4, y.v[i] = (i % 8 - 4) * (i < 16 ? 10 : 1000);
    ob *b = table(3, in);
    ob_int(b, "gather_axis", -1);
    ob_int(b, "quantize_axis", 0);
    op_gives(b, 3, in, 1, &y, 0);
}

/* float8 with one scale for all rows and a block of the whole axis. */
static void reals(void **state) {
    op_data in[] = { { TN_F8E4M3FN, "2,2", { 1, -2, 0.5, 4 } }, { TN_I32, "1", { 1 } }, { TN_F32, "1,1", { 3 } } };
    op_data y = { TN_F32, "1,2", { 1.5, 12 } };
    ob *b = ob_new(10, 21);
    ob_opset(b, "com.microsoft", 1);
    ob_input(b, "a", TN_F8E4M3FN, NULL);
    ob_input(b, "b", TN_I32, NULL);
    ob_input(b, "c", TN_F32, NULL);
    ob_output(b, "y");
    ob_node(b, "com.microsoft::GatherBlockQuantized", "a b c", "y");
    ob_int(b, "block_size", 0);
    op_gives(b, 3, in, 1, &y, 0);
}

static void refused(void **state) {
    op_data in[] = {
        { TN_U8, "2,8", { 0 } }, { TN_I32, "1", { 0 } }, { TN_F32, "2,1", { 1, 1 } }, { TN_U8, "2,2", { 0 } }
    };
    static const struct {
        const char *name, *words;
        int64_t v;
    } bad[] = { { "block_size", "block_size", 8 },
                { "block_size", "block_size", INT64_MAX },
                { "bits", "bits", 3 },
                { "gather_axis", "first axis", 1 },
                { "quantize_axis", "axis", 2 },
                { "quantize_axis", "scales", 0 } };
    for (size_t i = 0; i < TN_COUNT(bad); i++) {
        ob *b = ob_new(10, 21);
        ob_opset(b, "com.microsoft", 1);
        for (int k = 0; k < 3; k++) ob_input(b, (const char *[]){ "a", "b", "c" }[k], in[k].type, NULL);
        ob_output(b, "y");
        ob_node(b, "com.microsoft::GatherBlockQuantized", "a b c", "y");
        ob_int(b, bad[i].name, bad[i].v);
        if (strcmp(bad[i].name, "block_size")) ob_int(b, "block_size", 16);
        op_refused(b, 3, in, bad[i].words);
    }
    op_refused(table(4, in), 4, in, "zero points");
    in[2].dims = "1,1";
    op_refused(table(3, in), 3, in, "scales");
}

static int between(int lo, int hi) {
    static uint64_t rng = 5;
    return lo + (int)(test_random(&rng) % (uint64_t)(hi - lo + 1));
}

static int field(const double *bytes, int bits, int i) {
    return (int)bytes[i * bits / 8] >> i * bits % 8 & ((1 << bits) - 1);
}

/* Tables [3, 2, columns] of any bits, with blocks along the last axis, whole and cut off: rows of kernel/coded.h where
 * columns are a multiple of 16. */
static void tables(void **state) {
    for (int round = 0; round < 60; round++) {
        int bits = 1 << between(1, 3), columns = between(0, 2) ? 16 * between(1, 9) : 8 * between(1, 9);
        int block = 16 << between(0, 2), blocks = (columns + block - 1) / block, zero_row = (blocks * bits + 7) / 8;
        bool zeros = between(0, 1);
        double data[6 * 144], scale[6 * 9], zero[6 * 9], index[4] = { 2, -1, 0, 9 };
        char dims[32];
        on *o = on_new();
        for (int i = 0; i < 6 * columns * bits / 8; i++) data[i] = between(0, 255);
        for (int i = 0; i < 6 * blocks; i++) scale[i] = between(-16, 16) / 8.0, zero[i] = between(0, 255);
        snprintf(dims, sizeof dims, "3,2,%d", columns * bits / 8);
        on_in(o, TN_U8, dims, data, between(0, 1));
        on_in(o, TN_I64, "4", index, false);
        snprintf(dims, sizeof dims, "3,2,%d", blocks);
        on_in(o, between(0, 1) ? TN_F32 : TN_F16, dims, scale, between(0, 1));
        snprintf(dims, sizeof dims, "3,2,%d", zero_row);
        if (zeros) on_in(o, TN_U8, dims, zero, between(0, 1));
        tn_node *n = on_node(o, "com.microsoft", "GatherBlockQuantized", 1);
        check_ok(tn_attr_set_int(n, "bits", bits));
        check_ok(tn_attr_set_int(n, "block_size", block));
        check_ok(tn_attr_set_int(n, "quantize_axis", 2));
        check_ok(on_go(o, 2));
        for (int i = 0; i < 4 * 2 * columns; i++) {
            int slice = i / columns / 2, at = index[slice] < 0 ? (int)index[slice] + 3 : (int)index[slice];
            int row = at * 2 + i / columns % 2, e = i % columns;
            double want = 0;
            if (at < 3) {
                int z = zeros ? field(zero + row * zero_row, bits, e / block) : 1 << (bits - 1);
                want = (field(data + row * columns * bits / 8, bits, e) - z) * scale[row * blocks + e / block];
            }
            check(fabs(on_at(o, 0, i) - want) <= 1e-6 * 256 + 1e-3 * fabs(want),
                  "%d bits, %d columns by %d, %d: %g, expected %g\n", bits, columns, block, i, on_at(o, 0, i), want);
        }
        on_free(o);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(bytes), cmocka_unit_test(columns), cmocka_unit_test(reals),
                                        cmocka_unit_test(refused), cmocka_unit_test(tables) };
    return cmocka_run_group_tests_name("op/gather_block", tests, NULL, NULL);
}
