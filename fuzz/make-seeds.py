#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets anew: one small input for each thing that a target has to understand.
Those that once broke a target are not made here; they stay.

Nothing in them looks like a provider's token; `scripts/fuzz` adds such inputs while it runs, from the rules' examples."""

import base64, bz2, glob, gzip, hashlib, io, json, lzma, os, shutil, struct, tarfile, zipfile, zlib

HERE = os.path.dirname(os.path.abspath(__file__))
LEAK = b'db_password = "Tr4vel-Lantern-91"\n'
SHA = 20


def seed(target, name, content):
    folder = os.path.join(HERE, "seeds", target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(content)


def engine():
    texts = {
        "assignment": LEAK,
        "json": b'{"user": "ann", "password": "Tr4vel-Lantern-91", "n": [1, 2]}\n',
        "yaml": b"kind: Secret\ndata:\n  password: VHI0dmVsLUxhbnRlcm4tOTE=\n",
        "url": b"postgres://ann:Tr4vel-Lantern-91@db.acme.io:5432/app?sslmode=disable\n",
        "xml": b'<add key="password" value="Tr4vel-Lantern-91"/>\n',
        "pem": b"-----BEGIN RSA PRIVATE KEY-----\nMIIBOgIBAAJBAKj34GkxFhD9\n-----END RSA PRIVATE KEY-----\n",
        "allow": b'password = "Tr4vel-Lantern-91"  # keysieve:allow generic-password because\n',
        "login": b'connect(host, "ann", "Tr4vel-Lantern-91"); auth=("ann", "Tr4vel-Lantern-92")\n',
        "bytes": b"secretKey := []byte{8, 79, 120, 7, 33, 201, 90, 17, 4, 66, 12, 250, 8, 9, 77, 13}\n",
        "sql": b"CREATE USER ann IDENTIFIED BY 'Tr4vel-Lantern-91';\n",
        "escapes": b'password = "Tr4vel\\u002dLantern\\x2d91%20"\n',
        "after-escapes": b'{"env": "A=1\\nDB_PASSWORD=Tr4vel-Lantern-91\\n\\u001b[31mTOKEN=Tr4vel-Lantern-92%0AKEY=x"}\n',
        "utf16-after-ascii": LEAK + LEAK.decode().encode("utf-16-le") * 2,
        "utf32": LEAK.decode().encode("utf-32-be"),
        "mark-before-ascii": b"\xff\xfe" + LEAK,
        "wide-in-binary": b"\1\0\0\2" + LEAK.decode().encode("utf-16-be") + b"\0\0\7",
        "utf8": "пароль password = \"Tr4vel-Lantern-91\" # ü\r\n".encode(),
    }
    for name, text in texts.items():
        seed("engine", name, bytes([128, 0]) + text)
    seed("engine", "far", bytes([200, 255]) + LEAK * 3)


def texts():
    plain = b"key: value-1234567890+x"
    written = {
        "base64": base64.b64encode(plain),
        "base64-wrapped": base64.b64encode(plain).replace(b"Z", b"Z\\n", 1),
        "hex": plain.hex().encode(),
        "percent": b"key%3A%20value-1234567890%2Bx",
        "escapes": b"key\\u003a\\x20value-1234567890+x",
        "html": b"key&#58;&#x20;value-1234567890&amp;x",
        "utf16": "пароль \U0001f511 x".encode("utf-16-be"),
        "utf16-mark": "\ufeffpassword".encode("utf-16-le"),
        "utf16-halves": b"\x00\xd8\x00\xd8\x00\xdca",
    }
    for name, value in written.items():
        seed("text", name, b"\x80" + value)


def configurations():
    own = b"""[scan]
exclude = ["vendor/**"]
fail_on = "medium"
min_confidence = "low"
[rules]
disable = ["generic-password"]
severity = { "jwt" = "low" }
[[allow]]
rule = "generic-secret"
paths = ["docs/**"]
reason = "documented"
expires = 2027-01-01
[[rule]]
id = "acme-key"
name = "key of Acme"
severity = "high"
anchors = ["acme_"]
pattern = '''\\b(?P<secret>acme_[a-z0-9]{20})\\b'''
reach = "line"
entropy = 3.0
examples = ["acme_<[a-z0-9]{20}>"]
counterexamples = ["acme_"]
"""
    seed("config", "all", own)
    seed("config", "rule", own[own.index(b"[[rule]]"):])
    seed("config", "reach", b"""[[rule]]
id = "acme-block"
name = "block of Acme"
severity = "high"
anchors = ["i:acme"]
pattern = '''(?is)acme (?P<secret>[a-z0-9 \\n]{5,90})'''
reach = { lines = 3 }
examples = ["acme <[a-z0-9]{20}>"]
""")
    seed("gitleaks", "rule", b"""title = "a"
[extend]
useDefault = true
disabledRules = ["generic-api-key"]
[[rules]]
id = "acme"
description = "key of Acme"
regex = '''(?i)acme_([a-z0-9]{20})'''
secretGroup = 1
entropy = 3
keywords = ["acme"]
path = '''\\.py$'''
tags = ["key"]
[[rules.allowlists]]
description = "tests"
condition = "AND"
regexTarget = "line"
regexes = ['''example''']
paths = ['''test/''']
stopwords = ["abc"]
""")
    seed("gitleaks", "old", b"""[allowlist]
paths = ['''vendor''']
commits = ["0123456789012345678901234567890123456789"]
regexes = ['''219-09-9999''']
[[rules]]
id = "acme"
regex = '''acme[0-9]+'''
[rules.allowlist]
regexes = ['''acme0''']
""")


def accepted():
    seed("accepted", "baseline", json.dumps({"version": 1, "key": "00" * 32, "findings": ["generic-password:" + "0" * 20 + ":a.py"]}).encode())
    seed("accepted", "gitleaks", json.dumps([{"RuleID": "a", "File": "a.py", "StartLine": 3, "Secret": "Tr4vel", "Fingerprint": "a.py:a:3"}]).encode())
    seed("accepted", "gitleaksignore", b"# comment\na.py:generic-api-key:3\n" + b"0" * 40 + b":a.py:rule:4\n")
    seed("accepted", "detect-secrets", json.dumps({"version": "1.5.0", "results": {"a.py": [{"type": "Secret Keyword", "filename": "a.py", "hashed_secret": "0" * 40, "line_number": 3}]}}).encode())
    seed("accepted", "trufflehog", json.dumps({"SourceMetadata": {"Data": {"Filesystem": {"file": "a.py", "line": 3}}}, "Raw": "Tr4vel"}).encode())
    finding = {"type": "finding", "rule": "generic-password", "title": "password", "severity": "high", "confidence": "high",
               "evidence": ["a"], "location": {"path": "a.py", "line": 1, "column": 1, "end_line": 1, "end_column": 5},
               "secret": "[redacted 4]", "line": "a = \u2022\u2022\u2022\u2022", "mark": {"start": 4, "end": 8},
               "fingerprint": "generic-password:" + "0" * 20 + ":a.py",
               "introduced": {"id": "0" * 40, "author": "A <a@b>", "date": "2026-01-01T00:00:00Z", "subject": "s"}}
    summary = {"type": "summary", "files": 1, "bytes": 5, "complete": True}
    seed("accepted", "report", json.dumps({"findings": [finding], "summary": summary}).encode())
    seed("accepted", "report-lines", json.dumps(finding).encode() + b"\n" + json.dumps(summary).encode() + b"\n")


def reports():
    hostile = ["a\x1b]8;;http://x\x07.py", "::error::x\n::add-mask::y", "2026", "=cmd()|</script><script>alert(1)", "%0A::debug::", "`x` [a](javascript:b)", "refs/heads/\u202e", "<b>&amp;]]>", "-- @", "+1\r\n##[x]", "\ufffe\x00"]
    seed("reports", "hostile", "\0".join(hostile).encode())
    seed("reports", "plain", "\0".join(["a/b.py", "A <a@b>", "2026-01-01T00:00:00Z", "subject", "a = ", " # b", "refs/heads/main", "because", "all", "it is damaged", "note"]).encode())


def containers():
    for path in glob.glob(os.path.join(HERE, "../fixtures/containers/**"), recursive=True):
        if os.path.isfile(path) and not path.endswith(".py"):
            shutil.copy(path, os.path.join(HERE, "seeds/container"))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo("a.py"), LEAK)
        archive.writestr(zipfile.ZipInfo("b/c.txt"), LEAK * 20, compress_type=zipfile.ZIP_DEFLATED)
    seed("container", "a.zip", file.getvalue())
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in ["a.py", "d/" + "n" * 120 + ".py"]:
            entry = tarfile.TarInfo(name)
            entry.size = len(LEAK)
            archive.addfile(entry, io.BytesIO(LEAK))
    tar = file.getvalue()
    seed("container", "a.tar", tar)
    seed("container", "a.tar.gz", gzip.compress(tar, mtime=0))
    seed("container", "a.gz", gzip.compress(LEAK, mtime=0))
    seed("container", "a.bz2", bz2.compress(LEAK))
    seed("container", "a.xz", lzma.compress(LEAK))
    # RFC 8878: one frame with one raw block.
    seed("container", "a.zst", b"\x28\xb5\x2f\xfd\x20" + bytes([len(LEAK)]) + ((len(LEAK) << 3 | 1).to_bytes(3, "little")) + LEAK)
    nested = io.BytesIO()
    with zipfile.ZipFile(nested, "w") as archive:
        archive.writestr(zipfile.ZipInfo("a.gz"), gzip.compress(LEAK, mtime=0))
    seed("container", "nested.zip", nested.getvalue())
    # Parts that are no entries: comments, extra fields, entries without a place in the directory.
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        entry = zipfile.ZipInfo("a.py")
        entry.comment, entry.extra = b"a comment", struct.pack("<HH", 0x4B53, 8) + b"a field."
        archive.writestr(entry, LEAK * 9, compress_type=zipfile.ZIP_DEFLATED)
        archive.comment = b"another comment"
    whole = file.getvalue()
    seed("container", "parts.zip", whole[:whole.index(b"PK\x01\x02")] + whole)
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        entry = tarfile.TarInfo("a")
        entry.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "b", "comment": "of some length"}
        data = b"2\n0\n9\n999\n9\n".ljust(512, b"\0") + b"a" * 18
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
        entry = tarfile.TarInfo("c")
        entry.type, entry.linkname = tarfile.SYMTYPE, "d/" * 70
        archive.addfile(entry)
    seed("container", "parts.tar", file.getvalue() + b"text behind it\n")
    old = bytearray(tar[:512])
    old[156:157], old[386:410] = b"S", b"%011o\0%011o\0" % (512, len(LEAK))
    old[148:156] = b" " * 8
    old[148:156] = b"%06o\0 " % sum(old)
    seed("container", "sparse.tar", bytes(old) + LEAK.ljust(512, b"\0"))
    named = b"\x1f\x8b\x08\x18" + b"\0" * 6 + b"a.py\0a comment\0" + gzip.compress(LEAK, mtime=0)[10:]
    seed("container", "parts.gz", named + b"\0" * 9 + gzip.compress(LEAK, mtime=0) + b"text behind it\n")
    seed("container", "skippable.zst", b"\x53\x2a\x4d\x18" + struct.pack("<I", 9) + b"some text" + b"\x28\xb5\x2f\xfd\x20\x01\x09\0\0a")
    zeros = b"0" * 42
    seed("container", "old.cpio", b"".join(b"070707" + zeros + b"0" * 11 + b"%06o%011o" % (len(name) + 1, len(data)) + name + b"\0" + data
                                           for name, data in [(b"a.py", LEAK), (b"TRAILER!!!", b"")]))
    member = lambda name, data: b"%-16s%-12d%-6d%-6d%-8s%-10d`\n" % (name, 0, 0, 0, b"100644", len(data)) + data
    seed("container", "names.ar", b"!<arch>\n" + member(b"//", b"a-long-name-of-a-file.o/\n\n") + member(b"/0", b"some") + member(b"#1/4", b"namesome"))
    streams()
    documents()
    of_microsoft()


def of_microsoft():
    end, free = 0xFFFFFFFE, 0xFFFFFFFF
    name = lambda text: text.encode("utf-16-le").ljust(64, b"\0") + struct.pack("<H", len(text) * 2 + 2)
    entry = lambda text, kind, child, start, size, right=free: (
        name(text) + bytes([kind, 1]) + struct.pack("<III", free, right, child) + bytes(36) + struct.pack("<IQ", start, size))

    def compound(*streams, storage="A"):
        # Sectors: the table, the directory (of up to eight entries), the small ones' table, and the small ones.
        small, table, entries = b"", [], []
        for number, (text, data) in enumerate(streams):
            start, count = len(table), (len(data) + 63) // 64
            table += list(range(start + 1, start + count)) + [end]
            small += data.ljust(64 * count, b"\0")
            entries.append(entry(text, 2, free, start, len(data), number + 3 if number + 1 < len(streams) else free))
        count = (len(small) + 511) // 512
        chain = [0xFFFFFFFD, 2, end, end] + list(range(5, 4 + count)) + [end]
        root = entry("Root Entry", 5, 1, 4, len(small))
        entries = b"".join([root, entry(storage, 1, 2, 0, 0)] + entries).ljust(1024, b"\0")
        header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 62, 3, 0xFFFE, 9, 6) + bytes(10)
        header += struct.pack("<8I", 1, 1, 0, 4096, 3, 1, end, 0) + struct.pack("<I", 0) + b"\xff" * 432
        fill = lambda numbers: struct.pack("<%dI" % len(numbers), *numbers).ljust(512, b"\xff")
        return header + fill(chain) + entries + fill(table) + small.ljust(512 * count, b"\0")

    token = struct.pack("<H", 0x7008)
    source = b"\x01" + struct.pack("<H", 0xB000 | 12) + b"\x00Attribut\x02e" + token[:1]
    seed("container", "macro.doc", compound(("Module1", b"cache" + source + token[1:]), ("dir", source + token[1:]), storage="VBA"))
    body = b"\x0a\0\0\0\x09\0\0\0LZFu\0\0\0\0\x00{\\rtf1 a\x02}" + struct.pack(">H", (207 + 9) << 4)
    seed("container", "body.msg", compound(("__substg1.0_10090102", body), ("EncryptedPackage", b"x")))
    book = b"".join(struct.pack("<HH", kind, len(data)) + data for kind, data in [(0x809, b"\0" * 8), (0xFC, LEAK[:20]), (0x3C, b"\0" + LEAK[20:])])
    objects = zlib.compress(compound(("Text", LEAK)))
    objects = b"\x0f\0\xe8\x03\xff\0\0\0\x10\0\x11\x10" + struct.pack("<II", len(objects) + 4, 0) + objects
    seed("container", "parts.xls", compound(("Workbook", book), ("\u3b8f\u3c20", LEAK), ("PowerPoint Document", objects)))

    def cabinet(method, blocks, files):
        listing = b"".join(struct.pack("<IIHHHH", size, start, 0, 0, 0, 32) + text + b"\0" for text, start, size in files)
        data = b"".join(struct.pack("<IHH", 0, len(block), size) + block for block, size in blocks)
        start = 44 + len(listing)
        head = b"MSCF\0\0\0\0" + struct.pack("<IIIIHHHHHH", start + len(data), 0, 44, 0, 0x103, 1, len(files), 0, 0, 0)
        return head + struct.pack("<IHH", start, len(blocks), method) + listing + data

    deflate = zlib.compressobj(wbits=-15)
    zipped = [(b"CK" + deflate.compress(part) + deflate.flush(zlib.Z_SYNC_FLUSH) + b"\x03\0", len(part)) for part in [LEAK * 2, LEAK]]
    files = [(b"a.py", 0, 40), (b"b\\c.py", 50, 20), (b"d.py", 55, 30)]
    seed("container", "zipped.cab", cabinet(1, zipped, files))
    seed("container", "stored.cab", cabinet(0, [(LEAK, len(LEAK))] * 3, files))

    def lzx(data):
        # A byte has nine bits, and one match has one: as far back as ever, 256 or 257 long, which is one bit again.
        bits = "0" + "001" + f"{len(data):024b}"
        for other, lengths in [(8, "1" * 256), (16, "0" * 7 + "1" + "0" * 232), (16, "0" * 247 + "11")]:
            bits += "".join(f"{int(code in (0, other)):04b}" for code in range(20)) + lengths
        plain = data.rstrip(b"\0") + data[-1:] if data.endswith(b"\0") else data
        matches, more = divmod(len(data) - len(plain), 257) if data.endswith(b"\0") else (0, 0)
        bits += "".join(f"{256 + byte:09b}" for byte in plain) + "01" * matches + f"{256:09b}" * more
        bits += "0" * (-len(bits) % 16)
        return b"".join(struct.pack("<H", int(bits[at:at + 16], 2)) for at in range(0, len(bits), 16))

    seed("container", "lzx.cab", cabinet(0x0F03, [(lzx(LEAK * 2 + b"\0" * 600), len(LEAK) * 2 + 600)], files[:1]))
    number = lambda value: (bytes([value >> 7 | 0x80]) if value > 127 else b"") + bytes([value & 127])
    own = b"::DataSpace/Storage/MSCompressed/"
    block = lzx(LEAK.ljust(32768, b"\0"))
    control = struct.pack("<I", 6) + b"LZXC" + struct.pack("<IIIII", 2, 2, 1, 1, 0)
    table = struct.pack("<IIIIQQQQ", 2, 1, 8, 40, len(LEAK), len(block), 32768, 0)
    parts = [(b"/#SYSTEM", LEAK), (own + b"Content", block), (own + b"ControlData", control),
             (own + b"Transform/{7FC28940-9D31-11D0-9B27-00A0C91E9C7C}/InstanceData/ResetTable", table)]
    listing, content = b"", b""
    for text, data in parts:
        listing += number(len(text)) + text + number(0) + number(len(content)) + number(len(data))
        content += data
    listing += number(6) + b"/a.htm" + number(1) + number(0) + number(len(LEAK))
    chunk = b"PMGL" + struct.pack("<IIII", 9, 0, free, free) + listing + bytes(9)
    directory = (b"ITSP" + struct.pack("<IIII", 1, 0x54, 10, len(chunk))).ljust(0x54, b"\0") + chunk
    head = (b"ITSF" + struct.pack("<II", 3, 0x60)).ljust(0x48, b"\0") + struct.pack("<QQQ", 0x60, len(directory), 0x60 + len(directory))
    seed("container", "a.chm", head + directory + content)


def streams():
    """Compressed by what Python has no module for, of literals and one copy."""
    alone = lambda **options: lzma.compress(LEAK, lzma.FORMAT_ALONE, filters=[{"id": lzma.FILTER_LZMA1, "preset": 0, "dict_size": 4096, **options}])
    seed("container", "usual.lzma", alone())
    seed("container", "odd.lzma", alone(lc=0, lp=2, pb=0))
    member = b"LZIP\x01\x0c" + alone()[13:] + struct.pack("<IQ", zlib.crc32(LEAK), len(LEAK))
    seed("container", "a.lz", member + struct.pack("<Q", len(member) + 8))
    copy = bytes([0xF4, len(LEAK) - 15]) + LEAK + b"\x08\0" + b"\x50" + LEAK[:5]
    seed("container", "a.lz4", b"\x04\x22\x4d\x18\x60\x40\x82" + struct.pack("<I", len(copy)) + copy + b"\0" * 4 + b"\x51\x2a\x4d\x18\x01\0\0\0a")
    seed("container", "old.lz4", b"\x02\x21\x4c\x18" + struct.pack("<I", len(copy)) + copy)
    seed("container", "a.jsonlz4", b"mozLz40\0" + struct.pack("<I", len(LEAK) + 13) + copy)
    block = bytes([len(LEAK) + 9, len(LEAK) - 1 << 2]) + LEAK + b"\x22\x08\0"
    seed("container", "a.sz", b"\xff\x06\0\0sNaPpY" + struct.pack("<II", len(block) + 4 << 8, 0) + block + b"\x80\x01\0\0a")
    codes, bits = 0, 0
    for code in list(LEAK[:7]) + [258, 256]:
        codes, bits = codes | code << bits, bits + 9
    codes |= sum(byte << 144 + 9 * place for place, byte in enumerate(LEAK[:8]))
    seed("container", "a.Z", b"\x1f\x9d\x90" + codes.to_bytes(27, "little"))
    text = lambda content: bytes([len(content)]) + content
    packed = b"\xc3\x0d\x10\x07" + LEAK[:8] + b"\xa0\x07\x00" + LEAK[:1]
    module = b"\x09\x02\x04\x03abcd\x04abcdefgh\x05" + packed + b"\0"
    stream = text(b"s") + b"\1" + text(b"i" * 16) + packed + b"\3" * 8 + b"\1" + text(b"g") + b"\3" * 3 + b"\1" + b"i" * 24 + b"\1" + b"\1" + text(b"c") + b"t" * 16 + b"\1" + b"i" * 16
    records = [b"\xfa" + text(b"v") + b"\xc0\7", b"\xfe\0\xfb\1\1", b"\xfc" + b"t" * 8 + b"\0" + text(b"k") + packed, b"\4" + text(b"h") + b"\1" + packed + text(b"v"),
               b"\5" + text(b"z") + b"\1" + text(b"m") + b"d" * 8, b"\x12" + text(b"q") + b"\1\2" + packed, b"\x15" + stream, b"\7" + text(b"m") + module, b"\xf7" + module]
    seed("container", "a.rdb", b"REDIS0011" + b"".join(records) + b"\xff" + b"\0" * 8)
    columns()
    methods()
    base = LEAK * 2
    delta = bytes([len(base), len(base) + 2, 0x90, len(base), 2]) + b"x\n"
    first = entry(3, base)
    objects = [first, entry(6, delta, bytes([len(first)])), entry(7, delta, hashlib.sha1(b"blob %d\0" % len(base) + base).digest()), entry(1, b"tree 1\n\nmessage\n"), entry(2, b"100644 a\0" + b"i" * SHA)]
    pack = b"PACK\0\0\0\2" + struct.pack(">I", len(objects)) + b"".join(objects)
    pack += hashlib.sha1(pack).digest()
    seed("container", "objects.pack", pack)
    seed("container", "a.bundle", b"# v2 git bundle\n" + b"1" * 40 + b" refs/heads/main\n\n" + pack)


def methods():
    """Methods of zip that Python does not write."""
    def bits(*numbers):
        value = count = 0
        for number, width in numbers:
            value, count = value | number << count, count + width
        return value.to_bytes((count + 7) // 8, "little")

    turned = lambda number, width: int(f"{number:0{width}b}"[::-1], 2)
    shrunk = bits(*[(byte, 9) for byte in LEAK], (256, 9), (1, 9), (257, 10), (256, 10), (2, 10), (65, 10))
    tree = lambda size, length: [(size // 16 - 1, 8)] + [(0xF0 | length - 1, 8)] * (size // 16)
    literals = [part for byte in LEAK for part in ((1, 1), (turned(255 - byte, 8), 8))]
    imploded = bits(*tree(256, 8), *tree(64, 6), *tree(64, 6), *literals, (0, 1), (9, 7), (turned(63, 6), 6), (turned(58, 6), 6))
    raw = lzma.compress(LEAK, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA1, "dict_size": 4096}])
    squeezed = b"\x09\x14\x05\0\x5d\0\x10\0\0" + raw
    for name, method, flags, packed, size in [("shrunk", 1, 0, shrunk, len(LEAK) + 3), ("imploded", 6, 6, imploded, len(LEAK) + 8), ("lzma", 14, 0, squeezed, len(LEAK)),
                                              ("deflate64", 9, 0, zlib.compress(LEAK)[2:-4], len(LEAK)), ("ppmd", 98, 0, b"\x07\0" + LEAK, 40)]:
        shared = struct.pack("<HHHHHIIIHH", 20, flags, method, 0, 33, zlib.crc32(LEAK), len(packed), size, 1, 0)
        head = b"PK\3\4" + shared + b"a" + packed
        central = b"PK\1\2\x14\0" + shared + b"\0" * 14 + b"a"
        seed("container", name + ".zip", head + central + b"PK\5\6\0\0\0\0\1\0\1\0" + struct.pack("<IIH", len(central), len(head), 0))


def columns():
    def number(value):
        value = value << 1 ^ value >> 63
        out = b""
        while value > 127:
            out, value = out + bytes([value & 127 | 128]), value >> 7
        return out + bytes([value])

    def fields(*all):
        out, last = b"", 0
        for field, kind, content in all:
            out, last = out + bytes([field - last << 4 | kind]) + content, field
        return out + b"\0"

    def page(kind, encoding, packed, size):
        inner = fields((1, 5, number(2)), (2, 5, number(encoding)))
        return fields((1, 5, number(kind)), (2, 5, number(size)), (3, 5, number(len(packed))), (7 if kind == 2 else 5, 12, inner)) + packed

    def file(name, kind, length, codec, pages):
        meta = fields((1, 5, number(kind)), (3, 9, b"\x18\1a"), (4, 5, number(codec)), (7, 6, number(len(pages))), (9, 6, number(4)))
        group = fields((1, 9, b"\x1c" + fields((2, 6, number(0)), (3, 12, meta))))
        schema = b"\x2c" + fields((4, 8, b"\1r"), (5, 5, number(1))) + fields((1, 5, number(kind)), (2, 5, number(length)), (4, 8, b"\1a"))
        footer = fields((1, 5, number(2)), (2, 9, schema), (3, 6, number(2)), (4, 9, b"\x1c" + group))
        seed("container", name, b"PAR1" + pages + footer + struct.pack("<I", len(footer)) + b"PAR1")

    values = struct.pack("<I", len(LEAK)) + LEAK + struct.pack("<I", 3) + b"abc"
    deltas = b"\x80\1\4\2" + number(9) + number(-6) + b"\0\0\0\0"
    numbers = lambda first, step: b"\x08\1\2" + number(first) + number(step) + b"\0"
    file("plain.parquet", 6, 0, 2, page(2, 0, gzip.compress(values, mtime=0), len(values)) + page(0, 8, b"\1\2", 2))
    file("shared.parquet", 6, 0, 0, page(0, 7, numbers(0, 4) + numbers(9, -5) + LEAK[:13], len(numbers(0, 4) + numbers(9, -5)) + 13))
    file("lengths.parquet", 6, 0, 0, page(0, 6, deltas + LEAK[:12], len(deltas) + 12))
    file("fixed.parquet", 7, 8, 1, page(0, 0, b"\x10\x3c" + LEAK[:16], 16) + page(0, 9, b"\x10\x3c" + LEAK[:16], 16))


def documents():
    def pdf(*objects, trailer=b"/Root 1 0 R"):
        file = b"%PDF-1.7\n"
        for number, (dictionary, data) in enumerate(objects, 1):
            stream = b"stream\n" + data + b"\nendstream\n" if data else b""
            file += b"%d 0 obj\n<<%s/Length %d>>\n%sendobj\n" % (number, dictionary, len(data), stream)
        return file + b"trailer\n<<" + trailer + b">>\n%%EOF\n"

    page = b"BT /F1 9 Tf 9 9 Td [(" + LEAK[:20] + b") 20 <" + LEAK[20:].hex().encode() + b"> -300 (\\101\\\n)] TJ T* (x) ' ET q Q"
    cmap = b"1 beginbfchar <0003> <0041> endbfchar 2 beginbfrange <0010> <0020> <0062> <0021> <0022> [<0058> <d83ddd11>] endbfrange"
    flate, fonts = b"/Filter/FlateDecode", b"/Font<</F1 2 0 R>>/ToUnicode 3 0 R/Title <feff00410042>/Author(\\050)"
    seed("container", "page.pdf", pdf((flate, zlib.compress(page)), (fonts, b""), (flate, zlib.compress(cmap))))
    packed = b"2 0 3 30 <</ToUnicode 9 0 R/T(a(b)c)>>  <</F1 2 0 R>>"
    seed("container", "packed.pdf", pdf((b"/Type/ObjStm/N 2/First 9" + flate, zlib.compress(packed))))
    seed("container", "predicted.pdf", pdf((flate + b"/DecodeParms<</Predictor 15/Columns 4>>", zlib.compress(b"\4abcd\2efgh\3ijkl\1m"))))
    seed("container", "lzw.pdf", pdf((b"/Filter[/LZWDecode]", b"\x80\x0b\x60\x50\x22\x0c\x0c\x85\x01")))
    seed("container", "digits.pdf", pdf((b"/Filter[/A85/RL]", b"<~BOu!rDZ~>"), (b"/Filter/AHx", b"68 65 6c>")))
    seed("container", "encrypted.pdf", pdf((flate, b"x"), trailer=b"/Encrypt<</V 2>>"))


def index_of(offsets):
    fan = b"".join(struct.pack(">I", min(len(offsets), first + 1)) for first in range(256))
    ids = b"".join(bytes([number]) * SHA for number in range(len(offsets)))
    return b"\xfftOc\0\0\0\2" + fan + ids + b"\0" * 4 * len(offsets) + b"".join(struct.pack(">I", it) for it in offsets) + b"\0" * 40


def entry(kind, content, reference=b""):
    size, head = len(content), []
    byte = kind << 4 | size & 15
    size >>= 4
    while size:
        head.append(byte | 0x80)
        byte, size = size & 0x7F, size >> 7
    return bytes(head + [byte]) + reference + zlib.compress(content, 1)


def packs():
    seed("pack_index", "two", index_of([12, 40]))
    seed("pack_index", "none", index_of([]))
    fan = b"".join(struct.pack(">I", min(1, first + 1)) for first in range(256))
    seed("pack_index", "version-1", fan + struct.pack(">I", 12) + b"\0" * SHA + b"\0" * 40)
    seed("pack_index", "far", index_of([12])[:-44] + struct.pack(">IQ", 1 << 31, 12) + b"\0" * 40)
    base = LEAK * 3
    delta = bytes([len(base), len(base) + 1, 0x90, len(base), 1, 10])
    first, second = entry(3, base), entry(6, delta, bytes([0]))
    second = entry(6, delta, bytes([len(first)]))
    third = entry(7, delta, b"\0" * SHA)
    seed("pack", "deltas", bytes([3, len(first) - 1, len(second) - 1, len(third) - 1]) + first + second + third)
    seed("delta", "copy", bytes([len(LEAK) // 8 + 1]) + LEAK.ljust(len(LEAK) // 8 * 8 + 8, b" ") + bytes([0x90, 30, 3]) + b"abc" + bytes([0x91, 2, 20]))
    long = (LEAK * 20)[:640]
    seed("delta", "runs", bytes([80]) + long + bytes([0xB0, 0x40, 1, 5]) + b"x = 1" + bytes([0xB3, 0x80, 0, 0, 1]))

    def made(kind, content):
        return bytes([kind, len(content)]) + content

    blobs = made(7, LEAK) + made(7, b"x = 1\n") + made(5, bytes([0, 0x90, len(LEAK), 2, 65, 10]))
    trees = made(1, bytes([0, 0, 0, 0, 1, 1])) + made(1, bytes([1, 0, 3, 0, 2, 2])) + made(1, bytes([0, 1, 1]))
    commits = made(0, bytes([3, 0, 10]) + b"one") + made(0, bytes([4, 1, 20, 6]) + b"two") + made(0, bytes([5, 2, 30, 6, 7]) + LEAK)
    seed("history", "merge", blobs + trees + commits + made(2, bytes([8]) + b"tag"))
    seed("history", "reference-delta", made(7, LEAK) + made(6, bytes([0, 0x90, 20, 1, 10])) + trees)
    seed("history", "raw", made(3, b"tree " + b"0" * 40 + b"\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\n" + LEAK) + made(4, b"100644 a\0" + b"\1" * SHA))


def git_index():
    def item(path, flags=0):
        head = b"\0" * 24 + struct.pack(">I", 0o100644) + b"\0" * 12 + b"\1" * SHA + struct.pack(">H", flags | len(path)) + path
        return head + b"\0" * (8 - len(head) % 8)

    tree = b"TREE" + struct.pack(">I", 2 + 3 + SHA + 2 + 4 + SHA) + b"\0" + b"2 1\n" + b"\2" * SHA + b"a\0" + b"1 0\n" + b"\3" * SHA
    items = item(b"a/b.py") + item(b"c.py")
    seed("git_index", "version-2", b"\0" + struct.pack(">I", 2) + items + tree)
    seed("git_index", "conflict", b"\0" + struct.pack(">I", 2) + item(b"a", 0x1000) + item(b"a", 0x2000))
    extended = b"\0" * 24 + struct.pack(">I", 0o100644) + b"\0" * 12 + b"\1" * SHA + struct.pack(">HH", 0x4003, 0x2000) + b"a.b"
    seed("git_index", "version-3", b"\1" + struct.pack(">I", 1) + extended + b"\0" * (8 - len(extended) % 8))
    four = b"\0" * 24 + struct.pack(">I", 0o100644) + b"\0" * 12 + b"\1" * SHA + struct.pack(">H", 3)
    seed("git_index", "version-4", b"\2" + struct.pack(">I", 2) + four + b"\0abc\0" + four + b"\1d\0")
    seed("git_index", "link", b"\0" + struct.pack(">I", 0) + b"link" + struct.pack(">I", SHA) + b"\0" * SHA)


def posture():
    texts = [
        b'resource "aws_ssm_parameter" "a" {\n  name = "a"\n  type = "String"\n  value = "${var.password}"\n}\nvariable "password" {\n  default = "x"\n}\n',
        b"on: pull_request_target\njobs:\n  a:\n    env:\n      TOKEN: ${{ secrets.TOKEN }}\n    steps:\n      - run: echo ${{ secrets.TOKEN }}\n",
        b"a:\n  variables: &x\n    PASSWORD: abc\n  script: [\"echo $PASSWORD\"]\nb: *x\n",
        b"services:\n  db:\n    image: postgres\n    environment:\n      POSTGRES_PASSWORD: Tr4vel\n",
        b"AWSTemplateFormatVersion: '2010-09-09'\nResources:\n  A:\n    Type: AWS::RDS::DBInstance\n    Properties:\n      MasterUserPassword: !Ref P\n",
        b"FROM a\nARG TOKEN=abc\nENV PASSWORD=Tr4vel\nCOPY .env /\n",
        b"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  password: Tr4vel\n---\napiVersion: v1\nkind: Pod\n",
        b"a = b" + b"*c+{d = b" * 40 + b"}" * 40 + b'\nb = <<-E\n  ${x}\n  E\nc = [for d in "${e["f"]}" : d...]\n',
    ]
    for number, text in enumerate(texts):
        seed("posture", str(number), bytes([number]) + text)


if __name__ == "__main__":
    for make in [engine, texts, configurations, accepted, reports, containers, packs, git_index, posture]:
        make()
