-- Statements are separated by one empty line. The triggers keep `counts` in the transaction of
-- the write, as the tally of the server under test does, so a PUT is one round trip.
CREATE TABLE ratings (
	user_id     BIGINT  NOT NULL,
	item_id     BIGINT  NOT NULL,
	rating_type TINYINT NOT NULL CHECK (rating_type IN (1, 2, 3)),
	PRIMARY KEY (user_id, item_id)
) ENGINE = InnoDB

CREATE TABLE counts (
	user_id     BIGINT  NOT NULL,
	rating_type TINYINT NOT NULL,
	count       BIGINT  NOT NULL,
	PRIMARY KEY (user_id, rating_type)
) ENGINE = InnoDB

CREATE TRIGGER ratings_insert AFTER INSERT ON ratings FOR EACH ROW
	INSERT INTO counts VALUES (NEW.user_id, NEW.rating_type, 1)
		ON DUPLICATE KEY UPDATE count = count + 1

-- Both rows in one statement, in key order: two writers of one user lock them in one order.
CREATE TRIGGER ratings_update AFTER UPDATE ON ratings FOR EACH ROW
	IF OLD.rating_type <> NEW.rating_type THEN
		INSERT INTO counts VALUES
			(NEW.user_id, LEAST(OLD.rating_type, NEW.rating_type),
				IF(OLD.rating_type < NEW.rating_type, -1, 1)),
			(NEW.user_id, GREATEST(OLD.rating_type, NEW.rating_type),
				IF(OLD.rating_type < NEW.rating_type, 1, -1))
			ON DUPLICATE KEY UPDATE count = count + VALUES(count);
	END IF

CREATE TRIGGER ratings_delete AFTER DELETE ON ratings FOR EACH ROW
	UPDATE counts SET count = count - 1
		WHERE user_id = OLD.user_id AND rating_type = OLD.rating_type
