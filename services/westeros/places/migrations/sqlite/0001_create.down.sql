-- WARNING: the table "places" and all its rows are lost
DROP TABLE "places";
-- WARNING: the table "_rl_hold_places" and all its rows are lost
DROP TABLE "_rl_hold_places";
