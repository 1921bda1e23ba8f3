-- A merchant's own recalls are few among millions of events: each has one entry here, and events none.
CREATE INDEX statement_recall ON statement (merchant_id, batch_id, position) WHERE kind = 'recall';
