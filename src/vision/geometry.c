/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* geometry.c - convex hulls, smallest rectangles, homographies. */
#include "vision/geometry.h"
#include <math.h>
#include <stdlib.h>

static double cross(tn_point o, tn_point a, tn_point b) {
    return (a.x - o.x) * (b.y - o.y) - (a.y - o.y) * (b.x - o.x);
}

static int by_x_then_y(const void *pa, const void *pb) {
    const tn_point *a = pa, *b = pb;
    if (a->x != b->x) return a->x < b->x ? -1 : 1;
    return a->y < b->y ? -1 : a->y > b->y;
}

size_t tn_convex_hull(tn_point *pts, size_t n, tn_point *hull) {
    qsort(pts, n, sizeof *pts, by_x_then_y);
    size_t m = 0;
    for (size_t i = 0; i < n; i++) { /* lower chain */
        while (m >= 2 && cross(hull[m - 2], hull[m - 1], pts[i]) <= 0) m--;
        hull[m++] = pts[i];
    }
    for (size_t i = n - (n > 0), lower = m + 1; i-- > 0;) { /* upper chain, back again */
        while (m >= lower && cross(hull[m - 2], hull[m - 1], pts[i]) <= 0) m--;
        hull[m++] = pts[i];
    }
    if (m > 1) m--; /* the first point came round again */
    if (m == 2 && hull[0].x == hull[1].x && hull[0].y == hull[1].y) m = 1;
    return m;
}

/* The box around the hull in the frame whose x axis is (ux, uy), of unit length. */
static double box_along(const tn_point *hull, size_t n, double ux, double uy, tn_quad *out) {
    double s0 = INFINITY, s1 = -INFINITY, t0 = INFINITY, t1 = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        double s = hull[i].x * ux + hull[i].y * uy, t = hull[i].y * ux - hull[i].x * uy;
        s0 = fmin(s0, s), s1 = fmax(s1, s), t0 = fmin(t0, t), t1 = fmax(t1, t);
    }
    const double s[4] = { s0, s1, s1, s0 }, t[4] = { t0, t0, t1, t1 };
    for (int i = 0; i < 4; i++) out->p[i] = (tn_point){ s[i] * ux - t[i] * uy, s[i] * uy + t[i] * ux };
    return (s1 - s0) * (t1 - t0);
}

/* The hulls here have tens of points, so every edge is tried against every point: simpler than calipers, and exact. */
tn_quad tn_min_area_rect(const tn_point *hull, size_t n) {
    tn_quad best = { { hull[0], hull[0], hull[0], hull[0] } };
    double best_area = INFINITY;
    for (size_t i = 0; i < n; i++) {
        tn_point a = hull[i], b = hull[(i + 1) % n];
        double len = hypot(b.x - a.x, b.y - a.y);
        if (len == 0) continue;
        tn_quad q;
        double area = box_along(hull, n, (b.x - a.x) / len, (b.y - a.y) / len, &q);
        if (area < best_area) best_area = area, best = q;
    }
    return best;
}

static int by_x(const void *pa, const void *pb) {
    const tn_point *a = pa, *b = pb;
    return a->x < b->x ? -1 : a->x > b->x;
}

tn_quad tn_quad_order(tn_quad q) {
    qsort(q.p, 4, sizeof *q.p, by_x);
    int tl = q.p[0].y <= q.p[1].y ? 0 : 1, tr = q.p[2].y <= q.p[3].y ? 2 : 3;
    return (tn_quad){ { q.p[tl], q.p[tr], q.p[5 - tr], q.p[1 - tl] } };
}

void tn_quad_sides(const tn_quad *q, double *a, double *b) {
    *a = hypot(q->p[1].x - q->p[0].x, q->p[1].y - q->p[0].y);
    *b = hypot(q->p[2].x - q->p[1].x, q->p[2].y - q->p[1].y);
}

tn_quad tn_rect_grow(tn_quad q, double d) {
    double a, b;
    tn_quad_sides(&q, &a, &b);
    tn_point u = { 1, 0 }, v; /* directions of p0-p1 and p1-p2 */
    if (a > 0)
        u = (tn_point){ (q.p[1].x - q.p[0].x) / a, (q.p[1].y - q.p[0].y) / a };
    else if (b > 0)
        u = (tn_point){ (q.p[2].y - q.p[1].y) / b, -(q.p[2].x - q.p[1].x) / b };
    v = (tn_point){ -u.y, u.x };
    if (b > 0 && (q.p[2].x - q.p[1].x) * v.x + (q.p[2].y - q.p[1].y) * v.y < 0) v = (tn_point){ u.y, -u.x };
    static const int along_u[4] = { -1, 1, 1, -1 }, along_v[4] = { -1, -1, 1, 1 };
    for (int i = 0; i < 4; i++) {
        q.p[i].x += d * (along_u[i] * u.x + along_v[i] * v.x);
        q.p[i].y += d * (along_u[i] * u.y + along_v[i] * v.y);
    }
    return q;
}

double tn_polygon_area(const tn_point *p, size_t n) {
    double twice = 0;
    for (size_t i = 0, j = n - 1; i < n; j = i++) twice += p[j].x * p[i].y - p[i].x * p[j].y;
    return fabs(twice) / 2;
}

double tn_polygon_perimeter(const tn_point *p, size_t n) {
    double sum = 0;
    for (size_t i = 0, j = n - 1; i < n; j = i++) sum += hypot(p[i].x - p[j].x, p[i].y - p[j].y);
    return sum;
}

/* Gaussian elimination with partial pivoting on 8 equations, the right side in column 8. */
static bool solve8(double m[8][9]) {
    for (int c = 0; c < 8; c++) {
        int pivot = c;
        for (int r = c + 1; r < 8; r++)
            if (fabs(m[r][c]) > fabs(m[pivot][c])) pivot = r;
        if (!(fabs(m[pivot][c]) > 1e-12)) return false;
        for (int k = 0; k < 9; k++) {
            double t = m[c][k];
            m[c][k] = m[pivot][k], m[pivot][k] = t;
        }
        for (int r = 0; r < 8; r++) {
            if (r == c) continue;
            double f = m[r][c] / m[c][c];
            for (int k = c; k < 9; k++) m[r][k] -= f * m[c][k];
        }
    }
    for (int r = 0; r < 8; r++) m[r][8] /= m[r][r];
    return true;
}

/* Is some corner (nearly) on the line of two others? Relative to the quad's size. */
static bool degenerate(const tn_quad *q) {
    double size = tn_polygon_perimeter(q->p, 4);
    for (int i = 0; i < 4; i++)
        if (!(fabs(cross(q->p[i], q->p[(i + 1) % 4], q->p[(i + 2) % 4])) > 1e-12 * size * size)) return true;
    return false;
}

/* to.x = (h0 x + h1 y + h2) / (h6 x + h7 y + 1), to.y alike: two linear equations per corner. */
tn_status tn_homography(const tn_quad *from, const tn_quad *to, double h[9]) {
    double m[8][9];
    if (degenerate(from) || degenerate(to)) return tn_fail(TN_E_INVALID, "three corners of a quad are in line");
    for (int i = 0; i < 4; i++) {
        double x = from->p[i].x, y = from->p[i].y, u = to->p[i].x, v = to->p[i].y;
        const double eq[2][9] = { { x, y, 1, 0, 0, 0, -x * u, -y * u, u }, { 0, 0, 0, x, y, 1, -x * v, -y * v, v } };
        for (int k = 0; k < 9; k++) m[2 * i][k] = eq[0][k], m[2 * i + 1][k] = eq[1][k];
    }
    if (!solve8(m)) return tn_fail(TN_E_INVALID, "no perspective carries one quad to the other");
    for (int i = 0; i < 8; i++) h[i] = m[i][8];
    h[8] = 1;
    return TN_OK;
}
