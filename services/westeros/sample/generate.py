#!/usr/bin/python3
"""Places and people of Westeros as CSV, the same for the same seed and size.

    generate.py FOLDER [--size small|large] [--places N] [--people N] [--seed N]

Writes FOLDER/places.csv and FOLDER/people.csv. small: 25 places, 38 people; large: 10,000 places,
1,000,000 people. They keep the rules: the living have a place, and no place has two living kings.
"""
import argparse
import csv
import random
from pathlib import Path

SIZES = {"small": (25, 38), "large": (10_000, 1_000_000)}
BEGIN = ["Winter", "Storm", "High", "River", "Sun", "Iron", "Dragon", "Oak", "Raven", "Ash"]
END = ["fell", "garden", "run", "spear", "stone", "hold", "tree", "ford", "mark", "keep"]
FIRST = ["Arya", "Bran", "Catelyn", "Davos", "Edric", "Gilly", "Hoster", "Jorah", "Lyanna", "Meera",
         "Ned", "Osha", "Podrick", "Robb", "Sansa", "Tormund", "Varys", "Ygritte"]
LAST = ["Stark", "Baratheon", "Tully", "Arryn", "Greyjoy", "Martell", "Tyrell", "Mormont", "Reed",
        "Snow", "Sand", "Rivers", "of the Vale", "the \"Bold\"", "Hill, the Elder"]


def places(count):
    for number in range(count):
        around, at = divmod(number, len(BEGIN) * len(END))
        name = BEGIN[at % len(BEGIN)] + END[(at // len(BEGIN) + at) % len(END)]
        yield number + 1, name if around == 0 else f"{name} {around + 1}"


def people(count, place_count, chance):
    kings = set()
    for number in range(1, count + 1):
        alive = chance.random() < 0.7
        place = chance.randrange(1, place_count + 1)
        king = chance.random() < 0.1 and not (alive and place in kings)
        if king and alive:
            kings.add(place)
        if not alive and chance.random() < 0.3:
            place = ""
        name = f"{chance.choice(FIRST)} {chance.choice(LAST)}"
        yield number, name, str(alive).lower(), str(king).lower(), place


def write(path, head, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(head)
        out.writerows(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--places", type=int)
    parser.add_argument("--people", type=int)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    place_count = args.places or SIZES[args.size][0]
    people_count = args.people or SIZES[args.size][1]
    args.folder.mkdir(parents=True, exist_ok=True)
    write(args.folder / "places.csv", ["id", "name"], places(place_count))
    write(args.folder / "people.csv", ["id", "name", "isAlive", "isKing", "placeId"],
          people(people_count, place_count, random.Random(args.seed)))


if __name__ == "__main__":
    main()
