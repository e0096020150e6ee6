/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* dbpost.h - from a text detector's probability map to boxes around lines of text.
 *
 * The map comes from a network trained with differentiable binarisation (Liao et al., AAAI 2020; PP-OCR uses it): it
 * marks a *shrunken* core of every line. So each connected core is boxed by its rectangle of least area, judged by its
 * mean probability, and grown back. */
#ifndef TN_VISION_DBPOST_H
#define TN_VISION_DBPOST_H

#include "vision/geometry.h"

typedef struct {
    size_t size;         /* sizeof(tn_db_opts) */
    float threshold;     /* a pixel above it belongs to a core; 0: 0.3 */
    float box_threshold; /* mean probability a box needs; 0: 0.6 */
    float unclip;        /* growth: each side moves by area * unclip / perimeter; 0: 1.5 */
    int min_side;        /* shortest side of a core, in map pixels; grown boxes need two more; 0: 3 */
    int max_boxes;       /* cores looked at, from the top of the map; 0: 1000 */
} tn_db_opts;

typedef struct {
    tn_quad quad; /* TL, TR, BR, BL, whole pixels of the source picture */
    float score;  /* mean probability in the core's rectangle, 0..1 */
} tn_db_box;

/** Boxes of the lines marked in a map.
 *  prob          height x width probabilities, row-major; NaN counts as 0
 *  opts          NULL: the defaults
 *  source_width, source_height   size of the picture the map speaks of; boxes are scaled to it and clipped
 *  returns       TN_OK, TN_E_INVALID (a size < 1), TN_E_NOMEM
 *  owns          *out (NULL when *n is 0) is the caller's: tn_mem_free. Order: by the cores' first row. */
tn_status tn_db_boxes(const float *prob, int width, int height, const tn_db_opts *opts, int source_width,
                      int source_height, tn_db_box **out, size_t *n);

/** Mean of the map inside a convex quad (pixel centres within half a pixel of it count). */
float tn_db_mean(const float *prob, int width, int height, const tn_quad *quad);

#endif
