/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* exif.c - the one thing we want from an EXIF block: which side is up. The block is a small TIFF file; its first
 * directory holds 12-byte entries: tag (2), type (2), count (4), value or offset (4). */
#include "vision/image.h"
#include <string.h>

#define TAG_ORIENTATION 0x0112
#define TYPE_SHORT      3

typedef struct {
    const uint8_t *p;
    size_t n;
    bool big_endian;
} tiff;

/* The number of `bytes` bytes at `at`; 0 beyond the end. */
static uint32_t number(const tiff *t, size_t at, int bytes) {
    if (at > t->n || t->n - at < (size_t)bytes) return 0;
    uint32_t v = 0;
    for (int i = 0; i < bytes; i++) v |= (uint32_t)t->p[at + (size_t)i] << 8 * (t->big_endian ? bytes - 1 - i : i);
    return v;
}

int tn_exif_orientation(const void *data, size_t bytes) {
    tiff t = { data, bytes, false };
    if (bytes < 8) return 1;
    if (memcmp(t.p, "MM", 2) == 0)
        t.big_endian = true;
    else if (memcmp(t.p, "II", 2) != 0)
        return 1;
    if (number(&t, 2, 2) != 42) return 1;
    size_t dir = number(&t, 4, 4);
    uint32_t entries = number(&t, dir, 2);
    for (size_t i = 0, at = dir + 2; i < entries && at < bytes; i++, at += 12) {
        if (number(&t, at, 2) != TAG_ORIENTATION || number(&t, at + 2, 2) != TYPE_SHORT) continue;
        uint32_t v = number(&t, at + 8, 2);
        return v >= 1 && v <= 8 ? (int)v : 1;
    }
    return 1;
}
