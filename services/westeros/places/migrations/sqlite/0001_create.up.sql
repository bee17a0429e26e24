-- the table "places" is made
CREATE TABLE "places" (
  "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  "name" TEXT NOT NULL
) STRICT;
-- the table "_rl_hold_places" is made
CREATE TABLE "_rl_hold_places" (
  "id" TEXT NOT NULL,
  "from" TEXT NOT NULL,
  "mark" TEXT NOT NULL,
  "kept" INTEGER NOT NULL CONSTRAINT "_rl_hold_places_kept_check" CHECK ("kept" IN (0,1)),
  "at" INTEGER NOT NULL,
  "key1" INTEGER NOT NULL REFERENCES "places" ("id"),
  PRIMARY KEY ("id")
) STRICT, WITHOUT ROWID;
CREATE INDEX "_rl_hold_places.key1_idx" ON "_rl_hold_places" ("key1");
CREATE INDEX "_rl_hold_places.kept,at_idx" ON "_rl_hold_places" ("kept","at");
