/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* ports.c - the shared input and output lists. */
#include "op/core/ports.h"

const tn_port tn_ports_any_t[] = { { "X", TN_ANY_TYPE, 'T' }, { 0 } };
const tn_port tn_ports_any_x2[] = { { "A", TN_ANY_TYPE, 'T' }, { "B", TN_ANY_TYPE, 'T' }, { 0 } };
const tn_port tn_ports_any_many[] = { { "inputs", TN_ANY_TYPE, 'T', .variadic = true }, { 0 } };
const tn_port tn_ports_float_t[] = { { "X", TN_FLOATS, 'T' }, { 0 } };
const tn_port tn_ports_real_t[] = { { "X", TN_REAL, 'T' }, { 0 } };
const tn_port tn_ports_real_x2[] = { { "A", TN_REAL, 'T' }, { "B", TN_REAL, 'T' }, { 0 } };
const tn_port tn_ports_real_many[] = { { "inputs", TN_REAL, 'T', .variadic = true }, { 0 } };
const tn_port tn_ports_bool[] = { { "Y", TN_BOOLS, 0 }, { 0 } };
const tn_port tn_ports_i64[] = { { "Y", tn_dtype_bit(TN_I64), 0 }, { 0 } };
const tn_port tn_ports_any_free[] = { { "Y", TN_ANY_TYPE, 0 }, { 0 } };
