#!/usr/bin/env python3
"""Count 3-byte grams in source code: rebuilds crates/keysieve-engine/src/gram_frequency.bin.

usage: gram-frequency.py DIRECTORY... > crates/keysieve-engine/src/gram_frequency.bin

Bytes fall into 32 classes as in crates/keysieve-engine/src/gram.rs (letters without case, digits, `_`, `-`, `.`, blank, the rest).
The table holds for each of the 32^3 grams 8 * log2(1 + occurrences in 2^28 bytes), one byte each. Any few hundred
megabytes of mixed source give nearly the same table; it steers choices and never decides what is found.
"""
import math, os, subprocess, sys, tempfile

COUNTER = r"""
#include <stdio.h>
static unsigned char class_of(int c) {
  c |= 0x20;
  if (c >= 'a' && c <= 'z') return c - 'a';
  if (c >= '0' && c <= '9') return 26;
  if (c == 0x7f) return 27;
  if (c == '-') return 28;
  if (c == '.') return 29;
  if (c == 0x20 || c == 0x2a || c == 0x29) return 30;
  return 31;
}
static unsigned long long n[32768], total;
int main(void) {
  unsigned g = 0; int c;
  while ((c = getchar_unlocked()) != EOF) { g = (g << 5 | class_of(c)) & 32767; n[g]++; total++; }
  printf("%llu\n", total);
  for (int i = 0; i < 32768; i++) printf("%llu\n", n[i]);
}
"""

def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as scratch:
        source, binary = os.path.join(scratch, "count.c"), os.path.join(scratch, "count")
        open(source, "w").write(COUNTER)
        subprocess.run(["cc", "-O2", "-o", binary, source], check=True)
        counter = subprocess.Popen([binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for top in sys.argv[1:]:
            for folder, folders, files in os.walk(top):
                folders.sort()
                for name in sorted(files):
                    path = os.path.join(folder, name)
                    if os.path.isfile(path) and not os.path.islink(path):
                        data = open(path, "rb").read()
                        if b"\0" not in data[:8192]:
                            counter.stdin.write(data)
        counter.stdin.close()
        total, *counts = map(int, counter.stdout.read().split())
    scale = 2**28 / max(total, 1)
    sys.stdout.buffer.write(bytes(min(255, round(8 * math.log2(1 + count * scale))) for count in counts))

main()
