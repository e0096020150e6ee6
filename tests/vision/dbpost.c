/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* Boxes from synthetic probability maps: turned rectangles drawn into the map must come back grown as published. */
#include "vision/dbpost.h"
#include "base/mem.h"
#include "test.h"
#include <math.h>

enum { W = 320, H = 240 };
static float map[H][W];

static void clear(void) { memset(map, 0, sizeof map); }

static void draw(double cx, double cy, double w, double h, double angle, float p) {
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            double dx = x - cx, dy = y - cy;
            double u = dx * cos(angle) + dy * sin(angle), v = dy * cos(angle) - dx * sin(angle);
            if (fabs(u) <= w / 2 && fabs(v) <= h / 2) map[y][x] = p;
        }
}

static size_t boxes(const tn_db_opts *o, int sw, int sh, tn_db_box **out) {
    size_t n;
    check_ok(tn_db_boxes(&map[0][0], W, H, o, sw, sh, out, &n));
    return n;
}

static void turned_rectangles(void **state) {
    for (int degrees = -40; degrees <= 40; degrees += 4) {
        double a = degrees * M_PI / 180, w = 120, h = 20;
        clear();
        draw(160, 120, w, h, a, 0.9f);
        tn_db_box *b;
        assert_int_equal(boxes(NULL, W, H, &b), 1);
        assert_true(fabsf(b->score - 0.9f) < 0.05f);
        double d = w * h * 1.5 / (2 * (w + h)), gw, gh;
        tn_quad_sides(&b->quad, &gw, &gh);
        check(fabs(gw - (w + 2 * d)) < 4 && fabs(gh - (h + 2 * d)) < 4, "%d degrees: %g x %g, expected %g x %g\n",
              degrees, gw, gh, w + 2 * d, h + 2 * d);
        double found = atan2(b->quad.p[1].y - b->quad.p[0].y, b->quad.p[1].x - b->quad.p[0].x);
        check(fabs(found - a) < 0.03, "angle %g, expected %g\n", found, a);
        double cx = 0, cy = 0;
        for (int i = 0; i < 4; i++) cx += b->quad.p[i].x / 4, cy += b->quad.p[i].y / 4;
        assert_true(fabs(cx - 160) < 1.5 && fabs(cy - 120) < 1.5);
        tn_mem_free(b);
    }
}

static void axis_aligned_is_exact(void **state) {
    clear();
    for (int y = 100; y <= 110; y++)
        for (int x = 50; x <= 150; x++) map[y][x] = 0.8f;
    tn_db_box *b;
    assert_int_equal(boxes(NULL, 2 * W, 4 * H, &b), 1);
    double d = 100 * 10 * 1.5 / (2 * 110); /* 6.818 */
    const double want[4][2] = { { 50 - d, 100 - d }, { 150 + d, 100 - d }, { 150 + d, 110 + d }, { 50 - d, 110 + d } };
    for (int i = 0; i < 4; i++) {
        assert_true(b->quad.p[i].x == round(2 * want[i][0]));
        assert_true(b->quad.p[i].y == round(4 * want[i][1]));
    }
    assert_true(fabsf(b->score - 0.8f) < 1e-5f);
    tn_mem_free(b);
}

static void filters(void **state) {
    tn_db_box *b;
    clear();
    assert_int_equal(boxes(NULL, W, H, &b), 0);
    assert_null(b);
    draw(50, 50, 40, 10, 0, 0.55f); /* too faint */
    draw(150, 50, 40, 1, 0, 0.9f);  /* too thin */
    draw(250, 50, 2, 2, 0, 0.9f);   /* too small */
    map[100][100] = NAN;
    map[101][100] = 1;
    assert_int_equal(boxes(NULL, W, H, &b), 0);
    assert_int_equal(boxes(&(tn_db_opts){ .size = sizeof *b, .box_threshold = 0.5f }, W, H, &b), 1);
    tn_mem_free(b);
    clear();
    draw(160, 120, 400, 300, 0, 0.95f); /* everything: clipped to the picture */
    assert_int_equal(boxes(NULL, 1000, 500, &b), 1);
    assert_true(b->quad.p[0].x == 0 && b->quad.p[0].y == 0 && b->quad.p[2].x == 999 && b->quad.p[2].y == 499);
    tn_mem_free(b);
    check_fails(tn_db_boxes(&map[0][0], 0, H, NULL, 1, 1, &b, &(size_t){ 0 }), TN_E_INVALID, "0 x");
}

static void components(void **state) {
    tn_db_box *b;
    clear(); /* a staircase is one core; a U joins late; a gap of one pixel parts */
    for (int i = 0; i < 40; i++)
        for (int k = 0; k < 9; k++) map[40 + i][20 + i + k] = 0.9f;
    for (int y = 20; y < 60; y++)
        for (int k = 0; k < 8; k++) map[y][150 + k] = map[y][190 + k] = 0.9f;
    for (int x = 150; x < 198; x++)
        for (int k = 0; k < 8; k++) map[60 + k][x] = 0.9f;
    draw(60, 200, 30, 10, 0, 0.9f);
    draw(92, 200, 30, 10, 0, 0.9f);
    tn_db_opts o = { .size = sizeof o, .box_threshold = 0.2f };
    assert_int_equal(boxes(&o, W, H, &b), 4);
    tn_mem_free(b);
    o.max_boxes = 2;
    assert_int_equal(boxes(&o, W, H, &b), 2);
    tn_mem_free(b);
}

/* The number of components against a flood fill, on noise. */
static void fill(int y, int x) {
    if (y < 0 || x < 0 || y >= H || x >= W || map[y][x] <= 0.3f) return;
    map[y][x] = 0;
    for (int dy = -1; dy <= 1; dy++)
        for (int dx = -1; dx <= 1; dx++) fill(y + dy, x + dx);
}

static void components_of_noise(void **state) {
    uint64_t seed = 3;
    tn_db_box *b;
    for (int round = 0; round < 20; round++) {
        clear();
        for (int k = 0; k < 60 * (round + 1); k++) {
            int x = (int)(test_random(&seed) % (W - 10)), y = (int)(test_random(&seed) % (H - 10));
            for (int i = 0; i < 8; i++) map[y + (round & 1 ? i : 5)][x + i] = 0.9f;
        }
        tn_db_opts o = { .size = sizeof o, .box_threshold = 1e-6f, .unclip = 20, .min_side = -5, .max_boxes = 1 << 20 };
        size_t n = boxes(&o, W, H, &b), want = 0;
        tn_mem_free(b);
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++)
                if (map[y][x] > 0.3f) want++, fill(y, x);
        check(n == want, "%zu components, expected %zu\n", n, want);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turned_rectangles), cmocka_unit_test(axis_aligned_is_exact), cmocka_unit_test(filters),
        cmocka_unit_test(components),        cmocka_unit_test(components_of_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
