#!/bin/sh
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# The count of cases takes nothing for granted: crashes behind counted cases, time-outs, programs without cases, files
# without a test, areas below their floor.
# usage: count_cases.sh SOURCE-FOLDER
set -eu
cd "$1/scripts"
TN_CHECK_EMULATED= PYTHONDONTWRITEBYTECODE=1 python3 - <<'EOF'
import io, contextlib, json, os, sys, tempfile
sys.path.insert(0, '.')
import count_cases as c

def test(name, stdout='', result='OK', returncode=0, stderr=''):
    return {'name': 'tenon:quick / ' + name, 'stdout': stdout, 'stderr': stderr, 'result': result, 'returncode': returncode}

good = '[  PASSED  ] 5 test(s).\n'
mixed = '[  PASSED  ] 3 test(s).\n[  SKIPPED ] 1 test(s), listed below:\n[  SKIPPED ] x\n[  FAILED  ] 2 test(s), listed below:\n[  FAILED  ] y\n'
want = [
    (test('a/b', good), (5, 0, 0)),
    (test('a/b', '\x1b[32m' + good), (5, 0, 0)),
    (test('a/b', stderr=mixed, result='FAIL', returncode=2), (3, 2, 1)),
    (test('a/b', stderr=mixed, result='FAIL', returncode=-11), (3, 3, 1)),   # and then it crashed
    (test('a/b', stderr=mixed, result='FAIL', returncode=99), (3, 3, 1)),    # a sanitizer's exit code
    (test('a/b', good, 'FAIL', 1), (5, 1, 0)),                               # leaks at the end
    (test('a/b', good, 'TIMEOUT', -9), (5, 1, 0)),
    (test('a/b', '', 'ERROR', 127), (0, 1, 0)),
    (test('a/b', '7 passed, 2 failed, 1 skipped\n', 'FAIL', 1), (7, 2, 1)),
    (test('a/b', good + good), (10, 0, 0)),                                  # two groups
]
for t, counts in want:
    assert c.cases(t) == counts, (t, c.cases(t), counts)

def verdict(ran, known, floor, suites=('quick',), sanitize='none'):
    c.introspect = lambda build, what: [{'name': 'programs', 'value': True}, {'name': 'b_sanitize', 'value': sanitize}] if what == 'buildoptions' else \
        [{'name': n, 'suite': ['tenon:quick']} for n in known]
    with tempfile.TemporaryDirectory() as d:
        os.makedirs(d + '/meson-logs'), os.makedirs(d + '/tests/base'), open(d + '/tests/base/one.c', 'w').close()
        with open(d + '/meson-logs/testlog.json', 'w') as f:
            f.write(''.join(json.dumps(t) + '\n' for t in ran))
        with open(d + '/floor', 'w') as f:
            f.write(floor)
        c.ROOT, c.FLOOR = d, d + '/floor'
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            code = c.main(d, list(suites))
        return code, out.getvalue()

assert verdict([test('base/one', good)], ['base/one'], 'base quick 5\n') == (0, '5 passed, 0 failed, 0 skipped\n')
for ran, known, floor, words in [
    ([test('base/one', good)], ['base/one'], 'base quick 6\n', 'base (quick): 5 cases ran, 6 are pinned'),
    ([test('base/one')], ['base/one'], '', 'base/one ran no cases'),
    ([test('base/two', good)], ['base/two'], '', 'tests/base/one.c is not built as a test'),
    ([test('base/one', good)], ['base/one', 'base/two'], '', 'base/two did not run'),
    ([test('base/one', good)], ['base/one', 'base/one'], '', 'two tests are named base/one'),
    ([], [], '', '0 passed, '),
]:
    code, said = verdict(ran, known, floor)
    assert code == 1 and words in said and ', 0 failed' not in said, (words, said)
assert verdict([test('kernel/one', good), test('base/one', good)], ['kernel/one', 'base/one'], 'kernel quick 6\n', sanitize='address')[0] == 0
assert verdict([test('kernel/one', good), test('base/one', good)], ['kernel/one', 'base/one'], 'kernel quick 6\n')[0] == 1
EOF
echo '1 passed, 0 failed, 0 skipped'
