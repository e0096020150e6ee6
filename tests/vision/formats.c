/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* formats.c - BMP, PNM, TIFF and JPEG 2000: one picture in every lossless form gives the same pixels; runs, masks and
 * text by hand; damaged files; the decoder that operators use. */
#include "base/file.h"
#include "lib/onnx_build.h"
#include "test.h"
#include "vision/image.h"

static tn_file *corpus(const char *name) {
    char path[1024];
    tn_file *f;
    const char *root = getenv("TN_ROOT");
    snprintf(path, sizeof path, "%s/fuzz/corpus/image/%s", root ? root : ".", name);
    check_ok(tn_file_map(path, &f));
    return f;
}

static tn_image decoded(const char *name) {
    tn_image im;
    tn_file *f = corpus(name);
    check_ok(tn_image_decode(f->data, f->size, 0, &im));
    tn_file_close(&f);
    return im;
}

/* Pixels as hexadecimal digits, top row first. */
static void check_pixels(const char *name, int width, int height, const char *hex) {
    tn_image im = decoded(name);
    check(im.width == width && im.height == height, "%s is %d x %d\n", name, im.width, im.height);
    assert_int_equal(strlen(hex), (size_t)width * (size_t)height * 6);
    for (int i = 0; i < width * height * 3; i++) {
        unsigned want;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &want), 1);
        check(im.px[i] == want, "%s: byte %d is %02x, expected %02x\n", name, i, im.px[i], want);
    }
    tn_image_free(&im);
}

static void lossless_forms(void **state) {
    static const char *const names[] = { "rgb.ppm",      "raw.tif", "tiff_lzw.tif", "tiff_adobe_deflate.tif",
                                         "packbits.tif", "rgb.jp2" };
    tn_image first = decoded("rgb.bmp");
    assert_int_equal(first.width, 7);
    for (size_t i = 0; i < TN_COUNT(names); i++) {
        tn_image im = decoded(names[i]);
        check(im.width == first.width && im.height == first.height &&
                  !memcmp(im.px, first.px, (size_t)first.width * (size_t)first.height * 3),
              "%s differs from rgb.bmp\n", names[i]);
        tn_image_free(&im);
    }
    tn_image_free(&first);
}

static void small_forms(void **state) {
    check_pixels("rle8.bmp", 4, 2, "020a14030f1e04142805193201050a01050a01050a000000");
    check_pixels("rle4.bmp", 4, 2, "030f1e04142805193200000001050a020a1401050a000000");
    check_pixels("rgb565.bmp", 3, 1, "ffffffff000000ff00");
    check_pixels("os2.bmp", 5, 2, "030201fdfeff030201fdfeff030201fdfeff030201fdfeff030201fdfeff");
    check_pixels("text.pbm", 3, 2, "ffffff000000ffffff000000000000ffffff");
    check_pixels("text.ppm", 2, 2, "0024496d92b6dbff0024496d");
    check_pixels("rgba.pam", 2, 1,
                 "0102038182"
                 "82");
}

static void damaged(void **state) {
    static const char *const names[] = {
        "rgb.bmp", "rle8.bmp", "text.ppm", "rgba.pam", "raw.tif", "g4.tif", "gray.j2k"
    };
    uint64_t seed = 3;
    tn_image im;
    for (size_t k = 0; k < TN_COUNT(names); k++) {
        tn_file *f = corpus(names[k]);
        uint8_t *copy = malloc(f->size);
        for (size_t n = 0; n < f->size; n += 3) { /* cut: an error, or (where only padding is lost) a whole picture */
            memcpy(copy, f->data, n);
            if (tn_image_decode(copy, n, 1 << 20, &im) == TN_OK) tn_image_free(&im);
            assert_null(im.px);
        }
        for (int round = 0; round < 300; round++) {
            memcpy(copy, f->data, f->size);
            copy[test_random(&seed) % f->size] ^= (uint8_t)(1u << test_random(&seed) % 8);
            if (tn_image_decode(copy, f->size, 1 << 20, &im) == TN_OK) tn_image_free(&im);
            assert_null(im.px);
        }
        free(copy);
        tn_file_close(&f);
    }
    check_fails(tn_image_decode("P6 100000 100000 255\n", 21, 0, &im), TN_E_LIMIT, "100000");
    check_fails(tn_image_decode("P6 9000 9000 255\n", 17, 0, &im), TN_E_FORMAT, "cannot hold");
    check_fails(tn_image_decode("BM\1\2\3", 5, 0, &im), TN_E_FORMAT, "early");
}

/* ImageDecoder with and without a decoder, in three channel orders, and what cannot be decoded. */
static tn_status decode(const char *format, const void *data, size_t n, tn_tensor **y) {
    ob *b = ob_new(9, 20);
    tn_model *m;
    tn_session *s;
    tn_tensor *x;
    ob_input(b, "x", TN_U8, "n");
    ob_output(b, "y");
    ob_node(b, "ImageDecoder", "x", "y");
    ob_string(b, "pixel_format", format);
    tn_text file = ob_finish(b);
    check_ok(tn_model_open_memory(file.s, file.n, &m));
    check_ok(tn_session_new(m, NULL, &s));
    check_ok(tn_tensor_new(TN_U8, 1, (int64_t[]){ (int64_t)n }, &x));
    memcpy(tn_tensor_data(x), data, n);
    tn_status st = tn_session_run(s, 1, (const tn_tensor *const *)&x, 1, y);
    tn_tensor_free(&x);
    tn_session_free(&s);
    tn_model_close(&m);
    tn_text_free(&file);
    return st;
}

static void operator(void **state) {
    static const char ppm[] = "P3 2 1 255 10 20 30 200 100 50 ";
    static const struct {
        const char *format;
        int channels;
        uint8_t px[6];
    } forms[] = { { "RGB", 3, { 10, 20, 30, 200, 100, 50 } },
                  { "BGR", 3, { 30, 20, 10, 50, 100, 200 } },
                  { "Grayscale", 1, { 18, 124 } } };
    tn_tensor *y;
    tn_set_image_decoder(NULL, NULL);
    check_fails(decode("RGB", ppm, sizeof ppm - 1, &y), TN_E_UNSUPPORTED, "tn_set_image_decoder");
    tn_image_serve_operators();
    for (size_t i = 0; i < TN_COUNT(forms); i++) {
        check_ok(decode(forms[i].format, ppm, sizeof ppm - 1, &y));
        assert_true(tn_dims_equal(tn_tensor_rank(y), tn_tensor_dims(y), 3, (int64_t[]){ 1, 2, forms[i].channels }));
        assert_memory_equal(tn_tensor_data(y), forms[i].px, tn_tensor_bytes(y));
        tn_tensor_free(&y);
        check_ok(decode(forms[i].format, "no picture", 10, &y));
        assert_true(tn_dims_equal(tn_tensor_rank(y), tn_tensor_dims(y), 3, (int64_t[]){ 0, 0, forms[i].channels }));
        tn_tensor_free(&y);
    }
    tn_file *f = corpus("exif6.jpg"); /* as it is stored, not upright */
    tn_image im = decoded("exif6.jpg");
    check_ok(decode("RGB", f->data, f->size, &y));
    assert_int_equal(tn_tensor_dims(y)[0], im.width);
    tn_tensor_free(&y);
    tn_image_free(&im);
    tn_file_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(lossless_forms), cmocka_unit_test(small_forms),
                                        cmocka_unit_test(damaged), cmocka_unit_test(operator) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
