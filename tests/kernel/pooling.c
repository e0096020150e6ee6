/* pooling.c - pooling of every instruction set against the definition, on random windows. */
#include "kernel/pooling.h"
#include "base/mem.h"
#include "kernel/kernel.h"
#include "kernel/reorder.h"
#include "test.h"
#include <math.h>

static uint64_t seed = 7;
static int64_t pick(int64_t lo, int64_t hi) { return lo + (int64_t)(test_random(&seed) >> 33) % (hi - lo + 1); }
static const unsigned sets[] = { 0, TN_CPU_AVX2, TN_CPU_AVX2 | TN_CPU_AVX512 };

static float *values(int64_t n) {
    float *x = tn_mem_alloc((size_t)n * 4, TN_MEM_GENERAL);
    for (int64_t i = 0; i < n; i++) x[i] = (float)pick(-1000, 1000) * 1e-2f;
    return x;
}

static void random_desc(tn_pooling_desc *d) {
    *d = (tn_pooling_desc){ .kind = (tn_pooling_kind)pick(0, 2),
                            .rank = (int)pick(1, 3),
                            .n = pick(1, 2),
                            .channels = pick(1, 40),
                            .count_include_pad = pick(0, 1),
                            .p = (double)pick(1, 3) };
    if (d->rank < 3 && d->kind != TN_POOLING_LP) d->layout = (tn_conv_layout)pick(0, 1);
    for (int i = 0; i < d->rank; i++) {
        d->kernel[i] = pick(1, pick(0, 3) ? 3 : 12), d->stride[i] = pick(1, 3), d->dilation[i] = pick(0, 3) ? 1 : 2;
        d->in[i] = pick(1, 20), d->pad[i] = pick(0, d->kernel[i] - 1), d->pad_end[i] = pick(0, d->kernel[i] - 1);
        int64_t reach = (d->kernel[i] - 1) * d->dilation[i] + 1;
        if (d->in[i] + d->pad[i] + d->pad_end[i] < reach) d->in[i] += reach;
        bool ceil_mode = pick(0, 1);
        d->out[i] =
            (d->in[i] + d->pad[i] + d->pad_end[i] - reach + (ceil_mode ? d->stride[i] - 1 : 0)) / d->stride[i] + 1;
    }
}

static void compare(const float *want, const float *got, int64_t n, const char *what) {
    for (int64_t i = 0; i < n; i++)
        check(want[i] == got[i] || (isnan(want[i]) && isnan(got[i])) ||
                  fabsf(want[i] - got[i]) <= 1e-5f * (10 + fabsf(want[i])),
              "%s at %ld: %g, not %g\n", what, (long)i, (double)got[i], (double)want[i]);
}

static void windows_agree_with_the_definition(void **state) {
    tn_pool *pool;
    check_ok(tn_pool_new(2, false, &pool));
    for (size_t s = 0; s < TN_COUNT(sets); s++) {
        if (sets[s] & ~tn_cpu_detected()) continue;
        tn_kernels k;
        tn_kernels_fill(&k, sets[s]);
        for (int i = 0; i < 400; i++) {
            tn_pooling_desc d;
            random_desc(&d);
            assert_true(tn_pooling_valid(&d));
            int64_t in = 1, out = 1;
            for (int j = 0; j < d.rank; j++) in *= d.in[j], out *= d.out[j];
            int64_t nx = tn_layout_floats(k.conv.block, d.layout, d.n, d.channels, in);
            int64_t ny = tn_layout_floats(k.conv.block, d.layout, d.n, d.channels, out);
            float *x = values(nx), *want = values(ny), *y = values(ny);
            for (int64_t bad = d.kind == TN_POOLING_MAX && nx ? pick(0, 4) : 0; bad > 0; bad--)
                x[pick(0, nx - 1)] = NAN;
            size_t bytes = tn_pooling_scratch(&k, &d, 2);
            void *scratch = tn_mem_alloc(bytes + 1, TN_MEM_SCRATCH);
            tn_pooling_ref(&d, k.conv.block, x, want, NULL);
            tn_pooling_run(&k, &d, x, y, NULL, scratch, pool);
            compare(want, y, ny, "pooling");
            memset(y, 0, (size_t)ny * 4);
            tn_pooling_run(&k, &d, x, y, NULL, NULL, NULL);
            compare(want, y, ny, "pooling without scratch");
            tn_mem_free(x), tn_mem_free(want), tn_mem_free(y), tn_mem_free(scratch);
        }
    }
    tn_pool_free(&pool);
}

static void maxima_know_their_place(void **state) {
    /* 2 images x 2 channels of 2 x 3; the largest of each 2 x 2 window. */
    float x[24], y[8];
    int64_t at[8];
    for (int i = 0; i < 24; i++) x[i] = (float)(i * 7 % 24);
    tn_pooling_desc d = { .kind = TN_POOLING_MAX,
                          .rank = 2,
                          .n = 2,
                          .channels = 2,
                          .in = { 2, 3 },
                          .out = { 1, 2 },
                          .kernel = { 2, 2 },
                          .stride = { 1, 1 },
                          .dilation = { 1, 1 } };
    tn_pooling_run(tn_kernels_get(), &d, x, y, at, NULL, NULL);
    for (int i = 0; i < 8; i++) assert_true(x[at[i]] == y[i] && at[i] / 6 == i / 2);
    d.column_major = true;
    tn_pooling_run(tn_kernels_get(), &d, x, y, at, NULL, NULL);
    for (int i = 0; i < 8; i++) {
        int64_t in = at[i] % 6, row = in % 2, column = in / 2;
        assert_true(x[i / 2 * 6 + row * 3 + column] == y[i]);
    }
}

static void whole_images_are_one_window(void **state) {
    for (size_t s = 0; s < TN_COUNT(sets); s++) {
        if (sets[s] & ~tn_cpu_detected()) continue;
        tn_kernels k;
        tn_kernels_fill(&k, sets[s]);
        for (int i = 0; i < 60; i++) {
            tn_pooling_desc d = { .kind = (tn_pooling_kind)pick(0, 2),
                                  .rank = 1,
                                  .n = pick(1, 2),
                                  .channels = pick(1, 40),
                                  .in = { pick(1, 70) },
                                  .out = { 1 },
                                  .stride = { 1 },
                                  .dilation = { 1 },
                                  .p = 2,
                                  .layout = (tn_conv_layout)pick(0, 1) };
            d.kernel[0] = d.in[0];
            bool bad = d.kind == TN_POOLING_MAX && pick(0, 1);
            int64_t nx = tn_layout_floats(k.conv.block, d.layout, d.n, d.channels, d.in[0]);
            int64_t ny = tn_layout_floats(k.conv.block, d.layout, d.n, d.channels, 1);
            float *x = values(nx), *want = values(ny), *y = values(ny);
            if (bad) x[pick(0, nx - 1)] = NAN;
            tn_pooling_ref(&d, k.conv.block, x, want, NULL);
            tn_global_pooling(&k, d.kind, d.p, d.n, d.channels, d.in[0], d.layout, x, y, NULL);
            compare(want, y, ny, "global pooling");
            tn_mem_free(x), tn_mem_free(want), tn_mem_free(y);
        }
    }
}

static void channels_last_is_reached_from_everywhere(void **state) {
    const tn_kernels *k = tn_kernels_get();
    static const tn_conv_layout all[] = { TN_LAYOUT_PLAIN, TN_LAYOUT_BLOCKED, TN_LAYOUT_LAST };
    for (int i = 0; i < 40; i++) {
        int64_t n = pick(1, 2), channels = pick(1, 40), pixels = pick(1, 40);
        int64_t most = tn_layout_floats(k->conv.block, TN_LAYOUT_BLOCKED, n, channels, pixels);
        float *plain = values(n * channels * pixels), *a = values(most), *b = values(most), *back = values(most);
        for (size_t from = 0; from < 3; from++)
            for (size_t to = 0; to < 3; to++) {
                tn_reorder(k, n, channels, pixels, TN_LAYOUT_PLAIN, plain, all[from], a, NULL);
                tn_reorder(k, n, channels, pixels, all[from], a, all[to], b, NULL);
                tn_reorder(k, n, channels, pixels, all[to], b, TN_LAYOUT_PLAIN, back, NULL);
                assert_memory_equal(plain, back, (size_t)(n * channels * pixels) * 4);
                if (all[to] == TN_LAYOUT_LAST)
                    assert_true(b[(pixels - 1) * channels + channels - 1] == plain[channels * pixels - 1]);
            }
        tn_mem_free(plain), tn_mem_free(a), tn_mem_free(b), tn_mem_free(back);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(windows_agree_with_the_definition),
                                        cmocka_unit_test(maxima_know_their_place),
                                        cmocka_unit_test(whole_images_are_one_window),
                                        cmocka_unit_test(channels_last_is_reached_from_everywhere) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
