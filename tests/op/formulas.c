/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* formulas.c - every formula of a gradient that stands in the sources, read by the parser that will build it: also
 * those in branches that no example takes. A formula is a literal handed to tn_grad_formula, or one that sets a
 * gradient
 * ("dx0 = ...") wherever it stands. What %d and the like print is a number; for %s each of a few texts is tried, and
 * one must fit. */
#include "base/text.h"
#include "op/core/grad.h"
#include "test.h"
#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One source file, and the words that may be names in its formulas: its literals, and what its formulas assign. */
typedef struct {
    char *text;
    char (*words)[64];
    int n, cap;
} source;

static char *read_whole(const char *path) {
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    tn_text t = { 0 };
    char piece[4096];
    for (size_t n; (n = fread(piece, 1, sizeof piece, f)) > 0;) tn_text_put(&t, piece, n);
    fclose(f);
    tn_text_put(&t, "", 1);
    assert_false(t.failed);
    return t.s;
}

static const char *past_blanks(const char *p) { /* and comments */
    for (;; p++) {
        if (p[0] == '/' && p[1] == '*')
            p = strstr(p, "*/") + 1;
        else if (!isspace((unsigned char)*p))
            return p;
    }
}

/* The adjacent string literals at *p, joined; *p moves behind them. */
static char *literal(const char **p) {
    tn_text t = { 0 };
    const char *at = *p;
    while (*at == '"') {
        for (at++; *at && *at != '"'; at++) {
            if (*at == '\\') at++;
            tn_text_put(&t, at, 1);
        }
        *p = ++at;
        at = past_blanks(at);
    }
    tn_text_put(&t, "", 1);
    return t.s;
}

static void add_word(source *s, const char *word, size_t n) {
    if (!n || n >= sizeof *s->words) return;
    if (s->n == s->cap) s->words = realloc(s->words, (size_t)(s->cap = s->cap * 2 + 64) * sizeof *s->words);
    assert_non_null(s->words);
    snprintf(s->words[s->n++], sizeof *s->words, "%.*s", (int)n, word);
}

static size_t word_length(const char *p) {
    size_t n = 0;
    while (isalnum((unsigned char)p[n]) || p[n] == '_') n++;
    return n;
}

/* What a literal may name: all of it when it is one word, and each word before a "=" or "~=" outside of braces. */
static void add_words(source *s, const char *t) {
    bool braces = false;
    if (strlen(t) == word_length(t)) add_word(s, t, strlen(t));
    for (; *t; t++) {
        braces = *t == '{' || (braces && *t != '}'); /* one may close what a placeholder opened */
        size_t n = braces ? 0 : word_length(t);
        if (!n) continue;
        const char *after = t + n + strspn(t + n, " ");
        if (*after == '=' || (*after == '~' && after[1] == '=')) add_word(s, t, n);
        t += n - 1;
    }
}

static bool known(const char *name, size_t len, void *user) {
    const source *s = user;
    for (int i = 0; i < s->n; i++)
        if (strlen(s->words[i]) == len && !memcmp(s->words[i], name, len)) return true;
    return len == 8 && !memcmp(name, "anything", 8);
}

static bool is_any(const char *type) { return !strcmp(type, "Anything"); }

/* ---------------------------------------------------------------------------------------------------- placeholders */

enum { MOST = 6 };
static const char *const stand_ins[] = { "anything", "Anything", "", ", anything", "Anything{axis=1,reduction=" };

/* fmt with numbers for numbers and, for the k-th %s, the stand-in that digit k of `choice` names. How many %s. */
static int fill(const char *fmt, int choice, tn_text *out) {
    int words = 0;
    for (const char *p = fmt; *p; p++) {
        if (*p != '%') {
            tn_text_put(out, p, 1);
            continue;
        }
        p += 1 + strspn(p + 1, "#.0123456789l");
        if (*p == 's') {
            tn_text_puts(out, stand_ins[choice % (int)TN_COUNT(stand_ins)]);
            choice /= (int)TN_COUNT(stand_ins);
            words++;
        } else {
            tn_text_puts(out, *p == '%' ? "0.5" : strchr("gfe", *p) ? "0.5" : "1");
            if (*p == '%') p += strspn(p + 1, "#.0123456789g"); /* "%%#.9g" is printed into once more */
        }
    }
    return words;
}

static bool fits(const char *fmt, source *s) {
    tn_formula_names names = { known, is_any, s };
    int choices = 1, words = 0;
    bool ok = false;
    for (int c = 0; c < choices && !ok; c++) {
        tn_text t = { 0 };
        words = fill(fmt, c, &t);
        if (c == 0)
            for (int i = 0; i < words && i < MOST; i++) choices *= (int)TN_COUNT(stand_ins);
        ok = tn_formula_check(t.s ? t.s : "", &names) == TN_OK;
        tn_text_free(&t);
    }
    return ok;
}

/* -------------------------------------------------------------------------------------------------------- sources */

static bool sets_gradient(const char *t) {
    for (; (t = strstr(t, "dx")) != NULL; t++) {
        size_t n = 2 + strspn(t + 2, "0123456789");
        n += strspn(t + n, " ");
        if (isdigit((unsigned char)t[2]) && (t[n] == '=' || (t[n] == '~' && t[n + 1] == '='))) return true;
    }
    return false;
}

/* Whether the literal at p is the format of a tn_grad_formula. */
static bool is_format(const char *from, const char *p) {
    static const char call[] = "tn_grad_formula(";
    while (p > from && isspace((unsigned char)p[-1])) p--;
    if (p == from || *--p != ',') return false;
    while (p > from && (isalnum((unsigned char)p[-1]) || strchr("_&>- .\n", p[-1]))) p--;
    return p - from >= (long)sizeof call - 1 && !memcmp(p - (sizeof call - 1), call, sizeof call - 1);
}

/* Calls fn for every literal; quotes in comments and characters are passed over. */
static int each_literal(source *s, int (*fn)(source *s, const char *at, const char *text)) {
    int sum = 0;
    for (const char *p = s->text; *p; p++) {
        if (p[0] == '/' && p[1] == '*')
            p = strstr(p, "*/") + 1;
        else if (p[0] == '\'')
            p += p[1] == '\\' ? 3 : 2;
        else if (p[0] == '"') {
            const char *at = p;
            char *text = literal(&p);
            sum += fn(s, at, text);
            tn_mem_free(text);
            p--;
        }
    }
    return sum;
}

static int collect(source *s, const char *at, const char *text) {
    (void)at;
    add_words(s, text);
    return 0;
}

static int check_one(source *s, const char *at, const char *text) {
    if (!is_format(s->text, at) && !sets_gradient(text)) return 0;
    check(fits(text, s), "\"%s\": %s\n", text, tn_error());
    return 1;
}

static int check_file(const char *path) {
    source s = { .text = read_whole(path) };
    each_literal(&s, collect);
    int n = each_literal(&s, check_one);
    tn_mem_free(s.text);
    free(s.words);
    return n;
}

static void every_formula(void **state) {
    glob_t files;
    char pattern[512];
    int n = 0;
    if (!getenv("TN_ROOT")) skip(); /* run by hand, away from the sources */
    snprintf(pattern, sizeof pattern, "%s/src/op/*/*.c", getenv("TN_ROOT"));
    assert_int_equal(glob(pattern, 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) n += check_file(files.gl_pathv[i]);
    globfree(&files);
    print_message("%d formulas\n", n);
    assert_true(n > 300);
}

/* --------------------------------------------------------------------------------------------- what would be found */

static void mistakes(void **state) {
    static const char *const wrong[] = {
        "dx0 = dy * Expp(x)",       "dx0 = Where(x, y)",       "dx0 = dy * (x0 + 1", "dx0 = dy * missing",
        "dx0 = Softmax{axs=1}(dy)", "dx0 = dy * Cast{to=1}x0", "dx0 = dy dy",        "a = ; dx0 = dy",
    };
    source s = { .text = NULL };
    for (size_t i = 0; i < TN_COUNT(wrong); i++) check(!fits(wrong[i], &s), "\"%s\" passes\n", wrong[i]);
    assert_true(fits("dx0 = %s(dy, x0); dx1 ~= -dy * x0 / 2", &s));
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_formula), cmocka_unit_test(mistakes) };
    return cmocka_run_group_tests_name("op/formulas", tests, NULL, NULL);
}
