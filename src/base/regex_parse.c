/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* regex_parse.c - RE2's syntax to a tree. One file: the parts of a recursive parser call each other in a circle. */
#include "base/map.h"
#include "base/regex_tree.h"
#include "base/unicode.h"
#include "base/utf8.h"
#include <string.h>

#define MAX_SETS 4096 /* of different classes in one pattern */

typedef struct {
    const char *s;
    size_t n, at;
    tn_arena *arena;
    tn_regex_tree *tree;
    bool fold, many_lines, dot_all; /* flags i, m, s in force */
    bool only_flags;                /* the last group was one like (?i) */
    int depth, foldings;
    tn_map *names;             /* of groups; NULL: none yet */
    struct class_set *classes; /* each class that was wanted, once: MAX_CLASSES places */
    size_t n_classes;
    bool no_class_end;          /* there is no ":]" from here on */
    tn_regex_node *folded[128]; /* an ASCII letter without case, once it was wanted */
} parser;

/* ------------------------------------------------------------------------------------------------------- helpers */

static tn_status bad(const parser *p, size_t at, const char *what) {
    return tn_fail(TN_E_INVALID, "regular expression, byte %zu: %s", at, what);
}

static tn_status no_memory(void) { return tn_fail(TN_E_NOMEM, "no memory for a regular expression"); }

static bool starts(const parser *p, const char *what) {
    size_t n = strlen(what);
    return p->n - p->at >= n && !memcmp(p->s + p->at, what, n);
}

static bool eat(parser *p, const char *what) {
    if (!starts(p, what)) return false;
    p->at += strlen(what);
    return true;
}

static int peek(const parser *p) { return p->at < p->n ? (unsigned char)p->s[p->at] : -1; }

static uint32_t next_rune(parser *p) { return tn_utf8_next(p->s, p->n, &p->at); }

static tn_regex_node *node(parser *p, tn_regex_kind kind) {
    tn_regex_node *x = tn_arena_new_of(p->arena, tn_regex_node);
    if (x) x->kind = kind, x->repeats = 1;
    return x;
}

static tn_rune_set *new_set(parser *p) {
    tn_rune_set *s = tn_arena_new_of(p->arena, tn_rune_set);
    if (s) s->arena = p->arena;
    return s;
}

/* A finished set becomes a node; the tree keeps it. */
static tn_status set_node(parser *p, tn_rune_set *s, tn_regex_node **out) {
    tn_regex_tree *t = p->tree;
    if (s->failed) return no_memory();
    if (t->n_sets == MAX_SETS) return tn_fail(TN_E_LIMIT, "a regular expression with more than %d classes", MAX_SETS);
    if (t->n_sets == t->cap_sets) {
        size_t cap = t->cap_sets ? 2 * t->cap_sets : 8;
        tn_rune_set **v = tn_arena_array(p->arena, tn_rune_set *, cap);
        if (!v) return no_memory();
        if (t->n_sets) memcpy(v, t->sets, t->n_sets * sizeof *v);
        t->sets = v;
        t->cap_sets = cap;
    }
    if (!(*out = node(p, TN_RE_SET))) return no_memory();
    (*out)->set = (int)t->n_sets;
    t->sets[t->n_sets++] = s;
    return TN_OK;
}

static tn_status literal(parser *p, uint32_t c, tn_regex_node **out) {
    if (p->fold && (tn_unicode_fold(c) != c || tn_unicode_upper(c) != c)) {
        if (c < 128 && p->folded[c]) { /* a tree may share leaves */
            *out = p->folded[c];
            return TN_OK;
        }
        tn_rune_set *s = new_set(p);
        if (!s) return no_memory();
        tn_rune_set_add(s, c, c);
        tn_rune_set_fold(s);
        if (s->n > 1 || (s->n && s->v[0].first != s->v[0].last)) {
            TN_TRY(set_node(p, s, out));
            if (c < 128) p->folded[c] = *out;
            return TN_OK;
        }
    }
    if (!(*out = node(p, TN_RE_CHAR))) return no_memory();
    (*out)->c = c;
    return TN_OK;
}

static tn_status assertion(parser *p, tn_regex_assert what, tn_regex_node **out) {
    if (!(*out = node(p, TN_RE_ASSERT))) return no_memory();
    (*out)->c = what;
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------- classes */

typedef struct {
    const char *name;
    const char *ranges; /* pairs of ASCII characters */
} ascii_class;

static const ascii_class perl_classes[] = { { "d", "09" }, { "s", "\t\n\f\r  " }, { "w", "09AZaz__" } };
static const ascii_class posix_classes[] = {
    { "alnum", "09AZaz" }, { "alpha", "AZaz" }, { "ascii", NULL },      { "blank", "\t\t  " },  { "cntrl", NULL },
    { "digit", "09" },     { "graph", "!~" },   { "lower", "az" },      { "print", " ~" },      { "punct", "!/:@[`{~" },
    { "space", "\t\r  " }, { "upper", "AZ" },   { "word", "09AZaz__" }, { "xdigit", "09AFaf" },
};

/* A named class as a finished set, folded and negated on its own. A pattern may name it very often, and the set of all
 * letters has hundreds of ranges: it is made once. */
typedef struct class_set {
    const ascii_class *ascii; /* or else: */
    uint32_t categories;
    bool negate, fold;
    tn_rune_set set;
    tn_regex_node *alone; /* the leaf that stands for it outside of brackets; NULL: not wanted yet */
} class_set;

/* Names are 38 categories and "Any", 3 Perl's and 14 POSIX's, each negated or not, folded or not. */
#define MAX_CLASSES 256

typedef struct {
    tn_rune_set *set;
    uint64_t added[MAX_CLASSES / 64]; /* which classes are in it */
} bracket_set;

static void fill_ascii(const ascii_class *c, tn_rune_set *s) {
    for (const char *r = c->ranges; r && *r; r += 2) tn_rune_set_add(s, (uint32_t)r[0], (uint32_t)r[1]);
    if (!c->ranges && c->name[0] == 'a') tn_rune_set_add(s, 0, 0x7f);
    if (!c->ranges && c->name[0] == 'c') tn_rune_set_add(s, 0, 0x1f), tn_rune_set_add(s, 0x7f, 0x7f);
}

static void add_range(void *user, uint32_t first, uint32_t last) { tn_rune_set_add(user, first, last); }

static tn_status find_class(parser *p, const ascii_class *ascii, uint32_t categories, bool negate, class_set **out) {
    if (!p->classes && !(p->classes = tn_arena_array(p->arena, class_set, MAX_CLASSES))) return no_memory();
    class_set *c = p->classes, *end = c + p->n_classes;
    while (c < end && (c->ascii != ascii || c->categories != categories || c->negate != negate || c->fold != p->fold))
        c++;
    *out = c;
    if (c < end) return TN_OK;
    if (p->n_classes == MAX_CLASSES) return tn_fail(TN_E_LIMIT, "a regular expression with too many classes");
    *c = (class_set){ .ascii = ascii, .categories = categories, .negate = negate, .fold = p->fold };
    c->set.arena = p->arena;
    if (ascii)
        fill_ascii(ascii, &c->set);
    else
        tn_unicode_each_range(categories, add_range, &c->set);
    if (p->fold) tn_rune_set_fold(&c->set);
    if (negate)
        tn_rune_set_negate(&c->set);
    else
        tn_rune_set_finish(&c->set);
    p->n_classes++;
    return c->set.failed ? no_memory() : TN_OK;
}

static void add_class(const parser *p, bracket_set *to, const class_set *c) {
    size_t k = (size_t)(c - p->classes);
    if (to->added[k / 64] >> k % 64 & 1) return;
    to->added[k / 64] |= UINT64_C(1) << k % 64;
    for (size_t i = 0; i < c->set.n; i++) tn_rune_set_add(to->set, c->set.v[i].first, c->set.v[i].last);
}

/* \d and the like. *out NULL: it is none. */
static tn_status perl_class(parser *p, class_set **out) {
    *out = NULL;
    if (p->n - p->at < 2 || p->s[p->at] != '\\') return TN_OK;
    for (size_t i = 0; i < TN_COUNT(perl_classes); i++) {
        char c = p->s[p->at + 1], lower = perl_classes[i].name[0];
        if (c != lower && c != lower - 32) continue;
        p->at += 2;
        return find_class(p, &perl_classes[i], 0, c != lower, out);
    }
    return TN_OK;
}

/* \pL, \PL, \p{Lu}, \p{^Lu}. *out NULL: it is none. */
static tn_status unicode_class(parser *p, class_set **out) {
    *out = NULL;
    if (!starts(p, "\\p") && !starts(p, "\\P")) return TN_OK;
    size_t begin = p->at;
    bool negate = p->s[p->at + 1] == 'P';
    p->at += 2;
    if (p->at == p->n) return bad(p, begin, "\\p without the name of a class");
    const char *name = p->s + p->at;
    size_t n = 1;
    if (*name == '{') {
        const char *end = memchr(name, '}', p->n - p->at);
        if (!end) return bad(p, begin, "\\p{ without }");
        n = (size_t)(end - ++name);
        p->at += n + 2;
        if (n && *name == '^') negate = !negate, name++, n--;
    } else {
        p->at++;
    }
    uint32_t categories = tn_unicode_categories(name, n);
    if (!categories)
        return tn_fail(
            TN_E_UNSUPPORTED,
            "regular expression, byte %zu: \\p{%.*s} is no general category (L, Lu, Nd, ...; scripts are not "
            "supported)",
            begin, (int)(n < 40 ? n : 40), name);
    return find_class(p, NULL, categories, negate, out);
}

/* ------------------------------------------------------------------------------------------------------- escapes */

static int hex_digit(int c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static tn_status hex_escape(parser *p, size_t begin, uint32_t *out) {
    uint32_t c = 0;
    int digits = 0;
    bool braces = eat(p, "{");
    for (int d; (braces || digits < 2) && (d = hex_digit(peek(p))) >= 0; p->at++, digits++) {
        c = c * 16 + (uint32_t)d;
        if (c > TN_RUNE_MAX) return bad(p, begin, "\\x beyond U+10FFFF");
    }
    if (braces ? digits == 0 || !eat(p, "}") : digits != 2) return bad(p, begin, "\\x needs two digits, or {...}");
    *out = c;
    return TN_OK;
}

/* One escaped character, from its backslash on. */
static tn_status escape(parser *p, uint32_t *out) {
    static const char from[] = "aftnrv", to[] = "\a\f\t\n\r\v";
    size_t begin = p->at++;
    if (p->at == p->n) return bad(p, begin, "a backslash at the end");
    uint32_t c = next_rune(p);
    const char *simple = c && c < 128 ? strchr(from, (int)c) : NULL;
    if (simple) {
        *out = (uint32_t)to[simple - from];
    } else if (c == 'x') {
        return hex_escape(p, begin, out);
    } else if (c >= '0' && c <= '7') {
        /* \1 alone would be a backreference */
        if (c != '0' && (peek(p) < '0' || peek(p) > '7')) return bad(p, begin, "backreferences are not supported");
        uint32_t v = c - '0';
        for (int i = 0; i < 2 && peek(p) >= '0' && peek(p) <= '7'; i++) v = v * 8 + (uint32_t)(p->s[p->at++] - '0');
        *out = v;
    } else if (c == 'C') {
        return tn_fail(TN_E_UNSUPPORTED, "regular expression, byte %zu: \\C (a single byte) is not supported", begin);
    } else if (c < 128 && !(c >= '0' && c <= '9') && !((c | 32) >= 'a' && (c | 32) <= 'z')) {
        *out = c;
    } else {
        return bad(p, begin, "an unknown escape");
    }
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------ bracket classes */

static tn_status class_character(parser *p, size_t begin, uint32_t *out) {
    if (p->at == p->n) return bad(p, begin, "[ without ]");
    if (p->s[p->at] == '\\') return escape(p, out);
    *out = next_rune(p);
    return TN_OK;
}

/* [:alpha:] within a class. *out NULL: it is none. */
static tn_status posix_class(parser *p, class_set **out) {
    *out = NULL;
    if (!starts(p, "[:") || p->no_class_end) return TN_OK;
    size_t begin = p->at, end = p->at + 2;
    while (end + 1 < p->n && !(p->s[end] == ':' && p->s[end + 1] == ']')) end++;
    p->no_class_end = end + 1 >= p->n;
    if (p->no_class_end) return TN_OK; /* an ordinary '[', like all that follow */
    const char *name = p->s + begin + 2;
    size_t n = end - begin - 2;
    bool negate = n && *name == '^';
    name += negate, n -= negate;
    for (size_t i = 0; i < TN_COUNT(posix_classes); i++)
        if (strlen(posix_classes[i].name) == n && !memcmp(name, posix_classes[i].name, n)) {
            p->at = end + 2;
            return find_class(p, &posix_classes[i], 0, negate, out);
        }
    return bad(p, begin, "an unknown [:class:]");
}

static tn_status class_range(parser *p, tn_rune_set *to, size_t begin) {
    uint32_t first, last;
    size_t at = p->at;
    TN_TRY(class_character(p, begin, &first));
    last = first;
    if (peek(p) == '-' && p->at + 1 < p->n && p->s[p->at + 1] != ']') {
        p->at++;
        TN_TRY(class_character(p, begin, &last));
        if (last < first) return bad(p, at, "a range that ends before it begins");
    }
    tn_rune_set_add(to, first, last);
    return TN_OK;
}

/* Any of the three kinds of named classes. *out NULL: it is none. */
static tn_status named_class(parser *p, class_set **out) {
    TN_TRY(posix_class(p, out));
    if (!*out) TN_TRY(unicode_class(p, out));
    return *out ? TN_OK : perl_class(p, out);
}

/* Single characters and ranges are folded together. Folding looks at all letters there are, so it is not done without
 * end. */
static tn_status add_plain(parser *p, tn_rune_set *to, tn_rune_set *plain) {
    if (p->fold && p->foldings++ < MAX_SETS) tn_rune_set_fold(plain);
    if (p->foldings > MAX_SETS) return tn_fail(TN_E_LIMIT, "a regular expression with too many classes without case");
    tn_rune_set_finish(plain);
    for (size_t i = 0; i < plain->n; i++) tn_rune_set_add(to, plain->v[i].first, plain->v[i].last);
    to->failed |= plain->failed;
    return TN_OK;
}

static tn_status bracket(parser *p, tn_regex_node **out) {
    size_t begin = p->at++;
    bracket_set s = { .set = new_set(p) };
    tn_rune_set plain = { .arena = p->arena };
    class_set *c;
    if (!s.set) return no_memory();
    bool negate = eat(p, "^");
    for (bool first = true; first || peek(p) != ']'; first = false) {
        if (p->at == p->n) return bad(p, begin, "[ without ]");
        TN_TRY(named_class(p, &c));
        if (c)
            add_class(p, &s, c);
        else
            TN_TRY(class_range(p, &plain, begin));
    }
    p->at++;
    TN_TRY(add_plain(p, s.set, &plain));
    if (negate)
        tn_rune_set_negate(s.set);
    else
        tn_rune_set_finish(s.set);
    return set_node(p, s.set, out);
}

/* -------------------------------------------------------------------------------------------------------- groups */

static tn_status alternation(parser *p, tn_regex_node **out);

static bool word_character(int c) { return c == '_' || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z'); }

static tn_status group_name(parser *p, size_t begin) {
    const char *s = p->s + p->at;
    size_t n = 0;
    while (word_character(peek(p))) p->at++, n++;
    if (!n || !eat(p, ">")) return bad(p, begin, "a group's name must be <letters, digits, _>");
    if (!p->names && !(p->names = tn_map_new(0))) return no_memory();
    if (tn_map_get(p->names, s, n)) return bad(p, begin, "two groups have one name");
    return tn_map_put(p->names, s, n, p->names);
}

/* Flags behind "(?", up to and including ')' (*alone) or ':'. */
static tn_status group_flags(parser *p, size_t begin, bool *alone) {
    bool on = true, any = false;
    for (;; p->at++) {
        switch (peek(p)) {
        case 'i': p->fold = on; break;
        case 'm': p->many_lines = on; break;
        case 's': p->dot_all = on; break;
        case 'U': break; /* greedy or lazy: the same texts match as a whole */
        case '-':
            if (!on) return bad(p, begin, "two '-' among the flags");
            on = false, any = false;
            continue;
        case ':':
        case ')':
            if (!on && !any) return bad(p, begin, "'-' without a flag");
            *alone = p->s[p->at++] == ')';
            return TN_OK;
        default: return bad(p, begin, "an unknown or unfinished group (?...");
        }
        any = true;
    }
}

/* From '(' to ')'. Flags set inside hold to the end of the group; alone, "(?i)", to the end of the one around it. */
static tn_status group(parser *p, tn_regex_node **out) {
    size_t begin = p->at++;
    bool fold = p->fold, many_lines = p->many_lines, dot_all = p->dot_all, alone = false;
    if (eat(p, "?P<") || eat(p, "?<"))
        TN_TRY(group_name(p, begin));
    else if (eat(p, "?"))
        TN_TRY(group_flags(p, begin, &alone));
    if (alone) {
        p->only_flags = true;
        return (*out = node(p, TN_RE_EMPTY)) ? TN_OK : no_memory();
    }
    if (++p->depth > TN_REGEX_MAX_DEPTH)
        return tn_fail(TN_E_LIMIT, "a regular expression with more than %d groups within groups", TN_REGEX_MAX_DEPTH);
    TN_TRY(alternation(p, out));
    p->depth--;
    p->only_flags = false;
    if (!eat(p, ")")) return bad(p, begin, "( without )");
    p->fold = fold, p->many_lines = many_lines, p->dot_all = dot_all;
    return TN_OK;
}

/* ---------------------------------------------------------------------------------------------------- repetition */

static bool number(const parser *p, size_t *at, int *out) {
    size_t begin = *at;
    int v = 0;
    while (*at < p->n && p->s[*at] >= '0' && p->s[*at] <= '9') {
        v = v * 10 + (p->s[(*at)++] - '0');
        if (v > TN_REGEX_MAX_REPEAT) v = TN_REGEX_MAX_REPEAT + 1;
    }
    *out = v;
    return *at > begin;
}

/* A repetition at the cursor, which moves behind it; false: there is none ("{" may be an ordinary character). */
static bool repetition(parser *p, int *min, int *max) {
    int c = peek(p);
    if (c == '*' || c == '+' || c == '?') {
        *min = c == '+', *max = c == '?' ? 1 : -1;
        p->at++;
    } else if (c == '{') {
        size_t at = p->at + 1;
        if (!number(p, &at, min)) return false;
        *max = *min;
        if (at < p->n && p->s[at] == ',') {
            at++;
            if (!number(p, &at, max)) *max = -1;
        }
        if (at == p->n || p->s[at] != '}') return false;
        p->at = at + 1;
    } else {
        return false;
    }
    eat(p, "?"); /* lazy */
    return true;
}

static tn_status repeat(parser *p, tn_regex_node **x) {
    size_t at = p->at;
    int min, max;
    if (!repetition(p, &min, &max)) return TN_OK;
    if (min > TN_REGEX_MAX_REPEAT || max > TN_REGEX_MAX_REPEAT || (max >= 0 && min > max))
        return bad(p, at, "a count beyond 1000, or a range that ends before it begins");
    int again_min, again_max;
    if (repetition(p, &again_min, &again_max)) return bad(p, at, "two repetitions in a row");
    tn_regex_node *r = node(p, TN_RE_REPEAT);
    if (!r || !(r->sub = tn_arena_array(p->arena, tn_regex_node *, 1))) return no_memory();
    int count = max > min ? max : min;
    r->min = min, r->max = max, r->n = 1;
    r->sub[0] = *x;
    r->repeats = (*x)->repeats * (count > 1 ? count : 1);
    if (r->repeats > TN_REGEX_MAX_REPEAT) return bad(p, at, "nested counts that multiply to more than 1000");
    *x = r;
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- tree */

typedef struct {
    tn_regex_node **v;
    size_t n, cap;
} node_list;

static tn_status append(parser *p, node_list *l, tn_regex_node *x) {
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 4;
        tn_regex_node **v = tn_arena_array(p->arena, tn_regex_node *, cap);
        if (!v) return no_memory();
        if (l->n) memcpy(v, l->v, l->n * sizeof *v);
        l->v = v;
        l->cap = cap;
    }
    l->v[l->n++] = x;
    return TN_OK;
}

static tn_status finish(parser *p, tn_regex_kind kind, const node_list *l, tn_regex_node **out) {
    if (l->n == 1) {
        *out = l->v[0];
        return TN_OK;
    }
    if (!(*out = node(p, l->n ? kind : TN_RE_EMPTY))) return no_memory();
    (*out)->sub = l->v;
    (*out)->n = l->n;
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i]->repeats > (*out)->repeats) (*out)->repeats = l->v[i]->repeats;
    return TN_OK;
}

static tn_status dot(parser *p, tn_regex_node **out) {
    tn_rune_set *s = new_set(p);
    if (!s) return no_memory();
    if (!p->dot_all) tn_rune_set_add(s, '\n', '\n');
    tn_rune_set_negate(s);
    return set_node(p, s, out);
}

static tn_status backslash(parser *p, tn_regex_node **out) {
    static const struct {
        const char *s;
        tn_regex_assert what;
    } asserts[] = {
        { "\\A", TN_AT_TEXT_BEGIN }, { "\\z", TN_AT_TEXT_END }, { "\\b", TN_AT_WORD }, { "\\B", TN_AT_NOT_WORD }
    };
    uint32_t character;
    class_set *c;
    for (size_t i = 0; i < TN_COUNT(asserts); i++)
        if (eat(p, asserts[i].s)) return assertion(p, asserts[i].what, out);
    TN_TRY(unicode_class(p, &c));
    if (!c) TN_TRY(perl_class(p, &c));
    if (c) {
        if (!c->alone) TN_TRY(set_node(p, &c->set, &c->alone));
        *out = c->alone; /* a tree may share leaves */
        return TN_OK;
    }
    TN_TRY(escape(p, &character));
    return literal(p, character, out);
}

static tn_status atom(parser *p, tn_regex_node **out) {
    int min, max;
    size_t at = p->at;
    switch (peek(p)) {
    case '(': return group(p, out);
    case '[': return bracket(p, out);
    case '\\': return backslash(p, out);
    case '.': p->at++; return dot(p, out);
    case '^': p->at++; return assertion(p, p->many_lines ? TN_AT_LINE_BEGIN : TN_AT_TEXT_BEGIN, out);
    case '$': p->at++; return assertion(p, p->many_lines ? TN_AT_LINE_END : TN_AT_TEXT_END, out);
    default:
        if (repetition(p, &min, &max)) return bad(p, at, "a repetition of nothing");
        return literal(p, next_rune(p), out);
    }
}

/* \Q...\E: every character for itself; the last one may be repeated. */
static tn_status quoted(parser *p, node_list *l) {
    while (p->at < p->n && !eat(p, "\\E")) {
        tn_regex_node *x;
        TN_TRY(literal(p, next_rune(p), &x));
        TN_TRY(append(p, l, x));
    }
    return TN_OK;
}

static tn_status sequence(parser *p, tn_regex_node **out) {
    node_list l = { 0 };
    while (p->at < p->n && peek(p) != '|' && peek(p) != ')') {
        tn_regex_node *x;
        if (eat(p, "\\Q")) {
            TN_TRY(quoted(p, &l));
            if (l.n) TN_TRY(repeat(p, &l.v[l.n - 1]));
            continue;
        }
        p->only_flags = false;
        TN_TRY(atom(p, &x));
        size_t at = p->at;
        int min, max;
        if (p->only_flags && repetition(p, &min, &max)) return bad(p, at, "a repetition of nothing");
        TN_TRY(repeat(p, &x));
        TN_TRY(append(p, &l, x));
    }
    return finish(p, TN_RE_CAT, &l, out);
}

static tn_status alternation(parser *p, tn_regex_node **out) {
    node_list l = { 0 };
    do {
        tn_regex_node *x;
        TN_TRY(sequence(p, &x));
        TN_TRY(append(p, &l, x));
    } while (eat(p, "|"));
    return finish(p, TN_RE_ALT, &l, out);
}

tn_status tn_regex_parse(const char *pattern, size_t n, tn_arena *arena, tn_regex_tree *out) {
    parser p = { .s = pattern, .n = n, .arena = arena, .tree = out };
    *out = (tn_regex_tree){ 0 };
    for (size_t at = 0; at < n;) {
        size_t len = tn_utf8_length(pattern + at, n - at);
        if (!len) return bad(&p, at, "not UTF-8");
        at += len;
    }
    tn_status st = alternation(&p, &out->root);
    if (st == TN_OK && p.at < n) st = bad(&p, p.at, ") without (");
    tn_map_free(&p.names);
    return st;
}
