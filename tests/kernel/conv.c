/* conv.c - every convolution algorithm of every instruction set against the definition, on random descriptions. */
#include "kernel/conv.h"
#include "base/mem.h"
#include "kernel/kernel.h"
#include "test.h"
#include <math.h>

static uint64_t seed = 1;
static int64_t pick(int64_t lo, int64_t hi) { return lo + (int64_t)(test_random(&seed) >> 33) % (hi - lo + 1); }
static float value(void) { return (float)pick(-1000, 1000) * 1e-3f; }

static const char *describe(const tn_conv_desc *d) {
    static char s[400];
    int n =
        snprintf(s, sizeof s, "%sn %d ic %d oc %d group %d layouts %d%d act %s", d->transposed ? "transposed " : "",
                 (int)d->n, (int)d->ic, (int)d->oc, (int)d->group, d->x_layout, d->y_layout, tn_act_name(d->act.kind));
    for (int i = 0; i < d->rank; i++)
        n += snprintf(s + n, sizeof s - (size_t)n, " | in %d out %d k %d s %d d %d p %d", (int)d->in[i], (int)d->out[i],
                      (int)d->kernel[i], (int)d->stride[i], (int)d->dilation[i], (int)d->pad[i]);
    return s;
}

static int64_t area(const tn_conv_desc *d, const int64_t *dims) {
    int64_t n = 1;
    for (int i = 0; i < d->rank; i++) n *= dims[i];
    return n;
}

static int64_t count(const tn_conv_desc *d, int64_t channels, const int64_t *dims, tn_conv_layout layout, int block) {
    if (layout == TN_LAYOUT_BLOCKED) channels = (channels + block - 1) / block * block;
    return d->n * channels * area(d, dims);
}

/* Random values; lanes past the channels of a blocked tensor are zero. Front and back are guarded. */
enum { GUARD = 64 };
static float *tensor(int64_t n, int64_t channels, int64_t pixels, tn_conv_layout layout, int block, float fill) {
    int64_t blocks = (channels + block - 1) / block, images = n, total = images * channels * pixels;
    if (layout == TN_LAYOUT_BLOCKED) total = images * blocks * block * pixels;
    float *all = tn_mem_alloc((size_t)(total + 2 * GUARD) * 4, TN_MEM_GENERAL);
    for (int64_t i = 0; i < total + 2 * GUARD; i++) all[i] = fill;
    if (fill == 0)
        for (int64_t i = 0; i < total; i++) {
            int64_t lane = i % block, b = i / block / pixels % blocks;
            bool past = layout == TN_LAYOUT_BLOCKED && b * block + lane >= channels;
            all[GUARD + i] = past ? 0 : value();
        }
    return all + GUARD;
}
static void drop(float *t) { tn_mem_free(t - GUARD); }

static void random_desc(tn_conv_desc *d, int kind) {
    static const tn_act acts[] = {
        TN_ACT_NONE, TN_ACT_RELU, TN_ACT_CLIP, TN_ACT_HARDSWISH, TN_ACT_SIGMOID, TN_ACT_RELU
    };
    *d = (tn_conv_desc){ .rank = kind >= 6    ? (int)pick(1, 3)
                                 : pick(0, 9) ? 2
                                              : 1,
                         .n = pick(0, 9) ? pick(1, 2) : 0,
                         .group = 1 };
    bool big = pick(0, 3) == 0;
    d->ic = pick(1, big ? 80 : 20), d->oc = pick(1, big ? 100 : 40);
    if (kind == 1) d->ic = pick(1, 4);
    if (kind == 2) d->group = d->oc = d->ic;
    if (kind == 3) d->group = pick(1, 3), d->ic = 16 * d->group * pick(1, 2), d->oc = 16 * d->group * pick(1, 2);
    if (kind >= 6) d->group = pick(1, 3), d->ic = d->group * pick(1, 6), d->oc = d->group * pick(1, 9);
    if (kind == 8) d->group = 1, d->ic = pick(1, 40), d->oc = pick(1, 40);
    if (kind == 9 && pick(0, 1)) d->group = d->ic = d->oc;
    if (kind == 10) d->group = pick(0, 1) ? 1 : pick(1, 2) * 2, d->ic = 16 * d->group, d->oc = 32 * d->group;
    d->x_layout = kind == 1 || kind >= 6 ? TN_LAYOUT_PLAIN : TN_LAYOUT_BLOCKED;
    d->y_layout = kind >= 6 ? TN_LAYOUT_PLAIN : TN_LAYOUT_BLOCKED;
    d->transposed = kind == 7 || kind == 8 || kind == 10;
    if (kind >= 8) d->rank = (int)pick(1, 2);
    if (kind == 8) d->x_layout = (tn_conv_layout)pick(0, 1);
    if (kind == 8 && pick(0, 1)) d->y_layout = TN_LAYOUT_BLOCKED;
    if (kind == 9 && d->group == 1) d->x_layout = (tn_conv_layout)pick(0, 1), d->y_layout = 1 - d->x_layout;
    if (kind == 10) d->x_layout = d->y_layout = TN_LAYOUT_BLOCKED;
    bool patches = kind == 8 && pick(0, 1);
    for (int i = 0; i < d->rank; i++) {
        d->in[i] = pick(0, 4) ? pick(1, d->rank > 2 ? 8 : 33) : 1;
        d->kernel[i] = kind == 4 ? 1 : kind == 5 ? 3 : pick(1, pick(0, 3) ? 3 : 7);
        d->stride[i] = kind == 5 || pick(0, 1) ? 1 : pick(1, 4);
        d->dilation[i] = kind == 5 || pick(0, 3) ? 1 : pick(1, 3);
        if (patches) d->stride[i] = d->kernel[i], d->dilation[i] = 1;
        int64_t before = kind == 4 ? 0 : pick(-1, 4), after = kind == 4 ? 0 : pick(-1, 4);
        int64_t reach = d->dilation[i] * (d->kernel[i] - 1) + 1;
        d->pad[i] = before;
        if (patches) {
            d->pad[i] = 0, d->out[i] = d->in[i] * d->stride[i];
        } else if (d->transposed) {
            d->out[i] = (d->in[i] - 1) * d->stride[i] + reach - before - after + pick(0, d->stride[i] - 1);
            if (d->out[i] < 1) d->pad[i] = 0, d->out[i] = (d->in[i] - 1) * d->stride[i] + reach;
        } else {
            if (d->in[i] + before + after < reach) d->in[i] += reach;
            d->out[i] = tn_conv_out(d->in[i], d->kernel[i], d->stride[i], d->dilation[i], before, after);
        }
    }
    d->bias = pick(0, 1), d->residual = pick(0, 2) == 0;
    d->act.kind = acts[pick(0, 5)];
    if (d->act.kind == TN_ACT_CLIP) d->act.a = 0.1f, d->act.b = 0.7f;
}

static void compare(const tn_conv_desc *d, const char *name, const float *want, const float *got, int64_t n) {
    /* An activation may hide how large the sums were. */
    float largest = sqrtf((float)(d->ic / d->group * area(d, d->kernel))) / 3;
    for (int64_t i = 0; i < n; i++) largest = fmaxf(largest, fabsf(want[i]));
    for (int64_t i = 0; i < n; i++)
        check(fabsf(want[i] - got[i]) <= 2e-5f * largest, "%s: %s: at %ld: %g, not %g\n", name, describe(d), (long)i,
              (double)got[i], (double)want[i]);
    for (int64_t i = 0; i < GUARD; i++)
        check(isnan(got[-1 - i]) && isnan(got[n + i]), "%s: %s: wrote outside y\n", name, describe(d));
}

/* Every algorithm that fits; `seen` counts them by name. */
static void run_case(const tn_kernels *k, const tn_conv_desc *d, tn_pool *pool, int *seen) {
    int block = k->conv.block;
    assert_true(tn_conv_valid(d));
    int64_t in = area(d, d->in), out = area(d, d->out), taps = area(d, d->kernel);
    int64_t ny = count(d, d->oc, d->out, d->y_layout, block);
    float *x = tensor(d->n, d->ic, in, d->x_layout, block, 0), *bias = tensor(1, d->oc, 1, TN_LAYOUT_PLAIN, 1, 0);
    float *w = tensor(1, d->transposed ? d->ic : d->oc, (d->transposed ? d->oc : d->ic) / d->group * taps,
                      TN_LAYOUT_PLAIN, 1, 0);
    float *residual = d->residual ? tensor(d->n, d->oc, out, d->y_layout, block, 0) : NULL;
    float *want = tensor(d->n, d->oc, out, d->y_layout, block, NAN);
    tn_conv_ref(d, block, x, w, d->bias ? bias : NULL, residual, want);
    const tn_conv_algo *list[TN_CONV_ALGOS];
    size_t n = tn_conv_list(k, d, list, TN_CONV_ALGOS);
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++) {
        const tn_conv_algo *a = list[i];
        for (int which = 0; tn_conv_all[which]; which++) seen[which] += tn_conv_all[which] == a;
        float *y = tensor(d->n, d->oc, out, d->y_layout, block, NAN);
        float *packed = tn_mem_alloc(a->packed_bytes(k, d), TN_MEM_WEIGHTS);
        void *scratch = tn_mem_alloc(a->scratch_bytes(k, d, tn_pool_threads(pool)), TN_MEM_SCRATCH);
        a->pack(k, d, w, d->bias ? bias : NULL, packed);
        bool in_place = residual && pick(0, 1);
        if (in_place) memcpy(y, residual, (size_t)ny * 4);
        a->run(k, d,
               &(tn_conv_io){ .x = x, .w = packed, .residual = in_place ? y : residual, .y = y, .scratch = scratch },
               pool);
        compare(d, a->name, want, y, ny);
        tn_mem_free(packed), tn_mem_free(scratch), drop(y);
    }
    drop(x), drop(w), drop(bias), drop(want);
    if (residual) drop(residual);
}

static const unsigned sets[] = { 0, TN_CPU_AVX2, TN_CPU_AVX2 | TN_CPU_AVX512 };

static void algorithms_agree_with_the_definition(void **state) {
    tn_pool *pools[3] = { NULL };
    check_ok(tn_pool_new(2, false, &pools[1]));
    check_ok(tn_pool_new(3, false, &pools[2]));
    for (size_t s = 0; s < TN_COUNT(sets); s++) {
        if (sets[s] & ~tn_cpu_detected()) continue;
        tn_kernels k;
        tn_kernels_fill(&k, sets[s]);
        int seen[TN_CONV_ALGOS] = { 0 };
        for (int i = 0; i < 660; i++) {
            tn_conv_desc d;
            random_desc(&d, i % 11);
            run_case(&k, &d, pools[pick(0, 2)], seen);
        }
        for (int i = 0; tn_conv_all[i]; i++) check(seen[i], "%s was never tried\n", tn_conv_all[i]->name);
    }
    tn_pool_free(&pools[1]), tn_pool_free(&pools[2]);
}

static void long_sums_are_cut(void **state) {
    tn_conv_desc d = { .rank = 2,
                       .n = 1,
                       .ic = 600,
                       .oc = 48,
                       .group = 1,
                       .in = { 5, 9 },
                       .out = { 5, 9 },
                       .kernel = { 3, 3 },
                       .stride = { 1, 1 },
                       .dilation = { 1, 1 },
                       .pad = { 1, 1 },
                       .x_layout = TN_LAYOUT_BLOCKED,
                       .y_layout = TN_LAYOUT_BLOCKED,
                       .bias = true,
                       .residual = true,
                       .act = { .kind = TN_ACT_SIGMOID } };
    int seen[TN_CONV_ALGOS] = { 0 };
    for (int i = 0; i < 2; i++, d.oc = 37) run_case(tn_kernels_get(), &d, NULL, seen);
}

static void sizes_that_overflow_are_refused(void **state) {
    tn_conv_desc good = { .rank = 2,
                          .n = 1,
                          .ic = 4,
                          .oc = 6,
                          .group = 2,
                          .in = { 5, 5 },
                          .out = { 3, 3 },
                          .kernel = { 3, 3 },
                          .stride = { 1, 1 },
                          .dilation = { 1, 1 } };
    assert_true(tn_conv_valid(&good));
    tn_conv_desc d = good;
    d.group = 4; /* does not divide oc */
    assert_false(tn_conv_valid(&d));
    d = good, d.rank = TN_CONV_RANK + 1;
    assert_false(tn_conv_valid(&d));
    d = good, d.stride[1] = 0;
    assert_false(tn_conv_valid(&d));
    d = good, d.n = (int64_t)1 << 40, d.in[0] = d.in[1] = 1 << 29;
    assert_false(tn_conv_valid(&d));
    d = good, d.x_layout = TN_LAYOUT_LAST;
    assert_false(tn_conv_valid(&d));
    assert_int_equal(tn_conv_out(5, 3, 2, 1, 1, 1), 3);
    assert_int_equal(tn_conv_out(2, 5, 1, 1, 1, 1), 0);
    /* valid, but with more padding than any buffer should hold: some algorithm remains, without asking for it */
    d = good, d.pad[0] = d.pad[1] = 1 << 29, d.dilation[0] = d.dilation[1] = 1 << 29, d.ic = d.oc = d.group = 64;
    d.x_layout = d.y_layout = TN_LAYOUT_BLOCKED;
    const tn_conv_algo *list[TN_CONV_ALGOS];
    size_t n = tn_conv_list(tn_kernels_get(), &d, list, TN_CONV_ALGOS);
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++) assert_true(list[i]->scratch_bytes(tn_kernels_get(), &d, 2) < (size_t)1 << 33);
}

static void layouts_convert_both_ways(void **state) {
    for (size_t s = 0; s < TN_COUNT(sets); s++) {
        if (sets[s] & ~tn_cpu_detected()) continue;
        tn_kernels k;
        tn_kernels_fill(&k, sets[s]);
        int c = k.conv.block;
        for (int n = 0; n < 40; n++)
            for (int channels = 1; channels <= c; channels++) {
                float *x = tensor(1, channels, n + 3, TN_LAYOUT_PLAIN, 1, 0);
                float *b = tensor(1, 1, (int64_t)n * c, TN_LAYOUT_PLAIN, 1, NAN);
                float *y = tensor(1, channels, n + 3, TN_LAYOUT_PLAIN, 1, NAN);
                k.conv.to_blocked(x, n + 3, channels, n, b);
                k.conv.from_blocked(b, n + 3, channels, n, y);
                for (int p = 0; p < n; p++)
                    for (int i = 0; i < c; i++) assert_true(b[p * c + i] == (i < channels ? x[i * (n + 3) + p] : 0));
                for (int i = 0; i < channels; i++)
                    for (int p = 0; p < n + 3; p++)
                        assert_true(p < n ? y[i * (n + 3) + p] == x[i * (n + 3) + p] : isnan(y[i * (n + 3) + p]));
                assert_true(isnan(b[-1]) && isnan(b[n * c]) && isnan(y[-1]) && isnan(y[(n + 3) * channels]));
                drop(x), drop(b), drop(y);
            }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(algorithms_agree_with_the_definition),
                                        cmocka_unit_test(long_sums_are_cut),
                                        cmocka_unit_test(sizes_that_overflow_are_refused),
                                        cmocka_unit_test(layouts_convert_both_ways) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
