/* kernel_check.c - seeds, guarded memory, comparison and report of the kernel tests. */
#include "lib/kernel_check.h"
#include "base/clock.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ZONE = 128, REPEATS = 20, SHOWN = 20 };
#define POISON 0x7fbadbadu /* a NaN nobody computes */

typedef struct block {
    struct block *next;
    uint8_t *base, *data;
    size_t bytes;
} block;

struct check_state {
    const char *family, *name;
    block *blocks;
    long failures, of_case;
    bool timed;
    uint64_t t0, best, total;
};

/* The levels, as TN_CPU names them; those whose features the machine lacks are left out, and the report says so. */
static const char *const levels[] = { "ref", "avx2", "avx512", "avx512vnni", "avx512bf16" };

/* --------------------------------------------------------------------------------------------------------- random */

static uint64_t mix(uint64_t x) { /* splitmix64 */
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

uint64_t check_random(check_ctx *c) { return mix(c->state++); }

int64_t check_int(check_ctx *c, int64_t lo, int64_t hi) {
    return lo + (int64_t)(check_random(c) % (uint64_t)(hi - lo + 1));
}

bool check_chance(check_ctx *c, int percent) { return check_int(c, 0, 99) < percent; }

size_t check_size(check_ctx *c, size_t max) {
    int64_t top = (int64_t)max, n = check_int(c, 0, top);
    if (check_chance(c, 25))
        n = check_int(c, 0, 19);
    else if (check_chance(c, 33))
        n = (INT64_C(1) << check_int(c, 2, 12)) + check_int(c, -1, 1);
    return (size_t)(n > top ? check_int(c, 0, top) : n);
}

float check_float(check_ctx *c, float lo, float hi) {
    return lo + (hi - lo) * (float)(check_random(c) >> 40) * 0x1p-24f;
}

/* --------------------------------------------------------------------------------------------------------- memory */

static void fill_poison(uint8_t *p, size_t bytes) {
    uint32_t v = POISON;
    for (size_t i = 0; i < bytes; i++) p[i] = (uint8_t)(v >> (i % 4 * 8));
}

static uint8_t *guarded(check_ctx *c, size_t bytes, size_t offset) {
    block *b = calloc(1, sizeof *b);
    uint8_t *base = aligned_alloc(64, (bytes + offset + 2 * ZONE + 63) / 64 * 64);
    if (!b || !base) {
        fprintf(stderr, "out of memory in a kernel test\n");
        exit(2);
    }
    *b = (block){ .next = c->run->blocks, .base = base, .data = base + ZONE + offset, .bytes = bytes };
    fill_poison(b->data - ZONE, bytes + 2 * ZONE);
    c->run->blocks = b;
    return b->data;
}

void *check_aligned(check_ctx *c, size_t bytes) { return guarded(c, bytes, 0); }

void *check_out(check_ctx *c, size_t bytes) {
    return guarded(c, bytes, check_chance(c, 50) ? 0 : 4 * check_random(c) % 64);
}

float *check_floats(check_ctx *c, size_t n) {
    float *p = check_out(c, n * sizeof *p);
    for (size_t i = 0; i < n; i++) p[i] = check_float(c, -1.0f, 1.0f);
    return p;
}

uint8_t *check_bytes(check_ctx *c, size_t bytes) {
    uint8_t *p = guarded(c, bytes, check_chance(c, 50) ? 0 : check_random(c) % 64);
    for (size_t i = 0; i < bytes; i++) p[i] = (uint8_t)check_random(c);
    return p;
}

static void release(check_ctx *c) {
    uint8_t zone[ZONE];
    while (c->run->blocks) {
        block *b = c->run->blocks;
        fill_poison(zone, ZONE);
        if (memcmp(b->data - ZONE, zone, ZONE)) check_fail(c, "wrote before a buffer of %zu bytes", b->bytes);
        for (size_t i = 0; i < ZONE; i++) zone[i] = (uint8_t)((uint32_t)POISON >> ((b->bytes + i) % 4 * 8));
        if (memcmp(b->data + b->bytes, zone, ZONE - 64)) check_fail(c, "wrote past a buffer of %zu bytes", b->bytes);
        c->run->blocks = b->next;
        free(b->base);
        free(b);
    }
}

/* ----------------------------------------------------------------------------------------------------- comparison */

void check_fail(check_ctx *c, const char *fmt, ...) {
    c->run->failures++;
    if (++c->run->of_case > SHOWN) return;
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "FAIL %s/%s on %s, seed %llu: ", c->run->family, c->run->name, c->variant,
            (unsigned long long)c->seed);
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\n");
    va_end(ap);
}

bool check_untouched(const float *p) {
    uint32_t u;
    memcpy(&u, p, sizeof u);
    return u == POISON;
}

static bool close_to(float got, float want, double abs, double rel) {
    if (isnan(want) || isnan(got)) return isnan(want) && isnan(got);
    if (isinf(want) || isinf(got)) return want == got;
    return fabs((double)got - (double)want) <= abs + rel * fabs((double)want);
}

void check_close(check_ctx *c, const float *got, const float *want, size_t n, double abs, double rel) {
    check_close_2d(c, got, want, 1, n, n, abs, rel);
}

void check_close_2d(check_ctx *c, const float *got, const float *want, size_t m, size_t n, size_t ld, double abs,
                    double rel) {
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            float g = got[i * ld + j], w = want[i * ld + j];
            bool same = !check_untouched(&got[i * ld + j]) && close_to(g, w, abs, rel);
            if (same) continue;
            check_fail(c, "[%zu, %zu] of [%zu, %zu]: %.9g, should be %.9g (allowed %.3g + %.3g relative)", i, j, m, n,
                       (double)g, (double)w, abs, rel);
            return;
        }
        for (size_t j = n; j < ld && i + 1 < m; j++)
            if (!check_untouched(&got[i * ld + j])) {
                check_fail(c, "wrote between rows, at row %zu, column %zu of %zu", i, j, n);
                return;
            }
    }
}

void check_same(check_ctx *c, const void *got, const void *want, size_t bytes) {
    const uint8_t *g = got, *w = want;
    for (size_t i = 0; i < bytes; i++)
        if (g[i] != w[i]) {
            check_fail(c, "byte %zu of %zu: %u, should be %u", i, bytes, g[i], w[i]);
            return;
        }
}

/* --------------------------------------------------------------------------------------------------------- running */

/* -1: how many repetitions; 0: start; > 0: stop, with that many left (1: the last). */
int check_timing(check_ctx *c, int what) {
    struct check_state *r = c->run;
    if (what < 0) {
        r->best = UINT64_MAX;
        return r->timed ? REPEATS : 0;
    }
    if (what == 0) {
        r->t0 = tn_clock_ns();
        return 0;
    }
    uint64_t t = tn_clock_ns() - r->t0;
    if (t < r->best) r->best = t;
    if (what == 1) r->total += r->best;
    return 0;
}

static void run_case(struct check_state *run, const check_case *cs, const tn_kernels *ref, const tn_kernels *fast,
                     const char *variant, uint64_t seed, int rounds) {
    run->name = cs->name;
    run->of_case = 0;
    for (int i = 0; i < rounds; i++) {
        check_ctx c = { .ref = ref, .fast = fast, .is_ref = fast->cpu == TN_CPU_ANY, .variant = variant, .run = run };
        c.seed = seed + (uint64_t)i;
        c.state = mix(c.seed) << 16;
        cs->run(&c);
        release(&c);
    }
}

static long env_number(const char *name, long otherwise) {
    const char *s = getenv(name);
    return s && *s ? strtol(s, NULL, 10) : otherwise;
}

int check_main(const char *family, const check_case *cases, size_t n, int argc, char **argv) {
    struct check_state run = { .family = family, .timed = env_number("TN_CHECK_TIME", 0) != 0 };
    uint64_t seed = (uint64_t)env_number("TN_CHECK_SEED", 1);
    long times = env_number("TN_CHECK_ROUNDS", 1);
    static tn_kernels ref, fast;
    int passed = 0, failed = 0, skipped = 0; /* a case counts once per instruction set */
    double *ref_time = calloc(n, sizeof *ref_time);
    if (!ref_time) return 2;
    tn_kernels_fill(&ref, TN_CPU_ANY);
    for (size_t l = 0; l < sizeof levels / sizeof *levels; l++) {
        int mask = tn_cpu_parse(levels[l]);
        if (mask < 0 || ((unsigned)mask & ~tn_cpu_detected())) {
            printf("%s: %s not tested: this machine lacks it\n", family, levels[l]);
            skipped += (int)n;
            continue;
        }
        tn_kernels_fill(&fast, (unsigned)mask);
        long before = run.failures;
        for (size_t i = 0; i < n; i++) {
            if (argc > 1 && strcmp(argv[1], cases[i].name)) continue;
            long failures = run.failures;
            run.total = 0;
            run_case(&run, &cases[i], &ref, &fast, levels[l], seed, (int)(cases[i].rounds * times));
            run.failures == failures ? passed++ : failed++;
            if (l == 0) ref_time[i] = (double)run.total;
            if (run.timed && run.total)
                printf("  %-10s %-24s %12.1f us %8.2f x ref\n", levels[l], cases[i].name, (double)run.total * 1e-3,
                       ref_time[i] / (double)run.total);
        }
        printf("%s: %s %s\n", family, levels[l], run.failures == before ? "good" : "FAILED");
    }
    free(ref_time);
    printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
    return run.failures ? 1 : 0;
}
