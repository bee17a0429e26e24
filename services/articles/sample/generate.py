#!/usr/bin/python3
"""Items for the articles service, the same for the same seed.

    generate.py COUNT [--seed N] [--bulk N] > FILE

Writes NDJSON, one item a line. With --bulk it writes request bodies for POST /v1/bulk instead, one
a line with N items each.
"""
import argparse
import datetime
import json
import random
import sys

# Words by language; titles take all their words from one of them.
WORDS = [
    "The Little Book of Light and Winter Roads under a Quiet Northern Sky".split(),
    "Le Café à l'Été Déjà Vu près de la Forêt où l'Élève Écoute".split(),
    "Über die schöne Straße im Frühling Größe Märchen für müde Wölfe".split(),
    "El Niño y la Mañana en España Corazón Jardín Según Árbol Último".split(),
    "Πάντα ρεῖ Ὁ Ἥλιος καὶ ἡ Θάλασσα Λόγος Ὀδύσσεια".split(),
    "Зимняя дорога Ёлка и тихий лес Подъезд Объём Лёд".split(),
    "İstanbul'da Işık ve Şehir Çiğdem Öğle Güneş Ilık".split(),
    "Žluťoučký kůň příliš dlouhý čas Řeka Šťastný Večer".split(),
    "冬の道 静かな空 図書館 光 の 本 東京 物語".split(),
    "Smørrebrød på Ærø Ångström Öster Håb Blåbær Fjäll".split(),
]
HOSTS = ["news.example", "blog.example", "www.example", "bücher.example", "archive.example"]
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September",
          "October", "November", "December"]
DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


def forms(when):
    """A moment in the forms that people write, each with what it leaves out."""
    month, short = MONTHS[when.month - 1], MONTHS[when.month - 1][:3]
    return [
        f"{when:%Y-%m-%dT%H}",
        f"{month} {when.day:02} {when.year:04}",
        f"{when:%Y-%m-%dT%H:%M:%S}",
        f"{when.day:02} {short} {when.year:04}",
        f"{when:%Y-%m-%d}",
        f"{when.day} {month} {when.year:04}",
        f"{short} {when.day}, {when.year:04}",
        f"{when:%Y%m%d}",
        f"{when:%Y-%m-%dT%H:%M:%SZ}",
        f"{when:%Y-%m-%d %H:%M:%S}.25",
        f"{when:%Y-%m-%dT%H:%M:%S}+02:00",
        f"{DAYS[when.weekday()]}, {when.day:02} {short} {when.year:04} {when:%H:%M:%S} GMT",
    ]


def title(chance):
    words = chance.choice(WORDS)
    return " ".join(chance.choice(words) for _ in range(chance.randint(2, 6)))


def address(chance, number):
    path = "-".join(chance.choice(WORDS[chance.choice((0, 1, 2, 3))]).lower()
                    for _ in range(chance.randint(1, 3)))
    return f"https://{chance.choice(HOSTS)}/{path}/{number}"


def items(count, seed):
    chance = random.Random(seed)
    first = datetime.datetime(1970, 1, 1)
    for number in range(1, count + 1):
        when = first + datetime.timedelta(seconds=chance.randrange(55 * 365 * 86400))
        yield {
            "title": None if chance.random() < 0.01 else title(chance),
            "uri": None if chance.random() < 0.01 else address(chance, number),
            "date": chance.choice(forms(when)),
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bulk", type=int, default=0, metavar="N")
    args = parser.parse_args()
    rows = []
    for item in items(args.count, args.seed):
        if args.bulk == 0:
            print(json.dumps(item, ensure_ascii=False))
            continue
        rows.append(item)
        if len(rows) == args.bulk:
            print(json.dumps({"items": rows}, ensure_ascii=False))
            rows = []
    if rows:
        print(json.dumps({"items": rows}, ensure_ascii=False))


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        sys.exit(1)
