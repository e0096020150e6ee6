/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* encoding.h - weights in blocks: what a block of codes stands for, and where codes, scales and zero points lie.
 *
 * All encodings but codebooks of floats are one thing: element e of a row is
 *
 *     offset[e / 16] + scale[e / 16] * code[e]          code: -128 .. 127
 *
 * They differ in how the bits lie. *Splitting* a block gives the three arrays: it is the definition of an encoding,
 * what decoding multiplies out, and what the kernels compute with (kernel/coded.h).
 *
 * Two kinds of rows in the table:
 *   blocks     everything of a block lies side by side, as in GGUF's files (the layouts: ggml-common.h of
 *              github.com/ggml-org/ggml); numbers in them are little endian
 *   uniform    fields of `bits` bits, the lowest of a byte first, so that fields of 3, 5, 6 and 7 bits cross bytes;
 *              scales and zero points are arrays of their own: element = (field - zero) * scale (MatMulNBits)
 *
 * A tensor with an encoding has the shape of its elements and, as element type, what they decode to; its rows (last
 * dimension) are whole blocks, one behind the other. */
#ifndef TN_TENSOR_ENCODING_H
#define TN_TENSOR_ENCODING_H

#include "tensor/tensor.h"

/* id, elements and bytes of a block, number in GGUF files, function that splits one block: all that GGUF's files can
 * have. IQ1 to IQ3 pick their codes from tables that were found by search (encoding_grid.h). */
#define TN_BLOCK_ENCODINGS(X)        \
    X(Q4_0, 32, 18, 2, q4_0)         \
    X(Q4_1, 32, 20, 3, q4_1)         \
    X(Q5_0, 32, 22, 6, q5_0)         \
    X(Q5_1, 32, 24, 7, q5_1)         \
    X(Q8_0, 32, 34, 8, q8_0)         \
    X(Q8_1, 32, 36, 9, q8_1)         \
    X(Q2_K, 256, 84, 10, q2_k)       \
    X(Q3_K, 256, 110, 11, q3_k)      \
    X(Q4_K, 256, 144, 12, q4_k)      \
    X(Q5_K, 256, 176, 13, q5_k)      \
    X(Q6_K, 256, 210, 14, q6_k)      \
    X(Q8_K, 256, 292, 15, q8_k)      \
    X(IQ2_XXS, 256, 66, 16, iq2_xxs) \
    X(IQ2_XS, 256, 74, 17, iq2_xs)   \
    X(IQ3_XXS, 256, 98, 18, iq3_xxs) \
    X(IQ1_S, 256, 50, 19, iq1_s)     \
    X(IQ4_NL, 32, 18, 20, iq4_nl)    \
    X(IQ3_S, 256, 110, 21, iq3_s)    \
    X(IQ2_S, 256, 82, 22, iq2_s)     \
    X(IQ4_XS, 256, 136, 23, iq4_xs)  \
    X(IQ1_M, 256, 56, 29, iq1_m)     \
    X(TQ1_0, 256, 54, 34, tq1_0)     \
    X(TQ2_0, 256, 66, 35, tq2_0)     \
    X(MXFP4, 32, 17, 39, mxfp4)      \
    X(NVFP4, 64, 36, 40, nvfp4)

#define TN_UNIFORM_ENCODINGS(X) \
    X(U2, 2)                    \
    X(U3, 3)                    \
    X(U4, 4)                    \
    X(U5, 5)                    \
    X(U6, 6)                    \
    X(U7, 7)                    \
    X(U8, 8)

typedef enum {
#define X(id, block, bytes, gguf, split) TN_ENC_##id,
    TN_BLOCK_ENCODINGS(X)
#undef X
#define X(id, bits) TN_ENC_##id,
        TN_UNIFORM_ENCODINGS(X)
#undef X
            TN_ENC_NF4, /* fields of 4 bits, the high ones of a byte first, that pick a float; a scale per block in an
                           array */
    TN_ENC_COUNT
} tn_encoding_id;

enum {
    TN_GROUP = 16,      /* elements that share scale and offset */
    TN_BLOCK_MAX = 256, /* elements of a block that is not uniform */
};

/** `blocks` blocks at `from`, of any address and any contents, become codes and, per 16, scales and offsets. */
typedef void (*tn_split_fn)(int64_t blocks, const uint8_t *from, int8_t *code, float *scale, float *offset);

typedef struct tn_encoding {
    const char *name; /* "Q4_K" */
    tn_encoding_id id;
    int block, bytes;  /* of a block; uniform: block 0, any; bytes 0 */
    int bits;          /* of a field of a uniform encoding; else 0 */
    int gguf;          /* its number in GGUF files; -1 */
    bool offsets;      /* some offset may differ from 0 */
    tn_split_fn split; /* plain C; NULL: uniform, or a codebook */
} tn_encoding;

extern const tn_encoding tn_encodings[TN_ENC_COUNT];

const tn_encoding *tn_encoding_named(const char *name); /* NULL: there is none */
const tn_encoding *tn_encoding_of_gguf(int64_t number); /* the same */
double tn_encoding_bits(const tn_encoding *e);          /* per element, all told: 4.5 */

/** Can a tensor of its own have it: is it one of blocks side by side?
 *  errors   TN_E_UNSUPPORTED: "U4 has its scales in an array of their own ..." */
tn_status tn_encoding_check(const tn_encoding *e);

/** Bytes of a tensor of that shape; the last dimension must be whole blocks.
 *  errors   TN_E_SHAPE, TN_E_UNSUPPORTED. *count elements */
tn_status tn_encoding_bytes(const tn_encoding *e, int rank, const int64_t *dims, int64_t *count, size_t *bytes);

/** Float32 tensors over encoded elements: *t borrows data (of any address; `buffer` NULL), or shares `buffer`.
 *  errors   as tn_encoding_bytes; TN_E_SHAPE when `have` bytes are fewer than needed */
tn_status tn_tensor_encoded(tn_tensor *t, const tn_encoding *e, int rank, const int64_t *dims, const void *data,
                            size_t have, tn_buffer *buffer);

/** The elements of an encoded tensor as float32 in memory of its own. errors TN_E_NOMEM, as tn_encoding_check */
tn_status tn_tensor_decode(const tn_tensor *t, tn_tensor *out, tn_mem_tag tag);

/* -------------------------------------------------------------------------------------------------- descriptors */

/** One array of what rows consist of. */
typedef struct {
    const void *at; /* row 0; any address. NULL: there is none */
    int64_t row;    /* bytes from one row to the next */
    tn_dtype
        dtype; /* of scales and zero points: f32, f16 or bf16; zero points also fields (TN_U8) of the code's bits */
} tn_part;

/** A matrix of encoded rows: MatMulNBits' separate inputs and GGUF's interleaved blocks alike. */
typedef struct {
    const tn_encoding *as;
    int64_t rows, columns; /* elements */
    int64_t block, blocks; /* elements of a block, blocks of a row */
    tn_part code;          /* blocks: all there is */
    tn_part scale, zero;   /* [rows, blocks]; zero NULL: 2^(bits - 1) */
} tn_coded;

/** The rows of an encoded tensor, as many as its dimensions but the last say. */
tn_coded tn_coded_of(const tn_tensor *t);

/** Elements [first, first + n) of a row as float32: the reference. first is a multiple of the block or of 16. */
void tn_coded_decode(const tn_coded *c, int64_t row, int64_t first, int64_t n, float *out);

/** Scale of a block, as it lies; and its zero point (uniform encodings). */
float tn_coded_scale(const tn_coded *c, int64_t row, int64_t block);
float tn_coded_zero(const tn_coded *c, int64_t row, int64_t block);

/** Field i of a stream of fields of `bits` bits; reads no byte behind the field's last. */
static inline int tn_field(const uint8_t *q, int bits, int64_t i) {
    int64_t at = i * bits;
    int low = (int)(at % 8), both = q[at / 8] >> low;
    if (low + bits > 8) both |= q[at / 8 + 1] << (8 - low);
    return both & ((1 << bits) - 1);
}

/* ------------------------------------------------------------------------------------- packings of other projects */

/** Checkpoints of GPTQ and AWQ hold int32 words of eight 4-bit fields (GPTQ also others), columns of a [K, N] matrix
 * side by side. Both become uniform rows [N, K] with zero points:
 *   GPTQ   word [k / per, n] holds k, k + 1, ... from the lowest bits on (bits 2, 4, 8); zero points are packed along N
 *          in words [groups, n / per] and stored less one
 *   AWQ    word [k, n / 8] holds columns 0 2 4 6 1 3 5 7 of its eight, zero points [groups, n / 8] likewise
 *  codes    out: [n, k * bits / 8] bytes, fields of `bits` bits
 *  zeros    out: [n, k / group]; floats, since GPTQ's may be 2^bits
 *  scales   [groups, n] of any float type become f32 [n, groups]
 *  errors   TN_E_SHAPE: k, n or group do not divide as the packing wants */
typedef enum { TN_PACKING_GPTQ, TN_PACKING_AWQ } tn_packing;
typedef struct {
    tn_packing packing;
    int bits;
    int64_t k, n, group;
    const uint32_t *codes, *zeros;
    const void *scales;
    tn_dtype scale_type;
} tn_packed_words;
tn_status tn_packed_unpack(const tn_packed_words *w, uint8_t *codes, float *zeros, float *scales);

#endif
