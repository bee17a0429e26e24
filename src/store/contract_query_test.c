/*
 * Questions that every store answers the same: embedded rows, spreads, aggregates, operators,
 * casts, paths, distinct rows, formats.
 */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "store/contract_test_help.h"

#define L __LINE__

/* Authors of books, which have labels and stand on shelves, perhaps; a profile for each author,
 * perhaps; editors, who have a chief. */
static const char library[] = "service: library\n"
							  "listen: 127.0.0.1:0\n"
							  "store: \"memory:\"\n"
							  "resources:\n"
							  "  authors:\n"
							  "    key: id\n"
							  "    fields:\n"
							  "      id: integer\n"
							  "      name: { type: text, required: true }\n"
							  "      born: integer\n"
							  "  profiles:\n"
							  "    key: author\n"
							  "    fields:\n"
							  "      author: { type: integer, references: authors }\n"
							  "      site: text\n"
							  "  books:\n"
							  "    key: id\n"
							  "    fields:\n"
							  "      id: integer\n"
							  "      author: { type: integer, references: authors }\n"
							  "      title: text\n"
							  "      price: \"decimal(8,2)\"\n"
							  "      rating: number\n"
							  "      sold: boolean\n"
							  "      code: uuid\n"
							  "      data: json\n"
							  "      room: text\n"
							  "      place: integer\n"
							  "    references:\n"
							  "      books shelf: { fields: [room, place], to: shelves }\n"
							  "  shelves:\n"
							  "    key: [room, place]\n"
							  "    fields:\n"
							  "      room: text\n"
							  "      place: integer\n"
							  "      width: integer\n"
							  "  labels:\n"
							  "    key: word\n"
							  "    fields:\n"
							  "      word: text\n"
							  "      weight: integer\n"
							  "  labelled:\n"
							  "    key: [book, label]\n"
							  "    fields:\n"
							  "      book: { type: integer, references: books }\n"
							  "      label: { type: text, references: labels }\n"
							  "  editors:\n"
							  "    key: id\n"
							  "    fields:\n"
							  "      id: integer\n"
							  "      chief: { type: integer, references: editors }\n";

#define LIBRARY                                                                                    \
	{L, "insert authors?&quiet",                                                                   \
	 "[{\"id\":1,\"name\":\"Ann\",\"born\":1950},{\"id\":2,\"name\":\"Bob\",\"born\":null},"       \
	 "{\"id\":3,\"name\":\"Cyd\",\"born\":1970}]",                                                 \
	 "3+3"},                                                                                       \
		{L, "insert profiles?&quiet", "[{\"author\":1,\"site\":\"a.example\"}]", "1+1"},           \
		{L, "insert shelves?&quiet",                                                               \
		 "[{\"room\":\"hall\",\"place\":1,\"width\":80},"                                          \
		 "{\"room\":\"hall\",\"place\":2,\"width\":60}]",                                          \
		 "2+2"},                                                                                   \
		{L, "insert books?&quiet",                                                                 \
		 "[{\"id\":1,\"author\":1,\"title\":\"The fat cat\",\"price\":9.95,\"rating\":4.5,"        \
		 "\"sold\":true,\"code\":\"6b1f2d3c-0000-4000-8000-00000000000a\","                        \
		 "\"data\":{\"a\":{\"b\":[1,\"x\"]},\"n\":5},\"room\":\"hall\",\"place\":1},"              \
		 "{\"id\":2,\"author\":1,\"title\":\"A cat sat\",\"price\":10.05,\"rating\":2.5,"          \
		 "\"sold\":false,\"code\":null,\"data\":{\"a\":null,\"n\":\"5\"},\"room\":\"hall\","       \
		 "\"place\":1},"                                                                           \
		 "{\"id\":3,\"author\":2,\"title\":\"\\u00c9clair 100%\",\"price\":null,\"rating\":0.5,"   \
		 "\"sold\":null,\"code\":null,\"data\":[10,20],\"room\":\"hall\",\"place\":null},"         \
		 "{\"id\":4,\"author\":null,\"title\":null,\"price\":1,\"rating\":null,\"sold\":true,"     \
		 "\"code\":null,\"data\":null,\"room\":null,\"place\":null}]",                             \
		 "4+4"},                                                                                   \
		{L, "insert labels?&quiet",                                                                \
		 "[{\"word\":\"cats\",\"weight\":3},{\"word\":\"food\",\"weight\":1},"                     \
		 "{\"word\":\"old\",\"weight\":2}]",                                                       \
		 "3+3"},                                                                                   \
		{L, "insert labelled?&quiet",                                                              \
		 "[{\"book\":1,\"label\":\"cats\"},{\"book\":1,\"label\":\"old\"},"                        \
		 "{\"book\":2,\"label\":\"cats\"},{\"book\":3,\"label\":\"food\"}]",                       \
		 "4+4"},                                                                                   \
	{                                                                                              \
		L, "insert editors?&quiet",                                                                \
			"[{\"id\":1,\"chief\":null},{\"id\":2,\"chief\":1},{\"id\":3,\"chief\":1}]", "3+3"     \
	}

static const struct contract_row embeds_rows[] = {
	LIBRARY,
	/* To one; to several; through a junction; by two fields. */
	{L, "list books?select=id,authors(name)", NULL,
	 "4 [{\"id\":1,\"authors\":{\"name\":\"Ann\"}},{\"id\":2,\"authors\":{\"name\":\"Ann\"}},"
	 "{\"id\":3,\"authors\":{\"name\":\"Bob\"}},{\"id\":4,\"authors\":null}]"},
	{L, "list authors?select=id,books(id,title)", NULL,
	 "3 [{\"id\":1,\"books\":[{\"id\":1,\"title\":\"The fat cat\"},{\"id\":2,"
	 "\"title\":\"A cat sat\"}]},{\"id\":2,\"books\":[{\"id\":3,\"title\":\"Éclair 100%\"}]},"
	 "{\"id\":3,\"books\":[]}]"},
	{L, "list authors?select=id,profiles(site)", NULL,
	 "3 [{\"id\":1,\"profiles\":{\"site\":\"a.example\"}},{\"id\":2,\"profiles\":null},{\"id\":3,"
	 "\"profiles\":null}]"},
	{L, "list profiles?select=site,authors(*)", NULL,
	 "1 [{\"site\":\"a.example\",\"authors\":{\"id\":1,\"name\":\"Ann\",\"born\":1950}}]"},
	{L, "list books?select=id,labels(word)", NULL,
	 "4 [{\"id\":1,\"labels\":[{\"word\":\"cats\"},{\"word\":\"old\"}]},{\"id\":2,"
	 "\"labels\":[{\"word\":\"cats\"}]},{\"id\":3,\"labels\":[{\"word\":\"food\"}]},{\"id\":4,"
	 "\"labels\":[]}]"},
	{L, "list labels?select=word,books(id)&order=word.desc", NULL,
	 "3 [{\"word\":\"old\",\"books\":[{\"id\":1}]},{\"word\":\"food\",\"books\":[{\"id\":3}]},"
	 "{\"word\":\"cats\",\"books\":[{\"id\":1},{\"id\":2}]}]"},
	{L, "list books?select=id,shelves(width)", NULL,
	 "4 [{\"id\":1,\"shelves\":{\"width\":80}},{\"id\":2,\"shelves\":{\"width\":80}},{\"id\":3,"
	 "\"shelves\":null},{\"id\":4,\"shelves\":null}]"},
	{L, "list shelves?select=place,books(id)", NULL,
	 "2 [{\"place\":1,\"books\":[{\"id\":1},{\"id\":2}]},{\"place\":2,\"books\":[]}]"},
	{L, "list editors?select=id,chief(id)", NULL,
	 "3 [{\"id\":1,\"chief\":null},{\"id\":2,\"chief\":{\"id\":1}},{\"id\":3,"
	 "\"chief\":{\"id\":1}}]"},
	{L, "list editors?select=id,under:editors!chief(id)&id=eq.1", NULL,
	 "1 [{\"id\":1,\"under\":[{\"id\":2},{\"id\":3}]}]"},
	/* Deep. */
	{L, "list authors?select=name,books(title,labels(word,weight),shelves(width))&id=lt.3", NULL,
	 "2 [{\"name\":\"Ann\",\"books\":[{\"title\":\"The fat cat\",\"labels\":[{\"word\":\"cats\","
	 "\"weight\":3},{\"word\":\"old\",\"weight\":2}],\"shelves\":{\"width\":80}},"
	 "{\"title\":\"A cat sat\",\"labels\":[{\"word\":\"cats\",\"weight\":3}],"
	 "\"shelves\":{\"width\":80}}]},{\"name\":\"Bob\",\"books\":[{\"title\":\"Éclair 100%\","
	 "\"labels\":[{\"word\":\"food\",\"weight\":1}],\"shelves\":null}]}]"},
	{L, "list labels?select=word,books(authors(name,profiles(site)))", NULL,
	 "3 [{\"word\":\"cats\",\"books\":[{\"authors\":{\"name\":\"Ann\","
	 "\"profiles\":{\"site\":\"a.example\"}}},{\"authors\":{\"name\":\"Ann\","
	 "\"profiles\":{\"site\":\"a.example\"}}}]},{\"word\":\"food\","
	 "\"books\":[{\"authors\":{\"name\":\"Bob\",\"profiles\":null}}]},{\"word\":\"old\","
	 "\"books\":[{\"authors\":{\"name\":\"Ann\",\"profiles\":{\"site\":\"a.example\"}}}]}]"},
	/* Order, limit and offset for each parent. */
	{L, "list authors?select=id,books(id)&books.order=id.desc", NULL,
	 "3 [{\"id\":1,\"books\":[{\"id\":2},{\"id\":1}]},{\"id\":2,\"books\":[{\"id\":3}]},"
	 "{\"id\":3,\"books\":[]}]"},
	{L, "list authors?select=id,books(id)&books.limit=1", NULL,
	 "3 [{\"id\":1,\"books\":[{\"id\":1}]},{\"id\":2,\"books\":[{\"id\":3}]},{\"id\":3,"
	 "\"books\":[]}]"},
	{L, "list authors?select=id,books(id)&books.limit=1&books.offset=1", NULL,
	 "3 [{\"id\":1,\"books\":[{\"id\":2}]},{\"id\":2,\"books\":[]},{\"id\":3,\"books\":[]}]"},
	{L, "list books?select=id,labels(word)&labels.order=weight&labels.limit=1", NULL,
	 "4 [{\"id\":1,\"labels\":[{\"word\":\"old\"}]},{\"id\":2,\"labels\":[{\"word\":\"cats\"}]},"
	 "{\"id\":3,\"labels\":[{\"word\":\"food\"}]},{\"id\":4,\"labels\":[]}]"},
	/* Conditions of the embed, and by the embed. */
	{L, "list authors?select=id,books(id)&books.sold=is.true", NULL,
	 "3 [{\"id\":1,\"books\":[{\"id\":1}]},{\"id\":2,\"books\":[]},{\"id\":3,\"books\":[]}]"},
	{L, "list authors?select=id,books!inner(id)&books.sold=is.true", NULL,
	 "1 [{\"id\":1,\"books\":[{\"id\":1}]}]"},
	{L, "list authors?select=id,books()&books=is.null", NULL, "1 [{\"id\":3}]"},
	{L, "list authors?select=id,books()&books=not.is.null", NULL, "2 [{\"id\":1},{\"id\":2}]"},
	{L, "list books?select=id,labels!inner()&labels.word=eq.cats", NULL,
	 "2 [{\"id\":1},{\"id\":2}]"},
	{L, "list books?select=id,authors!inner(name)&authors.born=gt.1900", NULL,
	 "2 [{\"id\":1,\"authors\":{\"name\":\"Ann\"}},{\"id\":2,\"authors\":{\"name\":\"Ann\"}}]"},
	{L, "list books?select=id,shelves!inner()", NULL, "2 [{\"id\":1},{\"id\":2}]"},
	{L, "list authors?select=id,books!inner(labels!inner())&books.labels.word=eq.old", NULL,
	 "1 [{\"id\":1,\"books\":[{}]}]"},
	{L, "list authors?select=id,books!inner()&books.offset=1", NULL, "1 [{\"id\":1}]"},
	{L, "list authors?select=id&total", NULL, "3/3 [{\"id\":1},{\"id\":2},{\"id\":3}]"},
	{L, "list authors?select=id,books!inner()&limit=1&total", NULL, "1/2 [{\"id\":1}]"},
	/* Order by the row that is embedded. */
	{L, "list= books?select=id,authors()&order=authors(name).desc,id", NULL, "4 [4,3,1,2]"},
	{L, "list= books?select=id,authors()&order=authors(born).nullsfirst,id", NULL, "4 [3,4,1,2]"},
	{L, "get{} books?select=title,authors(name)&id=eq.1", NULL,
	 "1 {\"title\":\"The fat cat\",\"authors\":{\"name\":\"Ann\"}}"},
	{L, "get{} books?select=title,authors(name)&id=eq.9", NULL, "404 RL404 Not found"},
};

static void test_embeds(void **state)
{
	(void)state;
	CONTRACT_RUN(library, embeds_rows);
}

static const struct contract_row spreads_rows[] = {
	LIBRARY,
	{L, "list books?select=id,...authors(name,born)", NULL,
	 "4 [{\"id\":1,\"name\":\"Ann\",\"born\":1950},{\"id\":2,\"name\":\"Ann\",\"born\":1950},"
	 "{\"id\":3,\"name\":\"Bob\",\"born\":null},{\"id\":4,\"name\":null,\"born\":null}]"},
	{L, "list books?select=id,...authors(name)&order=authors(name).desc,id", NULL,
	 "4 [{\"id\":4,\"name\":null},{\"id\":3,\"name\":\"Bob\"},{\"id\":1,\"name\":\"Ann\"},"
	 "{\"id\":2,\"name\":\"Ann\"}]"},
	{L, "list books?select=id,...authors(name,...profiles(site))", NULL,
	 "4 [{\"id\":1,\"name\":\"Ann\",\"site\":\"a.example\"},{\"id\":2,\"name\":\"Ann\","
	 "\"site\":\"a.example\"},{\"id\":3,\"name\":\"Bob\",\"site\":null},{\"id\":4,\"name\":null,"
	 "\"site\":null}]"},
	{L, "list books?select=id,...authors!inner(name)", NULL,
	 "3 [{\"id\":1,\"name\":\"Ann\"},{\"id\":2,\"name\":\"Ann\"},{\"id\":3,\"name\":\"Bob\"}]"},
	{L, "list authors?select=id,...books(titles:title,id2:id)", NULL,
	 "3 [{\"id\":1,\"titles\":[\"The fat cat\",\"A cat sat\"],\"id2\":[1,2]},{\"id\":2,"
	 "\"titles\":[\"Éclair 100%\"],\"id2\":[3]},{\"id\":3,\"titles\":[],\"id2\":[]}]"},
	{L, "list authors?select=id,...books(ids:id)&books.order=id.desc", NULL,
	 "3 [{\"id\":1,\"ids\":[2,1]},{\"id\":2,\"ids\":[3]},{\"id\":3,\"ids\":[]}]"},
	{L, "list authors?select=id,...books(ids:id,...labels(words:word))&id=eq.1", NULL,
	 "1 [{\"id\":1,\"ids\":[1,2],\"words\":[[\"cats\",\"old\"],[\"cats\"]]}]"},
	{L, "list authors?select=id,...books(ids:id,...shelves(width))&id=eq.1", NULL,
	 "1 [{\"id\":1,\"ids\":[1,2],\"width\":[80,80]}]"},
	{L, "list authors?select=id,...books(labels(word))&id=eq.1", NULL,
	 "1 [{\"id\":1,\"labels\":[[{\"word\":\"cats\"},{\"word\":\"old\"}],[{\"word\":\"cats\"}]]}]"},
	{L, "list books?select=id,...authors(books(id))&id=in.(1,4)", NULL,
	 "2 [{\"id\":1,\"books\":[{\"id\":1},{\"id\":2}]},{\"id\":4,\"books\":null}]"},
	{L, "list# books?select=id,...authors(name),labels(word)", NULL,
	 "4 id,name,labels\n1,Ann,\"[{\"\"word\"\":\"\"cats\"\"},{\"\"word\"\":\"\"old\"\"}]\"\n2,"
	 "Ann,\"[{\"\"word\"\":\"\"cats\"\"}]\"\n3,Bob,\"[{\"\"word\"\":\"\"food\"\"}]\"\n4,,[]"},
};

static void test_spreads(void **state)
{
	(void)state;
	CONTRACT_RUN(library, spreads_rows);
}

static const struct contract_row aggregates_rows[] = {
	LIBRARY,
	{L, "list books?select=count()", NULL, "1 [{\"count\":4}]"},
	{L, "list books?select=count()&id=gt.9", NULL, "1 [{\"count\":0}]"},
	{L, "list books?select=price.sum(),price.avg(),price.min(),price.max(),price.count()", NULL,
	 "1 [{\"sum\":21,\"avg\":7,\"min\":1,\"max\":10.05,\"count\":3}]"},
	{L, "list books?select=a:rating.sum(),b:rating.avg(),c:id.sum(),d:id.avg(),title.max()", NULL,
	 "1 [{\"a\":7.5,\"b\":2.5,\"c\":10,\"d\":2.5,\"max\":\"Éclair 100%\"}]"},
	{L, "list books?select=price.sum(),rating.avg(),title.min()&id=gt.9", NULL,
	 "1 [{\"sum\":null,\"avg\":null,\"min\":null}]"},
	{L, "list books?select=author,count(),price.sum()", NULL,
	 "3 [{\"author\":1,\"count\":2,\"sum\":20},{\"author\":2,\"count\":1,\"sum\":null},"
	 "{\"author\":null,\"count\":1,\"sum\":1}]"},
	{L, "list books?select=author,count()&order=author.desc", NULL,
	 "3 [{\"author\":null,\"count\":1},{\"author\":2,\"count\":1},{\"author\":1,\"count\":2}]"},
	{L, "list books?select=sold,total:id.sum()&order=sold.nullsfirst", NULL,
	 "3 [{\"sold\":null,\"total\":3},{\"sold\":false,\"total\":2},{\"sold\":true,\"total\":5}]"},
	{L, "list books?select=author,count()&limit=1&offset=1&total", NULL,
	 "1/3 [{\"author\":2,\"count\":1}]"},
	{L, "list books?select=author,count()&id=gt.9&total", NULL, "0 []"},
	{L, "list books?select=title&order=rating&limit=1", NULL, "1 [{\"title\":\"Éclair 100%\"}]"},
	{L, "list books?select=a:price.sum()::text,b:rating::integer.sum(),c:id.avg()::integer", NULL,
	 "1 [{\"a\":\"21\",\"b\":6,\"c\":2}]",
	 "400 PGRST127 A cast of values that are grouped, aggregated or distinct"},
	{L, "list books?select=data->>n.max(),data->n", NULL,
	 "3 [{\"max\":\"5\",\"n\":\"5\"},{\"max\":\"5\",\"n\":5},{\"max\":null,\"n\":null}]"},
	{L, "list authors?select=name,books(count())", NULL,
	 "3 [{\"name\":\"Ann\",\"books\":[{\"count\":2}]},{\"name\":\"Bob\","
	 "\"books\":[{\"count\":1}]},{\"name\":\"Cyd\",\"books\":[{\"count\":0}]}]"},
	{L, "list authors?select=name,books(price.sum(),sold)&id=lt.3", NULL,
	 "2 [{\"name\":\"Ann\",\"books\":[{\"sum\":10.05,\"sold\":false},{\"sum\":9.95,"
	 "\"sold\":true}]},{\"name\":\"Bob\",\"books\":[{\"sum\":null,\"sold\":null}]}]"},
	{L, "list authors?select=name,...books(ids:id.max())", NULL,
	 "3 [{\"name\":\"Ann\",\"ids\":[2]},{\"name\":\"Bob\",\"ids\":[3]},{\"name\":\"Cyd\","
	 "\"ids\":[null]}]"},
	{L, "list books?select=...authors(name),count()", NULL,
	 "3 [{\"name\":\"Ann\",\"count\":2},{\"name\":\"Bob\",\"count\":1},{\"name\":null,"
	 "\"count\":1}]"},
	{L, "list books?select=count(),labels(word)&id=eq.1", NULL,
	 "1 [{\"count\":1,\"labels\":[{\"word\":\"cats\"},{\"word\":\"old\"}]}]"},
	{L, "insert labels?&quiet",
	 "[{\"word\":\"x\",\"weight\":9223372036854775807},{\"word\":\"y\",\"weight\":1}]", "2+2"},
	{L, "list labels?select=weight.sum()", NULL,
	 "400 22003 a sum is out of range for type integer"},
	{L, "list labels?select=weight.sum()&word=eq.x", NULL, "1 [{\"sum\":9223372036854775807}]"},
	{L, "list labels?select=weight.max(),weight.min()", NULL,
	 "1 [{\"max\":9223372036854775807,\"min\":1}]"},
	{L, "list authors?select=id,born.sum(),id.count()&order=id.desc", NULL,
	 "3 [{\"id\":3,\"sum\":1970,\"count\":1},{\"id\":2,\"sum\":null,\"count\":1},{\"id\":1,"
	 "\"sum\":1950,\"count\":1}]"},
	/* After a value that cannot be cast no other counts. */
	{L, "insert labels?&quiet", "[{\"word\":\"1\"},{\"word\":\"yy\"},{\"word\":\"zz\"}]", "3+3"},
	{L, "list labels?select=word::number.max()&word=in.(1,yy,zz)", NULL,
	 "400 22P02 invalid input syntax for type number: \"yy\"",
	 "400 PGRST127 A cast of values that are grouped, aggregated or distinct"},
};

static void test_aggregates(void **state)
{
	(void)state;
	CONTRACT_RUN(library, aggregates_rows);
}

static const struct contract_row operators_rows[] = {
	LIBRARY,
	{L, "list= books?select=id&title=like.*cat*", NULL, "2 [1,2]"},
	{L, "list= books?select=id&title=like.The*", NULL, "1 [1]"},
	{L, "list= books?select=id&title=like.the*", NULL, "0 []"},
	{L, "list= books?select=id&title=ilike.the*", NULL, "1 [1]"},
	{L, "list= books?select=id&title=ilike.*%C3%A9clair*", NULL, "1 [3]"},
	{L, "list= books?select=id&title=like.*100\\%25", NULL, "1 [3]"},
	{L, "list= books?select=id&title=like._%20cat%20sat", NULL, "1 [2]"},
	{L, "list= books?select=id&title=not.like.*cat*", NULL, "1 [3]"},
	{L, "list= books?select=id&title=like(any).{*fat*,*sat*}", NULL, "2 [1,2]"},
	{L, "list= books?select=id&title=like(all).{*cat*,*fat*}", NULL, "1 [1]"},
	{L, "list= books?select=id&title=match.^A", NULL, "1 [2]"},
	{L, "list= books?select=id&title=imatch.CAT$", NULL, "1 [1]"},
	{L, "list= books?select=id&title=match.(", NULL,
	 "400 2201B invalid regular expression: missing closing parenthesis"},
	{L, "list= books?select=id&title=fts.cat", NULL, "2 [1,2]"},
	{L, "list= books?select=id&title=fts.fat|sat", NULL, "2 [1,2]"},
	{L, "list= books?select=id&title=fts.cat%26!fat", NULL, "1 [2]"},
	{L, "list= books?select=id&title=plfts.cat%20the", NULL, "1 [1]"},
	{L, "list= books?select=id&title=phfts.fat%20cat", NULL, "1 [1]"},
	{L, "list= books?select=id&title=phfts.cat%20fat", NULL, "0 []"},
	{L, "list= books?select=id&title=wfts.cat%20-fat", NULL, "1 [2]"},
	{L, "list= books?select=id&title=not.fts.cat", NULL, "1 [3]"},
	{L, "list= books?select=id&author=isdistinct.1", NULL, "2 [3,4]"},
	{L, "list= books?select=id&author=not.isdistinct.1", NULL, "2 [1,2]"},
	{L, "list= books?select=id&author=neq.1", NULL, "1 [3]"},
	{L, "list= books?select=id&price=gt.9.95", NULL, "1 [2]"},
	{L, "list= books?select=id&price=eq.10.05", NULL, "1 [2]"},
	{L, "list= books?select=id&rating=lte.2.5", NULL, "2 [2,3]"},
	{L, "list= books?select=id&id=eq(any).{1,3}", NULL, "2 [1,3]"},
	{L, "list= books?select=id&id=gt(all).{1,2}", NULL, "2 [3,4]"},
	{L, "list= books?select=id&code=eq.6B1F2D3C-0000-4000-8000-00000000000A", NULL, "1 [1]"},
	{L, "list= books?select=id&sold=eq.false", NULL, "1 [2]"},
	{L, "list= books?select=id&sold=is.not_null", NULL, "3 [1,2,4]"},
	{L, "list= books?select=id&room=eq.hall&place=eq.1", NULL, "2 [1,2]"},
	{L, "list= books?select=id&or=(title.like.*fat*,and(price.lt.5,author.is.null))", NULL,
	 "2 [1,4]"},
};

static void test_operators(void **state)
{
	(void)state;
	CONTRACT_RUN(library, operators_rows);
}

static const struct contract_row paths_and_casts_rows[] = {
	LIBRARY,
	{L, "list books?select=id,data->a,data->>n,b:data->a->b->>1", NULL,
	 "4 [{\"id\":1,\"a\":{\"b\":[1,\"x\"]},\"n\":\"5\",\"b\":\"x\"},{\"id\":2,\"a\":null,"
	 "\"n\":\"5\",\"b\":null},{\"id\":3,\"a\":null,\"n\":null,\"b\":null},{\"id\":4,\"a\":null,"
	 "\"n\":null,\"b\":null}]"},
	{L, "list books?select=id,data->0,last:data->>-1&id=eq.3", NULL,
	 "1 [{\"id\":3,\"data\":10,\"last\":\"20\"}]"},
	{L, "list= books?select=id&data->>n=eq.5", NULL, "2 [1,2]"},
	{L, "list= books?select=id&data->n=eq.5", NULL, "1 [1]"},
	{L, "list= books?select=id&data->>n=is.null", NULL, "2 [3,4]"},
	{L, "list= books?select=id&data->a->b->>1=like.x*", NULL, "1 [1]"},
	{L, "list= books?select=id&data->>n=in.(5,6)", NULL, "2 [1,2]"},
	{L, "list= books?select=id&order=data->>n.desc,id", NULL, "4 [3,4,1,2]"},
	{L, "list= books?select=id&order=data->>0.nullsfirst,id.desc", NULL, "4 [4,2,1,3]"},
	{L, "list books?select=id::text,price::text,rating::text,sold::text&id=lt.4", NULL,
	 "3 [{\"id\":\"1\",\"price\":\"9.95\",\"rating\":\"4.5\",\"sold\":\"true\"},{\"id\":\"2\","
	 "\"price\":\"10.05\",\"rating\":\"2.5\",\"sold\":\"false\"},{\"id\":\"3\",\"price\":null,"
	 "\"rating\":\"0.5\",\"sold\":null}]"},
	{L, "list books?select=price::integer,rating::integer,sold::integer&id=lt.4", NULL,
	 "3 [{\"price\":10,\"rating\":4,\"sold\":1},{\"price\":10,\"rating\":2,\"sold\":0},"
	 "{\"price\":null,\"rating\":0,\"sold\":null}]"},
	{L, "list books?select=id::number,price::float8,sold::number&id=eq.1", NULL,
	 "1 [{\"id\":1,\"price\":9.95,\"sold\":1}]"},
	{L, "list books?select=id::boolean,n:data->>n::integer&id=eq.1", NULL,
	 "1 [{\"id\":true,\"n\":5}]"},
	{L, "list books?select=title::integer&id=eq.1", NULL,
	 "400 22P02 invalid input syntax for type integer: \"The fat cat\""},
	{L, "list books?select=title::json&id=eq.1", NULL,
	 "400 22P02 invalid input syntax for type json: \"The fat cat\""},
	{L, "list books?select=id::json,sold::json,code::json,text:code::text&id=eq.1", NULL,
	 "1 [{\"id\":1,\"sold\":true,\"code\":\"6b1f2d3c-0000-4000-8000-00000000000a\","
	 "\"text\":\"6b1f2d3c-0000-4000-8000-00000000000a\"}]"},
	{L, "list books?select=data::text&id=eq.1", NULL,
	 "1 [{\"data\":\"{\\\"a\\\":{\\\"b\\\":[1,\\\"x\\\"]},\\\"n\\\":5}\"}]"},
	{L, "list books?select=title::uuid&id=eq.1", NULL,
	 "400 22P02 invalid input syntax for type uuid: \"The fat cat\""},
	{L, "list books?select=author::text,...authors(born::text)&id=eq.1", NULL,
	 "1 [{\"author\":\"1\",\"born\":\"1950\"}]"},
	{L, "update books?id=eq.1&select=id,data->>n,price::text", "{\"price\":3}",
	 "1 [{\"id\":1,\"n\":\"5\",\"price\":\"3\"}]"},
};

static void test_paths_and_casts(void **state)
{
	(void)state;
	CONTRACT_RUN(library, paths_and_casts_rows);
}

static const struct contract_row distinct_and_formats_rows[] = {
	LIBRARY,
	{L, "list books?select=author&distinct=true", NULL,
	 "3 [{\"author\":1},{\"author\":2},{\"author\":null}]"},
	{L, "list books?select=author&distinct=true&order=author.desc&limit=2&total", NULL,
	 "2/3 [{\"author\":null},{\"author\":2}]"},
	{L, "list books?select=room,place&distinct=true&offset=1&total", NULL,
	 "2/3 [{\"room\":\"hall\",\"place\":null},{\"room\":null,\"place\":null}]"},
	{L, "list books?select=room,sold::text&distinct=true", NULL,
	 "4 [{\"room\":\"hall\",\"sold\":\"false\"},{\"room\":\"hall\",\"sold\":\"true\"},"
	 "{\"room\":\"hall\",\"sold\":null},{\"room\":null,\"sold\":\"true\"}]"},
	{L, "list# books?select=id,title,price,sold,code,data", NULL,
	 "4 id,title,price,sold,code,data\n1,The fat cat,9.95,true,"
	 "6b1f2d3c-0000-4000-8000-00000000000a,\"{\"\"a\"\":{\"\"b\"\":[1,\"\"x\"\"]},"
	 "\"\"n\"\":5}\"\n2,A cat sat,10.05,false,,\"{\"\"a\"\":null,\"\"n\"\":\"\"5\"\"}\"\n3,"
	 "Éclair 100%,,,,\"[10,20]\"\n4,,1,true,,"},
	{L, "list/ books?select=id,title,authors(name)", NULL,
	 "4 {\"id\":1,\"title\":\"The fat cat\",\"authors\":{\"name\":\"Ann\"}}\n{\"id\":2,"
	 "\"title\":\"A cat sat\",\"authors\":{\"name\":\"Ann\"}}\n{\"id\":3,"
	 "\"title\":\"Éclair 100%\",\"authors\":{\"name\":\"Bob\"}}\n{\"id\":4,\"title\":null,"
	 "\"authors\":null}\n"},
	{L, "list{} books?select=id&id=eq.2", NULL, "1 {\"id\":2}"},
	{L, "list{} books?select=id", NULL,
	 "406 PGRST116 Cannot coerce the result to a single JSON object | The result contains 4 rows"},
	{L, "list{} books?select=id&id=gt.9", NULL,
	 "406 PGRST116 Cannot coerce the result to a single JSON object | The result contains 0 rows"},
	{L, "list books?select=id,title,price,authors(born)&strip", NULL,
	 "4 [{\"id\":1,\"title\":\"The fat cat\",\"price\":9.95,\"authors\":{\"born\":1950}},"
	 "{\"id\":2,\"title\":\"A cat sat\",\"price\":10.05,\"authors\":{\"born\":1950}},{\"id\":3,"
	 "\"title\":\"Éclair 100%\",\"authors\":{}},{\"id\":4,\"price\":1}]"},
	{L, "list books?select=authors()&id=lt.3", NULL, "2 [{},{}]"},
	{L, "list= books?select=title", NULL, "4 [\"The fat cat\",\"A cat sat\",\"Éclair 100%\",null]"},
};

static void test_distinct_and_formats(void **state)
{
	(void)state;
	CONTRACT_RUN(library, distinct_and_formats_rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_embeds),          cmocka_unit_test(test_spreads),
		cmocka_unit_test(test_aggregates),      cmocka_unit_test(test_operators),
		cmocka_unit_test(test_paths_and_casts), cmocka_unit_test(test_distinct_and_formats),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
