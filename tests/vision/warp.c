/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* Resizing, perspective and turns on pictures whose result is known. */
#include "vision/warp.h"
#include "test.h"
#include <math.h>

/* A plane in every channel: linear methods must reproduce it away from the border. */
static tn_image slope(int w, int h, double ax, double ay) {
    tn_image im;
    check_ok(tn_image_new(w, h, &im));
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            for (int c = 0; c < 3; c++) tn_image_at(&im, x, y)[c] = (uint8_t)lround(20 + ax * x + ay * y + 5 * c);
    return im;
}

static void resize_known(void **state) {
    tn_image im = slope(40, 30, 2, 3), out;
    static const int sizes[][2] = { { 40, 30 }, { 80, 60 }, { 20, 15 }, { 13, 47 }, { 400, 10 }, { 1, 1 } };
    for (size_t k = 0; k < TN_COUNT(sizes); k++) {
        int w = sizes[k][0], h = sizes[k][1];
        check_ok(tn_image_resize(&im, w, h, &out));
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                double sx = (x + 0.5) * 40 / w - 0.5, sy = (y + 0.5) * 30 / h - 0.5;
                double rx = fmax(40.0 / w, 1), ry = fmax(30.0 / h, 1);
                if (sx < rx || sx > 39 - rx || sy < ry || sy > 29 - ry) continue; /* repeated edges bend the plane */
                double want = 20 + 2 * sx + 3 * sy;
                check(fabs(tn_image_at(&out, x, y)[0] - want) <= 1, "%dx%d at %d,%d: %d, expected %g\n", w, h, x, y,
                      tn_image_at(&out, x, y)[0], want);
            }
        if (w == 40 && h == 30) assert_memory_equal(out.px, im.px, 40 * 30 * 3);
        tn_image_free(&out);
    }
    tn_image_free(&im);
}

/* Shrinking keeps the mean: fine stripes become gray, not stripes of another width. */
static void shrink_averages(void **state) {
    tn_image im, out;
    check_ok(tn_image_new(800, 8, &im));
    for (int y = 0; y < 8; y++)
        for (int x = 0; x < 800; x++) memset(tn_image_at(&im, x, y), x & 1 ? 255 : 0, 3);
    check_ok(tn_image_resize(&im, 100, 1, &out));
    for (int x = 2; x < 98; x++) assert_in_range(tn_image_at(&out, x, 0)[1], 122, 133);
    tn_image_free(&im);
    tn_image_free(&out);
}

static void warp_identity_and_shift(void **state) {
    tn_image im = slope(50, 40, 2, 2), out;
    tn_quad whole = { { { 0, 0 }, { 50, 0 }, { 50, 40 }, { 0, 40 } } };
    check_ok(tn_image_warp(&im, &whole, 50, 40, &out));
    assert_memory_equal(out.px, im.px, 50 * 40 * 3);
    tn_image_free(&out);
    tn_quad part = { { { 10, 5 }, { 30, 5 }, { 30, 15 }, { 10, 15 } } };
    check_ok(tn_image_warp(&im, &part, 20, 10, &out));
    for (int y = 0; y < 10; y++) assert_memory_equal(tn_image_at(&out, 0, y), tn_image_at(&im, 10, y + 5), 60);
    tn_image_free(&out);
    tn_quad outside = { { { -1e7, -1e7 }, { -9e6, -1e7 }, { -9e6, -9e6 }, { -1e7, -9e6 } } }; /* the border repeats */
    check_ok(tn_image_warp(&im, &outside, 5, 5, &out));
    for (int i = 0; i < 25; i++) assert_memory_equal(out.px + 3 * i, im.px, 3);
    tn_image_free(&out);
    tn_quad flat = { { { 1, 1 }, { 2, 2 }, { 3, 3 }, { 4, 4 } } };
    check_fails(tn_image_warp(&im, &flat, 5, 5, &out), TN_E_INVALID, "in line");
    tn_image_free(&im);
}

/* A tilted quad of a plane: the value at each place is that of the plane there. */
static void warp_tilted(void **state) {
    tn_image im = slope(100, 100, 1, 1), out;
    tn_quad q = { { { 20, 10 }, { 80, 30 }, { 70, 60 }, { 10, 40 } } };
    check_ok(tn_image_warp(&im, &q, 60, 30, &out));
    for (int y = 0; y < 30; y++)
        for (int x = 0; x < 60; x++) {
            double sx = 20 + x - y / 3.0, sy = 10 + x / 3.0 + y;
            check(fabs(tn_image_at(&out, x, y)[0] - (20 + sx + sy)) <= 1.01, "%d,%d: %d, expected %g\n", x, y,
                  tn_image_at(&out, x, y)[0], 20 + sx + sy);
        }
    tn_image_free(&im);
    tn_image_free(&out);
}

static void turns(void **state) {
    tn_image im = slope(5, 3, 10, 30), left = slope(5, 3, 10, 30), half = slope(5, 3, 10, 30);
    check_ok(tn_image_rotate_left(&left));
    assert_int_equal(left.width, 3);
    for (int y = 0; y < 3; y++)
        for (int x = 0; x < 5; x++) assert_memory_equal(tn_image_at(&left, y, 4 - x), tn_image_at(&im, x, y), 3);
    tn_image_rotate_half(&half);
    for (int y = 0; y < 3; y++)
        for (int x = 0; x < 5; x++) assert_memory_equal(tn_image_at(&half, 4 - x, 2 - y), tn_image_at(&im, x, y), 3);
    tn_image_free(&im), tn_image_free(&left), tn_image_free(&half);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resize_known), cmocka_unit_test(shrink_averages), cmocka_unit_test(warp_identity_and_shift),
        cmocka_unit_test(warp_tilted),  cmocka_unit_test(turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
