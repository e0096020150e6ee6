/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* image.c - the picture type, telling formats apart, and the way from bytes to an upright picture. */
#include "vision/image.h"
#include "base/file.h"
#include "base/mem.h"
#include "vision/codec.h"
#include <string.h>

/* Below this size a picture is cheap, and a few bytes of file may well mean so many equal pixels. */
#define CHEAP_PIXELS ((size_t)4 << 20)

typedef tn_status (*decode_fn)(const uint8_t *data, size_t bytes, size_t max_pixels, tn_image *out, int *orientation);

static const struct {
    const char *name;
    decode_fn decode;
} formats[] = {
    [TN_IMAGE_UNKNOWN] = { "unknown", NULL },     [TN_IMAGE_JPEG] = { "JPEG", tn_jpeg_decode },
    [TN_IMAGE_PNG] = { "PNG", tn_png_decode },    [TN_IMAGE_WEBP] = { "WebP", tn_webp_decode },
    [TN_IMAGE_BMP] = { "BMP", tn_bmp_decode },    [TN_IMAGE_PNM] = { "PNM", tn_pnm_decode },
    [TN_IMAGE_TIFF] = { "TIFF", tn_tiff_decode }, [TN_IMAGE_JP2] = { "JPEG 2000", tn_jp2_decode },
};

const char *tn_image_kind_name(tn_image_kind k) {
    return (size_t)k < TN_COUNT(formats) ? formats[k].name : formats[TN_IMAGE_UNKNOWN].name;
}

tn_status tn_codec_alloc(const char *format, uint32_t width, uint32_t height, int channels, size_t max_pixels,
                         size_t bytes, size_t pixels_per_byte, tn_image *out) {
    if (width < 1 || height < 1 || width > INT32_MAX || height > INT32_MAX)
        return tn_fail(TN_E_FORMAT, "%s: a picture of %u x %u pixels", format, width, height);
    size_t pixels;
    if (!tn_mul_size(width, height, &pixels) || pixels > max_pixels)
        return tn_fail(TN_E_LIMIT, "%s: %u x %u pixels; at most %zu are allowed", format, width, height, max_pixels);
    if (pixels_per_byte > 0 && pixels > CHEAP_PIXELS && pixels / pixels_per_byte > bytes)
        return tn_fail(TN_E_FORMAT, "%s: %zu bytes cannot hold the %u x %u pixels they claim", format, bytes, width,
                       height);
    out->px = tn_mem_alloc(pixels * (size_t)channels, TN_MEM_IO);
    if (!out->px) return tn_fail(TN_E_NOMEM, "%s: memory for %u x %u pixels", format, width, height);
    out->width = (int)width;
    out->height = (int)height;
    return TN_OK;
}

void tn_codec_over_white(tn_image *im) {
    size_t n = (size_t)im->width * (size_t)im->height;
    const uint8_t *s = im->px;
    for (uint8_t *d = im->px; n > 0; n--, s += 4, d += 3) {
        unsigned a = s[3];
        for (int c = 0; c < 3; c++) d[c] = (uint8_t)((s[c] * a + 255 * (255 - a) + 127) / 255);
    }
}

tn_status tn_image_new(int width, int height, tn_image *out) {
    *out = (tn_image){ 0 };
    if (width < 1 || height < 1) return tn_fail(TN_E_INVALID, "a picture of %d x %d pixels", width, height);
    TN_TRY(tn_codec_alloc("new picture", (uint32_t)width, (uint32_t)height, 3, TN_IMAGE_MAX_PIXELS, 0, 0, out));
    memset(out->px, 0, (size_t)width * (size_t)height * 3);
    return TN_OK;
}

void tn_image_free(tn_image *im) {
    tn_mem_free(im->px);
    *im = (tn_image){ 0 };
}

tn_image_kind tn_image_detect(const void *data, size_t bytes) {
    static const uint8_t png[8] = { 0x89, 'P', 'N', 'G', 0x0d, 0x0a, 0x1a, 0x0a };
    const uint8_t *p = data;
    if (bytes >= 3 && p[0] == 0xff && p[1] == 0xd8 && p[2] == 0xff) return TN_IMAGE_JPEG;
    if (bytes >= sizeof png && memcmp(p, png, sizeof png) == 0) return TN_IMAGE_PNG;
    if (bytes >= 12 && memcmp(p, "RIFF", 4) == 0 && memcmp(p + 8, "WEBP", 4) == 0) return TN_IMAGE_WEBP;
    if (bytes >= 2 && p[0] == 'B' && p[1] == 'M') return TN_IMAGE_BMP;
    if (bytes >= 3 && p[0] == 'P' && p[1] >= '1' && p[1] <= '7' && strchr(" \t\r\n#", p[2]) && p[2])
        return TN_IMAGE_PNM;
    if (bytes >= 4 &&
        (!memcmp(p, "II*", 4) || !memcmp(p, "MM\0*", 4) || !memcmp(p, "II+", 4) || !memcmp(p, "MM\0+", 4)))
        return TN_IMAGE_TIFF;
    if (bytes >= 12 && memcmp(p, "\0\0\0\x0cjP  \r\n\x87\n", 12) == 0) return TN_IMAGE_JP2;
    if (bytes >= 4 && memcmp(p, "\xff\x4f\xff\x51", 4) == 0) return TN_IMAGE_JP2;
    return TN_IMAGE_UNKNOWN;
}

static tn_status decode(const void *data, size_t bytes, size_t max_pixels, bool upright, tn_image *out) {
    *out = (tn_image){ 0 };
    tn_image_kind kind = tn_image_detect(data, bytes);
    if (kind == TN_IMAGE_UNKNOWN)
        return tn_fail(TN_E_FORMAT, bytes ? "not a picture: neither JPEG, PNG, WebP, BMP, PNM, TIFF nor JPEG 2000"
                                          : "an empty file, not a picture");
    int orientation = 1;
    tn_status st = formats[kind].decode(data, bytes, max_pixels ? max_pixels : TN_IMAGE_MAX_PIXELS, out, &orientation);
    if (st == TN_OK && upright) st = tn_image_orient(out, orientation);
    if (st != TN_OK) tn_image_free(out);
    return st;
}

tn_status tn_image_decode(const void *data, size_t bytes, size_t max_pixels, tn_image *out) {
    return decode(data, bytes, max_pixels, true, out);
}

tn_status tn_image_decode_stored(const void *data, size_t bytes, size_t max_pixels, tn_image *out) {
    return decode(data, bytes, max_pixels, false, out);
}

static tn_status decode_for_operator(void *user, const void *data, size_t bytes, tn_tensor **rgb) {
    tn_image im;
    (void)user;
    *rgb = NULL;
    TN_TRY(tn_image_decode_stored(data, bytes, 0, &im));
    tn_status st = tn_tensor_new(TN_U8, 3, (int64_t[]){ im.height, im.width, 3 }, rgb);
    if (st == TN_OK) memcpy(tn_tensor_data(*rgb), im.px, tn_tensor_bytes(*rgb));
    tn_image_free(&im);
    return st;
}

void tn_image_serve_operators(void) { tn_set_image_decoder(decode_for_operator, NULL); }

tn_status tn_image_load(const char *path, tn_image *out) {
    tn_file *f = NULL;
    *out = (tn_image){ 0 };
    TN_TRY(tn_file_map(path, &f));
    tn_status st = tn_image_decode(f->data, f->size, 0, out);
    if (st != TN_OK) tn_fail_at(st, "%s", path);
    tn_file_close(&f);
    return st;
}

tn_status tn_image_save_png(const tn_image *im, const char *path) {
    tn_text t = { 0 };
    tn_status st = tn_image_encode_png(im, &t);
    if (st == TN_OK) st = tn_file_write(path, t.s, t.n);
    tn_text_free(&t);
    return st;
}

/* Where the pixel of the upright picture at (x, y) lies in the stored one of w x h. Bits of EXIF's eight cases:
 * transpose (5..8), then mirror the stored x and/or y. */
static const struct {
    bool transpose, flip_x, flip_y;
} orientations[9] = {
    [2] = { false, true, false }, [3] = { false, true, true }, [4] = { false, false, true },
    [5] = { true, false, false }, [6] = { true, false, true }, [7] = { true, true, true },
    [8] = { true, true, false },
};

tn_status tn_image_orient(tn_image *im, int orientation) {
    if (orientation < 2 || orientation > 8) return TN_OK;
    bool transpose = orientations[orientation].transpose;
    int w = im->width, h = im->height;
    tn_image out;
    TN_TRY(tn_image_new(transpose ? h : w, transpose ? w : h, &out));
    for (int y = 0; y < out.height; y++) {
        uint8_t *d = tn_image_at(&out, 0, y);
        for (int x = 0; x < out.width; x++, d += 3) {
            int sx = transpose ? y : x, sy = transpose ? x : y;
            if (orientations[orientation].flip_x) sx = w - 1 - sx;
            if (orientations[orientation].flip_y) sy = h - 1 - sy;
            memcpy(d, tn_image_at(im, sx, sy), 3);
        }
    }
    tn_image_free(im);
    *im = out;
    return TN_OK;
}
