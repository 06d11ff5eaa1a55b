-- Times are microseconds since 1970-01-01 UTC. JSON stands as text. Closed sets stand as their words.
-- An empty `instance` means that the item has none.

CREATE TABLE computer (
    id        TEXT   NOT NULL PRIMARY KEY,
    provider  TEXT   NOT NULL,
    agent     TEXT   NOT NULL,
    facts     TEXT,
    facts_at  BIGINT,
    contact   TEXT   NOT NULL,
    contacted BIGINT,
    listed    BIGINT NOT NULL
);

-- The last answers of directories, PSAs and selecting scripts that were believed.
CREATE TABLE source (
    kind    TEXT   NOT NULL,
    name    TEXT   NOT NULL,
    key     TEXT   NOT NULL,
    at      BIGINT NOT NULL,
    content TEXT   NOT NULL,
    PRIMARY KEY (kind, name)
);

CREATE TABLE detection (
    computer TEXT   NOT NULL,
    kind     TEXT   NOT NULL,
    name     TEXT   NOT NULL,
    instance TEXT   NOT NULL,
    probe    TEXT   NOT NULL,
    at       BIGINT NOT NULL,
    observed TEXT   NOT NULL,
    PRIMARY KEY (computer, kind, name, instance, probe)
);

-- What monitored tasks said, each time it was something else (TSK-4).
CREATE TABLE value_history (
    computer TEXT   NOT NULL,
    kind     TEXT   NOT NULL,
    name     TEXT   NOT NULL,
    instance TEXT   NOT NULL,
    at       BIGINT NOT NULL,
    observed TEXT   NOT NULL,
    PRIMARY KEY (computer, kind, name, instance, at)
);

CREATE TABLE run (
    id       TEXT   NOT NULL PRIMARY KEY,
    started  BIGINT NOT NULL,
    finished BIGINT,
    revision TEXT,
    plan     TEXT   NOT NULL
);

CREATE INDEX run_by_time ON run (started, id);

CREATE TABLE session (
    id       TEXT   NOT NULL PRIMARY KEY,
    run      TEXT   NOT NULL REFERENCES run (id),
    computer TEXT   NOT NULL,
    name     TEXT   NOT NULL,
    tenant   TEXT,
    status   TEXT   NOT NULL,
    started  BIGINT NOT NULL,
    finished BIGINT
);

CREATE INDEX session_by_time ON session (started, id);
CREATE INDEX session_by_computer ON session (computer, started, id);
CREATE INDEX session_by_run ON session (run);
CREATE INDEX session_unfinished ON session (started, id) WHERE finished IS NULL;

CREATE TABLE action (
    session  TEXT   NOT NULL REFERENCES session (id),
    position BIGINT NOT NULL,
    kind     TEXT   NOT NULL,
    name     TEXT   NOT NULL,
    instance TEXT   NOT NULL,
    action   TEXT   NOT NULL,
    reason   TEXT   NOT NULL,
    content  TEXT   NOT NULL,
    before   TEXT   NOT NULL,
    after    TEXT,
    result   TEXT,
    message  TEXT,
    output   TEXT,
    started  BIGINT NOT NULL,
    finished BIGINT,
    PRIMARY KEY (session, position)
);

-- The last result of every item on every computer.
CREATE TABLE result (
    computer TEXT   NOT NULL,
    kind     TEXT   NOT NULL,
    name     TEXT   NOT NULL,
    instance TEXT   NOT NULL,
    action   TEXT   NOT NULL,
    result   TEXT   NOT NULL,
    observed TEXT,
    content  TEXT   NOT NULL,
    at       BIGINT NOT NULL,
    session  TEXT   NOT NULL,
    -- Digest over the values that were given (PAR-8).
    given    TEXT,
    PRIMARY KEY (computer, kind, name, instance)
);

-- All of them. Writing the same result again adds nothing.
CREATE TABLE result_history (
    computer TEXT   NOT NULL,
    kind     TEXT   NOT NULL,
    name     TEXT   NOT NULL,
    instance TEXT   NOT NULL,
    action   TEXT   NOT NULL,
    result   TEXT   NOT NULL,
    observed TEXT,
    content  TEXT   NOT NULL,
    at       BIGINT NOT NULL,
    session  TEXT   NOT NULL,
    -- Digest over the values that were given (PAR-8).
    given    TEXT,
    PRIMARY KEY (computer, kind, name, instance, session, at, action)
);

-- What was wanted of whom when the last run ended, in parts that are written together.
CREATE TABLE remembered (
    part BIGINT NOT NULL PRIMARY KEY,
    body TEXT   NOT NULL
);

CREATE INDEX action_durations ON action (kind, name, instance, action) WHERE finished IS NOT NULL;
