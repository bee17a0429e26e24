-- the table "people" is made
CREATE TABLE "people" (
  "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  "name" TEXT NOT NULL,
  "isAlive" INTEGER NOT NULL DEFAULT 0 CONSTRAINT "people_isAlive_check" CHECK ("isAlive" IN (0,1)),
  "isKing" INTEGER NOT NULL DEFAULT 0 CONSTRAINT "people_isKing_check" CHECK ("isKing" IN (0,1)),
  "placeId" INTEGER,
  "_rl_hold_placeId" TEXT,
  CONSTRAINT "the living have a place" CHECK ("isAlive" IS FALSE OR NOT ("placeId" IS NULL))
) STRICT;
-- the table "_rl_decision" is made
CREATE TABLE "_rl_decision" (
  "id" TEXT NOT NULL,
  "used" INTEGER NOT NULL CONSTRAINT "_rl_decision_used_check" CHECK ("used" IN (0,1)),
  "at" INTEGER NOT NULL,
  PRIMARY KEY ("id")
) STRICT, WITHOUT ROWID;
-- the table "_rl_outbox" is made
CREATE TABLE "_rl_outbox" (
  "n" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  "resource" TEXT NOT NULL,
  "from" TEXT NOT NULL,
  "id" TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX "people.one living king per place" ON "people" ("placeId") WHERE "isKing" IS TRUE AND "isAlive" IS TRUE;
CREATE INDEX "people.placeId_idx" ON "people" ("placeId");
CREATE INDEX "people._rl_hold_placeId_idx" ON "people" ("_rl_hold_placeId");
CREATE INDEX "_rl_decision.used,at_idx" ON "_rl_decision" ("used","at");
