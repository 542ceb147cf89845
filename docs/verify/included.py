"""included.py PROOF --keys KEYS says whether one event is in a bill, and trusts the keys alone.
Exit code 0: it is; 1: it is not, or the proof is wrong; 2: the files cannot be used."""
import base64, hashlib, json, sys
from datetime import datetime
from fractions import Fraction as F

def require(is_so, what): is_so or sys.exit(f"different: {what}")  # a text ends with exit code 1
def unbase64(text): return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

def check(proof, keys):
    receipt, hours, events = proof["receipt"], proof["hours"], proof["events"]
    signed = {k: v for k, v in receipt.items() if k not in ("digest", "signature")}
    message = json.dumps(signed, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    require(hashlib.sha256(message).hexdigest() == receipt["digest"], "the receipt's digest")
    [key] = [unbase64(one["x"]) for one in keys["keys"] if one["kid"] == receipt["key_id"]]
    try: PublicKey.from_public_bytes(key).verify(unbase64(receipt["signature"]), message)
    except InvalidSignature: require(False, "the receipt's signature")
    found = hashlib.sha256("\n".join(hours).encode()).hexdigest()
    require(found == receipt["hours_digest"], "the hours are not those of the receipt")
    event = proof["event"]
    require(event is not None and event in events, "the event is not in the bill")
    hour = int(datetime.fromisoformat(event["timestamp"]).timestamp()) // 3600 * 3600
    own = [one for one in events if one["meter_id"] == event["meter_id"]]
    leaf = [one.split(" ") for one in hours if one.startswith(f"{event['meter_id']} {hour} ")]
    [(_, _, count, total)] = leaf
    require(int(count) == len({one["id"] for one in own}), f"the hour has {count} events")
    require(F(total) == sum(F(one["quantity"]) for one in own), f"the hour has {total} units")
    print(f"{event['id']}: {event['quantity']}, one of {count} events of its hour, {total} in all")

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey as PublicKey
    files = [open(one, encoding="utf-8") for one in sys.argv[1:] if one != "--keys"]
    proof, keys = map(json.load, files)
    for error in (one["detail"] for one in (proof, keys) if "detail" in one):
        print(f"unusable: this is an answer of an error, {error}", file=sys.stderr), sys.exit(2)
    check(proof, keys)
except Exception as error:  # whatever it is, nothing was compared to its end
    print(f"unusable: {error!r}", file=sys.stderr), sys.exit(2)
