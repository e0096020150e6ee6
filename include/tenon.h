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
    X(E_CANCELLED, "cancelled")

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
 *  errors   TN_E_IO, TN_E_FORMAT (not such a file, truncated, corrupt), TN_E_GRAPH (cycle, undefined value, ...),
 *           TN_E_UNSUPPORTED (operator, version or type; the message names the node)
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
                                   refuse it when it has an error. */
} tn_model_opts;

/** As tn_model_open and tn_model_open_memory. opts may be NULL.
 *  errors   also TN_E_LIMIT (the message names the bound, what it was, and the option), TN_E_CANCELLED */
TN_API tn_status tn_model_open_with(const char *path, const tn_model_opts *opts, tn_model **out);
TN_API tn_status tn_model_open_memory_with(const void *data, size_t bytes, const tn_model_opts *opts, tn_model **out);

TN_API void tn_model_close(tn_model **m);

/** Writes the model as ONNX.
 *  errors   TN_E_UNSUPPORTED (operators that ONNX has no name for), TN_E_IO, TN_E_NOMEM; those of a model that was
 * opened to be looked at and cannot run */
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
 *           gradient; the message names it and its node), TN_E_NOMEM
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
    size_t prepare_limit; /* bytes of the optimized model, packed weights and plans. 0: 1 GiB, and 16 for every byte of
                             the model's constants */
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
                              docs/precision.md. Not looked at with no_optimize. Copied */
    int tune; /* 1: where an operator can be computed in several ways, planning runs those that are likely and takes the
                 fastest, instead of the one that is estimated to be. Some seconds once; what was measured is kept in a
                 file. Results differ by rounding at most, as those of different machines do */
    const char *tune_cache; /* that file; NULL: $XDG_CACHE_HOME/tenon/timings (or ~/.cache/...). "": none. Measurements
                               count for the CPU, its instructions, the number of threads and this version alone. A
                               file that cannot be written, and lines that cannot be read, are warnings. Copied */
} tn_session_opts;

/** Prepares a model for running. opts may be NULL. The model must outlive the session. */
TN_API tn_status tn_session_new(const tn_model *m, const tn_session_opts *opts, tn_session **out);
TN_API void tn_session_free(tn_session **s);

/** Gives back the memory that the session keeps so that runs need not ask for it: blocks of activations, scratch,
 *  recycled outputs, all plans but the latest, and packed weights that only those used. Results do not change; the next
 *  run takes what it needs anew, and shapes seen before are planned again. For a session that will rest for a while.
 *  returns  about how many bytes were given back; 0 for NULL
 *  threads  any time, also while others run: what they use stays */
TN_API size_t tn_session_trim(tn_session *s);

/** Runs the model once.
 *  inputs   n_in tensors in the order of tn_model_input; NULL for an optional input takes its default
 *  outputs  n_out slots in the order of tn_model_output; each gets a new tensor that the caller frees.
 *           On error all are NULL.
 *  errors   TN_E_INVALID (missing input), TN_E_TYPE, TN_E_SHAPE, TN_E_LIMIT, TN_E_NOMEM, TN_E_IO (the model's file
 *           changed)
 *  threads  may be called from several threads at once; each call has its own memory. */
TN_API tn_status tn_session_run(tn_session *s, size_t n_in, const tn_tensor *const *inputs, size_t n_out,
                                tn_tensor **outputs);

typedef struct {
    size_t size;                /* sizeof(tn_run_opts) */
    uint64_t timeout_ns;        /* from the call on; 0: none. A run that is not done then stops: TN_E_LIMIT */
    const volatile int *cancel; /* not 0: stop, TN_E_CANCELLED. Set from any thread (atomically) or a signal handler (a
                                   sig_atomic_t); it is read until the call returns. NULL: nobody can */
} tn_run_opts;

/** The same with options for this run; opts may be NULL. A run that is told to stop, or whose time is up, returns
 *  within milliseconds with all outputs NULL; the session can go on as before.
 *  errors   also TN_E_CANCELLED */
TN_API tn_status tn_session_run_with(tn_session *s, const tn_run_opts *opts, size_t n_in,
                                     const tn_tensor *const *inputs, size_t n_out, tn_tensor **outputs);

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
