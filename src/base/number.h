/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* number.h - numbers from text and to text, the same under every locale of the program around us. Nothing else in the
 * project calls strtod, sscanf, atoi and their kin, or prints a float by another way (tests/package/sources.sh).
 *
 * Texts are a begin and an end, or end with NUL when `end` is NULL. No blanks are skipped. Safe from many threads. */
#ifndef TN_BASE_NUMBER_H
#define TN_BASE_NUMBER_H

#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    TN_NUMBER_NONE, /* no number begins here; nothing is read, *out is untouched */
    TN_NUMBER_READ,
    TN_NUMBER_RANGE, /* whole numbers: beyond the type; read all the same, *out is the nearest that it has */
} tn_number;

/** Reads the number at *p and moves *p behind it.
 *  whole    [+-]digits. In u64 a minus is allowed before zero only.
 *  floats   [+-] digits [.digits] [e[+-]digits], or .digits; 0x1.8p3; inf, infinity, nan in any case. Rounded correctly
 *           (to nearest, ties to even) however many digits there are; beyond the type: infinity or zero. */
tn_number tn_take_i64(const char **p, const char *end, int64_t *out);
tn_number tn_take_u64(const char **p, const char *end, uint64_t *out);
tn_number tn_take_f64(const char **p, const char *end, double *out);
tn_number tn_take_f32(const char **p, const char *end, float *out);

/** The whole of a NUL-terminated text is one number of the type, within lo .. hi. Otherwise *out is untouched. */
bool tn_parse_i64(const char *s, int64_t lo, int64_t hi, int64_t *out);
bool tn_parse_int(const char *s, int lo, int hi, int *out);
bool tn_parse_f64(const char *s, double *out);

/** The fewest significant digits that read back as the same float64 (float32: `single`), as "%g" writes them; inf, nan.
 *  Returns the length; 32 bytes are always enough. */
int tn_print_f64(char *buf, size_t n, double v, bool single);

/** A size as an int, at most INT_MAX: where a count becomes one, and for the precision of %.*s, which would read
 * without bounds if it came out negative. */
static inline int tn_int_of(size_t n) { return n < (size_t)INT_MAX ? (int)n : INT_MAX; }

/** snprintf and vsnprintf with the decimal point of C. tn_text_printf, tn_fail and tn_log print by these. */
int tn_snprintf(char *buf, size_t n, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int tn_vsnprintf(char *buf, size_t n, const char *fmt, va_list ap) __attribute__((format(printf, 3, 0)));

#endif
