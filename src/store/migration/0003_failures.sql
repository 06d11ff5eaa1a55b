-- The sources that failed or were doubted when they were asked last.

CREATE TABLE failure (
    kind    TEXT   NOT NULL,
    name    TEXT   NOT NULL,
    since   BIGINT NOT NULL,
    message TEXT,
    doubts  TEXT   NOT NULL,
    PRIMARY KEY (kind, name)
);
