/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* regex.c - trees to programs, and running these: every instruction is a state, and the set of states that are alive
 * moves over the text one character at a time. */
#include "base/regex.h"
#include "base/regex_tree.h"
#include "base/utf8.h"
#include <string.h>

#define MAX_PROGRAM 60000 /* instructions */

enum { CHAR, SET, SPLIT, JUMP, ASSERT, MATCH };

typedef struct {
    uint8_t op;
    uint32_t arg;  /* CHAR: code point; SET: its number; ASSERT: which; SPLIT: the other way on */
    uint32_t next; /* where to go on */
} instruction;

struct tn_regex {
    tn_arena *arena;
    instruction *code;
    uint32_t n, cap;
    tn_rune_set **sets;
};

/* ------------------------------------------------------------------------------------------------------ compiling */

static tn_status emit(tn_regex *re, uint8_t op, uint32_t arg) {
    if (re->n == MAX_PROGRAM)
        return tn_fail(TN_E_LIMIT, "the regular expression is too large: more than %d states", MAX_PROGRAM);
    if (re->n == re->cap) {
        uint32_t cap = re->cap ? 2 * re->cap : 64;
        instruction *code = tn_arena_array(re->arena, instruction, cap);
        if (!code) return tn_fail(TN_E_NOMEM, "no memory for a regular expression");
        if (re->n) memcpy(code, re->code, re->n * sizeof *code);
        re->code = code;
        re->cap = cap;
    }
    re->code[re->n] = (instruction){ op, arg, re->n + 1 };
    re->n++;
    return TN_OK;
}

static tn_status compile(tn_regex *re, const tn_regex_node *x);

/*  x*   L: split M; x; jump L; M:       x{,k}   split M; x; split M; x; ...; M: */
static tn_status compile_repeat(tn_regex *re, const tn_regex_node *x) {
    for (int i = 0; i < x->min; i++) {
        uint32_t begin = re->n;
        TN_TRY(compile(re, x->sub[0]));
        if (re->n == begin) return TN_OK; /* nothing at all, however often */
    }
    uint32_t first = re->n;
    if (x->max < 0) {
        TN_TRY(emit(re, SPLIT, 0));
        TN_TRY(compile(re, x->sub[0]));
        TN_TRY(emit(re, JUMP, 0));
        re->code[re->n - 1].next = first;
        re->code[first].arg = re->n;
        return TN_OK;
    }
    uint32_t splits = 0; /* a chain through .arg of the splits that shall lead behind the end */
    for (int i = x->min; i < x->max; i++) {
        uint32_t at = re->n;
        TN_TRY(emit(re, SPLIT, splits));
        splits = at + 1;
        TN_TRY(compile(re, x->sub[0]));
    }
    while (splits) {
        instruction *s = &re->code[splits - 1];
        splits = s->arg;
        s->arg = re->n;
    }
    return TN_OK;
}

/*  a|b|c   split L; a; jump E; L: split M; b; jump E; M: c; E: */
static tn_status compile_alternatives(tn_regex *re, const tn_regex_node *x) {
    uint32_t jumps = 0; /* a chain through .arg */
    for (size_t i = 0; i < x->n; i++) {
        uint32_t split = re->n;
        if (i + 1 < x->n) TN_TRY(emit(re, SPLIT, 0));
        TN_TRY(compile(re, x->sub[i]));
        if (i + 1 == x->n) break;
        TN_TRY(emit(re, JUMP, jumps));
        jumps = re->n;
        re->code[split].arg = re->n;
    }
    while (jumps) {
        instruction *j = &re->code[jumps - 1];
        jumps = j->arg;
        j->next = re->n;
    }
    return TN_OK;
}

static tn_status compile(tn_regex *re, const tn_regex_node *x) {
    switch (x->kind) {
    case TN_RE_EMPTY: return TN_OK;
    case TN_RE_CHAR: return emit(re, CHAR, x->c);
    case TN_RE_SET: return emit(re, SET, (uint32_t)x->set);
    case TN_RE_ASSERT: return emit(re, ASSERT, x->c);
    case TN_RE_CAT:
        for (size_t i = 0; i < x->n; i++) TN_TRY(compile(re, x->sub[i]));
        return TN_OK;
    case TN_RE_ALT: return compile_alternatives(re, x);
    case TN_RE_REPEAT: return compile_repeat(re, x);
    }
    return TN_OK;
}

tn_status tn_regex_new(const char *pattern, size_t n, tn_regex **out) {
    tn_regex_tree tree;
    tn_arena *arena = tn_arena_new(0, TN_MEM_GENERAL);
    tn_regex *re = arena ? tn_arena_new_of(arena, tn_regex) : NULL;
    *out = NULL;
    tn_status st = re ? TN_OK : tn_fail(TN_E_NOMEM, "no memory for a regular expression");
    if (st == TN_OK) {
        re->arena = arena;
        st = tn_regex_parse(pattern, n, arena, &tree);
    }
    if (st == TN_OK) st = compile(re, tree.root);
    if (st == TN_OK) st = emit(re, MATCH, 0);
    if (st == TN_OK) {
        re->sets = tree.sets;
        *out = re;
    } else {
        tn_arena_free(&arena);
    }
    return st;
}

void tn_regex_free(tn_regex **re) {
    tn_arena *arena = *re ? (*re)->arena : NULL;
    *re = NULL;
    if (arena) tn_arena_free(&arena);
}

/* ------------------------------------------------------------------------------------------------------- matching */

/* A set of states in the order they came: a state is in it when list[place[state]] is the state (Briggs & Torczon,
 * ACM LOPLAS 2, 1993), so emptying it costs nothing. */
typedef struct {
    uint32_t *list, *place;
    uint32_t n;
} state_set;

size_t tn_regex_scratch(const tn_regex *re) { return (size_t)re->n * 5 * sizeof(uint32_t); }

static bool is_in(const state_set *s, uint32_t state) {
    uint32_t at = s->place[state];
    return at < s->n && s->list[at] == state;
}

static bool is_word(int64_t c) { return c == '_' || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z'); }

/* What holds between two characters; -1 stands for the text's ends. */
static uint32_t holds(int64_t before, int64_t after) {
    bool word = (before >= 0 && is_word(before)) != (after >= 0 && is_word(after));
    return (before < 0 ? TN_AT_TEXT_BEGIN : 0u) | (after < 0 ? TN_AT_TEXT_END : 0u) |
           (before < 0 || before == '\n' ? TN_AT_LINE_BEGIN : 0u) | (after < 0 || after == '\n' ? TN_AT_LINE_END : 0u) |
           (word ? TN_AT_WORD : TN_AT_NOT_WORD);
}

/* Adds a state and what can be reached from it without a character. Every state is pushed at most once. */
static void enter(const tn_regex *re, state_set *s, uint32_t state, uint32_t truths, uint32_t *stack) {
    uint32_t n = 0;
    if (is_in(s, state)) return;
    s->place[state] = s->n;
    s->list[s->n++] = state;
    stack[n++] = state;
    while (n) {
        const instruction *i = &re->code[stack[--n]];
        uint32_t to[2];
        int ways = 0;
        if (i->op == JUMP || i->op == SPLIT || (i->op == ASSERT && i->arg & truths)) to[ways++] = i->next;
        if (i->op == SPLIT) to[ways++] = i->arg;
        for (int w = 0; w < ways; w++)
            if (!is_in(s, to[w])) {
                s->place[to[w]] = s->n;
                s->list[s->n++] = to[w];
                stack[n++] = to[w];
            }
    }
}

bool tn_regex_full_match(const tn_regex *re, const char *text, size_t n, void *scratch) {
    uint32_t *room = scratch, *stack = room + 4 * (size_t)re->n;
    state_set now = { room, room + re->n, 0 }, then = { room + 2 * (size_t)re->n, room + 3 * (size_t)re->n, 0 };
    memset(scratch, 0, tn_regex_scratch(re)); /* any values would do, but not unset ones */
    int64_t c = -1;                           /* the character to move over */
    size_t at = 0;
    for (bool begin = true;; begin = false) {
        int64_t after = -1;
        if (at < n) {
            if (!tn_utf8_length(text + at, n - at)) return false;
            after = tn_utf8_next(text, n, &at);
        }
        uint32_t truths = holds(c, after);
        then.n = 0;
        if (begin) enter(re, &then, 0, truths, stack);
        for (uint32_t k = 0; !begin && k < now.n; k++) {
            const instruction *i = &re->code[now.list[k]];
            if ((i->op == CHAR && i->arg == c) || (i->op == SET && tn_rune_set_has(re->sets[i->arg], (uint32_t)c)))
                enter(re, &then, i->next, truths, stack);
        }
        state_set swap = now;
        now = then, then = swap;
        if (!now.n) return false;
        if (after < 0) return is_in(&now, re->n - 1);
        c = after;
    }
}
