-- the table "places" is made
CREATE TABLE `places` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `name` varchar(64) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
-- the table "_rl_hold_places" is made
CREATE TABLE `_rl_hold_places` (
  `id` char(36) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  `from` varchar(63) NOT NULL,
  `mark` char(36) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
  `kept` tinyint(1) NOT NULL,
  `at` bigint(20) NOT NULL,
  `key1` bigint(20) NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `_rl_hold_places_kept_check` CHECK (`kept` in (0,1)),
  KEY `_rl_hold_places.key1_idx` (`key1`),
  KEY `_rl_hold_places.kept,at_idx` (`kept`,`at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
ALTER TABLE `_rl_hold_places`
  ADD CONSTRAINT `_rl_hold_places_key_fkey` FOREIGN KEY (`key1`) REFERENCES `places` (`id`);
