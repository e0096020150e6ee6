/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* kernel_check.c - seeds, guarded memory, comparison and report of the kernel tests. */
#include "lib/kernel_check.h"
#include "base/clock.h"
#include "emulated/sets.h"
#include "lib/share.h"
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__has_feature)
#define HAS_ASAN __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#else
#define HAS_ASAN 0
#endif
#if HAS_ASAN
#include <sanitizer/asan_interface.h>
#define HIDE(p, n) ASAN_POISON_MEMORY_REGION(p, (size_t)(n))
#define SHOW(p, n) ASAN_UNPOISON_MEMORY_REGION(p, (size_t)(n))
#else
#define HIDE(p, n) (void)0
#define SHOW(p, n) (void)0
#endif

enum { ZONE = 128, REPEATS = 20, SHOWN = 20, SIZES = 40 };
#define POISON 0x7fbadbadu /* a NaN nobody computes */

/* Pages between two that nobody may touch; kept for the next case, by size. */
typedef struct region {
    struct region *next;
    uint8_t *begin, *end;
    int size; /* 2^size pages */
} region;

typedef struct block {
    struct block *next;
    region *in;
    uint8_t *data;
    size_t bytes;
} block;

struct check_state {
    const char *family, *name;
    block *blocks;
    region *unused[SIZES];
    tn_pool *pools[2];
    long failures, of_case;
    bool timed;
    uint64_t t0, best, total;
};

/* The levels, as TN_CPU names them. */
static const char *const levels[] = { "ref", "avx2", "avxvnni", "avx512", "avx512vnni", "avx512bf16" };

static long env_number(const char *name, long otherwise) {
    const char *s = getenv(name);
    return s && *s ? strtol(s, NULL, 10) : otherwise;
}

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

/* Up to ZONE bytes on either side of a buffer are poison; AddressSanitizer hides all that is left of the pages. */
static uint8_t *zone_before(const block *b) { return b->data - b->in->begin < ZONE ? b->in->begin : b->data - ZONE; }
static uint8_t *zone_behind(const block *b) {
    return b->in->end - b->data - (ptrdiff_t)b->bytes < ZONE ? b->in->end : b->data + b->bytes + ZONE;
}
static uint8_t poison_at(const block *b, const uint8_t *p) {
    return (uint8_t)(POISON >> ((uintptr_t)(p - b->data) % 4 * 8));
}

static void fill_poison(const block *b) {
    const uint32_t v = POISON;
    uint8_t *p = zone_before(b), *end = zone_behind(b);
    for (; (p - b->data) % 4; p++) *p = poison_at(b, p);
    for (; end - p >= 4; p += 4) memcpy(p, &v, 4);
    for (; p < end; p++) *p = poison_at(b, p);
}

static void give_up(const char *what) {
    fprintf(stderr, "%s in a kernel test\n", what);
    exit(2);
}

static region *region_of(check_ctx *c, size_t bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = page;
    int k = 0;
    while (size < bytes) size *= 2, k++;
    if (k >= SIZES) give_up("too much memory");
    region *r = c->run->unused[k];
    if (r) {
        c->run->unused[k] = r->next;
        return r;
    }
    uint8_t *p = mmap(NULL, size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    r = calloc(1, sizeof *r);
    if (!r || p == MAP_FAILED || mprotect(p + page, size, PROT_READ | PROT_WRITE)) give_up("out of memory");
    *r = (region){ .begin = p + page, .end = p + page + size, .size = k };
    return r;
}

typedef enum { AT_END, AT_BEGIN, BETWEEN } place;

/* An emulator's masked loads may touch what their mask leaves out: no buffer beside a page then. */
static bool no_guards(void) {
    static int v = -1;
    if (v < 0) v = env_number("TN_CHECK_GUARDS", 1) == 0;
    return v;
}

/* align: of the address; at the end of the pages it is what the size leaves. */
static uint8_t *guarded(check_ctx *c, size_t bytes, size_t align, place where) {
    size_t room = bytes + 2 * ZONE + 64;
    block *b = calloc(1, sizeof *b);
    if (!b) give_up("out of memory");
    region *r = region_of(c, room);
    uint8_t *p = r->begin;
    if (no_guards()) where = BETWEEN;
    if (where == AT_END) p = (uint8_t *)(((uintptr_t)r->end - bytes) / align * align);
    if (where == BETWEEN) p += ZONE + (align < 64 ? check_random(c) % 64 / align * align : 0);
    *b = (block){ .next = c->run->blocks, .in = r, .data = p, .bytes = bytes };
    fill_poison(b);
    HIDE(r->begin, p - r->begin);
    HIDE(p + bytes, r->end - p - bytes);
    c->run->blocks = b;
    return p;
}

void *check_aligned(check_ctx *c, size_t bytes) { return guarded(c, bytes, 64, (place)check_int(c, 0, 2)); }

/* Elements of 4 bytes where the size is of such, else bytes. */
void *check_out(check_ctx *c, size_t bytes) {
    return guarded(c, bytes,
                   bytes % 2   ? 1
                   : bytes % 4 ? 2
                               : 4,
                   check_chance(c, 40) ? AT_END : (place)check_int(c, AT_BEGIN, BETWEEN));
}

float *check_floats(check_ctx *c, size_t n) {
    float *p = check_out(c, n * sizeof *p);
    for (size_t i = 0; i < n; i++) p[i] = check_float(c, -1.0f, 1.0f);
    return p;
}

uint8_t *check_bytes(check_ctx *c, size_t bytes) {
    uint8_t *p = guarded(c, bytes, 1, (place)check_int(c, 0, 2));
    for (size_t i = 0; i < bytes; i++) p[i] = (uint8_t)check_random(c);
    return p;
}

static void release(check_ctx *c) {
    while (c->run->blocks) {
        block *b = c->run->blocks;
        region *r = b->in;
        SHOW(r->begin, r->end - r->begin);
        const uint8_t *p = zone_before(b), *behind = b->data + b->bytes, *end = zone_behind(b);
        while (p < b->data && *p == poison_at(b, p)) p++;
        if (p < b->data) check_fail(c, "wrote before a buffer of %zu bytes", b->bytes);
        while (behind < end && *behind == poison_at(b, behind)) behind++;
        if (behind < end) check_fail(c, "wrote past a buffer of %zu bytes", b->bytes);
        c->run->blocks = b->next;
        r->next = c->run->unused[r->size];
        c->run->unused[r->size] = r;
        free(b);
    }
}

tn_pool *check_pool(check_ctx *c) {
    int threads = (int)check_int(c, 1, 3);
    if (threads == 1) return NULL;
    tn_pool **p = &c->run->pools[threads - 2];
    if (!*p && tn_pool_new(threads, false, p) != TN_OK) give_up(tn_error());
    return *p;
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

bool check_untouched_bytes(const void *begin, size_t from, size_t n) {
    const uint8_t *p = begin;
    for (size_t i = from; i < from + n; i++)
        if (p[i] != (uint8_t)(POISON >> (i % 4 * 8))) return false;
    return true;
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

/* ------------------------------------------------------------------------------------------- a fault, in words */

static struct {
    const char *family, *name, *variant;
    unsigned long long seed;
} now;

static void put(const char *s) {
    if (write(STDERR_FILENO, s, strlen(s)) < 0) return;
}

static void fault(int sig) {
    char digits[24], *d = digits + sizeof digits - 1;
    unsigned long long n = now.seed;
    *d = 0;
    do *--d = (char)('0' + n % 10);
    while (n /= 10);
    put("FAIL "), put(now.family), put("/"), put(now.name), put(" on "), put(now.variant), put(", seed "), put(d);
    put(sig == SIGILL ? ": an instruction that this machine lacks\n" : ": read or wrote outside its buffers\n");
    signal(sig, SIG_DFL); /* again, for a debugger, a core or a sanitizer's report */
}

/* ------------------------------------------------------------------------------------------------------ variants */

typedef struct {
    char name[32];
    int share; /* of the rounds: one in so many */
    tn_kernels k;
} variant;

/* The part of the tables that the test is named after; all of them when it is named after none. */
static bool same_tables(const char *family, const tn_kernels *a, const tn_kernels *b) {
#define X(name) \
    if (!strcmp(family, #name)) return !memcmp(&a->name, &b->name, sizeof a->name);
    TN_KERNEL_FAMILIES(X)
#undef X
#define X(name) &&!memcmp(&a->name, &b->name, sizeof a->name)
    return true TN_KERNEL_FAMILIES(X);
#undef X
}

static bool known(const char *family, const variant *v, size_t n, const tn_kernels *k) {
    for (size_t i = 0; i < n; i++)
        if (same_tables(family, &v[i].k, k)) return true;
    return false;
}

/* Plain C first, then native levels, then emulated ones; a level that changes nothing for this family is left out. */
static size_t list_variants(const char *family, variant *v) {
    size_t n = 0;
    long emulated = env_number("TN_CHECK_EMULATED", -1);
    for (size_t e = 0; e < 2; e++)
        for (size_t l = e; l < sizeof levels / sizeof *levels; l++) {
            unsigned mask = (unsigned)tn_cpu_parse(levels[l]);
            tn_kernels here, all;
            tn_kernels_fill(&here, mask & tn_cpu_detected()); /* a level may name features that it can do without */
            tn_kernels_fill(&all, mask);
            bool native = same_tables(family, &here, &all);
            if (e ? emulated == 0 : !native) continue;
            v[n] = (variant){ .share = e && native && emulated < 1 ? 4 : 1, .k = here };
            snprintf(v[n].name, sizeof v[n].name, "%s%s", e ? "emulated_" : "", levels[l]);
            if (e) tn_kernels_fill_from(&v[n].k, mask, emulated_sets, emulated_sets_count);
            if (!known(family, v, n, &v[n].k)) n++;
        }
    return n;
}

static void run_case(struct check_state *run, const check_case *cs, const variant *ref, const variant *v, uint64_t seed,
                     int rounds) {
    run->name = now.name = cs->name;
    run->of_case = 0;
    for (int i = 0; i < rounds; i++) {
        check_ctx c = { .ref = &ref->k, .fast = &v->k, .is_ref = v == ref, .variant = v->name, .run = run };
        c.seed = now.seed = seed + (uint64_t)i;
        c.state = mix(c.seed) << 16;
        cs->run(&c);
        release(&c);
    }
}

int check_main(const char *family, const check_case *cases, size_t n, int argc, char **argv) {
    struct check_state run = { .family = family, .timed = env_number("TN_CHECK_TIME", 0) != 0 };
    uint64_t seed = (uint64_t)env_number("TN_CHECK_SEED", 1);
    long times = env_number("TN_CHECK_ROUNDS", 1), share = check_share();
    const char *only = getenv("TN_CHECK_VARIANT");
    static variant v[2 * sizeof levels / sizeof *levels];
    int passed = 0, failed = 0; /* a case counts once per variant */
    double *ref_time = calloc(n, sizeof *ref_time);
    if (!ref_time) return 2;
    now.family = family;
    signal(SIGSEGV, fault), signal(SIGBUS, fault), signal(SIGILL, fault);
    size_t count = list_variants(family, v);
    for (size_t k = 0; k < count; k++) {
        if (only && *only && strcmp(only, v[k].name)) continue;
        long before = run.failures;
        now.variant = v[k].name;
        for (size_t i = 0; i < n; i++) {
            if (argc > 1 && strcmp(argv[1], cases[i].name)) continue;
            long failures = run.failures;
            run.total = 0;
            long rounds = cases[i].rounds * times / (v[k].share * share);
            run_case(&run, &cases[i], &v[0], &v[k], seed, (int)(rounds ? rounds : 1));
            if (k == 0) ref_time[i] = (double)run.total;
            run.failures == failures ? passed++ : failed++;
            if (run.timed && run.total)
                printf("  %-20s %-24s %12.1f us %8.2f x ref\n", v[k].name, cases[i].name, (double)run.total * 1e-3,
                       ref_time[i] / (double)run.total);
        }
        printf("%s: %s %s\n", family, v[k].name, run.failures == before ? "good" : "FAILED");
    }
    for (size_t i = 0; i < TN_COUNT(run.pools); i++) tn_pool_free(&run.pools[i]);
    for (int k = 0; k < SIZES; k++)
        for (region *r = run.unused[k], *next; r; r = next) next = r->next, free(r); /* the pages go with the process */
    free(ref_time);
    printf("%d passed, %d failed, 0 skipped\n", passed, failed);
    return run.failures ? 1 : 0;
}
