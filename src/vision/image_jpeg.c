/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* image_jpeg.c - JPEG by libjpeg(-turbo): baseline, progressive, gray, YCbCr, RGB, CMYK.
 *
 * libjpeg reports errors by calling us; we leave through longjmp. A file that ends early is an error here (libjpeg
 * would paint the rest gray), and so is one whose scans are made to burn time. */
#include "vision/codec.h"
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

/* A code word has at least one bit and stands for at least one 8x8 block of the finest component. */
#define PIXELS_PER_BYTE (8 * 64)
#define MAX_SCANS       200
#define MAX_MEMORY      ((long)1 << 30) /* libjpeg's own buffers: the coefficients of a progressive picture */

typedef struct {
    struct jpeg_error_mgr base; /* first: libjpeg hands back a pointer to it */
    jmp_buf escape;
    char message[JMSG_LENGTH_MAX];
} jpeg_errors;

static void on_error(j_common_ptr c) {
    jpeg_errors *e = (jpeg_errors *)c->err;
    e->base.format_message(c, e->message);
    longjmp(e->escape, 1);
}

/* Warnings: only the early end is fatal; cameras leave other harmless dirt between the markers. */
static void on_message(j_common_ptr c, int level) {
    if (level < 0 && c->err->msg_code == JWRN_JPEG_EOF) on_error(c);
}

static void on_progress(j_common_ptr c) {
    if (!c->is_decompressor) return;
    const struct jpeg_decompress_struct *d = (const struct jpeg_decompress_struct *)c;
    if (d->input_scan_number <= MAX_SCANS) return;
    jpeg_errors *e = (jpeg_errors *)c->err;
    snprintf(e->message, sizeof e->message, "more than %d scans", MAX_SCANS);
    longjmp(e->escape, 1);
}

static int find_orientation(const struct jpeg_decompress_struct *d) {
    for (const struct jpeg_marker_struct *m = d->marker_list; m; m = m->next)
        if (m->marker == JPEG_APP0 + 1 && m->data_length > 6 && memcmp(m->data, "Exif\0", 6) == 0)
            return tn_exif_orientation(m->data + 6, m->data_length - 6);
    return 1;
}

/* Four bytes per pixel to three. Adobe's files store CMYK inverted, which makes the product right as it stands. */
static void cmyk_to_rgb(const uint8_t *s, uint8_t *d, size_t n, bool inverted) {
    for (; n > 0; n--, s += 4, d += 3)
        for (int c = 0; c < 3; c++) {
            unsigned ink = inverted ? s[c] : 255u - s[c], black = inverted ? s[3] : 255u - s[3];
            d[c] = (uint8_t)((ink * black + 127) / 255);
        }
}

tn_status tn_jpeg_decode(const uint8_t *data, size_t bytes, size_t max_pixels, tn_image *out, int *orientation) {
    struct jpeg_decompress_struct d;
    struct jpeg_progress_mgr progress = { .progress_monitor = on_progress };
    jpeg_errors errors = { 0 };
    memset(&d, 0, sizeof d);
    d.err = jpeg_std_error(&errors.base);
    errors.base.error_exit = on_error;
    errors.base.emit_message = on_message;
    if (setjmp(errors.escape)) {
        jpeg_destroy_decompress(&d);
        return tn_fail(TN_E_FORMAT, "JPEG: %s", errors.message);
    }
    jpeg_create_decompress(&d);
    d.progress = &progress;
    d.mem->max_memory_to_use = MAX_MEMORY;
    jpeg_save_markers(&d, JPEG_APP0 + 1, 0xffff);
    jpeg_mem_src(&d, data, bytes);
    jpeg_read_header(&d, TRUE);
    *orientation = find_orientation(&d);
    bool cmyk = d.jpeg_color_space == JCS_CMYK || d.jpeg_color_space == JCS_YCCK;
    d.out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
    tn_status st =
        tn_codec_alloc("JPEG", d.image_width, d.image_height, cmyk ? 4 : 3, max_pixels, bytes, PIXELS_PER_BYTE, out);
    if (st != TN_OK) {
        jpeg_destroy_decompress(&d);
        return st;
    }
    jpeg_start_decompress(&d);
    size_t stride = (size_t)out->width * (cmyk ? 4 : 3);
    while (d.output_scanline < d.output_height) {
        JSAMPROW row = out->px + d.output_scanline * stride;
        jpeg_read_scanlines(&d, &row, 1);
    }
    if (cmyk) cmyk_to_rgb(out->px, out->px, (size_t)out->width * (size_t)out->height, d.saw_Adobe_marker);
    jpeg_finish_decompress(&d);
    jpeg_destroy_decompress(&d);
    return TN_OK;
}
