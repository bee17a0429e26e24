#!/usr/bin/python3
"""Products and orders for the shop, the same for the same seed.

    generate.py products COUNT [--seed N] > FILE.ndjson
    generate.py orders COUNT --products N [--seed N] > FILE.ndjson
    generate.py order_lines COUNT --products N --orders N [--seed N] > FILE.ndjson

Writes NDJSON, one row a line, for `rowlock import`. Orders are of the first N products that the
same seed gives, lines of the first N orders, each product at most once in an order.
"""
import argparse
import json
import random
import sys
import uuid

KINDS = ["Lamp", "Table", "Chair", "Étagère", "Ärmelbrett", "Smörkniv", "Чайник", "お茶", "Sofá", "Mug"]
LOOKS = ["small", "large", "red", "plain", "über-light", "two-pack", "\"best\"", "crème", "oak", "50 %"]


def name_of(seed, kind, number):
    """The UUID of a row."""
    chance = random.Random(f"{seed} {kind} {number}")
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def price(chance):
    """A number, or a text that holds one: with 0 to 4 decimals."""
    digits = chance.randrange(5)
    text = f"{chance.randrange(1, 10 ** (3 + digits)) / 10 ** digits:.{digits}f}"
    return text if chance.random() < 0.5 else json.loads(text)


def products(args, chance):
    for number in range(args.count):
        yield {"uuid": name_of(args.seed, "product", number),
               "name": f"{chance.choice(KINDS)}, {chance.choice(LOOKS)}", "price": price(chance)}


def orders(args, chance):
    for number in range(args.count):
        product = int(args.products * chance.random() ** 2)  # some are ordered more than others
        yield {"uuid": name_of(args.seed, "order", number), "quantity": chance.randint(1, 9),
               "product_uuid": name_of(args.seed, "product", product)}


def order_lines(args, chance):
    if args.count > args.products * args.orders:
        sys.exit("so many lines do not fit: each order has a product once")
    seen = set()
    while len(seen) < args.count:
        pair = chance.randrange(args.orders), chance.randrange(args.products)
        if pair not in seen:
            seen.add(pair)
            yield {"order_uuid": name_of(args.seed, "order", pair[0]),
                   "product_uuid": name_of(args.seed, "product", pair[1]),
                   "quantity": chance.randint(1, 9)}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("resource", choices=["products", "orders", "order_lines"])
    parser.add_argument("count", type=int)
    parser.add_argument("--products", type=int, default=100)
    parser.add_argument("--orders", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    make = {"products": products, "orders": orders, "order_lines": order_lines}[args.resource]
    for row in make(args, random.Random(args.seed)):
        print(json.dumps(row, ensure_ascii=False))


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        sys.exit(1)
