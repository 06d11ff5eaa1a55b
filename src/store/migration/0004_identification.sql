-- Which agents are on which computers, as it was decided last: agents by `provider/agent`, computers by their ids.

CREATE TABLE identification (
    kind TEXT NOT NULL,
    id   TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, id)
);
