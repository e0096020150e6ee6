/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* text.c - operators on strings: StringNormalizer, StringConcat, StringSplit, RegexFullMatch. */
#include "base/text.h"
#include "base/budget.h"
#include "base/regex.h"
#include "base/unicode.h"
#include "base/utf8.h"
#include "op/core/grad.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include <string.h>

#define STRINGS tn_dtype_bit(TN_STRING)

/* -------------------------------------------------------------------------------------------------------- strings */

/* s with every code point mapped, in *buf; bytes that are not UTF-8 stay. */
static tn_string mapped(tn_string s, uint32_t (*map)(uint32_t), tn_text *buf) {
    buf->n = 0;
    for (size_t at = 0; at < s.len;) {
        char out[4];
        size_t begin = at;
        if (!tn_utf8_length(s.ptr + at, s.len - at)) {
            tn_text_put(buf, s.ptr + at++, 1);
            continue;
        }
        uint32_t c = tn_utf8_next(s.ptr, s.len, &at), d = map(c);
        if (c == d)
            tn_text_put(buf, s.ptr + begin, at - begin);
        else
            tn_text_put(buf, out, tn_utf8_put(d, out));
    }
    return (tn_string){ buf->s, buf->n };
}

static tn_status normalizer_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    tn_dim dims[2] = { rank == 2 ? 1 : TN_DIM_UNKNOWN, TN_DIM_UNKNOWN };
    if (rank == 0 || rank > 2 || (rank == 2 && tn_dim_known(c->in[0]->dims[0]) && c->in[0]->dims[0] != 1))
        return tn_infer_fail(c, TN_E_SHAPE, "X must have the shape [C] or [1, C]");
    tn_infer_out(c, 0, TN_STRING, rank, rank < 0 ? NULL : dims);
    return TN_OK;
}

typedef struct {
    int case_change_action;
    bool is_case_sensitive;
    tn_strings stopwords;
} normalizer;
enum { LOWER, UPPER, NONE };
#define ACTIONS "LOWER|UPPER|NONE"

/* Which elements are no stop words: keep[i]. */
static tn_status find_kept(tn_run *r, const tn_tensor *x, bool *keep, tn_text *buf, int64_t *n_kept) {
    const normalizer *a = r->attrs;
    const tn_string *s = x->data;
    bool exact = a->is_case_sensitive;
    size_t n = a->stopwords.n;
    tn_map *words = tn_map_new(n);
    tn_status st = words ? TN_OK : tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    for (size_t i = 0; i < n && st == TN_OK; i++) {
        tn_string w = exact ? a->stopwords.v[i] : mapped(a->stopwords.v[i], tn_unicode_fold, buf);
        char *kept = tn_run_scratch(r, w.len + 1);
        if (!kept || buf->failed) {
            st = tn_op_fail(r->node, TN_E_NOMEM, "no memory");
            break;
        }
        if (w.len) memcpy(kept, w.ptr, w.len);
        st = tn_map_put(words, kept, w.len, kept);
    }
    *n_kept = 0;
    for (int64_t i = 0; i < tn_count(x) && st == TN_OK; i++) {
        tn_string w = exact || !n ? s[i] : mapped(s[i], tn_unicode_fold, buf);
        keep[i] = !n || !tn_map_get(words, w.len ? w.ptr : "", w.len);
        *n_kept += keep[i];
    }
    tn_map_free(&words);
    return st;
}

/* Attribute `locale` is not asked: the simple mappings of Unicode serve every language alike. */
static tn_status normalizer_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    const tn_string *s = x->data;
    int action = ((const normalizer *)r->attrs)->case_change_action;
    bool lower = action == LOWER, upper = action == UPPER;
    int64_t n = tn_count(x), kept, k = 0;
    tn_text buf = { 0 };
    bool *keep = tn_run_scratch(r, (size_t)n + 1);
    if (!keep) return tn_op_fail(r->node, TN_E_NOMEM, "no memory");
    tn_status st = find_kept(r, x, keep, &buf, &kept);
    if (st == TN_OK)
        st = tn_run_alloc(r, 0, TN_STRING, x->rank,
                          x->rank == 2 ? (int64_t[]){ 1, kept ? kept : 1 } : (int64_t[]){ kept ? kept : 1 });
    if (st == TN_OK && !kept) st = tn_tensor_set_string(tn_out(r, 0), 0, "", 0);
    for (int64_t i = 0; i < n && st == TN_OK; i++) {
        if (!keep[i]) continue;
        tn_string w = lower || upper ? mapped(s[i], lower ? tn_unicode_lower : tn_unicode_upper, &buf) : s[i];
        st = buf.failed ? tn_op_fail(r->node, TN_E_NOMEM, "no memory")
                        : tn_tensor_set_string(tn_out(r, 0), k++, w.ptr, w.len);
    }
    tn_text_free(&buf);
    return st;
}

/* --------------------------------------------------------------------------------------------------- StringConcat */

/* Where element i of the broadcast result y comes from in x. */
static int64_t source(const tn_tensor *x, const tn_tensor *y, int64_t i) {
    int64_t at = 0, stride = 1;
    for (int d = x->rank - 1, t = y->rank - 1; d >= 0; d--, t--) {
        if (x->dims[d] > 1) at += i % y->dims[t] * stride;
        i /= y->dims[t];
        stride *= x->dims[d];
    }
    return at;
}

static tn_status concat_run(tn_run *r) {
    const tn_tensor *a = tn_in(r, 0), *b = tn_in(r, 1);
    tn_tensor *y = tn_out(r, 0);
    tn_text buf = { 0 };
    tn_status st = TN_OK;
    for (int64_t i = 0; i < tn_count(y) && st == TN_OK; i++) {
        const tn_string *u = (const tn_string *)a->data + source(a, y, i),
                        *v = (const tn_string *)b->data + source(b, y, i);
        buf.n = 0;
        tn_text_put(&buf, u->ptr, u->len);
        tn_text_put(&buf, v->ptr, v->len);
        st = buf.failed ? tn_op_fail(r->node, TN_E_NOMEM, "no memory for a string")
                        : tn_tensor_set_string(y, i, buf.s, buf.n);
    }
    tn_text_free(&buf);
    return st;
}

/* ---------------------------------------------------------------------------------------------------- StringSplit */

static tn_status split_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    tn_dim dims[TN_MAX_RANK + 1];
    if (rank >= TN_MAX_RANK)
        return tn_infer_fail(c, TN_E_SHAPE, "X has %d dimensions, and Y would have one more", rank);
    for (int i = 0; i < rank; i++) dims[i] = c->in[0]->dims[i];
    if (rank >= 0) dims[rank] = TN_DIM_UNKNOWN;
    tn_infer_out(c, 0, TN_STRING, rank < 0 ? -1 : rank + 1, rank < 0 ? NULL : dims);
    if (c->n_out > 1) tn_infer_out(c, 1, TN_I64, rank, rank < 0 ? NULL : dims);
    return TN_OK;
}

typedef struct {
    tn_string rest, delimiter; /* no delimiter: any whitespace */
    int64_t splits;            /* how many more are allowed; negative: any number */
    bool ended;
} splitter;

/* Bytes of whitespace at the front of s. */
static size_t space_at(tn_string s) {
    size_t at = 0, end = 0;
    while (at < s.len && tn_unicode_space(tn_utf8_next(s.ptr, s.len, &at))) end = at;
    return end;
}

/* Up to the next delimiter or whitespace; s.len when there is none. */
static size_t piece_at(tn_string s, tn_string delimiter) {
    if (delimiter.len && s.len) {
        const char *hit = memmem(s.ptr, s.len, delimiter.ptr, delimiter.len);
        return hit ? (size_t)(hit - s.ptr) : s.len;
    }
    for (size_t at = 0, begin = 0; at < s.len; begin = at)
        if (tn_unicode_space(tn_utf8_next(s.ptr, s.len, &at))) return begin;
    return s.len;
}

static void skip(tn_string *s, size_t n) { *s = (tn_string){ s->len ? s->ptr + n : s->ptr, s->len - n }; }

/* The next substring; false: there are no more. What is left when no more splits are allowed is one substring, with
 * its trailing whitespace, as in Python's split. */
static bool next_piece(splitter *k, tn_string *out) {
    if (k->ended) return false;
    if (!k->delimiter.len) {
        skip(&k->rest, space_at(k->rest));
        if (!k->rest.len) return false;
    }
    size_t n = k->splits == 0 ? k->rest.len : piece_at(k->rest, k->delimiter);
    *out = (tn_string){ k->rest.ptr, n };
    k->ended = n == k->rest.len;
    if (!k->ended) skip(&k->rest, n + k->delimiter.len);
    if (k->splits > 0) k->splits--;
    return true;
}

typedef struct {
    tn_string delimiter;
    int64_t maxsplit;
} splitting;

static tn_status split_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    const splitting *a = r->attrs;
    splitter proto = { .delimiter = a->delimiter, .splits = a->maxsplit };
    int64_t n = tn_count(x), most = 0, dims[TN_MAX_RANK + 1];
    int64_t *counts = tn_run_scratch(r, (size_t)(n ? n : 1) * sizeof *counts);
    if (!counts) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for %lld counts", (long long)n);
    tn_string piece;
    tn_ticks ticks = { 0 };
    for (int64_t i = 0; i < n; i++) {
        splitter k = proto;
        k.rest = ((const tn_string *)x->data)[i];
        for (counts[i] = 0; next_piece(&k, &piece);) counts[i]++;
        if (tn_ticks_stopped(&ticks, 16 + 2 * k.rest.len)) return tn_op_stopped(r);
        if (counts[i] > most) most = counts[i];
    }
    for (int d = 0; d < x->rank; d++) dims[d] = x->dims[d];
    dims[x->rank] = most;
    if (tn_run_wants(r, 1)) {
        TN_TRY(tn_run_alloc(r, 1, TN_I64, x->rank, x->dims));
        if (n) memcpy(tn_out(r, 1)->data, counts, (size_t)n * sizeof *counts);
    }
    if (!tn_run_wants(r, 0)) return TN_OK;
    TN_TRY(tn_run_alloc(r, 0, TN_STRING, x->rank + 1, dims));
    for (int64_t i = 0; i < n; i++) {
        splitter k = proto;
        k.rest = ((const tn_string *)x->data)[i];
        for (int64_t j = 0; j < most; j++) {
            if (!next_piece(&k, &piece)) piece = (tn_string){ "", 0 };
            if (tn_ticks_stopped(&ticks, 64)) return tn_op_stopped(r);
            TN_TRY(tn_tensor_set_string(tn_out(r, 0), i * most + j, piece.ptr, piece.len));
        }
    }
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------- RegexFullMatch */

static tn_status regex_infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    tn_infer_out(c, 0, TN_BOOL, rank, rank < 0 ? NULL : c->in[0]->dims);
    return TN_OK;
}

typedef struct {
    tn_string pattern;
} matching;

static tn_status regex_prepare(tn_prep *p) {
    tn_string pattern = ((const matching *)p->types.attrs)->pattern;
    tn_regex *re;
    tn_status st = tn_regex_new(pattern.ptr, pattern.len, &re);
    p->state = re;
    return st == TN_OK ? st : tn_fail_at(st, "%s", tn_node_where(p->types.node));
}

static void regex_release(void *state) {
    tn_regex *re = state;
    tn_regex_free(&re);
}

typedef struct {
    const tn_regex *re;
    const tn_string *x;
    uint8_t *y;
    char *scratch;
    size_t each; /* bytes of scratch per thread */
} regex_job;

static void regex_range(void *arg, int64_t begin, int64_t end, int thread) {
    const regex_job *j = arg;
    tn_ticks ticks = { 0 };
    for (int64_t i = begin; i < end && !tn_ticks_stopped(&ticks, 64 + 8 * j->x[i].len); i++)
        j->y[i] = tn_regex_full_match(j->re, j->x[i].ptr, j->x[i].len, j->scratch + (size_t)thread * j->each);
}

static tn_status regex_run(tn_run *r) {
    const tn_tensor *x = tn_in(r, 0);
    regex_job j = { r->state, x->data, tn_out(r, 0)->data, NULL, tn_align_up(tn_regex_scratch(r->state), 64) };
    if (!(j.scratch = tn_run_scratch(r, j.each * (size_t)tn_pool_threads(r->pool))))
        return tn_op_fail(r->node, TN_E_NOMEM, "no memory for matching");
    tn_parallel(r->pool, tn_count(x), 64, regex_range, &j);
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- rows */

static const tn_port one_in[] = { { "X", STRINGS, 0 }, { 0 } };
static const tn_port two_in[] = { { "X", STRINGS, 0 }, { "Y", STRINGS, 0 }, { 0 } };
static const tn_port split_out[] = { { "Y", STRINGS, 0 }, { "Z", tn_dtype_bit(TN_I64), 0, .optional = true }, { 0 } };
static const tn_attr_spec normalizer_attrs[] = { { TN_WORD(normalizer, case_change_action, ACTIONS, "NONE") },
                                                 { TN_FLAG(normalizer, is_case_sensitive, false) },
                                                 { "locale", TN_ATTR_STRING },
                                                 { TN_STRINGS_OF(normalizer, stopwords) },
                                                 { 0 } };
static const tn_attr_spec split_attrs[] = { { TN_STRING_OF(splitting, delimiter, "") },
                                            { TN_INT(splitting, maxsplit, -1) },
                                            { 0 } };
static const tn_attr_spec regex_attrs[] = { { TN_STRING_OF(matching, pattern, NULL), .required = true }, { 0 } };

const tn_op tn_ops_text[] = {
    { .name = "StringNormalizer",
      .since = 10,
      .flags = TN_OP_DYNAMIC,
      .in = one_in,
      .out = one_in,
      TN_ATTRS(normalizer_attrs, normalizer),
      .infer = normalizer_infer,
      .run = normalizer_run,
      .grad = tn_grad_none,
      .doc = "strings without stop words, in lower or upper case" },
    { .name = "StringConcat",
      .since = 20,
      .in = two_in,
      .out = one_in,
      .infer = tn_infer_elementwise,
      .run = concat_run,
      .grad = tn_grad_none,
      .doc = "two strings joined, element by element" },
    { .name = "StringSplit",
      .since = 20,
      .flags = TN_OP_DYNAMIC,
      .in = one_in,
      .out = split_out,
      TN_ATTRS(split_attrs, splitting),
      .infer = split_infer,
      .run = split_run,
      .grad = tn_grad_none,
      .doc = "every string's parts between delimiters along a new last axis" },
    { .name = "RegexFullMatch",
      .since = 20,
      .in = one_in,
      .out = tn_ports_bool,
      TN_ATTRS(regex_attrs, matching),
      .infer = regex_infer,
      .prepare = regex_prepare,
      .run = regex_run,
      .release = regex_release,
      .grad = tn_grad_none,
      .doc = "whether whole strings match a regular expression (RE2's syntax)" },
    { 0 },
};
