/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* past.c - the records of older operator sets and the rows of today are of the same operators. */
#include "op/core/past.h"
#include "op/core/expand.h"
#include "test.h"
#include <string.h>

static const tn_op *row_of(const char *type) {
    const tn_op *op = tn_op_find("", type);
    return op ? op : tn_op_expanded("", type);
}

/* Versions and changes of form rise; the newest version is the row's. */
static void in_order(void **state) {
    const tn_op_past *p;
    for (int i = 0; (p = tn_op_past_at(i)); i++) {
        int last = 0, climbed = 0;
        for (const tn_op_version *v = p->versions; v && v->since; last = v->since, v++)
            check(v->since > last && v->attrs, "%s: version %d behind %d\n", p->op, v->since, last);
        for (const tn_op_upgrade *u = p->upgrades; u && u->fn; climbed = u->below, u++)
            check(u->below > climbed, "%s: a form below %d behind one below %d\n", p->op, u->below, climbed);
        const tn_op *op = row_of(p->op);
        if (op && p->versions) check(op->since == last, "%s: the row is of %d, not %d\n", p->op, op->since, last);
        if (i) check(strcmp(tn_op_past_at(i - 1)->op, p->op) < 0, "%s has two records\n", p->op);
    }
    assert_true(tn_op_past_of("Conv") && !tn_op_past_of("Convolution"));
}

/* A record without a row is of an operator that was replaced; Constant becomes a constant when it is read. */
static void of_something(void **state) {
    const tn_op_past *p;
    for (int i = 0; (p = tn_op_past_at(i)); i++)
        check(row_of(p->op) || tn_op_is_gone(p) || !strcmp(p->op, "Constant"), "%s has a record and no row\n", p->op);
}

/* Operators that ai.onnx never had, although files say so. */
static bool foreign(const tn_op *op) { return !strcmp(op->name, "SimplifiedLayerNormalization"); }

static void every_row_has_one(void **state) {
    const tn_op *op;
    for (int i = 0; i < tn_op_count() && (op = tn_op_at(i)); i++)
        if (!op->domain && !(op->flags & TN_OP_INTERNAL))
            check(tn_op_past_of(op->name), "%s has no record\n", op->name);
    for (int i = 0; (op = tn_op_expanded_at(i)); i++)
        if (!op->domain && !foreign(op)) check(tn_op_past_of(op->name), "%s has no record\n", op->name);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(in_order), cmocka_unit_test(of_something),
                                        cmocka_unit_test(every_row_has_one) };
    return cmocka_run_group_tests_name("op/past", tests, NULL, NULL);
}
