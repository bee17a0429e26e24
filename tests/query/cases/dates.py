"""Dates, times and datetimes: filters, orders, casts, zones, and their way in and out."""
from support.cases import case, fail, ids

REP = "return=representation"
CSV = "text/csv"
NDJSON = "application/x-ndjson"
INVALID = 'field "%s": invalid input syntax for type %s: "%s"'
MOMENT = "timestamp with time zone"
AT = {1: "2014-03-08T15:00:00+00:00", 2: "1969-12-31T23:59:59.999999+00:00",
      3: "2014-03-08T15:00:00.5+00:00", 5: "2021-07-01T12:00:00+00:00"}


def events(name, condition, *wanted):
    return case(name, "GET /events?select=id&" + condition, 200, ids(*wanted))


def one(name, select, wanted, id=1, **more):
    return case(name, f"GET /events?id=eq.{id}&select={select}", 200, [wanted], **more)


def days(*wanted):
    return [{"day": day} for day in wanted]


def no_value(name, condition, field, type, text, details):
    return fail(name, "GET /events?" + condition, 400, "22P02", INVALID % (field, type, text),
                details, None)


READ = [
    case("all three types", "GET /events?id=eq.1", 200,
         [{"id": 1, "day": "2014-03-08", "start": "15:04:05", "at": AT[1], "note": "2014-03-08"}]),
    one("fractions where there are some", "start,at", {"start": "23:59:59.5", "at": AT[3]}, 3),
    one("before 1970", "day,at", {"day": "1969-12-31", "at": AT[2]}, 2),
    one("nulls", "day,start,at", {"day": None, "start": None, "at": None}, 4),
    case("the first day", "GET /days?day=eq.0001-01-01&select=day,at", 200,
         [{"day": "0001-01-01", "at": "0001-01-01T00:00:00+00:00"}]),
    case("one row by its date", "GET /days/2014-03-08?select=day,born", 200,
         {"day": "2014-03-08", "born": "1985-03-30"}),
    fail("no row of that date", "GET /days/2014-03-07", 404, "RL404"),
    fail("a key that is no date", "GET /days/soon", 404, "RL404"),
]

OPERATORS = [
    events("eq of a date", "day=eq.2014-03-08", 1, 5),
    events("neq of a date", "day=neq.2014-03-08", 2, 3),
    events("not eq of a date", "day=not.eq.2014-03-08", 2, 3),
    events("gt of a date", "day=gt.2014-03-08", 3),
    events("gte of a date", "day=gte.2014-03-08", 1, 3, 5),
    events("lt of a date", "day=lt.1970-01-01", 2),
    events("lte of a date", "day=lte.2014-03-08", 1, 2, 5),
    events("in of dates", "day=in.(2014-03-08,2020-02-29)", 1, 3, 5),
    events("in of nothing", "day=in.()"),
    events("is null", "day=is.null", 4),
    events("is not null", "day=not.is.null", 1, 2, 3, 5),
    events("isdistinct of a date", "day=isdistinct.2014-03-08", 2, 3, 4),
    events("any", "day=eq(any).{2014-03-08,1969-12-31}", 1, 2, 5),
    events("all", "day=gt(all).{2014-03-08,1969-12-31}", 3),
    events("or", "or=(day.eq.2020-02-29,start.eq.00:00:00)", 2, 3),
    events("an ambiguous date with the field's order", "day=eq.08/03/2014", 1, 5),
    events("a date in words", "day=eq.8 March 2014", 1, 5),
    events("a date in quotes", 'day=in.("March 8, 2014")', 1, 5),
    events("eq of a time", "start=eq.15:04:05", 1),
    events("a time without seconds", "start=eq.06:30", 5),
    events("a time of the afternoon", "start=gte.3 pm", 1, 3),
    events("lt of a time with a fraction", "start=lt.23:59:59.5", 1, 2, 5),
    events("in of times", "start=in.(15:04:05,06:30:00)", 1, 5),
    events("isdistinct of a time", "start=isdistinct.06:30:00", 1, 2, 3, 4),
    events("eq of a datetime", "at=eq.2014-03-08T15:00:00Z", 1),
    events("the same in another zone", "at=eq.2014-03-08T17:00:00%2B02:00", 1),
    events("without a zone it is UTC", "at=eq.2014-03-08T15:00:00", 1),
    events("without a time it is midnight", "at=gt.2014-03-08&at=lt.2014-03-09", 1, 3),
    events("neq of a datetime", "at=neq.2014-03-08T15:00:00Z", 2, 3, 5),
    events("microseconds count", "at=gt.2014-03-08T15:00:00.499999Z", 3, 5),
    events("lte of a datetime", "at=lte.1969-12-31T23:59:59.999999Z", 2),
    events("in of datetimes", "at=in.(2014-03-08T15:00:00Z,2021-07-01T12:00:00Z)", 1, 5),
    events("the form of HTTP", "at=eq.Sat, 08 Mar 2014 15:00:00 GMT", 1),
]

REFUSED = [
    no_value("no date", "day=eq.soon", "day", "date", "soon", '"soon" is no date'),
    no_value("an empty text", "day=eq.", "day", "date", "", '"" is no date'),
    no_value("no such day", "day=eq.2014-02-30", "day", "date", "2014-02-30",
             '"2014-02-30" is no date that there is'),
    no_value("an ambiguous date without an order", "at=eq.08/03/2014", "at", MOMENT, "08/03/2014",
             '"08/03/2014" is ambiguous: write it as 2014-03-08, the year first and in four digits'),
    no_value("an incomplete date", "day=eq.March 1985", "day", "date", "March 1985",
             '"March 1985" is incomplete: it needs a year, a month and a day, as 2014-03-08 has '
             'them'),
    no_value("a date with a time", "day=eq.2014-03-08T00:00:00Z", "day", "date",
             "2014-03-08T00:00:00Z", '"2014-03-08T00:00:00Z" is more than a date'),
    no_value("no time", "start=eq.25:00", "start", "time", "25:00",
             '"25:00" is no time of a day'),
    no_value("a date is no time", "start=lt.2014-03-08", "start", "time", "2014-03-08",
             '"2014-03-08" is no time of a day'),
    no_value("one of a list", "day=in.(2014-03-08,x)", "day", "date", "x", '"x" is no date'),
    fail("a moment behind the last year", "GET /events?at=lt.9999-12-31T23:00:00-05:00", 400, "22003",
         'field "at": value "9999-12-31T23:00:00-05:00" is out of range for type ' + MOMENT),
    fail("like of a date", "GET /events?day=like.2014*", 400, "22P02",
         "operator like does not exist for type date"),
    fail("ilike of a time", "GET /events?start=ilike.*", 400, "22P02",
         "operator ilike does not exist for type time"),
    fail("match of a datetime", "GET /events?at=match.2014", 400, "22P02",
         f"operator match does not exist for type {MOMENT}"),
    fail("fts of a date", "GET /events?day=fts.march", 400, "22P02",
         "operator fts does not exist for type date"),
    fail("is true of a date", "GET /events?day=is.true", 400, "22P02",
         "argument of IS TRUE must be type boolean, not type date"),
]

ORDER = [
    events("dates, nulls last", "order=day", 2, 1, 5, 3, 4),
    events("dates down, nulls first", "order=day.desc,id.desc", 4, 3, 5, 1, 2),
    events("times", "order=start.asc.nullsfirst", 4, 2, 5, 1, 3),
    events("datetimes", "order=at.desc.nullslast", 5, 3, 1, 2, 4),
    case("the key is a date", "GET /days?select=day", 200,
         days("0001-01-01", "2014-03-08", "2014-03-09", "2014-03-10")),
    case("distinct dates", "GET /events?select=day&distinct=true&order=day", 200,
         days("1969-12-31", "2014-03-08", "2020-02-29", None)),
]

CASTS = [
    one("to text", "a:day::text,b:start::text,c:at::text",
        {"a": "2014-03-08", "b": "15:04:05", "c": AT[1]}),
    one("a datetime to its date and its time", "a:at::date,b:at::time",
        {"a": "1969-12-31", "b": "23:59:59.999999"}, 2),
    one("a date to a datetime", "day::datetime", {"day": "2014-03-08T00:00:00+00:00"}),
    one("PostgreSQL's names", "a:day::timestamp,b:day::timestamptz",
        {"a": "2014-03-08T00:00:00+00:00", "b": "2014-03-08T00:00:00+00:00"}),
    one("a text to a date", "note::date", {"note": "2014-03-08"}),
    one("a text to a time", "note::time", {"note": "15:04:05"}, 2),
    one("a text to a datetime", "note::datetime", {"note": AT[1]}, 3),
    one("the date of HTTP", "a:day::http_date,b:at::http_date",
        {"a": "Sat, 08 Mar 2014 00:00:00 GMT", "b": "Sat, 08 Mar 2014 15:00:00 GMT"}),
    one("casts of nulls", "day::http_date,at::date,start::text",
        {"day": None, "at": None, "start": None}, 4),
    fail("a text that is no date", "GET /events?id=eq.5&select=note::date", 400, "22P02",
         'invalid input syntax for type date: "soon"', '"soon" is no date'),
    fail("a date to an integer", "GET /events?select=day::integer", 400, "22P02",
         "cannot cast type date to integer"),
    fail("an integer to a date", "GET /events?select=id::date", 400, "22P02",
         "cannot cast type integer to date"),
    fail("a time to a date", "GET /events?select=start::date", 400, "22P02",
         "cannot cast type time to date"),
]

AGGREGATES = [
    case("min and max", "GET /events?select=a:day.min(),b:day.max(),c:start.min(),d:at.max()", 200,
         [{"a": "1969-12-31", "b": "2020-02-29", "c": "00:00:00", "d": AT[5]}]),
    case("count", "GET /events?select=day.count()", 200, [{"count": 4}]),
    case("by date", "GET /events?select=day,n:count()&order=day", 200,
         [{"day": "1969-12-31", "n": 1}, {"day": "2014-03-08", "n": 2},
          {"day": "2020-02-29", "n": 1}, {"day": None, "n": 1}]),
    case("of a cast", "GET /events?select=at::date.max()", 200, [{"max": "2021-07-01"}]),
    case("cast after it", "GET /events?select=at.max()::http_date", 200,
         [{"max": "Thu, 01 Jul 2021 12:00:00 GMT"}]),
    fail("no sum", "GET /events?select=day.sum()", 400, "22P02",
         "function sum(date) does not exist"),
    fail("no average", "GET /events?select=at.avg()", 400, "22P02",
         f"function avg({MOMENT}) does not exist"),
]

ZONES = [
    one("an offset", "day,start,at",
        {"day": "2014-03-08", "start": "15:04:05", "at": "2014-03-08T17:00:00+02:00"},
        prefer="timezone=+02", has={"Preference-Applied": "timezone=+02"}),
    one("one to the west, over midnight", "at", {"at": "1969-12-31T18:29:59.999999-05:30"}, 2,
        prefer="timezone=-05:30"),
    one("UTC", "at", {"at": AT[1]}, prefer="timezone=UTC"),
    one("a name, in winter", "at", {"at": "2014-03-08T07:00:00-08:00"},
        prefer="timezone=America/Los_Angeles"),
    one("a name, in summer", "at", {"at": "2021-07-01T05:00:00-07:00"}, 5,
        prefer="timezone=America/Los_Angeles"),
    one("null", "at", {"at": None}, 4, prefer="timezone=+02"),
    one("a text is written as it is in UTC", "at::text", {"at": AT[1]}, prefer="timezone=+02"),
    case("in CSV", "GET /events?id=in.(1,4)&select=id,at", 200,
         "id,at\n1,2014-03-08T20:30:00+05:30\n4,", accept=CSV, prefer="timezone=Asia/Kolkata"),
    case("of an aggregate", "GET /events?select=at.max()", 200,
         [{"max": "2021-07-01T14:00:00+02:00"}], prefer="timezone=Europe/Berlin"),
    case("it moves no condition", "GET /events?select=id&at=eq.2014-03-08T15:00:00", 200, ids(1),
         prefer="timezone=+02"),
    case("of a write's answer", "PATCH /events?id=eq.1&select=at", 200,
         [{"at": "2021-07-01T13:00:00+01:00"}], body={"at": "2021-07-01T12:00:00Z"},
         prefer=REP + ", timezone=+01"),
    case("two zones, two tags", "GET /days/2014-03-08?select=at", 200,
         {"at": "2014-03-08T15:00:00+00:00"}, then=(
             case("another zone", "GET /days/2014-03-08?select=at", 200,
                  {"at": "2014-03-08T16:00:00+01:00"}, prefer="timezone=+01",
                  send={"If-None-Match": "{etag}"}),
             case("the same zone", "GET /days/2014-03-08?select=at", 304, prefer="timezone=+01",
                  send={"If-None-Match": "{etag}"}))),
    fail("no offset", "GET /events", 400, "22023",
         'invalid value for parameter "TimeZone": "+16"', prefer="timezone=+16"),
    fail("a folder of zones", "GET /events", 400, "22023",
         'invalid value for parameter "TimeZone": "America"', prefer="timezone=America"),
]

FORMATS = [
    case("CSV out", "GET /events?id=in.(3,4)", 200,
         "id,day,start,at,note\n3,2020-02-29,23:59:59.5,2014-03-08T15:00:00.5+00:00,"
         "2014-03-08T17:00:00+02:00\n4,,,,", accept=CSV),
    case("NDJSON out", "GET /days?day=gte.2014-03-09&select=day,born", 200,
         '{"day":"2014-03-09","born":null}\n{"day":"2014-03-10","born":"1900-01-01"}\n',
         accept=NDJSON),
    case("CSV in", "POST /days?select=day,born,at", 201,
         [{"day": "2015-01-01", "born": "1985-03-30", "at": "2015-01-01T10:00:00+00:00"},
          {"day": "2015-01-02", "born": None, "at": None}],
         body="day,born,at\n2015-01-01,March 30 1985,2015-01-01T12:00:00+02:00\n20150102,NULL,NULL\n",
         type=CSV, prefer=REP),
    case("NDJSON in", "POST /days?select=day,at", 201,
         [{"day": "2015-01-01", "at": "2015-01-01T12:00:00.25+00:00"}],
         body='{"day":"2015-01-01","at":"2015-01-01 12:00:00.250"}\n', type=NDJSON, prefer=REP),
    case("a form", "POST /days?select=day,born", 201, [{"day": "2015-01-01", "born": "1985-03-30"}],
         body="day=2015-01-01&born=1985-03-30", type="application/x-www-form-urlencoded",
         prefer=REP),
    fail("CSV with a line that is no date", "POST /days", 400, "22P02",
         "line 3: " + INVALID % ("day", "date", "soon"), '"soon" is no date',
         body="day\n2015-01-01\nsoon\n", type=CSV),
]

WRITES = [
    case("an insert", "POST /days", 201,
         [{"day": "2015-01-01", "born": "2000-02-29", "at": "2015-01-01T00:00:00+00:00"}],
         body={"day": "2015-01-01", "born": "2000-02-29", "at": "2015-01-01"}, prefer=REP),
    case("where it is", "POST /days", 201, None, body={"day": "2015-01-01"},
         prefer="return=headers-only", has={"Location": "/days?day=eq.2015-01-01"}),
    case("a year of two digits is in the past", "POST /days?select=born", 201,
         [{"born": "1985-03-30"}], body={"day": "2015-01-01", "born": "85-03-30"}, prefer=REP),
    fail("no year of two digits elsewhere", "POST /days", 400, "22P02", body={"day": "85-03-30"}),
    fail("the key is there", "POST /days", 409, "23505",
         'duplicate key value violates unique constraint "days_pkey"',
         "Key (day)=(2014-03-08) already exists.", body={"day": "8 March 2014"}),
    fail("the moment is there", "POST /days", 409, "23505",
         'duplicate key value violates unique constraint "one day at a time"',
         "Key (at)=(2014-03-08T15:00:00.000001+00:00) already exists.",
         body={"day": "2015-01-01", "at": "2014-03-08T15:00:00.000001Z"}),
    fail("a null for the key", "POST /days", 400, "23502", body={"day": None}),
    fail("a number", "POST /days", 400, "22P02", INVALID % ("day", "date", "20140308"),
         body={"day": 20140308}),
    fail("too early", "POST /days", 400, "23514", 'field "born" must be at least "1900-01-01"',
         body={"day": "2015-01-01", "born": "1899-12-31"}),
    fail("later than today", "POST /days", 400, "23514",
         'field "born" must not be later than today', body={"day": "2015-01-01",
                                                            "born": "9999-12-31"}),
    fail("a time behind the last", "PATCH /events?id=eq.1", 400, "23514",
         'field "start" must be between "00:00:00" and "23:59:59.5"', body={"start": "23:59:59.6"}),
    fail("not one of the moments", "PATCH /events?id=eq.1", 400, "23514",
         body={"at": "2014-03-08T15:00:01Z"}),
    case("an upsert on a date", "POST /days?select=day,born", 200,
         [{"day": "2014-03-08", "born": "1990-01-01"}],
         body={"day": "20140308", "born": "1990-01-01"},
         prefer=REP + ", resolution=merge-duplicates",
         after=("/days?day=eq.2014-03-08&select=born,at",
                [{"born": "1990-01-01", "at": "2014-03-08T15:00:00+00:00"}])),
    case("an upsert on a moment", "POST /days?on_conflict=at&select=day,born", 200,
         [{"day": "2014-03-08", "born": "1990-01-01"}],
         body={"day": "2014-03-08", "born": "1990-01-01", "at": "2014-03-08T17:00:00+02:00"},
         prefer=REP + ", resolution=merge-duplicates"),
    case("PUT", "PUT /days/2014-03-09", 200,
         {"day": "2014-03-09", "born": "2001-09-09", "at": None},
         body={"day": "9 Mar 2014", "born": "2001-09-09"}, prefer=REP),
    fail("PUT of another date", "PUT /days/2014-03-09", 400, "PGRST115", body={"day": "2014-03-10"}),
    case("a change", "PATCH /days?day=eq.2014-03-10", 200,
         [{"day": "2014-03-10", "born": None, "at": "2014-03-10T00:00:00+00:00"}],
         body={"born": None, "at": "2014-03-10"}, prefer=REP),
    case("a deletion", "DELETE /days?day=lt.2014-03-09&select=day", 200,
         days("0001-01-01", "2014-03-08"), prefer=REP),
]

PAGES = [
    case("by a datetime with fractions", "GET /days?select=day&order=at.nullslast&limit=1&after=", 200,
         days("0001-01-01"), then=(
             case("second", "GET {next}", 200, days("2014-03-08")),
             case("third", "GET {next}", 200, days("2014-03-09")),
             case("last", "GET {next}", 200, days("2014-03-10")),
             case("none", "GET {next}", 200, []))),
    case("down, by a date with equal ones", "GET /events?select=id&order=day.desc&limit=2&after=",
         200, ids(4, 3), then=(
             case("second", "GET {next}", 200, ids(1, 5)),
             case("third", "GET {next}", 200, ids(2)))),
    case("a zone changes no cursor", "GET /days?select=at&order=at.nullslast&limit=2&after=", 200,
         [{"at": "0001-01-01T01:00:00+01:00"}, {"at": "2014-03-08T16:00:00+01:00"}],
         prefer="timezone=+01", then=(
             case("second", "GET {next}", 200, [{"at": "2014-03-08T15:00:00.000001+00:00"},
                                                {"at": None}]),)),
]

REFERENCES = [
    case("a row by its date", "GET /visits?select=id,days(day,born)", 200,
         [{"id": 1, "days": {"day": "2014-03-09", "born": None}}, {"id": 2, "days": None}]),
    case("rows of a date", "GET /days?select=day,visits!inner(id)", 200,
         [{"day": "2014-03-09", "visits": [{"id": 1}]}]),
    case("embedded, in a zone", "GET /visits?select=days(at)&id=eq.1", 200,
         [{"days": {"at": "2014-03-08T16:00:00.000001+01:00"}}], prefer="timezone=+01"),
    case("spread, in a zone", "GET /visits?select=...days(at)&id=eq.1", 200,
         [{"at": "2014-03-08T16:00:00.000001+01:00"}], prefer="timezone=+01"),
    case("an order by it", "GET /visits?select=id,days()&order=days(at).nullslast", 200, ids(1, 2)),
    case("a filter by it", "GET /visits?select=id,days!inner()&days.at=gt.2014-03-08", 200, ids(1)),
    fail("a date that is not there", "POST /visits", 409, "23503",
         details='Key (day)=(2020-01-01) is not present in table "days".',
         body={"id": 3, "day": "2020-01-01"}),
    fail("a date that is needed", "DELETE /days?day=eq.2014-03-09", 409, "23503",
         details='Key (day)=(2014-03-09) is still referenced from table "visits".'),
]

CASES = [*READ, *OPERATORS, *REFUSED, *ORDER, *CASTS, *AGGREGATES, *ZONES, *FORMATS, *WRITES,
         *PAGES, *REFERENCES]
