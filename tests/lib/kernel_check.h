/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* kernel_check.h - holds every variant of a kernel family against its plain C fill, on seeded random cases.
 *
 * A family's test is one file, tests/kernel/FAMILY.c:
 *
 *     static void add(check_ctx *c) {                            one random case: called once per round and variant
 *         size_t n = check_size(c, 300);                         0 .. 300, small and odd ones often
 *         const float *a = check_floats(c, n), *b = check_floats(c, n);     misaligned at random, red zones around
 *         float *want = check_out(c, n * 4), *got = check_out(c, n * 4);    poisoned, red zones around
 *         c->ref->vec.binary[TN_BINARY_ADD](...want...);
 *         check_call(c, c->fast->vec.binary[TN_BINARY_ADD](...got...));     also timed, with TN_CHECK_TIME=1
 *         check_close(c, got, want, n, 0, 0);
 *     }
 *     static const check_case cases[] = { { "add", add, 200 } };
 *     int main(int argc, char **argv) { return check_main("vec", cases, TN_COUNT(cases), argc, argv); }
 *
 * All variants see the same cases. The plain C fill is compared with itself too, which proves little unless the case
 * also computes the answer in another way. TN_CHECK_GUARDS=0 leaves out the forbidden pages beside buffers. A failure
 * prints family, case, variant, seed and index; TN_CHECK_SEED=N starts elsewhere, TN_CHECK_ROUNDS=N multiplies the
 * rounds, TN_CHECK_SHARE=N divides them; a name as argument runs that case alone. */
#ifndef TN_TESTS_KERNEL_CHECK_H
#define TN_TESTS_KERNEL_CHECK_H

#include "base/pool.h"
#include "kernel/kernel.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct check_ctx {
    const tn_kernels *ref, *fast; /* plain C; the variant under test */
    bool is_ref;                  /* fast is the plain C fill too */
    const char *variant;          /* "avx2", "emulated_avx2", ... */
    uint64_t seed;                /* of this case */
    uint64_t state;
    struct check_state *run;
} check_ctx;

typedef struct {
    const char *name;
    void (*run)(check_ctx *c);
    int rounds;
} check_case;

/** Runs every case on every variant: plain C, the sets this machine has, and all sets emulated (tests/emulated: built
 *  for any machine, so that one without AVX-512 checks AVX-512 too). Emulated ones that also ran natively take a
 * quarter of the rounds. TN_CHECK_VARIANT=avx2 (or emulated_avx2, ...) asks for one variant, TN_CHECK_EMULATED=0 for no
 *  emulated ones, 1 for all their rounds; builds with sanitizers have none. Returns main's exit code. */
int check_main(const char *family, const check_case *cases, size_t n, int argc, char **argv);

/* Random values; the same for every variant. */
uint64_t check_random(check_ctx *c);
int64_t check_int(check_ctx *c, int64_t lo, int64_t hi); /* lo .. hi */
size_t check_size(check_ctx *c, size_t max);             /* 0 .. max; half of them below 20 or beside a power of two */
float check_float(check_ctx *c, float lo, float hi);
bool check_chance(check_ctx *c, int percent);

/* Memory of the case: freed after it. By chance it ends where a page begins that nobody may touch, or begins where such
 * a page ends, or lies between red zones at any multiple of 4 (floats) or of nothing (bytes): reading a byte too far
 * ends the test with a sentence, writing beside a buffer is found after the case. Contents are random floats in [-1,
 * 1], bytes of the generator, or poison. */
float *check_floats(check_ctx *c, size_t n);
uint8_t *check_bytes(check_ctx *c, size_t bytes);
void *check_out(check_ctx *c, size_t bytes);     /* poisoned: every float of it is a NaN of one pattern */
void *check_aligned(check_ctx *c, size_t bytes); /* poisoned, aligned to 64: what a function asks that of */

/** No threads, two or three, by chance. The case's to use, not to free. */
tn_pool *check_pool(check_ctx *c);

/** Is the float still poison? (A kernel must not write outside its result: gaps between rows, for instance.) */
bool check_untouched(const float *p);

/** Are the bytes [from, from + n) behind the begin of a buffer still poison? */
bool check_untouched_bytes(const void *begin, size_t from, size_t n);

/** |got - want| <= abs + rel * |want| for every element; NaN only matches NaN, an infinity only itself. */
void check_close(check_ctx *c, const float *got, const float *want, size_t n, double abs, double rel);

/** The same for rows of an [m, n] block, ld apart; what lies between rows must be untouched poison in both. */
void check_close_2d(check_ctx *c, const float *got, const float *want, size_t m, size_t n, size_t ld, double abs,
                    double rel);

/** Equal bytes. */
void check_same(check_ctx *c, const void *got, const void *want, size_t bytes);

/** Reports a failure in words; the case goes on. */
void check_fail(check_ctx *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** Runs a statement once and, with TN_CHECK_TIME=1, again and again; the best time is added to the case's. The
 *  statement must be repeatable. */
#define check_call(c, ...)                                          \
    do {                                                            \
        __VA_ARGS__;                                                \
        for (int left_ = check_timing(c, -1); left_ > 0; left_--) { \
            check_timing(c, 0);                                     \
            __VA_ARGS__;                                            \
            check_timing(c, left_);                                 \
        }                                                           \
    } while (0)
int check_timing(check_ctx *c, int what);

#endif
