/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fuzz_image.c - picture files: all decoders, from their front on, EXIF, orientation; once with all memory
 * and once with too little. */
#include "fuzz.h"
#include "vision/image.h"

#define MAX_PIXELS ((size_t)1 << 18) /* keeps a run short; the limit itself is a path, too */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t before = tn_mem_stats_all().now;
    for (int round = 0; round < 2; round++) {
        tn_image im;
        if (round) tn_mem_fail_every(1 + (size ? data[size - 1] & 3u : 0));
        tn_status st = tn_image_decode(data, size, MAX_PIXELS, &im);
        tn_mem_fail_every(0);
        must(st == TN_OK || (!im.px && *tn_error()));
        if (st == TN_OK) {
            must(im.width > 0 && im.height > 0 && (size_t)im.width * (size_t)im.height <= MAX_PIXELS);
            fuzz_touch(im.px, (size_t)im.width * (size_t)im.height * 3);
        }
        tn_image_free(&im);
        must(tn_mem_stats_all().now == before);
    }
    tn_exif_orientation(data, size);
    return 0;
}
