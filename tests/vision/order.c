/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* Reading order of pages: lists, tables, columns under a heading, at every angle. */
#include "vision/order.h"
#include "test.h"
#include <math.h>

typedef struct {
    double x, y, w, h;
} box;

/* The boxes are given in reading order; shuffled, turned and put back they must come out the same. */
static void check_order(const char *name, const box *b, size_t n) {
    static const int angles[] = { 0, 3, -5, 90, 93, 180, 176, 270, -88 };
    uint64_t seed = 7;
    for (size_t k = 0; k < TN_COUNT(angles); k++) {
        double a = angles[k] * M_PI / 180;
        size_t at[64], order[64];
        tn_quad q[64];
        for (size_t i = 0; i < n; i++) at[i] = i;
        for (size_t i = n - 1; i > 0; i--) {
            size_t j = test_random(&seed) % (i + 1), t = at[i];
            at[i] = at[j], at[j] = t;
        }
        for (size_t i = 0; i < n; i++) {
            const box *s = &b[at[i]];
            for (int c = 0; c < 4; c++) {
                double x = s->x + (c == 1 || c == 2) * s->w, y = s->y + (c >= 2) * s->h;
                q[i].p[c] = (tn_point){ x * cos(a) - y * sin(a), x * sin(a) + y * cos(a) };
            }
        }
        check_ok(tn_reading_order(q, n, order));
        for (size_t i = 0; i < n; i++)
            check(at[order[i]] == i, "%s at %d degrees: place %zu holds line %zu\n", name, angles[k], i, at[order[i]]);
    }
}

static void pages(void **state) {
    static const box list[] = { { 10, 10, 300, 20 }, { 10, 32, 200, 20 }, { 12, 53, 280, 20 }, { 10, 80, 50, 20 } };
    check_order("list", list, TN_COUNT(list));
    static const box table[] = { { 10, 10, 60, 20 }, { 110, 12, 60, 20 }, { 210, 9, 60, 20 },
                                 { 10, 40, 40, 20 }, { 110, 41, 60, 20 }, { 210, 39, 20, 20 },
                                 { 10, 70, 60, 20 }, { 110, 70, 60, 20 }, { 210, 72, 60, 20 } };
    check_order("table", table, TN_COUNT(table));
    static const box form[] = { { 10, 10, 60, 20 }, { 110, 12, 300, 20 }, { 10, 40, 60, 20 }, { 110, 40, 280, 20 } };
    check_order("form", form, TN_COUNT(form));
    static const box columns[] = { { 100, 10, 500, 40 },                                              /* heading */
                                   { 10, 70, 300, 20 },  { 10, 95, 310, 20 },  { 10, 120, 305, 20 },  /* left */
                                   { 350, 70, 300, 20 }, { 350, 95, 290, 20 }, { 350, 120, 150, 20 }, /* right */
                                   { 10, 170, 640, 20 } };                                            /* foot */
    check_order("columns", columns, TN_COUNT(columns));
    static const box ragged[] = { { 10, 70, 300, 20 },  { 10, 95, 310, 20 },  { 10, 120, 305, 20 },
                                  { 10, 145, 180, 20 }, { 350, 82, 300, 20 }, { 350, 107, 290, 20 },
                                  { 350, 132, 250, 20 } };
    check_order("ragged columns", ragged, TN_COUNT(ragged));
    static const box one[] = { { 5, 5, 10, 10 } };
    check_order("one", one, 1);
    check_ok(tn_reading_order(NULL, 0, NULL));
}

static void tilted_row(void **state) { /* words of one line that sinks by more than its height over its length */
    tn_quad q[8];
    size_t order[8];
    for (int i = 0; i < 8; i++) {
        double x = (7 - i) * 100, y = x * 0.05;
        q[i] = (tn_quad){ { { x, y }, { x + 80, y + 4 }, { x + 79, y + 24 }, { x - 1, y + 20 } } };
    }
    check_ok(tn_reading_order(q, 8, order));
    for (size_t i = 0; i < 8; i++) assert_int_equal(order[i], 7 - i);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(pages), cmocka_unit_test(tilted_row) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
