/* op.h - operators: one descriptor row each, one place. Everything the project knows of an operator is in its row:
 * names and versions, inputs, attributes, types, shape rule, cost, preparation, execution, gradient.
 *
 *   src/op/<family>.c   holds `const tn_op tn_ops_<family>[] = { {...}, {...}, { 0 } };`
 *   src/op/ops.def      lists the families, one line each.
 *
 * Old opsets are upgraded on load (format/onnx_upgrade.c), so a row describes the newest form only. */
#ifndef TN_OP_OP_H
#define TN_OP_OP_H

#include "base/pool.h"
#include "graph/graph.h"

typedef struct tn_op tn_op;

/* ---------------------------------------------------------------------------------------------------- inference */

/** What a shape rule sees and fills. The same rule serves symbolic inference on a whole graph, planning with bound
 *  symbols, and exact shapes at run time (then every input is known and `syms` is NULL). */
typedef struct tn_infer {
    const tn_node *node;
    tn_syms *syms;
    tn_arena *arena; /* for contents and element types made by the rule; lives as long as the types */
    int n_in, n_out;
    const tn_type *const *in;            /* NULL: omitted input */
    const tn_tensor *const *in_tensor;   /* the data itself where it is known (constants; at run time all tensors) */
    const tn_content *const *in_content; /* known contents, or NULL */
    tn_type *out;                        /* zeroed; out[i].kind NONE stays "unknown" */
    const tn_content **out_content;      /* NULL where none */
    /** Infers a subgraph of the node: in_types for its inputs, out_types receives its outputs' types. */
    tn_status (*subgraph)(struct tn_infer *c, tn_graph *g, const tn_type *in_types, int n_in, tn_type *out_types,
                          int n_out);
    void *user;
} tn_infer;

/** Small integer inputs (axes, shapes, pads, ...): elements of input i as dims, from data or contents.
 *  returns NULL when the input is omitted or nothing is known of it (then *n = -1; 0 for a known empty one). The
 *  array lives in the inference's arena. Rank 0 counts as one element. */
const tn_dim *tn_infer_ints(tn_infer *c, int i, int *n);
bool tn_infer_int(tn_infer *c, int i, int64_t *v); /* a known constant scalar (or 1-element tensor) */
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
void tn_infer_out_content(tn_infer *c, int i, const tn_dim *v, int n); /* remembers contents if n <= TN_CONTENT_MAX */
/** NumPy broadcasting of two dims, as far as known. errors TN_E_SHAPE. */
tn_status tn_infer_broadcast_dim(tn_infer *c, tn_dim a, tn_dim b, tn_dim *out);
/** Broadcast shape of inputs first..last into *rank/dims (rank -1 if any is unknown). */
tn_status tn_infer_broadcast(tn_infer *c, int first, int last, int *rank, tn_dim *dims);
/** axis in -rank..rank-1 to 0..rank-1. errors TN_E_INVALID naming the node. */
tn_status tn_infer_axis(tn_infer *c, int64_t axis, int rank, int *out);
/** A failure about this node: prefixes "node 'x' (Conv): ". */
#define tn_infer_fail(c, status, ...) tn_op_fail((c)->node, status, __VA_ARGS__)
tn_status tn_op_fail(const tn_node *n, tn_status s, const char *fmt, ...) __attribute__((format(printf, 3, 4), cold));

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
    void *state;                 /* handed to run and release */
    size_t scratch;              /* bytes of scratch wanted at run (0: none); only when the shapes are exact */
    unsigned consumed;           /* set bit i: constant input i was packed and its original bytes are not read by run */
    struct tn_pack_cache *packs; /* shares packed weights between plans of a session; see engine/pack.h */
} tn_prep;

/** Returns the packed form of constant input i, made at most once per session and key: fill() writes `bytes` bytes. */
typedef void (*tn_pack_fill)(void *dst, const void *user);
tn_status tn_prep_pack(tn_prep *p, int input, const char *key, size_t bytes, tn_pack_fill fill, const void *user,
                       const void **out);

/** Running one node. Shapes are exact. out[i]'s tensor has memory, unless the row says `dynamic` - then the operator
 *  calls tn_run_alloc itself. NULL entries: omitted inputs, outputs nobody wants. */
typedef struct tn_run {
    const tn_node *node;
    void *state; /* from prepare, or NULL */
    int n_in, n_out;
    tn_datum *const *in;
    tn_datum *const *out;
    tn_pool *pool;
    void *scratch;        /* as prepared, 64-byte aligned */
    tn_arena *arena;      /* more scratch; emptied after the node */
    struct tn_exec *exec; /* the engine's: for subgraphs */
} tn_run;

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
/** Output i := shares d (sequences, maps, optionals; tensors that are passed through). */
void tn_run_share(tn_run *r, int i, const tn_datum *d);
/** Runs a subgraph of the node: in[] are its inputs, out[] receives its outputs (fresh references). */
tn_status tn_run_subgraph(tn_run *r, tn_graph *g, const tn_datum *in, int n_in, tn_datum *out, int n_out);
void *tn_run_scratch(tn_run *r, size_t bytes); /* from r->arena, NULL when out of memory */

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
};

/** One input or output; the last one may repeat (variadic). */
typedef struct {
    const char *name;
    uint64_t types; /* tensor element types allowed, 0: not a tensor (sequence, optional, map) or checked by infer */
    char group;     /* inputs with one letter must have one element type ('T'); 0: free */
    bool optional;
    bool variadic;
} tn_port;

/** One attribute as the specification declares it; checked when a model is loaded. */
typedef struct {
    const char *name;
    tn_attr_kind kind;
    bool required;
    const char *words; /* STRING: allowed values, "NOTSET|SAME_UPPER|..."; NULL: any */
    int64_t min, max;  /* INT and INTS: allowed range when max > min */
} tn_attr_spec;

typedef tn_status (*tn_infer_fn)(tn_infer *c);
typedef tn_status (*tn_cost_fn)(const tn_infer *c, tn_cost *out);
typedef tn_status (*tn_prepare_fn)(tn_prep *p);
typedef tn_status (*tn_run_fn)(tn_run *r);
struct tn_grad; /* op/grad.h */

struct tn_op {
    const char *name;
    const char *domain; /* NULL: ai.onnx */
    int since;          /* opset version of this form: the newest */
    unsigned flags;
    const tn_port *in; /* ends with { 0 } */
    const tn_port *out;
    const tn_attr_spec *attrs; /* ends with { 0 }; NULL: none */
    tn_infer_fn infer;
    tn_cost_fn cost;       /* NULL: bytes of all inputs and outputs, one FLOP per output element if POINTWISE */
    tn_prepare_fn prepare; /* NULL: nothing to prepare */
    tn_run_fn run;
    void (*release)(void *state); /* frees what `state` owns outside the plan's arena; it may be half made */
    tn_status (*grad)(struct tn_grad *g);
    int arg;         /* for families whose rows share functions: which member */
    const char *doc; /* one line */
};

/** All families; each array ends with a row whose name is NULL. */
extern const tn_op *const tn_op_families[];

/** The row for a node's domain and type, or NULL. "ai.onnx" and "" are the same domain. */
const tn_op *tn_op_find(const char *domain, const char *type);
int tn_op_count(void);
const tn_op *tn_op_at(int i); /* sorted by domain, then name */
int tn_op_min_inputs(const tn_op *op);
int tn_op_max_inputs(const tn_op *op); /* INT_MAX when variadic */

/** Checks a node against its row: counts, attribute names and kinds, ranges. errors TN_E_GRAPH, TN_E_INVALID. */
tn_status tn_op_check_node(const tn_node *n);
/** Checks input element types against the row (types that are known). errors TN_E_TYPE. */
tn_status tn_op_check_types(const tn_node *n, const tn_type *const *in, int n_in);
/** Both against a descriptor that is not the node's row: of an operator that is rewritten (format/onnx_decompose.h). */
tn_status tn_op_check_node_as(const tn_node *n, const tn_op *op);
tn_status tn_op_check_types_as(const tn_node *n, const tn_op *op, const tn_type *const *in, int n_in);
/** Calls the row's prepare. On error p->state is NULL: what the row had begun is released. */
tn_status tn_op_prepare(const tn_op *op, tn_prep *p);
/** The row's cost, or the default. */
tn_status tn_op_cost(const tn_infer *c, tn_cost *out);

#endif
