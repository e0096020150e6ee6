/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* rows.c - what every row's attribute struct must keep, and that values which only a run knows are checked before it.
 */
#include "lib/op_run.h"
#include "op/core/op.h"
#include "test.h"
#include <stdio.h>
#include <string.h>

static const struct {
    size_t bytes, align;
} stores[] = {
#define OF(t) \
    { sizeof(t), _Alignof(t) }
    [TN_STORE_INT] = OF(int64_t),
    [TN_STORE_FLAG] = OF(bool),
    [TN_STORE_DTYPE] = OF(tn_dtype),
    [TN_STORE_FLOAT] = OF(float),
    [TN_STORE_MAYBE] = OF(tn_maybe_float),
    [TN_STORE_STRING] = OF(tn_string),
    [TN_STORE_WORD] = OF(int),
    [TN_STORE_INTS] = OF(tn_ints),
    [TN_STORE_FLOATS] = OF(tn_floats),
    [TN_STORE_STRINGS] = OF(tn_strings),
    [TN_STORE_TENSOR] = OF(tn_tensor *),
    [TN_STORE_GRAPH] = OF(tn_graph *),
    [TN_STORE_ATTR] = OF(tn_attr *),
};

/* Members lie in the struct, are aligned, and no two overlap; a word's default is one of the words. */
static void members(void **state) {
    for (int i = 0; i < tn_op_count(); i++) {
        const tn_op *op = tn_op_at(i);
        uint8_t taken[1024] = { 0 };
        assert_true(op->attrs_bytes <= sizeof taken);
        for (const tn_attr_spec *s = op->attrs; s && s->name; s++) {
            if (s->store == TN_STORE_NONE) continue;
            bool fits = s->at % stores[s->store].align == 0 && s->at + stores[s->store].bytes <= op->attrs_bytes;
            for (size_t b = 0; fits && b < stores[s->store].bytes; b++) fits = !taken[s->at + b]++;
            if (!fits) print_error("%s: attribute '%s' does not lie in its struct\n", op->name, s->name);
            assert_true(fits);
            if (s->dflt && s->words) assert_non_null(strstr(s->words, s->dflt));
        }
    }
}

/* y = Reduce(x, axes) for axes that come with the run; the output's shape is known all the same. */
static void reduce_axes(void **state) {
    static const double bad[] = { 7, -3, 2, 63, -9223372036854775807.0 };
    static const char *const rows[] = { "ReduceSum", "ReduceMean", "ReduceMax", "ReduceLogSumExp", "ReduceL2" };
    for (size_t k = 0; k < TN_COUNT(rows); k++)
        for (size_t i = 0; i < TN_COUNT(bad); i++)
            for (int keep = 0; keep < 2; keep++) {
                op_data in[] = { { TN_F32, "2,3", { 1, 2, 3, 4, 5, 6 } }, { TN_I64, "1", { bad[i] } } };
                ob *b = op_one("", rows[k], "y", 2, in);
                ob_int(b, "keepdims", keep);
                op_refused(b, 2, in, "is outside -2..1");
            }
    op_data scalar[] = { { TN_F32, "", { 3 } }, { TN_I64, "1", { 7 } } };
    op_refused(op_one("", "ReduceSum", "y", 2, scalar), 2, scalar, "is outside -1..0");
}

/* Numbers that are no element type, also those whose low 32 bits are one. */
static void dtype_numbers(void **state) {
    static const int64_t bad[] = { (INT64_C(1) << 32) + 1, 99, -1, INT64_MIN };
    for (size_t i = 0; i < TN_COUNT(bad); i++) {
        op_data in[] = { { TN_F32, "1", { 1 } } };
        ob *b = op_one("", "Cast", "y", 1, in);
        ob_int(b, "to", bad[i]);
        op_refused(b, 1, in, "to");
    }
}

/* A result of more letters than a tensor can have dimensions is refused, not cut. */
static void einsum_letters(void **state) {
    op_data in[] = { { TN_F32, "1,1,1,1,1,1,1,1,1,1", { 2 } }, { TN_F32, "1,1,1,1,1,1,1,1,1,1", { 3 } } };
    ob *b = op_one("", "Einsum", "y", 2, in);
    ob_string(b, "equation", "abcdefghij,klmnopqrst");
    op_refused(b, 2, in, "more than 16 dimensions");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members),
        cmocka_unit_test(reduce_axes),
        cmocka_unit_test(dtype_numbers),
        cmocka_unit_test(einsum_letters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
