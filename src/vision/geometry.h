/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* geometry.h - points, convex hulls, smallest rectangles and homographies in the plane.
 *
 * Picture coordinates: x to the right, y down. A quad's corners go clockwise as seen: top left, top right, bottom
 * right, bottom left. */
#ifndef TN_VISION_GEOMETRY_H
#define TN_VISION_GEOMETRY_H

#include "base/status.h"

typedef struct {
    double x, y;
} tn_point;

typedef struct {
    tn_point p[4];
} tn_quad;

/** Convex hull of n points (Andrew's monotone chain), counter-clockwise for y up, without collinear points.
 *  pts   is sorted in place
 *  hull  room for n + 1 points; the return value says how many there are: 1 or 2 when all points are equal or on a line
 */
size_t tn_convex_hull(tn_point *pts, size_t n, tn_point *hull);

/** The rectangle of least area around a convex polygon; one side lies on one of its edges. A single point and a line
 *  give a rectangle of no width. Corners in no particular order beyond going round; n >= 1. */
tn_quad tn_min_area_rect(const tn_point *hull, size_t n);

/** Puts a rectangle's corners in the order TL, TR, BR, BL: of the two leftmost corners the upper is TL. */
tn_quad tn_quad_order(tn_quad q);

/** Lengths of a rectangle's sides: p0-p1 and p1-p2. */
void tn_quad_sides(const tn_quad *q, double *a, double *b);

/** Moves each side of a rectangle outwards by d. A side of no length has no direction of its own and gets the
 *  perpendicular of the other; a single point grows along the axes. */
tn_quad tn_rect_grow(tn_quad q, double d);

double tn_polygon_area(const tn_point *p, size_t n);      /* >= 0 */
double tn_polygon_perimeter(const tn_point *p, size_t n); /* closed */

static inline double tn_quad_area(const tn_quad *q) { return tn_polygon_area(q->p, 4); }

/** The 3x3 matrix (row-major, h[8] = 1) that carries from[i] to to[i], four points each.
 *  errors  TN_E_INVALID when three points of a set are in line (then there is no such matrix) */
tn_status tn_homography(const tn_quad *from, const tn_quad *to, double h[9]);

static inline tn_point tn_homography_apply(const double h[9], tn_point p) {
    double w = h[6] * p.x + h[7] * p.y + h[8];
    return (tn_point){ (h[0] * p.x + h[1] * p.y + h[2]) / w, (h[3] * p.x + h[4] * p.y + h[5]) / w };
}

#endif
