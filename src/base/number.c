/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* number.c - numbers from text and to text under any locale. The C library rounds correctly and prints exactly, so it
 * does the arithmetic, in a locale object of ours; what is a number, and where it ends, is decided here. */
#include "base/number.h"
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Digits that are kept. A number halfway between two float64 has at most 768 significant digits, so behind that many
 * it only matters whether another digit is not zero: one digit more says so. */
#define DIGITS 768
#define FAR    INT64_C(1000000) /* an exponent beyond every float's, however the digits stand */

static locale_t c_locale;

static void make_locale(void) { c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0); }

/* The locale "C" is part of the C library: it is always there. */
static locale_t locale_c(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_locale);
    return c_locale;
}

/* ---------------------------------------------------------------------------------------------------- whole numbers */

/* A NUL fits nothing that is looked for, so that a text without an end ends there without being measured first. */
typedef struct {
    const char *p, *end;
} reader;

static bool eat(reader *r, char c) {
    if (r->p == r->end || *r->p != c) return false;
    r->p++;
    return true;
}

/* A sign, if there is one; is it a minus? */
static bool eat_minus(reader *r) { return !eat(r, '+') && eat(r, '-'); }

/* The value of a digit, or -1. */
static int digit(const reader *r, int base) {
    if (r->p == r->end) return -1;
    int c = (unsigned char)*r->p, low = c | 0x20;
    if (c >= '0' && c <= '9') return c - '0';
    return base == 16 && low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/* Sign and magnitude; the magnitude stops at UINT64_MAX. */
static bool take_whole(reader *r, bool *minus, uint64_t *size, bool *over) {
    *minus = eat_minus(r), *size = 0, *over = false;
    if (digit(r, 10) < 0) return false;
    for (int d; (d = digit(r, 10)) >= 0; r->p++)
        if (__builtin_mul_overflow(*size, 10u, size) || __builtin_add_overflow(*size, (uint64_t)d, size))
            *over = true, *size = UINT64_MAX;
    if (*over) *size = UINT64_MAX;
    return true;
}

tn_number tn_take_i64(const char **p, const char *end, int64_t *out) {
    reader r = { *p, end };
    bool minus, over;
    uint64_t size;
    if (!take_whole(&r, &minus, &size, &over)) return TN_NUMBER_NONE;
    *p = r.p;
    uint64_t most = (uint64_t)INT64_MAX + minus;
    over |= size > most;
    if (over) size = most;
    *out = minus ? (int64_t)(0 - size) : (int64_t)size;
    return over ? TN_NUMBER_RANGE : TN_NUMBER_READ;
}

tn_number tn_take_u64(const char **p, const char *end, uint64_t *out) {
    reader r = { *p, end };
    bool minus, over;
    uint64_t size;
    if (!take_whole(&r, &minus, &size, &over)) return TN_NUMBER_NONE;
    *p = r.p;
    over |= minus && size;
    *out = minus ? 0 : size;
    return over ? TN_NUMBER_RANGE : TN_NUMBER_READ;
}

bool tn_parse_i64(const char *s, int64_t lo, int64_t hi, int64_t *out) {
    int64_t v;
    if (tn_take_i64(&s, NULL, &v) != TN_NUMBER_READ || *s || v < lo || v > hi) return false;
    *out = v;
    return true;
}

bool tn_parse_int(const char *s, int lo, int hi, int *out) {
    int64_t v;
    if (!tn_parse_i64(s, lo, hi, &v)) return false;
    *out = (int)v; /* within two ints */
    return true;
}

/* ----------------------------------------------------------------------------------------------------------- floats */

/* A number as the C library shall see it: sign, digits without a point, exponent; of bounded length. */
typedef struct {
    char text[DIGITS + 40];
    size_t n;
    int kept;      /* significant digits in text */
    bool any;      /* a digit was read */
    int64_t point; /* the value is 0.DIGITS x base^point, before the exponent */
    bool rest;     /* digits that were dropped are not all zero */
} plain;

static void put_digit(plain *d, char c, bool before_point) {
    d->any = true;
    if (!d->kept && c == '0') { /* leading zeros count for the point alone */
        d->point -= !before_point;
        return;
    }
    d->point += before_point;
    if (d->kept < DIGITS)
        d->text[d->n++] = c, d->kept++;
    else
        d->rest |= c != '0';
}

static void take_digits(reader *r, int base, plain *d) {
    for (; digit(r, base) >= 0; r->p++) put_digit(d, *r->p, true);
    reader point = *r;
    if (!eat(r, '.')) return;
    for (; digit(r, base) >= 0; r->p++) put_digit(d, *r->p, false);
    if (!d->any) *r = point; /* a lone point is no number */
}

/* "e-12" behind the digits, 0 when there is none: an e without digits does not belong to the number. */
static int64_t take_exponent(reader *r, char letter) {
    reader at = *r;
    bool minus, over;
    uint64_t size;
    if (at.p == at.end || (*at.p | 0x20) != letter) return 0;
    at.p++;
    if (!take_whole(&at, &minus, &size, &over)) return 0;
    *r = at;
    int64_t most = INT64_MAX / 4, e = size > (uint64_t)most ? most : (int64_t)size;
    return minus ? -e : e;
}

static int64_t clamp(int64_t v) { return v < -FAR ? -FAR : v > FAR ? FAR : v; }

/* Digits and exponent in the base, behind what text already holds. */
static bool take_scaled(reader *r, int base, plain *d) {
    take_digits(r, base, d);
    if (!d->any) return false;
    int64_t e = take_exponent(r, base == 10 ? 'e' : 'p'), step = base == 10 ? 1 : 4;
    if (d->rest) d->text[d->n++] = '1';
    if (d->kept)
        e = clamp(e + step * (d->point - d->kept - d->rest));
    else
        d->text[d->n++] = '0', e = 0;
    d->n += (size_t)snprintf(d->text + d->n, sizeof d->text - d->n, "%c%d", base == 10 ? 'e' : 'p', (int)e);
    return true;
}

static bool take_word(reader *r, const char *word) {
    const char *p = r->p;
    for (; *word; word++, p++)
        if (p == r->end || (*p | 0x20) != *word) return false;
    r->p = p;
    return true;
}

/* "0x" counts only when a digit follows: otherwise the number is the zero. */
static bool take_hex(reader *r, plain *d) {
    reader at = *r;
    if (!eat(&at, '0') || at.p == at.end || (*at.p | 0x20) != 'x') return false;
    at.p++;
    plain hex = *d;
    hex.text[hex.n++] = '0', hex.text[hex.n++] = 'x';
    if (!take_scaled(&at, 16, &hex)) return false;
    *d = hex, *r = at;
    return true;
}

/* What the C library shall convert, in d->text. */
static bool take_float(reader *r, plain *d) {
    reader at = *r;
    d->n = 0, d->kept = 0, d->point = 0, d->any = d->rest = false;
    if (eat_minus(&at)) d->text[d->n++] = '-';
    if (take_word(&at, "infinity") || take_word(&at, "inf")) {
        memcpy(d->text + d->n, "inf", 4);
    } else if (take_word(&at, "nan")) {
        memcpy(d->text + d->n, "nan", 4);
    } else if (!take_hex(&at, d) && !take_scaled(&at, 10, d)) {
        return false;
    }
    *r = at;
    return true;
}

tn_number tn_take_f64(const char **p, const char *end, double *out) {
    reader r = { *p, end };
    plain d;
    if (!take_float(&r, &d)) return TN_NUMBER_NONE;
    *p = r.p, *out = strtod_l(d.text, NULL, locale_c());
    return TN_NUMBER_READ;
}

tn_number tn_take_f32(const char **p, const char *end, float *out) {
    reader r = { *p, end };
    plain d;
    if (!take_float(&r, &d)) return TN_NUMBER_NONE;
    *p = r.p, *out = strtof_l(d.text, NULL, locale_c());
    return TN_NUMBER_READ;
}

bool tn_parse_f64(const char *s, double *out) {
    double v;
    if (tn_take_f64(&s, NULL, &v) == TN_NUMBER_NONE || *s) return false;
    *out = v;
    return true;
}

/* --------------------------------------------------------------------------------------------------------- printing */

int tn_vsnprintf(char *buf, size_t n, const char *fmt, va_list ap) {
    locale_t before = uselocale(locale_c());
    int length = vsnprintf(buf, n, fmt, ap);
    uselocale(before);
    return length;
}

int tn_snprintf(char *buf, size_t n, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    int length = tn_vsnprintf(buf, n, fmt, ap);
    va_end(ap);
    return length;
}

static bool reads_as(const char *text, double v, bool single) {
    return single ? strtof_l(text, NULL, locale_c()) == (float)v : strtod_l(text, NULL, locale_c()) == v;
}

int tn_print_f64(char *buf, size_t n, double v, bool single) {
    int length = 0, most = single ? 9 : 17; /* as many digits always do (Steele & White 1990) */
    for (int digits = 1; digits <= most; digits++) {
        length = tn_snprintf(buf, n, "%.*g", digits, v);
        if (isnan(v) || reads_as(buf, v, single)) break;
    }
    return length;
}
