"""The articles service in Flask, SQLAlchemy and Redis on MariaDB, as it is usually written.

Answers are kept in Redis by id and by search; a bulk write removes those of searches.
"""
import datetime
import json
import os

import redis
from flask import Flask, Response, request
from sqlalchemy import BigInteger, Column, String, create_engine, insert, select
from sqlalchemy.dialects.mysql import DATETIME
from sqlalchemy.orm import Session, declarative_base
from werkzeug.exceptions import HTTPException
from werkzeug.http import http_date

KEPT_SECONDS = 3600
LENGTH = 255
FORMATS = ("%B %d %Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%a, %d %b %Y %H:%M:%S GMT")

app = Flask(__name__)
engine = create_engine(os.environ["BENCH_DATABASE"], pool_pre_ping=False,
                       isolation_level="READ COMMITTED")
cache = redis.Redis(host="127.0.0.1", port=int(os.environ["BENCH_REDIS"]))
Base = declarative_base()


class Article(Base):
    __tablename__ = "articles"
    __table_args__ = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}

    id = Column(BigInteger, primary_key=True, autoincrement=True)
    title = Column(String(LENGTH), index=True)
    uri = Column(String(LENGTH), index=True)
    date = Column(DATETIME(fsp=6), nullable=False, index=True)


def moment(text):
    """A date in one of its forms, as UTC without a zone; ValueError when it is none."""
    try:
        when = datetime.datetime.fromisoformat(text)
    except ValueError:
        when = next(filter(None, (tried(text, form) for form in FORMATS)), None)
        if when is None:
            raise
    if when.tzinfo is not None:
        when = when.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    return when


def tried(text, form):
    try:
        return datetime.datetime.strptime(text, form)
    except ValueError:
        return None


def short_text(item, name):
    value = item.get(name)
    if value is not None and (not isinstance(value, str) or len(value) > LENGTH):
        raise ValueError(f"{name} must be a text of at most {LENGTH} characters")
    return value


def failure(text, status):
    return {"ok": False, "error": text}, status


@app.errorhandler(HTTPException)
def http_error(error):
    return failure(error.name, error.code)


@app.errorhandler(Exception)
def other_error(_error):
    app.logger.exception("request failed")
    return failure("Internal server error", 500)


def shown(row):
    return {"title": row.title, "uri": row.uri, "date": http_date(row.date)}


def kept(key, make):
    """The answer of `key`, from the cache when it is there. make() gives nothing for a 404."""
    body = cache.get(key)
    if body is None:
        value = make()
        if not value:
            return failure("Not found", 404)
        body = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        cache.set(key, body, ex=KEPT_SECONDS)
    return Response(body, mimetype="application/json")


@app.get("/health")
def health():
    return {"message": "ok"}


@app.get("/v1/<int:number>")
def get_article(number):
    def make():
        with Session(engine) as session:
            row = session.get(Article, number)
            return None if row is None else shown(row)
    return kept(f"article:{number}", make)


@app.get("/v1/")
def list_articles():
    given = {name: request.args.get(name, "") for name in ("after", "before", "contains", "uri")}

    def escaped(name):
        return given[name].replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")

    def make():
        query = select(Article.title, Article.uri, Article.date).order_by(Article.id)
        if given["after"]:
            query = query.where(Article.date >= moment(given["after"]))
        if given["before"]:
            query = query.where(Article.date <= moment(given["before"]))
        if given["contains"]:
            query = query.where(Article.title.ilike(f"%{escaped('contains')}%"))
        if given["uri"]:
            query = query.where(Article.uri.ilike(f"%{escaped('uri')}%"))
        with Session(engine) as session:
            return [shown(row) for row in session.execute(query)]

    try:
        return kept("search:" + json.dumps(given), make)
    except ValueError as error:
        return failure(str(error), 400)


@app.post("/v1/bulk")
def bulk():
    try:
        rows = [{"title": short_text(item, "title"), "uri": short_text(item, "uri"),
                 "date": moment(item["date"])} for item in request.get_json()["items"]]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return failure(str(error), 400)
    if rows:
        with Session(engine) as session, session.begin():
            session.execute(insert(Article.__table__), rows)
        for key in cache.scan_iter("search:*"):
            cache.delete(key)
    return {"ok": True}
