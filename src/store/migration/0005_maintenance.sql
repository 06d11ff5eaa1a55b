-- The maintenance modes that sessions have found off, and what became of them.
CREATE TABLE maintenance (
    session TEXT NOT NULL REFERENCES session (id),
    provider TEXT NOT NULL,
    agent TEXT NOT NULL,
    begun BIGINT NOT NULL,
    -- 1 as long as it is to be put back.
    unsettled BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (session, provider, agent)
);

CREATE INDEX maintenance_unsettled ON maintenance (unsettled, begun);
