/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* Hulls, rectangles and homographies against brute force. */
#include "vision/geometry.h"
#include "test.h"
#include <math.h>

static uint64_t seed = 1;
static double uniform(double lo, double hi) { return lo + (hi - lo) * (double)(test_random(&seed) >> 11) * 0x1p-53; }

static double cross(tn_point o, tn_point a, tn_point b) {
    return (a.x - o.x) * (b.y - o.y) - (a.y - o.y) * (b.x - o.x);
}

/* On a coarse grid many points coincide or lie in line. */
static size_t random_points(tn_point *p, size_t n, int grid) {
    for (size_t i = 0; i < n; i++)
        p[i] = grid ? (tn_point){ floor(uniform(0, grid)), floor(uniform(0, grid)) }
                    : (tn_point){ uniform(-10, 10), uniform(-10, 10) };
    return n;
}

static void hull_contains_all(void **state) {
    for (int round = 0; round < 2000; round++) {
        tn_point p[40], h[41];
        size_t n = random_points(p, 1 + test_random(&seed) % 40, round % 3 ? round % 3 * 4 : 0);
        size_t m = tn_convex_hull(p, n, h);
        assert_true(m >= 1 && m <= n);
        if (m < 3) continue;
        for (size_t i = 0; i < m; i++) {
            for (size_t k = 0; k < n; k++) assert_true(cross(h[i], h[(i + 1) % m], p[k]) >= -1e-9);
            assert_true(cross(h[i], h[(i + 1) % m], h[(i + 2) % m]) > 0); /* strictly convex */
        }
    }
}

/* No rectangle at any of many angles is smaller, and the found one contains everything. */
static void rect_is_least(void **state) {
    for (int round = 0; round < 300; round++) {
        tn_point p[30], h[31];
        size_t n = random_points(p, 3 + test_random(&seed) % 27, round % 2 ? 9 : 0), m = tn_convex_hull(p, n, h);
        tn_quad q = tn_min_area_rect(h, m);
        double a, b;
        tn_quad_sides(&q, &a, &b);
        for (int t = 0; t < 720; t++) {
            double u = cos(t * M_PI / 1440), v = sin(t * M_PI / 1440), s0 = 1e9, s1 = -1e9, t0 = 1e9, t1 = -1e9;
            for (size_t i = 0; i < n; i++) {
                double s = p[i].x * u + p[i].y * v, r = p[i].y * u - p[i].x * v;
                s0 = fmin(s0, s), s1 = fmax(s1, s), t0 = fmin(t0, r), t1 = fmax(t1, r);
            }
            check(a * b <= (s1 - s0) * (t1 - t0) + 1e-9, "area %g > %g at %d\n", a * b, (s1 - s0) * (t1 - t0), t);
        }
        for (size_t i = 0; i < n; i++)
            for (int k = 0; k < 4; k++) /* box_along goes round one way */
                assert_true(cross(q.p[k], q.p[(k + 1) % 4], p[i]) >= -1e-6);
    }
}

static tn_quad turned_rect(double cx, double cy, double w, double h, double angle) {
    const double sx[4] = { -1, 1, 1, -1 }, sy[4] = { -1, -1, 1, 1 };
    tn_quad q;
    for (int i = 0; i < 4; i++) {
        double x = sx[i] * w / 2, y = sy[i] * h / 2;
        q.p[i] = (tn_point){ cx + x * cos(angle) - y * sin(angle), cy + x * sin(angle) + y * cos(angle) };
    }
    return q;
}

static void quads_in_order(void **state) {
    for (int degrees = -40; degrees <= 40; degrees += 5) {
        tn_quad want = turned_rect(50, 60, 90, 20, degrees * M_PI / 180);
        for (int first = 0; first < 8; first++) { /* any start, either way round */
            tn_quad q;
            for (int i = 0; i < 4; i++) q.p[i] = want.p[(first < 4 ? first + i : first + 4 - i) % 4];
            q = tn_quad_order(q);
            for (int i = 0; i < 4; i++) assert_true(fabs(q.p[i].x - want.p[i].x) + fabs(q.p[i].y - want.p[i].y) < 1e-9);
        }
    }
}

static void grown_areas(void **state) {
    for (int round = 0; round < 500; round++) {
        double w = uniform(1, 100), h = uniform(1, 100), d = uniform(0, 30);
        tn_quad q = turned_rect(3, 4, w, h, uniform(0, 7));
        if (round & 1) q = (tn_quad){ { q.p[3], q.p[2], q.p[1], q.p[0] } }; /* the other way round */
        tn_quad g = tn_rect_grow(q, d);
        assert_true(fabs(tn_quad_area(&g) - (w + 2 * d) * (h + 2 * d)) < 1e-6);
        double cx = 0, cy = 0;
        for (int i = 0; i < 4; i++) cx += g.p[i].x / 4, cy += g.p[i].y / 4;
        assert_true(hypot(cx - 3, cy - 4) < 1e-9);
    }
    tn_quad line = { { { 0, 0 }, { 10, 0 }, { 10, 0 }, { 0, 0 } } }, g = tn_rect_grow(line, 2);
    assert_true(fabs(tn_quad_area(&g) - 14 * 4) < 1e-9);
    tn_quad point = { { { 5, 5 }, { 5, 5 }, { 5, 5 }, { 5, 5 } } };
    g = tn_rect_grow(point, 2);
    assert_true(fabs(tn_quad_area(&g) - 16) < 1e-9);
}

static void homography_is_exact(void **state) {
    for (int round = 0; round < 1000; round++) {
        tn_quad from =
            turned_rect(uniform(-100, 100), uniform(-100, 100), uniform(5, 500), uniform(5, 500), uniform(0, 6));
        tn_quad to = turned_rect(uniform(0, 1000), uniform(0, 1000), uniform(20, 500), uniform(20, 500), uniform(0, 6));
        for (int i = 0; i < 4; i++) to.p[i].x += uniform(-4, 4), to.p[i].y += uniform(-4, 4);
        double h[9], back[9];
        check_ok(tn_homography(&from, &to, h));
        check_ok(tn_homography(&to, &from, back));
        for (int i = 0; i < 4; i++) {
            tn_point p = tn_homography_apply(h, from.p[i]);
            check(hypot(p.x - to.p[i].x, p.y - to.p[i].y) < 1e-6, "off by %g\n",
                  hypot(p.x - to.p[i].x, p.y - to.p[i].y));
        }
        tn_point inside = { (from.p[0].x + from.p[2].x) / 2 + 1, (from.p[0].y + from.p[2].y) / 2 };
        tn_point again = tn_homography_apply(back, tn_homography_apply(h, inside));
        assert_true(hypot(again.x - inside.x, again.y - inside.y) < 1e-6);
    }
    tn_quad good = turned_rect(0, 0, 5, 5, 0), flat = { { { 0, 0 }, { 1, 1 }, { 2, 2 }, { 0, 5 } } };
    double h[9];
    check_fails(tn_homography(&flat, &good, h), TN_E_INVALID, "in line");
    check_fails(tn_homography(&good, &flat, h), TN_E_INVALID, "in line");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hull_contains_all), cmocka_unit_test(rect_is_least),       cmocka_unit_test(quads_in_order),
        cmocka_unit_test(grown_areas),       cmocka_unit_test(homography_is_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
