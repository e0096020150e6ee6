/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* past.h - what older operator sets say of the operators of ai.onnx: one record each, in its folder.
 *
 *   src/op/<folder>/past.c   holds `const tn_op_past tn_op_past_<folder>[] = { {...}, {...}, { NULL } };`
 *   src/op/core/ops.def      lists the folders, one line each.
 *
 * A record serves both ways: old nodes are brought to the newest form when a model is loaded, and the writer finds the
 * lowest operator set in which a node of the newest form is valid. Some operators have a record and no row: they were
 * replaced, and are only read. */
#ifndef TN_OP_CORE_PAST_H
#define TN_OP_CORE_PAST_H

#include "op/core/op.h"

#define TN_MANY 99 /* any number of inputs or outputs */

/** What one version accepts. Types are those of the first input and the first output; 0: there is no such port. */
typedef struct {
    uint8_t since;           /* first operator set of this version */
    uint8_t inputs, outputs; /* at most, or TN_MANY */
    uint64_t in, out;
    const char *attrs; /* their names, with blanks between */
} tn_op_version;

/** A change of form: fn rewrites a node whose version is below `below`, and may insert nodes around it. Changes that
 *  only widened types or added attributes with neutral defaults need none. */
typedef struct {
    int below; /* TN_ONNX_OPSET_MAX: the operator is gone */
    tn_rewrite_fn fn;
} tn_op_upgrade;

/** What a node of the newest form may ask for that versions below `since` do not have, although they accept its inputs
 *  and attributes. One of three; none of them: every node, since the meaning changed. */
typedef struct {
    int since;
    bool (*when)(const tn_node *n); /* it has this form */
    const char *attr, *value;       /* an attribute has this value */
    int input;                      /* an input has a type that is not one of `before` */
    uint64_t before;
} tn_op_demand;

typedef struct {
    const char *op;
    const tn_op_version *versions; /* the oldest first, ends with { 0 }; NULL: never in a released set */
    const tn_op_upgrade *upgrades; /* the oldest first, ends with { 0 }; an old node climbs through all of them */
    const tn_op_demand *demands;   /* ends with { 0 } */
} tn_op_past;

#define TN_VERSIONS(...) ((const tn_op_version[]){ __VA_ARGS__, { 0 } })
#define TN_UPGRADES(...) ((const tn_op_upgrade[]){ __VA_ARGS__, { 0 } })
#define TN_DEMANDS(...)  ((const tn_op_demand[]){ __VA_ARGS__, { 0 } })

/* Sets of types, beside those of op.h: the number is the first operator set that has them. */
#define TN_ONLY(t)    tn_dtype_bit(TN_##t)
#define TN_BFLOAT     TN_ONLY(BF16) /* in most sets since 13 */
#define TN_FLOATS_1   (TN_FLOATS & ~TN_BFLOAT)
#define TN_REAL_1     (TN_REAL & ~TN_BFLOAT)
#define TN_WIDE_1     (TN_FLOATS_1 | TN_INDEX | TN_ONLY(U32) | TN_ONLY(U64)) /* no 8- and 16-bit integers */
#define TN_WIDE       (TN_WIDE_1 | TN_BFLOAT)
#define TN_STRINGS    TN_ONLY(STRING)
#define TN_CAST_13    (TN_REAL | TN_BOOLS | TN_STRINGS) /* all but complex numbers */
#define TN_NEW_19     (TN_ONLY(F8E4M3FN) | TN_ONLY(F8E4M3FNUZ) | TN_ONLY(F8E5M2) | TN_ONLY(F8E5M2FNUZ))
#define TN_NEW_21     (TN_NEW_19 | TN_ONLY(U4) | TN_ONLY(I4))
#define TN_NEW_23     (TN_NEW_21 | TN_ONLY(F4E2M1))
#define TN_NEW_24     (TN_NEW_23 | TN_ONLY(F8E8M0))
#define TN_INT2       (TN_ONLY(U2) | TN_ONLY(I2))
#define TN_NEW_25     (TN_NEW_24 | TN_INT2)
#define TN_CAST_19    (TN_CAST_13 | TN_NEW_19)
#define TN_CAST_21    (TN_CAST_13 | TN_NEW_21)
#define TN_CAST_23    (TN_CAST_13 | TN_NEW_23)
#define TN_CAST_24    (TN_CAST_13 | TN_NEW_24)
#define TN_CAST_25    (TN_CAST_13 | TN_NEW_25)
#define TN_TENSORS_13 (TN_CAST_13 | TN_ONLY(C64) | TN_ONLY(C128))
#define TN_TENSORS_1  (TN_TENSORS_13 & ~TN_BFLOAT)
#define TN_TENSORS_19 (TN_TENSORS_13 | TN_NEW_19)
#define TN_TENSORS_21 (TN_TENSORS_13 | TN_NEW_21)
#define TN_TENSORS_23 (TN_TENSORS_13 | TN_NEW_23)
#define TN_TENSORS_24 (TN_TENSORS_13 | TN_NEW_24)
#define TN_TENSORS_25 (TN_TENSORS_13 | TN_NEW_25)
#define TN_SEQUENCES  tn_dtype_bit(TN_NONE) /* or maps; no tensors */
#define TN_OPTIONALS  (UINT64_C(1) << 63)

/** The record of an operator of ai.onnx, NULL when there is none. */
const tn_op_past *tn_op_past_of(const char *type);
/** The i-th record in alphabetical order; NULL past the last. */
const tn_op_past *tn_op_past_at(int i);
/** Whether files may name an operator that is rewritten as a newer one, whatever their version. */
bool tn_op_is_gone(const tn_op_past *p);

/** Whether n is of an older form than the newest. */
bool tn_op_is_old(const tn_node *n);
/** Brings n to the newest form. errors TN_E_GRAPH, TN_E_UNSUPPORTED, ..., naming the node */
tn_status tn_op_upgrade_node(tn_node *n);

/** The lowest version of ai.onnx in which a node in its newest form is valid; the newest version of the operator when
 *  none is known to fit; 0 when ai.onnx has no such operator. */
int tn_op_lowest_opset(const tn_node *n);

/* For demands: the type of input i (of unknown rank when it is not a tensor), a size of it (i < 0 counts from the
 * last) or TN_DIM_UNKNOWN, and whether its element type is known to differ from that of input 0. */
const tn_type *tn_past_type(const tn_node *n, int i);
int64_t tn_past_size(const tn_type *t, int i);
bool tn_past_type_differs(const tn_node *n, int input);

#endif
