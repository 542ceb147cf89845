"""audit.py FILE [--head POSITION:DIGEST] [--part] checks an exported audit log, and trusts nothing.
Names the first broken link, or prints the head. FILE has one entry a line, as the API exports them.
--head: a head that was written down before; --part: FILE was filtered, so that entries are missing.
Exit code 0: it holds; 1: it is broken; 2: the file cannot be used. Standard library alone."""
import argparse, hashlib, json, sys

def digest(entry):  # names sorted, no spaces, UTF-8: the entry without its own digest
    content = {name: value for name, value in entry.items() if name != "digest"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()

def broken(position, what, entry=None):
    sys.exit(f"position {position}" + (f", entry {entry['id']}" if entry else "") + f": {what}")

def check(lines, kept, is_part):
    position, last, count = 0, None, 0
    for line in lines:
        entry = json.loads(line)
        wanted, position = position + 1, entry["position"]
        if position < wanted: broken(position, f"stands behind {wanted - 1}", entry)
        if position > wanted and not is_part: broken(wanted, f"is gone; {position} follows")
        if digest(entry) != entry["digest"]: broken(position, "is not what was written", entry)
        if position == wanted and (last or not is_part) and entry["previous_digest"] != last:
            broken(position, "is not bound to the entry before it", entry)
        last, count = entry["digest"], count + 1
        if kept and position == kept[0] and last != kept[1]: broken(position, "another head was kept")
    if kept and position < kept[0] and not is_part:
        broken(position + 1, f"is gone; the head that was kept is at {kept[0]}")
    print(f"{count} entries hold; the head is {position}:{last}")

try:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file"), parser.add_argument("--head")
    parser.add_argument("--part", action="store_true")
    options = parser.parse_args()
    head = options.head and (int(options.head.partition(":")[0]), options.head.partition(":")[2])
    with open(options.file, encoding="utf-8") as lines: check(lines, head, options.part)
except Exception as error:  # whatever it is, nothing was compared to its end
    print(f"unusable: {error!r}", file=sys.stderr), sys.exit(2)
