/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* text.c - operators on strings where the official cases do not look: letters beyond ASCII, empty strings, limits of
 * splitting, weights of n-grams, what is refused. */
#include "lib/op_run.h"
#include "test.h"

static ob *one(const char *op, tn_dtype t, const char *outputs) {
    ob *b = ob_new(9, 20);
    ob_input(b, "x", t, NULL);
    ob_output(b, "y");
    if (strchr(outputs, ' ')) ob_output(b, "z");
    ob_node(b, op, "x", outputs);
    return b;
}

static ob *normalizer(const char *action, int exact, const char *stop) {
    ob *b = one("StringNormalizer", TN_STRING, "y");
    if (action) ob_string(b, "case_change_action", action);
    ob_int(b, "is_case_sensitive", exact);
    if (stop) ob_strings(b, "stopwords", stop);
    return b;
}

static void normalizing(void **state) {
    op_data x = { TN_STRING, "5",
                  .s = { "\xc3\x84pfel",
                         "stra\xc3\x9f"
                         "e",
                         "\xd0\x9c\xd0\xb8\xd1\x80", "",
                         "\xff"
                         "A" } };
    op_data lower = { TN_STRING, "5",
                      .s = { "\xc3\xa4pfel",
                             "stra\xc3\x9f"
                             "e",
                             "\xd0\xbc\xd0\xb8\xd1\x80", "",
                             "\xff"
                             "a" } };
    op_data upper = { TN_STRING, "5",
                      .s = { "\xc3\x84PFEL",
                             "STRA\xc3\x9f"
                             "E",
                             "\xd0\x9c\xd0\x98\xd0\xa0", "",
                             "\xff"
                             "A" } };
    op_gives(normalizer("LOWER", 0, NULL), 1, &x, 1, &lower, 0);
    op_gives(normalizer("UPPER", 0, NULL), 1, &x, 1, &upper, 0);
    op_data row = { TN_STRING, "1,3", .s = { "\xc3\x84pfel", "The", "the" } };
    op_data kept = { TN_STRING, "1,2", .s = { "\xc3\x84pfel", "The" } }, none = { TN_STRING, "1,1", .s = { "" } };
    op_data fruit = { TN_STRING, "1,1", .s = { "\xc3\x84pfel" } };
    op_gives(normalizer(NULL, 1, "the"), 1, &row, 1, &kept, 0);
    op_gives(normalizer("NONE", 0, "THE"), 1, &row, 1, &fruit, 0);
    op_gives(normalizer("LOWER", 0, "THE|\xc3\xa4PFEL"), 1, &row, 1, &none, 0);
    op_data empty = { TN_STRING, "0" }, single = { TN_STRING, "1", .s = { "" } };
    op_gives(normalizer("LOWER", 0, NULL), 1, &empty, 1, &single, 0);
    op_data square = { TN_STRING, "2,1", .s = { "a", "b" } };
    op_refused(normalizer("LOWER", 0, NULL), 1, &square, "[1, C]");
    op_refused(normalizer("lower", 0, NULL), 1, &row, "case_change_action");
}

static void joining(void **state) {
    ob *b = ob_new(9, 20);
    ob_input(b, "x", TN_STRING, NULL);
    ob_input(b, "w", TN_STRING, NULL);
    ob_output(b, "y");
    ob_node(b, "StringConcat", "x w", "y");
    op_data in[2] = { { TN_STRING, "2,1,2", .s = { "a", "b", "", "d" } }, { TN_STRING, "3,1", .s = { "1", "", "3" } } };
    op_data y = { TN_STRING, "2,3,2", .s = { "a1", "b1", "a", "b", "a3", "b3", "1", "d1", "", "d", "3", "d3" } };
    op_gives(b, 2, in, 1, &y, 0);
}

static ob *split(const char *delimiter, int64_t most) {
    ob *b = one("StringSplit", TN_STRING, "y z");
    if (delimiter) ob_string(b, "delimiter", delimiter);
    if (most >= 0) ob_int(b, "maxsplit", most);
    return b;
}

static void splitting(void **state) {
    op_data x = { TN_STRING, "3",
                  .s = { " a  b c ", "",
                         "\xe3\x80\x80"
                         "d" } };
    op_data all[2] = { { TN_STRING, "3,3", .s = { "a", "b", "c", "", "", "", "d", "", "" } },
                       { TN_I64, "3", { 3, 0, 1 } } };
    op_gives(split(NULL, -1), 1, &x, 2, all, 0);
    op_data some[2] = { { TN_STRING, "3,2", .s = { "a", "b c ", "", "", "d", "" } }, { TN_I64, "3", { 2, 0, 1 } } };
    op_gives(split("", 1), 1, &x, 2, some, 0);
    op_data y = { TN_STRING, "", .s = { "--a----b" } };
    op_data parts[2] = { { TN_STRING, "4", .s = { "", "a", "", "b" } }, { TN_I64, "", { 4 } } };
    op_gives(split("--", -1), 1, &y, 2, parts, 0);
    op_data whole[2] = { { TN_STRING, "1", .s = { "--a----b" } }, { TN_I64, "", { 1 } } };
    op_gives(split("--", 0), 1, &y, 2, whole, 0);
    op_data deep = { TN_STRING, "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", .s = { "" } };
    op_refused(split("-", 0), 1, &deep, "one more");
}

static void expressions(void **state) {
    op_data x = { TN_STRING, "2,2", .s = { "42", "", "4x", "\xd9\xa3" } }, y = { TN_BOOL, "2,2", { 1, 0, 0, 0 } };
    ob *b = one("RegexFullMatch", TN_STRING, "y");
    ob_string(b, "pattern", "\\d+");
    op_gives(b, 1, &x, 1, &y, 0);
    b = one("RegexFullMatch", TN_STRING, "y");
    ob_string(b, "pattern", "(a");
    op_refused(b, 1, &x, "( without )");
    b = one("RegexFullMatch", TN_STRING, "y");
    op_refused(b, 1, &x, "pattern");
}

static ob *vectorizer(tn_dtype t, const char *mode, int64_t least, int64_t most, int64_t skips, int weights) {
    ob *b = one("TfIdfVectorizer", t, "y");
    ob_string(b, "mode", mode);
    ob_int(b, "min_gram_length", least);
    ob_int(b, "max_gram_length", most);
    ob_int(b, "max_skip_count", skips);
    ob_ints(b, "ngram_counts", (int64_t[]){ 0, 2 }, 2);
    ob_ints(b, "ngram_indexes", (int64_t[]){ 2, 0, 1 }, 3);
    if (t == TN_STRING)
        ob_strings(b, "pool_strings", "a|b|a|b");
    else
        ob_ints(b, "pool_int64s", (int64_t[]){ 1, 2, 1, 2 }, 4);
    if (weights) ob_floats(b, "weights", (float[]){ 10, 20, 30 }, weights);
    return b;
}

static void counting(void **state) {
    op_data x = { TN_STRING, "2,4", .s = { "a", "b", "c", "b", "", "a", "a", "b" } };
    op_data y = { TN_F32, "2,3", { 2, 1, 1, 1, 1, 2 } };
    op_gives(vectorizer(TN_STRING, "TF", 1, 2, 0, 3), 1, &x, 1, &y, 0);
    op_data pairs = { TN_F32, "2,3", { 0, 2, 0, 0, 2, 0 } };
    op_gives(vectorizer(TN_STRING, "TF", 2, 2, INT64_MAX, 0), 1, &x, 1, &pairs, 0);
    op_data i = { TN_I32, "4", { 1, 2, 3, 2 } }, idf = { TN_F32, "3", { 20, 30, 10 } },
            both = { TN_F32, "3", { 40, 30, 10 } }; /* weights are the pool's */
    op_gives(vectorizer(TN_I32, "IDF", 1, 2, 0, 3), 1, &i, 1, &idf, 0);
    op_gives(vectorizer(TN_I32, "TFIDF", 1, 2, 0, 3), 1, &i, 1, &both, 0);
    op_data empty = { TN_I64, "0" }, zeros = { TN_F32, "3", { 0 } };
    op_gives(vectorizer(TN_I64, "TF", 1, 2, 1, 0), 1, &empty, 1, &zeros, 0);
    op_refused(vectorizer(TN_I32, "IDF", 1, 2, 0, 2), 1, &i, "weights");
    op_refused(vectorizer(TN_I32, "TF", 0, 2, 0, 0), 1, &i, "min_gram_length");
    op_refused(vectorizer(TN_I32, "TFF", 1, 2, 0, 0), 1, &i, "mode");
    ob *b = vectorizer(TN_I32, "TF", 1, 2, 0, 0);
    ob_ints(b, "ngram_counts", (int64_t[]){ 0, 99 }, 2);
    op_refused(b, 1, &i, "ngram_counts");
}

/* Strings that are moved, not read: a triangle of them, blocks put back that do not overlap. */
static void moved(void **state) {
    op_data x = { TN_STRING, "2,3", .s = { "a", "b", "c", "d", "e", "f" } };
    op_data upper = { TN_STRING, "2,3", .s = { "a", "b", "c", "", "e", "f" } };
    op_data lower = { TN_STRING, "2,3", .s = { "a", "", "", "d", "e", "" } };
    op_gives(one("Trilu", TN_STRING, "y"), 1, &x, 1, &upper, 0);
    ob *b = one("Trilu", TN_STRING, "y");
    ob_int(b, "upper", 0);
    op_gives(b, 1, &x, 1, &lower, 0);
    for (int stride = 2; stride >= 1; stride--) {
        op_data columns = { TN_STRING, stride == 2 ? "1,2,2" : "1,2,3", .s = { "a", "c", "b", "d", "e", "f" } };
        op_data row = { TN_STRING, "1,1,4", .s = { "a", "b", "c", "d" } };
        b = ob_new(9, 20);
        ob_input(b, "x", TN_STRING, NULL);
        ob_output(b, "y");
        ob_ints_init(b, "image", "1", (int64_t[]){ 4 }, 1);
        ob_ints_init(b, "block", "1", (int64_t[]){ 2 }, 1);
        ob_node(b, "Col2Im", "x image block", "y");
        ob_ints(b, "strides", (int64_t[]){ stride }, 1);
        if (stride == 2)
            op_gives(b, 1, &columns, 1, &row, 0);
        else
            op_refused(b, 1, &columns, "overlap");
    }
}

/* The shortest digits, and no exponent where plain digits do. */
static void numbers_as_text(void **state) {
    ob *b = one("Cast", TN_F32, "y");
    ob_int(b, "to", 8);
    op_data x = { TN_F32, "6", { 10, -1200, 0.1f, 1e15f, 1e20f, 0 } },
            y = { TN_STRING, "6", .s = { "10", "-1200", "0.1", "1000000000000000", "1e+20", "0" } };
    op_gives(b, 1, &x, 1, &y, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(normalizing), cmocka_unit_test(joining),
                                        cmocka_unit_test(splitting),   cmocka_unit_test(expressions),
                                        cmocka_unit_test(counting),    cmocka_unit_test(numbers_as_text),
                                        cmocka_unit_test(moved) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
