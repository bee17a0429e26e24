-- WARNING: the table "people" and all its rows are lost
DROP TABLE `people`;
-- WARNING: the table "_rl_decision" and all its rows are lost
DROP TABLE `_rl_decision`;
-- WARNING: the table "_rl_outbox" and all its rows are lost
DROP TABLE `_rl_outbox`;
