/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* What happens to the pixels between the networks. */
#include "test.h"
#include "vision/ocr.h"
#include <math.h>

static void detector_sizes(void **state) {
    static const struct {
        int w, h, max, dw, dh;
    } t[] = { { 960, 640, 960, 960, 640 }, { 1920, 1080, 960, 960, 544 }, { 100, 50, 960, 96, 64 },
              { 10, 10, 960, 32, 32 },     { 5000, 10, 960, 960, 32 },    { 30, 4000, 1280, 32, 1280 } };
    for (size_t i = 0; i < TN_COUNT(t); i++) {
        int w, h;
        tn_ocr_det_size(t[i].w, t[i].h, t[i].max, &w, &h);
        check(w == t[i].dw && h == t[i].dh, "%d x %d became %d x %d, expected %d x %d\n", t[i].w, t[i].h, w, h, t[i].dw,
              t[i].dh);
    }
    assert_int_equal(tn_ocr_line_width(100, 20), 240);
    assert_int_equal(tn_ocr_line_width(1, 1000), 1);
    assert_int_equal(tn_ocr_line_width(101, 48), 101);
    assert_true(tn_ocr_line_width(100000, 1) <= 4096);
}

static void planes(void **state) {
    tn_image im;
    check_ok(tn_image_new(2, 2, &im));
    for (int i = 0; i < 12; i++) im.px[i] = (uint8_t)(20 * i);
    float out[3 * 2 * 4];
    for (size_t i = 0; i < TN_COUNT(out); i++) out[i] = NAN;
    static const float mean[3] = { 0.1f, 0.2f, 0.3f }, std[3] = { 0.5f, 0.25f, 2 };
    tn_ocr_planes(&im, mean, std, 4, out);
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < 2; y++)
            for (int x = 0; x < 4; x++) {
                float want = 0; /* blue comes first */
                if (x < 2) want = ((float)im.px[(y * 2 + x) * 3 + 2 - c] / 255 - mean[c]) / std[c];
                assert_true(fabsf(out[(c * 2 + y) * 4 + x] - want) < 1e-6f);
            }
    tn_image_free(&im);
}

static void crops(void **state) {
    tn_image im, out;
    bool turned;
    check_ok(tn_image_new(100, 100, &im));
    for (int y = 0; y < 100; y++)
        for (int x = 0; x < 100; x++) tn_image_at(&im, x, y)[0] = (uint8_t)x, tn_image_at(&im, x, y)[1] = (uint8_t)y;
    tn_quad wide = { { { 10, 20 }, { 70, 20 }, { 70, 40 }, { 10, 40 } } };
    check_ok(tn_ocr_crop(&im, &wide, &out, &turned));
    assert_false(turned);
    assert_true(out.width == 60 && out.height == 20 && tn_image_at(&out, 0, 0)[0] == 10 &&
                tn_image_at(&out, 0, 0)[1] == 20);
    tn_image_free(&out);
    tn_quad tall = { { { 10, 20 }, { 30, 20 }, { 30, 80 }, { 10, 80 } } };
    check_ok(tn_ocr_crop(&im, &tall, &out, &turned));
    assert_true(turned);
    assert_true(out.width == 60 && out.height == 20);
    assert_int_equal(tn_image_at(&out, 0, 0)[0], 29);  /* the box's right edge is on top now ... */
    assert_int_equal(tn_image_at(&out, 59, 0)[1], 79); /* ... and its bottom at the right */
    tn_image_free(&out);
    tn_image_free(&im);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(detector_sizes), cmocka_unit_test(planes),
                                        cmocka_unit_test(crops) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
