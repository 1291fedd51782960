#!/usr/bin/env python3
"""Makes data/unicode_table.h from the Unicode Character Database.

    python3 tools/unicode.py /usr/share/unicode/UnicodeData.txt > data/unicode_table.h

UnicodeData.txt gives the general categories (L* is a letter, N* a number). White space is a
property, not a category; its 25 code points have not changed since Unicode 6.3.
"""
import sys

OTHER, LETTER, NUMBER, SPACE = range(4)  # as enum UnicodeClass
WHITE_SPACE = [*range(0x9, 0xE), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B),
               0x2028, 0x2029, 0x202F, 0x205F, 0x3000]


def classes(lines):
    """The class of each code point, 0 to 0x10FFFF."""
    table = [OTHER] * 0x110000
    first = None
    for line in lines:
        code, name, category = line.split(";")[:3]
        code = int(code, 16)
        if name.endswith(", First>"):  # a range is given by its first and last lines
            first = code
            continue
        start, first = (code, None) if first is None else (first, None)
        kind = {"L": LETTER, "N": NUMBER}.get(category[0], OTHER)
        table[start:code + 1] = [kind] * (code + 1 - start)
    for code in WHITE_SPACE:
        table[code] = SPACE
    return table


def main():
    with open(sys.argv[1], encoding="ascii") as lines:
        table = classes(lines)
    changes = [code << 2 | kind for code, kind in enumerate(table)
               if code == 0 or kind != table[code - 1]]
    print("/* Where the class changes: code point << 2 | class from there on, ascending.\n"
          "   Made by tools/unicode.py from UnicodeData.txt of Unicode 15.0; do not edit. */")
    print("#include <stdint.h>\n")
    print(f"static const uint32_t unicode_changes[{len(changes)}] = {{")
    for i in range(0, len(changes), 9):
        print("  " + " ".join(f"0x{c:06x}," for c in changes[i:i + 9]))
    print("};")
    print("\n/* The same for ASCII, one digit a character. */")
    print("static const unsigned char unicode_ascii[128] = {")
    for i in range(0, 128, 32):
        print("  " + " ".join(f"{c}," for c in table[i:i + 32]))
    print("};")


main()
