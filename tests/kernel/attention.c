/* attention.c - attention of every instruction set against the definition: random sizes, layouts, masks, windows. */
#include "kernel/attention.h"
#include "base/mem.h"
#include "kernel/kernel.h"
#include "test.h"
#include <math.h>
#include <string.h>

static uint64_t seed = 5;
static int64_t pick(int64_t lo, int64_t hi) { return lo + (int64_t)(test_random(&seed) >> 33) % (hi - lo + 1); }
static bool chance(int percent) { return pick(1, 100) <= percent; }
static const unsigned sets[] = { 0, TN_CPU_AVX2, TN_CPU_AVX2 | TN_CPU_AVX512 };

static float *values(int64_t n) {
    float *x = malloc((size_t)(n + 1) * sizeof *x);
    for (int64_t i = 0; i < n; i++) x[i] = (float)pick(-2000, 2000) * 1e-3f;
    return x;
}

/* Rows of heads, or planes of heads. */
static tn_attention_stride layout(int64_t heads, int64_t rows, int64_t size) {
    if (chance(50)) return (tn_attention_stride){ heads * rows * size, size, heads * size };
    return (tn_attention_stride){ heads * rows * size, rows * size, size };
}

/* A mask's strides: some dimensions repeat. */
static tn_attention_mask_stride mask_layout(const tn_attention *a, int64_t *count) {
    bool b = chance(50), h = chance(50), r = chance(70), k = chance(90);
    tn_attention_mask_stride s = { .key = k };
    int64_t n = k ? a->keys : 1;
    s.row = r ? n : 0, n *= r ? a->rows : 1;
    s.head = h ? n : 0, n *= h ? a->heads : 1;
    s.batch = b ? n : 0, n *= b ? a->batch : 1;
    *count = n;
    return s;
}

typedef struct {
    tn_attention a;
    int64_t lists[3][4];
    void *owned[16];
    int n;
    int64_t y_floats, qk_floats;
} random_case;

static void *own(random_case *c, void *p) { return c->owned[c->n++] = p; }

static void make(random_case *c, int round) {
    *c = (random_case){ .a = { .type = TN_F32, .left = -1, .right = -1 } };
    tn_attention *a = &c->a;
    bool large = round % 16 == 0;
    int64_t count;
    a->batch = pick(1, 3), a->kv_heads = pick(1, 3), a->heads = a->kv_heads * pick(1, 3);
    a->rows = large ? pick(1, 150) : pick(1, 20), a->keys = large ? pick(700, 1300) : pick(0, 60);
    a->size_k = pick(1, 40), a->size_v = pick(1, 40);
    a->q = own(c, values(a->batch * a->heads * a->rows * a->size_k));
    a->k = own(c, values(a->batch * a->kv_heads * a->keys * a->size_k));
    a->v = own(c, values(a->batch * a->kv_heads * a->keys * a->size_v));
    a->stride_q = layout(a->heads, a->rows, a->size_k);
    a->stride_k = layout(a->kv_heads, a->keys, a->size_k);
    a->stride_v = layout(a->kv_heads, a->keys, a->size_v);
    a->stride_y = layout(a->heads, a->rows, a->size_v);
    c->y_floats = a->batch * a->heads * a->rows * a->size_v;
    c->qk_floats = a->batch * a->heads * a->rows * a->keys;
    a->scale = chance(50) ? 0.3 : 1.1;
    if (chance(30)) a->softcap = 1.5;
    for (int64_t b = 0; b < a->batch; b++) {
        c->lists[0][b] = pick(-1, 5);
        c->lists[1][b] = chance(20) ? 0 : pick(0, a->keys + 2);
        c->lists[2][b] = pick(-4, 8);
    }
    if (chance(20)) a->first = c->lists[0];
    if (chance(40)) a->length = c->lists[1];
    if (chance(30)) a->offset = c->lists[2];
    if (chance(40)) a->right = pick(0, 3) ? 0 : 4;
    if (chance(30)) a->left = pick(0, 9);
    if (chance(40)) {
        a->stride_allow = mask_layout(a, &count);
        uint8_t *m = own(c, malloc((size_t)count + 1));
        for (int64_t i = 0; i < count; i++) m[i] = (uint8_t)pick(0, 3);
        a->allow = m;
    }
    if (chance(40)) {
        a->stride_bias = mask_layout(a, &count);
        float *m = own(c, values(count));
        for (int64_t i = 0; i < count; i++)
            if (chance(20)) m[i] = -INFINITY;
        a->bias = m;
    }
    if (chance(20)) a->sink = own(c, values(a->heads));
    if (chance(40)) { /* rows that are chosen throughout, among others */
        static const double fills[] = { -64, -INFINITY, 0.5 };
        a->stride_choice = mask_layout(a, &count);
        uint8_t *m = own(c, malloc((size_t)count + 1));
        for (int64_t i = 0; i < count; i++) m[i] = (uint8_t)(i / (a->keys + 1) % 2 ? pick(0, 1) : 1);
        a->choice = m, a->fill_where = chance(60), a->fill = fills[pick(0, 2)];
    }
    if (chance(30)) { /* as the pieces say it: masks are numbers, NaN is one of them */
        a->literal = true;
        a->first = a->length = a->offset = NULL, a->allow = NULL, a->sink = NULL;
        a->left = a->right = -1, a->softcap = 0;
        if (a->keys && chance(30)) ((float *)a->k)[pick(0, a->batch * a->kv_heads * a->keys * a->size_k - 1)] = NAN;
    }
    a->qk_mode = (tn_qk_mode)pick(0, 3);
}

/* NaN is where it should be, and nowhere else. */
static void compare(const float *want, const float *got, int64_t n, const char *what, int round) {
    for (int64_t i = 0; i < n; i++)
        check((isnan(want[i]) && isnan(got[i])) || want[i] == got[i] ||
                  fabsf(want[i] - got[i]) <= 2e-5f * (1 + fabsf(want[i])),
              "round %d, %s at %ld: %g, not %g\n", round, what, (long)i, (double)got[i], (double)want[i]);
}

static void agrees_with_the_definition(void **state) {
    tn_pool *pool;
    check_ok(tn_pool_new(2, false, &pool));
    for (int round = 0; round < 250; round++) {
        random_case c;
        make(&c, round);
        bool wants = !c.a.literal && chance(40);
        float *y[2], *qk[2];
        for (int i = 0; i < 2; i++) {
            y[i] = own(&c, values(c.y_floats)), qk[i] = own(&c, values(c.qk_floats));
            for (int64_t k = 0; k < c.y_floats; k++) y[i][k] = NAN;
            for (int64_t k = 0; k < c.qk_floats; k++) qk[i][k] = NAN;
        }
        c.a.y = y[0], c.a.qk = wants ? qk[0] : NULL;
        check_ok(tn_attention_ref(&c.a));
        for (size_t s = 0; s < TN_COUNT(sets); s++) {
            if (sets[s] & ~tn_cpu_detected()) continue;
            tn_kernels k;
            tn_kernels_fill(&k, sets[s]);
            c.a.y = y[1], c.a.qk = wants ? qk[1] : NULL;
            tn_pool *some = round % 2 ? pool : NULL;
            void *scratch = tn_mem_alloc(tn_attention_scratch(&k, &c.a, tn_pool_threads(some)), TN_MEM_SCRATCH);
            check_ok(tn_attention_run(&k, &c.a, scratch, some));
            tn_mem_free(scratch);
            compare(y[0], y[1], c.y_floats, "y", round);
            if (wants) compare(qk[0], qk[1], c.qk_floats, "scores", round);
        }
        while (c.n) free(c.owned[--c.n]);
    }
    tn_pool_free(&pool);
}

/* Garbage in the padding of a cache is not read; a row that sees nothing is zero. */
static void padding_is_not_read(void **state) {
    float q[20 * 4], k[24 * 4], v[24 * 4], y[20 * 4];
    for (int i = 0; i < 80; i++) q[i] = 0.1f;
    for (int i = 0; i < 96; i++) k[i] = v[i] = i < 40 ? 1.0f : NAN;
    tn_attention a = { .type = TN_F32,
                       .batch = 1,
                       .heads = 1,
                       .kv_heads = 1,
                       .rows = 20,
                       .keys = 24,
                       .size_k = 4,
                       .size_v = 4,
                       .q = q,
                       .k = k,
                       .v = v,
                       .y = y,
                       .scale = 1,
                       .left = -1,
                       .right = 0 };
    a.stride_q = a.stride_k = a.stride_v = a.stride_y = (tn_attention_stride){ 0, 0, 4 };
    a.length = (int64_t[]){ 10 }, a.offset = (int64_t[]){ -10 };
    void *scratch = tn_mem_alloc(tn_attention_scratch(NULL, &a, 1), TN_MEM_SCRATCH);
    check_ok(tn_attention_run(NULL, &a, scratch, NULL));
    tn_mem_free(scratch);
    for (int i = 0; i < 80; i++) assert_true(i < 40 ? y[i] == 0 : fabsf(y[i] - 1) < 1e-6f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_definition),
        cmocka_unit_test(padding_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
