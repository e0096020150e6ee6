/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* Shapes cover their area, text has ink where it should, and nothing is drawn outside. */
#include "vision/draw.h"
#include "test.h"
#include "vision/annotate.h"
#include <math.h>

static const tn_color white = { 255, 255, 255, 255 };

/* Pixels' worth of white on a black picture. */
static double covered(const tn_image *im) {
    double sum = 0;
    for (size_t i = 0, n = (size_t)im->width * (size_t)im->height; i < n; i++) sum += im->px[3 * i] / 255.0;
    return sum;
}

static tn_image black(int w, int h) {
    tn_image im;
    check_ok(tn_image_new(w, h, &im));
    return im;
}

static void areas(void **state) {
    uint64_t seed = 2;
    for (int round = 0; round < 300; round++) {
        tn_point p[3];
        for (int i = 0; i < 3; i++)
            p[i] = (tn_point){ (double)(test_random(&seed) % 1000) / 10, (double)(test_random(&seed) % 1000) / 10 };
        tn_image im = black(100, 100);
        check_ok(tn_draw_fill(&im, p, 3, white));
        double want = tn_polygon_area(p, 3);
        check(fabs(covered(&im) - want) < 0.5 + 0.003 * tn_polygon_perimeter(p, 3), "area %g, expected %g\n",
              covered(&im), want);
        tn_image_free(&im);
    }
}

static void clipping(void **state) {
    tn_image im = black(40, 30);
    const tn_point big[4] = { { -1e6, -1e6 }, { 1e6, -1e6 }, { 1e6, 1e6 }, { -1e6, 1e6 } };
    check_ok(tn_draw_fill(&im, big, 4, white));
    assert_true(covered(&im) == 40 * 30);
    tn_draw_clear(&im, (tn_color){ 0, 0, 0, 255 });
    const tn_point outside[4] = { { 50, 50 }, { 60, 50 }, { 60, 60 }, { 50, 60 } };
    check_ok(tn_draw_fill(&im, outside, 4, white));
    check_ok(tn_draw_outline(&im, outside, 4, 3, white));
    assert_true(covered(&im) == 0);
    const tn_point left[4] = { { -10, 5 }, { 8, 5 }, { 8, 15 }, { -10, 15 } };
    check_ok(tn_draw_fill(&im, left, 4, (tn_color){ 255, 255, 255, 128 })); /* half as strong */
    assert_true(fabs(covered(&im) - 8 * 10 * 128.0 / 255) < 0.5);
    tn_image dot = black(3, 3);
    tn_draw_clear(&dot, white);
    tn_draw_clear(&im, (tn_color){ 0, 0, 0, 255 });
    for (int at = -4; at <= 42; at++) tn_draw_image(&im, at, at < 20 ? -2 : 29, &dot);
    assert_true(covered(&im) > 0);
    tn_image_free(&dot);
    tn_image_free(&im);
}

static void outlines(void **state) {
    tn_image im = black(100, 100);
    const tn_point q[4] = { { 20, 20 }, { 80, 20 }, { 80, 60 }, { 20, 60 } };
    check_ok(tn_draw_outline(&im, q, 4, 4, white));
    assert_true(fabs(covered(&im) - (64 * 44 - 56 * 36)) < 1);
    tn_draw_clear(&im, (tn_color){ 0, 0, 0, 255 });
    check_ok(tn_draw_number(&im, 8, 10, 10, 40, white));
    double eight = covered(&im);
    tn_draw_clear(&im, (tn_color){ 0, 0, 0, 255 });
    check_ok(tn_draw_number(&im, 1, 10, 10, 40, white));
    assert_true(covered(&im) > 50 && covered(&im) < eight / 2);
    tn_image_free(&im);
}

static void text(void **state) {
    tn_font *f;
    if (tn_font_open(NULL, &f) == TN_E_NOT_FOUND) skip();
    double one = tn_font_width(f, "n", 40), three = tn_font_width(f, "nnn", 40);
    assert_true(one > 5 && fabs(three - 3 * one) < 0.01);
    assert_true(fabs(tn_font_width(f, "n", 80) - 2 * one) < 0.1);
    for (int turn = 0; turn < 4; turn++) { /* the ink lies where the text's direction says */
        tn_image im = black(300, 300);
        tn_font_draw(f, &im, "HHHH", 40, 150, 150, turn * M_PI / 2, white);
        double sx = 0, sy = 0, n = 0;
        for (int y = 0; y < 300; y++)
            for (int x = 0; x < 300; x++) {
                double v = tn_image_at(&im, x, y)[0] / 255.0;
                sx += v * (x + 0.5), sy += v * (y + 0.5), n += v;
            }
        double half = tn_font_width(f, "HHHH", 40) / 2, up = 14.5; /* half of the capitals' height */
        static const int cs[4] = { 1, 0, -1, 0 }, sn[4] = { 0, 1, 0, -1 };
        double x = 150 + cs[turn] * half + sn[turn] * up, y = 150 + sn[turn] * half - cs[turn] * up;
        check(n > 500 && hypot(sx / n - x, sy / n - y) < 3, "turn %d: ink around %g, %g, expected %g, %g\n", turn,
              sx / n, sy / n, x, y);
        tn_image_free(&im);
    }
    tn_image im = black(50, 50);
    tn_font_draw(f, &im, "\xff\xc3(\xe4\xb8 \xf0\x9f", 20, -5, 20, 0.3, white); /* damaged UTF-8 ends where it ends */
    tn_image_free(&im);
    tn_font_close(&f);
    check_fails(tn_image_new(-1, 1, &im), TN_E_INVALID, "");
}

static void annotated(void **state) {
    tn_image im = black(200, 100), out;
    char words[] = "榫卯 joint";
    tn_quad q = { { { 20, 20 }, { 180, 20 }, { 180, 50 }, { 20, 50 } } };
    tn_ocr_line l = { words, 0.9f, 0.9f, q, q };
    tn_ocr_page page = { .line = &l, .n = 1 };
    check_ok(tn_ocr_annotate(&im, &page, &out));
    assert_int_equal(out.height, 100);
    assert_true(out.width > 400);
    assert_true(tn_image_at(&out, out.width - 3, 97)[0] == 255); /* the right half is white paper */
    assert_true(tn_image_at(&out, 20, 35)[0] + tn_image_at(&out, 20, 35)[1] + tn_image_at(&out, 20, 35)[2] > 100);
    tn_image_free(&im);
    tn_image_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(areas), cmocka_unit_test(clipping), cmocka_unit_test(outlines),
                                        cmocka_unit_test(text), cmocka_unit_test(annotated) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
