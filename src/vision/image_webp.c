/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* image_webp.c - still WebP pictures by libwebp, lossy and lossless. */
#include "vision/codec.h"
#include <string.h>

#include <webp/decode.h>

static uint32_t le32(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Walks the RIFF chunks (id, length, payload padded to even) for EXIF. */
static int find_orientation(const uint8_t *p, size_t n) {
    for (size_t at = 12; at + 8 <= n;) {
        size_t len = le32(p + at + 4);
        if (len > n - at - 8) break;
        if (memcmp(p + at, "EXIF", 4) == 0) {
            const uint8_t *e = p + at + 8;
            size_t skip = len > 6 && memcmp(e, "Exif\0", 6) == 0 ? 6 : 0; /* some writers keep JPEG's prefix */
            return tn_exif_orientation(e + skip, len - skip);
        }
        at += 8 + len + (len & 1);
    }
    return 1;
}

tn_status tn_webp_decode(const uint8_t *data, size_t bytes, size_t max_pixels, tn_image *out, int *orientation) {
    WebPBitstreamFeatures f;
    VP8StatusCode code = WebPGetFeatures(data, bytes, &f);
    if (code != VP8_STATUS_OK)
        return tn_fail(TN_E_FORMAT, "WebP: %s", code == VP8_STATUS_NOT_ENOUGH_DATA ? "the file ends early" : "corrupt");
    if (f.has_animation) return tn_fail(TN_E_UNSUPPORTED, "WebP: an animation; only still pictures are read");
    TN_TRY(tn_codec_alloc("WebP", (uint32_t)f.width, (uint32_t)f.height, 4, max_pixels, bytes, 0, out));
    size_t stride = (size_t)f.width * 4;
    if (!WebPDecodeRGBAInto(data, bytes, out->px, stride * (size_t)f.height, (int)stride))
        return tn_fail(TN_E_FORMAT, "WebP: corrupt or truncated");
    *orientation = find_orientation(data, bytes);
    tn_codec_over_white(out);
    return TN_OK;
}
