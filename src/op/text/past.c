/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* past.c - what older operator sets say of the operators here: every version, and what its form is today.
 * Source: the operator change log of ONNX (docs/Changelog.md), versions 1 to 28. */
#include "op/core/past.h"

const tn_op_past tn_op_past_text[] = {
    { "RegexFullMatch", TN_VERSIONS({ 20, 1, 1, TN_ONLY(STRING), TN_BOOLS, "pattern" }) },
    { "StringConcat", TN_VERSIONS({ 20, 2, 1, TN_ONLY(STRING), TN_ONLY(STRING), "" }) },
    { "StringNormalizer", TN_VERSIONS({ 10, 1, 1, TN_ONLY(STRING), TN_ONLY(STRING),
                                        "case_change_action is_case_sensitive locale stopwords" }) },
    { "StringSplit", TN_VERSIONS({ 20, 1, 2, TN_ONLY(STRING), TN_ONLY(STRING), "delimiter maxsplit" }) },
    { "TfIdfVectorizer", TN_VERSIONS({ 9, 1, 1, TN_INDEX | TN_ONLY(STRING), TN_ONLY(F32),
                                       "max_gram_length max_skip_count min_gram_length mode ngram_counts ngram_indexes "
                                       "pool_int64s pool_strings weights" }) },
    { NULL },
};
