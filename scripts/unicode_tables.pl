#!/usr/bin/perl
# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# Writes src/base/unicode_tables.h from the Unicode Character Database that comes with Perl (UnicodeData.txt: general
# categories, simple upper- and lowercase mappings). Run it by hand when a newer Unicode is wanted:
#   scripts/unicode_tables.pl > src/base/unicode_tables.h
use strict;
use warnings;
use Unicode::UCD qw(prop_invmap);

my @categories = qw(Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co Cn);
my %number = map { $categories[$_] => $_ } 0 .. $#categories;

sub rows {
    my ($width, @items) = @_;
    my $line = '';
    for my $item (@items) {
        if (length($line) + length($item) + 2 > $width) { print "    $line\n"; $line = ''; }
        $line .= ($line eq '' ? '' : ' ') . "$item,";
    }
    print "    $line\n" if $line ne '';
}

# Mappings as runs { first, last, step, delta }: every step-th code point from first to last maps to itself + delta.
sub mapping {
    my ($name, $property) = @_;
    my ($from, $to, $format) = prop_invmap($property);
    my @pairs;
    for my $i (0 .. $#$from) {
        next if ref $to->[$i] || !$to->[$i];
        my $end = $i < $#$from ? $from->[ $i + 1 ] : 0x110000;
        for my $c ($from->[$i] .. $end - 1) {
            push @pairs, [ $c, $to->[$i] + $c - $from->[$i] - $c ];
        }
    }
    my @runs;
    for my $p (@pairs) {
        my ($c, $delta) = @$p;
        my $r = $runs[-1];
        if ($r && $r->[3] == $delta) {
            my $step = $c - $r->[1];
            if ($r->[0] == $r->[1] && $step <= 2) { $r->[2] = $step; $r->[1] = $c; next; }
            if ($r->[0] != $r->[1] && $step == $r->[2]) { $r->[1] = $c; next; }
        }
        push @runs, [ $c, $c, 1, $delta ];
    }
    print "static const case_run $name\[] = {\n";
    rows(112, map { sprintf '{ 0x%x, 0x%x, %d, %d }', @$_ } @runs);
    print "};\n\n";
}

my $version = Unicode::UCD::UnicodeVersion();
print "/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 AND Unicode-DFS-2016 */\n";
print "/* unicode_tables.h - written by scripts/unicode_tables.pl from Unicode $version; not edited by hand. */\n";
print "/* clang-format off */\n\n";
mapping('upper_runs', 'Simple_Uppercase_Mapping');
mapping('lower_runs', 'Simple_Lowercase_Mapping');

print "/* Where a run of one general category begins, times 32, plus the category (tn_category). */\n";
print "static const uint32_t category_runs[] = {\n";
my ($from, $to) = prop_invmap('General_Category');
rows(112, map { sprintf '0x%x', $from->[$_] << 5 | $number{ $to->[$_] } } grep { $from->[$_] < 0x110000 } 0 .. $#$from);
print "};\n\n/* clang-format on */\n";
