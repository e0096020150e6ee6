/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* warp.h - pictures to other sizes, angles and perspectives. */
#ifndef TN_VISION_WARP_H
#define TN_VISION_WARP_H

#include "vision/geometry.h"
#include "vision/image.h"

/** Scales to width x height. Enlarging is bilinear between pixel centres (edges repeat); shrinking widens the same
 *  triangle by the ratio, so that every source pixel counts and fine print does not turn into noise.
 *  errors  TN_E_INVALID, TN_E_LIMIT, TN_E_NOMEM. The caller owns *out. */
tn_status tn_image_resize(const tn_image *im, int width, int height, tn_image *out);

/** Cuts the quad out of the picture and straightens it to width x height: the quad's corners land on the corners
 *  (0,0), (width,0), (width,height), (0,height). Bicubic (a = -0.75), the border repeats outside.
 *  errors  TN_E_INVALID (a quad without area), TN_E_LIMIT, TN_E_NOMEM. The caller owns *out. */
tn_status tn_image_warp(const tn_image *im, const tn_quad *quad, int width, int height, tn_image *out);

/** The same with the matrix that carries a pixel of *out to a place in im. */
tn_status tn_image_warp_by(const tn_image *im, const double to_source[9], int width, int height, tn_image *out);

/** Copies the rectangle of width x height at (x, y), which must lie inside. The caller owns *out. */
tn_status tn_image_part(const tn_image *im, int x, int y, int width, int height, tn_image *out);

/** A quarter turn counter-clockwise as seen, in place. */
tn_status tn_image_rotate_left(tn_image *im);

/** A half turn, in place. */
void tn_image_rotate_half(tn_image *im);

#endif
