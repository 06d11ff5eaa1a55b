-- What a run set aside, and what was protected when something was applied last.

ALTER TABLE run ADD COLUMN overrides TEXT NOT NULL DEFAULT '[]';

CREATE TABLE protection (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, name)
);
