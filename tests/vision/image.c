/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* Decoders: known pixels in every form the formats allow, orientation, limits, damaged files. */
#include "vision/image.h"
#include "test.h"

#include <jpeglib.h>
#include <png.h>
#include <webp/encode.h>

enum { W = 48, H = 32 };

/* Four areas of one colour each: corners tell every orientation apart, and JPEG keeps flat colours nearly exactly. */
static const uint8_t corner[4][3] = { { 250, 10, 20 }, { 20, 240, 30 }, { 10, 30, 230 }, { 240, 240, 60 } };

static void paint(uint8_t *px, int channels) {
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++, px += channels) memcpy(px, corner[(y >= H / 2) * 2 + (x >= W / 2)], 3);
}

static void check_corners(const tn_image *im, int a, int b, int c, int d, int tolerance) {
    const int want[4] = { a, b, c, d };
    for (int i = 0; i < 4; i++) {
        const uint8_t *p = tn_image_at(im, i % 2 ? im->width - 2 : 1, i / 2 ? im->height - 2 : 1);
        for (int k = 0; k < 3; k++)
            check(abs(p[k] - corner[want[i]][k]) <= tolerance, "corner %d is %d %d %d, expected colour %d\n", i, p[0],
                  p[1], p[2], want[i]);
    }
}

/* orientation 0: no EXIF. The caller frees with free. */
static unsigned char *make_jpeg(J_COLOR_SPACE space, int orientation, bool big_endian, bool progressive,
                                unsigned long *n) {
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr e;
    unsigned char *out = NULL;
    uint8_t px[W * H * 4] = { 0 };
    c.err = jpeg_std_error(&e);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &out, n);
    c.image_width = W, c.image_height = H;
    c.input_components = space == JCS_GRAYSCALE ? 1 : space == JCS_CMYK ? 4 : 3;
    c.in_color_space = space;
    jpeg_set_defaults(&c);
    jpeg_set_quality(&c, 98, TRUE);
    if (progressive) jpeg_simple_progression(&c);
    if (space == JCS_GRAYSCALE)
        memset(px, 77, sizeof px);
    else
        paint(px, c.input_components);
    if (space == JCS_CMYK) /* plain CMYK, as printers mean it, written inverted and marked by Adobe's habit */
        for (int i = 0; i < W * H; i++) px[i * 4 + 3] = 255;
    jpeg_start_compress(&c, TRUE);
    if (orientation) {
        uint8_t le[] = "Exif\0\0II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        uint8_t be[] = "Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        le[24] = be[25] = (uint8_t)orientation;
        jpeg_write_marker(&c, JPEG_APP0 + 1, big_endian ? be : le, 32);
    }
    for (int y = 0; y < H; y++) {
        JSAMPROW row = px + y * W * c.input_components;
        jpeg_write_scanlines(&c, &row, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    return out;
}

static void jpeg_orientations(void **state) {
    static const int want[9][4] = { { 0, 1, 2, 3 }, { 0, 1, 2, 3 }, { 1, 0, 3, 2 }, { 3, 2, 1, 0 }, { 2, 3, 0, 1 },
                                    { 0, 2, 1, 3 }, { 2, 0, 3, 1 }, { 3, 1, 2, 0 }, { 1, 3, 0, 2 } };
    for (int o = 0; o <= 8; o++)
        for (int variant = 0; variant < 4; variant++) {
            unsigned long n = 0;
            unsigned char *file = make_jpeg(JCS_RGB, o, variant & 1, variant & 2, &n);
            tn_image im;
            check_ok(tn_image_decode(file, n, 0, &im));
            assert_int_equal(im.width, o >= 5 ? H : W);
            assert_int_equal(im.height, o >= 5 ? W : H);
            check_corners(&im, want[o][0], want[o][1], want[o][2], want[o][3], 6);
            tn_image_free(&im);
            free(file);
        }
}

static void jpeg_gray_and_cmyk(void **state) {
    unsigned long n = 0;
    tn_image im;
    unsigned char *file = make_jpeg(JCS_GRAYSCALE, 0, false, false, &n);
    check_ok(tn_image_decode(file, n, 0, &im));
    for (int k = 0; k < 3; k++) assert_in_range(im.px[k], 75, 79);
    tn_image_free(&im);
    free(file);
    n = 0;
    file = make_jpeg(JCS_CMYK, 0, false, false, &n); /* libjpeg marks CMYK files as Adobe's */
    check_ok(tn_image_decode(file, n, 0, &im));
    check_corners(&im, 0, 1, 2, 3, 8);
    tn_image_free(&im);
    free(file);
}

static void exif_damaged(void **state) {
    uint8_t le[] = "II\x2a\0\x08\0\0\0\x02\0\x0f\x01\x02\0\x01\0\0\0\0\0\0\0\x12\x01\x03\0\x01\0\0\0\x08\0\0\0\0\0\0\0";
    assert_int_equal(tn_exif_orientation(le, sizeof le - 1), 8); /* the second entry */
    for (size_t n = 0; n < 30; n++) assert_int_equal(tn_exif_orientation(le, n), 1);
    le[30] = 9;
    assert_int_equal(tn_exif_orientation(le, sizeof le - 1), 1);
    le[30] = 8;
    memset(le + 4, 0xff, 4); /* a directory far outside */
    assert_int_equal(tn_exif_orientation(le, sizeof le - 1), 1);
}

typedef struct {
    uint8_t data[1 << 16];
    size_t n;
} buffer;

static void put(png_structp p, png_bytep from, size_t n) {
    buffer *b = png_get_io_ptr(p);
    assert_true(n <= sizeof b->data - b->n);
    memcpy(b->data + b->n, from, n);
    b->n += n;
}

/* Rows of raw file samples in any PNG form; the palette and transparency only for type 3. */
static void make_png(int width, int height, int depth, int type, int interlace, const uint8_t *rows, size_t stride,
                     buffer *out) {
    static png_color palette[4] = { { 1, 2, 3 }, { 200, 100, 50 }, { 0, 0, 0 }, { 255, 255, 255 } };
    static png_byte alpha[3] = { 255, 255, 0 };
    out->n = 0;
    png_structp p = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop i = png_create_info_struct(p);
    png_set_write_fn(p, out, put, NULL);
    png_set_IHDR(p, i, (png_uint_32)width, (png_uint_32)height, depth, type, interlace, 0, 0);
    if (type == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(p, i, palette, 4), png_set_tRNS(p, i, alpha, 3, NULL);
    png_write_info(p, i);
    int passes = png_set_interlace_handling(p);
    for (; passes > 0; passes--)
        for (int y = 0; y < height; y++) png_write_row(p, rows + (size_t)y * stride);
    png_write_end(p, NULL);
    png_destroy_write_struct(&p, &i);
}

static void check_pixel(const tn_image *im, int x, int r, int g, int b) {
    const uint8_t *p = tn_image_at(im, x, 0);
    check(p[0] == r && p[1] == g && p[2] == b, "pixel %d is %d %d %d, expected %d %d %d\n", x, p[0], p[1], p[2], r, g,
          b);
}

static buffer file;

static void png_forms(void **state) {
    tn_image im;
    static const uint8_t rgba[] = { 10, 20, 30, 255, 10, 20, 30, 0, 100, 200, 0, 128 };
    make_png(3, 1, 8, PNG_COLOR_TYPE_RGBA, 0, rgba, 12, &file);
    check_ok(tn_image_decode(file.data, file.n, 0, &im));
    check_pixel(&im, 0, 10, 20, 30);
    check_pixel(&im, 1, 255, 255, 255);
    check_pixel(&im, 2, 177, 227, 127); /* 255 - 128/255 * (255 - v) */
    tn_image_free(&im);
    static const uint8_t gray16[] = { 0, 0, 0x80, 0x80, 0xff, 0xff };
    make_png(3, 1, 16, PNG_COLOR_TYPE_GRAY, 0, gray16, 6, &file);
    check_ok(tn_image_decode(file.data, file.n, 0, &im));
    check_pixel(&im, 0, 0, 0, 0), check_pixel(&im, 1, 128, 128, 128), check_pixel(&im, 2, 255, 255, 255);
    tn_image_free(&im);
    static const uint8_t bits[] = { 0xa0 };
    make_png(3, 1, 1, PNG_COLOR_TYPE_GRAY, 0, bits, 1, &file);
    check_ok(tn_image_decode(file.data, file.n, 0, &im));
    check_pixel(&im, 0, 255, 255, 255), check_pixel(&im, 1, 0, 0, 0), check_pixel(&im, 2, 255, 255, 255);
    tn_image_free(&im);
    static const uint8_t index[] = { 0x1b }; /* 0 1 2 3 */
    make_png(4, 1, 2, PNG_COLOR_TYPE_PALETTE, 0, index, 1, &file);
    check_ok(tn_image_decode(file.data, file.n, 0, &im));
    check_pixel(&im, 0, 1, 2, 3), check_pixel(&im, 1, 200, 100, 50);
    check_pixel(&im, 2, 255, 255, 255), check_pixel(&im, 3, 255, 255, 255);
    tn_image_free(&im);
    static const uint8_t ga[] = { 40, 255, 40, 0 };
    make_png(2, 1, 8, PNG_COLOR_TYPE_GRAY_ALPHA, 0, ga, 4, &file);
    check_ok(tn_image_decode(file.data, file.n, 0, &im));
    check_pixel(&im, 0, 40, 40, 40), check_pixel(&im, 1, 255, 255, 255);
    tn_image_free(&im);
}

static void png_interlaced_and_round_trip(void **state) {
    uint8_t px[W * H * 3];
    tn_image im, again;
    uint64_t seed = 5;
    for (size_t i = 0; i < sizeof px; i++) px[i] = (uint8_t)test_random(&seed);
    make_png(W, H, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_ADAM7, px, W * 3, &file);
    check_ok(tn_image_decode(file.data, file.n, 0, &im));
    assert_memory_equal(im.px, px, sizeof px);
    tn_text t = { 0 };
    check_ok(tn_image_encode_png(&im, &t));
    check_ok(tn_image_decode(t.s, t.n, 0, &again));
    assert_memory_equal(again.px, px, sizeof px);
    tn_text_free(&t);
    tn_image_free(&im);
    tn_image_free(&again);
}

static void webp_both(void **state) {
    uint8_t px[W * H * 4], *out = NULL;
    tn_image im;
    paint(px, 4);
    for (int i = 0; i < W * H; i++) px[i * 4 + 3] = 255;
    size_t n = WebPEncodeLosslessRGBA(px, W, H, W * 4, &out);
    assert_int_equal(tn_image_detect(out, n), TN_IMAGE_WEBP);
    check_ok(tn_image_decode(out, n, 0, &im));
    check_corners(&im, 0, 1, 2, 3, 0);
    tn_image_free(&im);
    for (size_t k = 0; k < n; k += 3) assert_int_not_equal(tn_image_decode(out, k, 0, &im), TN_OK);
    WebPFree(out);
    for (int i = 0; i < W * H; i++) px[i * 4 + 3] = 0;
    n = WebPEncodeLosslessRGBA(px, W, H, W * 4, &out);
    check_ok(tn_image_decode(out, n, 0, &im));
    check_pixel(&im, 5, 255, 255, 255);
    tn_image_free(&im);
    WebPFree(out);
    n = WebPEncodeRGBA(px, W, H, W * 4, 90, &out);
    check_ok(tn_image_decode(out, n, 0, &im));
    assert_int_equal(im.width, W);
    tn_image_free(&im);
    WebPFree(out);
}

static void limits(void **state) {
    unsigned long n = 0;
    tn_image im;
    unsigned char *jpeg = make_jpeg(JCS_RGB, 0, false, false, &n);
    check_fails(tn_image_decode(jpeg, n, W * H - 1, &im), TN_E_LIMIT, "48 x 32");
    assert_null(im.px);
    check_ok(tn_image_decode(jpeg, n, W * H, &im));
    tn_image_free(&im);
    /* a small file that claims 60,000 x 1,600 pixels */
    for (unsigned long i = 0; i + 9 < n; i++)
        if (jpeg[i] == 0xff && jpeg[i + 1] == 0xc0) memcpy(jpeg + i + 5, "\x06\x40\xea\x60", 4);
    check_fails(tn_image_decode(jpeg, n, 0, &im), TN_E_FORMAT, "cannot hold");
    free(jpeg);
    check_fails(tn_image_decode("hello, world", 12, 0, &im), TN_E_FORMAT, "neither");
    check_fails(tn_image_decode(NULL, 0, 0, &im), TN_E_FORMAT, "empty");
    check_fails(tn_image_load("/nowhere.png", &im), TN_E_IO, "/nowhere.png");
    check_fails(tn_image_new(0, 5, &im), TN_E_INVALID, "0 x 5");
    check_fails(tn_image_new(20000, 20000, &im), TN_E_LIMIT, "20000");
}

/* Every prefix, and many single-byte changes: an error or a picture, never a crash, never a leak. */
static void damaged_files(void **state) {
    unsigned long n = 0;
    uint8_t px[W * H * 3];
    uint64_t seed = 9;
    tn_image im;
    paint(px, 3);
    make_png(W, H, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_ADAM7, px, W * 3, &file);
    unsigned char *jpeg = make_jpeg(JCS_RGB, 6, false, true, &n);
    const struct {
        const uint8_t *data;
        size_t n;
    } files[2] = { { file.data, file.n }, { jpeg, n } };
    for (int f = 0; f < 2; f++) {
        uint8_t *copy = malloc(files[f].n);
        for (size_t k = 0; k < files[f].n; k++) { /* a copy of its own, so that a sanitizer sees reads past the end */
            memcpy(copy, files[f].data, k);
            assert_int_not_equal(tn_image_decode(copy, k, 0, &im), TN_OK);
            assert_null(im.px);
        }
        for (int round = 0; round < 2000; round++) {
            memcpy(copy, files[f].data, files[f].n);
            copy[test_random(&seed) % files[f].n] ^= (uint8_t)(1u << test_random(&seed) % 8);
            if (tn_image_decode(copy, files[f].n, 1 << 20, &im) == TN_OK)
                tn_image_free(&im);
            else
                assert_null(im.px);
        }
        free(copy);
    }
    free(jpeg);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jpeg_orientations),
        cmocka_unit_test(jpeg_gray_and_cmyk),
        cmocka_unit_test(exif_damaged),
        cmocka_unit_test(png_forms),
        cmocka_unit_test(webp_both),
        cmocka_unit_test(png_interlaced_and_round_trip),
        cmocka_unit_test(limits),
        cmocka_unit_test(damaged_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
