-- the table "people" is made
CREATE TABLE `people` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `name` varchar(64) NOT NULL,
  `isAlive` tinyint(1) NOT NULL DEFAULT 0,
  `isKing` tinyint(1) NOT NULL DEFAULT 0,
  `placeId` bigint(20) DEFAULT NULL,
  `_rl_hold_placeId` char(36) CHARACTER SET ascii COLLATE ascii_nopad_bin DEFAULT NULL,
  `one living king per place.0` bigint(20) GENERATED ALWAYS AS (case when `isKing` is true and `isAlive` is true then `placeId` end) VIRTUAL,
  PRIMARY KEY (`id`),
  CONSTRAINT `people_isAlive_check` CHECK (`isAlive` in (0,1)),
  CONSTRAINT `people_isKing_check` CHECK (`isKing` in (0,1)),
  CONSTRAINT `the living have a place` CHECK (`isAlive` is false or `placeId` is not null),
  UNIQUE KEY `people.one living king per place` (`one living king per place.0`),
  KEY `people.placeId_idx` (`placeId`),
  KEY `people._rl_hold_placeId_idx` (`_rl_hold_placeId`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
-- the table "_rl_decision" is made
CREATE TABLE `_rl_decision` (
  `id` char(36) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  `used` tinyint(1) NOT NULL,
  `at` bigint(20) NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `_rl_decision_used_check` CHECK (`used` in (0,1)),
  KEY `_rl_decision.used,at_idx` (`used`,`at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
-- the table "_rl_outbox" is made
CREATE TABLE `_rl_outbox` (
  `n` bigint(20) NOT NULL AUTO_INCREMENT,
  `resource` varchar(63) NOT NULL,
  `from` varchar(63) NOT NULL,
  `id` char(36) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  PRIMARY KEY (`n`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
