/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* regex_tree.h - a pattern as a tree, between parsing (regex_parse.c) and compiling (regex.c), and sets of code points.
 */
#ifndef TN_BASE_REGEX_TREE_H
#define TN_BASE_REGEX_TREE_H

#include "base/arena.h"
#include "base/status.h"

#define TN_REGEX_MAX_REPEAT 1000 /* of one {n,m}, and of nested ones multiplied: as in RE2 */
#define TN_REGEX_MAX_DEPTH  500  /* groups within groups */
#define TN_RUNE_MAX         UINT32_C(0x10ffff)

/* ------------------------------------------------------------------------------------------ sets of code points */

typedef struct {
    uint32_t first, last;
} tn_rune_range;

/** Ranges in any order while a set is built; sorted and disjoint after tn_rune_set_finish. */
typedef struct {
    tn_rune_range *v;
    size_t n, cap;
    tn_arena *arena;
    bool failed;       /* out of memory */
    uint64_t ascii[2]; /* membership of 0 .. 127, once finished */
} tn_rune_set;

void tn_rune_set_add(tn_rune_set *s, uint32_t first, uint32_t last);
void tn_rune_set_finish(tn_rune_set *s);
void tn_rune_set_negate(tn_rune_set *s); /* finishes */
void tn_rune_set_fold(tn_rune_set *s);   /* adds what differs in case alone; finishes */
bool tn_rune_set_has(const tn_rune_set *s, uint32_t c);

/* --------------------------------------------------------------------------------------------------------- trees */

typedef enum {
    TN_RE_EMPTY,
    TN_RE_CHAR,
    TN_RE_SET,
    TN_RE_ASSERT,
    TN_RE_CAT, /* one after another */
    TN_RE_ALT, /* one of them */
    TN_RE_REPEAT,
} tn_regex_kind;

typedef enum {
    TN_AT_TEXT_BEGIN = 1,
    TN_AT_TEXT_END = 2,
    TN_AT_LINE_BEGIN = 4,
    TN_AT_LINE_END = 8,
    TN_AT_WORD = 16,
    TN_AT_NOT_WORD = 32,
} tn_regex_assert;

typedef struct tn_regex_node {
    tn_regex_kind kind;
    int min, max;               /* REPEAT; max -1: no limit */
    int repeats;                /* the largest product of nested counts in here */
    uint32_t c;                 /* CHAR; ASSERT: a tn_regex_assert */
    int set;                    /* SET: its number */
    struct tn_regex_node **sub; /* CAT, ALT: n of them; REPEAT: one */
    size_t n;
} tn_regex_node;

typedef struct {
    tn_regex_node *root;
    tn_rune_set **sets;
    size_t n_sets, cap_sets;
} tn_regex_tree;

/** Parses the pattern; the tree lives in the arena. errors as tn_regex_new's. */
tn_status tn_regex_parse(const char *pattern, size_t n, tn_arena *arena, tn_regex_tree *out);

#endif
