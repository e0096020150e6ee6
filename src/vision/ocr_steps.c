/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* ocr_steps.c - what happens to the pixels between the networks: sizes, planes, cropping. */
#include "vision/ocr.h"
#include "vision/warp.h"
#include <assert.h>
#include <math.h>
#include <string.h>

#define MAX_LINE_WIDTH 4096 /* longer lines are squeezed */

static int side32(double v) {
    int n = (int)round(v / 32) * 32;
    return n < 32 ? 32 : n;
}

void tn_ocr_det_size(int width, int height, int max_side, int *det_width, int *det_height) {
    int longer = width > height ? width : height;
    double ratio = longer > max_side ? (double)max_side / longer : 1;
    *det_width = side32(width * ratio);
    *det_height = side32(height * ratio);
}

int tn_ocr_line_width(int width, int height) {
    double w = ceil((double)TN_OCR_LINE_HEIGHT * width / height);
    return w < 1 ? 1 : w > MAX_LINE_WIDTH ? MAX_LINE_WIDTH : (int)w;
}

void tn_ocr_planes(const tn_image *im, const float mean[3], const float std[3], int plane_width, float *out) {
    assert(im->width <= plane_width);
    float table[3][256]; /* by byte: B, G, R */
    for (int c = 0; c < 3; c++)
        for (int v = 0; v < 256; v++) table[c][v] = ((float)v / 255 - mean[c]) / std[c];
    size_t plane = (size_t)plane_width * (size_t)im->height;
    for (int y = 0; y < im->height; y++) {
        const uint8_t *s = tn_image_at(im, 0, y);
        float *d = out + (size_t)y * (size_t)plane_width;
        for (int x = 0; x < im->width; x++, s += 3)
            for (int c = 0; c < 3; c++) d[(size_t)c * plane + (size_t)x] = table[c][s[2 - c]];
        for (int c = 0; c < 3; c++)
            memset(d + (size_t)c * plane + im->width, 0, (size_t)(plane_width - im->width) * sizeof(float));
    }
}

tn_status tn_ocr_crop(const tn_image *im, const tn_quad *box, tn_image *out, bool *turned) {
    const tn_point *p = box->p;
    int w = (int)fmax(hypot(p[1].x - p[0].x, p[1].y - p[0].y), hypot(p[2].x - p[3].x, p[2].y - p[3].y));
    int h = (int)fmax(hypot(p[3].x - p[0].x, p[3].y - p[0].y), hypot(p[2].x - p[1].x, p[2].y - p[1].y));
    *turned = false;
    TN_TRY(tn_image_warp(im, box, w > 0 ? w : 1, h > 0 ? h : 1, out));
    if (out->height < 1.5 * out->width) return TN_OK;
    *turned = true;
    tn_status st = tn_image_rotate_left(out);
    if (st != TN_OK) tn_image_free(out);
    return st;
}
