/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* types.c - one small case in every type of number that an operator's row allows: T stands for the type. A case with
 * a minus is for signed types, one with a point for floats. */
#include "lib/op_cases.h"
#include "op/core/op.h"
#include "test.h"

static const op_case rows[] = {
    { "Add", NULL, "T:2=1,2 T:1=3", "T:2=4,5" },
    { "Sub", NULL, "T:2=5,3 T:=3", "T:2=2,0" },
    { "Sub", NULL, "T:2=1,3 T:=3", "T:2=-2,0" },
    { "Mul", NULL, "T:2,1=1,2 T:2=3,4", "T:2,2=3,4,6,8" },
    { "Div", NULL, "T:2=12,9 T:=3", "T:2=4,3" },
    { "Div", NULL, "T:2=-12,9 T:=-3", "T:2=4,-3" },
    { "Pow", NULL, "T:3=1,2,3 T:=2", "T:3=1,4,9" },
    { "Mod", NULL, "T:2=7,9 T:=3", "T:2=1,0" },
    { "Mod", "fmod=1", "T:2=7,9 T:=4", "T:2=3,1" },
    { "Mod", "fmod=1", "T:2=-7,7 T:=4", "T:2=-3,3" },
    { "Max", NULL, "T:2=1,5 T:=3", "T:2=3,5" },
    { "Min", NULL, "T:2=1,5 T:=3", "T:2=1,3" },
    { "Min", NULL, "T:2=-1,5 T:=3 T:=-7", "T:2=-7" },
    { "Sum", NULL, "T:2=1,2 T:=3 T:1=4", "T:2=8,9" },
    { "Mean", NULL, "T:2=1,2 T:=3", "T:2=2.0,2.5" },
    { "Neg", NULL, "T:2=-3,4", "T:2=3,-4" },
    { "Abs", NULL, "T:2=3,0", "T:2=3,0" },
    { "Abs", NULL, "T:2=-3,3", "T:2=3" },
    { "Sign", NULL, "T:2=3,0", "T:2=1,0" },
    { "Sign", NULL, "T:2=-3,0", "T:2=-1,0" },
    { "Relu", NULL, "T:3=-3,0,2", "T:3=0,0,2" },
    { "PRelu", NULL, "T:2=3,2 T:=2", "T:2=3,2" },
    { "PRelu", NULL, "T:2=-3,2 T:=2", "T:2=-6,2" },
    { "LeakyRelu", "alpha=0.5", "T:2=-3.0,2.0", "T:2=-1.5,2" },
    { "Shrink", "lambd=2.0", "T:3=1,2,3", "T:3=0,0,3" },
    { "Shrink", "lambd=2.0 bias=1.0", "T:2=-4,3", "T:2=-3,2" },
    { "Clip", NULL, "T:3=1,5,9 T:=2 T:=7", "T:3=2,5,7" },
    { "Equal", NULL, "T:2=1,2 T:=2", "bool:2=0,1" },
    { "Less", NULL, "T:3=1,2,3 T:=2", "bool:3=1,0,0" },
    { "Greater", NULL, "T:3=1,2,3 T:=2", "bool:3=0,0,1" },
    { "LessOrEqual", NULL, "T:3=1,2,3 T:=2", "bool:3=1,1,0" },
    { "GreaterOrEqual", NULL, "T:3=1,2,3 T:=2", "bool:3=0,1,1" },
    { "BitwiseAnd", NULL, "T:2=6,5 T:=3", "T:2=2,1" },
    { "BitwiseXor", NULL, "T:2=6,5 T:=3", "T:2=5,6" },
    { "BitShift", "direction=LEFT", "T:2=6,5 T:=3", "T:2=48,40" },
    { "Where", NULL, "bool:2=1,0 T:=3 T:=4", "T:2=3,4" },
    { "ReduceSum", "keepdims=0", "T:2,2=1,2,3,4 i64:1=1", "T:2=3,7" },
    { "ReduceMean", NULL, "T:2,2=1,2,3,4 i64:1=0", "T:1,2=2,3" },
    { "ReduceProd", "keepdims=0", "T:2,2=1,2,3,4 i64:2=0,-1", "T:=24" },
    { "ReduceMax", "keepdims=0", "T:2,2=1,2,4,3 i64:1=1", "T:2=2,4" },
    { "ReduceMin", "keepdims=0", "T:2,2=1,2,4,3 i64:1=0", "T:2=1,2" },
    { "ReduceMin", "keepdims=0", "T:3=1,-2,-4", "T:=-4" },
    { "ReduceL1", "keepdims=0", "T:2,2=1,2,3,4 i64:1=1", "T:2=3,7" },
    { "ReduceL2", "keepdims=0", "T:1,2=3,4 i64:1=1", "T:1=5" },
    { "ReduceSumSquare", "keepdims=0", "T:2=3,4", "T:=25" },
    { "ReduceLogSum", "keepdims=0", "T:2=1.0,2.0", "T:=1.0986122886681098" },
    { "ReduceLogSumExp", "keepdims=0", "T:2=0.0,0.0", "T:=0.69314718055994531" },
    { "ArgMax", "keepdims=0", "T:3=1,5,3", "i64:=1" },
    { "ArgMin", "axis=-1", "T:1,3=4,5,3", "i64:1,1=2" },
    { "TopK", NULL, "T:4=3,1,4,1 i64:1=2", "T:2=4,3 i64:2=2,0" },
    { "TopK", "largest=0", "T:4=3,1,4,1 i64:1=2", "T:2=1,1 i64:2=1,3" },
    { "CumSum", NULL, "T:2,2=1,2,3,4 i32:=1", "T:2,2=1,3,3,7" },
    { "CumProd", NULL, "T:2,2=1,2,3,4 i32:=0", "T:2,2=1,2,3,8" },
    { "MatMul", NULL, "T:2,2=1,2,3,4 T:2,1=5,6", "T:2,1=17,39" },
    { "Gemm", "transB=1", "T:1,2=1,2 T:2,2=1,2,3,4 T:2=1,2", "T:1,2=6,13" },
    { "Einsum", "equation=ij,kj->ik", "T:1,2=1,2 T:2,2=1,2,3,4", "T:1,2=5,11" },
    { "Range", NULL, "T:=1 T:=7 T:=2", "T:3=1,3,5" },
    { "OneHot", NULL, "T:2=0,2 i64:=3 i64:2=0,1", "i64:2,3=1,0,0,0,0,1" },
    { "OneHot", NULL, "i64:2=0,2 T:=3 i64:2=0,1", "i64:2,3=1,0,0,0,0,1" },
    { "OneHot", NULL, "i64:2=0,2 i64:=3 T:2=4,7", "T:2,3=7,4,4,4,4,7" },
    { "EyeLike", NULL, "T:2,2=5", "T:2,2=1,0,0,1" },
    { "NonZero", NULL, "T:3=0,2,1", "i64:1,2=1,2" },
    { "Unique", NULL, "T:3=2,1,2", "T:2=1,2 i64:2=1,0 i64:3=1,0,1 i64:2=1,2" },
    { "ScatterElements", "reduction=add", "T:2=1,2 i64:2=0,0 T:2=3,4", "T:2=8,2" },
    { "ScatterElements", "reduction=max", "T:2=1,2 i64:2=0,1 T:2=3,1", "T:2=3,2" },
    { "ScatterND", "reduction=mul", "T:2=1,2 i64:2,1=1,1 T:2=3,4", "T:2=1,24" },
    { "ScatterND", "reduction=min", "T:2=5,2 i64:2,1=0,1 T:2=3,4", "T:2=3,2" },
    { "GatherND", NULL, "T:2,2=1,2,3,4 i64:1,2=1,0", "T:1=3" },
    { "Trilu", "upper=0", "T:2,2=1,2,3,4", "T:2,2=1,0,3,4" },
    { "Pad", "mode=reflect", "T:3=1,2,3 i64:2=1,1", "T:5=2,1,2,3,2" },
    { "Pad", NULL, "T:1=1 i64:2=1,1 T:=7", "T:3=7,1,7" },
    { "MaxPool", "kernel_shape=[2]", "T:1,1,3=1,3,2", "T:1,1,2=3,3" },
    { "MaxUnpool", "kernel_shape=[2] strides=[2]", "T:1,1,1=3 i64:1,1,1=1", "T:1,1,2=0,3" },
    { "AveragePool", "kernel_shape=[2]", "T:1,1,3=1,3,5", "T:1,1,2=2,4" },
    { "LpPool", "kernel_shape=[2] p=1", "T:1,1,3=1,3,5", "T:1,1,2=4,8" },
    { "GlobalAveragePool", NULL, "T:1,1,3=1,3,5", "T:1,1,1=3" },
    { "GlobalMaxPool", NULL, "T:1,1,3=1,5,3", "T:1,1,1=5" },
    { "GlobalLpPool", NULL, "T:1,1,2=3,4", "T:1,1,1=5" },
    { "Conv", NULL, "T:1,1,3=1,2,3 T:1,1,2=1,3 T:1=1", "T:1,1,2=8,12" },
    { "ConvTranspose", NULL, "T:1,1,2=1,2 T:1,1,2=1,3", "T:1,1,3=1,5,6" },
    { "Col2Im", NULL, "T:1,2,3=1,2,3,4,5,6 i64:1=4 i64:1=2", "T:1,1,4=1,6,8,6" },
    { "Resize", NULL, "T:2=1,3 _ f32:1=2", "T:4=1,1,3,3" },
    { "Resize", "mode=linear coordinate_transformation_mode=align_corners", "T:2=1,3 _ _ i64:1=3", "T:3=1,2,3" },
    { "GridSample", "mode=nearest", "T:1,1,2,2=1,2,3,4 f32:1,1,1,2=0.5,0.5", "T:1,1,1,1=4" },
    { "GridSample", NULL, "f32:1,1,2,2=1,2,3,4 T:1,1,1,2=0.5,0.5", "f32:1,1,1,1=4" },
    { "AffineGrid", "align_corners=1", "T:1,2,3=1,0,0,0,1,0 i64:4=1,1,2,2", "T:1,2,2,2=-1,-1,1,-1,-1,1,1,1" },
    { "DepthToSpace", "blocksize=2", "T:1,4,1,1=1,2,3,4", "T:1,1,2,2=1,2,3,4" },
    { "SpaceToDepth", "blocksize=2", "T:1,1,2,2=1,2,3,4", "T:1,4,1,1=1,2,3,4" },
    { "ReverseSequence", NULL, "T:2,2=1,2,3,4 i64:2=2,1", "T:2,2=3,2,1,4" },
    { "Expand", NULL, "T:2,1=1,2 i64:1=2", "T:2,2=1,1,2,2" },
    { "Tile", NULL, "T:2=1,2 i64:1=2", "T:4=1,2,1,2" },
    { "Compress", NULL, "T:2=1,2 bool:2=0,1", "T:1=2" },
    { "Det", NULL, "T:2,2=1.0,2.0,3.0,4.0", "T:=-2" },
    { "Softmax", NULL, "T:2=0.0,1.0986122886681098", "T:2=0.25,0.75" },
    { "LogSoftmax", NULL, "T:2=0.0,0.0", "T:2=-0.69314718055994531" },
    { "Hardmax", NULL, "T:3=1.0,3.0,3.0", "T:3=0,1,0" },
    { "LRN", "size=1 alpha=1.0 beta=1.0", "T:1,2,1=1,3", "T:1,2,1=0.5,0.3" },
    { "LayerNormalization", "epsilon=0.0", "T:1,2=1.0,3.0 T:2=2 T:2=1", "T:1,2=-1,3" },
    { "DFT", NULL, "T:1,2,1=1.0,3.0", "T:1,2,2=4,0,-2,0" },
    { "STFT", "onesided=0", "T:1,4,1=1.0,2.0,3.0,5.0 i64:=2 _ i64:=2", "T:1,2,2,2=3,0,-1,0,8,0,-2,0" },
    { "NegativeLogLikelihoodLoss", NULL, "T:2,2=-1.0,-2.0,-3.0,-4.0 i64:2=0,1", "T:=2.5" },
    { "SoftmaxCrossEntropyLoss", NULL, "T:1,2=0.0,0.0 i64:1=0", "T:=0.69314718055994531" },
    { "RoiAlign", "sampling_ratio=2", "T:1,1,2,2=1.0,2.0,3.0,4.0 T:1,4=0,0,2,2 i64:1=0", "T:1,1,1,1=2.5" },
    { "MaxRoiPool", "pooled_shape=[1,1]", "T:1,1,2,2=1.0,2.0,3.0,4.0 T:1,5=0,0,0,1,1", "T:1,1,1,1=4" },
    { "DeformConv", NULL, "T:1,1,3=1,2,3 T:1,1,2=1,3 T:1,2,2=0", "T:1,1,2=7,11" },
    { "Dropout", NULL, "T:2=1,2 f32:=0.5", "T:2=1,2 bool:2=1" },
    { "Cast", "to=1", "T:3=0,1,5", "f32:3=0,1,5" },
    { "Cast", "to=7", "T:3=0,1,5", "i64:3=0,1,5" },
    { "Cast", "to=10", "T:3=0,1,5", "f16:3=0,1,5" },
    { "Cast", "to=16", "T:3=0,1,5", "bf16:3=0,1,5" },
    { "Cast", "to=11", "T:2=-3,3", "f64:2=-3,3" },
    { "Cast", "to=3", "T:2=-3,3", "i8:2=-3,3" },
    { "Cast", "to=12", "T:2=7,3", "u32:2=7,3" },
    { "Cast", "to=8", "T:2=7,3", "str:2=7,3" },
    { "Cast", "to=17", "T:2=7,3", "f8e4m3fn:2=7,3" },
    { "Cast", "to=21", "T:2=7,3", "u4:2=7,3" },
    { "CastLike", NULL, "i64:2=7,3 T:=0", "T:2=7,3" },
    { "CastLike", NULL, "f32:2=-7,3 T:=-1", "T:2=-7,3" },
    { "Identity", NULL, "T:2=7,3", "T:2=7,3" },
    { "ai.onnx.ml::Normalizer", "norm=MAX", "T:1,2=1,4", "f32:1,2=0.25,1" },
    { "ai.onnx.ml::Binarizer", "threshold=2.0", "T:2=1,4", "T:2=0,1" },
    { "ai.onnx.ml::Scaler", "offset=[1.0] scale=[2.0]", "T:1,2=1,4", "f32:1,2=0,6" },
    { "ai.onnx.ml::ArrayFeatureExtractor", NULL, "T:1,2=1,4 i64:1=1", "T:1,1=4" },
    { "ai.onnx.ml::LinearRegressor", "coefficients=[1.0,2.0] intercepts=[0.5]", "T:1,2=1,4", "f32:1,1=9.5" },
    { "ai.onnx.ml::OneHotEncoder", "cats_int64s=[1,4]", "T:2=1,4", "f32:2,2=1,0,0,1" },
    { "ai.onnx.ml::FeatureVectorizer", "inputdimensions=[1,1]", "T:1,1=1 T:1,1=4", "f32:1,2=1,4" },
};

static const struct {
    tn_dtype type;
    const char *name;
} numbers[] = { { TN_F32, "f32" }, { TN_F64, "f64" }, { TN_F16, "f16" }, { TN_BF16, "bf16" },
                { TN_I8, "i8" },   { TN_I16, "i16" }, { TN_I32, "i32" }, { TN_I64, "i64" },
                { TN_U8, "u8" },   { TN_U16, "u16" }, { TN_U32, "u32" }, { TN_U64, "u64" } };

static void spell(char *to, const char *text, const char *type) { /* T: by its name */
    for (; *text; text++)
        if (*text == 'T' && text[1] == ':')
            to += sprintf(to, "%s", type);
        else
            *to++ = *text;
    *to = 0;
}

/* Which types the operator's row allows where T stands first. */
static uint64_t allowed(const op_case *c) {
    const char *name = strstr(c->op, "::"), *at = strstr(c->in, "T:");
    char domain[40] = "";
    if (name) snprintf(domain, sizeof domain, "%.*s", (int)(name - c->op), c->op);
    const tn_op *op = tn_op_find(domain, name ? name + 2 : c->op);
    if (!op) return TN_FLOATS; /* taken apart when it is loaded: the losses */
    const tn_port *p = op->in;
    for (const char *s = c->in; s < at; s++)
        if (*s == ' ' && !p->variadic) p++;
    return p->types ? p->types : TN_REAL;
}

static bool whole_case_has(const op_case *c, char sign) {
    for (const char *s = c->in; *s; s++)
        if (*s == sign) return true;
    for (const char *s = c->want; *s; s++)
        if (*s == sign) return true;
    return false;
}

static void every_type(void **state) {
    enum { MOST = 12 * TN_COUNT(rows) };
    static op_case made[MOST];
    size_t n = 0;
    for (const op_case *c = rows; c < rows + TN_COUNT(rows); c++)
        for (size_t k = 0; k < TN_COUNT(numbers); k++) {
            tn_dtype t = numbers[k].type;
            char in[300], want[300];
            if (!(allowed(c) & tn_dtype_bit(t)) ||
                (whole_case_has(c, '-') && !tn_dtype_is_signed(t) && !tn_dtype_is_float(t)) ||
                (whole_case_has(c, '.') && !tn_dtype_is_float(t)))
                continue;
            spell(in, c->in, numbers[k].name);
            spell(want, c->want, numbers[k].name);
            made[n] = *c;
            made[n].in = strdup(in), made[n++].want = strdup(want);
        }
    op_cases_run(made, n);
    while (n-- > 0) free((char *)made[n].in), free((char *)made[n].want);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_type) };
    return cmocka_run_group_tests_name("op/types", tests, NULL, NULL);
}
