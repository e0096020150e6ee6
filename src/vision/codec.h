/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* codec.h - what the decoders share; image.c alone calls them. */
#ifndef TN_VISION_CODEC_H
#define TN_VISION_CODEC_H

#include "vision/image.h"

/* Each decodes one file in memory into *out (zeroed on entry) and reports the EXIF orientation it found, 1 otherwise.
 * On error *out may hold a half-filled picture, which the caller frees. */
tn_status tn_jpeg_decode(const uint8_t *data, size_t bytes, size_t max_pixels, tn_image *out, int *orientation);
tn_status tn_png_decode(const uint8_t *data, size_t bytes, size_t max_pixels, tn_image *out, int *orientation);
tn_status tn_webp_decode(const uint8_t *data, size_t bytes, size_t max_pixels, tn_image *out, int *orientation);
tn_status tn_bmp_decode(const uint8_t *data, size_t bytes, size_t max_pixels, tn_image *out, int *orientation);
tn_status tn_pnm_decode(const uint8_t *data, size_t bytes, size_t max_pixels, tn_image *out, int *orientation);
tn_status tn_tiff_decode(const uint8_t *data, size_t bytes, size_t max_pixels, tn_image *out, int *orientation);
tn_status tn_jp2_decode(const uint8_t *data, size_t bytes, size_t max_pixels, tn_image *out, int *orientation);

/** Allocates out->px with `channels` bytes per pixel after checking the size against max_pixels and against what a file
 *  of `bytes` bytes can hold, at most pixels_per_byte each (0: no such bound is known for the format). */
tn_status tn_codec_alloc(const char *format, uint32_t width, uint32_t height, int channels, size_t max_pixels,
                         size_t bytes, size_t pixels_per_byte, tn_image *out);

/** RGBA to RGB within the same memory, over white. */
void tn_codec_over_white(tn_image *im);

#endif
