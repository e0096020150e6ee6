/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* image_bmp.c - Windows and OS/2 bitmaps: 1, 4, 8, 16, 24 and 32 bits per pixel, palettes, bit masks, run lengths.
 * Source: "Bitmap Storage" and BITMAPINFOHEADER, BITMAPV5HEADER in Microsoft's documentation of Windows GDI. */
#include "base/mem.h"
#include "vision/codec.h"
#include <string.h>

enum { PLAIN, RLE8, RLE4, MASKS, MASKS_ALPHA = 6 };

typedef struct {
    const uint8_t *data;
    size_t bytes;
    uint32_t width, height, bits, compression;
    bool from_top;
    uint32_t mask[3];
    const uint8_t *palette;
    uint32_t colors, color_bytes; /* entries; bytes of one: blue, green, red(, nothing) */
    size_t pixels;                /* where they begin */
} bitmap;

static uint32_t le16(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8; }
static uint32_t le32(const uint8_t *p) { return le16(p) | le16(p + 2) << 16; }

static tn_status bad(const char *what) { return tn_fail(TN_E_FORMAT, "BMP: %s", what); }

/* ---------------------------------------------------------------------------------------------------------- headers */

static tn_status read_size(bitmap *b, uint32_t header) {
    const uint8_t *h = b->data + 14;
    if (header == 12) {
        b->width = le16(h + 4), b->height = le16(h + 6), b->bits = le16(h + 10);
        return TN_OK;
    }
    int32_t height = (int32_t)le32(h + 8);
    b->width = le32(h + 4);
    b->from_top = height < 0;
    b->height = height < 0 ? 0u - (uint32_t)height : (uint32_t)height;
    b->bits = le16(h + 14);
    b->compression = header >= 40 ? le32(h + 16) : PLAIN;
    return TN_OK;
}

/* Red, green, blue; where no masks are given, those of the plain forms. */
static void read_masks(bitmap *b, uint32_t header) {
    static const uint32_t plain16[3] = { 0x7c00, 0x3e0, 0x1f }, plain32[3] = { 0xff0000, 0xff00, 0xff };
    bool given = (b->compression == MASKS || b->compression == MASKS_ALPHA) && b->bytes >= 14 + 52;
    (void)header;
    for (int i = 0; i < 3; i++)
        b->mask[i] = given ? le32(b->data + 14 + 40 + 4 * i) : b->bits == 16 ? plain16[i] : plain32[i];
}

static tn_status read_headers(bitmap *b) {
    if (b->bytes < 14 + 12) return bad("the file ends early");
    uint32_t header = le32(b->data + 14), declared = 0;
    b->pixels = le32(b->data + 10);
    if ((header != 12 && header < 16) || header > 1024 || header > b->bytes - 14) return bad("an unknown header");
    TN_TRY(read_size(b, header));
    if (!b->width || !b->height) return bad("no pixels");
    switch (b->compression) {
    case PLAIN:
        if (b->bits != 1 && b->bits != 4 && b->bits != 8 && b->bits != 16 && b->bits != 24 && b->bits != 32)
            return bad("an unknown number of bits per pixel");
        break;
    case RLE8:
    case RLE4:
        if (b->bits != (b->compression == RLE8 ? 8 : 4) || b->from_top) return bad("run lengths that do not fit");
        break;
    case MASKS:
    case MASKS_ALPHA:
        if (b->bits != 16 && b->bits != 32) return bad("bit masks that do not fit");
        break;
    default: return tn_fail(TN_E_UNSUPPORTED, "BMP: compression %u", b->compression);
    }
    read_masks(b, header);
    if (b->bits > 8) return TN_OK;
    size_t at = 14 + (size_t)header;
    if (header >= 36) declared = le32(b->data + 14 + 32);
    b->color_bytes = header == 12 ? 3 : 4;
    b->colors = declared && declared < 1u << b->bits ? declared : 1u << b->bits;
    b->palette = b->data + at;
    if (b->colors > (b->bytes - at) / b->color_bytes) b->colors = (uint32_t)((b->bytes - at) / b->color_bytes);
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- pixels */

static uint8_t *row_at(const bitmap *b, tn_image *out, uint32_t y) {
    return tn_image_at(out, 0, (int)(b->from_top ? y : b->height - 1 - y));
}

static void put_color(const bitmap *b, uint32_t index, uint8_t *px) {
    if (index >= b->colors) return; /* black */
    const uint8_t *c = b->palette + (size_t)index * b->color_bytes;
    px[0] = c[2], px[1] = c[1], px[2] = c[0];
}

/* The bits under a mask, stretched to 8. */
static uint8_t channel(uint32_t v, uint32_t mask) {
    if (!mask) return 0;
    int shift = __builtin_ctz(mask);
    uint64_t most = mask >> shift;
    return (uint8_t)((((uint64_t)(v & mask) >> shift) * 255 + most / 2) / most);
}

static tn_status read_plain(const bitmap *b, tn_image *out) {
    uint64_t stride = ((uint64_t)b->width * b->bits + 31) / 32 * 4;
    if (b->pixels > b->bytes || stride > (b->bytes - b->pixels) / b->height) return bad("the file ends early");
    for (uint32_t y = 0; y < b->height; y++) {
        const uint8_t *s = b->data + b->pixels + y * stride;
        uint8_t *d = row_at(b, out, y);
        for (uint32_t x = 0; x < b->width; x++, d += 3) {
            if (b->bits <= 8) {
                uint32_t per = 8 / b->bits, shift = 8 - b->bits - x % per * b->bits;
                put_color(b, s[x / per] >> shift & ((1u << b->bits) - 1), d);
            } else if (b->bits == 24) {
                d[0] = s[3 * x + 2], d[1] = s[3 * x + 1], d[2] = s[3 * x];
            } else {
                uint32_t v = b->bits == 16 ? le16(s + 2 * (size_t)x) : le32(s + 4 * (size_t)x);
                for (int k = 0; k < 3; k++) d[k] = channel(v, b->mask[k]);
            }
        }
    }
    return TN_OK;
}

/* Runs: (count, colour); (0, 0) ends a line, (0, 1) the picture, (0, 2, dx, dy) moves, (0, n) n colours as they are,
 * padded to two bytes. With 4 bits a run has two colours in turn. What is not painted stays the first colour. */
static tn_status read_runs(const bitmap *b, tn_image *out) {
    const uint8_t *p = b->data + (b->pixels < b->bytes ? b->pixels : b->bytes), *end = b->data + b->bytes;
    uint32_t x = 0, y = 0, bits = b->bits;
    for (size_t i = 0; i < (size_t)b->width * b->height; i++) put_color(b, 0, out->px + 3 * i);
    while (end - p >= 2) {
        uint32_t n = p[0], what = p[1];
        p += 2;
        if (!n && what == 0) {
            x = 0, y++;
        } else if (!n && what == 1) {
            return TN_OK;
        } else if (!n && what == 2) {
            if (end - p < 2) break;
            x += p[0], y += p[1];
            p += 2;
        } else {
            bool literal = !n;
            const uint8_t *from = literal ? p : p - 1;
            uint32_t count = literal ? what : n, take = bits == 8 ? count : (count + 1) / 2;
            if (literal && (size_t)(end - p) < take) break;
            for (uint32_t i = 0; i < count; i++, x++) {
                uint32_t k = literal ? i : bits == 8 ? 0 : i & 1;
                uint32_t c = bits == 8 ? from[k] : from[k / 2] >> (k & 1 ? 0 : 4) & 15;
                if (x < b->width && y < b->height) put_color(b, c, row_at(b, out, y) + 3 * (size_t)x);
            }
            if (literal) p += take + (take & 1) < (size_t)(end - p) ? take + (take & 1) : (size_t)(end - p);
        }
        if (y > b->height || x > UINT32_MAX / 2) break;
    }
    return bad("the file ends early");
}

tn_status tn_bmp_decode(const uint8_t *data, size_t bytes, size_t max_pixels, tn_image *out, int *orientation) {
    bitmap b = { .data = data, .bytes = bytes };
    (void)orientation;
    TN_TRY(read_headers(&b));
    bool runs = b.compression == RLE8 || b.compression == RLE4;
    TN_TRY(tn_codec_alloc("BMP", b.width, b.height, 3, max_pixels, bytes, runs ? 0 : 8, out));
    memset(out->px, 0, (size_t)b.width * b.height * 3);
    return runs ? read_runs(&b, out) : read_plain(&b, out);
}
