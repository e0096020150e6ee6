/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* image_png.c - PNG by libpng, both ways. Reading asks libpng for 8-bit RGBA whatever the file holds. */
#include "base/mem.h"
#include "vision/codec.h"
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <png.h>

/* deflate makes at most 1,032 bytes out of one, and a byte may be eight pixels. */
#define PIXELS_PER_BYTE (1032 * 8)

typedef struct {
    const uint8_t *data;
    size_t left;
    char message[160];
} png_source;

static void on_error(png_structp p, png_const_charp what) {
    png_source *s = png_get_error_ptr(p);
    snprintf(s->message, sizeof s->message, "%s", what);
    png_longjmp(p, 1);
}

static void on_warning(png_structp p, png_const_charp what) {
    (void)p;
    (void)what; /* unknown or damaged side information; the pixels are protected by errors */
}

static void on_read(png_structp p, png_bytep to, size_t n) {
    png_source *s = png_get_io_ptr(p);
    if (n > s->left) png_error(p, "the file ends early");
    memcpy(to, s->data, n);
    s->data += n;
    s->left -= n;
}

/* May leave by longjmp, so it keeps nothing of its own. */
static tn_status read_pixels(png_structp p, png_infop info, size_t bytes, size_t max_pixels, tn_image *out,
                             png_bytep **rows, int *orientation) {
    png_read_info(p, info);
    uint32_t w = png_get_image_width(p, info), h = png_get_image_height(p, info);
    TN_TRY(tn_codec_alloc("PNG", w, h, 4, max_pixels, bytes, PIXELS_PER_BYTE, out));
    png_set_expand(p);
    png_set_scale_16(p);
    png_set_gray_to_rgb(p);
    png_set_add_alpha(p, 0xff, PNG_FILLER_AFTER);
    png_set_interlace_handling(p);
    png_read_update_info(p, info);
    if (png_get_rowbytes(p, info) != (size_t)w * 4) png_error(p, "unexpected row length");
    if (!(*rows = tn_mem_alloc(h * sizeof **rows, TN_MEM_IO))) return tn_fail(TN_E_NOMEM, "PNG: row table");
    for (uint32_t y = 0; y < h; y++) (*rows)[y] = out->px + (size_t)y * w * 4;
    png_read_image(p, *rows);
    png_read_end(p, info);
    png_uint_32 exif_bytes = 0;
    png_bytep exif = NULL;
    if (png_get_eXIf_1(p, info, &exif_bytes, &exif)) *orientation = tn_exif_orientation(exif, exif_bytes);
    return TN_OK;
}

tn_status tn_png_decode(const uint8_t *data, size_t bytes, size_t max_pixels, tn_image *out, int *orientation) {
    png_source src = { .data = data, .left = bytes };
    png_bytep *volatile rows = NULL;
    png_bytep *made = NULL;
    png_bytep **volatile made_at = &made;
    png_infop info = NULL;
    png_structp p = png_create_read_struct(PNG_LIBPNG_VER_STRING, &src, on_error, on_warning);
    if (p) info = png_create_info_struct(p);
    if (!info) {
        png_destroy_read_struct(&p, NULL, NULL);
        return tn_fail(TN_E_NOMEM, "PNG: decoder");
    }
    volatile tn_status st = TN_E_FORMAT;
    if (setjmp(png_jmpbuf(p))) {
        st = tn_fail(TN_E_FORMAT, "PNG: %s", src.message);
    } else {
        png_set_read_fn(p, &src, on_read);
        png_set_user_limits(p, 0x7fffffff, 0x7fffffff); /* our own limit says it better */
        png_set_chunk_malloc_max(p, 16 << 20);
        png_set_chunk_cache_max(p, 128);
        st = read_pixels(p, info, bytes, max_pixels, out, made_at, orientation);
    }
    rows = *made_at;
    tn_mem_free(rows);
    png_destroy_read_struct(&p, &info, NULL);
    if (st == TN_OK) tn_codec_over_white(out);
    return st;
}

static void on_write(png_structp p, png_bytep from, size_t n) {
    tn_text *t = png_get_io_ptr(p);
    tn_text_put(t, (const char *)from, n);
    if (t->failed) png_error(p, "out of memory");
}

static void on_flush(png_structp p) { (void)p; }

tn_status tn_image_encode_png(const tn_image *im, tn_text *out) {
    png_source errors = { 0 };
    png_infop info = NULL;
    png_structp p = png_create_write_struct(PNG_LIBPNG_VER_STRING, &errors, on_error, on_warning);
    if (p) info = png_create_info_struct(p);
    if (!info || setjmp(png_jmpbuf(p))) {
        png_destroy_write_struct(&p, &info);
        return tn_fail(TN_E_NOMEM, "PNG: %s", errors.message[0] ? errors.message : "encoder");
    }
    png_set_write_fn(p, out, on_write, on_flush);
    png_set_IHDR(p, info, (png_uint_32)im->width, (png_uint_32)im->height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(p, 6);
    png_write_info(p, info);
    for (int y = 0; y < im->height; y++) png_write_row(p, tn_image_at(im, 0, y));
    png_write_end(p, NULL);
    png_destroy_write_struct(&p, &info);
    return TN_OK;
}
