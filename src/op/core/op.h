/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* op.h - operators: one descriptor row each, one place. Everything the project knows of an operator is in its row:
 * names and versions, inputs, attributes, types, shape rule, cost, preparation, execution, gradient.
 *
 *   src/op/<folder>/<family>.c   holds `const tn_op tn_ops_<family>[] = { {...}, {...}, { 0 } };`
 *   src/op/core/ops.def          lists them, one line each.
 *
 * Old opsets are upgraded on load, so a row describes the newest form only; what older ones say is in past.h. A row
 * with `expand` is of an operator that is a sum of others (expand.h). */
#ifndef TN_OP_CORE_OP_H
#define TN_OP_CORE_OP_H

#include "base/pool.h"
#include "graph/build.h"
#include <stddef.h>

/** Newest version of the default operator set that this library knows. */
#define TN_ONNX_OPSET_MAX 28

typedef struct tn_op tn_op;
typedef struct tn_impl tn_impl;

/* ---------------------------------------------------------------------------------------------------- inference */

/** What a shape rule sees and fills. The same rule serves symbolic inference on a whole graph, planning with bound
 *  symbols, and exact shapes at run time (then every input is known and `syms` is NULL). */
typedef struct tn_infer {
    const tn_node *node;
    const void *attrs; /* the row's attribute struct, read from the node; NULL: the row has none */
    tn_syms *syms;
    tn_arena *arena; /* for contents and element types made by the rule; lives as long as the types */
    int n_in, n_out;
    const tn_type *const *in;            /* NULL: omitted input */
    const tn_tensor *const *in_tensor;   /* the data itself where it is known (constants; at run time all tensors) */
    const tn_content *const *in_content; /* known contents, or NULL */
    tn_type *out;                        /* zeroed; out[i].kind NONE stays "unknown" */
    const tn_content **out_content;      /* NULL where none */
    uint64_t open; /* bit i (63: and all later ones): the rule asked for the values of input i, which are not known */
    /** Infers a subgraph of the node: in_types for its inputs, out_types receives its outputs' types. */
    tn_status (*subgraph)(struct tn_infer *c, tn_graph *g, const tn_type *in_types, int n_in, tn_type *out_types,
                          int n_out);
    void *user;
} tn_infer;

/* A rule asks for the *parameters* that come as inputs (axes, shapes, pads, ...) through the next three. What it asked
 * for and is not known yet is noted in c->open, and the engine applies the rule again to the actual inputs before it
 * runs the node: so a rule may leave unchecked what it does not know, even when it knows the output's shape. */

/** Elements of input i as dims, from data or contents.
 *  returns NULL when the input is omitted or nothing is known of it (then *n = -1; 0 for a known empty one). The
 *  array belongs to the tensor or lives in the inference's arena. Rank 0 counts as one element. */
const tn_dim *tn_infer_ints(tn_infer *c, int i, int *n);
bool tn_infer_int(tn_infer *c, int i, int64_t *v); /* a known constant scalar (or 1-element tensor) */
/** Input i's tensor where it is known (any type and rank), else NULL. */
const tn_tensor *tn_infer_tensor(tn_infer *c, int i);
/** Like tn_infer_ints for *data* whose contents the rule merely hands on: nothing is noted, and what has more than
 *  TN_CONTENT_MAX elements is not known. */
const tn_dim *tn_infer_contents(tn_infer *c, int i, int *n);
/** How many elements input i has, when it is a list (or scalar) of known length; else -1. */
int tn_infer_length(const tn_infer *c, int i);
static inline bool tn_infer_has(const tn_infer *c, int i) { return i < c->n_in && c->in[i]; }
static inline tn_dtype tn_infer_dtype(const tn_infer *c, int i) {
    return tn_infer_has(c, i) ? c->in[i]->dtype : TN_NONE;
}
/** Rank of tensor input i, or -1. */
static inline int tn_infer_rank(const tn_infer *c, int i) { return tn_infer_has(c, i) ? c->in[i]->rank : -1; }
/** out[i] := tensor of that type and shape (dims NULL: rank only with unknown dims; rank -1: unknown). */
void tn_infer_out(tn_infer *c, int i, tn_dtype t, int rank, const tn_dim *dims);
/** Remembers contents if n <= TN_CONTENT_MAX; a number that out[i]'s element type (set before) does not hold becomes
 *  unknown. */
void tn_infer_out_content(tn_infer *c, int i, const tn_dim *v, int n);
/** Element k of an integer or bool tensor as a dim, clamped. */
tn_dim tn_op_dim_at(const tn_tensor *t, int64_t k);
/** NumPy broadcasting of two dims, as far as known. errors TN_E_SHAPE. */
tn_status tn_infer_broadcast_dim(tn_infer *c, tn_dim a, tn_dim b, tn_dim *out);
/** Broadcast shape of inputs first..last into *rank/dims (rank -1 if any is unknown). */
tn_status tn_infer_broadcast(tn_infer *c, int first, int last, int *rank, tn_dim *dims);
/** A failure about this node: prefixes "node 'x' (Conv): ". */
#define tn_infer_fail(c, status, ...) tn_op_fail((c)->node, status, __VA_ARGS__)
tn_status tn_op_fail(const tn_node *n, tn_status s, const char *fmt, ...) __attribute__((format(printf, 3, 4), cold));

/** The one check of axes, for rules, checks and runs: axis in -rank..rank-1 becomes 0..rank-1.
 *  errors   TN_E_INVALID naming the node, the axis and the range; *out is untouched */
tn_status tn_op_axis(const tn_node *n, int64_t axis, int rank, int *out);

/** The one check of lists of axes: each as tn_op_axis says and none twice, in out[0 .. *n_out-1] (room for `rank`).
 *  errors   TN_E_INVALID naming the node and the axis */
tn_status tn_op_axes(const tn_node *n, const int64_t *axes, int64_t count, int rank, int *out, int *n_out);

/* Ready-made shape rules. */
tn_status tn_infer_pass(tn_infer *c);        /* output 0 is input 0, of whatever kind, contents too */
tn_status tn_infer_same(tn_infer *c);        /* output 0 has input 0's type and shape */
tn_status tn_infer_elementwise(tn_infer *c); /* broadcast of all inputs, input 0's element type; integer contents
                                                are followed for Add, Sub, Mul, Div, Min, Max, Mod */
tn_status tn_infer_compare(tn_infer *c);     /* broadcast, bool */

/* --------------------------------------------------------------------------------------------------------- cost */

typedef struct {
    double flops; /* a multiply-add counts 2 */
    double bytes_read, bytes_written;
} tn_cost;

/* ---------------------------------------------------------------------------------------------- prepare and run */

/** Planning one node: choose kernels, pack constant weights, read attributes into a struct. Called once per plan, with
 *  the types of that plan (exact when the plan's shapes are). */
typedef struct tn_prep {
    tn_infer types;  /* in, out, in_tensor (constants), as in inference */
    tn_arena *arena; /* lives as long as the plan; put `state` here */
    tn_pool *pool;
    const tn_impl *impl; /* of a row with implementations: which to prepare; NULL: the one of least estimate, and then
                            prepare says here which */
    void *state;         /* handed to run and release */
    size_t scratch;      /* bytes of scratch wanted at run (0: none); only when the shapes are exact */
    size_t room;         /* bytes that run will ask tn_run_scratch for, see tn_room; only when shapes are exact */
    unsigned consumed;   /* set bit i: constant input i was packed and its original bytes are not read by run */
    unsigned as_it_lies; /* set bit i: run reads constant input i byte by byte: it needs no aligned copy */
    struct tn_pack_cache *packs; /* shares packed weights between plans of a session; see engine/pack.h */
    struct tn_pack_use **held;   /* those that `state` uses, when there are packs; whoever drops it lets them go */
} tn_prep;

/** Returns the packed form of constant inputs, `bytes` bytes that fill() writes.
 *  inputs  set bit i: it is made of constant input i (all of them are constants)
 *  key     what else it depends on, and who made it. No addresses: they may be those of something else tomorrow
 *  out     valid as long as the prepared state. Constants of the model are packed once per session; what only this plan
 *          knows is packed for it alone, in the plan's arena
 *  errors  fill's (then nothing is kept, and the next to ask fills anew), TN_E_INVALID, TN_E_NOMEM */
typedef tn_status (*tn_pack_fill)(void *dst, const void *user);
tn_status tn_prep_pack(tn_prep *p, unsigned inputs, const char *key, size_t bytes, tn_pack_fill fill, const void *user,
                       const void **out);

/** Running one node. Shapes are exact. out[i]'s tensor has memory, unless the row says `dynamic` - then the operator
 *  calls tn_run_alloc itself. NULL entries: omitted inputs, outputs nobody wants. */
typedef struct tn_run {
    const tn_node *node;
    const void *attrs;   /* as tn_infer.attrs */
    const tn_impl *impl; /* of a row with implementations: the one that was prepared */
    void *state;         /* from prepare, or NULL */
    int n_in, n_out;
    tn_datum *const *in;
    tn_datum *const *out;
    tn_pool *pool;
    void *scratch; /* as prepared, 64-byte aligned */
    char *room;    /* as prepared: tn_run_scratch takes it from here, as far as it goes */
    size_t room_bytes, room_used;
    tn_arena *arena;      /* more scratch; emptied after the node */
    struct tn_exec *exec; /* the engine's: for subgraphs */
} tn_run;

/** A row's `fit` whose state serves any sizes and which wants no scratch. */
static inline tn_status tn_fit_any(tn_prep *p) {
    (void)p;
    return TN_OK;
}

/** What one call of tn_run_scratch takes of tn_prep.room. */
static inline size_t tn_room(size_t bytes) { return tn_align_up(bytes ? bytes : 1, 64); }

static inline bool tn_run_has(const tn_run *r, int i) { return i < r->n_in && r->in[i]; }
static inline bool tn_run_wants(const tn_run *r, int i) { return i < r->n_out && r->out[i]; }
static inline const tn_tensor *tn_in(const tn_run *r, int i) {
    return i < r->n_in && r->in[i] ? &r->in[i]->tensor : NULL;
}
static inline tn_tensor *tn_out(const tn_run *r, int i) {
    return i < r->n_out && r->out[i] ? &r->out[i]->tensor : NULL;
}
/** Gives output i its type, shape and memory (dynamic rows only). errors TN_E_NOMEM, TN_E_LIMIT, TN_E_SHAPE. */
tn_status tn_run_alloc(tn_run *r, int i, tn_dtype t, int rank, const int64_t *dims);
/** Output i := shares d (sequences, maps, optionals; tensors that are passed through). What is borrowed is copied.
 *  errors TN_E_NOMEM; the output is as it was then. */
tn_status tn_run_share(tn_run *r, int i, const tn_datum *d) __attribute__((warn_unused_result));
/** Runs a subgraph of the node: in[] are its inputs, out[] receives its outputs (fresh references). */
tn_status tn_run_subgraph(tn_run *r, tn_graph *g, const tn_datum *in, int n_in, tn_datum *out, int n_out);
/** For a loop that found tn_budget_stopped() (base/budget.h): the status to leave with. Whoever runs says why. */
tn_status tn_op_stopped(const tn_run *r);
/** Memory until the node has run, not zeroed, 64-byte aligned: from what was prepared as `room`, which lies in the
 * plan's block and is told beforehand, else from r->arena. NULL when out of memory. */
void *tn_run_scratch(tn_run *r, size_t bytes);

/* ------------------------------------------------------------------------------------------------- the descriptor */

#define TN_ANY_NUMBER (~UINT64_C(0) & ~tn_dtype_bit(TN_NONE) & ~tn_dtype_bit(TN_STRING) & ~tn_dtype_bit(TN_BOOL))
#define TN_ANY_TYPE   (~UINT64_C(0) & ~tn_dtype_bit(TN_NONE))
#define TN_PACKED                                                                                \
    (tn_dtype_bit(TN_U4) | tn_dtype_bit(TN_I4) | tn_dtype_bit(TN_F4E2M1) | tn_dtype_bit(TN_U2) | \
     tn_dtype_bit(TN_I2)) /* several elements to a byte */
#define TN_FLOATS        (tn_dtype_bit(TN_F16) | tn_dtype_bit(TN_F32) | tn_dtype_bit(TN_F64) | tn_dtype_bit(TN_BF16))
#define TN_SIGNED_INTS   (tn_dtype_bit(TN_I8) | tn_dtype_bit(TN_I16) | tn_dtype_bit(TN_I32) | tn_dtype_bit(TN_I64))
#define TN_UNSIGNED_INTS (tn_dtype_bit(TN_U8) | tn_dtype_bit(TN_U16) | tn_dtype_bit(TN_U32) | tn_dtype_bit(TN_U64))
#define TN_INTS          (TN_SIGNED_INTS | TN_UNSIGNED_INTS)
#define TN_REAL          (TN_FLOATS | TN_INTS)
#define TN_BOOLS         tn_dtype_bit(TN_BOOL)
#define TN_INDEX         (tn_dtype_bit(TN_I32) | tn_dtype_bit(TN_I64))

enum {
    TN_OP_DYNAMIC = 1 << 0,     /* output shapes depend on data: run allocates */
    TN_OP_ALIAS = 1 << 1,       /* output 0 is input 0's memory under another shape: run is never called */
    TN_OP_INPLACE = 1 << 2,     /* output 0 may overwrite input 0 or 1 of the same size and type */
    TN_OP_POINTWISE = 1 << 3,   /* element i of the output depends on element i of the (broadcast) inputs alone */
    TN_OP_RANDOM = 1 << 4,      /* never folded, never shared */
    TN_OP_SUBGRAPH = 1 << 5,    /* has graph attributes */
    TN_OP_SHAPE_ONLY = 1 << 6,  /* reads only the shapes of its inputs */
    TN_OP_INTERNAL = 1 << 7,    /* made by passes; not in files */
    TN_OP_SIDE_EFFECT = 1 << 8, /* not removed when unused */
    TN_OP_RUN_EMPTY = 1 << 9,   /* run is called even when no output that is wanted has an element */
};

/** One input or output; the last one may repeat (variadic). */
typedef struct {
    const char *name;
    uint64_t types; /* tensor element types allowed, 0: not a tensor (sequence, optional, map) or checked by infer */
    char group;     /* inputs with one letter must have one element type ('T'); 0: free */
    bool optional;
    bool variadic;
    bool encoded; /* takes tensors of blocks (tensor/encoding.h), too; all others never see one */
} tn_port;

/* The lists that attribute structs hold; v is NULL when the attribute is absent. They belong to the model. */
typedef struct {
    const int64_t *v;
    size_t n;
} tn_ints;
typedef struct {
    const float *v;
    size_t n;
} tn_floats;
typedef struct {
    const tn_string *v;
    size_t n;
} tn_strings;
typedef struct {
    bool given;
    float v;
} tn_maybe_float;

/** How an attribute lies in the row's struct: the member's C type. */
typedef enum {
    TN_STORE_NONE,   /* nowhere: it is only checked */
    TN_STORE_INT,    /* int64_t */
    TN_STORE_FLAG,   /* bool: not 0 */
    TN_STORE_DTYPE,  /* tn_dtype, from TensorProto's number; 0 is absent, no such type an error */
    TN_STORE_FLOAT,  /* float */
    TN_STORE_MAYBE,  /* tn_maybe_float */
    TN_STORE_STRING, /* tn_string; ptr NULL: absent */
    TN_STORE_WORD,   /* int: which of `words`; -1: absent without a default */
    TN_STORE_INTS,   /* tn_ints */
    TN_STORE_FLOATS, /* tn_floats */
    TN_STORE_STRINGS,
    TN_STORE_TENSOR, /* const tn_tensor *; NULL: absent */
    TN_STORE_GRAPH,  /* tn_graph *; NULL: absent */
    TN_STORE_ATTR,   /* const tn_attr *, of any kind; NULL: absent */
} tn_attr_store;

/** One attribute as the specification declares it: checked when a model is loaded, and read into the row's struct once
 *  per plan (tn_op_read_attrs), so that nothing is looked up by name or narrowed while running. */
typedef struct {
    const char *name;
    tn_attr_kind kind;
    bool required;
    const char *words; /* STRING: allowed values, "NOTSET|SAME_UPPER|..."; NULL: any */
    int64_t min, max;  /* INT and INTS: allowed range when max > min */
    tn_attr_store store;
    size_t at;        /* offset of its member */
    int64_t dflt_i;   /* INT, FLAG, DTYPE (a tn_dtype): the value when it is absent */
    float dflt_f;     /* FLOAT */
    const char *dflt; /* STRING, WORD */
} tn_attr_spec;

/* Specs with a member of struct T, whose C type the compiler checks: `{ TN_INT(gather, axis, 0), .min = -16, ... }`.
 * _AS: the member has another name than the attribute. */
#define TN_MEMBER(T, m, type) offsetof(T, m) + 0 * sizeof(char[_Generic(((T *)0)->m, type : 1)])
#define TN_STORED(T, m, n, k, st, type) \
    .name = n, .kind = TN_ATTR_##k, .store = TN_STORE_##st, .at = TN_MEMBER(T, m, type)
#define TN_INT_AS(T, m, n, d)       TN_STORED(T, m, n, INT, INT, int64_t), .dflt_i = (d)
#define TN_FLAG_AS(T, m, n, d)      TN_STORED(T, m, n, INT, FLAG, bool), .dflt_i = (d)
#define TN_DTYPE_AS(T, m, n, d)     TN_STORED(T, m, n, INT, DTYPE, tn_dtype), .dflt_i = (d)
#define TN_FLOAT_AS(T, m, n, d)     TN_STORED(T, m, n, FLOAT, FLOAT, float), .dflt_f = (d)
#define TN_STRING_AS(T, m, n, d)    TN_STORED(T, m, n, STRING, STRING, tn_string), .dflt = (d)
#define TN_WORD_AS(T, m, n, all, d) TN_STORED(T, m, n, STRING, WORD, int), .words = all, .dflt = (d)
#define TN_INTS_AS(T, m, n)         TN_STORED(T, m, n, INTS, INTS, tn_ints)
#define TN_FLOATS_AS(T, m, n)       TN_STORED(T, m, n, FLOATS, FLOATS, tn_floats)
#define TN_STRINGS_AS(T, m, n)      TN_STORED(T, m, n, STRINGS, STRINGS, tn_strings)
#define TN_TENSOR_AS(T, m, n)       TN_STORED(T, m, n, TENSOR, TENSOR, const tn_tensor *)
#define TN_INT(T, m, d)             TN_INT_AS(T, m, #m, d)
#define TN_FLAG(T, m, d)            TN_FLAG_AS(T, m, #m, d)
#define TN_DTYPE(T, m, d)           TN_DTYPE_AS(T, m, #m, d)
#define TN_FLOAT(T, m, d)           TN_FLOAT_AS(T, m, #m, d)
#define TN_MAYBE_FLOAT(T, m)        TN_STORED(T, m, #m, FLOAT, MAYBE, tn_maybe_float)
#define TN_STRING_OF(T, m, d)       TN_STRING_AS(T, m, #m, d)
#define TN_WORD(T, m, all, d)       TN_WORD_AS(T, m, #m, all, d)
#define TN_INTS_OF(T, m)            TN_INTS_AS(T, m, #m)
#define TN_FLOATS_OF(T, m)          TN_FLOATS_AS(T, m, #m)
#define TN_STRINGS_OF(T, m)         TN_STRINGS_AS(T, m, #m)
#define TN_TENSOR_OF(T, m)          TN_TENSOR_AS(T, m, #m)
#define TN_GRAPH_OF(T, m)           TN_STORED(T, m, #m, GRAPH, GRAPH, tn_graph *)
#define TN_ATTR_OF(T, m)            TN_STORED(T, m, #m, NONE, ATTR, const tn_attr *)
/** The row's half: `TN_ATTRS(gather_attrs, gather)` sets .attrs and the struct's size. */
#define TN_ATTRS(specs, T) .attrs = (specs), .attrs_bytes = sizeof(T)

typedef tn_status (*tn_infer_fn)(tn_infer *c);
typedef tn_status (*tn_cost_fn)(const tn_infer *c, tn_cost *out);
typedef tn_status (*tn_prepare_fn)(tn_prep *p);
typedef tn_status (*tn_run_fn)(tn_run *r);
/** What must hold of the actual inputs for `run` to be safe and is not in the shape rule: values of axes, indices,
 *  lengths, offsets. Called before every run; it changes nothing. errors naming the node, the value and the range */
typedef tn_status (*tn_check_fn)(const tn_run *r);
/** Writes b->node as what it means: gives its outputs to other nodes, or brings it into its newest form. Called when a
 *  model is loaded. A failure is also one of b's. */
typedef tn_status (*tn_rewrite_fn)(tn_build *b);
struct tn_grad; /* op/core/grad.h */

/* -------------------------------------------------------------------------------------------------- implementations */

enum {
    TN_ON_CPU = 1 << 0, /* tn_impl.devices: where it can run */
};

/** One of several ways to compute a row. All of a row give the same results but for the rounding that its kernels
 *  document, so that the planner is free: it takes the one of least estimate, or of least time where it may measure
 *  (engine/tune.h). They share the row's check and release, and their states one type. */
struct tn_impl {
    const char *name; /* in profiles and timing caches: letters, digits and '-'; unique in its list */
    unsigned devices; /* TN_ON_CPU, ... */
    int arg;          /* for implementations that share functions: which */
    /** Whether it can compute what p describes (p->types, p->pool; p->impl is this one, nothing is prepared yet). NULL:
     *  always. Of every list some always does */
    bool (*fits)(const tn_prep *p);
    double (*estimate)(const tn_prep *p); /* of what fits: about how many ns a run takes; NULL: the worst of all */
    tn_prepare_fn prepare;                /* NULL: nothing to prepare */
    tn_run_fn run;
};

/** The implementation of least estimate among those on these devices that fit, the first of equal ones.
 *  p        p->types, p->pool. It is left as it is but for p->impl, which is set
 *  returns  it, p->impl; NULL when none fits: the list has none for such devices */
const tn_impl *tn_impl_choose(const tn_op *op, unsigned devices, tn_prep *p);
/** The implementation of that name, NULL: none. */
const tn_impl *tn_impl_find(const tn_op *op, const char *name, size_t len);
/** Whether x fits; sets p->impl. */
bool tn_impl_fits(const tn_impl *x, tn_prep *p);
/** What it would take, INFINITY for the worst of all; sets p->impl. */
double tn_impl_estimate(const tn_impl *x, tn_prep *p);

/* A row's prepare and run when it lists implementations: p->impl's, or the chosen one's. */
tn_status tn_impl_prepare(tn_prep *p);
tn_status tn_impl_run(tn_run *r);
#define TN_IMPLS(list) .impls = (list), .prepare = tn_impl_prepare, .run = tn_impl_run

struct tn_op {
    const char *name;
    const char *domain; /* NULL: ai.onnx */
    int since;          /* opset version of this form: the newest */
    unsigned flags;
    const tn_port *in; /* ends with { 0 } */
    const tn_port *out;
    const tn_attr_spec *attrs; /* ends with { 0 }; NULL: none */
    size_t attrs_bytes;        /* of the struct they are read into, see TN_ATTRS; 0: none */
    tn_infer_fn infer;
    tn_cost_fn cost;       /* NULL: bytes of all inputs and outputs, one FLOP per output element if POINTWISE */
    tn_prepare_fn prepare; /* NULL: nothing to prepare */
    /** Where `state` does not depend on sizes that vary: says scratch and room for other sizes (p->state is what
     * prepare made, and stays as it is). It may be prepare itself where that makes no state. NULL: prepared anew for
     * them. */
    tn_prepare_fn fit;
    tn_check_fn check; /* NULL: the shape rule says all */
    tn_run_fn run;
    const tn_impl *impls;         /* ends with { 0 }; NULL: prepare and run are the only way. See TN_IMPLS */
    void (*release)(void *state); /* frees what `state` owns outside the plan's arena; it may be half made */
    tn_status (*grad)(struct tn_grad *g);
    tn_rewrite_fn expand; /* of a row that has none of these functions; NULL: the operator is run */
    int arg;              /* for families whose rows share functions: which member */
    const char *doc;      /* one line */
};

/** All families; each array ends with a row whose name is NULL. */
extern const tn_op *const tn_op_families[];

/** The row that runs a node of that domain and type, or NULL: none, or one that is expanded. "ai.onnx" and "" are the
 * same domain. */
const tn_op *tn_op_find(const char *domain, const char *type);
int tn_op_count(void);        /* rows that run */
const tn_op *tn_op_at(int i); /* sorted by domain, then name */
int tn_op_min_inputs(const tn_op *op);
int tn_op_max_inputs(const tn_op *op); /* INT_MAX when variadic */
/** Whether `run` counts on output i: it is neither optional nor one of any number. Such an output is made also where
 *  nobody wants it. */
bool tn_op_needs_output(const tn_op *op, int i);

/** Every invariant of a graph: uses and producers agree, order is topological, outer references point outwards,
 * operators known, input counts and attributes as their rows say. errors TN_E_GRAPH, TN_E_UNSUPPORTED, naming the node.
 */
tn_status tn_graph_check(const tn_graph *g);
/** Types, shapes and contents of every value from the inputs' types. errors TN_E_TYPE, TN_E_SHAPE, naming the node. */
tn_status tn_graph_infer(tn_graph *g);

/** Checks a node against its row: counts, attribute names and kinds, ranges. errors TN_E_GRAPH, TN_E_INVALID. */
tn_status tn_op_check_node(const tn_node *n);
/** Checks input element types against the row (types that are known). errors TN_E_TYPE. */
tn_status tn_op_check_types(const tn_node *n, const tn_type *const *in, int n_in);
/** Whether input i, when it is t, may be one of blocks. errors TN_E_UNSUPPORTED naming node, input and encoding */
tn_status tn_op_check_encoded(const tn_node *n, int i, const tn_tensor *t);
/** Both against a descriptor that is not the node's row: of an operator that is rewritten (expand.h). */
tn_status tn_op_check_node_as(const tn_node *n, const tn_op *op);
tn_status tn_op_check_types_as(const tn_node *n, const tn_op *op, const tn_type *const *in, int n_in);
/** Reads n's attributes into a struct as op (the node's row, or another descriptor of it) says, in `a`; they are
 * checked on the way. Strings, lists and tensors stay the model's. *out is NULL when op has no struct. errors
 * TN_E_INVALID, TN_E_GRAPH (a required one is missing), TN_E_NOMEM */
tn_status tn_op_read_attrs(const tn_node *n, const tn_op *op, tn_arena *a, const void **out);
/** The same into a struct of the caller's: for who needs some attributes of a node that is not running (gradients,
 *  passes). errors as tn_op_read_attrs */
tn_status tn_op_fill_attrs(const tn_node *n, const tn_attr_spec *specs, void *to);
/** Is there nothing to run: no output that is wanted has an element (and the row does not want to run all the same)? An
 *  operator would only look for what to do, beside a size of 2^40 for hours. */
bool tn_run_is_empty(const tn_op *op, const tn_run *r);
/** The row's check, then its run. */
static inline tn_status tn_op_run(const tn_op *op, tn_run *r) {
    tn_status st = op->check ? op->check(r) : TN_OK;
    return st == TN_OK && !tn_run_is_empty(op, r) ? op->run(r) : st;
}
/** Calls the row's prepare. On error p->state is NULL: what the row had begun is released. */
tn_status tn_op_prepare(const tn_op *op, tn_prep *p);
/** The row's cost, or the default. */
tn_status tn_op_cost(tn_infer *c, tn_cost *out);

#endif
