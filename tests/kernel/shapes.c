/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* shapes.c - strided copies, transposition, padding, tiling, gathering: against element-by-element loops. */
#include "base/pool.h"
#include "kernel/move.h"
#include "test.h"

static uint64_t seed = 3;
static int64_t pick(int64_t lo, int64_t hi) { return lo + (int64_t)(test_random(&seed) >> 33) % (hi - lo + 1); }
static tn_pool *pool;

static uint8_t *bytes_of(int64_t n) {
    uint8_t *p = malloc((size_t)n + 1);
    for (int64_t i = 0; i < n; i++) p[i] = (uint8_t)pick(0, 255);
    return p;
}

static void transpositions(void **state) {
    static const int64_t sizes[] = { 1, 2, 3, 4, 8, 17, 33, 70 };
    for (int round = 0; round < 1500; round++) {
        int rank = (int)pick(0, 6), bytes = 1 << round % 5, perm[6];
        int64_t dims[6], n = 1, out[6];
        for (int d = 0; d < rank; d++) {
            dims[d] = pick(0, 60) == 0 ? 0 : sizes[pick(0, 7)];
            if (n * dims[d] > 60000) dims[d] = 1;
            n *= dims[d];
            perm[d] = d;
        }
        for (int d = rank - 1; d > 0; d--) {
            int k = (int)pick(0, d), t = perm[d];
            perm[d] = perm[k];
            perm[k] = t;
        }
        for (int d = 0; d < rank; d++) out[d] = dims[perm[d]];
        uint8_t *x = bytes_of(n * bytes), *y = bytes_of(n * bytes);
        tn_transpose_run(bytes, rank, dims, perm, x, y, round % 2 ? pool : NULL);
        for (int64_t e = 0; e < n; e++) {
            int64_t at[6], k = e, from = 0;
            for (int d = rank - 1; d >= 0; d--) at[perm[d]] = k % out[d], k /= out[d];
            for (int d = 0; d < rank; d++) from = from * dims[d] + at[d];
            check(memcmp(y + e * bytes, x + from * bytes, (size_t)bytes) == 0, "round %d element %d\n", round, (int)e);
        }
        free(x);
        free(y);
    }
}

/* Slices with steps of both signs, expanded dimensions, results with gaps. */
static void copies(void **state) {
    for (int round = 0; round < 800; round++) {
        int rank = (int)pick(1, 4), bytes = 1 << round % 5;
        int64_t dims[4], sx[4], sy[4], n = 1, room_x = 1, room_y = 1, base = 0;
        for (int d = rank - 1; d >= 0; d--) {
            dims[d] = pick(1, 12);
            int64_t step = pick(1, 3), gap = pick(1, 2);
            sx[d] = pick(0, 5) == 0 ? 0 : room_x * step;
            sy[d] = room_y * gap;
            room_x *= dims[d] * step;
            room_y *= dims[d] * gap;
            if (pick(0, 3) == 0) base += sx[d] * (dims[d] - 1), sx[d] = -sx[d];
            n *= dims[d];
        }
        uint8_t *x = bytes_of(room_x * bytes), *y = calloc((size_t)(room_y * bytes), 1);
        tn_copy_run(bytes, rank, dims, x + base * bytes, sx, y, sy, pool);
        for (int64_t e = 0; e < n; e++) {
            int64_t k = e, fx = base, fy = 0;
            for (int d = rank - 1; d >= 0; d--) {
                fx += k % dims[d] * sx[d];
                fy += k % dims[d] * sy[d];
                k /= dims[d];
            }
            check(memcmp(y + fy * bytes, x + fx * bytes, (size_t)bytes) == 0, "round %d element %d\n", round, (int)e);
            memset(y + fy * bytes, 0, (size_t)bytes);
        }
        for (int64_t i = 0; i < room_y * bytes; i++)
            check(y[i] == 0, "round %d: written between the elements\n", round);
        free(x);
        free(y);
    }
}

static int64_t padded_from(tn_pad_mode mode, int64_t i, int64_t n) {
    while (i < 0 || i >= n) {
        if (mode == TN_PAD_CONSTANT) return -1;
        if (mode == TN_PAD_EDGE) return i < 0 ? 0 : n - 1;
        if (mode == TN_PAD_WRAP)
            i += i < 0 ? n : -n;
        else if (n == 1)
            return 0;
        else
            i = i < 0 ? -i : 2 * (n - 1) - i;
    }
    return i;
}

static void padding(void **state) {
    for (int round = 0; round < 1200; round++) {
        int rank = (int)pick(0, 4), bytes = 1 << round % 5;
        tn_pad_mode mode = (tn_pad_mode)pick(0, 3);
        int64_t dims[4], before[4], after[4], out[4], n = 1, m = 1;
        for (int d = 0; d < rank; d++) {
            dims[d] = pick(1, 9);
            bool some = pick(0, 2);
            before[d] = some ? pick(-1, 7) : 0;
            after[d] = some ? pick(0, 7) : 0;
            out[d] = dims[d] + before[d] + after[d];
            n *= dims[d];
            m *= out[d];
        }
        uint8_t *x = bytes_of(n * bytes), *y = bytes_of(m * bytes), *v = bytes_of(bytes);
        check_ok(tn_pad_run(bytes, rank, dims, before, after, mode, v, x, y, round % 2 ? pool : NULL));
        for (int64_t e = 0; e < m; e++) {
            int64_t k = e, from = 0, step = 1;
            bool inside = true;
            for (int d = rank - 1; d >= 0; d--) {
                int64_t i = padded_from(mode, k % out[d] - before[d], dims[d]);
                k /= out[d];
                inside &= i >= 0;
                from += i * step;
                step *= dims[d];
            }
            check(memcmp(y + e * bytes, inside ? x + from * bytes : v, (size_t)bytes) == 0,
                  "round %d mode %d element %d\n", round, mode, (int)e);
        }
        free(x);
        free(y);
        free(v);
    }
    char c = 0;
    check_fails(tn_pad_run(1, 1, (int64_t[]){ 2 }, (int64_t[]){ -3 }, (int64_t[]){ 0 }, TN_PAD_EDGE, NULL, &c, &c,
                           NULL),
                TN_E_INVALID, "cuts");
    check_fails(tn_pad_run(1, 1, (int64_t[]){ 0 }, (int64_t[]){ 1 }, (int64_t[]){ 0 }, TN_PAD_EDGE, NULL, &c, &c, NULL),
                TN_E_INVALID, "no elements");
}

static void tiles(void **state) {
    for (int round = 0; round < 300; round++) {
        int rank = (int)pick(0, 4), bytes = 1 << round % 5;
        int64_t dims[4], reps[4], n = 1, m = 1;
        for (int d = 0; d < rank; d++) {
            dims[d] = pick(1, 5);
            reps[d] = pick(0, 20) == 0 ? 0 : pick(1, 4);
            n *= dims[d];
            m *= dims[d] * reps[d];
        }
        uint8_t *x = bytes_of(n * bytes), *y = bytes_of(m * bytes);
        tn_tile_run(bytes, rank, dims, reps, x, y, pool);
        for (int64_t e = 0; e < m; e++) {
            int64_t k = e, from = 0, step = 1;
            for (int d = rank - 1; d >= 0; d--) {
                from += k % (dims[d] * reps[d]) % dims[d] * step;
                k /= dims[d] * reps[d];
                step *= dims[d];
            }
            check(memcmp(y + e * bytes, x + from * bytes, (size_t)bytes) == 0, "round %d element %d\n", round, (int)e);
        }
        free(x);
        free(y);
    }
}

static void gathers(void **state) {
    int32_t x[2 * 3 * 4], y[2 * 2 * 4];
    for (int i = 0; i < 24; i++) x[i] = i;
    check_ok(tn_gather_run(2, 3, 16, (int64_t[]){ -1, 1 }, 2, x, y, pool));
    for (int o = 0; o < 2; o++)
        for (int k = 0; k < 4; k++) {
            assert_int_equal(y[o * 8 + k], o * 12 + 8 + k);
            assert_int_equal(y[o * 8 + 4 + k], o * 12 + 4 + k);
        }
    check_fails(tn_gather_run(1, 3, 4, (int64_t[]){ 3 }, 1, x, y, NULL), TN_E_INVALID, "3");
    check_fails(tn_gather_run(1, 3, 4, (int64_t[]){ -4 }, 1, x, y, NULL), TN_E_INVALID, "-4");
}

static void depth_and_space(void **state) {
    enum { N = 2, C = 12, H = 3, W = 5, B = 2 };
    static uint16_t x[N * C * H * W], y[N * C * H * W], z[N * C * H * W];
    for (int i = 0; i < N * C * H * W; i++) x[i] = (uint16_t)i;
    for (int crd = 0; crd < 2; crd++) {
        tn_depth_to_space_run(2, N, C, H, W, B, crd, x, y, pool);
        for (int n = 0; n < N; n++)
            for (int c = 0; c < C / 4; c++)
                for (int h = 0; h < H * B; h++)
                    for (int w = 0; w < W * B; w++) {
                        int part = h % B * B + w % B, from = crd ? c * 4 + part : part * (C / 4) + c;
                        assert_int_equal(y[((n * C / 4 + c) * H * B + h) * W * B + w],
                                         x[((n * C + from) * H + h / B) * W + w / B]);
                    }
    }
    tn_depth_to_space_run(2, N, C, H, W, B, false, x, y, pool);
    tn_space_to_depth_run(2, N, C / 4, H * B, W * B, B, y, z, pool);
    assert_memory_equal(x, z, sizeof x);
}

static int start(void **state) { return tn_pool_new(2, false, &pool); }
static int stop(void **state) {
    tn_pool_free(&pool);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transpositions), cmocka_unit_test(copies),  cmocka_unit_test(padding),
        cmocka_unit_test(tiles),          cmocka_unit_test(gathers), cmocka_unit_test(depth_and_space),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
