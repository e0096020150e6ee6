# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
"""Counts the cases of a build's last `meson test` (test.sh calls this) and holds them against what there must be.

usage: count_cases.py BUILD SUITES     SUITES: those that ran whole ("quick,slow"), or "" when single tests were chosen
       count_cases.py BUILD --pin      writes tests/floor.txt

The last line is "N passed, N failed, N skipped". Failures are also: a program that ended badly beyond its failed cases (a
crash, a sanitizer's finding, a time-out), one that ran nothing, a file in tests/ that is not among the tests, and an
area with fewer cases than tests/floor.txt says."""
import collections
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FLOOR = os.path.join(ROOT, 'tests', 'floor.txt')
PROGRAM_AREAS = ('cli', 'vision', 'audio')  # not in a build of the library alone
CMOCKA = re.compile(r'\[  (PASSED|FAILED|SKIPPED) *\] (\d+) test')
RUNNER = re.compile(r'^(\d+) passed, (\d+) failed, (\d+) skipped$', re.M)


def introspect(build, what):
    return json.loads(subprocess.check_output(['meson', 'introspect', build, '--' + what], text=True))


def results(build):
    """Per test: its cases and how it ended, of the last run."""
    out = {}
    with open(os.path.join(build, 'meson-logs', 'testlog.json'), encoding='utf8') as log:
        for line in log:
            test = json.loads(line)
            out[test['name'].split(' / ')[-1]] = test
    return out


def cases(test):
    """(passed, failed, skipped) of one program."""
    text = re.sub(r'\x1b\[[0-9;]*m', '', test.get('stdout', '') + '\n' + test.get('stderr', ''))
    count = collections.Counter()
    for word, n in CMOCKA.findall(text):
        count[word] += int(n)
    for passed, failed, skipped in RUNNER.findall(text):
        count['PASSED'] += int(passed)
        count['FAILED'] += int(failed)
        count['SKIPPED'] += int(skipped)
    ended_well, code = test['result'] in ('OK', 'SKIP', 'EXPECTEDFAIL'), test.get('returncode', 0)
    # cmocka's exit code is the number of failed cases; a runner's is 1
    if not ended_well and (not count['FAILED'] or test['result'] != 'FAIL' or code not in (1, count['FAILED'])):
        count['FAILED'] += 1
    return count['PASSED'], count['FAILED'], count['SKIPPED']


def option(build, name):
    return next(o['value'] for o in introspect(build, 'buildoptions') if o['name'] == name)


def has_programs(build):
    return option(build, 'programs')


def missing_tests(build, known):
    """Files that should be tests of this build and are not; lib and emulated hold what tests share."""
    programs = has_programs(build)
    for area in sorted(os.listdir(os.path.join(ROOT, 'tests'))):
        folder = os.path.join(ROOT, 'tests', area)
        if area in ('lib', 'emulated') or not os.path.isdir(folder) or (area in PROGRAM_AREAS and not programs):
            continue
        for file in sorted(os.listdir(folder)):
            name = area + '/' + file[:-2].replace('slow_', '')
            if file.endswith('.c') and name not in known:
                yield 'tests/%s/%s' % (area, file)


def suite_of(test):
    return 'slow' if any(s.endswith('slow') for s in test['suite']) else 'quick'


def totals(build, ran, tests):
    """Cases by (area, suite): passed, and skipped for what the machine lacks, so that a floor holds on every machine."""
    out = collections.Counter()
    for name, test in ran.items():
        if name in tests:
            passed, _, skipped = cases(test)
            out[name.split('/')[0], suite_of(tests[name])] += passed + skipped
    return out


def pin(build):
    tests = {t['name']: t for t in introspect(build, 'tests')}
    sums = {k: n for k, n in totals(build, results(build), tests).items() if k[0] != 'package'}  # not in every build
    with open(FLOOR, 'w', encoding='utf8') as out:
        out.write('# The fewest cases that must pass or be skipped, by area and suite: one that vanishes is a failure. Written by\n'
                  '# scripts/test.sh BUILD --pin after a full run.\n')
        for (area, suite), n in sorted(sums.items()):
            out.write('%s %s %d\n' % (area, suite, n))


def below_floor(build, suites, ran, tests):
    areas = {name.split('/')[0] for name in tests}
    if option(build, 'b_sanitize') != 'none' or os.environ.get('TN_CHECK_EMULATED') == '0':
        areas.discard('kernel')  # without emulated kernels, which are cases of their own: tests/meson.build
    sums = totals(build, ran, tests)
    with open(FLOOR, encoding='utf8') as floor:
        for line in floor:
            if line.startswith('#') or not line.strip():
                continue
            area, suite, least = line.split()
            if suite in suites and area in areas and sums[area, suite] < int(least):
                yield '%s (%s): %d cases ran, %s are pinned in tests/floor.txt' % (area, suite, sums[area, suite], least)


def main(build, suites):
    names = [t['name'] for t in introspect(build, 'tests')]
    tests = {t['name']: t for t in introspect(build, 'tests')}
    ran = results(build)
    passed = failed = skipped = 0
    complaints = ['%s is not built as a test' % f for f in missing_tests(build, tests)]
    complaints += ['two tests are named %s: one would not be counted' % n for n in sorted(tests) if names.count(n) > 1]
    for name, test in sorted(ran.items()):
        p, f, s = cases(test)
        passed, failed, skipped = passed + p, failed + f, skipped + s
        if not p and not f and not s:
            complaints.append('%s ran no cases' % name)
    if suites:
        complaints += ['%s did not run' % n for n, t in sorted(tests.items()) if suite_of(t) in suites and n not in ran]
        if has_programs(build):
            complaints += below_floor(build, suites, ran, tests)
    for c in complaints:
        print('FAILED: ' + c)
    if not passed and not failed:
        failed += 1
    failed += len(complaints)
    print('%d passed, %d failed, %d skipped' % (passed, failed, skipped))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(pin(sys.argv[1]) if sys.argv[2] == '--pin' else main(sys.argv[1], [s for s in sys.argv[2].split(',') if s]))
