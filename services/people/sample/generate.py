#!/usr/bin/python3
"""People for the people service, the same for the same seed.

    generate.py COUNT [--seed N] [--dirty] > FILE.csv

Writes CSV as spreadsheets do: a byte order mark, CRLF, quotes where they are needed, empty fields.
With --dirty about one line in ten is one that no reader should take.
"""
import argparse
import csv
import datetime
import random
import sys

FIRST = ["Ada", "Zoë", "José", "Łukasz", "Bjørn", "Aïcha", "Mei", "Иван", "Nguyễn", "O'Hara"]
LAST = ["Li", "Smith", "Müller", "García", "Ångström", "Sørensen", "van der Berg", "D'Angelo",
        'Jones, Jr.', 'The "Great"']
BAD = ["x,A,B,1,c,6/1/01", "1,A,B,old,c,6/1/01", "2,A,B,1,c,13/41/01", "3,A", "4,A,B,1,c,6/1/01,7",
       "5,A,B,1,c,6/1/2999", '6,"A,B,1,c,"6/1/01']
HEAD = ["ID", "First", "Last", "Age", "GithubAcct", "Date of 3rd Grade Graduation"]


def person(chance, number):
    graduation = datetime.date(1950, 1, 1) + datetime.timedelta(days=chance.randrange(25000))
    return [
        number,
        chance.choice(FIRST),
        chance.choice(LAST) if chance.random() > 0.02 else "",
        chance.randrange(9, 90) if chance.random() > 0.3 else "",
        f"gh{number}" if chance.random() > 0.2 else "",
        f"{graduation.month}/{graduation.day}/{graduation.year % 100:02}"
        if chance.random() > 0.2 else "",
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dirty", action="store_true")
    args = parser.parse_args()
    chance = random.Random(args.seed)
    sys.stdout.reconfigure(encoding="utf-8-sig", newline="")
    rows = csv.writer(sys.stdout, lineterminator="\r\n")
    rows.writerow(HEAD)
    for number in range(1, args.count + 1):
        if args.dirty and chance.random() < 0.1:
            sys.stdout.write(chance.choice(BAD) + "\r\n")
        rows.writerow(person(chance, number))
        if chance.random() < 0.01:
            rows.writerow(person(chance, chance.randint(1, number)))  # an id once more


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        sys.exit(1)
