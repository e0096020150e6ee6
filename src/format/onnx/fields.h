/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fields.h - field numbers of ONNX's messages, message by message, for reader and writer. Those that hold data
 * (TensorProto and its relatives) are a floor below, in tensor/proto_fields.h. Source: onnx.proto. */
#ifndef TN_FORMAT_ONNX_FIELDS_H
#define TN_FORMAT_ONNX_FIELDS_H

#include "tensor/proto_fields.h"

/* ModelProto */
enum {
    MODEL_IR = 1,
    MODEL_PRODUCER = 2,
    MODEL_PRODUCER_VERSION = 3,
    MODEL_DOMAIN = 4,
    MODEL_VERSION = 5,
    MODEL_DOC = 6,
    MODEL_GRAPH = 7,
    MODEL_OPSET = 8,
    MODEL_META = 14,
    MODEL_TRAINING = 20,
    MODEL_FUNCTION = 25,
};

/* OperatorSetIdProto */
enum { OPSET_DOMAIN = 1, OPSET_VERSION = 2 };

/* GraphProto */
enum {
    GRAPH_NODE = 1,
    GRAPH_NAME = 2,
    GRAPH_INITIALIZER = 5,
    GRAPH_DOC = 10,
    GRAPH_INPUT = 11,
    GRAPH_OUTPUT = 12,
    GRAPH_INFO = 13,
    GRAPH_SPARSE = 15,
};

/* NodeProto */
enum {
    NODE_INPUT = 1,
    NODE_OUTPUT = 2,
    NODE_NAME = 3,
    NODE_TYPE = 4,
    NODE_ATTRIBUTE = 5,
    NODE_DOC = 6,
    NODE_DOMAIN = 7,
    NODE_OVERLOAD = 8,
};

/* FunctionProto */
enum {
    FN_NAME = 1,
    FN_INPUT = 4,
    FN_OUTPUT = 5,
    FN_ATTRIBUTE = 6,
    FN_NODE = 7,
    FN_OPSET = 9,
    FN_DOMAIN = 10,
    FN_DEFAULT = 11,
    FN_OVERLOAD = 13,
};

/* AttributeProto */
enum {
    ATTR_NAME = 1,
    ATTR_F = 2,
    ATTR_I = 3,
    ATTR_S = 4,
    ATTR_T = 5,
    ATTR_G = 6,
    ATTR_FLOATS = 7,
    ATTR_INTS = 8,
    ATTR_STRINGS = 9,
    ATTR_TENSORS = 10,
    ATTR_GRAPHS = 11,
    ATTR_TP = 14,
    ATTR_TPS = 15,
    ATTR_TYPE = 20,
    ATTR_REF = 21,
    ATTR_SPARSE = 22,
    ATTR_SPARSES = 23,
};

/* AttributeProto.AttributeType, the value of ATTR_TYPE */
enum {
    ATTR_IS_FLOAT = 1,
    ATTR_IS_INT = 2,
    ATTR_IS_STRING = 3,
    ATTR_IS_TENSOR = 4,
    ATTR_IS_GRAPH = 5,
    ATTR_IS_FLOATS = 6,
    ATTR_IS_INTS = 7,
    ATTR_IS_STRINGS = 8,
    ATTR_IS_TENSORS = 9,
    ATTR_IS_GRAPHS = 10,
    ATTR_IS_SPARSE = 11,
    ATTR_IS_SPARSES = 12,
    ATTR_IS_TYPE = 13,
};

/* ValueInfoProto */
enum { INFO_NAME = 1, INFO_TYPE = 2 };

/* TypeProto */
enum { TYPE_TENSOR = 1, TYPE_SEQUENCE = 4, TYPE_MAP = 5, TYPE_OPAQUE = 7, TYPE_SPARSE = 8, TYPE_OPTIONAL = 9 };

/* TypeProto.Tensor; TypeProto.Sequence and TypeProto.Optional; TypeProto.Map */
enum { TYPE_TENSOR_ELEMENT = 1, TYPE_TENSOR_SHAPE = 2 };
enum { TYPE_LIST_ELEMENT = 1 };
enum { TYPE_MAP_KEY = 1, TYPE_MAP_VALUE = 2 };

/* TensorShapeProto and its Dimension */
enum { SHAPE_DIM = 1 };
enum { DIM_VALUE = 1, DIM_PARAM = 2 };

#endif
