/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* tenon.h - the public C API of Tenon: read a model, look inside, run it.
 *
 * Conventions
 *   - Every call that can fail returns a tn_status; tn_error() then holds one sentence for the calling thread: what was
 *     wrong, where, and what would be right. Out-parameters are NULL (or untouched, where said) on error.
 *   - open/new create something the caller owns, close/free release it; closing NULL is harmless.
 *   - Option structs begin with .size = sizeof(struct); every other field may be zero for its default.
 *   - A tn_model is immutable after opening and may be shared by threads. A tn_session runs from many threads at once.
 *   - After fork, a child may go on with the models and sessions of its parent, also those that other threads use,
 *     and make its own; it starts worker threads of its own. fork waits while another thread makes a plan (the first
 *     run with new shapes); call it from no callback of this library.
 *   - Shapes are arrays of int64_t, outermost dimension first; strides are implied (row-major, dense). */
#ifndef TENON_H
#define TENON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define TN_API __attribute__((visibility("default")))
#else
#define TN_API
#endif

#define TN_VERSION_MAJOR 0
#define TN_VERSION_MINOR 1
#define TN_VERSION_PATCH 0

/** "0.1.0": the version of the library that is running (the macros above: of the header it was compiled with). */
TN_API const char *tn_version(void);

/* ---------------------------------------------------------------------------------------------- status and messages */

/* id, sentence used when nothing more exact is known */
#define TN_STATUSES(X)                             \
    X(OK, "success")                               \
    X(E_NOMEM, "out of memory")                    \
    X(E_IO, "input/output failed")                 \
    X(E_FORMAT, "not a valid file of this format") \
    X(E_UNSUPPORTED, "not supported")              \
    X(E_INVALID, "invalid argument")               \
    X(E_GRAPH, "the graph is not valid")           \
    X(E_TYPE, "element types do not fit")          \
    X(E_SHAPE, "shapes do not fit")                \
    X(E_NOT_FOUND, "no such thing")                \
    X(E_LIMIT, "a limit was exceeded")             \
    X(E_CANCELLED, "cancelled")                    \
    X(E_BUSY, "too much to do already")            \
    X(E_DEVICE, "the device failed")

typedef enum {
#define X(id, text) TN_##id,
    TN_STATUSES(X)
#undef X
        TN_STATUS_COUNT
} tn_status;

/** The sentence about this thread's last failed call. Valid until the thread's next failing call; never NULL. */
TN_API const char *tn_error(void);

/** "TN_E_SHAPE" and the like, for logs. Never NULL. */
TN_API const char *tn_status_name(tn_status s);

/* -------------------------------------------------------------------------------------------------- element types */

/* id, name, ONNX TensorProto.DataType, elements per block, bytes per block. Sub-byte types pack low bits first. */
#define TN_DTYPES(X)                          \
    X(NONE, "none", 0, 1, 0)                  \
    X(F32, "float32", 1, 1, 4)                \
    X(U8, "uint8", 2, 1, 1)                   \
    X(I8, "int8", 3, 1, 1)                    \
    X(U16, "uint16", 4, 1, 2)                 \
    X(I16, "int16", 5, 1, 2)                  \
    X(I32, "int32", 6, 1, 4)                  \
    X(I64, "int64", 7, 1, 8)                  \
    X(STRING, "string", 8, 1, 16)             \
    X(BOOL, "bool", 9, 1, 1)                  \
    X(F16, "float16", 10, 1, 2)               \
    X(F64, "float64", 11, 1, 8)               \
    X(U32, "uint32", 12, 1, 4)                \
    X(U64, "uint64", 13, 1, 8)                \
    X(C64, "complex64", 14, 1, 8)             \
    X(C128, "complex128", 15, 1, 16)          \
    X(BF16, "bfloat16", 16, 1, 2)             \
    X(F8E4M3FN, "float8e4m3fn", 17, 1, 1)     \
    X(F8E4M3FNUZ, "float8e4m3fnuz", 18, 1, 1) \
    X(F8E5M2, "float8e5m2", 19, 1, 1)         \
    X(F8E5M2FNUZ, "float8e5m2fnuz", 20, 1, 1) \
    X(U4, "uint4", 21, 2, 1)                  \
    X(I4, "int4", 22, 2, 1)                   \
    X(F4E2M1, "float4e2m1", 23, 2, 1)         \
    X(F8E8M0, "float8e8m0", 24, 1, 1)         \
    X(U2, "uint2", 25, 4, 1)                  \
    X(I2, "int2", 26, 4, 1)

typedef enum {
#define X(id, name, onnx, block, bytes) TN_##id,
    TN_DTYPES(X)
#undef X
        TN_DTYPE_COUNT
} tn_dtype;

/** "float32", ...; "none" for anything that is not an element type. Never NULL. */
TN_API const char *tn_dtype_name(tn_dtype t);

/** The element type of that name ("float32", also the short "f32"); TN_NONE if there is none. */
TN_API tn_dtype tn_dtype_parse(const char *name);

/* ------------------------------------------------------------------------------------------------------- tensors */

#define TN_MAX_RANK 16 /* dimensions a tensor may have */

/** One element of a TN_STRING tensor: bytes (UTF-8 by ONNX's convention), not NUL-terminated. */
typedef struct {
    const char *ptr;
    size_t len;
} tn_string;

typedef struct tn_tensor tn_tensor;

/** A dense tensor with its own zeroed memory, 64-byte aligned.
 *  errors   TN_E_SHAPE (rank, negative dimension, size over 2^62 bytes), TN_E_NOMEM
 *  owns     the caller owns *out: tn_tensor_free */
TN_API tn_status tn_tensor_new(tn_dtype t, int rank, const int64_t *dims, tn_tensor **out);

/** A tensor over the caller's memory, which must hold tn_tensor_bytes() bytes and outlive the tensor. */
TN_API tn_status tn_tensor_borrow(tn_dtype t, int rank, const int64_t *dims, void *data, tn_tensor **out);

TN_API void tn_tensor_free(tn_tensor **t); /* NULL is fine; sets *t = NULL */

TN_API tn_dtype tn_tensor_dtype(const tn_tensor *t);
TN_API int tn_tensor_rank(const tn_tensor *t);
TN_API const int64_t *tn_tensor_dims(const tn_tensor *t); /* rank entries; belongs to the tensor */
TN_API int64_t tn_tensor_elements(const tn_tensor *t);    /* 1 for a scalar */
TN_API size_t tn_tensor_bytes(const tn_tensor *t);
TN_API void *tn_tensor_data(const tn_tensor *t); /* NULL only when there are no elements */

/** .npy, and TensorProto (.pb), chosen by the file's first bytes. Only regular files; nothing waits. In .npy, element
 * types that NumPy lacks are kept as numpy.save keeps those of the package ml_dtypes: bfloat16 as '<V2', float8e5m2 as
 * '<f1', the other small floats and integers as '<V1', one element a byte, which reads as uint8. The caller owns *out.
 */
TN_API tn_status tn_tensor_load(const char *path, tn_tensor **out);
TN_API tn_status tn_tensor_save_npy(const tn_tensor *t, const char *path);

/* -------------------------------------------------------------------------------------------------------- models */

typedef struct tn_model tn_model;

/** Reads a model file (ONNX) and checks it. Files of up to 1 MiB are copied into memory; the weights of larger ones
 * stay in the file, which is mapped and must not be written to as long as the model is open: a session that finds its
 * file cut short or written to fails with TN_E_IO (TN_E_IO of tn_session_new, tn_session_run, tn_model_save). Writing
 *  another file and renaming it over the old one is fine, and so is deleting it. A file that is cut short in the middle
 *  of a run can still end the process with SIGBUS, as with every mapped file: where that must not be, read the file
 *  into memory and use tn_model_open_memory.
 *  A compiled file (tn_session_compile) opens in place of the model it was made from.
 *  errors   TN_E_IO, TN_E_FORMAT (not such a file, truncated, corrupt), TN_E_GRAPH (cycle, undefined value, ...),
 *           TN_E_UNSUPPORTED (operator, version or type; the message names the node. A compiled file that is of another
 *           version of the library, or for other instructions than this process uses)
 *  owns     the caller owns *out: tn_model_close */
TN_API tn_status tn_model_open(const char *path, tn_model **out);

/* What opening a model found. TN_FINDING_REPAIR: the file breaks the specification in a way that exporters are known
 * for; what it means was done. TN_FINDING_WARNING: the file states something that is not so (a shape, say), which is
 * not relied on. TN_FINDING_ERROR: the model cannot run (only with tn_model_opts.inspect). */
typedef enum { TN_FINDING_REPAIR, TN_FINDING_WARNING, TN_FINDING_ERROR } tn_finding_kind;

typedef struct {
    tn_finding_kind kind;
    tn_status status; /* of an error; TN_OK otherwise */
    const char *text; /* one sentence, with the node's or value's name; lives as long as the model */
    int more;         /* how many more there are of its kind */
} tn_finding;

/** How many, and the i-th. Unless tn_model_opts.inspect was set, they were written to the log as warnings, too.
 *  errors TN_E_INVALID (no such finding) */
TN_API size_t tn_model_findings(const tn_model *m);
TN_API tn_status tn_model_finding(const tn_model *m, size_t i, tn_finding *out);

/** tn_model_open from memory, which must stay valid and unchanged until the model is closed. External data is refused.
 */
TN_API tn_status tn_model_open_memory(const void *data, size_t bytes, tn_model **out);

/* How a model is opened, and what reading it may take. The defaults grow with the file (weights count for bytes and
 * work alike), so that no honest model meets them and a small hostile one is refused soon: see docs/limits.md. */
typedef struct {
    size_t size;                /* sizeof(tn_model_opts) */
    size_t mem_limit;           /* bytes of heap while reading; the mapped file does not count.
                                   0: 1 GiB, and 16 for every byte of the file */
    uint64_t node_limit;        /* nodes made, with those of functions at every call. 0: 4 million, and one for every 8
                                   bytes of the file */
    uint64_t work_limit;        /* units of work (about a nanosecond each) for inferring shapes and computing what they
                                   depend on. 0: 2^32, and 256 for every byte of the file */
    uint64_t timeout_ns;        /* from the call on; 0: none */
    const volatile int *cancel; /* as in tn_run_opts */
    int inspect;                /* 1: a model that cannot run opens, too, to be looked at: unknown operators, missing
                                   external data, nodes whose attributes, types or shapes do not fit become findings. It
                                   can be described and analysed; tn_session_new, tn_model_gradient and tn_model_save
                                   refuse it when it has an error. Of a compiled file every checksum is verified, which
                                   reads all of it; without that, only those of its header and graph are */
} tn_model_opts;

/** As tn_model_open and tn_model_open_memory. opts may be NULL.
 *  errors   also TN_E_LIMIT (the message names the bound, what it was, and the option), TN_E_CANCELLED */
TN_API tn_status tn_model_open_with(const char *path, const tn_model_opts *opts, tn_model **out);
TN_API tn_status tn_model_open_memory_with(const void *data, size_t bytes, const tn_model_opts *opts, tn_model **out);

TN_API void tn_model_close(tn_model **m);

/** Writes the model as ONNX.
 *  errors   TN_E_UNSUPPORTED (operators that ONNX has no name for, a compiled file), TN_E_IO, TN_E_NOMEM; those of a
 *           model that was opened to be looked at and cannot run */
TN_API tn_status tn_model_save(const tn_model *m, const char *path);

typedef struct {
    const char *name;
    tn_dtype dtype;                   /* of the tensor; TN_NONE when the value is not a tensor */
    int rank;                         /* -1 when unknown */
    int64_t dims[TN_MAX_RANK];        /* -1 where the dimension is symbolic or unknown */
    const char *symbols[TN_MAX_RANK]; /* its name there, or NULL */
    bool optional;                    /* an input with a default value */
} tn_value_info;

TN_API size_t tn_model_inputs(const tn_model *m);  /* how many inputs the caller gives (initializers not counted) */
TN_API size_t tn_model_outputs(const tn_model *m); /* how many outputs */
TN_API tn_status tn_model_input(const tn_model *m, size_t i, tn_value_info *out);
TN_API tn_status tn_model_output(const tn_model *m, size_t i, tn_value_info *out);

/** A copy of the model that also computes gradients, by reverse differentiation of its graph.
 *  output   the output that is differentiated; one with several elements stands for its sum. NULL: the only one
 *  of       n names of float tensors: inputs, initializers or any value of the main graph
 *  out      the model with n more outputs, in that order, called "grad/" + name, each of its value's shape; zeros
 *           where the output does not depend on the value. m must outlive it.
 *  errors   TN_E_NOT_FOUND (no such name), TN_E_TYPE (no float tensor), TN_E_UNSUPPORTED (an operator on the way has no
 *           gradient; the message names it and its node. A compiled file), TN_E_NOMEM
 *  owns     the caller owns *out: tn_model_close. Internal operators may be in it: it runs here, but when
 *           convolutions, poolings or the like are in it, tn_model_save refuses it. */
TN_API tn_status tn_model_gradient(const tn_model *m, const char *output, size_t n, const char *const *of,
                                   tn_model **out);

/** The same within bounds; opts may be NULL, and its `inspect` is not looked at. The defaults grow with the model's
 *  weights; node_limit's is 2^18, and 256 for every value of the model.
 *  errors   also TN_E_LIMIT, TN_E_CANCELLED */
TN_API tn_status tn_model_gradient_with(const tn_model *m, const tn_model_opts *opts, const char *output, size_t n,
                                        const char *const *of, tn_model **out);

/* ------------------------------------------------------------------------------------------------------ sessions */

typedef struct tn_session tn_session;
typedef struct tn_executor tn_executor;

/** The shapes that one input will have. Dimensions whose smallest and largest size differ vary on their own, or
 * together with others that the model gives the same symbol. */
typedef struct {
    const char *input;
    int rank;
    const int64_t *min, *max; /* [rank] */
    const int64_t *opt; /* [rank] the usual sizes, for which everything is ready after tn_session_new; NULL: max */
} tn_shape_range;

typedef struct {
    size_t size;      /* sizeof(tn_session_opts) */
    int threads;      /* 0: TN_THREADS or the CPUs this process may use. Sessions share their worker threads: when
                         several callers run at once, all together keep no more threads running than there are CPUs */
    int unpinned;     /* 1: do not pin workers to CPUs, as long as this session is open */
    int plans;        /* input-shape sets whose plans are kept (least recently used goes first); 0: 16 */
    int profile;      /* 1: record every node's time */
    int no_optimize;  /* 1: run the graph as it stands: no folding, no fusion (for comparisons) */
    size_t mem_limit; /* bytes the session's runs may hold at any time, all together: activations, scratch, everything
                         operators make, outputs until they are handed over. Not: the model, packed weights, plans.
                         0: no limit */
    size_t prepare_limit; /* bytes of the optimized model, packed weights and plans. What sessions of one model share
                             counts in full for each of them, so that the bound does not depend on others; what lies in
                             a compiled file does not count. 0: 1 GiB, and 16 for every byte of the model's constants */
    uint64_t work_limit;  /* units of work (about a nanosecond each) for optimizing the model, and for making a plan:
                             inferring shapes, computing constants. 0: 2^34, and 256 for every byte of constants */
    const tn_shape_range *ranges; /* [n_ranges], read by tn_session_new only: the session is planned once for all shapes
                                     within, with memory for the largest. Without them the session learns from its calls
                                     which sizes vary. Shapes outside work, too, and are planned when they come */
    size_t n_ranges;
    int no_ranges; /* 1: do not learn from the calls which sizes vary; every set of shapes has a plan of its own */
    const char *precision; /* "f32", "bf16", "f16" or "mixed" for all nodes, "PRECISION:PATTERN" for those whose name
                              the pattern fits (* and ?), several with commas between, the last that fits counts:
                              "bf16,f32:head.*". NULL or "": as the file says. Sums are of float32 in all of them; see
                              docs/precision.md. Not looked at with no_optimize. Copied. A compiled file has the
                              precision it was compiled with: others are refused */
    tn_executor *executor; /* where tn_session_submit runs this session; it may be closed before the session. NULL: one
                              that sessions without their own share, which lives as long as any of them uses it */
    const int *cpus;       /* [n_cpus], read by tn_session_new only: runs keep to these CPUs, the calling thread and
                              workers alike, so that two instances of a model can each have their part of the machine.
                              The thread that calls runs where it did before once the call returns. Numbers as in
                              /proc/cpuinfo; of this process's CPUs. NULL: all, or those of the executor. Linux only */
    size_t n_cpus;
    const char *device; /* "NAME" or "NAME:OPTIONS": where nodes run that this device has kernels for, if that is worth
                           the copies; the others run on the CPU. NULL, "" or "cpu": all on the CPU. What fails on the
                           device runs on the CPU, with a warning. See docs/devices.md. Copied */
    int require_device; /* 1: nothing falls back: a device that cannot be had, a plan of which no node runs on it, and
                           whatever fails there are errors (TN_E_DEVICE). What the device has kernels for runs there,
                           whether or not it is worth the copies */
    int tune; /* 1: where an operator can be computed in several ways, planning runs those that are likely and takes the
                 fastest, instead of the one that is estimated to be. Some seconds once; what was measured is kept in a
                 file. Results differ by rounding at most, as those of different machines do */
    const char *tune_cache; /* that file; NULL: $XDG_CACHE_HOME/tenon/timings (or ~/.cache/...). "": none. Measurements
                               count for the CPU, its instructions, the number of threads and this version alone. A
                               file that cannot be written, and lines that cannot be read, are warnings. Copied */
} tn_session_opts;

/** Prepares a model for running. opts may be NULL. The model must outlive the session.
 *  errors   TN_E_INVALID, TN_E_LIMIT, TN_E_NOMEM, TN_E_IO; TN_E_NOT_FOUND: no such device; TN_E_DEVICE;
 *           TN_E_UNSUPPORTED: a compiled file of another precision
 *  threads  any: sessions of one model share what they make of it (the optimized graph of equal options, packed
 *           weights), which is made once and goes with the last session that uses it */
TN_API tn_status tn_session_new(const tn_model *m, const tn_session_opts *opts, tn_session **out);
TN_API void tn_session_free(tn_session **s);

/** Writes what the session has made of its model as a compiled file, *.tnplan: the optimized graph, its constants, and
 *  the packed weights that its plans hold at this time. So run the session on the shapes that matter first (or give
 *  ranges): for others the file serves, too, and what they want beside is packed when they come. tn_model_open maps it:
 *  sessions start without optimizing and packing, and processes share its pages. It holds the session's precision, is
 *  for this version of the library and the instructions this process uses, and a copy in itself: the model's file is
 *  not needed any more.
 *  errors   TN_E_IO, TN_E_NOMEM, TN_E_INVALID (a NULL argument), TN_E_UNSUPPORTED (a gradient's internal operators)
 *  threads  any time, also while others run */
TN_API tn_status tn_session_compile(tn_session *s, const char *path);

/** Gives back the memory that the session keeps so that runs need not ask for it: blocks of activations, scratch,
 *  recycled outputs, all plans but the latest, and packed weights that only those used (other sessions of the model
 *  keep theirs). Results do not change; the next run takes what it needs anew, and shapes seen before are planned
 *  again. For a session that will rest for a while.
 *  returns  about how many bytes were given back; 0 for NULL
 *  threads  any time, also while others run: what they use stays */
TN_API size_t tn_session_trim(tn_session *s);

/** Runs the model once.
 *  inputs   n_in tensors in the order of tn_model_input; NULL for an optional input takes its default
 *  outputs  n_out slots in the order of tn_model_output; each gets a new tensor that the caller frees.
 *           On error all are NULL.
 *  errors   TN_E_INVALID (missing input), TN_E_TYPE, TN_E_SHAPE, TN_E_LIMIT, TN_E_NOMEM, TN_E_IO (the model's file
 *           changed), TN_E_DEVICE (with require_device alone)
 *  threads  may be called from several threads at once; each call has its own memory. */
TN_API tn_status tn_session_run(tn_session *s, size_t n_in, const tn_tensor *const *inputs, size_t n_out,
                                tn_tensor **outputs);

/* ---------------------------------------------------------------------------------------------------------- states */

/** Values that outlive a run: what one run gives as an output is what the next one takes as an input, without being
 *  copied. Key/value caches, recurrent states, parameters and their moments. See docs/state.md. */
typedef struct tn_state tn_state;

typedef struct {
    const char *input, *output; /* names of the model: the input takes what the output gave in the run before */
} tn_state_pair;

/** A bound that the blocks of many states' caches keep together. */
typedef struct tn_state_pool tn_state_pool;

typedef struct {
    uint64_t bytes, used, most; /* the bound; in use now, and at most so far: bytes of blocks, shared ones once */
    uint64_t blocks;            /* in use now */
} tn_state_pool_info;

/** A pool of so many bytes, for states of any session (tn_state_opts.pool).
 *  errors   TN_E_INVALID (0 bytes), TN_E_NOMEM
 *  owns     the caller owns *out: tn_state_pool_free, at any time; its states keep it until they are freed
 *  threads  any number at once */
TN_API tn_status tn_state_pool_new(uint64_t bytes, tn_state_pool **out);
TN_API void tn_state_pool_free(tn_state_pool **pool); /* NULL is fine; sets *pool = NULL */
TN_API tn_status tn_state_pool_describe(const tn_state_pool *pool, tn_state_pool_info *out);

typedef struct {
    size_t size;                /* sizeof(tn_state_opts) */
    const tn_state_pair *pairs; /* [n_pairs], read by tn_state_new only. NULL: those whose names tell, as "past.0.key"
                                   and "present.0.key", "h_in" and "h_out", "state" and "stateN": docs/state.md */
    size_t n_pairs;
    int64_t capacity;    /* rows (tokens) that a cache may hold; 0: as many as memory allows */
    int64_t block;       /* rows of a block of a cache; 0: all rows lie side by side and move when the cache grows */
    tn_dtype cache;      /* what cached rows are kept as: TN_F32, TN_F16, TN_BF16; TN_NONE: as the model's type says */
    int64_t batch;       /* of inputs whose first dimension is not known from others; 0: 1 */
    tn_state_pool *pool; /* where blocks of caches come from; a run that finds none left fails with TN_E_LIMIT. `block`
                            0 is 16 rows then. NULL: no bound */
} tn_state_opts;

typedef enum {
    TN_STATE_SWAPPED,  /* the output becomes the next input */
    TN_STATE_APPENDED, /* a cache: runs write new rows behind the old ones */
    TN_STATE_UPDATED   /* runs write into the input's memory (TensorScatter) */
} tn_state_kind;

typedef struct {
    const char *input, *output; /* as long as the session */
    tn_state_kind kind;
} tn_state_info;

/** A state for runs of s, as long as it lives; empty: caches have no rows, all else is zeros.
 *  opts     may be NULL
 *  errors   TN_E_NOT_FOUND (no such input or output; no pair found), TN_E_DEVICE (states are on the CPU, and the
 * session requires a device), TN_E_INVALID (a name twice, options that cannot be), TN_E_TYPE, TN_E_SHAPE (a pair whose
 * output cannot be the input), TN_E_NOMEM owns     the caller owns *out: tn_state_free, before the session is freed
 *  threads  one call at a time for one state; states of one session run side by side. A state that is in a run refuses
 *           all other calls (TN_E_INVALID). */
TN_API tn_status tn_state_new(tn_session *s, const tn_state_opts *opts, tn_state **out);
TN_API void tn_state_free(tn_state **s); /* NULL is fine; sets *s = NULL */

/** Another state that holds what s holds. Blocks of caches are shared until one of the two writes into them, so that a
 *  prompt in blocks is there once.
 *  errors   TN_E_NOMEM, TN_E_INVALID (in a run) */
TN_API tn_status tn_state_fork(const tn_state *s, tn_state **out);

/** Empty again, as from tn_state_new; another batch may follow. To keep the memory: tn_state_rewind to 0.
 *  errors TN_E_INVALID (in a run) */
TN_API tn_status tn_state_reset(tn_state *s);

/** Rows that the caches hold: new rows of all runs so far. 0 when there is no cache. */
TN_API int64_t tn_state_length(const tn_state *s);

/** Forgets all rows of the caches from row `length` on; the next run writes there. Blocks behind them go back to the
 *  state's pool, if it has one. What is no cache has no past to go back to: a state with such pairs goes back to 0 only
 *  (tn_state_reset).
 *  errors   TN_E_INVALID (more than there are; pairs that are no caches; in a run) */
TN_API tn_status tn_state_rewind(tn_state *s, int64_t length);

TN_API size_t tn_state_pairs(const tn_state *s); /* how many pairs */
TN_API tn_status tn_state_describe(const tn_state *s, size_t i, tn_state_info *out);

/** What input `input` of the next run is, as a tensor of its own, as if the caller fed outputs back by hand.
 *  errors   TN_E_NOT_FOUND (no pair with that input), TN_E_INVALID (in a run; the shape is not known before the first
 *           run), TN_E_NOMEM */
TN_API tn_status tn_state_get(const tn_state *s, const char *input, tn_tensor **out);

/** Makes it so; the state has a copy. All caches must have one length when the next run comes.
 *  errors   TN_E_NOT_FOUND, TN_E_TYPE, TN_E_SHAPE (not what the model declares), TN_E_LIMIT (more rows than the
 *           capacity), TN_E_NOMEM, TN_E_INVALID (in a run) */
TN_API tn_status tn_state_set(tn_state *s, const char *input, const tn_tensor *value);

/** Memory of the caller's that one output is written to. The operator that makes the output writes there, so nothing
 *  is copied, when data is aligned to 64 bytes, lies in no input's memory, and the output is neither an input, a
 *  constant, another output, nor of a shape that is found while running; else it is copied there at the end. */
typedef struct {
    void *data;                /* NULL: this output is not bound, outputs[i] gets a new tensor */
    size_t bytes;              /* that data has; what the output does not need is left alone */
    tn_dtype dtype;            /* what the output must be; TN_NONE: any but strings. Set to what it is */
    int rank;                  /* set by the run, */
    int64_t dims[TN_MAX_RANK]; /* too */
    size_t needed;             /* bytes of the output; set by the run, also when `bytes` are too few */
} tn_bound_output;

typedef struct {
    size_t size;         /* sizeof(tn_run_opts) */
    uint64_t timeout_ns; /* from the call on, waiting in a queue included; 0: none. A run that is not done then
                            stops, or does not begin: TN_E_LIMIT */
    const volatile int
        *cancel;             /* not 0: stop, TN_E_CANCELLED. Set from any thread (atomically) or a signal handler (a
                                sig_atomic_t); it is read until the call returns, or the submitted run is done. NULL: nobody can
                              */
    tn_bound_output *bound;  /* [n_bound] where outputs go, in their order; outputs[i] of a bound one is NULL. They
                                are written until the call returns, or the submitted run is done. When the run fails
                                the memory may have been written to. errors TN_E_SHAPE (too few bytes; the message
                                says how many are needed), TN_E_TYPE, TN_E_INVALID (bound outputs that overlap) */
    size_t n_bound;          /* at most the number of outputs; the rest is not bound */
    int priority;            /* tn_session_submit: higher ones go first, equal ones in the order of their coming */
    tn_state *state;         /* of this session: its inputs are given as NULL, and its outputs are NULL and not bound.
                                After an error it is what it was before the run, but for memory of kind
                                TN_STATE_UPDATED. NULL: none */
    tn_state *const *states; /* [n_states] the same for several states at once, instead of `state`: their sentences one
                                behind the other are the batch, each behind as many rows as its state holds. States of
                                the same pairs, blocks (not 0) and types, each once. After an error all are what they
                                were. Read until the call returns, or the submitted run is done. docs/state.md says
                                what masks and positions are then. errors TN_E_UNSUPPORTED: their lengths differ, and
                                the model knows one length only */
    size_t n_states;
    const int64_t *new_rows; /* [n_states] of the run's new rows those that are each state's, the first ones; the rest
                                is padding, 0 allowed. Read as `states` is. NULL: all */
} tn_run_opts;

/** The same with options for this run; opts may be NULL. A run that is told to stop, or whose time is up, returns
 *  within milliseconds with all outputs NULL; the session can go on as before.
 *  errors   also TN_E_CANCELLED */
TN_API tn_status tn_session_run_with(tn_session *s, const tn_run_opts *opts, size_t n_in,
                                     const tn_tensor *const *inputs, size_t n_out, tn_tensor **outputs);

/* ------------------------------------------------------------------------------------------------ asynchronous runs */

/* Runs that are submitted wait in the queue of an executor, whose threads run them: docs/runs.md. */

typedef struct {
    size_t size;     /* sizeof(tn_executor_opts) */
    int runs;        /* at once, and threads for them, which are started when they are wanted. 0: one for each CPU. All
                        executors together run no more at once than there are CPUs, whatever they ask for */
    int queue;       /* runs that may wait, at most 1048576; 0: 1024 */
    const int *cpus; /* [n_cpus], read by tn_executor_new only: its threads, and workers they borrow, keep to these.
                        NULL: all that this process may use. Linux only */
    size_t n_cpus;
    int pinned; /* 1: thread i stays on CPU i of these (not with runs > CPUs); 0: they move among them */
} tn_executor_opts;

/** opts may be NULL. errors TN_E_INVALID (a number out of range, a CPU that this process may not use), TN_E_NOMEM
 *  fork     a child may submit to its parent's executors, which start threads of their own there. What was queued or
 *           running is the parent's: in the child it is over, TN_E_CANCELLED, and no callback is called.
 *  owns     the caller owns *out: tn_executor_free */
TN_API tn_status tn_executor_new(const tn_executor_opts *opts, tn_executor **out);

/** Cancels what is queued, lets what runs end, and returns when all callbacks but the caller's own have returned and
 *  the threads have ended. Sessions that still lease it can run; what they submit is refused with TN_E_INVALID. */
TN_API void tn_executor_free(tn_executor **e);

/** How many runs wait, and how many have begun and are not over; either may be NULL. */
TN_API void tn_executor_load(tn_executor *e, int *queued, int *running);

/** Waits until no run is queued or running and all callbacks have returned; UINT64_MAX: for ever.
 *  errors TN_E_BUSY (that is not so after timeout_ns), TN_E_INVALID (called by a thread of the executor) */
TN_API tn_status tn_executor_drain(tn_executor *e, uint64_t timeout_ns);

/** How a submitted run ended. */
typedef struct {
    tn_status status;
    const char *error;          /* the sentence, as tn_error(); until the callback returns */
    size_t n_out;               /* what tn_session_submit was given: */
    tn_tensor **outputs;        /* all NULL unless status is TN_OK; the caller's */
    uint64_t queued_ns, run_ns; /* how long it waited, and took; run_ns 0: it did not begin */
} tn_run_result;

/** Called once for every run that was submitted, by a thread of the executor, which does nothing else meanwhile. It may
 *  submit, run, cancel, and free sessions and the executor; it cannot wait for runs of its own executor. */
typedef void (*tn_run_done)(void *user, const tn_run_result *result);

/** A run that was submitted. */
typedef struct tn_ticket tn_ticket;

/** tn_session_run_with by a thread of the session's executor; returns at once.
 *  opts     copied; what it points to stays, as inputs (the tensors, not the list) and outputs (the list) do, until
 *           `done` is called, or tn_ticket_wait says that the run is over. opts may be NULL.
 *  done     may be NULL
 *  ticket   for cancelling and waiting: the caller's, tn_ticket_free. NULL: not wanted; the run is a little faster
 *  errors   TN_E_BUSY (the queue is full), TN_E_INVALID, TN_E_NOMEM: done is not called then. All others are told to
 *           done, as tn_session_run_with returns them; a run whose time is up in the queue is not begun (TN_E_LIMIT),
 *           and neither is one that is cancelled there (TN_E_CANCELLED): done is called when a thread is free.
 *  threads  any. tn_session_free cancels what the session has queued, and returns when all its callbacks, but one that
 *           calls it, have returned. */
TN_API tn_status tn_session_submit(tn_session *s, const tn_run_opts *opts, size_t n_in, const tn_tensor *const *inputs,
                                   size_t n_out, tn_tensor **outputs, tn_run_done done, void *user, tn_ticket **ticket);

/** The run does not begin, or stops within milliseconds; nothing when it is over. Any thread, any time. */
TN_API void tn_ticket_cancel(tn_ticket *t);

/** Waits until the run is over and its callback has returned; 0: only looks, UINT64_MAX: for ever.
 *  returns  how the run ended; tn_error() is its sentence
 *  errors   TN_E_BUSY (it is not over after timeout_ns), TN_E_INVALID (it is not over, and this is a thread of its
 *           executor, which is not to wait) */
TN_API tn_status tn_ticket_wait(tn_ticket *t, uint64_t timeout_ns);

/** Gives the ticket back; the run goes on. NULL is fine; sets *t = NULL. */
TN_API void tn_ticket_free(tn_ticket **t);

/* -------------------------------------------------------------------------------------------------------- pictures */

/** Decodes one picture file held in memory into *rgb: a new uint8 tensor [height, width, 3] (tn_tensor_new), which the
 *  library then owns. Anything but TN_OK: it is no picture that can be decoded. Called from any thread. */
typedef tn_status (*tn_image_decoder)(void *user, const void *data, size_t bytes, tn_tensor **rgb);

/** What the operator ImageDecoder calls; the library itself reads no picture formats, so without a decoder that
 *  operator fails. For the whole process: set it before sessions run. NULL: none again. */
TN_API void tn_set_image_decoder(tn_image_decoder decoder, void *user);

#ifdef __cplusplus
}
#endif
#endif
