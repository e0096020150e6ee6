/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* image.h - 8-bit RGB pictures: decoding JPEG, PNG, WebP, BMP, PNM, TIFF and JPEG 2000, writing PNG.
 *
 * A picture is a plain value over its own memory: rows from top to bottom, no padding, three bytes per pixel. Files are
 * told apart by their first bytes, never by name. Transparent pixels are laid over white, 16-bit samples are rounded to
 * 8, palettes and gray become RGB, CMYK is converted without a colour profile, and the EXIF orientation is applied, so
 * that what a viewer shows upright is upright here. */
#ifndef TN_VISION_IMAGE_H
#define TN_VISION_IMAGE_H

#include "base/status.h"
#include "base/text.h"

#define TN_IMAGE_MAX_PIXELS ((size_t)100000000) /* 300 MB of RGB; a decoder refuses more before it allocates */

typedef struct {
    int width, height;
    uint8_t *px; /* height * width * 3 bytes: R, G, B */
} tn_image;

typedef enum {
    TN_IMAGE_UNKNOWN,
    TN_IMAGE_JPEG,
    TN_IMAGE_PNG,
    TN_IMAGE_WEBP,
    TN_IMAGE_BMP,
    TN_IMAGE_PNM, /* PBM, PGM, PPM, PAM */
    TN_IMAGE_TIFF,
    TN_IMAGE_JP2, /* JPEG 2000: JP2 files and bare codestreams */
} tn_image_kind;

/** A black picture. errors TN_E_INVALID (a side < 1), TN_E_LIMIT (more than TN_IMAGE_MAX_PIXELS), TN_E_NOMEM. The
 * caller owns *out: tn_image_free. */
tn_status tn_image_new(int width, int height, tn_image *out);
void tn_image_free(tn_image *im); /* a zeroed value is fine; leaves one */

/** What the first bytes say. Reads at most 12. */
tn_image_kind tn_image_detect(const void *data, size_t bytes);
const char *tn_image_kind_name(tn_image_kind k); /* "JPEG", ...; "unknown" */

/** Decodes a picture held in memory.
 *  max_pixels  refuses larger ones; 0: TN_IMAGE_MAX_PIXELS
 *  errors      TN_E_FORMAT (no such format, truncated, corrupt), TN_E_LIMIT, TN_E_UNSUPPORTED (animated), TN_E_NOMEM
 *  owns        the caller owns *out: tn_image_free. On error *out is a zeroed value. */
tn_status tn_image_decode(const void *data, size_t bytes, size_t max_pixels, tn_image *out);

/** The same, but the picture stays as it is stored: the orientation is not applied. */
tn_status tn_image_decode_stored(const void *data, size_t bytes, size_t max_pixels, tn_image *out);

/** Makes the decoders here the ones that the operator ImageDecoder uses (tn_set_image_decoder). Pictures stay as they
 *  are stored. */
void tn_image_serve_operators(void);

/** tn_image_decode of a file; the message names it. errors also TN_E_IO. */
tn_status tn_image_load(const char *path, tn_image *out);

/** Appends the picture as a PNG file to *out (8-bit RGB). errors TN_E_NOMEM. */
tn_status tn_image_encode_png(const tn_image *im, tn_text *out);

/** Writes a PNG file (through a temporary file and a rename). */
tn_status tn_image_save_png(const tn_image *im, const char *path);

/** Turns the picture upright in place, given EXIF's Orientation value; anything outside 2..8 changes nothing. */
tn_status tn_image_orient(tn_image *im, int orientation);

/** The Orientation (1..8) in an EXIF block that begins with its TIFF header; 1 when there is none or it is damaged. */
int tn_exif_orientation(const void *tiff, size_t bytes);

static inline uint8_t *tn_image_at(const tn_image *im, int x, int y) {
    return im->px + ((size_t)y * (size_t)im->width + (size_t)x) * 3;
}

#endif
